use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{Asset, Period, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::liquidations::figures::{
    LargestOrder, LiquidationDayTotal, Liquidations, LiquidationsOfAsset, LiquidationsOfSource, LiquidationsRow,
};
use crate::metrics::liquidations::share::share_of_open_interest;
use crate::metrics::liquidations::source_series::LongShort;
use crate::metrics::liquidations::totals::{LiquidationTotals, Wanted};
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::{Answer, Context, LiquidationDayCache, Method, Query, QueryError, SourceOrder, Span, WarningCode, Window};
use crate::stats::rank::robust_z_of_logs;

/// Windows before the one asked for that make the baseline of the robust z, at most.
const BASELINE_WINDOWS: i64 = 90;
/// Assets listed in `by_asset`, at most.
const ASSETS_LISTED: usize = 20;
/// Windows the baseline needs before the robust z is published.
const LEAST_BASELINE: usize = 30;

/// What is asked about liquidations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiquidationsParams {
    /// Of one asset; of all where none is named.
    pub asset: Option<Asset>,
    /// According to whom; see [`Liquidations`] for the default.
    pub sources: Vec<Source>,
    /// Which span.
    pub window: Window,
}

/// Liquidations inside a window.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, or an empty window, or sources of which one holds another.
pub fn liquidations(
    view: &MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
) -> Result<Answer<Liquidations>, QueryError> {
    let Opened { mut trail, span, book } = open(view, order, question, None)?;
    let mut figures = total(view, &mut trail, &book, span);
    if book.begin().is_some() {
        let history = history(view, &mut trail, order, question, &book, span)?;
        let record = largest(history.days_until(span).iter());
        figures.record_day = record.map(|day| with_bound(view, &history, all_until(span), day));
        figures.record_since = history.begin();
        fill_largest_day(view, &mut trail, &book, span, &mut figures);
    }
    if figures.total_usd.is_some() {
        let (asset, sources, wanted) = (question.asset.as_ref(), book.sources(), Wanted::total(span));
        let single_assets = LiquidationTotals::open_single_assets(view, order, asset, &sources, wanted)?;
        fill_orders(&single_assets, span, &mut figures);
        figures.robust_z = robust_z(&mut trail, &book.of_speaking(view), span);
        figures.share_of_open_interest_pct = share_of_open_interest(view, &mut trail, order, &single_assets, span)?;
        figures.by_source = by_source(&book, span);
        figures.by_asset = by_asset(&single_assets, span);
    }
    Ok(trail.answer(figures, working(span, None)))
}

/// What [`liquidations`] says of the total, without its other figures.
///
/// # Errors
/// As [`liquidations`].
pub(in crate::metrics) fn liquidated_usd(
    view: &MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
) -> Result<Answer<Liquidations>, QueryError> {
    let Opened { mut trail, span, book } = open(view, order, question, None)?;
    let figures = total(view, &mut trail, &book, span);
    Ok(trail.answer(figures, working(span, None)))
}

/// What [`liquidations`] says of the total and of the record day, without its other figures.
///
/// # Errors
/// As [`liquidations`].
pub(in crate::metrics) fn liquidations_and_record(
    view: &MarketView,
    order: &SourceOrder,
    records: &LiquidationDayCache,
    question: &LiquidationsParams,
) -> Result<Answer<Liquidations>, QueryError> {
    let Opened { mut trail, span, book } = open(view, order, question, None)?;
    let mut figures = total(view, &mut trail, &book, span);
    let history = history(view, &mut trail, order, question, &book, span)?;
    let record = records.record_day(view, &history, span);
    figures.record_day = record.map(|day| with_bound(view, &history, all_until(span), day));
    figures.record_since = history.begin();
    Ok(trail.answer(figures, working(span, None)))
}

