//! The questions the service answers, one file per family: what each is called and how its
//! parameters are read. What they compute is in [`crate::metrics`].

pub(super) mod drawdown;
pub(super) mod etf_flows;
pub(super) mod funding;
pub(super) mod liquidations;
pub(super) mod liquidity;
pub(super) mod market_cap;
pub(super) mod open_interest;
pub(super) mod price;
pub(super) mod series;
pub(super) mod sources;
pub(super) mod volatility;

use crate::api::parameter::{Kind, Parameter, parsed};
use crate::domain::Period;

/// The length of a bar or bucket.
const INTERVAL: Parameter<Period> = Parameter {
    name: "interval",
    about: "The length of a row: a whole number and `m`, `h`, `d` or `w`.",
    example: "1d",
    kind: Kind::PERIOD,
    read: parsed,
};
