use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, AssetClass, Metric, Period, SeriesKey, Source, TimeRange, Timestamp};
use crate::market::{Bars, ColumnView, MarketView};
use crate::metrics::price::price::percent_change;
use crate::metrics::provenance::{Derivation, Provenance};
use crate::metrics::source_order::{Candidates, Need};
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, Query, QueryError, SourceOrder, Span, WarningCode, Window};
use crate::stats::breadth::{Breadth as Share, above_moving_average, at_low};
use crate::stats::rank::median;
use crate::stats::sum::sum;
use crate::stats::threshold::has_fallen_by;

/// Members at most: the largest by market value.
const MOST_MEMBERS: usize = 500;
/// Members a share or a median needs.
const LEAST_MEMBERS: usize = 20;
/// Members that are large; the small are those of rank 101 and after, or all other where too few are known.
const LARGE: usize = 10;
const SMALL_FROM: usize = 100;
/// Days of the averages, of the low and of the high.
const SHORT_AVERAGE: usize = 50;
const LONG_AVERAGE: usize = 200;
const LOW_DAYS: usize = 90;
const HIGH_DAYS: usize = 365;
/// Days the high needs: 80 %.
const LEAST_HIGH: usize = 292;
/// The fall from the high that makes a bear market.
const BEAR: f64 = 0.2;
/// The shares with the days that each needs of a member.
const SHARES: [(&str, usize); 4] = [
    ("above_sma50_ratio", SHORT_AVERAGE),
    ("above_sma200_ratio", LONG_AVERAGE),
    ("in_bear_market_ratio", LEAST_HIGH),
    ("at_90d_low_ratio", LOW_DAYS),
];
/// How old a member's last day may be, and how old a market value.
const LATEST_AGE_MS: i64 = 2 * Period::DAY.ms();
const MARKET_CAP_AGE_MS: i64 = 7 * Period::DAY.ms();
/// Coins that follow another price: USD, gold, or a coin that is a member itself.
const FOLLOWERS: [&str; 24] = [
    "usdt", "usdc", "dai", "busd", "tusd", "usde", "susde", "usds", "usd1", "fdusd", "pyusd", "usdd", "usd0", "gusd", "paxg",
    "xaut", "wbtc", "weth", "steth", "wsteth", "weeth", "cbbtc", "reth", "jitosol",
];

/// What is asked about breadth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BreadthParams {
    /// According to whom; for each member the first source in the configured order where none is named.
    pub source: Option<Source>,
    /// The span of the returns.
    pub window: Window,
}

/// How much of the market takes part (METHODOLOGY section 2.4 and 2.5).
///
/// The members are the coins with daily bars of the last two days, at most the 500 largest by market
/// value at the cutoff, without stablecoins and wrapped coins. Shares are null for fewer than 20.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Breadth {
    /// How many members there are.
    pub assets: usize,
    /// Members over the mean of their last 50 closes, a fraction.
    pub above_sma50_ratio: Option<f64>,
    /// Members over the mean of their last 200 closes, a fraction.
    pub above_sma200_ratio: Option<f64>,
    /// Members 20 % or more under their highest close of 365 days, a fraction.
    pub in_bear_market_ratio: Option<f64>,
    /// Members at their lowest close of 90 days, a fraction.
    pub at_90d_low_ratio: Option<f64>,
    /// Median return of the small over the window, percent: ranks 101 to 500 by market value at its
    /// start, or all after the ten largest where fewer than 20 of those are known.
    pub small_cap_return_pct: Option<f64>,
    /// Return of the ten largest at the start of the window, weighted by market value, percent.
    pub large_cap_return_pct: Option<f64>,
    /// The small against the large, percent: under 0 they did worse.
    pub relative_pct: Option<f64>,
    /// Each member, largest first.
    pub members: Vec<BreadthMember>,
}

/// Members have a day of late, or are none; of market values the ranks alone are used.
impl Statements for Breadth {
    fn withhold(&mut self, stale: &StaleInputs) {
        if stale.has(&[Metric::MarketCap]) {
            (self.small_cap_return_pct, self.large_cap_return_pct, self.relative_pct) = (None, None, None);
        }
    }
}

/// One coin of the market.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BreadthMember {
    /// The coin.
    pub asset: Asset,
    /// Its market value at the cutoff, USD; absent where none is known.
    pub market_cap_usd: Option<f64>,
    /// Whether it closed over the mean of its last 50 closes; absent where there are fewer.
    pub above_sma50: Option<bool>,
    /// The same of 200 closes.
    pub above_sma200: Option<bool>,
    /// Whether it closed 20 % or more under its highest close of 365 days; absent where fewer than 292 are known.
    pub in_bear_market: Option<bool>,
    /// Whether it closed at its lowest of 90 days; absent where there are fewer.
    pub at_90d_low: Option<bool>,
    /// Its last close against its close at the start of the window, percent.
    pub return_pct: Option<f64>,
    /// Its market value at the start of the window, the weight and rank of its return, USD.
    pub market_cap_at_start_usd: Option<f64>,
}

