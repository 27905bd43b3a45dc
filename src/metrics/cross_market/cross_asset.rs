use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Bar, Period, Source, TimeRange, Vintage};
use crate::market::{Bars, MarketView};
use crate::metrics::liveness::max_expected_gap_ms;
use crate::metrics::price::changes::PriceChanges;
use crate::metrics::price::price::{PriceSeries, percent_change};
use crate::metrics::provenance::{Derivation, Provenance, known_asset_of};
use crate::metrics::source_order::{Candidates, Need, known_source};
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, Query, QueryError, SourceOrder, Span, WarningCode, Window};

/// The markets that are shown unless the question names others.
const DEFAULT_ASSETS: [&str; 12] = ["btc", "eth", "sol", "xrp", "bnb", "sp500", "nasdaq", "gold", "silver", "wti", "vix", "dxy"];
/// The days whose highest price the distance is measured from: a year.
const HIGH_DAYS: i64 = 365;

/// What is asked about several markets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrossAssetParams {
    /// Which; crypto, stocks, metals, oil, volatility and the dollar where nothing is named.
    pub assets: Vec<Asset>,
    /// According to whom, where that source has bars of an asset.
    pub source: Option<Source>,
    /// The span of the change.
    pub window: Window,
}

/// One market beside the others, from daily bars.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CrossAssetRow {
    /// The asset.
    pub asset: Asset,
    /// The last price known, USD; points for an index.
    pub last: Option<f64>,
    /// Against the last close before the window, and at least against the close before the last, percent.
    pub change_pct: Option<f64>,
    /// Against the highest close on record, percent in [-100, 0].
    pub drawdown_pct: Option<f64>,
    /// Against the highest price of the last 365 days, percent in [-100, 0].
    pub distance_from_high_pct: Option<f64>,
    /// The day the last price is of; markets close on weekends and holidays.
    pub last_trading_day: Option<NaiveDate>,
    /// Who says so.
    pub source: Option<Source>,
    /// The changes that every answer with a price has.
    #[serde(flatten)]
    pub changes: PriceChanges,
}

impl Statements for Vec<CrossAssetRow> {
    fn withhold(&mut self, stale: &StaleInputs) {
        for row in self.iter_mut().filter(|row| stale.has_asset(&row.asset)) {
            (row.change_pct, row.drawdown_pct, row.distance_from_high_pct) = (None, None, None);
            row.changes = PriceChanges::default();
        }
    }
}

/// Crypto beside stocks, metals, oil, volatility and the dollar.
///
/// # Errors
/// [`QueryError`] for an unknown asset or an empty window.
pub fn cross_asset(
    view: &MarketView,
    order: &SourceOrder,
    question: &CrossAssetParams,
) -> Result<Answer<Vec<CrossAssetRow>>, QueryError> {
    let named = question.assets.clone();
    let assets: Vec<Asset> =
        if named.is_empty() { DEFAULT_ASSETS.iter().filter_map(|s| s.parse().ok()).collect() } else { named };
    answered(view, order, (assets, question.source.as_ref()), question.window, Highs::Told)
}

/// What [`cross_asset`] says of the last day of one market, without its distance from any high.
///
/// # Errors
/// As [`cross_asset`].
pub(in crate::metrics) fn change_of_day(
    view: &MarketView,
    order: &SourceOrder,
    asset: Asset,
) -> Result<Answer<Vec<CrossAssetRow>>, QueryError> {
    answered(view, order, (vec![asset], None), Window::days(1), Highs::LeftOut)
}

/// Whether a row tells how far its market stands from its highs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Highs {
    Told,
    LeftOut,
}

fn answered(
    view: &MarketView,
    order: &SourceOrder,
    (assets, asked): (Vec<Asset>, Option<&Source>),
    window: Window,
    highs: Highs,
) -> Result<Answer<Vec<CrossAssetRow>>, QueryError> {
    let span = window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    known_source(view, asked, &assets)?;
    let mut rows = Vec::with_capacity(assets.len());
    for asset in assets {
        known_asset_of(view, "assets", &asset)?;
        rows.push(row(view, order, &mut trail, (asset, asked, highs), span));
    }
    let method = Method { name: "cross_asset", version: 1, interval: Some(Period::DAY.to_string()), basis: None };
    Ok(trail.answer(rows, Derivation { span: Some(span), method: Some(method), ..Derivation::default() }))
}

impl CrossAssetRow {
    /// The row of an asset without a bar.
    fn unknown(asset: Asset) -> Self {
        Self {
            asset,
            last: None,
            change_pct: None,
            drawdown_pct: None,
            distance_from_high_pct: None,
            last_trading_day: None,
            source: None,
            changes: PriceChanges::default(),
        }
    }
}

