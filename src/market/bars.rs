use crate::domain::{Bar, Period, SeriesKey, TimeRange, Timestamp, Version, Vintage};
use crate::market::column::ColumnView;
use crate::market::daily::joined;
use crate::market::point::Fold;
use crate::market::summary::BarSummary;

/// Bars of one length as known at the cutoff: the finished ones and the running one.
#[derive(Debug, Clone)]
pub struct Bars<'a> {
    /// Series they come from; its period is shorter than `interval` if they were built from finer bars.
    pub key: &'a SeriesKey,
    /// Length of one bar.
    pub interval: Period,
    /// The bar that contains the cutoff, built from finer bars known by then; its `known_at` is that of the last.
    pub running: Option<Vintage<Bar>>,
    finished: Finished<'a>,
    version: Version,
}

#[derive(Debug, Clone)]
enum Finished<'a> {
    Column(ColumnView<'a, Bar>),
    Folded(Vec<Vintage<Bar>>),
}

impl<'a> Bars<'a> {
    /// Returns the bars of a column of this length, with the running one built from `finer`.
    pub(super) fn of_column(
        key: &'a SeriesKey,
        column: ColumnView<'a, Bar>,
        interval: Period,
        finer: Option<(&'a SeriesKey, ColumnView<'a, Bar>)>,
    ) -> Self {
        let running = finer.and_then(|(_, finer)| running_bar(finer, interval)).filter(|running| {
            let finished = column.last();
            finished.is_none_or(|last| last.observed_at < running.observed_at)
        });
        let version = finer.map_or(column.version(), |(_, finer)| finer.version().max(column.version()));
        Self { key, interval, running, finished: Finished::Column(column), version }
    }

    /// Builds bars from finer ones, reading all of them.
    pub(super) fn folded(key: &'a SeriesKey, finer: ColumnView<'a, Bar>, interval: Period) -> Self {
        let mut bars: Vec<Vintage<Bar>> = Vec::new();
        let mut end = Timestamp::MIN;
        finer.for_each(TimeRange::all(), |row| match bars.last_mut() {
            Some(bar) if row.observed_at < end => {
                bar.value = bar.value.join(&row.value);
                bar.known_at = bar.known_at.max(row.known_at);
            }
            _ => {
                let start = interval.start_of(row.observed_at);
                end = start.plus_ms(interval.ms());
                bars.push(Vintage { observed_at: start, ..row });
            }
        });
        let reached = finer.last().map(|last| last.observed_at.plus_ms(key.period.ms()));
        let running = bars.pop_if(|bar| reached.is_none_or(|reached| bar.observed_at.plus_ms(interval.ms()) > reached));
        Self { key, interval, running, finished: Finished::Folded(bars), version: finer.version() }
    }

    /// Returns the last commit that changed a series of these bars.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the `known_at` of the last vintage of the finished bars that start in `range`, regardless of the
    /// cutoff. It is `Timestamp::MAX` for bars that are built at the cutoff.
    #[must_use]
    pub fn known_by(&self, range: TimeRange) -> Option<Timestamp> {
        match &self.finished {
            Finished::Column(column) => column.known_by(range),
            Finished::Folded(_) => Some(Timestamp::MAX),
        }
    }

    /// Returns the summary of the finished bars that start in `range`.
    #[must_use]
    pub fn summary(&self, range: TimeRange) -> BarSummary {
        match &self.finished {
            Finished::Column(column) => column.summary(range),
            Finished::Folded(bars) => {
                let mut summary = BarSummary::default();
                for bar in bars.iter().filter(|bar| range.contains(bar.observed_at)) {
                    summary.points(&[bar.observed_at], &[bar.value]);
                }
                summary
            }
        }
    }

    /// Returns the summary of the finished bars that start in `range`, and of the running one if it does.
    #[must_use]
    pub fn summary_with_running(&self, range: TimeRange) -> BarSummary {
        let mut summary = self.summary(range);
        if let Some(running) = self.running.filter(|bar| range.contains(bar.observed_at)) {
            summary.points(&[running.observed_at], &[running.value]);
        }
        summary
    }