/// Market values, USD.
type Caps<'a> = (&'a SeriesKey, ColumnView<'a, f64>);

/// A coin with what its rank and its return rest on.
#[derive(Debug)]
struct Coin<'a> {
    asset: Asset,
    days: Bars<'a>,
    last_close: f64,
    return_pct: Option<f64>,
    market_cap_usd: Option<f64>,
    market_cap_at_start_usd: Option<f64>,
}

/// Breadth of the market at the cutoff.
///
/// # Errors
/// [`QueryError`] for an empty window or an unknown source.
pub fn breadth(view: &MarketView, order: &SourceOrder, question: &BreadthParams) -> Result<Answer<Breadth>, QueryError> {
    let (mut trail, span, coins) = open(view, order, question)?;
    let mut figures = Breadth { assets: coins.len(), ..Breadth::default() };
    let year = year_before(view.as_of().day_start());
    warn_of_shares(&mut trail, &coins, year);
    fill_returns(&mut trail, &coins, &mut figures);
    figures.members = coins.into_iter().map(|coin| member(coin, year)).collect();
    fill_shares(&mut figures);
    let n_obs = Some(figures.assets as u64);
    Ok(trail.answer(figures, Derivation { n_obs, ..working(span) }))
}

/// What [`breadth`] calls the return of the small, percent, without its other figures.
///
/// # Errors
/// As [`breadth`].
pub(in crate::metrics) fn small_cap_return(
    view: &MarketView,
    order: &SourceOrder,
    window: Window,
) -> Result<Answer<Option<f64>>, QueryError> {
    let (mut trail, span, coins) = open(view, order, &BreadthParams { source: None, window })?;
    let mut figures = Breadth::default();
    fill_returns(&mut trail, &coins, &mut figures);
    Ok(trail.answer(figures.small_cap_return_pct, working(span)))
}

/// The members, largest first.
fn open<'a>(
    view: &'a MarketView,
    order: &SourceOrder,
    question: &BreadthParams,
) -> Result<(Provenance<'a>, Span, Vec<Coin<'a>>), QueryError> {
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    if question.source.is_some() {
        let all = Candidates::at(span.to).with(view.all_candles());
        order.choose(&mut trail, &all, question.source.as_ref(), Need::Level)?;
    }
    let members = view.candle_assets().filter(|asset| is_member(asset)).cloned();
    let mut coins: Vec<Coin<'_>> = members.filter_map(|asset| coin(view, &mut trail, order, question, span, asset)).collect();
    coins.sort_by(|a, b| cap(b).total_cmp(&cap(a)).then_with(|| a.asset.cmp(&b.asset)));
    coins.truncate(MOST_MEMBERS);
    Ok((trail, span, coins))
}

fn working(span: Span) -> Derivation {
    let method = Method { name: "breadth", version: 1, interval: Some(Period::DAY.to_string()), basis: Some("close".to_owned()) };
    Derivation { span: Some(span), method: Some(method), ..Derivation::default() }
}

fn is_member(asset: &Asset) -> bool {
    asset.class() == AssetClass::Crypto && !FOLLOWERS.contains(&asset.as_str())
}

fn cap(coin: &Coin<'_>) -> f64 {
    coin.market_cap_usd.unwrap_or(0.0)
}

/// The days whose closes a member is judged by.
fn year_before(today: Timestamp) -> Option<TimeRange> {
    TimeRange::new(today.plus_days(-i64::try_from(HIGH_DAYS).ok()?), today).ok()
}

/// One coin; `None` where it has no day of late.
fn coin<'a>(
    view: &'a MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    question: &BreadthParams,
    span: Span,
    asset: Asset,
) -> Option<Coin<'a>> {
    let candidates = Candidates::at(trail.at()).with(view.candle_series(&asset));
    let from = span.from.min(year_before(view.as_of().day_start())?.from());
    let source = order.choose(trail, &candidates, question.source.as_ref(), Need::Since(from)).ok()??.source;
    let days = view.bars(&asset, &source, Period::DAY)?;
    let today = view.as_of().day_start();
    let last = days.finished_at_or_before(today).filter(|last| today.ms_since(last.observed_at) <= LATEST_AGE_MS)?;
    trail.read_bars(&days);
    let start = days.finished_at_or_before(span.from.plus_ms(-Period::DAY.ms()));
    let start = start.filter(|day| span.from.ms_since(day.observed_at) <= LATEST_AGE_MS + Period::DAY.ms());
    let caps = market_caps(view, trail, order, &asset, span.from);
    Some(Coin {
        market_cap_usd: caps.and_then(|caps| market_cap_at(caps, view.as_of())),
        market_cap_at_start_usd: caps.and_then(|caps| market_cap_at(caps, span.from)),
        return_pct: percent_change(start.map(|day| day.value.close), Some(last.value.close)),
        last_close: last.value.close,
        days,
        asset,
    })
}

