//! Black's formula on the forward (1976), undiscounted: deltas as the exchange publishes them, not premium-adjusted.

use statrs::distribution::{ContinuousCDF, Normal};

/// Bounds of the volatility in the inversion, annualised fractions.
const VOL_BOUNDS: (f64, f64) = (1e-4, 20.0);

/// Right of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Right to buy.
    Call,
    /// Right to sell.
    Put,
}

/// Returns the delta of a call on the forward, in (0, 1): `N(d1)`; the put's is 1 less.
///
/// All arguments are positive; volatility is an annualised fraction, time in years.
#[must_use]
pub fn call_delta(forward: f64, strike: f64, vol: f64, years: f64) -> f64 {
    Normal::standard().cdf(d1(forward, strike, vol, years))
}

/// Returns the undiscounted premium in the forward's unit; arguments as for [`call_delta`].
#[must_use]
pub fn black_price(right: Right, forward: f64, strike: f64, vol: f64, years: f64) -> f64 {
    let d1 = d1(forward, strike, vol, years);
    let d2 = d1 - vol * years.sqrt();
    let n = |d| Normal::standard().cdf(d);
    match right {
        Right::Call => forward * n(d1) - strike * n(d2),
        Right::Put => strike * n(-d2) - forward * n(-d1),
    }
}

/// Returns the volatility at which [`black_price`] equals `price`, as an annualised fraction.
///
/// `None` if no volatility up to 2000 % does: a price below intrinsic value or at the bounds.
#[must_use]
pub fn implied_vol(right: Right, price: f64, forward: f64, strike: f64, years: f64) -> Option<f64> {
    let excess = |vol| black_price(right, forward, strike, vol, years) - price;
    let (mut low, mut high) = VOL_BOUNDS;
    if !(excess(low) < 0.0 && excess(high) > 0.0) {
        return None;
    }
    // Bisects down to neighbouring doubles: the price grows with volatility, so it converges.
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Some(middle);
        }
        if excess(middle) < 0.0 { low = middle } else { high = middle }
    }
}

fn d1(forward: f64, strike: f64, vol: f64, years: f64) -> f64 {
    ((forward / strike).ln() + vol * vol * years / 2.0) / (vol * years.sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_price_under_intrinsic_value_has_no_volatility() {
        assert_eq!(implied_vol(Right::Call, 19.0, 120.0, 100.0, 0.1), None);
    }

    proptest! {
        #[test]
        fn a_call_less_a_put_is_the_forward_less_the_strike(strike in 50.0..200.0, vol in 0.05..2.0, years in 0.01..2.0) {
            let price = |right| black_price(right, 100.0, strike, vol, years);
            prop_assert!((price(Right::Call) - price(Right::Put) - (100.0 - strike)).abs() < 1e-9);
        }

        #[test]
        fn inverting_a_price_returns_the_volatility(strike in 80.0..125.0, vol in 0.2..2.0, years in 0.05..2.0) {
            let price = black_price(Right::Put, 100.0, strike, vol, years);
            let found = implied_vol(Right::Put, price, 100.0, strike, years);
            prop_assert!((found.unwrap() - vol).abs() < 1e-9);
        }
    }
}
