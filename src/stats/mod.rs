//! Numerics over plain slices: drawdowns, moments, ranks, volatility, regression, correlation.
//!
//! Owns formulas and their edge cases. It uses nothing of this crate: no domain type, no clock, no I/O.
//! Slices go in, `Option` comes out; `None` means that the sample has no result, never zero or NaN.
//! METHODOLOGY keeps some formulas for research (tails, self-exciting events, market phases): no answer uses them,
//! and golden tests check them like the others.
//! Inputs are finite; time labels are plain `i64`, and positions are indices into the given slice.

pub mod breadth;
pub mod burst;
pub mod composite;
pub mod correlation;
pub mod drawdown;
pub mod episodes;
pub mod extremes;
pub mod flows;
pub mod funding;
pub mod hawkes;
pub mod liquidity;
pub mod market_cap;
pub mod moments;
pub mod ohlc;
pub mod open_interest;
pub mod options;
pub mod phases;
pub mod rank;
pub mod regime;
pub mod regression;
pub mod rolling_rank;
pub mod safe_haven;
pub mod since;
pub mod sum;
pub mod threshold;
pub mod volatility;

/// Converts a count to a number of the formulas; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no slice in memory holds 2^53 values")]
pub(crate) const fn real(count: usize) -> f64 {
    count as f64
}
