use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Asset, Metric, Period, SeriesKey, Side, Source, SourceKind, TimeRange, Timestamp};
use crate::market::{ColumnView, LiquidationBucket, MarketView};
use crate::metrics::bound::Bounded;
use crate::metrics::cache::Changes;
use crate::metrics::liquidations::feeds::Feeds;
use crate::metrics::liquidations::outages::warn_of_outages;
use crate::metrics::liquidations::source_series::{LiquidationSeries, LongShort};
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::Candidates;
use crate::metrics::summed_sources::{Reach, holds_venues, summed_sources};
use crate::metrics::{QueryError, SourceOrder, Span, WarningCode, WindowCoverage};
use crate::stats::burst::Minute;

/// Every leg that answers one question, and when their feeds were listening.
///
/// Inside the span that a source's published sums cover, the sums count and single orders do not:
/// both tell of the same positions, and the sums leave fewer out.
#[derive(Debug, Clone)]
pub(in crate::metrics) struct LiquidationTotals<'a> {
    pub(in crate::metrics) legs: Vec<LiquidationSeries<'a>>,
    feeds: Feeds,
    /// The aggregator that was left for venues, since it does not tell what is wanted.
    left: Option<Source>,
}

/// What sources must tell to be chosen: of which span, and in sums of which period at most.
#[derive(Debug, Clone, Copy)]
pub(in crate::metrics) struct Wanted {
    pub(in crate::metrics) span: Span,
    pub(in crate::metrics) coarsest: Option<Period>,
}

impl Wanted {
    /// A total of a span: sums of any length will do.
    pub(in crate::metrics) const fn total(span: Span) -> Self {
        Self { span, coarsest: None }
    }
}

impl<'a> LiquidationTotals<'a> {
    /// The legs of `asset` (`None`: of all assets) from the sources asked for, and a warning of the parts
    /// of the span that they did not hear.
    ///
    /// Where none is asked for, the first aggregator in the configured order that tells what is wanted answers
    /// alone, since its sums hold the venues'; without one, all venues are added. Where a source states a total
    /// over all assets, that answers the question about all assets.
    pub(in crate::metrics) fn open(
        view: &'a MarketView,
        trail: &mut Provenance<'a>,
        order: &SourceOrder,
        asset: Option<&Asset>,
        asked: &[Source],
        wanted: Wanted,
    ) -> Result<Self, QueryError> {
        let asset = asset.filter(|asset| **asset != Asset::total());
        let mut totals = choose(trail, order, asset, asked, wanted)?;
        if asset.is_none() {
            keep_totals(&mut totals.legs);
        }
        note(trail, &totals.legs);
        if let Some(left) = &totals.left {
            let sources = totals.sources().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let detail =
                format!("{left} does not tell of the window to its end, or in too long sums: the figures are of {sources}");
            trail.warn(WarningCode::NotCovered, detail);
            // A further row of it may make it the one that answers.
            for (key, column) in view.all_readings(Metric::Liquidation).filter(|(key, _)| key.source == *left) {
                trail.depends_on(key, column.version());
            }
        }
        warn_of_bounds(view, trail, &totals.legs);
        let of_orders: BTreeSet<&Source> = totals.legs.iter().filter(|leg| leg.has_orders()).map(|leg| &leg.source).collect();
        for (key, column) in view.tallies_of(&Asset::total()).filter(|(key, _)| of_orders.contains(&key.source)) {
            // An order of any asset says that the feed listens.
            trail.depends_on(key, column.version());
        }
        warn_of_outages(view, trail, &of_orders, wanted.span);
        Ok(totals)
    }

    /// The legs of single assets from the sources asked for, or from those that [`Self::open`] would choose.
    pub(in crate::metrics) fn open_single_assets(
        view: &'a MarketView,
        order: &SourceOrder,
        asset: Option<&Asset>,
        asked: &[Source],
        wanted: Wanted,
    ) -> Result<Self, QueryError> {
        let total = Asset::total();
        let asset = asset.filter(|asset| **asset != total);
        let mut totals = choose(&mut Provenance::until(view, wanted.span.to), order, asset, asked, wanted)?;
        totals.legs.retain(|leg| leg.asset != total);
        Ok(totals)
    }

