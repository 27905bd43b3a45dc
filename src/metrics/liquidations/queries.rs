use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Period, Side, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::liquidations::share::share_of_open_interest;
use crate::metrics::liquidations::source_series::LongShort;
use crate::metrics::liquidations::totals::LiquidationTotals;
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::{Answer, LiquidationDayCache, Method, QueryError, SourceOrder, Span, WarningCode, Window};
use crate::stats::rank::robust_z_of_logs;

/// Windows before the one asked for that make the baseline of the robust z, at most.
const BASELINE_WINDOWS: i64 = 90;
/// Assets listed in `by_asset`, at most.
const ASSETS_LISTED: usize = 20;
/// Windows the baseline needs before the robust z is published.
const LEAST_BASELINE: usize = 30;

/// What is asked about liquidations.
#[derive(Debug, Clone, PartialEq)]
pub struct LiquidationsParams {
    /// Of one asset; of all where none is named.
    pub asset: Option<Asset>,
    /// According to whom; see [`Liquidations`] for the default.
    pub sources: Vec<Source>,
    /// Which span.
    pub window: Window,
}

/// Positions closed by force (METHODOLOGY section 3).
///
/// Where no source is named, the first aggregator in the configured order answers alone, since its
/// sums hold the venues'; without one, all venues are added. Inside the span that a source's
/// published sums cover they count and its single orders do not.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Liquidations {
    /// Value of all positions closed, USD.
    pub total_usd: Option<f64>,
    /// Of longs, USD.
    pub long_usd: Option<f64>,
    /// Of shorts, USD.
    pub short_usd: Option<f64>,
    /// Longs' part, a fraction; absent when nothing was liquidated.
    pub long_share_ratio: Option<f64>,
    /// Single orders shown in the window; absent where no source shows any.
    pub n_orders: Option<u64>,
    /// The largest single order shown in the window.
    pub largest_order: Option<LargestOrder>,
    /// The UTC day of the window with the largest total.
    pub largest_day: Option<LiquidationDayTotal>,
    /// The UTC day with the largest total of all history known by the cutoff.
    pub record_day: Option<LiquidationDayTotal>,
    /// Total over the length of the window, USD a minute.
    pub intensity_usd_per_minute: Option<f64>,
    /// How unusual the total is among the windows of the same length before it, in robust standard
    /// deviations of logarithms; 3.5 and more is an alarm.
    pub robust_z: Option<f64>,
    /// What was liquidated against open interest at the start of the window, percent: of the assets of
    /// which both are known.
    pub share_of_open_interest_pct: Option<f64>,
    /// The same by asset, largest first, at most 20.
    pub by_asset: Vec<LiquidationsOfAsset>,
    /// The same by source, largest first.
    pub by_source: Vec<LiquidationsOfSource>,
}

/// One forced order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LargestOrder {
    /// When it was filled.
    pub at: Timestamp,
    /// The underlying.
    pub asset: Asset,
    /// The venue.
    pub source: Source,
    /// The position that was closed.
    pub side: Side,
    /// Its value, USD.
    pub usd: f64,
    /// Its fill price, USD.
    pub price_usd: f64,
}

/// One UTC day's total.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct LiquidationDayTotal {
    /// The day.
    pub date: NaiveDate,
    /// Value of all positions closed on it, USD.
    pub total_usd: f64,
}

/// One asset's part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LiquidationsOfAsset {
    /// The asset.
    pub asset: Asset,
    /// Both sides, USD.
    pub total_usd: f64,
    /// Longs, USD.
    pub long_usd: f64,
    /// Shorts, USD.
    pub short_usd: f64,
}

/// One source's part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LiquidationsOfSource {
    /// The source.
    pub source: Source,
    /// Both sides, USD.
    pub total_usd: f64,
    /// Longs, USD.
    pub long_usd: f64,
    /// Shorts, USD.
    pub short_usd: f64,
}

/// One bucket of the course of liquidations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct LiquidationsRow {
    /// The start of the bucket.
    pub time: Timestamp,
    /// Longs, USD.
    pub long_usd: f64,
    /// Shorts, USD.
    pub short_usd: f64,
    /// Both, USD.
    pub total_usd: f64,
}

/// One UTC day in the order of totals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct LiquidationDay {
    /// The day.
    pub date: NaiveDate,
    /// Its place, 1 for the largest.
    pub rank: usize,
    /// Value of all positions closed on it, USD.
    pub total_usd: f64,
    /// Longs' part, a fraction; absent when nothing was liquidated.
    pub long_share_ratio: Option<f64>,
    /// Its part of the window's total, percent.
    pub share_of_window_pct: Option<f64>,
}