fn row(
    view: &MarketView,
    order: &SourceOrder,
    trail: &mut Provenance<'_>,
    (asset, asked, highs): (Asset, Option<&Source>, Highs),
    span: Span,
) -> CrossAssetRow {
    let candidates = Candidates::at(trail.at()).with(view.candle_series(&asset));
    let asked = asked.filter(|asked| view.candle_series(&asset).any(|(key, _)| key.source == **asked));
    let need = if highs == Highs::Told { Need::History } else { Need::of(span) };
    let choice = order.choose(trail, &candidates, asked, need).ok().flatten();
    let bars = choice.and_then(|choice| view.bars(&asset, &choice.source, Period::DAY));
    let Some((bars, last)) = bars.and_then(|bars| bars.last().map(|last| (bars, last))) else {
        trail.warn(WarningCode::NoData, format!("no bar of {asset} was known by {}", view.as_of()));
        return CrossAssetRow::unknown(asset);
    };
    trail.read_bars(&bars);
    let price = Some(last.value.close);
    let told = highs == Highs::Told;
    let change_pct = percent_change(close_before(&bars, span, &last), price);
    if change_pct.is_none() {
        let is_later = bars.first().is_some_and(|first| first.observed_at.plus_days(1) > span.from);
        let code = if is_later { WarningCode::HistoryLimit } else { WarningCode::Gap };
        trail.warn(code, format!("{asset} has no close near the start of the window, {}", span.from));
    }
    CrossAssetRow {
        last: price,
        change_pct,
        drawdown_pct: percent_change(told.then(|| record_close(&bars)).flatten(), price),
        distance_from_high_pct: percent_change(told.then(|| high_of_year(&bars, &last)).flatten(), price),
        last_trading_day: Some(last.observed_at.date()),
        source: Some(bars.key.source.clone()),
        changes: PriceChanges::of(&PriceSeries::open(view, &asset, &bars.key.source), price, span, view.as_of()),
        asset,
    }
}

/// The close of the last day that ended before the window began; where that is the last day itself,
/// since the market has been closed, the close before it. `None` where it lies farther back than the
/// market is ever closed.
fn close_before(bars: &Bars<'_>, span: Span, last: &Vintage<Bar>) -> Option<f64> {
    if span.is_all() {
        return bars.first().map(|bar| bar.value.close);
    }
    let ended = span.from.plus_days(-1).min(last.observed_at.plus_ms(-1));
    let longest_ms = Period::DAY.ms() + max_expected_gap_ms(bars.key);
    bars.finished_at_or_before(ended).filter(|bar| ended.ms_since(bar.observed_at) <= longest_ms).map(|bar| bar.value.close)
}

fn record_close(bars: &Bars<'_>) -> Option<f64> {
    bars.summary_with_running(TimeRange::all()).close.max.map(|mark| mark.value)
}

fn high_of_year(bars: &Bars<'_>, last: &Vintage<Bar>) -> Option<f64> {
    let range = TimeRange::new(last.observed_at.plus_days(1 - HIGH_DAYS), last.observed_at.plus_days(1)).ok()?;
    bars.summary_with_running(range).high.map(|mark| mark.value)
}

/// Crypto and other markets side by side.
#[derive(Debug)]
pub enum CrossAssetQuery {}

impl Query for CrossAssetQuery {
    type Params = CrossAssetParams;
    type Answer = Vec<CrossAssetRow>;
    const NAME: &'static str = "cross-asset";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        cross_asset(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};

    fn fixture() -> Fixture {
        let gold = [
            ("2026-01-29", 110.0, 99.0, 100.0),
            ("2026-01-30", 101.0, 79.0, 80.0),
            ("2026-02-02", 81.0, 79.0, 80.0),
            ("2026-02-03", 89.0, 80.0, 88.0),
        ];
        let coin = [("2026-02-02", 105.0, 95.0, 100.0), ("2026-02-03", 101.0, 89.0, 90.0)];
        let hours = [("2026-02-04T00:00:00Z", 91.0, 80.0, 81.0)];
        Fixture::new().bars("candle.gold@y:1d", &gold).bars("candle.btc@x:1d", &coin).bars("candle.btc@x:1h", &hours)
    }

    fn asked(view: &MarketView, window: Window) -> Vec<CrossAssetRow> {
        let assets = ["btc", "gold", "silver"].map(|asset| asset.parse().unwrap()).to_vec();
        cross_asset(view, &order(), &CrossAssetParams { assets, source: None, window }).unwrap().data
    }

    #[test]
    fn each_market_is_shown_as_of_its_last_trading_day() {
        let rows = asked(&fixture().cut("2026-02-04T08:00:00Z"), Window::days(1));
        let (btc, gold, silver) = (&rows[0], &rows[1], &rows[2]);
        assert_eq!((btc.last, btc.last_trading_day), (Some(81.0), Some(at("2026-02-04").date())));
        assert!((btc.change_pct.unwrap() + 19.0).abs() < 1e-9 && (btc.drawdown_pct.unwrap() + 19.0).abs() < 1e-9);
        assert_eq!((gold.last, gold.last_trading_day), (Some(88.0), Some(at("2026-02-03").date())));
        assert!((gold.change_pct.unwrap() - 10.0).abs() < 1e-9);
        assert!((gold.drawdown_pct.unwrap() + 12.0).abs() < 1e-9 && (gold.distance_from_high_pct.unwrap() + 20.0).abs() < 1e-9);
        assert_eq!((silver.last, silver.change_pct, silver.last_trading_day), (None, None, None));
    }

    #[test]
    fn a_closed_market_shows_its_last_change_and_not_zero() {
        let rows = asked(&fixture().cut("2026-02-01T08:00:00Z"), Window::days(1));
        assert!((rows[1].change_pct.unwrap() + 20.0).abs() < 1e-9, "{:?}", rows[1]);
    }

    #[test]
    fn a_window_longer_than_history_has_no_change() {
        assert_eq!(asked(&fixture().cut("2026-02-04"), Window::days(30))[1].change_pct, None);
    }

    #[test]
    fn markets_without_data_are_named() {
        let question = CrossAssetParams { assets: vec![], source: None, window: Window::days(1) };
        let answer = cross_asset(&Fixture::new().cut("2026-02-04"), &order(), &question).unwrap();
        assert_eq!(answer.data.len(), DEFAULT_ASSETS.len());
        assert!(answer.warnings.iter().filter(|warning| warning.code == WarningCode::NoData).count() >= DEFAULT_ASSETS.len());
    }
}
