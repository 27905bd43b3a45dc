//! Statistics of windows of bars that move on day by day.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::{Bar, SeriesKey, Timestamp, Vintage};
use crate::stats::liquidity::detrended;
use crate::stats::rank::median_of_sorted;

/// What one day hands on to the next, so that it costs its own bar and not a year of them.
#[derive(Debug, Default)]
pub(super) struct RollingState {
    /// Impacts of trading by series and by how many make a mean.
    pub(super) impacts: BTreeMap<(SeriesKey, usize), Rolling<f64>>,
    /// Squared ranges of bars by series and by how many make a volatility.
    pub(super) ranges: BTreeMap<(SeriesKey, usize), Rolling<f64>>,
}

/// A statistic of every so many neighbouring items that a window of bars gives.
///
/// What the window before gave is kept as far as its bars are those of this one, as they are known:
/// the values are those of a window seen for the first time.
#[derive(Debug)]
pub(super) struct Rolling<T> {
    bars: Vec<Vintage<Bar>>,
    /// In the order of time, each with the start of the first bar it was made of; so the statistics.
    items: VecDeque<(Timestamp, T)>,
    statistics: VecDeque<(Timestamp, f64)>,
    /// The statistics in the order of size.
    sorted: Vec<f64>,
}

impl<T> Default for Rolling<T> {
    fn default() -> Self {
        Self { bars: Vec::new(), items: VecDeque::new(), statistics: VecDeque::new(), sorted: Vec::new() }
    }
}

impl<T: Copy> Rolling<T> {
    /// The last statistic of `width` items against the median of all in the window, in logs.
    ///
    /// `item` is what the last of a run of bars gives, with the start of the first bar it looked at.
    pub(super) fn against_usual(
        &mut self,
        window: Vec<Vintage<Bar>>,
        width: usize,
        item: impl Fn(&[Vintage<Bar>]) -> Option<(Timestamp, T)>,
        statistic: impl Fn(&[T]) -> Option<f64>,
    ) -> Option<f64> {
        let taken_in = self.keep(&window);
        let standing = self.statistics.len();
        let mut run: Vec<T> = Vec::with_capacity(width);
        for last in taken_in..window.len() {
            let Some(item) = item(&window[..=last]) else { continue };
            self.items.push_back(item);
            let Some(first) = self.items.len().checked_sub(width) else { continue };
            run.clear();
            run.extend(self.items.range(first..).map(|(_, item)| *item));
            self.statistics.extend(statistic(&run).map(|value| (self.items[first].0, value)));
        }
        self.sort_in(standing);
        self.bars = window;
        detrended(self.statistics.back()?.1, median_of_sorted(&self.sorted)?)
    }

    /// Forgets what is not of this window; how many of its bars are taken in already.
    fn keep(&mut self, window: &[Vintage<Bar>]) -> usize {
        let start = window.first().map_or(Timestamp::MAX, |bar| bar.observed_at);
        let gone = self.bars.partition_point(|bar| bar.observed_at < start);
        if !window.starts_with(&self.bars[gone..]) {
            *self = Self::default();
            return 0;
        }
        while self.items.pop_front_if(|(first, _)| *first < start).is_some() {}
        while let Some((_, value)) = self.statistics.pop_front_if(|(first, _)| *first < start) {
            self.sorted.remove(self.smaller_than(value));
        }
        self.bars.len() - gone
    }

    /// Sorts in the statistics after the first `standing`: one by one where a day brought one.
    fn sort_in(&mut self, standing: usize) {
        if standing == 0 {
            self.sorted = self.statistics.iter().map(|(_, value)| *value).collect();
            self.sorted.sort_unstable_by(f64::total_cmp);
            return;
        }
        for index in standing..self.statistics.len() {
            let (_, value) = self.statistics[index];
            self.sorted.insert(self.smaller_than(value), value);
        }
    }

    fn smaller_than(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&value).is_lt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::sum::mean;

    fn bars(closes: &[f64]) -> Vec<Vintage<Bar>> {
        let bar = |(day, close): (i64, &f64)| {
            let observed_at = Timestamp::from_unix_ms(0).plus_days(day);
            let value = Bar::new(*close, *close, *close, *close, None).unwrap();
            Vintage { observed_at, known_at: observed_at.plus_days(1), value }
        };
        (0..).zip(closes).map(bar).collect()
    }

    /// The close over that of the bar before; days that end on 13 give nothing.
    fn step(run: &[Vintage<Bar>]) -> Option<(Timestamp, f64)> {
        let (last, before) = (run.last()?, run.iter().rev().nth(1)?);
        (last.value.close < 13.0).then(|| (before.observed_at, last.value.close / before.value.close))
    }

    fn ask(rolling: &mut Rolling<f64>, window: &[Vintage<Bar>]) -> Option<f64> {
        rolling.against_usual(window.to_vec(), 2, step, mean)
    }

    #[test]
    fn a_window_that_moved_on_gives_what_one_seen_for_the_first_time_does() {
        let mut all = bars(&[3.0, 5.0, 4.0, 13.0, 7.0, 6.0, 2.0, 9.0, 8.0, 5.0, 11.0, 4.0]);
        let mut rolling = Rolling::default();
        for end in 5..=all.len() {
            if end == 9 {
                // The past is corrected.
                all[6].value = bars(&[10.0])[0].value;
            }
            let window = &all[end - 5..end];
            let alone = ask(&mut Rolling::default(), window);
            assert!(alone.is_some());
            assert_eq!(ask(&mut rolling, window), alone, "{end}");
        }
        // Back in time, and into a window without an item.
        assert_eq!(ask(&mut rolling, &all[..5]), ask(&mut Rolling::default(), &all[..5]));
        assert_eq!(ask(&mut rolling, &all[..2]), None);
        assert_eq!(ask(&mut rolling, &[]), None);
    }
}