    /// Returns the number of finished bars that start in `range`.
    #[must_use]
    pub fn count(&self, range: TimeRange) -> u64 {
        match &self.finished {
            Finished::Column(column) => column.count(range),
            Finished::Folded(bars) => bars.iter().filter(|bar| range.contains(bar.observed_at)).count() as u64,
        }
    }

    /// Returns the finished bars that start in `range`, in time order.
    #[must_use]
    pub fn finished(&self, range: TimeRange) -> Vec<Vintage<Bar>> {
        match &self.finished {
            Finished::Column(column) => column.points(range),
            Finished::Folded(bars) => bars.iter().filter(|bar| range.contains(bar.observed_at)).copied().collect(),
        }
    }

    /// Returns the finished bars that start in `range`, and the running one if it does.
    #[must_use]
    pub fn all(&self, range: TimeRange) -> Vec<Vintage<Bar>> {
        let mut bars = self.finished(range);
        bars.extend(self.running.filter(|bar| range.contains(bar.observed_at)));
        bars
    }

    /// Returns the starts and closes of the finished bars that start in `range`, in time order.
    #[must_use]
    pub fn finished_closes(&self, range: TimeRange) -> Vec<(Timestamp, f64)> {
        let close = |bar: Vintage<Bar>| (bar.observed_at, bar.value.close);
        match &self.finished {
            Finished::Column(column) => column.collect(range, close),
            Finished::Folded(bars) => bars.iter().filter(|bar| range.contains(bar.observed_at)).copied().map(close).collect(),
        }
    }

    /// Returns the starts and closes of the bars that start in `range`, the running one last.
    #[must_use]
    pub fn closes(&self, range: TimeRange) -> Vec<(Timestamp, f64)> {
        let mut closes = self.finished_closes(range);
        let running = self.running.filter(|bar| range.contains(bar.observed_at));
        closes.extend(running.map(|bar| (bar.observed_at, bar.value.close)));
        closes
    }

    /// Returns the last finished bar that starts at or before `at`.
    #[must_use]
    pub fn finished_at_or_before(&self, at: Timestamp) -> Option<Vintage<Bar>> {
        match &self.finished {
            Finished::Column(column) => column.at_or_before(at),
            Finished::Folded(bars) => bars[..bars.partition_point(|bar| bar.observed_at <= at)].last().copied(),
        }
    }

    /// Returns the last bar that starts in `range`, finished or running.
    #[must_use]
    pub fn last_in(&self, range: TimeRange) -> Option<Vintage<Bar>> {
        let inside = |bar: &Vintage<Bar>| range.contains(bar.observed_at);
        self.running.filter(inside).or_else(|| self.finished_at_or_before(range.to().plus_ms(-1)).filter(inside))
    }

    /// Returns the first bar, finished or running.
    #[must_use]
    pub fn first(&self) -> Option<Vintage<Bar>> {
        let finished = match &self.finished {
            Finished::Column(column) => column.first(),
            Finished::Folded(bars) => bars.first().copied(),
        };
        finished.or(self.running)
    }

    /// Returns the newest bar: the running one, else the last finished one.
    #[must_use]
    pub fn last(&self) -> Option<Vintage<Bar>> {
        self.running.or_else(|| self.finished_at_or_before(Timestamp::MAX))
    }

    /// Returns true if `bar` is the running one.
    #[must_use]
    pub fn is_running(&self, bar: &Vintage<Bar>) -> bool {
        self.running.is_some_and(|running| running.observed_at == bar.observed_at)
    }
}

/// Returns the bar that contains the newest finer bar, unless that one reaches its end.
fn running_bar(finer: ColumnView<'_, Bar>, interval: Period) -> Option<Vintage<Bar>> {
    let last = finer.last()?;
    let start = interval.start_of(last.observed_at);
    let parts = finer.points(TimeRange::new(start, start.plus_ms(interval.ms())).ok()?);
    let value = joined(&parts)?;
    let known_at = parts.iter().map(|part| part.known_at).max()?;
    Some(Vintage { observed_at: start, known_at, value })
}