    /// The sources the legs are of, by name.
    pub(in crate::metrics) fn sources(&self) -> Vec<Source> {
        self.legs.iter().map(|leg| leg.source.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// How much of a span was covered by the feeds that are summed.
    pub(in crate::metrics) fn covered(&self, span: Span) -> WindowCoverage {
        self.feeds.covered(span)
    }

    /// How much of a span one of the feeds covered.
    pub(in crate::metrics) fn covered_by(&self, source: &Source, span: Span) -> WindowCoverage {
        self.feeds.only(|feed| feed == source).covered(span)
    }

    /// Whether sources that were left tell of longer spans: all of history may be another's to tell.
    pub(in crate::metrics) const fn is_makeshift(&self) -> bool {
        self.left.is_some()
    }

    /// Whether an hour was listened to.
    pub(in crate::metrics) fn heard_hour(&self, from: Timestamp) -> bool {
        self.feeds.heard(from, from.plus_ms(Period::HOUR.ms()), Period::MINUTE)
    }

    /// Whether a bucket was listened to, so that what is not in it did not happen.
    pub(in crate::metrics) fn heard(&self, from: Timestamp, to: Timestamp) -> bool {
        self.feeds.heard(from, to, self.grain())
    }

    /// A sum of these feeds over a span, with its bound: feeds of real venues leave orders out, and those
    /// of all the parts of a span that nobody listened to are missing.
    pub(in crate::metrics) fn bounded(&self, view: &MarketView, span: Span, usd: f64) -> Bounded {
        let is_complete = |source: &Source| view.source_info(source).is_some_and(|info| info.kind == SourceKind::Scenario);
        let is_exact = self.covered(span).ratio >= 1.0 && self.legs.iter().all(|leg| is_complete(&leg.source));
        Bounded::floor_unless(is_exact, usd)
    }

    /// Whether any feed was listening inside the span; where none was although rows are known, that is a warning.
    pub(in crate::metrics) fn tells(&self, trail: &mut Provenance<'_>, span: Span) -> bool {
        let tells = self.feeds.were_listening(span);
        if !tells && self.first_at().is_some() {
            let detail = "no source has a row inside the window: whether anything was liquidated in it is not known";
            trail.warn(WarningCode::Gap, detail);
        }
        tells
    }

    /// The totals without the sources that have fallen silent, unless all have.
    pub(in crate::metrics) fn of_speaking(&self, view: &MarketView) -> Self {
        let speaking: Vec<&Source> = self.legs.iter().filter(|leg| leg.is_live(view)).map(|leg| &leg.source).collect();
        let keep = |source: &Source| speaking.is_empty() || speaking.contains(&source);
        Self {
            legs: self.legs.iter().filter(|leg| keep(&leg.source)).cloned().collect(),
            feeds: self.feeds.only(keep),
            left: None,
        }
    }

    /// The series the legs are read from.
    pub(in crate::metrics) fn keys(&self) -> impl Iterator<Item = &'a SeriesKey> {
        self.legs.iter().flat_map(LiquidationSeries::keys)
    }

    /// What was liquidated inside the span.
    pub(in crate::metrics) fn sides(&self, span: Span) -> LongShort {
        let mut sides = LongShort::default();
        for leg in &self.legs {
            sides.add(leg.side, leg.usd(span));
        }
        sides
    }

    /// What was liquidated of one asset inside the span, USD.
    pub(in crate::metrics) fn usd_of(&self, asset: &Asset, span: Span) -> f64 {
        self.legs.iter().filter(|leg| leg.asset == *asset).map(|leg| leg.usd(span)).sum()
    }

    /// What was liquidated in each bucket of the span that holds anything, in the order of time.
    pub(in crate::metrics) fn buckets(&self, span: Span, interval: Period) -> BTreeMap<Timestamp, LongShort> {
        let mut buckets = BTreeMap::new();
        for leg in &self.legs {
            leg.add_to_buckets(span, interval, &mut buckets);
        }
        buckets
    }

    /// What was liquidated on each day on record, until the end of the span.
    pub(in crate::metrics) fn days_until(&self, span: Span) -> BTreeMap<Timestamp, LongShort> {
        self.buckets(Span { from: Timestamp::MIN, ..span }, Period::DAY)
    }

    /// What was liquidated in each minute of a span that begins with one.
    pub(in crate::metrics) fn minutes(&self, span: Span) -> Vec<Minute> {
        let mut minutes = vec![Minute::default(); periods_of(span, Period::MINUTE)];
        for leg in &self.legs {
            leg.for_each_minute(span, |at, usd| {
                let Some(minute) = minutes.get_mut(place_of(span, Period::MINUTE, at)) else { return };
                match leg.side {
                    Side::Long => minute.long_usd += usd,
                    Side::Short => minute.short_usd += usd,
                }
            });
        }
        minutes
    }

    /// What was liquidated on both sides in each hour of a span that begins with one, USD.
    pub(in crate::metrics) fn hours_usd(&self, span: Span) -> Vec<f64> {
        let mut hours = vec![0.0; periods_of(span, Period::HOUR)];
        for leg in &self.legs {
            leg.for_each_hour(span, |at, usd| {
                if let Some(hour) = hours.get_mut(place_of(span, Period::HOUR, at)) {
                    *hour += usd;
                }
            });
        }
        hours
    }

    /// The same legs with everything ever known.
    pub(in crate::metrics) fn newest(&self) -> Self {
        Self { legs: self.legs.iter().map(LiquidationSeries::newest).collect(), ..self.clone() }
    }

    /// When the last row in `range` was known, whatever the cutoff.
    pub(in crate::metrics) fn known_by(&self, range: TimeRange) -> Option<Timestamp> {
        self.legs.iter().filter_map(|leg| leg.known_by(range)).max()
    }

    /// The instant of the first row that is among the news.
    pub(in crate::metrics) fn first_change_in(&self, news: Changes) -> Option<Timestamp> {
        self.legs.iter().filter_map(|leg| leg.first_change_in(news)).min()
    }

    /// Where the record begins: the first instant from which on the feeds listened half of the time or more.
    pub(in crate::metrics) fn begin(&self) -> Option<Timestamp> {
        self.feeds.begin()
    }

    /// The first instant of which anything is known.
    fn first_at(&self) -> Option<Timestamp> {
        self.legs.iter().filter_map(LiquidationSeries::first_at).min()
    }

    /// The length of the coarsest sums: buckets cannot be shorter.
    pub(in crate::metrics) fn grain(&self) -> Period {
        self.legs.iter().map(LiquidationSeries::grain).max().unwrap_or(Period::MINUTE)
    }
}

/// How many minutes or hours a span holds, the last begun one included.
fn periods_of(span: Span, period: Period) -> usize {
    usize::try_from(span.to.ms_since(span.from).max(0) / period.ms()).unwrap_or(0) + 1
}

/// Which minute or hour of a span holds an instant; of one before the span one that does not exist.
fn place_of(span: Span, period: Period, at: Timestamp) -> usize {
    usize::try_from(at.ms_since(span.from).div_euclid(period.ms())).unwrap_or(usize::MAX)
}

/// Notes what was read. While a source is live the statements rest on the live ones: one that fell silent is in the sums as
/// far as it listened.
fn note(trail: &mut Provenance<'_>, legs: &[LiquidationSeries<'_>]) {
    let live: BTreeSet<&Source> = legs.iter().filter(|leg| leg.is_live_in(trail)).map(|leg| &leg.source).collect();
    let (listed, read): (Vec<_>, Vec<_>) = legs.iter().partition(|leg| !live.is_empty() && !live.contains(&leg.source));
    for leg in read {
        leg.note(trail);
    }
    for leg in &listed {
        leg.list(trail);
    }
    let silent: BTreeSet<&str> = listed.iter().map(|leg| leg.source.as_str()).collect();
    if !silent.is_empty() {
        let names = silent.into_iter().collect::<Vec<_>>().join(", ");
        trail.warn(WarningCode::StaleInput, format!("without a row for long, and counted as far as they listened: {names}"));
    }
}

