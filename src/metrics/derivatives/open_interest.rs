use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Metric, Period, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::derivatives::positions::{OpenInterestBySource, PositionChange};
use crate::metrics::price::price::percent_change;
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::{Candidates, Need};
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, Query, QueryError, SourceOrder, Span, WarningCode, Window};
use crate::stats::moments::Moments;
use crate::stats::open_interest::{self, Quadrant};

/// Days before the last whose moves say what is usual.
const BASELINE_DAYS: i64 = 90;
/// Days of moves that the baseline needs.
const LEAST_BASELINE: usize = 30;
/// How old a market value may be and still stand beside open interest.
const MARKET_CAP_AGE_MS: i64 = 2 * Period::DAY.ms();

/// What is asked about open interest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenInterestParams {
    /// Of which asset's futures.
    pub asset: Asset,
    /// According to whom; see [`OpenInterest`] for the default.
    pub sources: Vec<Source>,
    /// The start of the window is what the change counts from.
    pub window: Window,
}

/// Open futures positions and what moved them (METHODOLOGY section 5).
///
/// Where no source is named, the first aggregator in the configured order answers alone, since its
/// figures hold the venues'; without one, all venues are added. Changes count the sources known at
/// both ends of the window, so that one that drops out does not look like closed positions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct OpenInterest {
    /// Open positions, counted on one side, USD.
    pub open_interest_usd: Option<f64>,
    /// The same in coins.
    pub open_interest_native: Option<f64>,
    /// Now less the start of the window, USD.
    pub change_usd: Option<f64>,
    /// Now against the start of the window, percent.
    pub change_pct: Option<f64>,
    /// The change of positions themselves, percent: linear contracts counted in coins, inverse ones in USD.
    pub change_native_pct: Option<f64>,
    /// The part of `change_usd` that the price made: its change times the mean of coins in linear contracts, USD.
    pub price_effect_usd: Option<f64>,
    /// The part that positions made: their change times the mean of prices, USD. Both add to `change_usd`.
    pub position_effect_usd: Option<f64>,
    /// Open interest over the market value of the asset, a fraction.
    pub leverage_ratio: Option<f64>,
    /// Whether, over the last 24 hours, positions in coins fell by 8 % in logarithms or more, by
    /// three or more robust standard deviations of the 90 days before, while the price moved by at
    /// least one of its daily standard deviations.
    pub deleveraging: Option<bool>,
    /// What price and positions say together about who moved over the window; absent where either stood still.
    pub quadrant: Option<OpenInterestQuadrant>,
    /// The highest open interest on record, USD; of several sources, among the ends of UTC days.
    pub peak_usd: Option<f64>,
    /// When that was.
    pub peak_at: Option<Timestamp>,
    /// The same by source, largest first.
    pub by_source: Vec<OpenInterestOfSource>,
}

impl Statements for OpenInterest {
    fn withhold(&mut self, stale: &StaleInputs) {
        self.leverage_ratio = None;
        if !stale.has(&[Metric::OpenInterest, Metric::OpenInterestNative]) {
            return;
        }
        for row in &mut self.by_source {
            (row.change_usd, row.change_native_pct) = (None, None);
        }
        *self = Self {
            open_interest_usd: self.open_interest_usd,
            open_interest_native: self.open_interest_native,
            by_source: std::mem::take(&mut self.by_source),
            ..Self::default()
        };
    }
}

/// What price and positions say together about who moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenInterestQuadrant {
    /// Price and positions fell: longs left.
    LongUnwind,
    /// Price fell, positions grew: new shorts.
    NewShorts,
    /// Price rose, positions fell: shorts left.
    ShortCover,
    /// Price and positions rose: new longs.
    NewLongs,
}

/// One source's part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OpenInterestOfSource {
    /// The source.
    pub source: Source,
    /// Open positions, USD; absent where its last row is too old.
    pub open_interest_usd: Option<f64>,
    /// The same in coins.
    pub open_interest_native: Option<f64>,
    /// Now less the start of the window, USD; absent where it was not known at both ends.
    pub change_usd: Option<f64>,
    /// The change of positions themselves, percent.
    pub change_native_pct: Option<f64>,
}

