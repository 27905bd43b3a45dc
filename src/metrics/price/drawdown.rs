use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Period, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::downsample::downsample_min_max;
use crate::metrics::price::changes::PriceChanges;
use crate::metrics::price::price::{PriceSeries, percent_change};
use crate::metrics::price::price_path::{Basis, PricePath};
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::statements::{DatedRow, StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, Query, QueryError, SourceOrder, Span, WarningCode, Window};
use crate::stats::drawdown as falls;

/// What is asked about a fall from a peak.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrawdownParams {
    /// Of what.
    pub asset: Asset,
    /// According to whom; the first source in the configured order where none is named.
    pub source: Option<Source>,
    /// Where peaks are looked for.
    pub window: Window,
    /// The length of a bar.
    pub interval: Period,
    /// Which prices are compared.
    pub basis: Basis,
}

/// How far a price stands under its peak, and how it got there (METHODOLOGY sections 1.1 to 1.9).
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Drawdown {
    /// The last price known, USD.
    pub price_usd: Option<f64>,
    /// The highest price of the window, USD.
    pub peak_usd: Option<f64>,
    /// The bar of the peak; of equal peaks the last.
    pub peak_at: Option<Timestamp>,
    /// Price against the peak, percent in [-100, 0].
    pub drawdown_pct: Option<f64>,
    /// The lowest price since that peak, USD.
    pub trough_usd: Option<f64>,
    /// The bar of that low; of equal lows the first.
    pub trough_at: Option<Timestamp>,
    /// That low against the peak, percent in [-100, 0].
    pub trough_drawdown_pct: Option<f64>,
    /// The deepest fall of the window, from any peak in it, percent in [-100, 0].
    pub max_drawdown_pct: Option<f64>,
    /// The bar where the deepest fall began; absent when the price never fell.
    pub max_drawdown_peak_at: Option<Timestamp>,
    /// The bar where the deepest fall ended.
    pub max_drawdown_trough_at: Option<Timestamp>,
    /// Days from the bar of the peak to the last bar.
    pub days_since_peak: Option<f64>,
    /// The gain that leads back to the peak, percent.
    pub required_gain_pct: Option<f64>,
    /// Mid-rank of the depth of the present drawdown among all daily ones of the window; 1 is the deepest.
    pub percentile_ratio: Option<f64>,
    /// Root mean square of the daily drawdowns of the window, percent.
    pub ulcer_index_pct: Option<f64>,
    /// Mean depth of the daily drawdowns of the window, percent.
    pub pain_index_pct: Option<f64>,
    /// The changes that every answer with a price has.
    #[serde(flatten)]
    pub changes: PriceChanges,
}

impl Statements for Drawdown {
    fn withhold(&mut self, _stale: &StaleInputs) {
        *self = Self { price_usd: self.price_usd, ..Self::default() };
    }
}

/// One bar of the way down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct DrawdownRow {
    /// The start of the bar.
    pub time: Timestamp,
    /// Its close, USD.
    pub price_usd: f64,
    /// Close against the highest close of the window so far, percent in [-100, 0].
    pub drawdown_pct: f64,
}

impl DatedRow for DrawdownRow {}

/// How far an asset stands under its peak at the cutoff.
///
/// The ulcer and pain indices and the percentile are always of daily closes, whatever the interval:
/// they need every point, and daily ones tell the same.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, an empty window, or bars that cannot be made.
pub fn drawdown(view: &MarketView, order: &SourceOrder, question: &DrawdownParams) -> Result<Answer<Drawdown>, QueryError> {
    known_asset(view, &question.asset)?;
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let mut working = Derivation { span: Some(span), ..Derivation::default() };
    let mut figures = Drawdown::default();
    if let Some(path) =
        PricePath::find(view, &mut trail, order, &question.asset, question.source.as_ref(), (question.interval, span))?
    {
        let n_obs = fill_extremes(&path, span, question.basis, &mut figures);
        fill_indices(view, &mut Provenance::until(view, span.to), order, question, span, &mut figures)?;
        let prices = PriceSeries::open(view, &question.asset, path.source());
        figures.changes = PriceChanges::or_warn(&mut trail, &prices, figures.price_usd, span, span.to);
        warn_of_edges(&mut trail, &path, span, n_obs);
        working.n_obs = Some(n_obs);
        working.method = Some(method(&path, question.basis));
    }
    Ok(trail.answer(figures, working))
}