/// The market values of a coin from an instant on, according to the source that the order chooses.
fn market_caps<'a>(
    view: &'a MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    asset: &Asset,
    from: Timestamp,
) -> Option<Caps<'a>> {
    let candidates = Candidates::at(trail.at()).with(view.readings(Metric::MarketCap, asset));
    let source = order.choose(trail, &candidates, None, Need::Since(from)).ok()??.source;
    let (key, column) = view.readings(Metric::MarketCap, asset).find(|(key, _)| key.source == source)?;
    trail.read(key, column);
    Some((key, column))
}

/// The market value of a coin at an instant, from a row of the week before it.
fn market_cap_at((key, column): Caps<'_>, at: Timestamp) -> Option<f64> {
    let row = column.at_or_before(at.plus_ms(-key.period.ms()))?;
    (at.ms_since(row.observed_at) <= MARKET_CAP_AGE_MS).then_some(row.value).filter(|cap| *cap > 0.0)
}

/// What one coin says, judged by the closes of a year.
fn member(coin: Coin<'_>, year: Option<TimeRange>) -> BreadthMember {
    let closes = year.map(|year| coin.days.finished_closes(year)).unwrap_or_default();
    let closes: Vec<f64> = closes.into_iter().map(|(_, close)| close).collect();
    let high = closes.iter().copied().reduce(f64::max).filter(|_| closes.len() >= LEAST_HIGH);
    BreadthMember {
        asset: coin.asset,
        market_cap_usd: coin.market_cap_usd,
        above_sma50: above_moving_average(&closes, SHORT_AVERAGE),
        above_sma200: above_moving_average(&closes, LONG_AVERAGE),
        in_bear_market: high.map(|high| has_fallen_by(BEAR, high, coin.last_close)),
        at_90d_low: at_low(&closes, LOW_DAYS),
        return_pct: coin.return_pct,
        market_cap_at_start_usd: coin.market_cap_at_start_usd,
    }
}

/// Names the shares that too few members have the days for.
fn warn_of_shares(trail: &mut Provenance<'_>, coins: &[Coin<'_>], year: Option<TimeRange>) {
    let days: Vec<u64> = coins.iter().filter_map(|coin| Some(coin.days.count(year?))).collect();
    for (name, least_days) in SHARES {
        let defined = days.iter().filter(|days| **days >= least_days as u64).count();
        if defined < LEAST_MEMBERS {
            let detail = format!("{name} needs {LEAST_MEMBERS} members with enough days, {defined} have them");
            trail.warn(WarningCode::InsufficientHistory, detail);
        }
    }
}

fn fill_shares(figures: &mut Breadth) {
    let members = &figures.members;
    let share =
        |condition: fn(&BreadthMember) -> Option<bool>| members.iter().map(condition).collect::<Share>().share(LEAST_MEMBERS);
    figures.above_sma50_ratio = share(|member| member.above_sma50);
    figures.above_sma200_ratio = share(|member| member.above_sma200);
    figures.in_bear_market_ratio = share(|member| member.in_bear_market);
    figures.at_90d_low_ratio = share(|member| member.at_90d_low);
}

/// Returns of the small and the large, by their rank at the start of the window.
fn fill_returns(trail: &mut Provenance<'_>, coins: &[Coin<'_>], figures: &mut Breadth) {
    let returned = coins.iter().filter_map(|coin| Some((coin.market_cap_at_start_usd?, coin.return_pct?)));
    let mut returned: Vec<(f64, f64)> = returned.collect();
    returned.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (large, others) = returned.split_at(returned.len().min(LARGE));
    let ranked = others.get(SMALL_FROM - LARGE..).filter(|ranked| ranked.len() >= LEAST_MEMBERS);
    let small: Vec<f64> = ranked.unwrap_or(others).iter().map(|(_, change)| *change).collect();
    if small.len() < LEAST_MEMBERS {
        let detail = format!(
            "returns need {} members with a market value and a price at the start of the window, {} have them",
            LARGE + LEAST_MEMBERS,
            returned.len()
        );
        trail.warn(WarningCode::InsufficientHistory, detail);
        return;
    }
    let weight = sum(large.iter().map(|(cap, _)| *cap));
    figures.small_cap_return_pct = median(&small);
    figures.large_cap_return_pct = Some(sum(large.iter().map(|(cap, change)| cap * change)) / weight);
    let grown = |percent: Option<f64>| percent.map(|percent| 1.0 + percent / 100.0);
    figures.relative_pct = percent_change(grown(figures.large_cap_return_pct), grown(figures.small_cap_return_pct));
}

