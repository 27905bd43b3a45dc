//! What holds for every market: asked of all questions at once over random rows.

use std::fmt::Debug;
use std::sync::Arc;

use market_stress::domain::{Asset, Bar, Delta, Period, Side, Timestamp, Vintage};
use market_stress::market::{Market, MarketView};
use market_stress::metrics::{self as m, Answer, Caches, Length, QueryError, SourceOrder, Window};
use proptest::prelude::*;

use crate::http::{at, commit, key};

/// The first day of every random market.
const FIRST: &str = "2025-12-01";
/// How many days it has.
const DAYS: usize = 40;
/// Assets with bars: all of them are common trading days, so that returns pair.
const ASSETS: [&str; 5] = ["btc", "eth", "sp500", "nasdaq", "gold"];

/// What the rows of one day are made of.
#[derive(Debug, Clone)]
struct Day {
    /// Close of each of [`ASSETS`], USD.
    closes: [f64; ASSETS.len()],
    /// The part of the close that the bar reaches beyond it.
    reach: f64,
    volume: f64,
    market_cap: f64,
    flow: f64,
    open_interest: f64,
    coins: f64,
    funding: f64,
    liquidated: [f64; 2],
    implied_vol: f64,
    /// Which of its rows are missing.
    missing: u8,
}