/// The course of liquidations, bucket by bucket; buckets without any are left out. Where no interval
/// is asked for, buckets are of an hour, or as long as the published sums where those are longer.
///
/// # Errors
/// As [`liquidations`], and for an interval shorter than the published sums.
pub fn liquidations_series(
    view: &MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
    interval: Option<Period>,
) -> Result<Answer<Vec<LiquidationsRow>>, QueryError> {
    let Opened { trail, span, book } = open(view, order, question, Some(interval.unwrap_or(Period::HOUR)))?;
    let grain = book.grain();
    let interval = interval.unwrap_or(Period::HOUR.max(grain));
    if interval < grain {
        return Err(QueryError::Parameter {
            parameter: "interval",
            given: interval.to_string(),
            reason: format!("the published sums are of {grain}"),
            allowed: vec![grain.to_string(), Period::DAY.max(grain).to_string()],
        });
    }
    let row = |(time, sides): (Timestamp, LongShort)| LiquidationsRow {
        time,
        long_usd: sides.long_usd,
        short_usd: sides.short_usd,
        total_usd: sides.total(),
        covered_ratio: book.covered(bucket(time, interval)).ratio,
    };
    let rows: Vec<_> = book.buckets(span, interval).into_iter().map(row).collect();
    Ok(trail.answer(rows, working(span, Some(interval))))
}

/// Series and span of a query.
pub(in crate::metrics) struct Opened<'a> {
    pub(in crate::metrics) trail: Provenance<'a>,
    pub(in crate::metrics) span: Span,
    pub(in crate::metrics) book: LiquidationTotals<'a>,
}

/// Opens the totals of a query; `coarsest` is the longest period of published sums that may be used.
pub(in crate::metrics) fn open<'a>(
    view: &'a MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
    coarsest: Option<Period>,
) -> Result<Opened<'a>, QueryError> {
    if let Some(asset) = &question.asset {
        known_asset(view, asset)?;
    }
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let (asset, wanted) = (question.asset.as_ref(), Wanted { span, coarsest });
    let book = LiquidationTotals::open(view, &mut trail, order, asset, &question.sources, wanted)?;
    if let Some(first) = book.begin().filter(|first| span.from > Timestamp::MIN && *first > span.from) {
        trail.warn(WarningCode::HistoryLimit, format!("the window begins at {}, the record at {first}", span.from));
    }
    Ok(Opened { trail, span, book })
}

/// The totals that tell of all history: those of the window, unless an aggregator was left for venues in it.
fn history<'a>(
    view: &'a MarketView,
    trail: &mut Provenance<'a>,
    order: &SourceOrder,
    question: &LiquidationsParams,
    book: &LiquidationTotals<'a>,
    span: Span,
) -> Result<LiquidationTotals<'a>, QueryError> {
    if !book.is_makeshift() {
        return Ok(book.clone());
    }
    let wanted = Wanted::total(all_until(span));
    LiquidationTotals::open(view, trail, order, question.asset.as_ref(), &question.sources, wanted)
}

/// All history until the end of a span.
fn all_until(span: Span) -> Span {
    Span { from: Timestamp::MIN, ..span }
}

/// The span of one bucket.
pub(in crate::metrics) fn bucket(from: Timestamp, interval: Period) -> Span {
    Span { from, to: from.plus_ms(interval.ms()), to_cutoff: false }
}

/// What every answer about liquidations states of its working.
pub(in crate::metrics) fn working(span: Span, interval: Option<Period>) -> Derivation {
    let interval = interval.map(|interval| interval.to_string());
    let method = Method { name: "liquidations", version: 2, interval, basis: None };
    Derivation { span: Some(span), method: Some(method), ..Derivation::default() }
}

/// The total of the window with what it may claim; absent where nobody was listening.
#[expect(clippy::cast_precision_loss, reason = "a window is far shorter than 2^53 milliseconds")]
fn total(view: &MarketView, trail: &mut Provenance<'_>, book: &LiquidationTotals<'_>, span: Span) -> Liquidations {
    let covered = book.covered(span);
    let mut figures = Liquidations { covered: book.begin().map(|_| covered), ..Liquidations::default() };
    if !book.tells(trail, span) {
        return figures;
    }
    if !covered.is_nearly_whole() {
        let part = format!("the feeds were listening to {:.1} % of the window", covered.ratio * 100.0);
        trail.warn(WarningCode::NotCovered, format!("{part}: the total is of that part"));
    }
    let sides = book.sides(span);
    let from = covered.from.map_or(span.from, |first| first.max(span.from));
    let minutes = span.to.ms_since(from) as f64 / 60_000.0;
    figures.bound = book.bounded(view, span, sides.total()).bound;
    figures.total_usd = Some(sides.total());
    figures.long_usd = Some(sides.long_usd);
    figures.short_usd = Some(sides.short_usd);
    figures.long_share_ratio = sides.long_share();
    figures.intensity_usd_per_minute = (minutes > 0.0).then(|| sides.total() / minutes);
    figures
}

