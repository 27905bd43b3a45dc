use crate::domain::{Bar, Period, SeriesKey, TimeRange, Timestamp, Version, Vintage};
use crate::market::column::ColumnView;
use crate::market::daily::joined;
use crate::market::point::Fold;
use crate::market::summary::BarSummary;

/// Bars of one length as they were known at the cutoff: the finished ones and the one still running.
#[derive(Debug, Clone)]
pub struct Bars<'a> {
    /// The series they come from; its period is shorter than `interval` where they were made of finer bars.
    pub key: &'a SeriesKey,
    /// The length of one bar.
    pub interval: Period,
    /// The bar that holds the cutoff, made of finer bars known by then; its `known_at` is that of the last.
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
    /// The bars of a column of this length, the running one made of `finer`.
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

    /// Bars made of finer ones now, at the cost of reading them all.
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

    /// The last commit that touched a series these bars come from.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// When the last vintage of the finished bars that start in `range` was known, whatever the cutoff; of
    /// bars that are made at the cutoff nobody can say.
    #[must_use]
    pub fn known_by(&self, range: TimeRange) -> Option<Timestamp> {
        match &self.finished {
            Finished::Column(column) => column.known_by(range),
            Finished::Folded(_) => Some(Timestamp::MAX),
        }
    }

    /// What is kept of the finished bars that start in `range`.
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

    /// What is kept of the finished bars that start in `range`, and of the running one if it does.
    #[must_use]
    pub fn summary_with_running(&self, range: TimeRange) -> BarSummary {
        let mut summary = self.summary(range);
        if let Some(running) = self.running.filter(|bar| range.contains(bar.observed_at)) {
            summary.points(&[running.observed_at], &[running.value]);
        }
        summary
    }

    /// How many finished bars start in `range`.
    #[must_use]
    pub fn count(&self, range: TimeRange) -> u64 {
        match &self.finished {
            Finished::Column(column) => column.count(range),
            Finished::Folded(bars) => bars.iter().filter(|bar| range.contains(bar.observed_at)).count() as u64,
        }
    }

    /// The finished bars that start in `range`, in the order of time.
    #[must_use]
    pub fn finished(&self, range: TimeRange) -> Vec<Vintage<Bar>> {
        match &self.finished {
            Finished::Column(column) => column.points(range),
            Finished::Folded(bars) => bars.iter().filter(|bar| range.contains(bar.observed_at)).copied().collect(),
        }
    }

    /// The finished bars that start in `range` and the running one if it does.
    #[must_use]
    pub fn all(&self, range: TimeRange) -> Vec<Vintage<Bar>> {
        let mut bars = self.finished(range);
        bars.extend(self.running.filter(|bar| range.contains(bar.observed_at)));
        bars
    }

    /// The starts and closes of the finished bars that start in `range`, in the order of time.
    #[must_use]
    pub fn finished_closes(&self, range: TimeRange) -> Vec<(Timestamp, f64)> {
        let close = |bar: Vintage<Bar>| (bar.observed_at, bar.value.close);
        match &self.finished {
            Finished::Column(column) => column.collect(range, close),
            Finished::Folded(bars) => bars.iter().filter(|bar| range.contains(bar.observed_at)).copied().map(close).collect(),
        }
    }

    /// The starts and closes of the bars that start in `range`, the running one last.
    #[must_use]
    pub fn closes(&self, range: TimeRange) -> Vec<(Timestamp, f64)> {
        let mut closes = self.finished_closes(range);
        let running = self.running.filter(|bar| range.contains(bar.observed_at));
        closes.extend(running.map(|bar| (bar.observed_at, bar.value.close)));
        closes
    }

    /// The last finished bar that starts at `at` or before.
    #[must_use]
    pub fn finished_at_or_before(&self, at: Timestamp) -> Option<Vintage<Bar>> {
        match &self.finished {
            Finished::Column(column) => column.at_or_before(at),
            Finished::Folded(bars) => bars[..bars.partition_point(|bar| bar.observed_at <= at)].last().copied(),
        }
    }

    /// The last bar that starts in `range`, finished or running.
    #[must_use]
    pub fn last_in(&self, range: TimeRange) -> Option<Vintage<Bar>> {
        let inside = |bar: &Vintage<Bar>| range.contains(bar.observed_at);
        self.running.filter(inside).or_else(|| self.finished_at_or_before(range.to().plus_ms(-1)).filter(inside))
    }

    /// The first bar, finished or running.
    #[must_use]
    pub fn first(&self) -> Option<Vintage<Bar>> {
        let finished = match &self.finished {
            Finished::Column(column) => column.first(),
            Finished::Folded(bars) => bars.first().copied(),
        };
        finished.or(self.running)
    }

    /// The newest bar: the running one, or else the last finished one.
    #[must_use]
    pub fn last(&self) -> Option<Vintage<Bar>> {
        self.running.or_else(|| self.finished_at_or_before(Timestamp::MAX))
    }

    /// Whether `bar` is the running one.
    #[must_use]
    pub fn is_running(&self, bar: &Vintage<Bar>) -> bool {
        self.running.is_some_and(|running| running.observed_at == bar.observed_at)
    }
}

/// The bar that holds the newest finer bar, unless that one reaches its end.
fn running_bar(finer: ColumnView<'_, Bar>, interval: Period) -> Option<Vintage<Bar>> {
    let last = finer.last()?;
    let start = interval.start_of(last.observed_at);
    let parts = finer.points(TimeRange::new(start, start.plus_ms(interval.ms())).ok()?);
    let value = joined(&parts)?;
    let known_at = parts.iter().map(|part| part.known_at).max()?;
    Some(Vintage { observed_at: start, known_at, value })
}