impl From<Quadrant> for OpenInterestQuadrant {
    fn from(quadrant: Quadrant) -> Self {
        match quadrant {
            Quadrant::LongUnwind => Self::LongUnwind,
            Quadrant::NewShorts => Self::NewShorts,
            Quadrant::ShortCover => Self::ShortCover,
            Quadrant::NewLongs => Self::NewLongs,
        }
    }
}

/// Open interest at the cutoff and how it came there.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, or an empty window.
pub fn open_interest(
    view: &MarketView,
    order: &SourceOrder,
    question: &OpenInterestParams,
) -> Result<Answer<OpenInterest>, QueryError> {
    known_asset(view, &question.asset)?;
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let book = OpenInterestBySource::open(view, &mut trail, order, &question.asset, &question.sources)?;
    let mut figures = OpenInterest::default();
    if let Some(end) = book.newest_at(span.to) {
        let now = book.total(end);
        figures.open_interest_usd = now.map(|now| now.usd);
        figures.open_interest_native = now.and_then(|now| now.coins);
        let start = if span.from > Timestamp::MIN { Some(span.from) } else { book.first_at() };
        if let Some(movement) = start.and_then(|start| book.movement(start, end)) {
            fill_change(&mut trail, &movement, &mut figures);
        }
        warn_of_ends(&mut trail, &book, span, end);
        figures.leverage_ratio = leverage(view, &mut trail, order, &question.asset, end, figures.open_interest_usd);
        figures.deleveraging = deleveraging(&mut trail, &book, end);
        (figures.peak_at, figures.peak_usd) = book.peak(span.to).unzip();
        figures.by_source = by_source(&book, span, end);
    }
    let method =
        Method { name: "open_interest", version: 1, interval: None, basis: Some("contracts in their own unit".to_owned()) };
    Ok(trail.answer(figures, Derivation { span: Some(span), method: Some(method), ..Derivation::default() }))
}

fn fill_change(trail: &mut Provenance<'_>, movement: &PositionChange, figures: &mut OpenInterest) {
    figures.change_usd = Some(movement.end.usd - movement.start.usd);
    figures.change_pct = percent_change(Some(movement.start.usd), Some(movement.end.usd));
    figures.change_native_pct = movement.position_growth().map(growth_pct);
    figures.price_effect_usd = movement.effect.map(|effect| effect.price_usd);
    figures.position_effect_usd = movement.effect.map(|effect| effect.position_usd);
    let moves = movement.log_price().zip(movement.log_positions());
    figures.quadrant = moves.and_then(|(price, positions)| open_interest::quadrant(price, positions)).map(Into::into);
    if moves.is_some() && figures.quadrant.is_none() {
        trail.warn(WarningCode::ZeroVariance, "price or positions stood still: quadrant is null");
    }
}

fn growth_pct(factor: f64) -> f64 {
    (factor - 1.0) * 100.0
}

/// Names the sources that are known at one end only, and the end at which none is.
fn warn_of_ends(trail: &mut Provenance<'_>, book: &OpenInterestBySource<'_>, span: Span, end: Timestamp) {
    if span.from == Timestamp::MIN {
        return;
    }
    for leg in &book.legs {
        match (book.holding(leg, span.from), book.holding(leg, end)) {
            (Some(_), Some(_)) => {}
            (None, Some(_)) if book.first_at().is_some_and(|first| first > span.from) => {
                let detail = format!("{} begins after the start of the window, {}", leg.source, span.from);
                trail.warn(WarningCode::HistoryLimit, detail);
            }
            (start, _) => {
                let at = if start.is_none() { span.from } else { end };
                let detail = format!("{} has no row near {at} and is left out of the change", leg.source);
                trail.warn(WarningCode::Gap, detail);
            }
        }
    }
}

