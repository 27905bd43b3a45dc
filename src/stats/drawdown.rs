//! Drawdowns from a running maximum: current, maximum and mean (METHODOLOGY sections 1.1, 1.2, 1.6, 1.7, 1.9 and 12).
//!
//! A drawdown is a fraction in [-1, 0]. Prices are not negative; equal highs restart the clock (section 1.3).

use super::{rank, real, sum::sum};

/// A value and its time label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Time label, in the caller's unit.
    pub at: i64,
    /// Value, in the series' unit.
    pub value: f64,
}

/// A fall from a peak to a later trough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fall {
    /// The last occurrence of the running maximum before the trough.
    pub peak: Mark,
    /// The first occurrence of the lowest value after the peak.
    pub trough: Mark,
    /// Trough over peak, stored because every merge compares it.
    ratio: f64,
}

impl Fall {
    /// Returns the fall as a fraction of the peak, below zero.
    #[must_use]
    pub fn depth(&self) -> f64 {
        self.ratio - 1.0
    }

    /// `None` unless the trough is below a peak above zero.
    fn between(peak: Mark, trough: Mark) -> Option<Self> {
        (peak.value > 0.0 && trough.value < peak.value).then(|| Self { peak, trough, ratio: trough.value / peak.value })
    }

    /// Returns the deeper of two falls; if equal, the one with the earlier trough, then the one with the later peak.
    fn deeper(self, other: Self) -> Self {
        let order =
            self.ratio.total_cmp(&other.ratio).then(self.trough.at.cmp(&other.trough.at)).then(other.peak.at.cmp(&self.peak.at));
        if order.is_le() { self } else { other }
    }
}

/// Maximum drawdown of a path, mergeable in time order: `b` after `a` is `a.merge(b)` (METHODOLOGY section 12).
///
/// Pushing a value only compares; a ratio is computed if the value is a new low since the peak. Positions equal
/// those of a direct scan for every split, unless two falls differ by less than rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MaxDrawdown(Option<Path>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Path {
    count: usize,
    /// First occurrence of the minimum.
    lowest: Mark,
    /// Last occurrence of the maximum.
    highest: Mark,
    /// First occurrence of the lowest value since `highest`.
    trough: Mark,
    worst: Option<Fall>,
}

impl MaxDrawdown {
    /// Pushes the next value; a negative value or NaN is ignored.
    pub fn push(&mut self, at: i64, value: f64) {
        self.push_bar(at, value, value);
    }

    /// Pushes the next bar: peaks are highs, troughs are lows, and a bar's low is compared with its own high.
    pub fn push_bar(&mut self, at: i64, high: f64, low: f64) {
        if !(low >= 0.0 && high >= low) {
            return;
        }
        let (high, low) = (Mark { at, value: high }, Mark { at, value: low });
        let Some(path) = &mut self.0 else {
            self.0 = Some(Path { count: 1, lowest: low, highest: high, trough: low, worst: Fall::between(high, low) });
            return;
        };
        path.count += 1;
        path.lowest = lower(path.lowest, low);
        if high.value >= path.highest.value {
            (path.highest, path.trough) = (high, low);
        } else if low.value < path.trough.value {
            path.trough = low;
        } else {
            return;
        }
        path.worst = deeper(path.worst, Fall::between(path.highest, path.trough));
    }

    /// Returns the path of `self` followed by that of `later`.
    #[must_use]
    pub fn merge(self, later: Self) -> Self {
        match (self.0, later.0) {
            (Some(earlier), Some(later)) => Self(Some(earlier.followed_by(later))),
            (path, None) | (None, path) => Self(path),
        }
    }

    /// Returns the number of values pushed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.map_or(0, |path| path.count)
    }

    /// Returns the deepest fall; `None` for an empty path and for one that never fell.
    #[must_use]
    pub fn worst(&self) -> Option<Fall> {
        self.0.and_then(|path| path.worst)
    }

    /// Returns the maximum drawdown, a fraction in [-1, 0]; `None` for an empty path.
    #[must_use]
    pub fn depth(&self) -> Option<f64> {
        self.0.map(|path| path.worst.map_or(0.0, |fall| fall.depth()))
    }

    /// Returns the last occurrence of the maximum.
    #[must_use]
    pub fn highest(&self) -> Option<Mark> {
        self.0.map(|path| path.highest)
    }

    /// Returns the first occurrence of the minimum.
    #[must_use]
    pub fn lowest(&self) -> Option<Mark> {
        self.0.map(|path| path.lowest)
    }

    /// Returns the lowest value since the maximum, first occurrence; the maximum itself if no value is below it.
    #[must_use]
    pub fn lowest_since_highest(&self) -> Option<Mark> {
        self.0.map(|path| path.trough)
    }
}