/// Liquidations inside a window.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, or an empty window.
pub fn liquidations(
    view: &MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
) -> Result<Answer<Liquidations>, QueryError> {
    let (mut trail, span, book) = open(view, order, question)?;
    let mut figures = Liquidations::default();
    if book.first_at().is_some() {
        fill_days(&mut trail, &book, span, &mut figures);
    }
    if book.tells(view, &mut trail, span) {
        fill_totals(&book, span, &mut figures);
        let single_assets =
            LiquidationTotals::open_single_assets(view, order, question.asset.as_ref(), &question.sources, span.to)?;
        fill_orders(&single_assets, span, &mut figures);
        figures.robust_z = robust_z(&mut trail, &book.of_speaking(view), span);
        figures.share_of_open_interest_pct = share_of_open_interest(view, &mut trail, order, &single_assets, span)?;
        figures.by_source = by_source(&book, span);
        figures.by_asset = by_asset(&single_assets, span);
    }
    Ok(trail.answer(figures, working(span, None)))
}

/// What [`liquidations`] calls the total, without its other figures.
///
/// # Errors
/// As [`liquidations`].
pub(in crate::metrics) fn liquidated_usd(
    view: &MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
) -> Result<Answer<Option<f64>>, QueryError> {
    let (mut trail, span, book) = open(view, order, question)?;
    let total = book.tells(view, &mut trail, span).then(|| book.sides(span).total());
    Ok(trail.answer(total, working(span, None)))
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
    let (mut trail, span, book) = open(view, order, question)?;
    let record_day = records.record_day(view, &book, span);
    let total_usd = book.tells(view, &mut trail, span).then(|| book.sides(span).total());
    Ok(trail.answer(Liquidations { total_usd, record_day, ..Liquidations::default() }, working(span, None)))
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
    let (trail, span, book) = open(view, order, question)?;
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
    };
    let rows: Vec<_> = book.buckets(span, interval).into_iter().map(row).collect();
    Ok(trail.answer(rows, working(span, Some(interval))))
}

/// The UTC days of a window by their totals, largest first.
///
/// # Errors
/// As [`liquidations`].
pub fn liquidation_days(
    view: &MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
) -> Result<Answer<Vec<LiquidationDay>>, QueryError> {
    let (mut trail, span, book) = open(view, order, question)?;
    let mut days: Vec<_> = book.buckets(span, Period::DAY).into_iter().collect();
    let window_total: f64 = crate::stats::sum::sum(days.iter().map(|(_, sides)| sides.total()));
    days.sort_by(|a, b| b.1.total().total_cmp(&a.1.total()).then(a.0.cmp(&b.0)));
    if days.iter().any(|(day, _)| *day == view.as_of().day_start()) {
        trail.warn(WarningCode::PartialBar, format!("the day of {} is still running", view.as_of().date()));
    }
    let row = |(index, (day, sides)): (usize, &(Timestamp, LongShort))| LiquidationDay {
        date: day.date(),
        rank: index + 1,
        total_usd: sides.total(),
        long_share_ratio: sides.long_share(),
        share_of_window_pct: (window_total > 0.0).then(|| sides.total() / window_total * 100.0),
    };
    let rows: Vec<_> = days.iter().enumerate().map(row).collect();
    Ok(trail.answer(rows, working(span, Some(Period::DAY))))
}

fn open<'a>(
    view: &'a MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
) -> Result<(Provenance<'a>, Span, LiquidationTotals<'a>), QueryError> {
    if let Some(asset) = &question.asset {
        known_asset(view, asset)?;
    }
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let book = LiquidationTotals::open(view, &mut trail, order, question.asset.as_ref(), &question.sources, span)?;
    if let Some(first) = book.first_at().filter(|first| span.from > Timestamp::MIN && *first > span.from) {
        trail.warn(WarningCode::HistoryLimit, format!("the window begins at {}, the first row is of {first}", span.from));
    }
    Ok((trail, span, book))
}

fn working(span: Span, interval: Option<Period>) -> Derivation {
    let interval = interval.map(|interval| interval.to_string());
    let method = Method { name: "liquidations", version: 1, interval, basis: None };
    Derivation { span: Some(span), method: Some(method), ..Derivation::default() }
}

