use std::collections::BTreeMap;

use crate::domain::{Asset, Metric, Period, SeriesKey, Side, Source, SourceKind, TimeRange, Timestamp};
use crate::market::{ColumnView, MarketView, Tally, TallySummary};
use crate::metrics::kept::News;
use crate::metrics::outages::warn_of_outages;
use crate::metrics::trail::{Trail, freshness};
use crate::metrics::{Freshness, SourceOrder, Span, Unanswerable, WarningCode};
use crate::stats::burst::Minute;
use crate::stats::real;
use crate::stats::sum::Sum;

/// Positions closed by force, long and short, USD.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Sides {
    pub(super) long_usd: f64,
    pub(super) short_usd: f64,
}

/// One side of one asset at one source: the sums it publishes and the single orders it shows.
#[derive(Debug, Clone)]
pub(super) struct Leg<'a> {
    pub(super) asset: Asset,
    pub(super) source: Source,
    pub(super) side: Side,
    published: Option<(&'a SeriesKey, ColumnView<'a, f64>)>,
    orders: Option<(&'a SeriesKey, ColumnView<'a, Tally>)>,
}

/// Every leg that answers one question.
///
/// Inside the span that a source's published sums cover, the sums count and single orders do not:
/// both tell of the same positions, and the sums leave fewer out.
#[derive(Debug, Clone)]
pub(super) struct LiquidationBook<'a> {
    pub(super) legs: Vec<Leg<'a>>,
}

impl Sides {
    pub(super) fn total(self) -> f64 {
        self.long_usd + self.short_usd
    }

    /// Longs' part of the total, a fraction; `None` when nothing was liquidated.
    pub(super) fn long_share(self) -> Option<f64> {
        (self.total() > 0.0).then(|| self.long_usd / self.total())
    }

    pub(super) fn add(&mut self, side: Side, usd: f64) {
        match side {
            Side::Long => self.long_usd += usd,
            Side::Short => self.short_usd += usd,
        }
    }
}

impl Leg<'_> {
    /// The span inside which published sums count: from the start of the first to the end of the last.
    pub(super) fn covered(&self) -> Option<(Timestamp, Timestamp)> {
        let (key, column) = self.published.as_ref()?;
        let (first, last) = column.first().zip(column.last())?;
        Some((first.observed_at, last.observed_at.plus_ms(key.period.ms())))
    }

    /// The parts of a span in which single orders count, which are kept by the minute.
    fn order_ranges(&self, span: Span) -> Vec<TimeRange> {
        let minutes = span.rows(Period::MINUTE);
        let (start, end) = (minutes.from(), minutes.to());
        let parts = match self.covered() {
            None => vec![(start, end)],
            Some((from, to)) => vec![(start, end.min(from)), (start.max(to), end)],
        };
        parts.into_iter().filter_map(|(from, to)| TimeRange::new(from, to).ok()).collect()
    }

    /// What was liquidated inside the span, USD.
    pub(super) fn usd(&self, span: Span) -> f64 {
        let published = self.published.map_or(0.0, |(key, column)| column.fold::<Sum>(span.rows(key.period)).value());
        let of_orders = |column: ColumnView<'_, Tally>| {
            self.order_ranges(span).into_iter().map(|range| column.fold::<Sum>(range).value()).sum()
        };
        let orders = self.orders.map_or(0.0, |(_, column)| of_orders(column));
        published + orders
    }

    /// The single orders shown inside the span, whether or not their values count.
    pub(super) fn orders(&self, span: Span) -> Option<TallySummary> {
        self.orders.map(|(_, column)| column.summary(span.rows(Period::MINUTE)))
    }

    /// Adds what was liquidated inside the span to the buckets of `interval` it falls in.
    pub(super) fn add_to_buckets(&self, span: Span, interval: Period, buckets: &mut BTreeMap<Timestamp, Sides>) {
        let mut add = |at: Timestamp, usd: Sum| buckets.entry(at).or_default().add(self.side, usd.value());
        if let Some((key, column)) = self.published {
            column.fold_by(span.rows(key.period), interval, &mut add);
        }
        if let Some((_, column)) = self.orders {
            self.order_ranges(span).into_iter().for_each(|range| column.fold_by(range, interval, &mut add));
        }
    }

    /// Gives what was liquidated inside the span minute by minute: published sums evenly over theirs,
    /// unless they are longer than an hour; then single orders tell alone.
    fn for_each_minute(&self, span: Span, mut give: impl FnMut(Timestamp, f64)) {
        let fine = self.published.filter(|(key, _)| key.period <= Period::HOUR);
        if let Some((key, column)) = fine {
            let count = key.period.ms() / Period::MINUTE.ms();
            column.for_each(span.rows(key.period), |row| {
                let share = row.value / real(usize::try_from(count).unwrap_or(1));
                (0..count).for_each(|minute| give(row.observed_at.plus_ms(minute * Period::MINUTE.ms()), share));
            });
        }
        if let Some((_, column)) = self.orders {
            let ranges = if fine.is_some() { self.order_ranges(span) } else { vec![span.rows(Period::MINUTE)] };
            for range in ranges {
                column.for_each(range, |row| give(row.observed_at, row.value.usd));
            }
        }
    }

    /// Whether anything can be said of the span: where sums are published, a row of theirs must lie in
    /// it; where orders are shown, their source must have shown some of late.
    fn knows(&self, view: &MarketView, span: Span) -> bool {
        let sums = self.published.is_some_and(|(key, column)| column.count(span.rows(key.period)) > 0);
        sums || (self.orders.is_some() && !self.order_ranges(span).is_empty() && shows_orders(view, &self.source, span))
    }

    /// Whether the rows of the leg are as young as they should be, give or take a few.
    fn is_speaking(&self, view: &MarketView) -> bool {
        let as_of = view.as_of();
        let sums = self.published.and_then(|(key, column)| Some((key, column.last()?.observed_at)));
        sums.is_some_and(|(key, at)| freshness(key, at.plus_ms(key.period.ms()), as_of) != Freshness::Stale)
            || (self.orders.is_some() && shows_orders(view, &self.source, Span { from: as_of, to: as_of, to_cutoff: true }))
    }

    /// The length of the published sums; that of a minute where only orders are shown.
    pub(super) fn grain(&self) -> Period {
        self.published.map_or(Period::MINUTE, |(key, _)| key.period)
    }

    fn first_at(&self) -> Option<Timestamp> {
        let published = self.published.and_then(|(_, column)| column.first()).map(|row| row.observed_at);
        let orders = self.orders.and_then(|(_, column)| column.first()).map(|row| row.observed_at);
        published.into_iter().chain(orders).min()
    }
}

