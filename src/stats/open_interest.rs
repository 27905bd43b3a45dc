//! Decomposition of changes of open interest into positions and price (METHODOLOGY section 5).

use super::{
    rank::{MAD_TO_SIGMA, median_absolute_deviation},
    threshold::{at_least, at_most},
};

/// Minimum fall of native open interest, a fraction in logs, for deleveraging.
const MIN_FALL: f64 = 0.08;
/// Minimum fall in robust standard deviations.
const UNUSUAL: f64 = 3.0;

/// A change of open interest in USD, split without a cross term: the two parts add up to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Change {
    /// Part from positions opened and closed, at the mid price, USD.
    pub position_usd: f64,
    /// Part from the price of the held positions, at the mid amount, USD.
    pub price_usd: f64,
}

impl Change {
    /// Splits the change of a linear contract, measured in coins: each end is (coins, price in USD).
    #[must_use]
    pub fn of_linear(start: (f64, f64), end: (f64, f64)) -> Self {
        Self {
            position_usd: f64::midpoint(start.1, end.1) * (end.0 - start.0),
            price_usd: f64::midpoint(start.0, end.0) * (end.1 - start.1),
        }
    }

    /// Splits the change of an inverse contract, measured in USD: all of it is positions.
    #[must_use]
    pub fn of_inverse(start_usd: f64, end_usd: f64) -> Self {
        Self { position_usd: end_usd - start_usd, price_usd: 0.0 }
    }

    /// Returns the total change, USD.
    #[must_use]
    pub fn total_usd(&self) -> f64 {
        self.position_usd + self.price_usd
    }

    /// Returns the change of two contracts or venues together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self { position_usd: self.position_usd + other.position_usd, price_usd: self.price_usd + other.price_usd }
    }
}

/// Direction of price and of open interest together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quadrant {
    /// Price and positions fell: longs closed.
    LongUnwind,
    /// Price fell, positions grew: new shorts.
    NewShorts,
    /// Price rose, positions fell: shorts closed.
    ShortCover,
    /// Price and positions rose: new longs.
    NewLongs,
}

/// Returns the quadrant of a price change and a change of native open interest; `None` if either is zero.
#[must_use]
pub fn quadrant(price_change: f64, position_change: f64) -> Option<Quadrant> {
    match (price_change > 0.0, price_change < 0.0, position_change > 0.0, position_change < 0.0) {
        (_, true, _, true) => Some(Quadrant::LongUnwind),
        (_, true, true, _) => Some(Quadrant::NewShorts),
        (true, _, _, true) => Some(Quadrant::ShortCover),
        (true, _, true, _) => Some(Quadrant::NewLongs),
        _ => None,
    }
}

/// Returns true if native open interest fell unusually far over a day in which the price moved.
///
/// `log_change` is that day's d ln Q; `baseline` has those of the earlier days of the trailing 90. `price_return` and
/// `daily_sigma` are the day's log return and its usual standard deviation. `None` without a baseline.
#[must_use]
pub fn is_deleveraging(log_change: f64, baseline: &[f64], price_return: f64, daily_sigma: f64) -> Option<bool> {
    let usual = MAD_TO_SIGMA * median_absolute_deviation(baseline)?;
    Some(at_most(log_change, -MIN_FALL.max(UNUSUAL * usual)) && at_least(price_return.abs(), daily_sigma))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn an_inverse_contract_has_no_price_effect() {
        let change = Change::of_inverse(5e9, 4e9);
        assert!((change.total_usd() + 1e9).abs() < 1e-3 && change.price_usd.abs() < f64::EPSILON);
    }

    #[rstest]
    #[case(-1.0, -1.0, Some(Quadrant::LongUnwind))]
    #[case(-1.0, 1.0, Some(Quadrant::NewShorts))]
    #[case(1.0, -1.0, Some(Quadrant::ShortCover))]
    #[case(1.0, 1.0, Some(Quadrant::NewLongs))]
    #[case(0.0, 1.0, None)]
    #[case(1.0, 0.0, None)]
    fn each_quadrant_has_its_name(#[case] price: f64, #[case] position: f64, #[case] expected: Option<Quadrant>) {
        assert_eq!(quadrant(price, position), expected);
    }

    #[test]
    fn a_fall_is_deleveraging_only_when_unusual_and_with_a_move() {
        let calm = [0.01, -0.01, 0.02, -0.02, 0.0];
        assert_eq!(is_deleveraging(-0.08, &calm, -0.05, 0.03), Some(true));
        assert_eq!(is_deleveraging(-0.079, &calm, -0.05, 0.03), Some(false));
        assert_eq!(is_deleveraging(-0.08, &calm, -0.02, 0.03), Some(false));
        assert_eq!(is_deleveraging(-0.08, &[0.1, -0.1, 0.2, -0.2, 0.0], -0.05, 0.03), Some(false));
        assert_eq!(is_deleveraging(-0.5, &[], -0.05, 0.03), None);
    }

    proptest! {
        #[test]
        fn the_two_effects_add_up_to_the_whole(q0 in 1.0..1e6, q1 in 1.0..1e6, p0 in 1.0..1e5, p1 in 1.0..1e5) {
            let change = Change::of_linear((q0, p0), (q1, p1));
            prop_assert!((change.total_usd() - (q1 * p1 - q0 * p0)).abs() <= 1e-12 * (q1 * p1 + q0 * p0 + q0 * p1 + q1 * p0));
        }
    }
}
