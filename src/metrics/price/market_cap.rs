use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Metric, SeriesKey, Source, Timestamp, Vintage};
use crate::market::{ColumnView, MarketView};
use crate::metrics::price::price::percent_change;
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::{Candidates, Choice, Need};
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, Query, QueryError, SourceOrder, Span, WarningCode, Window};
use crate::stats::drawdown::MaxDrawdown;

/// What is asked about a market value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarketCapParams {
    /// Of one asset, or of the whole market.
    pub asset: Asset,
    /// According to whom; the first source in the configured order where none is named.
    pub source: Option<Source>,
    /// The start of the window is the anchor that the change counts from.
    pub window: Window,
}

/// A market value and its change since an anchor (METHODOLOGY section 2).
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct MarketCap {
    /// The last value known, USD.
    pub market_cap_usd: Option<f64>,
    /// The last value at or before the start of the window.
    pub anchor: Option<MarketCapAnchor>,
    /// Value less anchor, USD; negative for a loss.
    pub change_usd: Option<f64>,
    /// Value against anchor, percent.
    pub change_pct: Option<f64>,
    /// The asset's part of the whole market according to the same source, percent.
    pub dominance_pct: Option<f64>,
    /// Value against the highest on record, percent in [-100, 0].
    pub drawdown_pct: Option<f64>,
    /// The highest value on record, USD.
    pub peak_usd: Option<f64>,
    /// When that was.
    pub peak_at: Option<Timestamp>,
}

impl Statements for MarketCap {
    fn withhold(&mut self, _stale: &StaleInputs) {
        *self = Self { market_cap_usd: self.market_cap_usd, anchor: self.anchor, ..Self::default() };
    }
}

/// The value that a change counts from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct MarketCapAnchor {
    /// When it was true.
    pub at: Timestamp,
    /// The value, USD.
    pub market_cap_usd: f64,
}

/// The market value of an asset at the cutoff.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, or an empty window.
pub fn market_cap(view: &MarketView, order: &SourceOrder, question: &MarketCapParams) -> Result<Answer<MarketCap>, QueryError> {
    known_asset(view, &question.asset)?;
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let mut figures = MarketCap::default();
    let candidates = Candidates::at(trail.at()).with(view.readings(Metric::MarketCap, &question.asset));
    if let Some(Choice { source, has_history }) =
        order.choose(&mut trail, &candidates, question.source.as_ref(), Need::of(span))?
        && let Some((key, column)) = of_source(view, &question.asset, &source)
        && let Some(last) = column.last()
    {
        trail.read(key, column);
        figures.market_cap_usd = Some(last.value);
        fill_change(&mut trail, key, column, span, last, &mut figures);
        if has_history {
            fill_peak(column, last, &mut figures);
        } else {
            trail.warn(WarningCode::HistoryLimit, format!("{key} begins too late to know the record: the peak is null"));
        }
        figures.dominance_pct = dominance(view, &mut trail, &question.asset, &source, last);
    }
    let method = Method { name: "market_cap_change", version: 1, interval: None, basis: Some("reported".to_owned()) };
    Ok(trail.answer(figures, Derivation { span: Some(span), method: Some(method), ..Derivation::default() }))
}

fn of_source<'a>(view: &'a MarketView, asset: &Asset, source: &Source) -> Option<(&'a SeriesKey, ColumnView<'a, f64>)> {
    view.readings(Metric::MarketCap, asset).find(|(key, _)| key.source == *source)
}

/// The anchor is the last value at or before the start of the window, never the nearest, and no
/// more than one row older than the rhythm of the series allows.
fn fill_change(
    trail: &mut Provenance<'_>,
    key: &SeriesKey,
    column: ColumnView<'_, f64>,
    span: Span,
    last: Vintage<f64>,
    figures: &mut MarketCap,
) {
    let first = column.first().map(|first| first.observed_at).filter(|_| span.is_all());
    let at = first.unwrap_or_else(|| span.from.plus_ms(-key.period.ms()));
    let oldest = at.plus_ms(-key.expected_every_ms());
    match column.at_or_before(at).filter(|anchor| anchor.observed_at >= oldest) {
        Some(anchor) => {
            figures.anchor =
                Some(MarketCapAnchor { at: anchor.observed_at.plus_ms(key.period.ms()), market_cap_usd: anchor.value });
            figures.change_usd = Some(last.value - anchor.value);
            figures.change_pct = percent_change(Some(anchor.value), Some(last.value));
        }
        None if column.first().is_some_and(|first| first.observed_at > at) => {
            trail.warn(WarningCode::HistoryLimit, format!("{key} begins after the start of the window, {}", span.from));
        }
        None => trail.warn(WarningCode::Gap, format!("{key} has no row near the start of the window, {}", span.from)),
    }
}

