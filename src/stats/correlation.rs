//! Co-movement of two assets (METHODOLOGY section 9): correlation, beta, tail behaviour.
//!
//! Takes paired returns; [`paired_log_returns`] computes them from two price series on their common dates.
//! A price is never filled forward.

use super::moments::CoMoments;
use super::rank::mid_ranks;
use super::real;
use super::threshold::at_most;

/// Half-width of the 95 % interval in standard errors: the normal's 0.975 quantile.
const Z_95: f64 = 1.959_963_984_540_054;

/// Log returns of two assets over the same span: from the previous common date to `date`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedReturn<D> {
    /// Common date on which the span starts.
    pub since: D,
    /// Common date on which the span ends.
    pub date: D,
    /// Log return of the first asset.
    pub first: f64,
    /// Log return of the second asset.
    pub second: f64,
}

/// Returns the log returns between consecutive dates on which both assets have a positive price.
///
/// Both series must ascend by date. A Monday's return against an index spans the weekend in both.
#[must_use]
pub fn paired_log_returns<D: Ord + Copy>(first: &[(D, f64)], second: &[(D, f64)]) -> Vec<PairedReturn<D>> {
    let common = common_prices(first, second);
    let span = |pair: &[(D, f64, f64)]| PairedReturn {
        since: pair[0].0,
        date: pair[1].0,
        first: (pair[1].1 / pair[0].1).ln(),
        second: (pair[1].2 / pair[0].2).ln(),
    };
    common.windows(2).map(span).collect()
}

fn common_prices<D: Ord + Copy>(first: &[(D, f64)], second: &[(D, f64)]) -> Vec<(D, f64, f64)> {
    let mut others = second.iter().peekable();
    let mut common = Vec::new();
    for &(date, price) in first {
        while others.next_if(|other| other.0 < date).is_some() {}
        if let Some(&&(other_date, other)) = others.peek()
            && other_date == date
            && price > 0.0
            && other > 0.0
        {
            common.push((date, price, other));
        }
    }
    common
}

/// Returns Pearson's correlation in [-1, 1]; `None` for unequal lengths, fewer than two pairs or a constant side.
#[must_use]
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    moments(b, a)?.correlation()
}

/// Returns Spearman's correlation in [-1, 1]: Pearson's of the mid-ranks; `None` as for [`pearson`].
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    pearson(&mid_ranks(a), &mid_ranks(b))
}

/// Returns the correlation of each full trailing window of `window` pairs, by position; `None` before the first.
#[must_use]
pub fn rolling(a: &[f64], b: &[f64], window: usize, correlation: fn(&[f64], &[f64]) -> Option<f64>) -> Vec<Option<f64>> {
    let at = |end: usize| {
        let start = end.checked_sub(window)?;
        correlation(&a[start..end], &b[start..end])
    };
    (1..=a.len().min(b.len())).map(at).collect()
}

/// Returns the 95 % interval of a correlation of `n` pairs by Fisher's z, `tanh(atanh r +- 1.96 / sqrt(n - 3))`.
///
/// `None` for fewer than four pairs and for a perfect correlation, which has no width.
#[must_use]
pub fn fisher_interval(correlation: f64, n: usize) -> Option<(f64, f64)> {
    if n < 4 || correlation.abs() >= 1.0 {
        return None;
    }
    let (centre, half) = (correlation.atanh(), Z_95 / real(n - 3).sqrt());
    Some(((centre - half).tanh(), (centre + half).tanh()))
}

/// Returns the correlation without the part that a higher variance of the driver adds (Forbes and Rigobon 2002).
///
/// `variance_increase` is relative: 1 if the driver's variance has doubled; `r / sqrt(1 + d (1 - r^2))`.
/// `None` if the variance has vanished (`d <= -1`).
#[must_use]
pub fn variance_adjusted(correlation: f64, variance_increase: f64) -> Option<f64> {
    let scale = 1.0 + variance_increase * (1.0 - correlation * correlation);
    (variance_increase > -1.0 && scale > 0.0).then(|| correlation / scale.sqrt())
}

