//! The questions the service answers, one file per family: what each is called and how its
//! parameters are read. What they compute is in [`crate::metrics`].

mod breadth;
mod briefing;
mod correlation;
mod cross_asset;
mod drawdown;
pub(super) mod endpoint;
mod etf_flows;
mod funding;
pub(super) mod handler;
mod liquidation_orders;
mod liquidations;
mod liquidity;
mod market_cap;
mod open_interest;
mod options;
mod price;
pub(super) mod router;
mod safe_haven;
mod series;
mod sources;
mod stress;
mod volatility;

use crate::api::params::parameter::{Kind, Parameter, count, parsed};
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