/// Open interest over the market value at the same instant, which the source that the order chooses states.
fn leverage(
    view: &MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    asset: &Asset,
    at: Timestamp,
    open_interest_usd: Option<f64>,
) -> Option<f64> {
    let series: Vec<_> = view.readings(Metric::MarketCap, asset).collect();
    let candidates = Candidates::at(trail.at()).with(series.iter().copied());
    let source = order.choose(trail, &candidates, None, Need::Level).ok().flatten().map(|choice| choice.source);
    let found = series.into_iter().find(|(key, _)| Some(&key.source) == source.as_ref()).and_then(|(key, column)| {
        trail.read(key, column);
        let row = column.at_or_before(at.plus_ms(-key.period.ms()))?;
        (at.ms_since(row.observed_at) <= MARKET_CAP_AGE_MS + key.period.ms() && row.value > 0.0).then_some(row.value)
    });
    if found.is_none() {
        trail.warn(WarningCode::NoData, format!("no market value of {asset} is known at {at}: leverage_ratio is null"));
    }
    Some(open_interest_usd? / found?).filter(|leverage| leverage.is_finite())
}

/// The move of the last 24 hours against those of the days before it.
fn deleveraging(trail: &mut Provenance<'_>, book: &OpenInterestBySource<'_>, end: Timestamp) -> Option<bool> {
    let ends: Vec<Timestamp> = (0..=BASELINE_DAYS + 1).rev().map(|back| end.plus_days(-back)).collect();
    let mut moves = book.movements(&ends);
    let last = moves.pop().flatten();
    let earlier: Vec<PositionChange> = moves.into_iter().rev().flatten().collect();
    let positions: Vec<f64> = earlier.iter().filter_map(PositionChange::log_positions).collect();
    let prices: Moments = earlier.iter().filter_map(PositionChange::log_price).collect();
    let (Some(last), Some(sigma)) = (last, prices.std_dev().filter(|_| positions.len() >= LEAST_BASELINE)) else {
        let detail = format!(
            "deleveraging needs the last 24 hours and {LEAST_BASELINE} days of moves before them, {} are known",
            positions.len()
        );
        trail.warn(WarningCode::InsufficientHistory, detail);
        return None;
    };
    open_interest::is_deleveraging(last.log_positions()?, &positions, last.log_price()?, sigma)
}

