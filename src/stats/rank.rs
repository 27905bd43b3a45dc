//! Ranks, quantiles and robust scores (METHODOLOGY section 0, percentile and quantile; section 3, robust z).

use std::{cmp::Ordering, collections::VecDeque};

use super::real;

/// Converts a median absolute deviation to a standard deviation of the normal: 1 over its upper quartile.
pub(crate) const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;
/// Converts the distance between the quartiles to a standard deviation of the normal.
const IQR_TO_SIGMA: f64 = 1.0 / 1.349;

/// Returns the mid-rank of `value` in a sample that includes it, in (0, 1]: (#less + (#equal + 1) / 2) / n.
#[must_use]
pub fn mid_rank(sample: &[f64], value: f64) -> Option<f64> {
    let count = |side| sample.iter().filter(|x| x.partial_cmp(&&value) == Some(side)).count();
    (!sample.is_empty()).then(|| mid_rank_of(count(Ordering::Less), count(Ordering::Equal), sample.len()))
}

/// Returns the mid-rank of each value of a sample in it, in the order given.
#[must_use]
pub fn mid_ranks(sample: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..sample.len()).collect();
    order.sort_by(|a, b| sample[*a].total_cmp(&sample[*b]));
    let mut ranks = vec![0.0; sample.len()];
    let mut less = 0;
    // In this order the next value is never lower, so one that is not higher is equal.
    for ties in order.chunk_by(|a, b| sample[*a] >= sample[*b]) {
        let rank = mid_rank_of(less, ties.len(), sample.len());
        for index in ties {
            ranks[*index] = rank;
        }
        less += ties.len();
    }
    ranks
}

fn mid_rank_of(less: usize, equal: usize, n: usize) -> f64 {
    (real(less) + f64::midpoint(real(equal), 1.0)) / real(n)
}

/// Empirical distribution of the latest values of a series; ranks each value as it is pushed, so ranks never change.
#[derive(Clone, Debug)]
pub struct Ecdf {
    cap: usize,
    arrived: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl Ecdf {
    /// Creates a distribution of the latest `cap` values (at least one); `usize::MAX` stores all.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        Self { cap: cap.max(1), arrived: VecDeque::new(), sorted: Vec::new() }
    }

    /// Adds a finite value and returns its mid-rank among the stored values, itself included.
    pub fn push(&mut self, value: f64) -> f64 {
        let less = self.take_in(value);
        mid_rank_of(less, self.at_most(value) - less, self.sorted.len())
    }

    /// Adds a finite value and returns how many of the stored values are lower.
    pub fn take_in(&mut self, value: f64) -> usize {
        let place = self.less_than(value);
        let oldest = if self.arrived.len() == self.cap { self.arrived.pop_front() } else { None };
        self.arrived.push_back(value);
        let Some(gone) = oldest.map(|oldest| self.less_than(oldest)) else {
            self.sorted.insert(place, value);
            return place;
        };
        // Values between the removed one and the added one move up or down by one position.
        let less = if gone < place {
            self.sorted.copy_within(gone + 1..place, gone);
            place - 1
        } else {
            self.sorted.copy_within(place..gone, place + 1);
            place
        };
        self.sorted[less] = value;
        less
    }

    /// Returns the mid-rank that `value` would get, without adding it.
    #[must_use]
    pub fn peek(&self, value: f64) -> f64 {
        let dropped = (self.arrived.len() == self.cap).then(|| self.arrived.front().copied()).flatten();
        let less = self.less_than(value) - usize::from(dropped.is_some_and(|x| x < value));
        let at_most = self.at_most(value) - usize::from(dropped.is_some_and(|x| x <= value));
        let n = self.sorted.len() - usize::from(dropped.is_some());
        mid_rank_of(less, at_most - less + 1, n + 1)
    }

    /// Returns the number of stored values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Returns true if no value was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    fn less_than(&self, value: f64) -> usize {
        self.sorted.partition_point(|x| *x < value)
    }

    fn at_most(&self, value: f64) -> usize {
        self.sorted.partition_point(|x| *x <= value)
    }
}

/// Returns the mid-rank of each value among the latest `cap` so far, itself included.
#[must_use]
pub fn trailing_mid_ranks(values: &[f64], cap: usize) -> Vec<f64> {
    let mut ecdf = Ecdf::new(cap);
    values.iter().map(|&value| ecdf.push(value)).collect()
}

/// Returns the type-7 quantile (linear, as R and numpy) at `p` in [0, 1]; `None` for an empty slice.
#[must_use]
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = real(last) * p.clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= place <= last")]
    let below = place.floor() as usize;
    // Only the two neighbours of the position are needed, so the values need not be sorted.
    let mut values = values.to_vec();
    let (_, lower, over) = values.select_nth_unstable_by(below, f64::total_cmp);
    let upper = over.iter().copied().min_by(f64::total_cmp).unwrap_or(*lower);
    Some(*lower + (place - place.floor()) * (upper - *lower))
}

/// Returns the median, in the values' unit.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Returns the median of ascending values, in their unit.
#[must_use]
pub fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let (lower, upper) = (sorted[last / 2], sorted[last.div_ceil(2)]);
    Some(lower + 0.5 * (upper - lower))
}

/// Returns the median absolute deviation from the median, unscaled, in the values' unit.
#[must_use]
pub fn median_absolute_deviation(values: &[f64]) -> Option<f64> {
    deviation_from(median(values)?, values)
}

