use std::cmp::Reverse;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Period, Side, Timestamp};
use crate::market::MarketView;
use crate::metrics::derivatives::positions::OpenInterestBySource;
use crate::metrics::liquidations::totals::{LiquidationTotals, Wanted};
use crate::metrics::paged::ordered;
use crate::metrics::price::price::{PriceSeries, percent_change};
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::{Need, price_candidates};
use crate::metrics::statements::DatedRow;
use crate::metrics::{Answer, Context, LiquidationsParams, Method, Paged, Query, QueryError, SourceOrder, Span, WarningCode};
use crate::stats::burst::{Burst, bursts};
use crate::stats::rank::median;

/// Days before the window whose hours say what is usual.
const BASELINE_DAYS: i64 = 90;
/// Hours with liquidations that the baseline needs: a week of them.
const LEAST_HOURS: usize = 168;
/// Days before the window from which the slow rate is already followed.
const RUN_UP_DAYS: i64 = 3;
/// The longest window, days.
const LONGEST_DAYS: i64 = 366;
/// How far around a cascade open interest is compared: an hour to either side.
const MARGIN_MS: i64 = Period::HOUR.ms();

/// A burst of forced selling or buying (METHODOLOGY section 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct LiquidationCascade {
    /// The first minute.
    pub started_at: Timestamp,
    /// The minute with the largest total.
    pub peak_at: Timestamp,
    /// The first minute after it; absent while it goes on.
    pub ended_at: Option<Timestamp>,
    /// Positions closed in it, USD.
    pub total_usd: f64,
    /// The positions most of which were closed.
    #[schema(value_type = String)]
    pub side: Side,
    /// Their part of the total, a fraction.
    pub side_share_ratio: f64,
    /// Its total over what is usual in as much time: the median of hours with liquidations in the 90 days before the window.
    pub multiple_of_normal: f64,
    /// The price at its end against that at its start, percent; of bitcoin where all assets are asked about.
    pub price_move_pct: Option<f64>,
    /// Open positions in coins an hour after its end against an hour before its start, percent.
    pub open_interest_change_pct: Option<f64>,
}

impl DatedRow for LiquidationCascade {}

impl Paged<LiquidationsParams> for LiquidationCascade {
    type Position = (Reverse<i64>, Timestamp);

    fn position(&self, _: &LiquidationsParams) -> Self::Position {
        (Reverse(ordered(self.total_usd)), self.started_at)
    }
}

/// Bursts of liquidations inside a window, largest first, of equals the earlier first.
///
/// A burst starts when the decayed rate of five minutes is ten times that of a day or more, its last
/// hour is unusual (robust z of 3.5), and one side has 70 % of it; it ends when the ratio stays under
/// three for half an hour. Sums published by the hour or finer are spread evenly over their minutes;
/// coarser ones are left aside for single orders.
///
/// # Errors
/// As [`liquidations`](crate::metrics::liquidations), and for a window longer than 366 days.
pub fn liquidation_cascades(
    view: &MarketView,
    order: &SourceOrder,
    question: &LiquidationsParams,
) -> Result<Answer<Vec<LiquidationCascade>>, QueryError> {
    if let Some(asset) = &question.asset {
        known_asset(view, asset)?;
    }
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let (asset, wanted) = (question.asset.as_ref(), Wanted { span, coarsest: Some(Period::HOUR) });
    let book = LiquidationTotals::open(view, &mut trail, order, asset, &question.sources, wanted)?;
    let span = limited(&mut trail, &book, span)?;
    let rows = match baseline(&mut trail, &book, span) {
        Some(hours) => find(view, &mut trail, order, question, &book, span, &hours)?,
        None => Vec::new(),
    };
    let interval = Some(Period::MINUTE.to_string());
    let method = Method { name: "cascades", version: 2, interval, basis: None };
    Ok(trail.answer(rows, Derivation { span: Some(span), method: Some(method), ..Derivation::default() }))
}