#[expect(clippy::cast_precision_loss, reason = "a window is far shorter than 2^53 milliseconds")]
fn fill_totals(book: &LiquidationTotals<'_>, span: Span, figures: &mut Liquidations) {
    let sides = book.sides(span);
    let from = book.first_at().map_or(span.from, |first| first.max(span.from));
    let minutes = span.to.ms_since(from) as f64 / 60_000.0;
    figures.total_usd = Some(sides.total());
    figures.long_usd = Some(sides.long_usd);
    figures.short_usd = Some(sides.short_usd);
    figures.long_share_ratio = sides.long_share();
    figures.intensity_usd_per_minute = (minutes > 0.0).then(|| sides.total() / minutes);
}

fn fill_days(trail: &mut Provenance<'_>, book: &LiquidationTotals<'_>, span: Span, figures: &mut Liquidations) {
    let days = book.days_until(span);
    figures.record_day = largest(days.iter());
    let first = span.from.day_start();
    let begins_inside_a_day = span.from > first;
    // Of the days of the window only the first can be cut; the others are those of all history.
    let first_day = Span { to: first.plus_days(1).min(span.to), ..span };
    let cut = begins_inside_a_day.then(|| book.buckets(first_day, Period::DAY).remove(&first)).flatten();
    let whole = days.range(if begins_inside_a_day { first.plus_days(1) } else { first }..);
    figures.largest_day = largest(cut.iter().map(|sides| (&first, sides)).chain(whole));
    if cut.is_some() {
        trail.warn(WarningCode::PartialBar, format!("the window holds a part of the day of {} only", span.from.date()));
    }
}

/// The day with the largest total; of equal ones the earliest.
pub(in crate::metrics) fn largest<'a>(
    days: impl DoubleEndedIterator<Item = (&'a Timestamp, &'a LongShort)>,
) -> Option<LiquidationDayTotal> {
    let (day, sides) = days.rev().max_by(|a, b| a.1.total().total_cmp(&b.1.total()))?;
    (sides.total() > 0.0).then(|| LiquidationDayTotal { date: day.date(), total_usd: sides.total() })
}

fn fill_orders(book: &LiquidationTotals<'_>, span: Span, figures: &mut Liquidations) {
    for leg in &book.legs {
        let Some(shown) = leg.orders(span) else { continue };
        figures.n_orders = Some(figures.n_orders.unwrap_or(0) + shown.count);
        let Some((minute, tally)) = shown.largest else { continue };
        if figures.largest_order.as_ref().is_none_or(|largest| tally.largest_usd > largest.usd) {
            figures.largest_order = Some(LargestOrder {
                at: minute.plus_ms(i64::from(tally.largest_offset_ms)),
                asset: leg.asset.clone(),
                source: leg.source.clone(),
                side: leg.side,
                usd: tally.largest_usd,
                price_usd: tally.largest_price_usd,
            });
        }
    }
}

/// The baseline is the windows of the same length before this one, the present one excluded. Of
/// sources that speak: one that fell silent would look like a calm.
fn robust_z(trail: &mut Provenance<'_>, book: &LiquidationTotals<'_>, span: Span) -> Option<f64> {
    let length = span.to.ms_since(span.from);
    let first = book.first_at()?;
    let earlier = (1..=BASELINE_WINDOWS).map(|n| (span.from.plus_ms(-n * length), span.to.plus_ms(-n * length)));
    let baseline: Vec<f64> = earlier
        .take_while(|(from, _)| *from >= first)
        .map(|(from, to)| book.sides(Span { from, to, to_cutoff: false }).total())
        .collect();
    if baseline.len() < LEAST_BASELINE {
        let detail = format!("robust_z needs {LEAST_BASELINE} earlier windows of this length, {} are known", baseline.len());
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
    let row = |(source, sides): (Source, LongShort)| LiquidationsOfSource {
        source,
        total_usd: sides.total(),
        long_usd: sides.long_usd,
        short_usd: sides.short_usd,
    };
    let mut rows: Vec<_> = sources.into_iter().map(row).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SourceKind;
    use crate::metrics::Moment;
    use crate::metrics::fixture::{Fixture, at, order};

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
            venue().readings("liquidation.total.long@agg:1h", &[("2026-02-02T14:00:00Z", 1_000.0)]).source(
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
        // Half of each day falls into the sum that ends with it.
        let sums: Vec<_> = (0..40).flat_map(|day| ["00", "20"].map(|hour| sum_at(day, hour, total(day) / 2.0))).collect();
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
        let days = liquidation_days(&view, &order(), &question(None, &[], Window::ALL)).unwrap().data;
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
}
