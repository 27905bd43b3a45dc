//! Numerics over plain slices: drawdowns, moments, ranks, volatility, regression, correlation.
//!
//! Owns formulas and their edge cases. It knows nothing of ours: no domain type, no clock, no I/O.
//! Slices go in, `Option` comes out; `None` means the sample cannot answer, never zero or NaN.
//! Formulas that no answer shows, since METHODOLOGY keeps them for research (tails, events that bring on
//! events, phases of a market), are held against the same golden values as the others.
//! Inputs are finite; time labels are plain `i64`, and positions are indices into the slice that was given.

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

/// A count as a number of the formulas; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no slice in memory holds 2^53 values")]
pub(crate) const fn real(count: usize) -> f64 {
    count as f64
}
