//! Hedge, diversifier or safe haven: the tests of Baur and Lucey and of Baur and McDermott (METHODOLOGY section 9).
//!
//! Both use least squares with Newey-West errors and full-sample quantiles of the market (type 7). They test
//! history and do not forecast. For a result as of a day, pass returns up to that day.

use super::rank::quantile;
use super::regression::{Estimate, Regression};

/// Shares of the market's worst days whose exposure is tested, nested.
pub const TAIL_LEVELS: [f64; 3] = [0.10, 0.05, 0.01];

/// Degree of protection by an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Exposure is significantly negative: the asset rises when the market falls.
    Strong,
    /// Exposure does not differ from zero: the asset is independent.
    Weak,
    /// Exposure is significantly positive: the asset falls with the market.
    None,
}

/// Exposure of an asset to a market on average and in its tails: `r_a = a + (c0 + c1 D10 + c2 D5 + c3 D1) r_m + e`.
#[derive(Debug, Clone, PartialEq)]
pub struct TailExposure {
    /// `a, c0, c1, c2, c3`.
    pub coefficients: [f64; 5],
    /// `c0`, the exposure on ordinary days.
    pub average: Estimate,
    /// Cumulative exposure in each of [`TAIL_LEVELS`]: `c0 + c1`, `c0 + c1 + c2`, `c0 + c1 + c2 + c3`.
    pub tails: [Estimate; 3],
    /// The market's return at each of [`TAIL_LEVELS`].
    pub thresholds: [f64; 3],
    /// Observations at or below each threshold.
    pub tail_counts: [usize; 3],
}

impl TailExposure {
    /// Fits the nested dummies of Baur and McDermott (2010) to paired returns, with Newey-West errors of `lags`.
    ///
    /// `None` for unequal lengths and for samples too short or too uniform to have three different tails.
    #[must_use]
    pub fn fit(asset: &[f64], market: &[f64], lags: usize) -> Option<Self> {
        let [q10, q5, q1] = TAIL_LEVELS.map(|level| quantile(market, level));
        let thresholds = [q10?, q5?, q1?];
        let [d10, d5, d1] = thresholds.map(|threshold| below(market, |r| r <= threshold));
        let fit = Regression::fit(asset, &[market, &d10, &d5, &d1])?;
        let inference = fit.newey_west(lags);
        let cumulative = |tail: usize| {
            let weights: [f64; 5] = std::array::from_fn(|i| if (1..=tail + 2).contains(&i) { 1.0 } else { 0.0 });
            inference.combination(&weights)
        };
        Some(Self {
            coefficients: fit.coefficients().try_into().ok()?,
            average: inference.coefficient(1)?,
            tails: [cumulative(0)?, cumulative(1)?, cumulative(2)?],
            thresholds,
            tail_counts: thresholds.map(|threshold| market.iter().filter(|&&r| r <= threshold).count()),
        })
    }

    /// Returns the protection on average at a significance level such as 0.05.
    ///
    /// A weak hedge is `None` if the exposure of the deepest tail is significantly positive.
    #[must_use]
    pub fn hedge(&self, significance: f64) -> Protection {
        match protection(&self.average, significance) {
            Protection::Weak if protection(&self.tails[2], significance) == Protection::None => Protection::None,
            decided => decided,
        }
    }

    /// Returns the protection in each of [`TAIL_LEVELS`] at a significance level such as 0.05.
    #[must_use]
    pub fn safe_haven(&self, significance: f64) -> [Protection; 3] {
        self.tails.map(|exposure| protection(&exposure, significance))
    }
}

/// Exposure with one tail: `r_a = a + b1 r_s + b2 r_s 1[r_s < q]` (Baur and Lucey 2010, without the bond leg).
#[derive(Debug, Clone, PartialEq)]
pub struct SingleTailExposure {
    /// `a, b1, b2`.
    pub coefficients: [f64; 3],
    /// `b1`: a hedge if it is at most 0.
    pub average: Estimate,
    /// `b1 + b2`: a safe haven if it is at most 0.
    pub tail: Estimate,
}

impl SingleTailExposure {
    /// Fits one tail, the `level` share of the market's worst days; `None` as for [`TailExposure::fit`].
    #[must_use]
    pub fn fit(asset: &[f64], market: &[f64], level: f64, lags: usize) -> Option<Self> {
        let threshold = quantile(market, level)?;
        let fit = Regression::fit(asset, &[market, &below(market, |r| r < threshold)])?;
        let inference = fit.newey_west(lags);
        Some(Self {
            coefficients: fit.coefficients().try_into().ok()?,
            average: inference.coefficient(1)?,
            tail: inference.combination(&[0.0, 1.0, 1.0])?,
        })
    }
}

/// Returns the market's returns in the tail, 0 outside.
fn below(market: &[f64], in_tail: impl Fn(f64) -> bool) -> Vec<f64> {
    market.iter().map(|&r| if in_tail(r) { r } else { 0.0 }).collect()
}

fn protection(exposure: &Estimate, significance: f64) -> Protection {
    if exposure.p_value >= significance {
        Protection::Weak
    } else if exposure.value < 0.0 {
        Protection::Strong
    } else {
        Protection::None
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn exposure(average: (f64, f64), tail: (f64, f64)) -> TailExposure {
        let estimate = |(value, p_value)| Estimate { value, standard_error: 1.0, p_value };
        TailExposure {
            coefficients: [0.0; 5],
            average: estimate(average),
            tails: [estimate(tail); 3],
            thresholds: [0.0; 3],
            tail_counts: [0; 3],
        }
    }

    #[rstest]
    #[case::rises_when_the_market_falls((-0.2, 0.01), (0.0, 0.9), Protection::Strong, Protection::Weak)]
    #[case::independent((0.1, 0.5), (-0.3, 0.02), Protection::Weak, Protection::Strong)]
    #[case::falls_along((0.8, 0.001), (1.5, 0.001), Protection::None, Protection::None)]
    #[case::independent_until_the_crash((0.1, 0.5), (0.9, 0.01), Protection::None, Protection::None)]
    fn the_verdict_follows_sign_and_significance(
        #[case] average: (f64, f64),
        #[case] tail: (f64, f64),
        #[case] hedge: Protection,
        #[case] haven: Protection,
    ) {
        let exposure = exposure(average, tail);
        assert_eq!(exposure.hedge(0.05), hedge);
        assert_eq!(exposure.safe_haven(0.05), [haven; 3]);
    }

    #[test]
    fn a_market_without_three_tails_has_no_fit() {
        let asset: Vec<f64> = (0..50).map(|i| f64::from(i * 7 % 11)).collect();
        assert_eq!(TailExposure::fit(&asset, &[0.01; 50], 5), None);
        assert_eq!(TailExposure::fit(&asset[..3], &[0.1, -0.1, 0.2], 5), None);
        assert_eq!(TailExposure::fit(&asset, &[0.1], 5), None);
    }
}
