//! Funding rates of different intervals on one scale (METHODOLOGY section 6).
//!
//! A rate is a fraction per settlement interval; positive: longs pay. Raw rates of different intervals are never averaged.

use super::sum::sum;

const HOURS_PER_YEAR: f64 = 8760.0;

/// Converts a rate per `interval_hours` to a rate per eight hours, a fraction.
#[must_use]
pub fn per_8h(rate: f64, interval_hours: f64) -> f64 {
    rate / interval_hours * 8.0
}

/// Converts a rate per `interval_hours` to a simple annual rate, a fraction.
#[must_use]
pub fn annualised(rate: f64, interval_hours: f64) -> f64 {
    rate * HOURS_PER_YEAR / interval_hours
}

/// Converts a rate per `interval_hours` to a compounded annual rate, a fraction; `None` if a settlement takes everything.
#[must_use]
pub fn annualised_compound(rate: f64, interval_hours: f64) -> Option<f64> {
    (rate > -1.0).then(|| (rate.ln_1p() * HOURS_PER_YEAR / interval_hours).exp_m1())
}

/// Returns the mean of normalised rates weighted by open interest, from pairs of rate and weight; `None` if the
/// total weight is zero.
///
/// Callers omit venues that lack one of the two.
#[must_use]
pub fn weighted_mean(rates: &[(f64, f64)]) -> Option<f64> {
    let weight = sum(rates.iter().map(|(_, weight)| *weight));
    (weight > 0.0).then(|| sum(rates.iter().map(|(rate, weight)| rate * weight)) / weight)
}

/// Returns the length of the current run of negative settlements, given newest first; zero ends it.
pub fn negative_streak(rates: impl IntoIterator<Item = f64>) -> usize {
    rates.into_iter().take_while(|&rate| rate < 0.0).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zero_ends_a_negative_streak() {
        assert_eq!(negative_streak([-0.2, -0.1, 0.0, -0.1]), 2);
        assert_eq!(negative_streak([0.1, -0.1]), 0);
        assert_eq!(negative_streak([]), 0);
    }

    #[test]
    fn no_weight_gives_no_mean_and_a_total_loss_does_not_compound() {
        assert_eq!(weighted_mean(&[]), None);
        assert_eq!(weighted_mean(&[(0.1, 0.0)]), None);
        assert_eq!(annualised_compound(-1.0, 8.0), None);
    }

    proptest! {
        #[test]
        fn the_interval_of_a_rate_does_not_matter(rate in -0.01..0.01, hours in 1_u8..24) {
            let hours = f64::from(hours);
            prop_assert!((annualised(rate * hours, hours) - annualised(rate, 1.0)).abs() < 1e-9);
            prop_assert!((per_8h(rate * hours, hours) - rate * 8.0).abs() < 1e-12);
        }

        #[test]
        fn the_mean_lies_between_the_rates(rates in prop::collection::vec((-0.01..0.01, 1.0..1e9), 1..20)) {
            let mean = weighted_mean(&rates).unwrap();
            let (low, high) = rates.iter().fold((f64::MAX, f64::MIN), |(l, h), (r, _)| (l.min(*r), h.max(*r)));
            prop_assert!(low - 1e-12 <= mean && mean <= high + 1e-12);
        }
    }
}