fn fill_peak(column: ColumnView<'_, f64>, last: Vintage<f64>, figures: &mut MarketCap) {
    let record: MaxDrawdown = column.fold(crate::domain::TimeRange::all());
    let Some(peak) = record.highest() else { return };
    figures.peak_usd = Some(peak.value);
    figures.peak_at = Some(Timestamp::from_unix_ms(peak.at));
    figures.drawdown_pct = percent_change(Some(peak.value), Some(last.value));
}

/// The asset's part of the whole market at the same instant and from the same source, percent.
fn dominance(view: &MarketView, trail: &mut Provenance<'_>, asset: &Asset, source: &Source, last: Vintage<f64>) -> Option<f64> {
    if *asset == Asset::total() {
        return None;
    }
    let Some((key, column)) = of_source(view, &Asset::total(), source) else {
        trail.warn(WarningCode::NoData, format!("{source} states no total to compare with"));
        return None;
    };
    trail.read(key, column);
    let total = column
        .at_or_before(last.observed_at)
        .filter(|total| last.observed_at.ms_since(total.observed_at) <= key.expected_every_ms() && total.value > 0.0);
    if total.is_none() {
        trail.warn(WarningCode::Gap, format!("{key} has no row near {}: dominance_pct is null", last.observed_at));
    }
    Some(last.value / total?.value * 100.0)
}

/// Market capitalisation and its change.
#[derive(Debug)]
pub enum MarketCapQuery {}

impl Query for MarketCapQuery {
    type Params = MarketCapParams;
    type Answer = MarketCap;
    const NAME: &'static str = "market-cap";

    fn is_light(_: &Self::Params, _: &MarketView) -> bool {
        true
    }

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        market_cap(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Moment;
    use crate::metrics::fixture::{Fixture, at, order};

    fn since(day: &str, asset: &str) -> MarketCapParams {
        let window = Window::Since { since: Moment::At(at(day)), until: None };
        MarketCapParams { asset: asset.parse().unwrap(), source: None, window }
    }

    fn fixture() -> Fixture {
        let total = [("2026-01-28T12:00:00Z", 3_000.0), ("2026-01-29", 2_900.0), ("2026-02-04", 2_400.0)];
        Fixture::new().readings("market_cap.total@y", &total).readings("market_cap.btc@y", &[("2026-02-04", 1_440.0)])
    }

    #[test]
    fn the_change_counts_from_the_last_value_at_or_before_the_anchor() {
        let answer = market_cap(&fixture().cut("2026-02-04T02:00:00Z"), &order(), &since("2026-01-29", "total")).unwrap().data;
        assert_eq!((answer.change_usd, answer.anchor.unwrap().at), (Some(-500.0), at("2026-01-29")));
        assert!((answer.drawdown_pct.unwrap() + 20.0).abs() < 1e-12);
        assert_eq!(answer.dominance_pct, None);
    }

    #[test]
    fn dominance_is_of_the_same_source_and_instant() {
        let answer = market_cap(&fixture().cut("2026-02-04T02:00:00Z"), &order(), &since("2026-02-04", "btc")).unwrap().data;
        assert!((answer.dominance_pct.unwrap() - 60.0).abs() < 1e-12);
    }

    #[test]
    fn an_anchor_that_is_too_old_or_not_there_gives_null_and_a_reason() {
        let view = fixture().cut("2026-02-04T08:00:00Z");
        let gap = market_cap(&view, &order(), &since("2026-02-01", "total")).unwrap();
        assert_eq!(gap.data.change_usd, None);
        assert!(gap.warnings.iter().any(|w| w.code == WarningCode::Gap));
        let early = market_cap(&view, &order(), &since("2026-01-01", "total")).unwrap();
        assert_eq!(early.data.change_usd, None);
        assert!(early.warnings.iter().any(|w| w.code == WarningCode::HistoryLimit));
    }

    #[test]
    fn a_daily_sum_is_not_an_anchor_before_its_day_is_over() {
        let rows = [("2026-01-27", 10.0), ("2026-01-28", 20.0), ("2026-01-29", 30.0)];
        let view = Fixture::new().readings("market_cap.total@z:1d", &rows).cut("2026-01-30");
        let answer = market_cap(&view, &order(), &since("2026-01-29", "total")).unwrap().data;
        assert_eq!((answer.anchor.unwrap().market_cap_usd, answer.change_usd), (20.0, Some(10.0)));
    }
}