/// Returns the beta of `asset` on `driver`: covariance over the driver's variance; `None` as for [`pearson`].
#[must_use]
pub fn beta(asset: &[f64], driver: &[f64]) -> Option<f64> {
    moments(driver, asset)?.slope()
}

/// Definition of a downside beta; they differ on the same data, so the name is always given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownsideBeta {
    /// Slope with intercept over the driver's falls, `b < 0` (`SFM.beta.bear` of `PerformanceAnalytics`); the default.
    Bear,
    /// Co-semivariance below the driver's mean, both sides centred (threshold of Ang, Chen and Xing 2006).
    BelowMean,
    /// Co-semivariance below zero, nothing centred (Hogan and Warren; Estrada).
    BelowZero,
}

/// A downside beta and its sample size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Downside {
    /// The beta, a ratio.
    pub beta: f64,
    /// Pairs in which the driver was below the threshold.
    pub falls: usize,
}

/// Returns the beta of `asset` on `driver` in the driver's falls; `None` for unequal lengths or falls without spread.
#[must_use]
pub fn downside_beta(asset: &[f64], driver: &[f64], definition: DownsideBeta) -> Option<Downside> {
    let all = moments(driver, asset)?;
    let (target, centre) = match definition {
        DownsideBeta::Bear | DownsideBeta::BelowZero => (0.0, 0.0),
        DownsideBeta::BelowMean => (all.x().mean()?, all.y().mean()?),
    };
    let falls: CoMoments = pairs(driver, asset).filter(|&(b, _)| b < target).collect();
    let below = || pairs(driver, asset).filter(|&(b, _)| b < target).map(|(b, a)| (b - target, a - centre));
    let beta = match definition {
        DownsideBeta::Bear => falls.slope()?,
        DownsideBeta::BelowMean | DownsideBeta::BelowZero => {
            let squares: f64 = below().map(|(b, _)| b * b).sum();
            (squares > 0.0).then(|| below().map(|(b, a)| a * b).sum::<f64>() / squares)?
        }
    };
    Some(Downside { beta, falls: falls.x().count() })
}

/// Frequency with which both are in their worst `level` share together, relative to that of each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailDependence {
    /// `P(U <= q, V <= q) / q`: 1 is always together, `level` is independence.
    pub coefficient: f64,
    /// Pairs in which both were in their tail.
    pub joint: usize,
}

/// Returns the lower tail dependence at `level` in (0, 1), by ranks over `n + 1` (Coles, Heffernan and Tawn 1999).
///
/// `None` for unequal lengths, an empty sample, or a level outside (0, 1). A joint count below ten is noise.
#[must_use]
pub fn lower_tail_dependence(a: &[f64], b: &[f64], level: f64) -> Option<TailDependence> {
    if a.len() != b.len() || a.is_empty() || level <= 0.0 || level >= 1.0 {
        return None;
    }
    let n = real(a.len());
    let in_tail = |rank: f64| at_most(rank * n / (n + 1.0), level);
    let joint = mid_ranks(a).into_iter().zip(mid_ranks(b)).filter(|&(u, v)| in_tail(u) && in_tail(v)).count();
    Some(TailDependence { coefficient: real(joint) / n / level, joint })
}

fn moments(x: &[f64], y: &[f64]) -> Option<CoMoments> {
    (x.len() == y.len()).then(|| CoMoments::of(x, y))
}