/// The window cut to where history begins.
fn limited(trail: &mut Provenance<'_>, book: &LiquidationTotals<'_>, span: Span) -> Result<Span, QueryError> {
    let from = book.begin().map_or(span.from, |first| first.max(span.from)).min(span.to);
    if from > span.from && span.from > Timestamp::MIN {
        trail.warn(WarningCode::HistoryLimit, format!("the window begins at {}, the record at {from}", span.from));
    }
    if book.begin().is_some() && span.to.ms_since(from) > LONGEST_DAYS * Period::DAY.ms() {
        return Err(QueryError::Parameter {
            parameter: "window",
            given: format!("{from} to {}", span.to),
            reason: format!("cascades are looked for in at most {LONGEST_DAYS} days"),
            allowed: ["24h", "7d", "30d", "1y"].map(str::to_owned).into(),
        });
    }
    Ok(Span { from, ..span })
}

/// The totals of the hours before the window that were listened to and hold any liquidation, USD.
fn baseline(trail: &mut Provenance<'_>, book: &LiquidationTotals<'_>, span: Span) -> Option<Vec<f64>> {
    book.begin()?;
    let to = Period::HOUR.start_of(span.from);
    let before = Span { from: to.plus_days(-BASELINE_DAYS), to, to_cutoff: false };
    let starts = (0..).map(|hour| before.from.plus_ms(hour * Period::HOUR.ms()));
    let told = starts.zip(book.hours_usd(before)).filter(|(start, usd)| *usd > 0.0 && book.heard_hour(*start));
    let hours: Vec<f64> = told.map(|(_, usd)| usd).collect();
    if hours.len() < LEAST_HOURS {
        let detail = format!(
            "cascades need {LEAST_HOURS} hours with liquidations in the {BASELINE_DAYS} days before the window, {} are known",
            hours.len()
        );
        trail.warn(WarningCode::InsufficientHistory, detail);
        return None;
    }
    Some(hours)
}

fn find(
    view: &MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    question: &LiquidationsParams,
    book: &LiquidationTotals<'_>,
    span: Span,
    hours: &[f64],
) -> Result<Vec<LiquidationCascade>, QueryError> {
    let run_up = Span { from: span.from.plus_days(-RUN_UP_DAYS).floor(Period::MINUTE.ms()), ..span };
    let minutes = book.minutes(run_up);
    let usual_usd_a_minute = median(hours).unwrap_or(0.0) / 60.0;
    let asset = question.asset.clone().filter(|asset| *asset != Asset::total()).unwrap_or_else(Asset::btc);
    let positions = OpenInterestBySource::open(view, &mut Provenance::until(view, span.to), order, &asset, &[])?;
    let candidates = price_candidates(view, &asset, span.to);
    let price = order.choose(&mut Provenance::until(view, span.to), &candidates, None, Need::Since(span.from))?;
    let prices = price.map(|price| PriceSeries::open(view, &asset, &price.source));
    let describe = |burst: &Burst| {
        let at = |minute: usize| run_up.from.plus_ms(i64::try_from(minute).unwrap_or(0) * Period::MINUTE.ms());
        let (start, end) = (at(burst.start), at(burst.end).min(view.as_of()));
        let total_usd = burst.long_usd + burst.short_usd;
        let side = if burst.long_usd >= burst.short_usd { Side::Long } else { Side::Short };
        let price = |at: Timestamp| prices.as_ref()?.at(at);
        let moved = positions.movement(start.plus_ms(-MARGIN_MS), end.plus_ms(MARGIN_MS).min(view.as_of()));
        LiquidationCascade {
            started_at: start,
            peak_at: at(burst.peak),
            ended_at: (!burst.open).then_some(end),
            total_usd,
            side,
            side_share_ratio: burst.long_usd.max(burst.short_usd) / total_usd,
            multiple_of_normal: total_usd / (usual_usd_a_minute * crate::stats::real(burst.end - burst.start)),
            price_move_pct: percent_change(price(start), price(end)),
            open_interest_change_pct: moved.and_then(|moved| percent_change(moved.start.coins, moved.end.coins)),
        }
    };
    let found = bursts(&minutes, hours);
    if found.is_none() {
        trail.warn(WarningCode::ZeroVariance, "the hours before the window are all alike: nothing tells what is unusual");
    }
    let mut rows: Vec<_> = found.iter().flatten().map(describe).filter(|cascade| cascade.started_at >= span.from).collect();
    rows.sort_by_key(|row| row.position(question));
    Ok(rows)
}