/// The legs of the sources that answer.
fn choose<'a>(
    trail: &mut Provenance<'a>,
    order: &SourceOrder,
    asset: Option<&Asset>,
    asked: &[Source],
    wanted: Wanted,
) -> Result<LiquidationTotals<'a>, QueryError> {
    let view = trail.view();
    let mut legs = match asset {
        Some(asset) => collect(view.readings(Metric::Liquidation, asset), view.tallies_of(asset)),
        None => collect(view.all_readings(Metric::Liquidation), view.tallies()),
    };
    let feeds = Feeds::of(view, &legs);
    let is_coarse = |source: &Source| {
        legs.iter().any(|leg| leg.source == *source && wanted.coarsest.is_some_and(|coarsest| leg.grain() > coarsest))
    };
    let reach = |source: &Source| match feeds.reach(source, wanted.span) {
        Reach::End if is_coarse(source) => Reach::Part,
        reach => reach,
    };
    let candidates = Candidates::at(trail.at()).with(legs.iter().filter_map(LiquidationSeries::sums));
    let candidates = candidates.with(legs.iter().filter_map(LiquidationSeries::single_orders));
    let sources = summed_sources(order, trail, &candidates, asked, reach)?;
    let holds = |source: &Source| holds_venues(view, source);
    let aggregator = candidates.sources().find(|source| holds(source)).cloned();
    let left = aggregator.filter(|_| asked.is_empty() && !sources.iter().any(holds));
    legs.retain(|leg| sources.contains(&leg.source));
    let feeds = feeds.only(|source| sources.contains(source));
    Ok(LiquidationTotals { legs, feeds, left })
}