fn fill_largest_day(
    view: &MarketView,
    trail: &mut Provenance<'_>,
    book: &LiquidationTotals<'_>,
    span: Span,
    figures: &mut Liquidations,
) {
    let days = book.days_until(span);
    let first = span.from.day_start();
    let begins_inside_a_day = span.from > first;
    // Of the days of the window only the first can be cut; the others are those of all history.
    let first_day = Span { to: first.plus_days(1).min(span.to), ..span };
    let cut = begins_inside_a_day.then(|| book.buckets(first_day, Period::DAY).remove(&first)).flatten();
    let whole = days.range(if begins_inside_a_day { first.plus_days(1) } else { first }..);
    let found = largest(cut.iter().map(|sides| (&first, sides)).chain(whole));
    figures.largest_day = found.map(|day| with_bound(view, book, span, day));
    if cut.is_some() {
        trail.warn(WarningCode::PartialBar, format!("the window holds a part of the day of {} only", span.from.date()));
    }
}

/// A day with its bound, as far as it lies in the span.
fn with_bound(view: &MarketView, book: &LiquidationTotals<'_>, span: Span, day: LiquidationDayTotal) -> LiquidationDayTotal {
    let start = Timestamp::from_date(day.date);
    let whole = bucket(start, Period::DAY);
    let inside = Span { from: whole.from.max(span.from), to: whole.to.min(span.to), to_cutoff: false };
    LiquidationDayTotal { bound: book.bounded(view, inside, day.total_usd).bound, ..day }
}

/// The day with the largest total; of equal ones the earliest.
pub(in crate::metrics) fn largest<'a>(
    days: impl DoubleEndedIterator<Item = (&'a Timestamp, &'a LongShort)>,
) -> Option<LiquidationDayTotal> {
    let (day, sides) = days.rev().max_by(|a, b| a.1.total().total_cmp(&b.1.total()))?;
    (sides.total() > 0.0).then(|| LiquidationDayTotal { date: day.date(), total_usd: sides.total(), bound: None })
}

fn fill_orders(book: &LiquidationTotals<'_>, span: Span, figures: &mut Liquidations) {
    for leg in &book.legs {
        let Some(shown) = leg.orders(span) else { continue };
        figures.n_orders = Some(figures.n_orders.unwrap_or(0) + shown.count);
        let Some((at, tally)) = shown.largest else { continue };
        if figures.largest_order.as_ref().is_none_or(|largest| tally.largest_usd > largest.usd) {
            figures.largest_order = Some(LargestOrder {
                at,
                asset: leg.asset.clone(),
                source: leg.source.clone(),
                side: leg.side,
                usd: tally.largest_usd,
                price_usd: tally.largest_price_usd,
            });
        }
    }
}

/// The baseline is the windows of the same length before this one that were listened to, the present one
/// excluded. Of sources that speak: one that fell silent would look like a calm.
fn robust_z(trail: &mut Provenance<'_>, book: &LiquidationTotals<'_>, span: Span) -> Option<f64> {
    let length = span.to.ms_since(span.from);
    book.begin()?;
    let earlier = (1..=BASELINE_WINDOWS).map(|n| (span.from.plus_ms(-n * length), span.to.plus_ms(-n * length)));
    let baseline: Vec<f64> = earlier
        .filter(|(from, to)| book.heard(*from, *to))
        .map(|(from, to)| book.sides(Span { from, to, to_cutoff: false }).total())
        .collect();
    if baseline.len() < LEAST_BASELINE {
        let detail =
            format!("robust_z needs {LEAST_BASELINE} earlier windows of this length, {} were listened to", baseline.len());
        trail.warn(WarningCode::InsufficientHistory, detail);
        return None;
    }
    let z = robust_z_of_logs(&baseline, book.sides(span).total());
    if z.is_none() {
        trail.warn(WarningCode::ZeroVariance, "robust_z needs earlier windows that differ");
    }
    z
}

