//! The composite stress index (METHODOLOGY section 11.3): what is asked, what is answered.

mod answer;
mod bar_measures;
mod flow_measures;
mod fund_measures;
mod history;
mod measure;
mod recipe;
mod rolling;

/// Stress index and its segments.
#[derive(Debug)]
pub enum StressQuery {}

impl Query for StressQuery {
    type Params = ();
    type Answer = Stress;
    const NAME: &'static str = "stress";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        let () = params;
        stress(cx.view, cx.source_order, &cx.caches.stress)
    }
}

/// Stress index on each closed day.
#[derive(Debug)]
pub enum StressSeriesQuery {}

impl Query for StressSeriesQuery {
    type Params = StressSeriesParams;
    type Answer = Vec<StressRow>;
    const NAME: &'static str = "stress/series";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        stress_series(cx.view, cx.source_order, params, &cx.caches.stress)
    }
}

#[cfg(test)]
mod tests;

use serde::Serialize;
use std::sync::Arc;

use crate::domain::{Period, Timestamp};
use crate::market::MarketView;
use crate::metrics::downsample::downsample_min_max;
use crate::metrics::provenance::{Derivation, Provenance};
pub use crate::metrics::stress::answer::{Stress, StressBand, StressIndicator, StressRow, StressSegment, StressStanding};
use crate::metrics::stress::history::ScoredDay;
pub use crate::metrics::stress::history::StressCache;
use crate::metrics::stress::recipe::RECIPE;
use crate::metrics::{Answer, Context, Method, Query, QueryError, SourceOrder, WarningCode, Window};
use crate::stats::composite::Standing;
use crate::stats::rank::mid_rank;

/// Days in a week.
const WEEK: usize = 7;

/// Which days of the index are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StressSeriesParams {
    /// The span of the days.
    pub window: Window,
    /// The most rows to answer with.
    pub max_points: Option<usize>,
}

/// The index at the cutoff: of the day that is open as far as it goes, or else of the last closed one.
///
/// # Errors
/// None; the signature is that of every question.
pub fn stress(view: &MarketView, order: &SourceOrder, book: &StressCache) -> Result<Answer<Stress>, QueryError> {
    let history = book.history(view, order);
    let mut closed = history.closed_by(view.as_of());
    let open = history.open_day(view, order);
    let mut trail = Provenance::new(view);
    let mut working = Derivation { method: Some(method()), ..Derivation::default() };
    let running = open.is_some();
    let judged = open.as_ref().or_else(|| {
        let (last, before) = closed.split_last()?;
        closed = before;
        Some(&**last)
    });
    let Some(judged) = judged else { return Ok(trail.answer(Stress::unknown(view.as_of().date()), working)) };
    note_reads(&mut trail, view, judged);
    let figures = figures(judged, closed, running);
    warn(&mut trail, judged, &figures, closed.len());
    working.n_obs = Some(closed.len() as u64 + 1);
    Ok(trail.answer(figures, working))
}

/// The index of every closed day in the span.
///
/// # Errors
/// [`QueryError::EmptyWindow`].
pub fn stress_series(
    view: &MarketView,
    order: &SourceOrder,
    question: &StressSeriesParams,
    book: &StressCache,
) -> Result<Answer<Vec<StressRow>>, QueryError> {
    let span = question.window.resolve(view.as_of())?;
    let history = book.history(view, order);
    let closed = history.closed_by(view.as_of());
    let inside = |day: &&Arc<ScoredDay>| span.rows(Period::DAY).contains(day.start);
    let rows: Vec<StressRow> =
        closed.iter().filter(inside).map(|day| row(day)).filter(|row| row.coverage_ratio.is_some()).collect();
    let mut trail = Provenance::new(view);
    if let Some(last) = closed.last() {
        note_reads(&mut trail, view, last);
    }
    if let Some(first) = rows.first().filter(|row| span.from > Timestamp::MIN && row.time > span.from.plus_days(1)) {
        trail.warn(WarningCode::HistoryLimit, format!("the window begins at {}, the index at {}", span.from, first.time));
    }
    if let Some(first) = closed.iter().filter(inside).find(|day| day.reading.coverage.is_some()) {
        warn_of_late_members(&mut trail, first);
    }
    if rows.is_empty() {
        let detail = format!("the index is published after {} days of history, {} are known", RECIPE.warm_up, closed.len());
        trail.warn(WarningCode::InsufficientHistory, detail);
    }
    let working =
        Derivation { span: Some(span), method: Some(method()), n_obs: Some(rows.len() as u64), ..Derivation::default() };
    Ok(trail.answer(downsample_min_max(rows, question.max_points, |row| row.systemic.unwrap_or_default()), working))
}

/// Names the segments that are no members yet on the first day that is shown.
fn warn_of_late_members(trail: &mut Provenance<'_>, first: &ScoredDay) {
    let segments = RECIPE.segments.iter().zip(&first.reading.segments);
    let late: Vec<&str> = segments.filter(|(_, reading)| reading.score.is_none()).map(|(spec, _)| spec.name).collect();
    if !late.is_empty() {
        let detail =
            format!("{} had too little history on {} and joined later or not at all", late.join(", "), first.start.date());
        trail.warn(WarningCode::InsufficientHistory, detail);
    }
}

