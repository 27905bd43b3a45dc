//! Thin and missing data: what is not known is null with a reason, never a zero and never a fault.

use std::sync::LazyLock;
use std::sync::mpsc;

use market_stress::api::document;
use rstest::rstest;
use serde_json::Value;

use crate::http::{Client, Reply};
use crate::http_openapi::{check, resolve};
use crate::thin_worlds::World;

/// The addresses of the worlds, in their order, served until the process ends.
static SERVED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut services = Vec::new();
            for world in World::ALL {
                services.push(world.serve().await);
            }
            tell.send(services.iter().map(|service| service.address.clone()).collect()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
});

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(document()).unwrap());

/// Fields that say by themselves why they may be absent.
const MAY_BE_ABSENT: [&str; 29] = [
    "backfill_error",
    "backfill_pages",
    "backfill_pages_read",
    "backfill_since",
    "change",
    "change_pct",
    "difference_pct",
    "dominance_pct",
    "feed",
    "interval",
    "kind",
    "largest_order",
    "largest_outflow",
    "last_error",
    "last_refusal",
    "last_success_at",
    "max_drawdown_peak_at",
    "max_drawdown_trough_at",
    "n_days",
    "n_orders",
    "note",
    "part",
    "period",
    "pickup_at",
    "recovered_at",
    "recovery_days",
    "since",
    "stated_total_usd",
    "threshold_ratio",
];

/// Fields that count what is known: where nothing is, none of it is a true count.
const COUNTS: [&str; 6] = ["assets", "consecutive_failures", "downside_protection_n_obs", "n_obs", "present", "refused_rows"];

/// Every number and null of a document with the name of its field.
fn leaves<'a>(name: &'a str, value: &'a Value, found: &mut Vec<(&'a str, &'a Value)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| leaves(name, value, found)),
        Value::Array(items) => items.iter().for_each(|value| leaves(name, value, found)),
        leaf => found.push((name, leaf)),
    }
}

/// Asks one world, and checks what holds for every answer.
async fn ask(world: World, target: &str) -> Value {
    let place = World::ALL.iter().position(|other| *other == world).unwrap();
    let reply = Client { address: SERVED[place].clone() }.get(target).await;
    let what = format!("{target} of {world:?}");
    assert_documented(target, &reply, &what);
    let body = reply.json();
    if target.starts_with("/v1/series/") && world == World::Empty {
        assert_eq!((reply.status, &body["code"]), (404, &"not_found".into()), "{what}: {body}");
        return body;
    }
    assert_eq!(reply.status, 200, "{what}: {body}");
    let mut found = Vec::new();
    leaves("", &body["data"], &mut found);
    for (name, leaf) in &found {
        let number = leaf.as_f64().unwrap_or(1.0);
        assert!(number != 0.0 || number.is_sign_positive(), "{what}: {name} is -0");
        assert!(world != World::Empty || !leaf.is_number() || COUNTS.contains(name), "{what}: {name} is {leaf}");
    }
    let unexplained = found.iter().find(|(name, leaf)| leaf.is_null() && !MAY_BE_ABSENT.contains(name));
    let reasons = body["warnings"].as_array().map_or(0, Vec::len);
    assert!(unexplained.is_none() || reasons > 0, "{what}: no reason for {unexplained:?}");
    body
}

/// Checks a body against what the document says of its path, status and media type.
fn assert_documented(target: &str, reply: &Reply, what: &str) {
    let path = target.split('?').next().unwrap();
    let path = if path.starts_with("/v1/series/") { "/v1/series/{key}" } else { path };
    let media_type = reply.header("content-type").unwrap().split(';').next().unwrap();
    let response = resolve(&DOCUMENT, &DOCUMENT["paths"][path]["get"]["responses"][reply.status.to_string()]);
    let schema = &response["content"][media_type]["schema"];
    assert!(schema.is_object(), "{what}: {} {media_type} is not documented", reply.status);
    check(&DOCUMENT, schema, &reply.json(), what);
}

