use std::collections::BTreeMap;

use crate::domain::{Asset, Period, SeriesKey, Side, Source, TimeRange, Timestamp};
use crate::market::{ColumnView, LiquidationBucket, MarketView, TallySummary};
use crate::metrics::Span;
use crate::metrics::cache::Changes;
use crate::metrics::liveness::{is_live, true_at};
use crate::metrics::provenance::Provenance;
use crate::stats::real;
use crate::stats::sum::Sum;

/// Positions closed by force, long and short, USD.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(in crate::metrics) struct LongShort {
    pub(in crate::metrics) long_usd: f64,
    pub(in crate::metrics) short_usd: f64,
}

/// One side of one asset at one source: the sums it publishes and the single orders it shows.
#[derive(Debug, Clone)]
pub(in crate::metrics) struct LiquidationSeries<'a> {
    pub(in crate::metrics) asset: Asset,
    pub(in crate::metrics) source: Source,
    pub(in crate::metrics) side: Side,
    published: Option<(&'a SeriesKey, ColumnView<'a, f64>)>,
    orders: Option<(&'a SeriesKey, ColumnView<'a, LiquidationBucket>)>,
}

impl LongShort {
    pub(in crate::metrics) fn total(self) -> f64 {
        self.long_usd + self.short_usd
    }

    /// Longs' part of the total, a fraction; `None` when nothing was liquidated.
    pub(in crate::metrics) fn long_share(self) -> Option<f64> {
        (self.total() > 0.0).then(|| self.long_usd / self.total())
    }

    pub(in crate::metrics) fn add(&mut self, side: Side, usd: f64) {
        match side {
            Side::Long => self.long_usd += usd,
            Side::Short => self.short_usd += usd,
        }
    }
}

impl<'a> LiquidationSeries<'a> {
    /// A leg that tells nothing yet.
    pub(in crate::metrics) const fn new(asset: Asset, source: Source, side: Side) -> Self {
        Self { asset, source, side, published: None, orders: None }
    }

    /// Takes published sums, of several lengths the shortest.
    pub(in crate::metrics) fn take_sums(&mut self, key: &'a SeriesKey, column: ColumnView<'a, f64>) {
        if self.published.is_none_or(|(former, _)| key.period < former.period) {
            self.published = Some((key, column));
        }
    }

    /// Takes the sums of single orders.
    pub(in crate::metrics) const fn take_orders(&mut self, key: &'a SeriesKey, column: ColumnView<'a, LiquidationBucket>) {
        self.orders = Some((key, column));
    }

    /// Whether its source publishes sums.
    pub(in crate::metrics) const fn has_sums(&self) -> bool {
        self.published.is_some()
    }

    /// The sums its source publishes.
    pub(in crate::metrics) const fn published(&self) -> Option<(&'a SeriesKey, ColumnView<'a, f64>)> {
        self.published
    }

    /// Whether its source shows single orders.
    pub(in crate::metrics) const fn has_orders(&self) -> bool {
        self.orders.is_some()
    }

    /// Its published sums.
    pub(in crate::metrics) const fn sums(&self) -> Option<(&'a SeriesKey, ColumnView<'a, f64>)> {
        self.published
    }

    /// Its single orders.
    pub(in crate::metrics) const fn single_orders(&self) -> Option<(&'a SeriesKey, ColumnView<'a, LiquidationBucket>)> {
        self.orders
    }

    /// The series it is read from.
    pub(in crate::metrics) fn keys(&self) -> impl Iterator<Item = &'a SeriesKey> + use<'a> {
        self.published.map(|(key, _)| key).into_iter().chain(self.orders.map(|(key, _)| key))
    }

    /// Notes the series it is read from.
    pub(in crate::metrics) fn note(&self, trail: &mut Provenance<'_>) {
        self.published.iter().for_each(|(key, column)| trail.read(key, *column));
        self.orders.iter().for_each(|(key, column)| trail.read(key, *column));
    }

    /// Notes that it was read, of a source on which no statement rests.
    pub(in crate::metrics) fn list(&self, trail: &mut Provenance<'_>) {
        self.published.iter().for_each(|(key, column)| trail.list(key, *column));
        self.orders.iter().for_each(|(key, column)| trail.list(key, *column));
    }

    /// Whether its source is live at the instant of an answer.
    pub(in crate::metrics) fn is_live_in(&self, trail: &mut Provenance<'_>) -> bool {
        self.published.is_some_and(|(key, column)| trail.is_live(key, column))
            || self.orders.is_some_and(|(key, column)| trail.is_live(key, column))
    }

    /// The same leg with everything ever known.
    pub(in crate::metrics) fn newest(&self) -> Self {
        Self {
            published: self.published.map(|(key, column)| (key, column.newest())),
            orders: self.orders.map(|(key, column)| (key, column.newest())),
            ..self.clone()
        }
    }

    /// When the last row in `range` was known, whatever the cutoff.
    pub(in crate::metrics) fn known_by(&self, range: TimeRange) -> Option<Timestamp> {
        let published = self.published.and_then(|(_, column)| column.known_by(range));
        published.max(self.orders.and_then(|(_, column)| column.known_by(range)))
    }

    /// The instant of the first row that is among the news.
    pub(in crate::metrics) fn first_change_in(&self, news: Changes) -> Option<Timestamp> {
        let published = self.published.and_then(|(_, column)| news.first_change_in(column));
        published.into_iter().chain(self.orders.and_then(|(_, column)| news.first_change_in(column))).min()
    }