fn method() -> Method {
    Method { name: "stress", version: RECIPE.version, interval: Some(Period::DAY.to_string()), basis: None }
}

/// Notes the series a day was judged by, as far as they are known at the cutoff.
fn note_reads(trail: &mut Provenance<'_>, view: &MarketView, day: &ScoredDay) {
    for key in day.reads.iter() {
        if let Some(column) = view.reading(key) {
            trail.read(key, column);
        } else if let Some(column) = view.candles(key) {
            trail.read(key, column);
        } else if let Some(column) = view.tally(key) {
            trail.read(key, column);
        }
    }
}

/// The figures of a day, given the closed days before it.
fn figures(judged: &ScoredDay, before: &[Arc<ScoredDay>], running: bool) -> Stress {
    let systemic = points(judged);
    let ago = |days: usize| before.len().checked_sub(days).and_then(|index| points(&before[index]));
    let past = before.iter().rev().filter_map(|day| points(day)).take(RECIPE.window - 1);
    let percentile = systemic.and_then(|now| mid_rank(&past.chain([now]).collect::<Vec<_>>(), now));
    let reading = judged.reading.systemic;
    let yesterday = ago(1);
    Stress {
        day: judged.start.date(),
        closed: !running,
        systemic,
        acute: judged.reading.acute,
        band: reading.map(|reading| StressBand::of(reading.band)),
        percentile_ratio: percentile,
        change_1d: systemic.zip(yesterday).map(|(now, then)| now - then),
        change_1d_levels: reading.zip(yesterday).map(|(now, then)| now.at_previous_comovement - then),
        change_1d_comovement: reading.zip(yesterday).map(|(now, _)| now.points - now.at_previous_comovement),
        change_7d: systemic.zip(ago(WEEK)).map(|(now, then)| now - then),
        coverage_ratio: judged.reading.coverage,
        provisional: judged.reading.provisional || running,
        variance: reading.map(|reading| reading.variance),
        correlation_effect: reading.map(|reading| reading.correlation_effect),
        segments: StressSegment::all(&judged.values, &judged.reading),
    }
}

fn points(day: &ScoredDay) -> Option<f64> {
    day.reading.systemic.map(|systemic| systemic.points)
}

fn row(day: &ScoredDay) -> StressRow {
    let score = |name: &str| {
        let index = RECIPE.segments.iter().position(|spec| spec.name == name)?;
        day.reading.segments[index].score.map(|score| 100.0 * score)
    };
    StressRow {
        time: day.start,
        systemic: points(day),
        acute: day.reading.acute,
        coverage_ratio: day.reading.coverage,
        price: score("price"),
        volatility: score("volatility"),
        leverage: score("leverage"),
        funding: score("funding"),
        etf: score("etf"),
        cross_asset: score("cross_asset"),
        liquidity: score("liquidity"),
    }
}

/// The indicators without a value of the day.
fn missing_indicators(judged: &ScoredDay) -> Vec<&'static str> {
    let indicators = RECIPE.segments.iter().flat_map(|segment| segment.indicators);
    let named = indicators.zip(judged.values.iter().flatten());
    named.filter(|(_, value)| value.is_none()).map(|(spec, _)| spec.name).collect()
}

fn warn(trail: &mut Provenance<'_>, judged: &ScoredDay, figures: &Stress, days_before: usize) {
    if figures.systemic.is_none() {
        let detail = match figures.coverage_ratio {
            None => format!("the index is published after {} days of history, {days_before} are known", RECIPE.warm_up),
            Some(coverage) => {
                format!("{:.0} % of the weight is known, {:.0} % are needed", 100.0 * coverage, 100.0 * RECIPE.coverage_floor)
            }
        };
        trail.warn(WarningCode::InsufficientHistory, detail);
    }
    if figures.systemic.is_some() && (figures.change_1d.is_none() || figures.change_7d.is_none()) {
        let is_young = days_before < RECIPE.warm_up + WEEK;
        let code = if is_young { WarningCode::InsufficientHistory } else { WarningCode::Gap };
        trail.warn(code, "the index has no value of the day or the week before: the change from it is null");
    }
    if !figures.closed {
        trail.warn(WarningCode::Provisional, format!("the day {} is not closed", figures.day));
    }
    let missing_indicators = missing_indicators(judged);
    if !missing_indicators.is_empty() {
        trail.warn(WarningCode::Gap, format!("nothing of {} is known for {}", figures.day, missing_indicators.join(", ")));
    }
    for (spec, segment) in RECIPE.segments.iter().zip(&judged.reading.segments) {
        if segment.standing == Standing::Imputed {
            trail.warn(WarningCode::Gap, format!("`{}` has had no value for days; the mean of the others stands in", spec.name));
        }
        if segment.provisional {
            let detail = format!("`{}` rests on less than {} days of history", spec.name, RECIPE.warm_up);
            trail.warn(WarningCode::Provisional, detail);
        }
    }
}