/// The way down, bar by bar.
///
/// # Errors
/// As [`drawdown`].
pub fn drawdown_series(
    view: &MarketView,
    order: &SourceOrder,
    question: &DrawdownParams,
    max_points: Option<usize>,
) -> Result<Answer<Vec<DrawdownRow>>, QueryError> {
    known_asset(view, &question.asset)?;
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let mut working = Derivation { span: Some(span), ..Derivation::default() };
    let mut rows = Vec::new();
    if let Some(path) =
        PricePath::find(view, &mut trail, order, &question.asset, question.source.as_ref(), (question.interval, span))?
    {
        let (times, prices): (Vec<_>, Vec<_>) = path.closes(span).into_iter().unzip();
        let depths = falls::series(&prices);
        let row =
            |((time, price_usd), depth): ((Timestamp, f64), f64)| DrawdownRow { time, price_usd, drawdown_pct: depth * 100.0 };
        rows = times.into_iter().zip(prices).zip(depths).map(row).collect();
        warn_of_edges(&mut trail, &path, span, rows.len() as u64);
        working.n_obs = Some(rows.len() as u64);
        working.method = Some(method(&path, Basis::Close));
    }
    Ok(trail.answer(downsample_min_max(rows, max_points, |row| row.price_usd), working))
}

pub(in crate::metrics) fn method(path: &PricePath<'_>, basis: Basis) -> Method {
    Method { name: "drawdown", version: 1, interval: Some(path.interval()), basis: Some(basis.as_str().to_owned()) }
}

/// Warns where the span reaches back beyond the first row, ends in a running bar, or holds nothing.
pub(in crate::metrics) fn warn_of_edges(trail: &mut Provenance<'_>, path: &PricePath<'_>, span: Span, n_obs: u64) {
    if let Some(first) = path.first_at().filter(|first| !span.is_all() && *first > span.from) {
        trail.warn(WarningCode::HistoryLimit, format!("the window begins at {}, the first row is of {first}", span.from));
    }
    if path.is_running(span) {
        trail.warn(WarningCode::PartialBar, "the last bar is still running");
    }
    if let Some(missing) = path.missing(span, n_obs).filter(|missing| *missing > 0) {
        let bars = if missing == 1 { "bar is" } else { "bars are" };
        trail.warn(WarningCode::Gap, format!("{missing} {bars} missing inside the window"));
    }
    if n_obs == 0 {
        trail.warn(WarningCode::InsufficientHistory, "the window holds no row known by the cutoff");
    }
}

/// Fills what merges from block summaries; returns how many rows the span holds.
fn fill_extremes(path: &PricePath<'_>, span: Span, basis: Basis, figures: &mut Drawdown) -> u64 {
    let extremes = path.extremes(span, basis);
    let last = path.last(span);
    let (Some(peak), Some(trough), Some((last_at, price))) = (extremes.highest(), extremes.lowest_since_highest(), last) else {
        return 0;
    };
    let against_peak = |value: f64| percent_change(Some(peak.value), Some(value));
    figures.price_usd = Some(price);
    figures.peak_usd = Some(peak.value);
    figures.peak_at = Some(Timestamp::from_unix_ms(peak.at));
    figures.drawdown_pct = against_peak(price);
    figures.trough_usd = Some(trough.value);
    figures.trough_at = Some(Timestamp::from_unix_ms(trough.at));
    figures.trough_drawdown_pct = against_peak(trough.value);
    figures.max_drawdown_pct = extremes.depth().map(|depth| depth * 100.0);
    figures.max_drawdown_peak_at = extremes.worst().map(|fall| Timestamp::from_unix_ms(fall.peak.at));
    figures.max_drawdown_trough_at = extremes.worst().map(|fall| Timestamp::from_unix_ms(fall.trough.at));
    figures.days_since_peak = Some(last_at.days_since(Timestamp::from_unix_ms(peak.at)));
    figures.required_gain_pct = figures.drawdown_pct.and_then(|pct| falls::required_gain(pct / 100.0)).map(|gain| gain * 100.0);
    extremes.count() as u64
}

/// Fills what needs every point, from daily closes.
fn fill_indices(
    view: &MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    question: &DrawdownParams,
    span: Span,
    figures: &mut Drawdown,
) -> Result<(), QueryError> {
    let interval = question.interval.max(Period::DAY);
    let path = PricePath::find(view, trail, order, &question.asset, question.source.as_ref(), (interval, span))?;
    let closes: Vec<f64> = path.map(|path| path.closes(span)).unwrap_or_default().into_iter().map(|(_, close)| close).collect();
    let depths = falls::series(&closes);
    figures.percentile_ratio = falls::depth_rank(&depths);
    figures.ulcer_index_pct = falls::ulcer_index(&depths).map(|index| index * 100.0);
    figures.pain_index_pct = falls::pain_index(&depths).map(|index| index * 100.0);
    Ok(())
}

