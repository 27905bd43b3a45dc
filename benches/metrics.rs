//! Every query as its handler calls it, from a view of the market to the answer, on one thread.
//!
//! `cargo bench --bench metrics`; the figures are in `docs/BENCHMARKS.md`. The market has more than
//! 8 years of daily bars and 3 years of half hours, funding, open interest, flows of funds and
//! liquidations, as far as real files exist (the first line reports it).
#![expect(clippy::expect_used, reason = "a bench that panics reports where it stopped")]

mod history;

use std::cell::Cell;
use std::fmt;
use std::sync::LazyLock;

use divan::{Bencher, black_box};
use market_stress::config::Config;
use market_stress::domain::{Asset, Period, Timestamp};
use market_stress::market::MarketView;
use market_stress::metrics::{
    Basis, BreadthParams, BriefingParams, Caches, CatalogueParams, CheckOp, CheckParams, CompareParams, CorrelationMethod,
    CorrelationParams, CrossAssetParams, DrawdownParams, EpisodesParams, Estimator, EtfFlowsParams, FundingParams,
    LiquidationsParams, LiquidityParams, MarketCapParams, Moment, OpenInterestParams, OptionsParams, PriceParams,
    RevisionsParams, SafeHavenParams, SeriesParams, SourceOrder, StressCache, StressSeriesParams, VolatilityParams, Window,
    breadth, briefing, catalogue, check, compare, correlation, correlation_series, cross_asset, drawdown, drawdown_episodes,
    drawdown_series, etf_flows, etf_flows_series, etf_funds, funding, liquidation_cascades, liquidation_days, liquidations,
    liquidations_series, liquidity, market_cap, open_interest, options, price, revisions, safe_haven, series_rows, stress,
    stress_series, volatility,
};

use self::history::{CUTOFF, History};

static HISTORY: LazyLock<History> = LazyLock::new(History::new);
static ORDER: LazyLock<SourceOrder> = LazyLock::new(|| SourceOrder::new(Config::default().source_order));
/// Caches, filled by the first query that needs them, as in a service.
static BOOKS: LazyLock<Caches> = LazyLock::new(Caches::default);

/// Day of the largest liquidations: open interest and sums of liquidations of real files end a month later.
const OCTOBER: Timestamp = Timestamp::from_unix_seconds(1_760_140_800);

/// One query: its route and parameters, the time, and the function that computes it.
#[derive(Clone, Copy)]
struct Question {
    route: &'static str,
    as_of: Timestamp,
    answer: fn(&MarketView, &SourceOrder) -> bool,
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.route)
    }
}

/// Builds a query at the cutoff of the scenario.
const fn now(route: &'static str, answer: fn(&MarketView, &SourceOrder) -> bool) -> Question {
    Question { route, as_of: CUTOFF, answer }
}

/// Builds a query at 2025-10-11.
const fn october(route: &'static str, answer: fn(&MarketView, &SourceOrder) -> bool) -> Question {
    Question { route, as_of: OCTOBER, answer }
}

/// Prevents an answer from being optimised away, and returns true if there was one.
fn answered<T, E>(answer: Result<T, E>) -> bool {
    black_box(answer).is_ok()
}

fn period(text: &str) -> Period {
    text.parse().expect("a period of this bench is well formed")
}

fn fall(window: Window, interval: &str, basis: Basis) -> DrawdownParams {
    DrawdownParams { asset: Asset::btc(), source: None, window, interval: period(interval), basis }
}

fn episodes(interval: &str) -> EpisodesParams {
    EpisodesParams { path: fall(Window::ALL, interval, Basis::Close), min_depth_pct: 5.0, rebound_pct: 10.0 }
}

fn flows(days: i64) -> EtfFlowsParams {
    EtfFlowsParams { asset: Asset::btc(), source: None, window: Window::days(days) }
}

fn liquidated(window: Window) -> LiquidationsParams {
    LiquidationsParams { asset: None, sources: Vec::new(), window }
}

fn moves_with(observations: usize, method: CorrelationMethod) -> CorrelationParams {
    CorrelationParams { asset: Asset::btc(), with: Vec::new(), source: None, observations, method }
}

/// Returns every row of the first series of bars of a stock index.
fn rows(view: &MarketView) -> SeriesParams {
    let key = view.candle_series(&Asset::sp500()).next().expect("shares have bars").0.clone();
    SeriesParams { key, window: Window::ALL, include_history: false, updated_after: None }
}

fn statement(figure: &str, value: &str) -> CheckParams {
    let (figure, value) = (figure.to_owned(), value.to_owned());
    CheckParams { figure, value, tolerance_pct: None, op: CheckOp::About, window: Window::days(7) }
}