fn by_source(book: &LiquidationTotals<'_>, span: Span) -> Vec<LiquidationsOfSource> {
    let mut sources: BTreeMap<Source, LongShort> = BTreeMap::new();
    for leg in &book.legs {
        sources.entry(leg.source.clone()).or_default().add(leg.side, leg.usd(span));
    }
    let row = |(source, sides): (Source, LongShort)| {
        let covered = book.covered_by(&source, span);
        covered.from.map(|_| LiquidationsOfSource {
            source,
            total_usd: sides.total(),
            long_usd: sides.long_usd,
            short_usd: sides.short_usd,
            covered_ratio: covered.ratio,
        })
    };
    let mut rows: Vec<_> = sources.into_iter().filter_map(row).collect();
    rows.sort_by(|a, b| b.total_usd.total_cmp(&a.total_usd));
    rows
}

fn by_asset(book: &LiquidationTotals<'_>, span: Span) -> Vec<LiquidationsOfAsset> {
    let mut assets: BTreeMap<Asset, LongShort> = BTreeMap::new();
    for leg in &book.legs {
        assets.entry(leg.asset.clone()).or_default().add(leg.side, leg.usd(span));
    }
    let row = |(asset, sides): (Asset, LongShort)| LiquidationsOfAsset {
        asset,
        total_usd: sides.total(),
        long_usd: sides.long_usd,
        short_usd: sides.short_usd,
    };
    let mut rows: Vec<_> = assets.into_iter().map(row).filter(|row| row.total_usd > 0.0).collect();
    rows.sort_by(|a, b| b.total_usd.total_cmp(&a.total_usd));
    rows.truncate(ASSETS_LISTED);
    rows
}

/// Liquidation totals.
#[derive(Debug)]
pub enum LiquidationsQuery {}

impl Query for LiquidationsQuery {
    type Params = LiquidationsParams;
    type Answer = Liquidations;
    const NAME: &'static str = "liquidations";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        liquidations(cx.view, cx.source_order, params)
    }
}

/// Parameters of [`LiquidationsSeriesQuery`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiquidationsSeriesParams {
    /// The liquidations and the window.
    pub liquidations: LiquidationsParams,
    /// Length of a bucket; an hour or the length of published sums if `None`.
    pub interval: Option<Period>,
}

/// Liquidations by bucket.
#[derive(Debug)]
pub enum LiquidationsSeriesQuery {}

impl Query for LiquidationsSeriesQuery {
    type Params = LiquidationsSeriesParams;
    type Answer = Vec<LiquidationsRow>;
    const NAME: &'static str = "liquidations/series";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        liquidations_series(cx.view, cx.source_order, &params.liquidations, params.interval)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::SourceKind;
    use crate::metrics::fixture::{Fixture, at, order};
    use crate::metrics::{Bound, Moment};

    fn question(asset: Option<&str>, sources: &[&str], window: Window) -> LiquidationsParams {
        LiquidationsParams {
            asset: asset.map(|asset| asset.parse().unwrap()),
            sources: sources.iter().map(|source| source.parse().unwrap()).collect(),
            window,
        }
    }

    /// A venue that publishes sums until noon of the 2nd and shows single orders before and after.
    fn venue() -> Fixture {
        Fixture::new()
            .readings("liquidation.btc.long@v:4h", &[("2026-02-01T20:00:00Z", 100.0), ("2026-02-02T08:00:00Z", 50.0)])
            .readings("liquidation.btc.short@v:4h", &[("2026-02-02T08:00:00Z", 10.0)])
            .order("v", "btc", "2026-02-02T09:00:30Z", 40.0)
            .order("v", "btc", "2026-02-02T13:00:30Z", 7.0)
            .source("v", SourceKind::Venue, "one order a second at most")
    }