/// Returns the median distance from a centre, in the values' unit.
fn deviation_from(centre: f64, values: &[f64]) -> Option<f64> {
    median(&values.iter().map(|value| (value - centre).abs()).collect::<Vec<_>>())
}

/// Centre and scale of a sample, robust to outliers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobustScale {
    centre: f64,
    spread: f64,
}

impl RobustScale {
    /// Computes the median and the scaled median absolute deviation. If the deviation is zero, the scaled distance
    /// between the quartiles is used; `None` if both are zero.
    #[must_use]
    pub fn of(sample: &[f64]) -> Option<Self> {
        let centre = median(sample)?;
        let mad = deviation_from(centre, sample)? * MAD_TO_SIGMA;
        let spread = if mad > 0.0 { mad } else { (quantile(sample, 0.75)? - quantile(sample, 0.25)?) * IQR_TO_SIGMA };
        (spread > 0.0).then_some(Self { centre, spread })
    }

    /// Returns the distance of `value` from the centre in robust standard deviations.
    #[must_use]
    pub fn z(&self, value: f64) -> f64 {
        (value - self.centre) / self.spread
    }
}

/// Returns the robust z of `value` against a `baseline` that must not contain it; `None` if the baseline is constant.
#[must_use]
pub fn robust_z(baseline: &[f64], value: f64) -> Option<f64> {
    RobustScale::of(baseline).map(|scale| scale.z(value))
}

/// Returns the robust z of ln(1 + x), for non-negative amounts that span orders of magnitude.
#[must_use]
pub fn robust_z_of_logs(baseline: &[f64], value: f64) -> Option<f64> {
    robust_z(&baseline.iter().map(|x| x.ln_1p()).collect::<Vec<_>>(), value.ln_1p())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0.0, 1.0)]
    #[case(0.5, 2.5)]
    #[case(0.25, 1.75)]
    #[case(1.0, 4.0)]
    fn quantiles_are_linear_between_order_statistics(#[case] p: f64, #[case] expected: f64) {
        assert_eq!(quantile(&[4.0, 1.0, 3.0, 2.0], p), Some(expected));
    }

    #[rstest]
    #[case(&[])]
    #[case(&[3.0])]
    #[case(&[0.1, 0.7])]
    #[case(&[-1.0, 0.3, 0.9])]
    #[case(&[0.1, 0.2, 0.7, 1e9])]
    fn the_median_of_sorted_values_is_that_of_any_order(#[case] sorted: &[f64]) {
        assert_eq!(median_of_sorted(sorted), median(sorted));
    }

    #[test]
    fn an_empty_sample_has_no_rank_quantile_or_score() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(mid_rank(&[], 1.0), None);
        assert_eq!(robust_z(&[], 1.0), None);
    }

    #[test]
    fn ties_share_the_middle_rank_whatever_their_sign_of_zero() {
        assert_eq!(mid_rank(&[0.0, -0.0, 1.0, -1.0], 0.0), Some(0.625));
    }

    #[test]
    fn a_mostly_constant_baseline_uses_its_quartiles_and_a_constant_one_has_no_score() {
        let z = robust_z(&[1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0], 5.0).unwrap();
        assert!((z - 4.0 / (2.0 * IQR_TO_SIGMA)).abs() < 1e-12);
        assert_eq!(robust_z(&[2.0, 2.0, 2.0], 9.0), None);
    }

    proptest! {
        #[test]
        fn ranks_of_all_are_the_rank_of_each(values in prop::collection::vec(-9_i8..9, 0..60)) {
            let values: Vec<f64> = values.into_iter().map(|value| 0.0 - f64::from(value)).collect();
            let each: Vec<f64> = values.iter().filter_map(|value| mid_rank(&values, *value)).collect();
            prop_assert_eq!(mid_ranks(&values), each);
        }

        #[test]
        fn the_running_ecdf_is_the_rank_in_its_window(values in prop::collection::vec(-9_i8..9, 1..60), cap in 1_usize..20) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let mut ecdf = Ecdf::new(cap);
            for (i, &value) in values.iter().enumerate() {
                let window = &values[(i + 1).saturating_sub(cap)..=i];
                let expected = mid_rank(window, value).unwrap();
                prop_assert!((ecdf.peek(value) - expected).abs() < 1e-15);
                prop_assert!((ecdf.push(value) - expected).abs() < 1e-15);
                prop_assert_eq!(ecdf.len(), window.len());
            }
        }

        #[test]
        fn quantiles_grow_with_p_and_stay_inside(values in prop::collection::vec(-1e6..1e6, 1..60), p in 0.0..1.0, q in 0.0..1.0) {
            let (low, high) = (quantile(&values, f64::min(p, q)).unwrap(), quantile(&values, f64::max(p, q)).unwrap());
            prop_assert!(quantile(&values, 0.0).unwrap() <= low && low <= high && high <= quantile(&values, 1.0).unwrap());
        }

        #[test]
        fn the_score_does_not_depend_on_the_unit(values in prop::collection::vec(0.0..1e6, 3..60), value in 0.0..1e6) {
            let scaled: Vec<f64> = values.iter().map(|x| x * 4.0).collect();
            prop_assert_eq!(robust_z(&scaled, value * 4.0), robust_z(&values, value));
        }
    }
}