fn how_volatile(estimator: Estimator, window: Window) -> VolatilityParams {
    VolatilityParams { asset: Asset::btc(), source: None, window, estimator }
}

/// Queries of one market, with the defaults of their routes.
const ONE_MARKET: &[Question] = &[
    now("price", |view, order| {
        answered(price(view, order, &PriceParams { asset: Asset::btc(), source: None, window: Window::days(7) }))
    }),
    now("drawdown", |view, order| answered(drawdown(view, order, &fall(Window::ALL, "1d", Basis::Close)))),
    now("drawdown, 30m intraday", |view, order| answered(drawdown(view, order, &fall(Window::ALL, "30m", Basis::Intraday)))),
    now("drawdown, 4h", |view, order| answered(drawdown(view, order, &fall(Window::ALL, "4h", Basis::Close)))),
    now("drawdown/series", |view, order| answered(drawdown_series(view, order, &fall(Window::ALL, "1d", Basis::Close), None))),
    now("drawdown/series, 30m max_points=500", |view, order| {
        answered(drawdown_series(view, order, &fall(Window::ALL, "30m", Basis::Close), Some(500)))
    }),
    now("drawdown/episodes", |view, order| answered(drawdown_episodes(view, order, &episodes("1d")))),
    now("drawdown/episodes, 30m", |view, order| answered(drawdown_episodes(view, order, &episodes("30m")))),
    now("market-cap", |view, order| {
        answered(market_cap(view, order, &MarketCapParams { asset: Asset::total(), source: None, window: Window::days(7) }))
    }),
    now("volatility", |view, order| {
        answered(volatility(view, order, &BOOKS.regimes, &how_volatile(Estimator::Close, Window::days(30))))
    }),
    now("volatility, 8y", |view, order| {
        answered(volatility(view, order, &BOOKS.regimes, &how_volatile(Estimator::YangZhang, Window::days(8 * 365))))
    }),
    now("liquidity", |view, order| answered(liquidity(view, order, &LiquidityParams { asset: Asset::btc(), source: None }))),
    now("etf-flows", |view, order| answered(etf_flows(view, order, &flows(5)))),
    now("etf-flows, 2y", |view, order| answered(etf_flows(view, order, &flows(730)))),
    now("etf-flows/series", |view, order| answered(etf_flows_series(view, order, &flows(30), false))),
    now("etf-flows/funds", |view, order| answered(etf_funds(view, order, &flows(5)))),
    now("series rows, 8y", |view, _| answered(series_rows(view, &rows(view)))),
];

/// Queries of derivatives.
const DERIVATIVES: &[Question] = &[
    now("funding", |view, order| answered(funding(view, order, &FundingParams { asset: Asset::btc(), sources: Vec::new() }))),
    october("open-interest", |view, order| {
        let window = Window::days(7);
        answered(open_interest(view, order, &OpenInterestParams { asset: Asset::btc(), sources: Vec::new(), window }))
    }),
    october("liquidations", |view, order| answered(liquidations(view, order, &liquidated(Window::days(1))))),
    october("liquidations, all", |view, order| answered(liquidations(view, order, &liquidated(Window::ALL)))),
    october("liquidations/series, 30d", |view, order| {
        answered(liquidations_series(view, order, &liquidated(Window::days(30)), None))
    }),
    october("liquidations/days", |view, order| answered(liquidation_days(view, order, &liquidated(Window::ALL)))),
    now("liquidations/cascades", |view, order| answered(liquidation_cascades(view, order, &liquidated(Window::days(30))))),
    now("options", |view, order| {
        let question = OptionsParams { asset: Asset::btc(), source: None, tenor_days: 30 };
        answered(options(view, order, &BOOKS.premiums, &question))
    }),
];