/// The legs of published sums and single orders.
fn collect<'a>(
    published: impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, f64>)>,
    orders: impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, LiquidationBucket>)>,
) -> Vec<LiquidationSeries<'a>> {
    let mut legs: BTreeMap<(Asset, Source, Side), LiquidationSeries<'_>> = BTreeMap::new();
    for (key, column) in published {
        if let Some(leg) = entry(&mut legs, key) {
            leg.take_sums(key, column);
        }
    }
    for (key, column) in orders {
        if let Some(leg) = entry(&mut legs, key) {
            leg.take_orders(key, column);
        }
    }
    legs.into_values().collect()
}

fn entry<'b, 'a>(
    legs: &'b mut BTreeMap<(Asset, Source, Side), LiquidationSeries<'a>>,
    key: &SeriesKey,
) -> Option<&'b mut LiquidationSeries<'a>> {
    let side: Side = key.part.as_deref()?.parse().ok()?;
    let (asset, source) = (key.asset.clone(), key.source.clone());
    Some(legs.entry((asset.clone(), source.clone(), side)).or_insert_with(|| LiquidationSeries::new(asset, source, side)))
}

/// Keeps, for each source and side, the stated or summed total where there is one that tells all,
/// and the single assets otherwise.
fn keep_totals(legs: &mut Vec<LiquidationSeries<'_>>) {
    let states_total = |legs: &[LiquidationSeries<'_>], source: &Source| {
        let total = Asset::total();
        legs.iter().any(|leg| leg.source == *source && leg.asset == total && leg.has_sums())
            || legs.iter().filter(|leg| leg.source == *source).all(|leg| !leg.has_sums())
    };
    let sources: BTreeSet<Source> = legs.iter().map(|leg| leg.source.clone()).collect();
    let with_total: Vec<Source> = sources.into_iter().filter(|source| states_total(legs, source)).collect();
    legs.retain(|leg| (leg.asset == Asset::total()) == with_total.contains(&leg.source));
}

fn warn_of_bounds(view: &MarketView, trail: &mut Provenance<'_>, legs: &[LiquidationSeries<'_>]) {
    for leg in legs {
        if let Some(info) = view.source_info(&leg.source)
            && info.kind == SourceKind::Venue
            && !info.note.is_empty()
        {
            trail.warn(WarningCode::LowerBound, format!("{}: {}", leg.source, info.note));
        }
    }
}
