//! Illiquidity of a market, from its bars alone (METHODOLOGY section 10).
//!
//! Spreads are fractions of the price. Those estimated as a root of a negative number keep its sign: below zero
//! the estimator found no spread, and a publisher reports zero with a note.

use super::{moments::CoMoments, ohlc::Ohlc, sum::mean};

/// Amihud's illiquidity and the number of periods behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amihud {
    /// Mean size of the return per USD traded.
    pub per_usd: f64,
    /// Periods included in the mean.
    pub used: usize,
    /// Periods excluded because nothing was traded.
    pub skipped: usize,
}

/// Amihud (2002): from each period's return and its volume in USD at the same venue; `None` if nothing was traded.
#[must_use]
pub fn amihud(periods: &[(f64, f64)]) -> Option<Amihud> {
    let impacts: Vec<f64> = periods.iter().filter(|(_, volume)| *volume > 0.0).map(|(r, volume)| r.abs() / volume).collect();
    let used = impacts.len();
    mean(&impacts).map(|per_usd| Amihud { per_usd, used, skipped: periods.len() - used })
}

/// Roll (1984): from the covariance of neighbouring log returns, signed.
#[must_use]
pub fn roll(returns: &[f64]) -> Option<f64> {
    let pairs: CoMoments = returns.windows(2).map(|pair| (pair[1], pair[0])).collect();
    pairs.covariance().map(|covariance| signed_root(-4.0 * covariance))
}

/// Corwin and Schultz (2012): from the ranges of one bar and of two; negative estimates are set to zero.
#[must_use]
pub fn corwin_schultz(bars: &[Ohlc]) -> Option<f64> {
    let spreads: Vec<f64> = bars.windows(2).map(|pair| two_bar_spread(pair[0].ln(), pair[1].ln()).max(0.0)).collect();
    mean(&spreads)
}

/// Estimates one pair of bars in logarithms; the second is shifted back over any gap since the first one's close.
fn two_bar_spread(first: Ohlc, second: Ohlc) -> f64 {
    let gap = (first.close - second.high).max(0.0) + (first.close - second.low).min(0.0);
    let both = first.high.max(second.high + gap) - first.low.min(second.low + gap);
    let beta = (first.high - first.low).powi(2) + (second.high - second.low).powi(2);
    let scale = 3.0 - 2.0 * 2_f64.sqrt();
    let alpha = ((2.0 * beta).sqrt() - beta.sqrt()) / scale - (both * both / scale).sqrt();
    2.0 * (alpha / 2.0).tanh()
}

/// Abdi and Ranaldo (2017): from each close and the midpoints of its own and the next range, signed.
#[must_use]
pub fn abdi_ranaldo(bars: &[Ohlc]) -> Option<f64> {
    let products: Vec<f64> = bars
        .windows(2)
        .map(|pair| {
            let (first, second) = (pair[0].ln(), pair[1].ln());
            (first.close - f64::midpoint(first.high, first.low)) * (first.close - f64::midpoint(second.high, second.low))
        })
        .collect();
    mean(&products).map(|product| signed_root(4.0 * product))
}

fn signed_root(square: f64) -> f64 {
    square.abs().sqrt().copysign(square)
}

/// Returns the excess of illiquidity over its usual level: the log of the latest mean over a trailing median of it.
///
/// Illiquidity falls as volume grows over the years, so levels are not comparable. `None` if either is zero.
#[must_use]
pub fn detrended(latest: f64, trailing_median: f64) -> Option<f64> {
    (latest > 0.0 && trailing_median > 0.0).then(|| (latest / trailing_median).ln())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::volatility::tests::any_bars;

    #[test]
    fn a_period_without_trade_is_skipped_and_counted() {
        let found = amihud(&[(0.01, 100.0), (0.5, 0.0), (-0.03, 100.0)]).unwrap();
        assert!((found.per_usd - 0.0002).abs() < 1e-15);
        assert_eq!((found.used, found.skipped), (2, 1));
        assert_eq!(amihud(&[(0.1, 0.0)]), None);
    }

    #[test]
    fn a_price_bouncing_between_bid_and_ask_shows_its_spread() {
        let bounce: Vec<f64> = (0..400).map(|i| if i % 2 == 0 { 0.01 } else { -0.01 }).collect();
        assert!((roll(&bounce).unwrap() - 0.02).abs() < 1e-4);
    }

    #[test]
    fn a_trend_has_no_spread() {
        assert!(roll(&[0.01, 0.02, 0.03, 0.04]).unwrap() < 0.0);
    }

    #[test]
    fn too_few_bars_have_no_estimate() {
        assert_eq!(roll(&[0.1, 0.2]), None);
        assert_eq!(corwin_schultz(&[]), None);
        assert_eq!(abdi_ranaldo(&[]), None);
        assert_eq!(detrended(1.0, 0.0), None);
    }

    proptest! {
        #[test]
        fn a_floored_spread_is_a_share_of_the_price(bars in any_bars(2..30)) {
            let spread = corwin_schultz(&bars).unwrap();
            prop_assert!((0.0..2.0).contains(&spread));
            prop_assert!(abdi_ranaldo(&bars).unwrap().is_finite());
        }
    }
}