fn day(price: impl Strategy<Value = f64> + Clone, amount: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = Day> {
    let closes = proptest::array::uniform5(price);
    let amounts = proptest::array::uniform6(amount);
    let rest = (0.0..0.5_f64, -1e12..1e12_f64, -1.0..1.0_f64, 0.0..2_000.0_f64, any::<u8>());
    (closes, amounts, rest).prop_map(|(closes, amounts, (reach, flow, funding, implied_vol, missing))| {
        let [volume, market_cap, open_interest, coins, long, short] = amounts;
        let liquidated = [long.min(1e12), short.min(1e12)];
        Day { closes, reach, volume, market_cap, flow, open_interest, coins, funding, liquidated, implied_vol, missing }
    })
}

/// Days as a market has them.
fn usual() -> impl Strategy<Value = Vec<Day>> {
    prop::collection::vec(day(50.0..150.0_f64, 1e6..1e9_f64), DAYS)
}

/// Days at the edges of what the log takes: next to nothing, very much, nothing at all, no change, and
/// prices below zero, which the log takes of oil alone.
fn extreme() -> impl Strategy<Value = Vec<Day>> {
    let price = prop_oneof![Just(1e-12), Just(1e9), Just(100.0), Just(0.0), Just(-37.0), 1e-9..1e9_f64];
    let amount = prop_oneof![Just(0.0), Just(1e15), Just(1e-12), 0.0..1e15_f64];
    prop::collection::vec(day(price, amount), DAYS)
}

/// The market of the days from `first` on, every price times `scale`; what is known `later` by so many days.
fn rows(days: &[Day], scale: f64, later: i64) -> Delta {
    let mut delta = commit(1);
    for (index, day) in (0_i64..).zip(days) {
        let start = at(FIRST).plus_days(index);
        let mut reading = |name: &str, bit: u8, value: f64| {
            let key = key(name);
            let known_at = start.plus_ms(key.publication_lag_ms()).plus_days(later);
            if day.missing & bit != bit {
                delta.readings.entry(key).or_default().push(Vintage { observed_at: start, known_at, value });
            }
        };
        reading("market_cap.total@g:1d", 0x11, day.market_cap * scale);
        reading("market_cap.btc@g:1d", 0x12, day.market_cap * scale / 2.0);
        reading("etf_flow.btc.AAA@f:1d", 0x14, day.flow);
        reading("open_interest.btc@v:1d", 0x18, day.open_interest * scale);
        reading("open_interest_native.btc@v:1d", 0x18, day.open_interest);
        reading("open_interest.btc@w:1d", 0x28, day.coins * scale);
        reading("open_interest_native.btc@w:1d", 0x28, day.coins);
        reading("funding_rate.btc@v:8h", 0x42, day.funding);
        reading("implied_vol.btc@v:1d", 0x44, day.implied_vol);
        for (side, usd) in [Side::Long, Side::Short].into_iter().zip(day.liquidated) {
            reading(&format!("liquidation.btc.{}@v:1h", side.as_str()), 0x48, usd);
        }
        for (asset, close) in ASSETS.iter().zip(day.closes) {
            let close = close * scale;
            let reach = (close * day.reach).abs();
            let bar = Bar::new(close, close + reach, close - reach, close, Some(day.volume)).unwrap();
            let row = Vintage { observed_at: start, known_at: start.plus_days(1 + later), value: bar };
            if day.missing & 0x90 != 0x90 {
                delta.candles.entry(key(&format!("candle.{asset}@v:1d"))).or_default().push(row);
            }
        }
    }
    delta
}

fn market(deltas: &[&Delta]) -> Arc<Market> {
    Arc::new(deltas.iter().fold(Market::default(), |market, delta| market.next(delta)))
}

fn end() -> Timestamp {
    at(FIRST).plus_days(i64::try_from(DAYS).unwrap())
}

/// What a question answered, as its types say it.
fn told<T: Debug>(answer: Result<Answer<T>, QueryError>) -> String {
    answer.map_or_else(|refused| refused.to_string(), |answer| format!("{:#?}", answer.data))
}

/// Every question, asked of one view.
fn answers(view: &MarketView) -> Vec<(&'static str, String)> {
    let (order, caches) = (SourceOrder::default(), Caches::default());
    let (btc, week, all) = (Asset::btc, Window::days(7), Window::ALL);
    let path = |basis| m::DrawdownParams { asset: btc(), source: None, window: all, interval: Period::DAY, basis };
    let flows = m::EtfFlowsParams { asset: btc(), source: None, window: Window::days(5) };
    let forced = m::LiquidationsParams { asset: None, sources: vec![], window: week };
    let together = |method| m::CorrelationParams { asset: btc(), with: vec![], source: None, observations: 10, method };
    let spread = |estimator| m::VolatilityParams { asset: btc(), source: None, window: Window::days(10), estimator };
    let episodes = m::EpisodesParams { path: path(m::Basis::Close), min_depth_pct: 5.0, rebound_pct: 10.0 };
    let mut answers = vec![
        ("price", told(m::price(view, &order, &m::PriceParams { asset: btc(), source: None, window: week }))),
        ("drawdown", told(m::drawdown(view, &order, &path(m::Basis::Close)))),
        ("drawdown_intraday", told(m::drawdown(view, &order, &path(m::Basis::Intraday)))),
        ("drawdown_series", told(m::drawdown_series(view, &order, &path(m::Basis::Close), None))),
        ("episodes", told(m::drawdown_episodes(view, &order, &episodes))),
        ("market_cap", told(m::market_cap(view, &order, &m::MarketCapParams { asset: btc(), source: None, window: week }))),
        ("liquidations", told(m::liquidations(view, &order, &forced))),
        ("liquidation_days", told(m::liquidation_days(view, &order, &m::LiquidationsParams { window: all, ..forced.clone() }))),
        ("cascades", told(m::liquidation_cascades(view, &order, &forced))),
        ("etf_flows", told(m::etf_flows(view, &order, &flows))),
        ("etf_series", told(m::etf_flows_series(view, &order, &flows, true))),
        (
            "open_interest",
            told(m::open_interest(view, &order, &m::OpenInterestParams { asset: btc(), sources: vec![], window: week })),
        ),
        ("funding", told(m::funding(view, &order, &m::FundingParams { asset: btc(), sources: vec![] }))),
        ("correlation", told(m::correlation(view, &order, &together(m::CorrelationMethod::Pearson)))),
        ("spearman", told(m::correlation(view, &order, &together(m::CorrelationMethod::Spearman)))),
        ("correlation_series", told(m::correlation_series(view, &order, &together(m::CorrelationMethod::Pearson), None))),
        ("cross_asset", told(m::cross_asset(view, &order, &m::CrossAssetParams { assets: vec![], source: None, window: week }))),
        ("breadth", told(m::breadth(view, &order, &m::BreadthParams { source: None, window: week }))),
        ("liquidity", told(m::liquidity(view, &order, &m::LiquidityParams { asset: btc(), source: None }))),
        ("stress", told(m::stress(view, &order, &caches.stress))),
        ("briefing", told(m::briefing(view, &order, &caches, &m::BriefingParams { window: week }))),
        ("check", told(m::check(view, &order, &caches, &price_is_100()))),
    ];
    answers.extend(
        m::Estimator::ALL.map(|(name, estimator)| (name, told(m::volatility(view, &order, &caches.regimes, &spread(estimator))))),
    );
    answers
}

fn price_is_100() -> m::CheckParams {
    let (figure, value) = ("price".to_owned(), "100".to_owned());
    m::CheckParams { figure, value, tolerance_pct: None, op: m::CheckOp::Eq, window: Window::Last(Length::All) }
}

/// The numbers of the fields whose names say that they have no unit of money.
fn unitless(answer: &str) -> Vec<(&str, f64)> {
    let mut name = "";
    let mut found = Vec::new();
    for line in answer.lines().map(str::trim) {
        if let Some((field, _)) = line.split_once(": ") {
            name = field;
        }
        let text = line.rsplit(": ").next().unwrap_or(line).trim_end_matches(',');
        if let (true, Ok(number)) = (name.ends_with("_pct") || name.ends_with("_ratio"), text.parse::<f64>()) {
            found.push((name, number));
        }
    }
    found
}

proptest! {
    // A market of forty days is dear to make small, and its seed tells enough.
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 8, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_holds_nan_or_infinity(days in extreme()) {
        let market = market(&[&rows(&days, 1.0, 0)]);
        let mut odd = Vec::new();
        for as_of in [end(), end().plus_ms(8 * Period::HOUR.ms()), end().plus_days(-20), at(FIRST).plus_days(1)] {
            for (question, answer) in answers(&market.at(as_of)) {
                let number = |line: &str| line.trim().rsplit(": ").next().unwrap_or_default().trim_end_matches(',').to_owned();
                let lines = answer.lines().filter(|line| ["NaN", "inf", "-inf"].contains(&number(line).as_str()));
                odd.extend(lines.map(|line| format!("{question} by {as_of}: {}", line.trim())));
            }
        }
        prop_assert!(odd.is_empty(), "{:?}", odd);
    }

    #[test]
    fn scaling_prices_changes_no_ratio(days in usual(), power in -8_i32..8) {
        let scaled = market(&[&rows(&days, 2.0_f64.powi(power), 0)]).at(end());
        let plain = market(&[&rows(&days, 1.0, 0)]).at(end());
        for ((question, plain), (_, scaled)) in answers(&plain).iter().zip(&answers(&scaled)) {
            // Liquidations and flows are sums of USD that no price enters.
            if !["liquidity", "check", "briefing", "liquidations"].contains(question) {
                let (plain, scaled) = (unitless(plain), unitless(scaled));
                prop_assert_eq!(plain.len(), scaled.len(), "{}", question);
                for ((field, a), (_, b)) in plain.into_iter().zip(scaled) {
                    prop_assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0), "{} {}: {} {}", question, field, a, b);
                }
            }
        }
    }

    #[test]
    fn knowing_more_later_changes_no_answer_of_the_past(days in usual(), others in usual(), at_day in 1_i64..40) {
        let first = rows(&days, 1.0, 0);
        let corrections = Delta { version: 2, ..rows(&others, 1.5, i64::try_from(DAYS).unwrap() + 2) };
        let (before, after) = (market(&[&first]), market(&[&first, &corrections]));
        let as_of = at(FIRST).plus_days(at_day).plus_ms(8 * Period::HOUR.ms());
        for ((question, before), (_, after)) in answers(&before.at(as_of)).iter().zip(&answers(&after.at(as_of))) {
            prop_assert_eq!(before, after, "{}", question);
        }
        let later = end().plus_days(60);
        prop_assert_ne!(answers(&before.at(later)), answers(&after.at(later)));
    }

    #[test]
    fn an_asset_moves_exactly_with_itself_and_within_bounds_with_others(days in usual()) {
        let view = market(&[&rows(&days, 1.0, 0)]).at(end());
        let with: Vec<Asset> = ASSETS.iter().map(|asset| asset.parse().unwrap()).collect();
        for method in [m::CorrelationMethod::Pearson, m::CorrelationMethod::Spearman] {
            let question = m::CorrelationParams { asset: Asset::btc(), with: with.clone(), source: None, observations: 10, method };
            let found = m::correlation(&view, &SourceOrder::default(), &question).unwrap().data;
            prop_assert!(found.iter().all(|row| row.correlation.is_none_or(|r| (-1.0..=1.0).contains(&r))));
            prop_assert!(found[0].correlation.is_none_or(|r| r.to_bits() == 1.0_f64.to_bits()), "{:?}", found[0]);
        }
    }

    #[test]
    fn a_window_made_of_merged_blocks_is_what_a_direct_scan_finds(days in usual(), from in 0_i64..38, length in 1_i64..40) {
        let view = market(&[&rows(&days, 1.0, 0)]).at(end());
        let since = at(FIRST).plus_days(from);
        let until = since.plus_days(length).min(end());
        let window = Window::Since { since: m::Moment::At(since), until: Some(m::Moment::At(until)) };
        let question =
            m::DrawdownParams { asset: Asset::btc(), source: None, window, interval: Period::DAY, basis: m::Basis::Close };
        let found = m::drawdown(&view, &SourceOrder::default(), &question).unwrap().data;
        let rows = rows(&days, 1.0, 0);
        let inside = |row: &&Vintage<Bar>| row.observed_at >= since && row.observed_at.plus_days(1) <= until;
        let bars: Vec<&Vintage<Bar>> = rows.candles.get(&key("candle.btc@v:1d")).into_iter().flatten().collect();
        // Three days after the last bar the source is dead, and nothing follows from its bars any more.
        let is_dead = bars.last().is_some_and(|last| last.observed_at.plus_days(1 + 3) < until);
        let closes: Vec<f64> = bars.into_iter().filter(inside).map(|row| row.value.close).collect();
        let (mut peak, mut deepest) = (f64::NEG_INFINITY, 0.0_f64);
        for close in &closes {
            peak = peak.max(*close);
            deepest = deepest.min(close / peak - 1.0);
        }
        prop_assert_eq!(found.price_usd, closes.last().copied());
        if is_dead {
            prop_assert_eq!((found.peak_usd, found.max_drawdown_pct), (None, None));
            return Ok(());
        }
        prop_assert_eq!(found.peak_usd, closes.iter().copied().reduce(f64::max));
        let near = found.max_drawdown_pct.is_none_or(|pct| (pct - 100.0 * deepest).abs() < 1e-9 && (-100.0..=0.0).contains(&pct));
        prop_assert!(near && found.max_drawdown_pct.is_some() != closes.is_empty(), "{:?} {}", found, deepest);
    }
}