/// Queries over several markets.
const MANY_MARKETS: &[Question] = &[
    now("breadth", |view, order| answered(breadth(view, order, &BreadthParams { source: None, window: Window::days(30) }))),
    now("breadth, 1y", |view, order| answered(breadth(view, order, &BreadthParams { source: None, window: Window::days(365) }))),
    now("cross-asset", |view, order| {
        answered(cross_asset(view, order, &CrossAssetParams { assets: Vec::new(), source: None, window: Window::days(1) }))
    }),
    now("cross-asset, 1y", |view, order| {
        answered(cross_asset(view, order, &CrossAssetParams { assets: Vec::new(), source: None, window: Window::days(365) }))
    }),
    now("correlation", |view, order| answered(correlation(view, order, &moves_with(60, CorrelationMethod::Pearson)))),
    now("correlation, spearman 1000", |view, order| {
        answered(correlation(view, order, &moves_with(1_000, CorrelationMethod::Spearman)))
    }),
    now("correlation/series", |view, order| {
        answered(correlation_series(view, order, &moves_with(60, CorrelationMethod::Pearson), None))
    }),
    now("correlation/series, spearman", |view, order| {
        answered(correlation_series(view, order, &moves_with(60, CorrelationMethod::Spearman), None))
    }),
    now("safe-haven", |view, order| {
        let (asset, against) = (Asset::btc(), Asset::sp500());
        answered(safe_haven(view, order, &BOOKS.havens, &SafeHavenParams { asset, against, source: None, window: Window::ALL }))
    }),
    now("series", |view, _| answered(catalogue(view, &CatalogueParams { metric: None, asset: None, source: None }))),
    now("revisions", |view, _| {
        black_box(revisions(view, &RevisionsParams { since: Moment::Before(7 * Period::DAY.ms()), series: None }));
        true
    }),
];

/// Queries that need the history of the stress index, which is computed before.
const WHOLE_PICTURE: &[Question] = &[
    now("stress", |view, order| answered(stress(view, order, &BOOKS.stress))),
    now("stress/series", |view, order| {
        answered(stress_series(view, order, &StressSeriesParams { window: Window::ALL, max_points: None }, &BOOKS.stress))
    }),
    now("briefing", |view, order| answered(briefing(view, order, &BOOKS, &BriefingParams { window: Window::days(7) }))),
    now("compare", |view, order| {
        let question = CompareParams { a: Moment::Before(7 * Period::DAY.ms()), b: Moment::Before(0) };
        answered(compare(view, order, &BOOKS, &question))
    }),
    now("check", |view, order| answered(check(view, order, &BOOKS, &statement("price", "76600")))),
];

fn ask(bencher: Bencher<'_, '_>, question: &Question) {
    let view = HISTORY.market.at(question.as_of);
    assert!((question.answer)(&view, &ORDER), "{} has no answer", question.route);
    bencher.bench(|| (question.answer)(black_box(&view), &ORDER));
}

#[divan::bench(args = ONE_MARKET)]
fn one_market(bencher: Bencher<'_, '_>, question: &Question) {
    ask(bencher, question);
}

#[divan::bench(args = DERIVATIVES)]
fn derivatives(bencher: Bencher<'_, '_>, question: &Question) {
    ask(bencher, question);
}

#[divan::bench(args = MANY_MARKETS)]
fn many_markets(bencher: Bencher<'_, '_>, question: &Question) {
    ask(bencher, question);
}

#[divan::bench(args = WHOLE_PICTURE)]
fn whole_picture(bencher: Bencher<'_, '_>, question: &Question) {
    ask(bencher, question);
}

/// Queries at a thousand times in eight years, each on another day and at another hour than the previous ones.
fn ask_at_any_instant(bencher: Bencher<'_, '_>, answer: impl Fn(&MarketView) -> bool) {
    let asked = Cell::new(0);
    let view = || {
        asked.set((asked.get() + 7_919) % (8 * 365 * 24));
        HISTORY.market.at(CUTOFF.plus_ms(-asked.get() * Period::HOUR.ms()))
    };
    assert!(answer(&HISTORY.market.at(CUTOFF)), "there is no answer");
    bencher.with_inputs(view).bench_local_values(|view| answer(black_box(&view)));
}

#[divan::bench(sample_count = 1_000)]
fn stress_at_any_instant(bencher: Bencher<'_, '_>) {
    ask_at_any_instant(bencher, |view| answered(stress(view, &ORDER, &BOOKS.stress)));
}

#[divan::bench(sample_count = 1_000)]
fn safe_haven_at_any_instant(bencher: Bencher<'_, '_>) {
    let question = SafeHavenParams { asset: Asset::btc(), against: Asset::sp500(), source: None, window: Window::ALL };
    ask_at_any_instant(bencher, |view| answered(safe_haven(view, &ORDER, &BOOKS.havens, &question)));
}

#[divan::bench(sample_count = 1_000)]
fn briefing_at_any_instant(bencher: Bencher<'_, '_>) {
    let question = BriefingParams { window: Window::days(7) };
    ask_at_any_instant(bencher, |view| answered(briefing(view, &ORDER, &BOOKS, &question)));
}

/// Computes the whole history of the index without caches.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn stress_from_scratch(bencher: Bencher<'_, '_>) {
    let view = HISTORY.market.at(CUTOFF);
    bencher.bench(|| stress(black_box(&view), &ORDER, &StressCache::default()));
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() {
    println!("market of {}", HISTORY.origin);
    divan::main();
}