/// Breadth of the market.
#[derive(Debug)]
pub enum BreadthQuery {}

impl Query for BreadthQuery {
    type Params = BreadthParams;
    type Answer = Breadth;
    const NAME: &'static str = "breadth";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        breadth(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Warning;
    use crate::metrics::fixture::{Fixture, at, order};

    fn ask(fixture: Fixture, days: i64) -> Answer<Breadth> {
        let question = BreadthParams { source: None, window: Window::days(days) };
        breadth(&fixture.cut("2026-02-04T08:00:00Z"), &order(), &question).unwrap()
    }

    /// `count` coins with `days` days up to 2026-02-03: the first ten fall by a tenth on the last
    /// day, the others by a half; the market value falls with the number of the coin.
    fn coins(count: usize, days: i64) -> Fixture {
        (0..count).fold(Fixture::new(), |fixture, coin| {
            let last = if coin < LARGE { 90.0 } else { 50.0 };
            let bars: Vec<(String, f64, Option<f64>)> = (0..days)
                .map(|day| (at("2026-02-04").plus_days(day - days).to_string(), if day + 1 == days { last } else { 100.0 }, None))
                .collect();
            let caps = [("2026-01-26", 1e9 - crate::stats::real(coin)), ("2026-02-03", 1e9 - crate::stats::real(coin))];
            let fixture = fixture.bars_with_volume(&format!("candle.c{coin}@x:1d"), &bars);
            fixture.readings(&format!("market_cap.c{coin}@x:1d"), &caps)
        })
    }

    #[test]
    fn shares_count_the_members_for_which_they_are_defined() {
        let answer = ask(coins(40, 366), 7);
        let figures = answer.data;
        assert_eq!((figures.assets, figures.above_sma50_ratio, figures.at_90d_low_ratio), (40, Some(0.0), Some(1.0)));
        assert_eq!(figures.in_bear_market_ratio, Some(0.75));
        assert!(answer.warnings.is_empty(), "{:?}", answer.warnings);
    }

    #[test]
    fn the_small_are_those_after_the_ten_largest_where_few_are_known() {
        let figures = ask(coins(40, 60), 7).data;
        assert!((figures.small_cap_return_pct.unwrap() + 50.0).abs() < 1e-9);
        assert!((figures.large_cap_return_pct.unwrap() + 10.0).abs() < 1e-9);
        assert!((figures.relative_pct.unwrap() - (0.5 / 0.9 - 1.0) * 100.0).abs() < 1e-9);
        assert_eq!((figures.above_sma200_ratio, figures.in_bear_market_ratio), (None, None));
    }

    #[test]
    fn stablecoins_indices_and_coins_that_stopped_are_no_members() {
        let stopped = [("2026-01-01".to_owned(), 5.0, None)];
        let live = [("2026-02-03".to_owned(), 5.0, None)];
        let fixture = Fixture::new()
            .bars_with_volume("candle.luna@x:1d", &stopped)
            .bars_with_volume("candle.usdt@x:1d", &live)
            .bars_with_volume("candle.sp500@x:1d", &live)
            .bars_with_volume("candle.btc@x:1d", &live);
        let answer = ask(fixture, 7);
        let members: Vec<_> = answer.data.members.iter().map(|member| member.asset.to_string()).collect();
        assert_eq!((members, answer.data.above_sma50_ratio), (vec!["btc".to_owned()], None));
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::InsufficientHistory));
    }

    #[test]
    fn an_empty_market_has_no_members_and_says_so() {
        let answer = ask(Fixture::new(), 7);
        assert_eq!(answer.data, Breadth::default());
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::NoData));
    }

    #[test]
    fn the_return_of_the_small_alone_is_that_of_the_whole_answer() {
        for fixture in [|| coins(40, 366), || coins(25, 60), Fixture::new] {
            let view = fixture().cut("2026-02-04T08:00:00Z");
            let alone = small_cap_return(&view, &order(), Window::days(7)).unwrap();
            let whole = ask(fixture(), 7);
            let of_shares = |warning: &Warning| SHARES.iter().any(|(name, _)| warning.detail.starts_with(name));
            let warnings: Vec<_> = whole.warnings.into_iter().filter(|warning| !of_shares(warning)).collect();
            assert_eq!((alone.data, alone.warnings), (whole.data.small_cap_return_pct, warnings));
            assert_eq!(alone.sources, whole.sources);
        }
    }
}
