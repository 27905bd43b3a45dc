//! Realised volatility by six estimators (METHODOLOGY section 7).
//!
//! Results are annualised standard deviations, fractions. `periods_per_year` is 365 for daily bars of a market that
//! never closes, else 252. `None` means too few bars.

use super::{moments::Moments, ohlc::Ohlc, real, sum::mean};

/// Decay per observation of the `RiskMetrics` recursion.
const EWMA_DECAY: f64 = 0.94;
/// Squared returns whose mean is the initial variance of the recursion.
const EWMA_SEED: usize = 30;
/// Returns needed before the initial variance has no effect.
const EWMA_WARM_UP: usize = 60;

/// Close to close: sample standard deviation of log returns.
#[must_use]
pub fn close_to_close(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    Moments::of(returns).variance().map(|variance| (periods_per_year * variance).sqrt())
}

/// Parkinson (1980): from the range of each bar.
#[must_use]
pub fn parkinson(bars: &[Ohlc], periods_per_year: f64) -> Option<f64> {
    parkinson_of(&bars.iter().map(squared_range).collect::<Vec<_>>(), periods_per_year)
}

/// Parkinson's estimator from the [`squared_range`] of each bar.
#[must_use]
pub fn parkinson_of(squared_ranges: &[f64], periods_per_year: f64) -> Option<f64> {
    let variance = mean(squared_ranges)? / (4.0 * 2_f64.ln());
    Some((periods_per_year * variance).sqrt())
}

/// Returns the squared distance from low to high, in logarithms.
#[must_use]
pub fn squared_range(bar: &Ohlc) -> f64 {
    let bar = bar.ln();
    (bar.high - bar.low).powi(2)
}

/// Garman and Klass (1980): range and body. One bar may be negative, so the mean is floored and not the bar.
#[must_use]
pub fn garman_klass(bars: &[Ohlc], periods_per_year: f64) -> Option<f64> {
    let body = 2.0 * 2_f64.ln() - 1.0;
    let variance = mean_of(bars, |bar| 0.5 * (bar.high - bar.low).powi(2) - body * (bar.close - bar.open).powi(2))?;
    Some((periods_per_year * variance.max(0.0)).sqrt())
}

/// Rogers and Satchell (1991): independent of drift.
#[must_use]
pub fn rogers_satchell(bars: &[Ohlc], periods_per_year: f64) -> Option<f64> {
    Some((periods_per_year * rogers_satchell_variance(bars)?).sqrt())
}

fn rogers_satchell_variance(bars: &[Ohlc]) -> Option<f64> {
    mean_of(bars, |bar| (bar.high - bar.close) * (bar.high - bar.open) + (bar.low - bar.close) * (bar.low - bar.open))
        .map(|variance| variance.max(0.0))
}

/// Yang and Zhang (2000): jumps between bars, bodies and ranges. Only the close of the first bar is used.
#[must_use]
pub fn yang_zhang(bars: &[Ohlc], periods_per_year: f64) -> Option<f64> {
    let (_, window) = bars.split_first()?;
    let jumps: Moments = bars.windows(2).map(|pair| (pair[1].open / pair[0].close).ln()).collect();
    let bodies: Moments = window.iter().map(|bar| (bar.close / bar.open).ln()).collect();
    let (jumps, bodies) = (jumps.variance()?, bodies.variance()?);
    let n = real(window.len());
    let k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0));
    let variance = jumps + k * bodies + (1.0 - k) * rogers_satchell_variance(window)?;
    Some((periods_per_year * variance).sqrt())
}

/// Exponentially weighted, decay 0.94, the latest return included; `None` for fewer than 60 returns.
#[must_use]
pub fn ewma(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    if returns.len() < EWMA_WARM_UP {
        return None;
    }
    let (seed, rest) = returns.split_at(EWMA_SEED);
    let seed = mean(&seed.iter().map(|r| r * r).collect::<Vec<_>>())?;
    Some((periods_per_year * ewma_variance(seed, rest, EWMA_DECAY)).sqrt())
}

/// Returns the variance per period after all returns of s² ← decay s² + (1 - decay) r², starting from `seed`.
#[must_use]
pub fn ewma_variance(seed: f64, returns: &[f64], decay: f64) -> f64 {
    returns.iter().fold(seed, |variance, r| decay * variance + (1.0 - decay) * r * r)
}

/// Returns the variance risk premium: implied minus realised variance, both from annualised volatilities as fractions.
#[must_use]
pub fn variance_risk_premium(implied: f64, realised: f64) -> f64 {
    implied * implied - realised * realised
}

/// Returns the mean of a quantity of each bar in logarithms.
fn mean_of(bars: &[Ohlc], quantity: impl Fn(Ohlc) -> f64) -> Option<f64> {
    mean(&bars.iter().map(|bar| quantity(bar.ln())).collect::<Vec<_>>())
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Consistent bars: each within its own range, the next one opening anywhere.
    pub(crate) fn any_bars(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Ohlc>> {
        let bar = (50.0..150.0, 50.0..150.0, 0.0..20.0, 0.0..20.0).prop_map(|(open, close, up, down): (f64, f64, f64, f64)| {
            Ohlc { open, close, high: open.max(close) + up, low: open.min(close) - down }
        });
        prop::collection::vec(bar, count)
    }

    #[test]
    fn without_bars_there_is_no_volatility_and_a_flat_market_has_zero() {
        let flat = [Ohlc { open: 5.0, high: 5.0, low: 5.0, close: 5.0 }; 3];
        for estimator in [parkinson, garman_klass, rogers_satchell, yang_zhang] {
            assert_eq!(estimator(&[], 365.0), None);
            assert_eq!(estimator(&flat, 365.0), Some(0.0));
        }
        assert_eq!(close_to_close(&[0.1], 365.0), None);
        assert_eq!(ewma(&[0.1; 59], 365.0), None);
    }

    #[test]
    fn a_constant_size_of_return_is_its_own_ewma() {
        assert!((ewma(&[0.01; 80], 1.0).unwrap() - 0.01).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn the_unit_of_the_price_does_not_matter(bars in any_bars(3..30)) {
            let scaled: Vec<Ohlc> = bars.iter().map(|b| Ohlc { open: b.open * 7.0, high: b.high * 7.0, low: b.low * 7.0, close: b.close * 7.0 }).collect();
            for estimator in [parkinson, garman_klass, rogers_satchell, yang_zhang] {
                let (one, other) = (estimator(&bars, 365.0).unwrap(), estimator(&scaled, 365.0).unwrap());
                prop_assert!(one.is_finite() && (one - other).abs() < 1e-6);
            }
        }

        #[test]
        fn a_year_of_more_periods_is_more_volatile_by_the_square_root(bars in any_bars(3..30)) {
            let ratio = parkinson(&bars, 252.0).unwrap() / parkinson(&bars, 365.0).unwrap();
            prop_assert!((ratio - (252.0_f64 / 365.0).sqrt()).abs() < 1e-12);
        }
    }
}
