//! Black's formula on the forward (1976), undiscounted: the exchange's deltas are of this kind, not premium-adjusted.

use statrs::distribution::{ContinuousCDF, Normal};

/// Between these the inversion looks for a volatility, as annualised fractions.
const VOL_BOUNDS: (f64, f64) = (1e-4, 20.0);

/// What an option gives the right to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To buy.
    Call,
    /// To sell.
    Put,
}

/// Delta of a call on the forward, in (0, 1): `N(d1)`; the put's is 1 less.
///
/// Everything positive; volatility is an annualised fraction, time in years.
#[must_use]
pub fn call_delta(forward: f64, strike: f64, vol: f64, years: f64) -> f64 {
    Normal::standard().cdf(d1(forward, strike, vol, years))
}

/// Undiscounted premium in the forward's unit; arguments as for [`call_delta`].
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

/// The volatility at which [`black_price`] gives `price`, as an annualised fraction.
///
/// `None` when no volatility up to 2000 % does: a price under intrinsic value or at the bounds.
#[must_use]
pub fn implied_vol(right: Right, price: f64, forward: f64, strike: f64, years: f64) -> Option<f64> {
    let excess = |vol| black_price(right, forward, strike, vol, years) - price;
    let (mut low, mut high) = VOL_BOUNDS;
    if !(excess(low) < 0.0 && excess(high) > 0.0) {
        return None;
    }
    // Halving until neighbouring doubles: the price grows with volatility, so it cannot go astray.
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
        fn inverting_a_price_gives_the_volatility_back(strike in 80.0..125.0, vol in 0.2..2.0, years in 0.05..2.0) {
            let price = black_price(Right::Put, 100.0, strike, vol, years);
            let found = implied_vol(Right::Put, price, 100.0, strike, years);
            prop_assert!((found.unwrap() - vol).abs() < 1e-9);
        }
    }
}