impl<'a> LiquidationBook<'a> {
    /// The legs of `asset` (`None`: of all assets) from the sources asked for, and a warning of the parts
    /// of the span that they did not hear.
    ///
    /// Where none is asked for, the first aggregator in the configured order answers alone, since its
    /// sums hold the venues'; without one, all venues are added. Where a source states a total over
    /// all assets, that answers the question about all assets.
    pub(super) fn open(
        view: &'a MarketView,
        trail: &mut Trail<'_>,
        order: &SourceOrder,
        asset: Option<&Asset>,
        asked: &[Source],
        span: Span,
    ) -> Result<Self, Unanswerable> {
        let asset = asset.filter(|asset| **asset != Asset::total());
        let mut legs = of_sources(view, order, asset, asked)?;
        match asset {
            Some(asset) => legs.retain(|leg| leg.asset == *asset),
            None => keep_totals(&mut legs),
        }
        for leg in &legs {
            leg.published.iter().for_each(|(key, column)| trail.read(key, *column));
            leg.orders.iter().for_each(|(key, column)| trail.read(key, *column));
        }
        warn_of_bounds(view, trail, &legs);
        let of_orders = legs.iter().filter(|leg| leg.orders.is_some());
        warn_of_outages(view, trail, &of_orders.map(|leg| &leg.source).collect(), span);
        Ok(Self { legs })
    }

    /// The legs of single assets from the sources that [`Self::open`] would choose.
    pub(super) fn open_single_assets(
        view: &'a MarketView,
        order: &SourceOrder,
        asset: Option<&Asset>,
        asked: &[Source],
    ) -> Result<Self, Unanswerable> {
        let total = Asset::total();
        let asset = asset.filter(|asset| **asset != total);
        let mut legs = of_sources(view, order, asset, asked)?;
        legs.retain(|leg| asset.map_or(leg.asset != total, |asset| leg.asset == *asset));
        Ok(Self { legs })
    }

