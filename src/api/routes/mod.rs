//! The questions the service answers, one file per family: what each is called and how its
//! parameters are read. What they compute is in [`crate::metrics`].

pub(super) mod breadth;
pub(super) mod briefing;
pub(super) mod correlation;
pub(super) mod cross_asset;
pub(super) mod drawdown;
pub(super) mod etf_flows;
pub(super) mod funding;
pub(super) mod liquidations;
pub(super) mod liquidity;
pub(super) mod market_cap;
pub(super) mod open_interest;
pub(super) mod options;
pub(super) mod price;
pub(super) mod safe_haven;
pub(super) mod series;
pub(super) mod sources;
pub(super) mod stress;
pub(super) mod volatility;

use crate::api::parameter::{Kind, Parameter, count, parsed};
use crate::domain::Period;

/// The length of a bar or bucket.
const INTERVAL: Parameter<Period> = Parameter {
    name: "interval",
    about: "The length of a row: a whole number and `m`, `h`, `d` or `w`.",
    example: "1d",
    kind: Kind::PERIOD,
    read: parsed,
};

/// The most rows of a series.
const MAX_POINTS: Parameter<u32> = Parameter {
    name: "max_points",
    about: "The most rows to answer with; the least and the greatest of each stretch are kept.",
    example: "500",
    kind: Kind::Count { min: 2, max: 100_000 },
    read: count,
};

/// A number of rows, as lists count.
fn points(given: Option<u32>) -> Option<usize> {
    given.and_then(|points| usize::try_from(points).ok())
}