    /// The span inside which published sums count: from the start of the first to the end of the last.
    pub(in crate::metrics) fn covered(&self) -> Option<(Timestamp, Timestamp)> {
        let (key, column) = self.published.as_ref()?;
        let (first, last) = column.first().zip(column.last())?;
        Some((first.observed_at, last.observed_at.plus_ms(key.period.ms())))
    }

    /// The parts of a span in which single orders count.
    fn order_ranges(&self, span: Span) -> Vec<TimeRange> {
        let instants = span.readings();
        let (start, end) = (instants.from(), instants.to());
        let parts = match self.covered() {
            None => vec![(start, end)],
            Some((from, to)) => vec![(start, end.min(from)), (start.max(to), end)],
        };
        parts.into_iter().filter_map(|(from, to)| TimeRange::new(from, to).ok()).collect()
    }

    /// What was liquidated inside the span, USD.
    pub(in crate::metrics) fn usd(&self, span: Span) -> f64 {
        let published = self.published.map_or(0.0, |(key, column)| column.fold::<Sum>(span.rows(key.period)).value());
        let of_orders = |column: ColumnView<'_, LiquidationBucket>| {
            self.order_ranges(span).into_iter().map(|range| column.fold::<Sum>(range).value()).sum()
        };
        let orders = self.orders.map_or(0.0, |(_, column)| of_orders(column));
        published + orders
    }

    /// The single orders shown inside the span, whether or not their values count.
    pub(in crate::metrics) fn orders(&self, span: Span) -> Option<TallySummary> {
        self.orders.map(|(_, column)| column.summary(span.readings()))
    }

    /// Adds what was liquidated inside the span to the buckets of `interval` it falls in.
    pub(in crate::metrics) fn add_to_buckets(&self, span: Span, interval: Period, buckets: &mut BTreeMap<Timestamp, LongShort>) {
        let mut add = |at: Timestamp, usd: Sum| buckets.entry(at).or_default().add(self.side, usd.value());
        if let Some((key, column)) = self.published {
            column.fold_by(span.rows(key.period), interval, &mut add);
        }
        if let Some((_, column)) = self.orders {
            self.order_ranges(span).into_iter().for_each(|range| column.fold_by(range, interval, &mut add));
        }
    }

    /// The published sums, unless they are longer than an hour.
    fn fine_sums(&self) -> Option<(&SeriesKey, ColumnView<'_, f64>)> {
        self.published.filter(|(key, _)| key.period <= Period::HOUR)
    }

    /// The parts of a span in which single orders tell beside the fine sums, or alone.
    fn ranges_beside_fine_sums(&self, span: Span) -> Vec<TimeRange> {
        if self.fine_sums().is_some() { self.order_ranges(span) } else { vec![span.readings()] }
    }

    /// Gives what was liquidated inside the span hour by hour of the clock: published sums unless they are
    /// longer than an hour; then single orders tell alone.
    pub(in crate::metrics) fn for_each_hour(&self, span: Span, mut give: impl FnMut(Timestamp, f64)) {
        let mut give = |at: Timestamp, usd: Sum| give(at, usd.value());
        if let Some((key, column)) = self.fine_sums() {
            column.fold_by(span.rows(key.period), Period::HOUR, &mut give);
        }
        if let Some((_, column)) = self.orders {
            self.ranges_beside_fine_sums(span).into_iter().for_each(|range| column.fold_by(range, Period::HOUR, &mut give));
        }
    }

    /// Gives the same minute by minute: published sums evenly over theirs.
    pub(in crate::metrics) fn for_each_minute(&self, span: Span, mut give: impl FnMut(Timestamp, f64)) {
        if let Some((key, column)) = self.fine_sums() {
            let count = key.period.ms() / Period::MINUTE.ms();
            column.for_each(span.rows(key.period), |row| {
                let share = row.value / real(usize::try_from(count).unwrap_or(1));
                (0..count).for_each(|minute| give(row.observed_at.plus_ms(minute * Period::MINUTE.ms()), share));
            });
        }
        if let Some((_, column)) = self.orders {
            for range in self.ranges_beside_fine_sums(span) {
                column.for_each(range, |row| give(row.observed_at, row.value.usd));
            }
        }
    }

    /// Whether the rows of the leg are as young as they should be, give or take a few.
    pub(in crate::metrics) fn is_live(&self, view: &MarketView) -> bool {
        let as_of = view.as_of();
        let sums = self.published.and_then(|(key, column)| Some((key, column.last()?.observed_at)));
        sums.is_some_and(|(key, at)| is_live(key, true_at(key, at), as_of))
            || (self.orders.is_some() && shows_orders(view, &self.source))
    }

    /// The length of the published sums; that of a minute where only orders are shown.
    pub(in crate::metrics) fn grain(&self) -> Period {
        self.published.map_or(Period::MINUTE, |(key, _)| key.period)
    }

    /// The first instant of which it knows anything.
    pub(in crate::metrics) fn first_at(&self) -> Option<Timestamp> {
        let published = self.published.and_then(|(_, column)| column.first()).map(|row| row.observed_at);
        let orders = self.orders.and_then(|(_, column)| column.first()).map(|row| row.observed_at);
        published.into_iter().chain(orders).min()
    }
}

/// Whether a source has shown an order of late: an asset of which it shows none had none.
fn shows_orders(view: &MarketView, source: &Source) -> bool {
    let of_source = view.tallies().filter(|(key, _)| key.source == *source);
    let newest = of_source.filter_map(|(key, column)| Some((key, column.last()?.observed_at))).max_by_key(|(_, at)| *at);
    newest.is_some_and(|(key, at)| is_live(key, at, view.as_of()))
}