/// Current drawdown from the peak.
#[derive(Debug)]
pub enum DrawdownQuery {}

impl Query for DrawdownQuery {
    type Params = DrawdownParams;
    type Answer = Drawdown;
    const NAME: &'static str = "drawdown";

    /// Bars of a stored length carry summaries; bars of other lengths are made of all rows.
    fn is_light(params: &Self::Params, view: &MarketView) -> bool {
        view.candle_series(&params.asset).any(|(key, _)| key.period == params.interval)
    }

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        drawdown(cx.view, cx.source_order, params)
    }
}

/// Parameters of [`DrawdownSeriesQuery`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DrawdownSeriesParams {
    /// The price and the window.
    pub path: DrawdownParams,
    /// Maximum number of rows; all if `None`.
    pub max_points: Option<usize>,
}

/// Drawdown at each bar of the window.
#[derive(Debug)]
pub enum DrawdownSeriesQuery {}

impl Query for DrawdownSeriesQuery {
    type Params = DrawdownSeriesParams;
    type Answer = Vec<DrawdownRow>;
    const NAME: &'static str = "drawdown/series";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        drawdown_series(cx.view, cx.source_order, &params.path, params.max_points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};

    fn fixture() -> Fixture {
        let rows = [
            ("2026-01-01", 102.0, 95.0, 100.0),
            ("2026-01-02", 130.0, 98.0, 120.0),
            ("2026-01-03", 121.0, 80.0, 90.0),
            ("2026-01-04", 100.0, 85.0, 96.0),
        ];
        Fixture::new().bars("candle.btc@x:1d", &rows)
    }

    fn question(basis: Basis) -> DrawdownParams {
        DrawdownParams { asset: Asset::btc(), source: None, window: Window::ALL, interval: Period::DAY, basis }
    }

    #[test]
    fn closes_and_extremes_give_different_falls() {
        let view = fixture().cut("2026-01-05");
        let close = drawdown(&view, &order(), &question(Basis::Close)).unwrap().data;
        assert_eq!((close.peak_usd, close.peak_at, close.trough_usd), (Some(120.0), Some(at("2026-01-02")), Some(90.0)));
        assert!((close.drawdown_pct.unwrap() + 20.0).abs() < 1e-12);
        assert!((close.max_drawdown_pct.unwrap() + 25.0).abs() < 1e-12);
        assert!((close.required_gain_pct.unwrap() - 25.0).abs() < 1e-12);
        assert_eq!(close.days_since_peak, Some(2.0));
        let intraday = drawdown(&view, &order(), &question(Basis::Intraday)).unwrap().data;
        assert_eq!((intraday.peak_usd, intraday.trough_usd), (Some(130.0), Some(80.0)));
        assert!((intraday.drawdown_pct.unwrap() - (96.0 / 130.0 - 1.0) * 100.0).abs() < 1e-12);
    }

    #[test]
    fn a_bar_is_not_known_before_its_end() {
        let early = drawdown(&fixture().cut("2026-01-03T23:59:59Z"), &order(), &question(Basis::Close)).unwrap();
        assert_eq!((early.data.price_usd, early.data.drawdown_pct, early.meta.n_obs), (Some(120.0), Some(0.0), Some(2)));
    }

    #[test]
    fn the_series_ends_where_the_summary_stands() {
        let view = fixture().cut("2026-01-05");
        let rows = drawdown_series(&view, &order(), &question(Basis::Close), None).unwrap().data;
        let summary = drawdown(&view, &order(), &question(Basis::Close)).unwrap().data;
        assert_eq!(rows.len(), 4);
        assert!((rows[3].drawdown_pct - summary.drawdown_pct.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn bars_finer_than_there_are_cannot_be_made() {
        let fine = DrawdownParams { interval: Period::HOUR, ..question(Basis::Close) };
        let refused = drawdown(&fixture().cut("2026-01-05"), &order(), &fine);
        assert!(matches!(refused, Err(QueryError::Parameter { parameter: "interval", allowed, .. }) if allowed == ["1d"]));
    }

    #[test]
    fn a_window_without_rows_is_null_with_a_reason() {
        let last_hour = DrawdownParams { window: Window::Last("1h".parse().unwrap()), ..question(Basis::Close) };
        let answer = drawdown(&fixture().cut("2026-01-08"), &order(), &last_hour).unwrap();
        assert_eq!(answer.data.drawdown_pct, None);
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::InsufficientHistory));
    }
}