impl Path {
    fn followed_by(self, later: Self) -> Self {
        let across = Fall::between(self.highest, later.lowest);
        let whole = Self {
            count: self.count + later.count,
            lowest: lower(self.lowest, later.lowest),
            worst: deeper(deeper(self.worst, across), later.worst),
            ..later
        };
        if later.highest.value >= self.highest.value {
            whole
        } else {
            Self { highest: self.highest, trough: lower(self.trough, later.lowest), ..whole }
        }
    }
}

fn lower(earlier: Mark, later: Mark) -> Mark {
    if later.value < earlier.value { later } else { earlier }
}

fn deeper(a: Option<Fall>, b: Option<Fall>) -> Option<Fall> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.deeper(b)),
        (fall, None) | (None, fall) => fall,
    }
}

impl FromIterator<(i64, f64)> for MaxDrawdown {
    fn from_iter<I: IntoIterator<Item = (i64, f64)>>(points: I) -> Self {
        points.into_iter().fold(Self::default(), |mut path, (at, value)| {
            path.push(at, value);
            path
        })
    }
}

/// Returns the drawdown at each value of a path, fractions (section 1.1). It is 0 at the first value, and as
/// long as the peak is zero or negative.
#[must_use]
pub fn series(values: &[f64]) -> Vec<f64> {
    let mut peak = f64::NEG_INFINITY;
    values
        .iter()
        .map(|&value| {
            peak = peak.max(value);
            if peak > 0.0 { value / peak - 1.0 } else { 0.0 }
        })
        .collect()
}

/// Returns the drawdown of the last value from the maximum, a fraction (section 1.1); `None` for an empty path.
#[must_use]
pub fn current(values: &[f64]) -> Option<f64> {
    let peak = values.iter().copied().reduce(f64::max)?;
    values.last().map(|last| last / peak - 1.0)
}

/// Returns the gain needed to recover the peak, a fraction (section 1.7); `None` after a total loss.
#[must_use]
pub fn required_gain(drawdown: f64) -> Option<f64> {
    (drawdown > -1.0).then(|| -drawdown / (1.0 + drawdown))
}

/// Returns the ulcer index of a drawdown series: its root mean square, a fraction (section 1.6, N observations).
#[must_use]
pub fn ulcer_index(drawdowns: &[f64]) -> Option<f64> {
    (!drawdowns.is_empty()).then(|| (sum(drawdowns.iter().map(|d| d * d)) / real(drawdowns.len())).sqrt())
}

/// Returns the pain index of a drawdown series: its mean depth, a fraction, positive (section 1.6, N observations).
#[must_use]
pub fn pain_index(drawdowns: &[f64]) -> Option<f64> {
    (!drawdowns.is_empty()).then(|| sum(drawdowns.iter().map(|d| d.abs())) / real(drawdowns.len()))
}

/// Returns the mid-rank of the last drawdown's depth among all so far (section 1.9); 1 is the deepest on record.
#[must_use]
pub fn depth_rank(drawdowns: &[f64]) -> Option<f64> {
    let depths: Vec<f64> = drawdowns.iter().map(|d| d.abs()).collect();
    rank::mid_rank(&depths, *depths.last()?)
}

