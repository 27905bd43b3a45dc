use crate::domain::{Asset, Metric, Source, TimeRange, Timestamp};
use crate::market::{ColumnView, LiquidationBucket, MarketView, TallySummary};
use crate::metrics::liquidations::outages::outages_until;
use crate::metrics::liquidations::source_series::LiquidationSeries;
use crate::metrics::liveness::QUIET_MARKET_MS;

/// Rows up to which a search for pauses looks at each.
const FEW_ROWS: u64 = 64;

/// The spans in which a feed is known to have listened: apart, in the order of time, ends excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::metrics) struct Listening(Vec<(Timestamp, Timestamp)>);

/// What is known of the rows in a range.
struct Rows {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    /// Whether no pause between them says that the feed was away.
    is_whole: bool,
}

impl Listening {
    /// When a source listened, by everything its legs tell up to the cutoff.
    ///
    /// A published sum proves its period. Single orders prove the time between them while they are no more than a day
    /// apart, and that since the last one while it is no older; less the recorded outages of the stream.
    pub(in crate::metrics) fn of_source(view: &MarketView, source: &Source, legs: &[&LiquidationSeries<'_>]) -> Self {
        let mut spans = Self::of_orders(view, source, legs).0;
        for leg in legs {
            leg.add_published(view.as_of(), &mut spans);
        }
        Self::united(spans, 0)
    }

    fn of_orders(view: &MarketView, source: &Source, legs: &[&LiquidationSeries<'_>]) -> Self {
        if !legs.iter().any(|leg| leg.has_orders()) {
            return Self::default();
        }
        let mut runs = Vec::new();
        for (_, column) in view.tallies_of(&Asset::total()).filter(|(key, _)| key.source == *source) {
            add_runs(&Orders(column), TimeRange::all(), &mut runs);
        }
        let mut heard = Self::united(runs, QUIET_MARKET_MS);
        if let Some((_, end)) = heard.0.last_mut().filter(|(_, end)| view.as_of().ms_since(*end) <= QUIET_MARKET_MS) {
            *end = view.as_of().max(*end);
        }
        for (_, column) in view.all_readings(Metric::Outage).filter(|(key, _)| key.source == *source) {
            for outage in outages_until(column, view.as_of()) {
                heard.cut_out(outage.from, outage.until);
            }
        }
        heard
    }

    /// These spans, those united that are no more than `pause_ms` apart.
    fn united(mut spans: Vec<(Timestamp, Timestamp)>, pause_ms: i64) -> Self {
        spans.sort_unstable();
        let mut united: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(spans.len().min(16));
        for (from, to) in spans {
            match united.last_mut().filter(|(_, end)| from.ms_since(*end) <= pause_ms) {
                Some((_, end)) => *end = to.max(*end),
                None => united.push((from, to)),
            }
        }
        Self(united)
    }

    fn cut_out(&mut self, from: Timestamp, until: Timestamp) {
        let parts = |(start, end): (Timestamp, Timestamp)| [(start, end.min(from)), (start.max(until), end)];
        self.0 = self.0.iter().copied().flat_map(parts).filter(|(start, end)| start < end).collect();
    }

    /// The parts inside `[from, to)`.
    fn inside(&self, from: Timestamp, to: Timestamp) -> impl DoubleEndedIterator<Item = (Timestamp, Timestamp)> {
        let first = self.0.partition_point(|(_, end)| *end <= from);
        let last = self.0.partition_point(|(start, _)| *start < to);
        let parts = self.0[first..last.max(first)].iter().map(move |(start, end)| ((*start).max(from), (*end).min(to)));
        parts.filter(|(start, end)| start < end)
    }

    /// How long it listened inside `[from, to)`, milliseconds.
    pub(in crate::metrics) fn covered_ms(&self, from: Timestamp, to: Timestamp) -> i64 {
        self.inside(from, to).map(|(start, end)| end.ms_since(start)).sum()
    }

    /// The first and the last instant inside `[from, to)` at which it listened.
    pub(in crate::metrics) fn ends(&self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (start, end) = self.inside(from, to).next()?;
        Some((start, self.inside(from, to).next_back().map_or(end, |(_, end)| end)))
    }

    /// Where its record becomes continuous: the first instant from which on it listened at least half of the next
    /// `length_ms`, or of what there is until the cutoff. A stray row does not begin a history. Where nothing is
    /// continuous, the longest piece is the record.
    pub(in crate::metrics) fn begins(&self, as_of: Timestamp, length_ms: i64) -> Option<Timestamp> {
        let starts = self.0.iter().map(|(start, _)| *start);
        let continuous = starts.filter(|start| *start <= as_of).find(|start| {
            let until = start.plus_ms(length_ms).min(as_of);
            2 * self.covered_ms(*start, until) >= until.ms_since(*start)
        });
        let longest = || self.0.iter().rev().max_by_key(|(start, end)| end.ms_since(*start)).map(|(start, _)| *start);
        continuous.or_else(longest)
    }
}

impl LiquidationSeries<'_> {
    /// Adds the spans that published sums fill. One that is still running at the cutoff proves nothing yet.
    fn add_published(&self, as_of: Timestamp, spans: &mut Vec<(Timestamp, Timestamp)>) {
        let Some((key, column)) = self.published() else { return };
        let period_ms = key.period.ms();
        if let Ok(range) = TimeRange::new(Timestamp::MIN, as_of.plus_ms(1 - period_ms)) {
            add_runs(&Sums { column, period_ms }, range, spans);
        }
    }
}

/// The rows of a series, as far as they prove that its feed listened.
trait Record {
    /// How long from its instant on a row proves, milliseconds.
    fn proves_ms(&self) -> i64;
    /// What is known of the rows in a range; `None` of no rows.
    fn rows(&self, range: TimeRange) -> Option<Rows>;
    /// Gives the instant of each row in a range, in the order of time.
    fn for_each(&self, range: TimeRange, give: impl FnMut(Timestamp));
}

struct Orders<'a>(ColumnView<'a, LiquidationBucket>);