/// Liquidation cascades.
#[derive(Debug)]
pub enum LiquidationCascadesQuery {}

impl Query for LiquidationCascadesQuery {
    type Params = LiquidationsParams;
    type Answer = Vec<LiquidationCascade>;
    const NAME: &'static str = "liquidations/cascades";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        liquidation_cascades(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};
    use crate::metrics::{Length, Window};

    fn ask(fixture: Fixture, as_of: &str) -> Answer<Vec<LiquidationCascade>> {
        let question = LiquidationsParams { asset: Some(Asset::btc()), sources: vec![], window: Window::days(1) };
        liquidation_cascades(&fixture.cut(as_of), &order(), &question).unwrap()
    }

    /// Hours of 2026-01-15 to 2026-02-02 with about 6,000 USD each on both sides, and in the last
    /// but tenth hour `extra` longs on top.
    fn hourly(extra: f64) -> Fixture {
        let start = at("2026-01-15");
        let texts: Vec<String> = (0..19 * 24).map(|hour| start.plus_ms(hour * Period::HOUR.ms()).to_string()).collect();
        let usual = |hour: usize| 3_000.0 + 100.0 * crate::stats::real(hour % 7);
        let rows = |extra: f64| -> Vec<(&str, f64)> {
            let last = texts.len() - 10;
            texts
                .iter()
                .enumerate()
                .map(|(hour, at)| (at.as_str(), usual(hour) + if hour == last { extra } else { 0.0 }))
                .collect()
        };
        Fixture::new().readings("liquidation.btc.long@x:1h", &rows(extra)).readings("liquidation.btc.short@x:1h", &rows(0.0))
    }

    #[test]
    fn an_hour_that_stands_out_is_a_cascade_with_its_side_and_size() {
        let fixture = hourly(1e6)
            .bars(
                "candle.btc@p:1h",
                &[("2026-02-02T13:00:00Z", 100.0, 100.0, 100.0), ("2026-02-02T14:00:00Z", 100.0, 90.0, 90.0)],
            )
            .readings("open_interest.btc@p", &[("2026-02-02T13:00:00Z", 1_000.0), ("2026-02-02T16:00:00Z", 720.0)])
            .readings("open_interest_native.btc@p", &[("2026-02-02T13:00:00Z", 10.0), ("2026-02-02T16:00:00Z", 8.0)]);
        let rows = ask(fixture, "2026-02-03").data;
        assert_eq!(rows.len(), 1);
        let cascade = rows[0];
        assert_eq!((cascade.side, cascade.started_at.date().to_string()), (Side::Long, "2026-02-02".to_owned()));
        assert!(cascade.total_usd > 0.9e6 && cascade.multiple_of_normal > 20.0 && cascade.side_share_ratio > 0.9);
        assert!(cascade.ended_at.is_some());
        assert!((cascade.open_interest_change_pct.unwrap() + 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_steady_stream_has_none_and_a_short_history_cannot_tell() {
        let steady = ask(hourly(0.0), "2026-02-03");
        assert!(steady.data.is_empty() && steady.warnings.is_empty(), "{:?}", steady.warnings);
        let short = ask(Fixture::new().order("x", "btc", "2026-02-02T12:00:00Z", 5e6), "2026-02-03");
        assert!(short.data.is_empty() && short.warnings.iter().any(|w| w.code == WarningCode::InsufficientHistory));
        let empty = ask(Fixture::new(), "2026-02-03");
        assert!(empty.data.is_empty() && empty.warnings[0].code == WarningCode::NoData);
    }

    #[test]
    fn a_window_of_many_years_is_refused() {
        let days: Vec<String> = (0..400).map(|day| at("2024-12-30").plus_days(day).to_string()).collect();
        let days: Vec<(&str, f64)> = days.iter().map(|day| (day.as_str(), 5.0)).collect();
        let fixture = hourly(0.0).readings("liquidation.btc.long@y:1d", &days);
        let question = LiquidationsParams { asset: None, sources: vec![], window: Window::Last(Length::All) };
        let refused = liquidation_cascades(&fixture.cut("2026-02-03"), &order(), &question);
        assert!(matches!(refused, Err(QueryError::Parameter { parameter: "window", .. })));
    }
}
