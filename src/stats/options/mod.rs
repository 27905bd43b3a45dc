//! Option skew and implied volatility (METHODOLOGY section 8, and section 7 for the model-free index).
//!
//! Owns Black's forward formula, the smile by delta, constant tenors and the variance strip. Volatilities are
//! annualised fractions (0.42 is 42 %), times are years of 365 days, premiums are undiscounted in the forward's unit.

mod black;
mod smile;
mod strip;
mod term;

pub use self::black::{Right, black_price, call_delta, implied_vol};
pub use self::smile::{Smile, SmileQuote, Wings};
pub use self::strip::{StripQuote, strip_variance};
pub use self::term::TermStructure;

/// Returns puts per call, in contracts of open interest or of volume; `None` without calls.
#[must_use]
pub fn put_call_ratio(puts: f64, calls: f64) -> Option<f64> {
    (calls > 0.0).then(|| puts / calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_without_calls_is_missing() {
        assert_eq!(put_call_ratio(3.0, 0.0), None);
        assert_eq!(put_call_ratio(0.0, 2.0), Some(0.0));
    }
}