struct Sums<'a> {
    column: ColumnView<'a, f64>,
    period_ms: i64,
}

impl Record for Orders<'_> {
    fn proves_ms(&self) -> i64 {
        1
    }

    fn rows(&self, range: TimeRange) -> Option<Rows> {
        let TallySummary { ends, longest_pause_ms, count, .. } = self.0.summary(range);
        let (first, last) = ends?;
        Some(Rows { first, last, count, is_whole: longest_pause_ms <= QUIET_MARKET_MS })
    }

    fn for_each(&self, range: TimeRange, mut give: impl FnMut(Timestamp)) {
        self.0.for_each(range, |row| give(row.observed_at));
    }
}

impl Record for Sums<'_> {
    fn proves_ms(&self) -> i64 {
        self.period_ms
    }

    fn rows(&self, range: TimeRange) -> Option<Rows> {
        let first = self.column.at_or_after(range.from()).map(|row| row.observed_at).filter(|at| range.contains(*at))?;
        let last = self.column.at_or_before(range.to().plus_ms(-1)).map(|row| row.observed_at)?;
        let count = self.column.count(range);
        let expected = u64::try_from(last.ms_since(first) / self.period_ms.max(1)).unwrap_or(0) + 1;
        Some(Rows { first, last, count, is_whole: count >= expected })
    }

    fn for_each(&self, range: TimeRange, mut give: impl FnMut(Timestamp)) {
        self.column.for_each(range, |row| give(row.observed_at));
    }
}

/// Adds the spans that the rows in a range prove. Halves are looked at only where there is a pause.
fn add_runs(record: &impl Record, range: TimeRange, runs: &mut Vec<(Timestamp, Timestamp)>) {
    let Some(Rows { first, last, count, is_whole }) = record.rows(range) else { return };
    if is_whole {
        runs.push((first, last.plus_ms(record.proves_ms())));
    } else if count <= FEW_ROWS {
        record.for_each(range, |at| runs.push((at, at.plus_ms(record.proves_ms()))));
    } else {
        let middle = first.plus_ms(last.ms_since(first) / 2 + 1);
        let halves = [TimeRange::new(first, middle), TimeRange::new(middle, last.plus_ms(1))];
        halves.into_iter().flatten().for_each(|half| add_runs(record, half, runs));
    }
}