fn pairs(x: &[f64], y: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    x.iter().copied().zip(y.iter().copied())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn returns_span_common_dates_and_nothing_is_filled() {
        let crypto = [(1, 100.0), (2, 110.0), (3, 120.0), (4, 121.0)];
        let index = [(0, 9.0), (1, 10.0), (4, 11.0), (5, 12.0)];
        let returns = paired_log_returns(&crypto, &index);
        assert_eq!(returns, [PairedReturn { since: 1, date: 4, first: 1.21_f64.ln(), second: 1.1_f64.ln() }]);
    }

    #[test]
    fn a_price_that_is_not_positive_has_no_return() {
        let oil = [(1, 20.0), (2, -37.0), (3, 10.0)];
        let crypto = [(1, 1.0), (2, 1.0), (3, 1.0)];
        let returns = paired_log_returns(&oil, &crypto);
        assert_eq!(returns, [PairedReturn { since: 1, date: 3, first: 0.5_f64.ln(), second: 0.0 }]);
    }

    #[rstest]
    #[case::unequal(&[1.0, 2.0], &[1.0])]
    #[case::one(&[1.0], &[1.0])]
    #[case::flat(&[1.0, 2.0, 3.0], &[5.0, 5.0, 5.0])]
    fn a_degenerate_sample_has_no_correlation(#[case] a: &[f64], #[case] b: &[f64]) {
        assert_eq!(pearson(a, b), None);
        assert_eq!(spearman(a, b), None);
        assert_eq!(beta(a, b), None);
    }

    #[test]
    fn sixty_pairs_of_weak_correlation_have_a_wide_interval() {
        let (low, high) = fisher_interval(0.3, 60).unwrap();
        assert!((low - 0.05).abs() < 0.01 && (high - 0.51).abs() < 0.01, "{low} {high}");
        assert_eq!(fisher_interval(0.3, 3), None);
        assert_eq!(fisher_interval(1.0, 60), None);
    }

    #[test]
    fn only_a_higher_variance_of_the_driver_lowers_the_correlation() {
        assert_eq!(variance_adjusted(0.6, 0.0), Some(0.6));
        let expected = 0.6 / (1.0_f64 + 3.0 * 0.64).sqrt();
        assert!((variance_adjusted(0.6, 3.0).unwrap() - expected).abs() < 1e-15);
        assert_eq!(variance_adjusted(0.6, -1.0), None);
    }

    #[test]
    fn a_driver_that_never_falls_has_no_downside() {
        for definition in [DownsideBeta::Bear, DownsideBeta::BelowZero] {
            assert_eq!(downside_beta(&[1.0, -1.0], &[0.1, 0.2], definition), None);
        }
    }

    #[test]
    fn a_rank_on_the_edge_of_the_tail_is_in_it() {
        let a: Vec<f64> = (0..39).map(f64::from).collect();
        assert_eq!(lower_tail_dependence(&a, &a, 0.25).map(|tail| tail.joint), Some(10));
    }

    #[test]
    fn opposites_never_fall_together() {
        let a: Vec<f64> = (0..40).map(f64::from).collect();
        let b: Vec<f64> = a.iter().map(|x| -x).collect();
        assert_eq!(lower_tail_dependence(&a, &b, 0.25), Some(TailDependence { coefficient: 0.0, joint: 0 }));
        assert_eq!(lower_tail_dependence(&a, &a, 0.25).map(|tail| tail.joint), Some(10));
        assert_eq!(lower_tail_dependence(&a, &b, 0.0), None);
    }

    proptest! {
        #[test]
        fn correlations_stay_in_bounds_and_do_not_depend_on_the_side_or_scale(
            pairs in prop::collection::vec((-50_i32..50, -50_i32..50), 2..40),
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).unzip();
            let doubled: Vec<f64> = a.iter().map(|x| 2.0 * x + 8.0).collect();
            for correlation in [pearson, spearman] {
                if let Some(r) = correlation(&a, &b) {
                    prop_assert!((-1.0..=1.0).contains(&r));
                    prop_assert!((correlation(&b, &a).unwrap() - r).abs() < 1e-12);
                    prop_assert!((correlation(&doubled, &b).unwrap() - r).abs() < 1e-9);
                }
            }
        }
    }
}