    /// Whether any leg can tell what was liquidated inside the span; where none can although rows are
    /// known, that is a warning.
    pub(super) fn tells(&self, view: &MarketView, trail: &mut Trail<'_>, span: Span) -> bool {
        let tells = self.legs.iter().any(|leg| leg.knows(view, span));
        if !tells && self.first_at().is_some() {
            let detail = "no source has a row inside the window: whether anything was liquidated in it is not known";
            trail.warn(WarningCode::Gap, detail);
        }
        tells
    }

    /// The book without the sources that have fallen silent, unless all have.
    pub(super) fn of_speaking(&self, view: &MarketView) -> Self {
        let speaking: Vec<&Source> = self.legs.iter().filter(|leg| leg.is_speaking(view)).map(|leg| &leg.source).collect();
        let keep = |leg: &&Leg<'_>| speaking.is_empty() || speaking.contains(&&leg.source);
        Self { legs: self.legs.iter().filter(keep).cloned().collect() }
    }

    /// The series the legs are read from.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a SeriesKey> {
        self.legs.iter().flat_map(|leg| leg.published.map(|(key, _)| key).into_iter().chain(leg.orders.map(|(key, _)| key)))
    }

    /// What was liquidated inside the span.
    pub(super) fn sides(&self, span: Span) -> Sides {
        let mut sides = Sides::default();
        for leg in &self.legs {
            sides.add(leg.side, leg.usd(span));
        }
        sides
    }

    /// What was liquidated of one asset inside the span, USD.
    pub(super) fn usd_of(&self, asset: &Asset, span: Span) -> f64 {
        self.legs.iter().filter(|leg| leg.asset == *asset).map(|leg| leg.usd(span)).sum()
    }

    /// What was liquidated in each bucket of the span that holds anything, in the order of time.
    pub(super) fn buckets(&self, span: Span, interval: Period) -> BTreeMap<Timestamp, Sides> {
        let mut buckets = BTreeMap::new();
        for leg in &self.legs {
            leg.add_to_buckets(span, interval, &mut buckets);
        }
        buckets
    }

    /// What was liquidated on each day on record, until the end of the span.
    pub(super) fn days_until(&self, span: Span) -> BTreeMap<Timestamp, Sides> {
        self.buckets(Span { from: Timestamp::MIN, ..span }, Period::DAY)
    }

    /// What was liquidated in each minute of a span that begins with one.
    pub(super) fn minutes(&self, span: Span) -> Vec<Minute> {
        let mut minutes = vec![Minute::default(); minutes_of(span)];
        for leg in &self.legs {
            leg.for_each_minute(span, |at, usd| {
                let Some(minute) = minutes.get_mut(minute_of(span, at)) else { return };
                match leg.side {
                    Side::Long => minute.long_usd += usd,
                    Side::Short => minute.short_usd += usd,
                }
            });
        }
        minutes
    }

    /// What was liquidated on both sides in each hour of a span, counted from its beginning, USD.
    pub(super) fn hours_usd(&self, span: Span) -> Vec<f64> {
        let mut hours = vec![0.0; minutes_of(span).div_ceil(60)];
        for leg in &self.legs {
            leg.for_each_minute(span, |at, usd| {
                if let Some(hour) = hours.get_mut(minute_of(span, at) / 60) {
                    *hour += usd;
                }
            });
        }
        hours
    }

    /// The same legs with everything ever known.
    pub(super) fn newest(&self) -> Self {
        let newest = |leg: &Leg<'a>| Leg {
            published: leg.published.map(|(key, column)| (key, column.newest())),
            orders: leg.orders.map(|(key, column)| (key, column.newest())),
            ..leg.clone()
        };
        Self { legs: self.legs.iter().map(newest).collect() }
    }

    /// When the last row in `range` was known, whatever the cutoff.
    pub(super) fn known_by(&self, range: TimeRange) -> Option<Timestamp> {
        let published = self.legs.iter().filter_map(|leg| leg.published?.1.known_by(range));
        published.chain(self.legs.iter().filter_map(|leg| leg.orders?.1.known_by(range))).max()
    }

    /// The instant of the first row that is among the news.
    pub(super) fn first_of(&self, news: News) -> Option<Timestamp> {
        let published = self.legs.iter().filter_map(|leg| news.first_of(leg.published?.1));
        published.chain(self.legs.iter().filter_map(|leg| news.first_of(leg.orders?.1))).min()
    }

    /// The first instant of which anything is known.
    pub(super) fn first_at(&self) -> Option<Timestamp> {
        self.legs.iter().filter_map(Leg::first_at).min()
    }

    /// The length of the coarsest sums: buckets cannot be shorter.
    pub(super) fn grain(&self) -> Period {
        self.legs.iter().map(Leg::grain).max().unwrap_or(Period::MINUTE)
    }
}