/// Checks an answer against words: `field=value` of the data (`=value` of all of it), or the code of a warning it must give.
fn assert_says(body: &Value, expected: &str, what: &str) {
    for word in expected.split_whitespace() {
        if let Some((field, value)) = word.split_once('=') {
            let place = if field.is_empty() { String::new() } else { format!("/{}", field.replace('.', "/")) };
            let found = body["data"].pointer(&place).unwrap_or(&Value::Null);
            let wanted: Value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            let near = found.as_f64().zip(wanted.as_f64()).is_some_and(|(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1.0));
            assert!(near || *found == wanted, "{what}: {field} is {found}, not {wanted}: {body:#}");
        } else {
            let warnings = body["warnings"].as_array().unwrap();
            assert!(warnings.iter().any(|warning| warning["code"] == word), "{what} does not warn of {word}: {warnings:?}");
        }
    }
}

/// What each world answers: nothing known, one point, a constant series, a gap, one venue missing.
#[rstest]
#[case::price("/v1/price", [
    "price_usd=null change_pct=null previous_day=null no_data",
    "price_usd=99 open_usd=null change_pct=null change_window_pct=null previous_day.worst_fall_pct=null insufficient_history history_limit",
    "price_usd=100 change_pct=null change_window_pct=0 previous_day.change_pct=0 insufficient_history",
    "price_usd=99 change_window_pct=null insufficient_history gap",
    "price_usd=99 change_pct=null",
])]
#[case::drawdown("/v1/drawdown", [
    "drawdown_pct=null max_drawdown_pct=null ulcer_index_pct=null percentile_ratio=null no_data",
    "drawdown_pct=0 days_since_peak=0 max_drawdown_peak_at=null",
    "drawdown_pct=0 max_drawdown_pct=0 required_gain_pct=0 pain_index_pct=0 max_drawdown_peak_at=null",
    "peak_at=2026-01-11T00:00:00Z gap",
    "peak_at=2026-01-24T00:00:00Z",
])]
#[case::drawdown_series("/v1/drawdown/series", ["=[] no_data", "0.drawdown_pct=0", "0.drawdown_pct=0", "gap", "0.drawdown_pct=0"])]
#[case::drawdown_episodes("/v1/drawdown/episodes", ["=[] no_data", "=[]", "=[]", "0.open=false gap", "0.open=false"])]
#[case::market_cap("/v1/market-cap", [
    "market_cap_usd=null change_usd=null anchor=null no_data",
    "market_cap_usd=2.97e12 anchor=null change_usd=null change_pct=null history_limit",
    "change_usd=0 drawdown_pct=0",
    "market_cap_usd=2.97e12 anchor=null change_usd=null gap",
    "anchor.at=2026-01-28T00:00:00Z change_usd=-9e10",
])]
#[case::liquidations("/v1/liquidations", [
    "total_usd=null long_share_ratio=null n_orders=null record_day=null robust_z=null by_source=[] no_data",
    "total_usd=3.96e6 robust_z=null share_of_open_interest_pct=null history_limit insufficient_history",
    "total_usd=9.6e7 long_share_ratio=0.5 robust_z=null share_of_open_interest_pct=0.48 zero_variance",
    "total_usd=9.55e7",
    "total_usd=4.775e7 by_source.1=null stale_input",
])]
#[case::liquidations_in_a_gap("/v1/liquidations?as_of=2026-01-26", [
    "total_usd=null no_data",
    "total_usd=null no_data",
    "total_usd=9.6e7",
    "total_usd=null intensity_usd_per_minute=null by_source=[] by_asset=[] record_day=null gap stale_input",
    "by_source.1.source=w",
])]
#[case::liquidations_series("/v1/liquidations/series", ["=[] no_data", "0.total_usd=3.96e6 history_limit", "0.total_usd=4e6", "0.total_usd=4.1e6", "0.total_usd=2.05e6 stale_input"])]
#[case::liquidation_days("/v1/liquidations/days", ["=[] no_data", "0.rank=1 partial_bar", "0.share_of_window_pct=0.7692307692307693", "0.date=2025-10-01", "0.date=2025-10-01 stale_input"])]
#[case::liquidation_orders("/v1/liquidations/orders", ["=[] no_data", "0.usd=152000", "0.usd=152000", "0.usd=152000", "0.source=v"])]
#[case::cascades("/v1/liquidations/cascades", ["=[] no_data", "=[] insufficient_history history_limit", "=[] zero_variance", "=[]", "=[] stale_input"])]
#[case::etf_flows("/v1/etf-flows", [
    "net_flow_usd=null latest=null streak=null flips=null cumulative_usd=null no_data",
    "latest.net_flow_usd=1.98e8 previous=null reversal=null offset_ratio=null choppiness_ratio=null zscore=null insufficient_history",
    "net_flow_usd=1e9 reversal=false offset_ratio=-1 zscore=null zero_variance",
    "latest.trading_day=2026-02-03 gap",
    "latest.trading_day=2026-02-03 previous.trading_day=2026-02-02",
])]
#[case::etf_flows_series("/v1/etf-flows/series", ["=[] no_data", "0.cumulative_usd=1.98e8", "0.net_flow_usd=2e8", "0.status=final", "0.status=final"])]
#[case::etf_funds("/v1/etf-flows/funds", ["=[] no_data", "0.flow_usd=9.9e7", "0.flow_usd=1e8", "0.fund=AAA", "1.fund=BBB"])]
#[case::open_interest("/v1/open-interest", [
    "open_interest_usd=null change_usd=null deleveraging=null leverage_ratio=null by_source=[] no_data",
    "open_interest_usd=1.98e10 change_usd=null price_effect_usd=null deleveraging=null quadrant=null insufficient_history history_limit",
    "change_usd=0 price_effect_usd=0 position_effect_usd=0 deleveraging=false quadrant=null zero_variance",
    "open_interest_usd=1.98e10 change_usd=null change_pct=null quadrant=null gap",
    "open_interest_usd=9.9e9 change_usd=2e8 deleveraging=false by_source.1=null stale_input",
])]
#[case::funding("/v1/funding", [
    "rate_8h_ratio=null state=null negative_streak=null share_of_venues_negative_ratio=null by_source=[] no_data",
    "rate_8h_ratio=0.000099 percentile_ratio=null negative_streak.intervals=0 insufficient_history",
    "rate_8h_ratio=0.0001 state=neutral",
    "by_source.1.source=w",
    "by_source.0.source=v by_source.1=null share_of_venues_negative_ratio=0 stale_input",
])]
#[case::volatility("/v1/volatility", [
    "realised_pct=null implied_pct=null regime=null pickup=null calm_days=null estimators.ewma_pct=null no_data",
    "realised_pct=null implied_pct=44.55 variance_risk_premium=null regime=null pickup=null insufficient_history",
    "realised_pct=0 implied_pct=45 spread_vol_points=45 pickup=false",
    "realised_pct=null estimators.close_pct=null spread_vol_points=null insufficient_history",
    "implied_pct=44.55",
])]
#[case::options("/v1/options", [
    "snapshot_at=null put_call_oi_ratio=null atm_iv_pct=null downside_protection=null by_expiry=[] no_data",
    "snapshot_at=2026-02-04T08:00:00Z term_slope_vol_points=null downside_protection=null insufficient_history",
    "risk_reversal_25d_vol_points=0 butterfly_25d_vol_points=0 atm_iv_pct=45 term_slope_vol_points=null downside_protection=normal insufficient_history",
    "downside_protection_n_obs=47",
    "downside_protection_n_obs=57",
])]
#[case::options_beyond_the_chain("/v1/options?tenor=180d", ["atm_iv_pct=null no_data", "atm_iv_pct=null insufficient_history", "atm_iv_pct=null risk_reversal_25d_vol_points=null insufficient_history", "atm_iv_pct=null insufficient_history", "butterfly_25d_vol_points=null insufficient_history"])]
#[case::correlation("/v1/correlation", [
    "0.asset=sp500 0.correlation=null 0.n_obs=0 0.last_common_day=null no_data insufficient_history",
    "0.correlation=null 0.beta=null 0.n_obs=0 insufficient_history",
    "0.correlation=null 0.beta=null 0.adjusted_correlation=null 0.n_obs=60 zero_variance",
    "0.n_obs=60 gap",
    "0.n_obs=60",
])]
#[case::correlation_series("/v1/correlation/series", ["=[] no_data", "=[] insufficient_history", "0.correlation=null zero_variance", "0.asset=sp500 gap", "0.asset=sp500"])]
#[case::safe_haven("/v1/safe-haven", [
    "c0=null hedge=null safe_haven=null exposures=[] gold=null no_data insufficient_history",
    "c0=null hedge=null n_obs=0 insufficient_history",
    "c0=null hedge=null safe_haven=null n_tail=null zero_variance",
    "gold.asset=gold gap",
    "gold.asset=gold",
])]
#[case::cross_asset("/v1/cross-asset?window=7d", [
    "0.asset=btc 0.last=null 0.change_pct=null 0.last_trading_day=null no_data",
    "0.last=99 0.change_pct=null 0.drawdown_pct=0 history_limit",
    "0.change_pct=0 5.asset=sp500 5.change_pct=0",
    "0.last=99 0.change_pct=null 5.change_pct=null gap",
    "0.last=99",
])]
#[case::breadth("/v1/breadth?window=7d", [
    "assets=0 above_sma50_ratio=null in_bear_market_ratio=null small_cap_return_pct=null members=[] no_data insufficient_history",
    "assets=32 above_sma50_ratio=null at_90d_low_ratio=null small_cap_return_pct=null insufficient_history",
    "above_sma50_ratio=0 in_bear_market_ratio=0 at_90d_low_ratio=1 small_cap_return_pct=0 relative_pct=0",
    "assets=32 small_cap_return_pct=null insufficient_history",
    "assets=32",
])]
#[case::liquidity("/v1/liquidity", [
    "amihud=null corwin_schultz_pct=null days_without_volume=null no_data",
    "amihud=null amihud_log_ratio=null roll_pct=null insufficient_history",
    "amihud=0 amihud_log_ratio=null roll_pct=0 days_without_volume=0 zero_variance",
    "corwin_schultz_pct=null abdi_ranaldo_pct=null roll_pct=null insufficient_history",
    "days_without_volume=0",
])]
#[case::stress("/v1/stress", [
    "systemic=null acute=null band=null coverage_ratio=null provisional=true segments=[] no_data",
    "systemic=null band=null segments.0.score=null segments.0.standing=not_member insufficient_history",
    "band=calm coverage_ratio=1",
    "change_7d=null gap",
    "segments.0.name=price",
])]
#[case::stress_series("/v1/stress/series", ["=[] no_data insufficient_history", "=[] insufficient_history", "0.time=2025-01-05T00:00:00Z", "0.leverage=null insufficient_history", "0.leverage=null insufficient_history"])]
#[case::briefing("/v1/briefing", [
    "figures=[] missing.0.id=market_cap_change no_data",
    "figures.0.id=price missing.0.id=market_cap_change insufficient_history",
    "figures.0.value=0",
    "figures.0.id=price missing.0.id=market_cap_change gap",
    "figures.0.id=market_cap_change stale_input",
])]
#[case::compare("/v1/compare", [
    "0.a=null 0.b=null 0.change=null no_data",
    "2.id=price 2.a=null 2.b=99 2.change=null insufficient_history",
    "2.change=0",
    "0.b=null 2.a=102 2.b=99 gap",
    "2.b=99 stale_input",
])]
#[case::check("/v1/check?figure=price&value=100", [
    "verdict=unknowable computed=null difference_pct=null no_data",
    "verdict=contradicted computed=99 difference_pct=-1",
    "verdict=supported computed=100 difference_pct=0",
    "verdict=contradicted",
    "verdict=contradicted",
])]
#[case::series("/v1/series", ["=[] no_data", "0.n_obs=1", "0.n_obs=760", "0.n_obs=750", "0.n_obs=760 stale_input"])]
#[case::series_rows("/v1/series/market_cap.total@gecko:1d", ["", "0.value=2.97e12", "0.value=3e12", "0.value=2.94e12", "0.value=2.94e12"])]
#[case::revisions("/v1/revisions", ["=[]", "=[]", "=[]", "=[]", "=[]"])]
#[case::sources("/v1/sources", ["0.last_observation_at=null no_data", "0.state=fresh", "0.state=fresh", "0.state=fresh", "3.source=w 3.state=stale"])]
#[tokio::test]
async fn what_is_not_known_is_null_with_its_reason(#[case] target: &str, #[case] expected: [&str; 5]) {
    for (world, expected) in World::ALL.into_iter().zip(expected) {
        let body = ask(world, target).await;
        assert_says(&body, expected, &format!("{target} of {world:?}"));
    }
}

#[test]
fn every_endpoint_of_the_document_is_asked() {
    let source = include_str!("http_thin_data.rs");
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    for (path, _) in paths.filter(|(path, item)| path.starts_with("/v1/") && item["get"].is_object()) {
        let path = path.replace("{key}", "market_cap");
        assert!(source.contains(&format!("(\"{path}")), "{path} is not asked");
    }
}