    #[test]
    fn orders_inside_the_span_of_published_sums_are_not_added_to_them() {
        let view = venue().cut("2026-02-02T16:00:00Z");
        let answer = liquidations(&view, &order(), &question(Some("btc"), &[], Window::days(1))).unwrap();
        assert_eq!((answer.data.total_usd, answer.data.long_usd, answer.data.short_usd), (Some(167.0), Some(157.0), Some(10.0)));
        assert_eq!(answer.data.n_orders, Some(2));
        let largest = answer.data.largest_order.unwrap();
        assert_eq!((largest.usd, largest.at), (40.0, at("2026-02-02T09:00:30Z")));
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::LowerBound));
    }

    #[test]
    fn an_aggregator_answers_alone_unless_a_venue_is_asked() {
        let both = || {
            venue().readings("liquidation.total.long@agg:1h", &[("2026-02-02T15:00:00Z", 1_000.0)]).source(
                "agg",
                SourceKind::Aggregator,
                "",
            )
        };
        let view = both().cut("2026-02-02T16:00:00Z");
        let all = liquidations(&view, &order(), &question(None, &[], Window::days(1))).unwrap().data;
        assert_eq!((all.total_usd, all.by_source.len()), (Some(1_000.0), 1));
        let venue = liquidations(&view, &order(), &question(None, &["v"], Window::days(1))).unwrap().data;
        assert_eq!(venue.total_usd, Some(167.0));
        assert_eq!(venue.by_asset[0].asset, Asset::btc());
    }

    #[test]
    fn a_window_is_judged_by_whole_windows_before_it() {
        let total = |day: i64| f64::from(u8::try_from(day % 7 + 1).unwrap());
        let sum_at = |day: i64, hour: &str, usd: f64| (format!("{}T{hour}:00:00Z", at("2026-01-01").plus_days(day).date()), usd);
        // Half of each day falls into the sum that ends with it, the other into its first; between them nothing does.
        let part = |hour: &str| if ["00", "20"].contains(&hour) { 0.5 } else { 0.0 };
        let hours = ["00", "04", "08", "12", "16", "20"];
        let sums: Vec<_> = (0..40).flat_map(|day| hours.map(|hour| sum_at(day, hour, total(day) * part(hour)))).collect();
        let sums: Vec<(&str, f64)> = sums.iter().map(|(at, usd)| (at.as_str(), *usd)).collect();
        let view = Fixture::new().readings("liquidation.btc.long@v:4h", &sums).cut("2026-02-10");
        let found = liquidations(&view, &order(), &question(Some("btc"), &[], Window::days(1))).unwrap().data;
        let before: Vec<f64> = (0..39).map(total).collect();
        assert_eq!((found.total_usd, found.robust_z), (Some(total(39)), robust_z_of_logs(&before, total(39))));
    }

    #[test]
    fn the_minute_after_a_past_window_is_not_in_it() {
        let view = venue().cut("2026-02-03");
        let window =
            Window::Since { since: Moment::At(at("2026-02-02T12:00:00Z")), until: Some(Moment::At(at("2026-02-02T13:00:00Z"))) };
        let found = liquidations(&view, &order(), &question(Some("btc"), &[], window)).unwrap().data;
        assert_eq!((found.total_usd, found.n_orders), (Some(0.0), Some(0)));
    }

    #[test]
    fn days_are_ranked_and_their_shares_make_a_whole() {
        let view = venue().cut("2026-02-03");
        let days = crate::metrics::liquidation_days(&view, &order(), &question(None, &[], Window::ALL)).unwrap().data;
        let told: Vec<_> = days.iter().map(|day| (day.date.to_string(), day.rank, day.total_usd)).collect();
        assert_eq!(told, [("2026-02-01".to_owned(), 1, 100.0), ("2026-02-02".to_owned(), 2, 67.0)]);
        assert!((days.iter().filter_map(|day| day.share_of_window_pct).sum::<f64>() - 100.0).abs() < 1e-9);
        let summary = liquidations(&view, &order(), &question(None, &[], Window::days(1))).unwrap().data;
        assert_eq!(summary.record_day.unwrap().date.to_string(), "2026-02-01");
        assert_eq!(summary.largest_day.map(|day| day.total_usd), Some(67.0));
    }

    #[test]
    fn a_day_without_liquidations_is_zero_only_where_something_is_known() {
        let hour = question(None, &[], Window::Last("1h".parse().unwrap()));
        let quiet = liquidations(&venue().cut("2026-02-03T12:00:00Z"), &order(), &hour).unwrap().data;
        assert_eq!((quiet.total_usd, quiet.long_share_ratio), (Some(0.0), None));
        let silent = liquidations(&venue().cut("2026-02-10"), &order(), &question(None, &[], Window::days(1))).unwrap();
        assert_eq!((silent.data.total_usd, silent.data.largest_order), (None, None));
        assert!(silent.warnings.iter().any(|w| w.code == WarningCode::Gap) && silent.data.record_day.is_none());
        let empty = liquidations(&Fixture::new().cut("2026-02-10"), &order(), &question(None, &[], Window::days(1))).unwrap();
        assert_eq!((empty.data.total_usd, empty.warnings[0].code), (None, WarningCode::NoData));
    }

    #[test]
    fn buckets_shorter_than_the_published_sums_are_refused() {
        let refused =
            liquidations_series(&venue().cut("2026-02-03"), &order(), &question(None, &[], Window::ALL), Some(Period::HOUR));
        assert!(matches!(refused, Err(QueryError::Parameter { parameter: "interval", .. })));
        let rows = liquidations_series(&venue().cut("2026-02-03"), &order(), &question(None, &[], Window::ALL), None).unwrap();
        assert_eq!((rows.data.len(), rows.meta.method.unwrap().interval.as_deref()), (3, Some("4h")));
    }

    #[test]
    fn an_aggregator_is_never_added_to_venues_it_holds() {
        let view = venue()
            .readings("liquidation.total.long@agg:1h", &[("2026-02-02T10:00:00Z", 1_000.0)])
            .source("agg", SourceKind::Aggregator, "")
            .cut("2026-02-02T16:00:00Z");
        let refused = liquidations(&view, &order(), &question(None, &["v", "agg"], Window::days(1)));
        let Err(QueryError::Parameter { parameter: "source", reason, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(reason, "agg holds the figures of v already, and the same would be counted twice");
    }

    #[test]
    fn an_old_or_coarse_aggregator_does_not_hide_venues_that_listen() {
        let both = |as_of: &str| {
            venue()
                .readings("liquidation.btc.long@agg:4h", &[("2026-02-02T08:00:00Z", 1_000.0)])
                .source("agg", SourceKind::Aggregator, "")
                .cut(as_of)
        };
        let hour = question(None, &[], Window::Last("1h".parse().unwrap()));
        let told = liquidations(&both("2026-02-02T13:30:00Z"), &order(), &hour).unwrap();
        assert_eq!((told.data.total_usd, told.data.by_source[0].source.as_str()), (Some(7.0), "v"));
        assert_eq!(
            told.data.record_day.map(|day| day.total_usd),
            Some(100.0),
            "of the venue: the aggregator does not reach the end"
        );
        let said = told.warnings.iter().find(|warning| warning.code == WarningCode::NotCovered).unwrap();
        assert!(said.detail.starts_with("agg does not tell") && said.detail.ends_with("of v"), "{}", said.detail);
        let day = question(None, &[], Window::days(1));
        let fresh = liquidations(&both("2026-02-02T12:00:00Z"), &order(), &day).unwrap().data;
        assert_eq!((fresh.total_usd, fresh.by_source[0].source.as_str()), (Some(1_000.0), "agg"));
        let series = liquidations_series(&both("2026-02-02T12:00:00Z"), &order(), &day, None).unwrap();
        assert_eq!(
            series.data.first().map(|row| row.total_usd),
            Some(100.0),
            "sums of four hours tell no hours, those of the venue are no finer"
        );
    }

    #[test]
    fn a_total_says_what_of_its_window_is_on_record() {
        let view = Fixture::new().order("v", "btc", "2026-02-02T12:57:00Z", 1.8e6).cut("2026-02-02T13:00:00Z");
        let told = liquidations(&view, &order(), &question(None, &[], Window::days(1))).unwrap();
        let covered = told.data.covered.unwrap();
        assert_eq!((told.data.total_usd, told.data.bound), (Some(1.8e6), Some(Bound::AtLeast)));
        assert_eq!((covered.from, covered.to), (Some(at("2026-02-02T12:57:00Z")), Some(view.as_of())));
        assert!((covered.ratio - 3.0 / 1_440.0).abs() < 1e-12);
        assert_eq!(told.data.record_since, Some(at("2026-02-02T12:57:00Z")));
        assert!(told.warnings.iter().any(|warning| warning.code == WarningCode::NotCovered));
        let made_up = |rows: &[(&str, f64)]| {
            let fixture = Fixture::new().readings("liquidation.total.long@s:1h", rows).source("s", SourceKind::Scenario, "");
            let hours = question(None, &[], Window::Last("2h".parse().unwrap()));
            liquidations(&fixture.cut("2026-02-02T14:00:00Z"), &order(), &hours).unwrap().data.bound
        };
        assert_eq!(made_up(&[("2026-02-02T12:00:00Z", 1.0), ("2026-02-02T13:00:00Z", 1.0)]), None);
        assert_eq!(made_up(&[("2026-02-02T12:00:00Z", 1.0)]), Some(Bound::AtLeast), "half of it is missing");
    }

    /// An order: milliseconds after the start, USD, how late it was known, milliseconds, and of which of two assets.
    type Row = (i64, i32, i64, bool);

    fn order_rows() -> impl Strategy<Value = Vec<Row>> {
        prop::collection::vec((0..200_000_i64, 1..100_i32, 0..90_000_i64, any::<bool>()), 1..40)
    }

    proptest! {
        #[test]
        fn totals_are_the_sums_of_the_orders_at_every_millisecond(
            rows in order_rows(),
            (from, length, after) in (-1_000..200_000_i64, 1..150_000_i64, 0..2_000_i64),
        ) {
            let start = at("2026-02-02T12:00:00Z");
            let known = |(offset, usd, late, is_btc): &Row| (start.plus_ms(*offset), start.plus_ms(offset + late), f64::from(*usd), *is_btc);
            let market = rows.iter().map(known).fold(Fixture::new(), |fixture, (at, known_at, usd, is_btc)| {
                fixture.late_order("v", if is_btc { "btc" } else { "eth" }, at, known_at, usd)
            });
            let (from, to) = (start.plus_ms(from), start.plus_ms(from + length));
            let view = market.cut(&to.plus_ms(after).to_string());
            let window = Window::Since { since: Moment::At(from), until: Some(Moment::At(to)) };
            let told_rows: Vec<f64> = rows
                .iter()
                .map(known)
                .filter(|(at, known_at, ..)| from <= *at && *at <= to && *known_at <= view.as_of())
                .map(|(_, _, usd, _)| usd)
                .collect();
            let told = liquidations(&view, &order(), &question(None, &[], window)).unwrap().data;
            // Whole dollars: every order of adding them gives the same bits.
            let expected = Some(told_rows.iter().sum::<f64>());
            prop_assert_eq!(told.total_usd.or(Some(0.0)), expected);
            prop_assert_eq!(told.n_orders.unwrap_or(0), told_rows.len() as u64);
            prop_assert_eq!(Some(told.by_asset.iter().map(|row| row.total_usd).sum::<f64>()), expected);
            for interval in [Period::MINUTE, Period::HOUR] {
                let rows = liquidations_series(&view, &order(), &question(None, &[], window), Some(interval)).unwrap().data;
                prop_assert_eq!(Some(rows.iter().map(|row| row.total_usd).sum::<f64>()), expected);
            }
        }
    }
}