/// Returns the same rank among the observations below the peak only; `None` at a high.
#[must_use]
pub fn depth_rank_under_water(drawdowns: &[f64]) -> Option<f64> {
    let last = drawdowns.last().copied().filter(|&d| d < 0.0)?;
    let depths: Vec<f64> = drawdowns.iter().filter(|&&d| d < 0.0).map(|d| d.abs()).collect();
    rank::mid_rank(&depths, last.abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(values: &[f64]) -> MaxDrawdown {
        (0..).zip(values.iter().copied()).collect()
    }

    fn positions(path: &MaxDrawdown) -> Option<(i64, i64)> {
        path.worst().map(|fall| (fall.peak.at, fall.trough.at))
    }

    /// The definition: every pair, first trough of the lowest ratio, last peak of the highest value.
    fn by_definition(values: &[f64]) -> Option<(usize, usize)> {
        let mut worst: Option<(f64, usize, usize)> = None;
        for trough in 0..values.len() {
            let peak = (0..=trough).max_by(|&a, &b| values[a].total_cmp(&values[b]))?;
            let ratio = values[trough] / values[peak];
            if ratio < worst.map_or(1.0, |w| w.0) {
                worst = Some((ratio, peak, trough));
            }
        }
        worst.map(|(_, peak, trough)| (peak, trough))
    }

    fn prices() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((1_u16..40).prop_map(f64::from), 1..50)
    }

    #[test]
    fn an_empty_path_has_no_drawdown_and_a_single_value_has_zero() {
        assert_eq!(path(&[]).depth(), None);
        assert_eq!(path(&[5.0]).depth(), Some(0.0));
        assert_eq!(path(&[5.0]).worst(), None);
        assert_eq!(current(&[]), None);
        assert_eq!(ulcer_index(&[]), None);
        assert_eq!(depth_rank(&[]), None);
    }

    #[test]
    fn equal_highs_restart_the_clock_and_the_first_of_equal_lows_is_the_trough() {
        assert_eq!(positions(&path(&[10.0, 12.0, 12.0, 6.0, 6.0, 12.0, 9.0])), Some((2, 3)));
    }

    #[test]
    fn the_lowest_since_the_peak_is_not_the_lowest_of_all() {
        let path = path(&[1.0, 10.0, 5.0, 7.0]);
        assert_eq!(path.lowest(), Some(Mark { at: 0, value: 1.0 }));
        assert_eq!(path.lowest_since_highest(), Some(Mark { at: 2, value: 5.0 }));
    }

    #[test]
    fn a_total_loss_is_minus_one_and_cannot_be_regained() {
        assert_eq!(path(&[2.0, 0.0]).depth(), Some(-1.0));
        assert_eq!(required_gain(-1.0), None);
        assert!((required_gain(-0.25).unwrap() - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn impossible_prices_are_ignored() {
        let path = path(&[2.0, f64::NAN, -1.0, 1.0]);
        assert_eq!(path.count(), 2);
        assert_eq!(path.depth(), Some(-0.5));
    }

    #[test]
    fn a_bars_low_is_compared_with_its_own_high() {
        let mut bars = MaxDrawdown::default();
        bars.push_bar(1, 10.0, 9.0);
        bars.push_bar(2, 12.0, 6.0);
        assert_eq!(positions(&bars), Some((2, 2)));
    }

    #[test]
    fn at_a_high_there_is_no_rank_under_water() {
        assert_eq!(depth_rank_under_water(&[0.0, -0.2, 0.0]), None);
        assert_eq!(depth_rank_under_water(&[0.0, -0.2, -0.1]), Some(0.5));
    }

    proptest! {
        #[test]
        fn the_scan_is_the_definition(values in prices()) {
            let found = positions(&path(&values)).map(|(p, t)| (usize::try_from(p).unwrap(), usize::try_from(t).unwrap()));
            prop_assert_eq!(found, by_definition(&values));
        }

        #[test]
        fn any_split_merges_to_the_whole(bars in prop::collection::vec((1_u16..40, 0_u16..4), 1..50), a in 0_usize..50, b in 0_usize..50) {
            let (a, b) = (a.min(b).min(bars.len()), a.max(b).min(bars.len()));
            let part = |from: usize, to: usize| {
                (0..).zip(&bars).take(to).skip(from).fold(MaxDrawdown::default(), |mut path, (at, &(low, range))| {
                    path.push_bar(at, f64::from(low + range), f64::from(low));
                    path
                })
            };
            let whole = part(0, bars.len());
            prop_assert_eq!(part(0, a).merge(part(a, b)).merge(part(b, bars.len())), whole);
            prop_assert_eq!(part(0, a).merge(part(a, b).merge(part(b, bars.len()))), whole);
        }

        #[test]
        fn drawdowns_lie_between_minus_one_and_zero_and_the_deepest_is_the_maximum(values in prices()) {
            let drawdowns = series(&values);
            prop_assert!(drawdowns.iter().all(|d| (-1.0..=0.0).contains(d)));
            prop_assert_eq!(drawdowns.iter().copied().reduce(f64::min), path(&values).depth());
            prop_assert_eq!(drawdowns.last().copied(), current(&values));
            let pain = pain_index(&drawdowns).unwrap();
            prop_assert!(pain <= ulcer_index(&drawdowns).unwrap() + 1e-15);
        }

        #[test]
        fn the_unit_of_the_price_does_not_matter(values in prices(), power in -8_i32..8) {
            let scaled: Vec<f64> = values.iter().map(|v| v * 2_f64.powi(power)).collect();
            prop_assert_eq!(series(&scaled), series(&values));
            prop_assert_eq!(positions(&path(&scaled)), positions(&path(&values)));
        }
    }
}