/// How many minutes a span holds, the last begun one included.
fn minutes_of(span: Span) -> usize {
    usize::try_from(span.to.ms_since(span.from).max(0) / Period::MINUTE.ms()).unwrap_or(0) + 1
}

/// Which minute of a span holds an instant; of one before the span a minute that does not exist.
fn minute_of(span: Span, at: Timestamp) -> usize {
    usize::try_from(at.ms_since(span.from).div_euclid(Period::MINUTE.ms())).unwrap_or(usize::MAX)
}

/// Whether a source has shown any order since the start of the span, or is not overdue: an asset of
/// which it shows none had none.
fn shows_orders(view: &MarketView, source: &Source, span: Span) -> bool {
    let of_source = view.tallies().filter(|(key, _)| key.source == *source);
    let newest = of_source.filter_map(|(key, column)| Some((key, column.last()?.observed_at))).max_by_key(|(_, at)| *at);
    newest.is_some_and(|(key, at)| at >= span.from || freshness(key, at, view.as_of()) != Freshness::Stale)
}

fn of_sources<'a>(
    view: &'a MarketView,
    order: &SourceOrder,
    asset: Option<&Asset>,
    asked: &[Source],
) -> Result<Vec<Leg<'a>>, Unanswerable> {
    let mut legs = collect(view);
    let candidates = legs.iter().filter(|leg| asset.is_none_or(|asset| leg.asset == *asset)).map(|leg| leg.source.clone());
    let sources = order.choose_to_add(view, asked, candidates)?;
    legs.retain(|leg| sources.contains(&leg.source));
    Ok(legs)
}

/// Every leg there is: of several lengths of published sums the shortest.
fn collect(view: &MarketView) -> Vec<Leg<'_>> {
    let mut legs: BTreeMap<(Asset, Source, Side), Leg<'_>> = BTreeMap::new();
    for (key, column) in view.all_readings(Metric::Liquidation) {
        if let Some(leg) = entry(&mut legs, key)
            && leg.published.is_none_or(|(former, _)| key.period < former.period)
        {
            leg.published = Some((key, column));
        }
    }
    for (key, column) in view.tallies() {
        if let Some(leg) = entry(&mut legs, key) {
            leg.orders = Some((key, column));
        }
    }
    legs.into_values().collect()
}

fn entry<'b, 'a>(legs: &'b mut BTreeMap<(Asset, Source, Side), Leg<'a>>, key: &SeriesKey) -> Option<&'b mut Leg<'a>> {
    let side: Side = key.part.as_deref()?.parse().ok()?;
    let (asset, source) = (key.asset.clone(), key.source.clone());
    let leg = Leg { asset: asset.clone(), source: source.clone(), side, published: None, orders: None };
    Some(legs.entry((asset, source, side)).or_insert(leg))
}

/// Keeps, for each source and side, the stated or summed total where there is one that tells all,
/// and the single assets otherwise.
fn keep_totals(legs: &mut Vec<Leg<'_>>) {
    let states_total = |legs: &[Leg<'_>], source: &Source| {
        let total = Asset::total();
        legs.iter().any(|leg| leg.source == *source && leg.asset == total && leg.published.is_some())
            || legs.iter().filter(|leg| leg.source == *source).all(|leg| leg.published.is_none())
    };
    let sources: std::collections::BTreeSet<Source> = legs.iter().map(|leg| leg.source.clone()).collect();
    let with_total: Vec<Source> = sources.into_iter().filter(|source| states_total(legs, source)).collect();
    legs.retain(|leg| (leg.asset == Asset::total()) == with_total.contains(&leg.source));
}

fn warn_of_bounds(view: &MarketView, trail: &mut Trail<'_>, legs: &[Leg<'_>]) {
    for leg in legs {
        if let Some(info) = view.source_info(&leg.source)
            && info.kind == SourceKind::Venue
            && !info.note.is_empty()
        {
            trail.warn(WarningCode::LowerBound, format!("{}: {}", leg.source, info.note));
        }
    }
}