fn by_source(book: &OpenInterestBySource<'_>, span: Span, end: Timestamp) -> Vec<OpenInterestOfSource> {
    let mut rows: Vec<_> = book
        .legs
        .iter()
        .map(|leg| {
            let now = book.holding(leg, end);
            let movement = book.leg_movement(leg, span.from, end);
            OpenInterestOfSource {
                source: leg.source.clone(),
                open_interest_usd: now.map(|now| now.usd),
                open_interest_native: now.and_then(|now| now.coins),
                change_usd: movement.map(|movement| movement.end.usd - movement.start.usd),
                change_native_pct: movement.and_then(|movement| movement.position_growth()).map(growth_pct),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.open_interest_usd.unwrap_or(0.0).total_cmp(&a.open_interest_usd.unwrap_or(0.0)));
    rows
}

/// Open interest and its change.
#[derive(Debug)]
pub enum OpenInterestQuery {}

impl Query for OpenInterestQuery {
    type Params = OpenInterestParams;
    type Answer = OpenInterest;
    const NAME: &'static str = "open-interest";

    fn is_light(_: &Self::Params, _: &MarketView) -> bool {
        true
    }

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        open_interest(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SourceKind;
    use crate::metrics::fixture::{Fixture, at, order};

    fn ask(view: &MarketView, sources: &[&str], days: i64) -> Answer<OpenInterest> {
        let sources = sources.iter().map(|source| source.parse().unwrap()).collect();
        let question = OpenInterestParams { asset: Asset::btc(), sources, window: Window::days(days) };
        open_interest(view, &order(), &question).unwrap()
    }

    fn warned<T>(answer: &Answer<T>, code: WarningCode) -> bool {
        answer.warnings.iter().any(|warning| warning.code == code)
    }

    /// 100 coins at 50 USD become 80 at 40 on one venue; another holds 10 coins, then is silent.
    fn two_venues() -> Fixture {
        Fixture::new()
            .readings("open_interest.btc@a", &[("2026-02-01", 5_000.0), ("2026-02-02", 3_200.0)])
            .readings("open_interest_native.btc@a", &[("2026-02-01", 100.0), ("2026-02-02", 80.0)])
            .readings("open_interest.btc@b", &[("2026-02-01", 500.0)])
            .readings("open_interest_native.btc@b", &[("2026-02-01", 10.0)])
    }

    #[test]
    fn price_and_positions_add_to_the_change() {
        let figures = ask(&two_venues().cut("2026-02-02"), &["a"], 1).data;
        assert_eq!((figures.open_interest_usd, figures.open_interest_native), (Some(3_200.0), Some(80.0)));
        // Coins fell by 20 at a mean price of 45, the price by 10 at a mean of 90 coins.
        assert_eq!((figures.position_effect_usd, figures.price_effect_usd), (Some(-900.0), Some(-900.0)));
        assert_eq!(figures.change_usd, Some(-1_800.0));
        assert!((figures.change_pct.unwrap() + 36.0).abs() < 1e-12 && (figures.change_native_pct.unwrap() + 20.0).abs() < 1e-12);
        assert_eq!(figures.quadrant, Some(OpenInterestQuadrant::LongUnwind));
        assert_eq!((figures.peak_usd, figures.peak_at), (Some(5_000.0), Some(at("2026-02-01"))));
    }

    #[test]
    fn an_inverse_contract_that_nobody_closed_is_no_closed_position() {
        let view = two_venues()
            .readings("open_interest.btc.inverse@a", &[("2026-02-01", 5_000.0), ("2026-02-02", 3_200.0)])
            .cut("2026-02-02");
        let figures = ask(&view, &["a"], 1).data;
        assert_eq!((figures.position_effect_usd, figures.price_effect_usd), (Some(-1_800.0), Some(0.0)));
        assert!((figures.change_native_pct.unwrap() + 36.0).abs() < 1e-12);
        let still = Fixture::new()
            .readings("open_interest.btc@a", &[("2026-02-01", 8_000.0), ("2026-02-02", 7_200.0)])
            .readings("open_interest_native.btc@a", &[("2026-02-01", 160.0), ("2026-02-02", 180.0)])
            .readings("open_interest.btc.inverse@a", &[("2026-02-01", 4_000.0), ("2026-02-02", 4_000.0)])
            .cut("2026-02-02");
        let figures = ask(&still, &["a"], 1).data;
        // 80 coins at 50 stay 80 coins at 40; 4,000 USD of inverse contracts stay what they are.
        assert_eq!((figures.position_effect_usd, figures.price_effect_usd), (Some(0.0), Some(-800.0)));
        assert_eq!(figures.change_native_pct, Some(0.0));
    }

    #[test]
    fn a_venue_that_drops_out_is_left_out_of_the_change_and_named() {
        let answer = ask(&two_venues().cut("2026-02-02"), &[], 1);
        assert_eq!(answer.data.change_usd, Some(-1_800.0));
        assert!(answer.data.by_source.iter().all(|row| row.source.as_str() == "a"));
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::StaleInput && w.detail.contains("b since 2026-02-01")));
    }

    #[test]
    fn an_aggregator_is_not_added_to_venues() {
        let view = two_venues()
            .readings("open_interest.btc@all", &[("2026-02-01", 9_000.0), ("2026-02-02", 8_000.0)])
            .source("all", SourceKind::Aggregator, "")
            .cut("2026-02-02");
        let figures = ask(&view, &[], 1).data;
        assert_eq!((figures.open_interest_usd, figures.change_usd, figures.by_source.len()), (Some(8_000.0), Some(-1_000.0), 1));
        assert_eq!((figures.open_interest_native, figures.position_effect_usd), (None, None));
        let asked = ask(&view, &["a", "b"], 1).data;
        assert_eq!((asked.open_interest_usd, asked.by_source.len()), (Some(3_200.0), 1), "b is silent");
    }

    #[test]
    fn rows_of_a_scenario_count_only_where_nothing_real_is_known() {
        let made_up = two_venues()
            .source("a", SourceKind::Scenario, "made up")
            .readings("open_interest.btc@c", &[("2026-02-02", 9_000.0)])
            .source("c", SourceKind::Scenario, "made up");
        let real: Vec<_> = ask(&made_up.cut("2026-02-02"), &[], 1).data.by_source.into_iter().map(|row| row.source).collect();
        assert_eq!(real, ["b".parse().unwrap()]);
        let both = Fixture::new()
            .readings("open_interest.btc@a", &[("2026-02-02", 3_200.0)])
            .readings("open_interest.btc@c", &[("2026-02-02", 9_000.0)])
            .source("a", SourceKind::Scenario, "made up")
            .source("c", SourceKind::Scenario, "made up");
        assert_eq!(ask(&both.cut("2026-02-02"), &[], 1).data.open_interest_usd, Some(12_200.0));
    }

    #[test]
    fn coins_follow_from_the_price_where_a_source_states_usd_only() {
        let view = Fixture::new()
            .readings("open_interest.btc@a:4h", &[("2026-01-31T20:00:00Z", 5_000.0), ("2026-02-01T20:00:00Z", 3_200.0)])
            .readings("price.btc@p", &[("2026-02-01", 50.0), ("2026-02-02", 40.0)])
            .readings("market_cap.btc@p", &[("2026-02-02", 64_000.0)])
            .cut("2026-02-02");
        let answer = ask(&view, &[], 1);
        assert_eq!((answer.data.open_interest_native, answer.data.change_usd), (Some(80.0), Some(-1_800.0)));
        assert_eq!(answer.data.leverage_ratio, Some(0.05));
    }

    #[test]
    fn a_fall_of_positions_beside_a_calm_quarter_is_deleveraging() {
        let start = at("2025-10-01");
        let texts: Vec<String> = (0..=100).map(|day| start.plus_days(day).to_string()).collect();
        let wobble = |day: usize| if day.is_multiple_of(2) { 1.0 } else { 1.01 };
        let rows = |scale: f64, last: f64| -> Vec<(&str, f64)> {
            texts.iter().enumerate().map(|(day, at)| (at.as_str(), scale * if day == 100 { last } else { wobble(day) })).collect()
        };
        let view = |coins: f64, usd: f64| {
            let fixture = Fixture::new().readings("open_interest_native.btc@a", &rows(100.0, coins));
            fixture.readings("open_interest.btc@a", &rows(5_000.0, usd)).cut("2026-01-09")
        };
        assert_eq!(ask(&view(0.85, 0.80), &[], 7).data.deleveraging, Some(true));
        assert_eq!(ask(&view(0.95, 0.90), &[], 7).data.deleveraging, Some(false));
    }

    #[test]
    fn nothing_one_row_and_an_unknown_source_are_told_apart() {
        let empty = ask(&Fixture::new().cut("2026-02-02"), &[], 7);
        assert_eq!((empty.data.clone(), warned(&empty, WarningCode::NoData)), (OpenInterest::default(), true));
        let one = ask(&Fixture::new().readings("open_interest.btc@a", &[("2026-02-02", 5.0)]).cut("2026-02-02"), &[], 7);
        assert_eq!((one.data.open_interest_usd, one.data.change_usd, one.data.deleveraging), (Some(5.0), None, None));
        let question = OpenInterestParams { asset: Asset::btc(), sources: vec!["z".parse().unwrap()], window: Window::days(7) };
        let refused = open_interest(&two_venues().cut("2026-02-02"), &order(), &question);
        assert!(matches!(refused, Err(QueryError::UnknownSource { .. })));
    }
}
