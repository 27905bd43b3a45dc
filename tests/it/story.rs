//! The report, asked fact by fact of the demo over HTTP: at the cutoff, and before a figure was known.
//!
//! The numbers S1 to S23 are those of `scenario/facts.toml`.

use std::sync::LazyLock;
use std::sync::mpsc;
use std::time::Duration;

use market_stress::app::Demo;
use market_stress::config::Config;
use market_stress::scenario;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::harness::wait_until_async;
use crate::http::Client;

/// How long the demo may take to load its rows, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The demo, served to all tests of this file until the process ends.
static DEMO: LazyLock<String> = LazyLock::new(|| {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listen = "127.0.0.1:0".parse().unwrap();
            let config = Config { listen, rate_limit_per_second: 0, request_timeout_seconds: 300, ..Config::default() };
            let demo = Demo::prepare(config, scenario::CUTOFF).await.unwrap();
            tell.send(demo.address().unwrap().to_string()).unwrap();
            demo.run(CancellationToken::new()).await.unwrap();
        });
    });
    told.recv().unwrap()
});

/// The whole answer at the cutoff, once the demo has loaded its rows.
async fn answer(target: &str) -> Value {
    let client = Client { address: DEMO.clone() };
    wait_until_async("the demo is ready", PATIENCE, async || client.get("/readyz").await.status == 200).await;
    let reply = client.get(target).await;
    assert_eq!(reply.status, 200, "{target}: {}", reply.text());
    reply.json()
}

/// The data of an answer, once it has been checked that all of it is the scenario's and says so.
async fn ask(target: &str) -> Value {
    let answer = answer(target).await;
    for source in answer["sources"].as_array().unwrap() {
        assert!(source["source"].as_str().unwrap().starts_with("scenario"), "{target}: {source}");
        assert!(source["note"].as_str().unwrap().contains("interpolated"), "{target}: {source}");
    }
    answer["data"].clone()
}

/// Whether an answer gives this warning.
fn warns(answer: &Value, code: &str) -> bool {
    answer["warnings"].as_array().unwrap().iter().any(|warning| warning["code"] == code)
}

#[track_caller]
fn near(value: &Value, expected: f64, tolerance: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"));
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected} within {tolerance}");
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[tokio::test]
async fn s1_the_market_lost_467_6_billion_since_2026_01_29() {
    let cap = ask("/v1/market-cap?since=2026-01-29").await;
    near(&cap["change_usd"], -467.6e9, 1.0);
    assert_eq!(cap["anchor"]["at"], "2026-01-29T00:00:00Z");
    let before = ask("/v1/market-cap?since=2026-01-29&as_of=2026-02-04T07:00:00Z").await;
    assert_ne!(before["change_usd"], cap["change_usd"]);
}

#[tokio::test]
async fn s2_to_s4_bitcoin_fell_by_seven_percent_to_its_lowest_since_november_2024() {
    let price = ask("/v1/price?as_of=2026-02-03T21:00:00Z").await;
    near(&price["low_usd"], 72_877.0, 1e-6);
    near(&price["worst_fall_pct"], -7.0, 0.01);
    assert_eq!(price["lowest_since"]["at"], "2024-11-06T00:00:00Z");
    assert_eq!(price["lowest_since"]["at_least"], false);
    let before = ask("/v1/price?as_of=2026-02-03T20:00:00Z").await;
    assert!(number(&before["low_usd"]) > 72_877.0, "the hour of the low is known at its end: {before}");
    let next_day = ask("/v1/price").await;
    near(&next_day["previous_day"]["low_usd"], 72_877.0, 1e-6);
}

#[tokio::test]
async fn s5_bitcoin_stands_at_76_600_at_the_cutoff() {
    near(&ask("/v1/price").await["price_usd"], 76_600.0, 1e-6);
    let before = ask("/v1/price?as_of=2026-02-04T07:00:00Z").await;
    assert!(number(&before["price_usd"]) < 76_600.0, "{before}");
}

#[tokio::test]
async fn s6_that_is_about_40_percent_under_the_record_of_early_october() {
    for target in ["/v1/drawdown", "/v1/drawdown?basis=intraday"] {
        let drawdown = ask(target).await;
        near(&drawdown["drawdown_pct"], -40.0, 1.0);
        assert_eq!(drawdown["peak_at"], "2025-10-06T00:00:00Z", "{target}");
    }
    let before = answer("/v1/drawdown?as_of=2026-02-04T07:00:00Z").await;
    near(&before["data"]["drawdown_pct"], -39.320_253_766_851_7, 1e-9);
    assert!(warns(&before, "partial_bar"), "the day was running: {before}");
    let day_of_the_record = ask("/v1/drawdown?as_of=2025-10-06T00:00:00Z").await;
    assert_ne!(day_of_the_record["peak_at"], "2025-10-06T00:00:00Z", "the day had not begun");
}

#[tokio::test]
async fn s7_19_billion_were_wiped_out_on_2025_10_10_the_record_day() {
    let days = ask("/v1/liquidations/days?since=2025-10-01").await;
    assert_eq!((&days[0]["date"], &days[0]["rank"]), (&Value::from("2025-10-10"), &Value::from(1)));
    near(&days[0]["total_usd"], 19e9, 1.0);
    let now = ask("/v1/liquidations").await;
    assert_eq!(now["record_day"]["date"], "2025-10-10");
    let before = ask("/v1/liquidations?as_of=2025-10-10T00:00:00Z").await;
    assert_ne!(before["record_day"]["date"], "2025-10-10", "the day had not begun");
}

#[tokio::test]
async fn s8_more_than_700_million_were_liquidated_in_the_last_24_hours() {
    let day = ask("/v1/liquidations?window=24h").await;
    assert!((700e6..750e6).contains(&number(&day["total_usd"])), "{day}");
    near(&day["total_usd"], number(&day["long_usd"]) + number(&day["short_usd"]), 0.01);
    let before = answer("/v1/liquidations?window=24h&as_of=2026-02-04T07:00:00Z").await;
    near(&before["data"]["total_usd"], 734_877_686.0, 1.0);
    assert_eq!(before["sources"][0]["known_at"], "2026-02-04T07:00:00Z", "the last hour was not known: {before}");
    let midnight = ask("/v1/liquidations?window=24h&as_of=2026-02-04T00:00:00Z").await;
    assert!(number(&midnight["total_usd"]) < 700e6, "{midnight}");
}

#[tokio::test]
async fn s9_more_than_6_67_billion_were_liquidated_since_late_january() {
    let since = ask("/v1/liquidations?since=2026-01-28").await;
    assert!((6.67e9..6.75e9).contains(&number(&since["total_usd"])), "{since}");
    let before = ask("/v1/liquidations?since=2026-01-28&as_of=2026-02-04T07:00:00Z").await;
    assert!(number(&before["total_usd"]) < number(&since["total_usd"]));
    let cascades = ask("/v1/liquidations/cascades").await;
    assert!(
        cascades[0]["started_at"].as_str().unwrap().starts_with("2026-01-31T17:") && cascades[0]["side"] == "long",
        "{cascades}"
    );
    let before = ask("/v1/liquidations/cascades?as_of=2026-01-31T16:00:00Z").await;
    assert_eq!(before, serde_json::json!([]), "it had not begun");
}

#[tokio::test]
async fn s10_each_attempted_rebound_since_october_met_with_selling() {
    let open = open_episode("2026-02-04T08:00:00Z").await;
    assert_eq!((&open["peak_at"], &open["failed_rebounds"]), (&Value::from("2025-10-06T00:00:00Z"), &Value::from(2)));
    for (hour, known, before) in
        [("2025-11-01T01:00:00Z", 1, "2025-11-01T00:00:00Z"), ("2026-01-29T09:00:00Z", 2, "2026-01-29T08:00:00Z")]
    {
        assert_eq!(open_episode(hour).await["failed_rebounds"], known, "by {hour}");
        let open = open_episode(before).await;
        assert_eq!(open["failed_rebounds"], known - 1, "by {before}");
        let last = open["rebounds"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["state"], &last["confirmed_at"]), (&Value::from("open"), &Value::Null), "by {before}");
    }
}

/// The episode under water that had not ended by an instant.
async fn open_episode(as_of: &str) -> Value {
    let episodes = ask(&format!("/v1/drawdown/episodes?rebound_pct=10&as_of={as_of}")).await;
    episodes.as_array().unwrap().iter().find(|episode| episode["open"] == true).unwrap().clone()
}

#[tokio::test]
async fn s11_open_interest_has_fallen_sharply_by_closed_positions() {
    let week = ask("/v1/open-interest?window=7d").await;
    assert!(number(&week["change_pct"]) < -20.0 && number(&week["change_native_pct"]) < -10.0, "{week}");
    assert_eq!((&week["deleveraging"], &week["quadrant"]), (&Value::Bool(true), &Value::from("long_unwind")));
    assert_eq!(week["by_source"].as_array().unwrap().len(), 3, "every venue is counted");
    let before = ask("/v1/open-interest?window=7d&as_of=2026-02-03T08:00:00Z").await;
    assert_eq!(before["deleveraging"], false, "the positions were not closed yet");
}

#[tokio::test]
async fn s12_funding_has_turned_negative() {
    let funding = ask("/v1/funding").await;
    assert!(number(&funding["rate_8h_ratio"]) < 0.0, "{funding}");
    assert_eq!((&funding["state"], &funding["share_of_venues_negative_ratio"]), (&Value::from("negative"), &Value::from(1.0)));
    assert!(funding["negative_streak"]["intervals"].as_u64().unwrap() >= 10, "{funding}");
    let before = ask("/v1/funding?as_of=2026-01-31T23:00:00Z").await;
    assert_ne!(before["state"], "negative");
}

#[tokio::test]
async fn s13_and_s14_the_bitcoin_funds_took_in_562_million_and_then_lost_272() {
    let flows = ask("/v1/etf-flows").await;
    near(&flows["previous"]["net_flow_usd"], 562e6, 1.0);
    near(&flows["latest"]["net_flow_usd"], -272e6, 1.0);
    assert_eq!((&flows["reversal"], &flows["latest"]["status"]), (&Value::Bool(true), &Value::from("final")));
}

#[tokio::test]
async fn s13_was_preliminary_in_the_morning_and_unknown_an_hour_before() {
    let morning = answer("/v1/etf-flows?as_of=2026-02-03T05:00:00Z").await;
    near(&morning["data"]["latest"]["net_flow_usd"], 562e6, 1.0);
    assert!(warns(&morning, "provisional"), "{morning}");
    let before = ask("/v1/etf-flows?as_of=2026-02-03T04:00:00Z").await;
    assert_eq!(before["latest"]["trading_day"], "2026-01-30");
    near(&before["latest"]["net_flow_usd"], -509.7e6, 1.0);
}

#[tokio::test]
async fn s14_was_preliminary_in_the_night_and_unknown_before() {
    let night = ask("/v1/etf-flows?as_of=2026-02-04T04:00:00Z").await;
    near(&night["latest"]["net_flow_usd"], -332e6, 1.0);
    assert_eq!(night["latest"]["status"], "preliminary");
    let pending = night["latest"]["pending_funds"].as_array().unwrap();
    assert!(pending.contains(&Value::from("IBIT")), "{night}");
    let evening = ask("/v1/etf-flows?as_of=2026-02-04T01:00:00Z").await;
    near(&evening["latest"]["net_flow_usd"], 562e6, 1.0);
    assert_eq!(evening["latest"]["trading_day"], "2026-02-02");
}

#[tokio::test]
async fn s15_billions_left_the_funds_of_other_coins_since_november() {
    let mut total = 0.0;
    for asset in ["eth", "sol", "xrp"] {
        let flow = number(&ask(&format!("/v1/etf-flows?asset={asset}&since=2025-11-01")).await["net_flow_usd"]);
        assert!(flow < 0.0, "{asset}: {flow}");
        total += flow;
    }
    assert!(total < -2e9, "{total}");
    for (asset, before) in [("eth", -2_575.5e6), ("sol", -397.3e6), ("xrp", -352.9e6)] {
        let flows = ask(&format!("/v1/etf-flows?asset={asset}&since=2025-11-01&as_of=2026-02-04T04:00:00Z")).await;
        near(&flows["net_flow_usd"], before, 1.0);
        assert_eq!(flows["latest"]["trading_day"], "2026-02-02", "{asset}: the day after was not known");
    }
    let first_night = answer("/v1/etf-flows?asset=xrp&since=2025-11-01&as_of=2025-11-14T04:00:00Z").await;
    assert_eq!(first_night["data"]["net_flow_usd"], Value::Null);
    assert!(warns(&first_night, "no_data"), "{first_night}");
}

#[tokio::test]
async fn s16_small_coins_lost_nearly_70_percent_in_a_year() {
    let breadth = ask("/v1/breadth?window=1y").await;
    near(&breadth["small_cap_return_pct"], -69.5, 1.0);
    assert!(number(&breadth["large_cap_return_pct"]) > -40.0, "{breadth}");
    let before = answer("/v1/breadth?window=1y&as_of=2026-02-03T23:00:00Z").await;
    assert!(number(&before["data"]["small_cap_return_pct"]) > -67.0, "the day was not over: {before}");
    assert!(before["sources"].as_array().unwrap().iter().all(|row| row["known_at"] != "2026-02-04T00:00:00Z"), "{before}");
    let first_year = answer("/v1/breadth?window=1y&as_of=2023-01-01T23:00:00Z").await;
    assert_eq!(first_year["data"]["small_cap_return_pct"], Value::Null);
    assert!(warns(&first_year, "insufficient_history"), "{first_year}");
}

/// One row of an answer with a row for each asset.
fn row<'a>(rows: &'a Value, asset: &str) -> &'a Value {
    rows.as_array().unwrap().iter().find(|row| row["asset"] == asset).unwrap_or_else(|| panic!("no {asset} in {rows}"))
}

#[tokio::test]
async fn s17_and_s18_shares_fell_from_near_their_records_while_metals_and_oil_rose() {
    let rows = ask("/v1/cross-asset").await;
    for asset in ["sp500", "nasdaq"] {
        let row = row(&rows, asset);
        assert!((-5.0..0.0).contains(&number(&row["distance_from_high_pct"])) && number(&row["change_pct"]) < 0.0, "{row}");
    }
    for asset in ["gold", "silver", "wti"] {
        assert!(number(&row(&rows, asset)["change_pct"]) > 0.0, "{rows}");
    }
    assert_eq!(row(&rows, "sp500")["last_trading_day"], "2026-02-03");
    let before = ask("/v1/cross-asset?as_of=2026-02-03T23:00:00Z").await;
    assert_eq!(row(&before, "gold")["last_trading_day"], "2026-02-02", "a day is known at its end");
}

#[tokio::test]
async fn s19_bitcoin_is_no_safe_haven() {
    let bitcoin = ask("/v1/safe-haven").await;
    assert_eq!(bitcoin["hedge"], "none");
    assert_eq!(bitcoin["safe_haven"], serde_json::json!({"q10": "none", "q5": "none", "q1": "none"}));
    assert!(bitcoin["verdict"].as_str().unwrap().contains("neither a hedge nor a safe haven"), "{bitcoin}");
    assert_ne!(bitcoin["gold"]["safe_haven"]["q1"], "none");
    let before = ask("/v1/safe-haven?as_of=2026-02-03T23:00:00Z").await;
    assert_eq!(before["n_obs"].as_u64().map(|n| n + 1), bitcoin["n_obs"].as_u64(), "the day was not over");
    assert_ne!(before["c1"], bitcoin["c1"]);
}

#[tokio::test]
async fn s19_had_no_verdict_an_hour_before_the_500th_pair_of_returns() {
    let known = ask("/v1/safe-haven?as_of=2019-12-31T00:00:00Z").await;
    assert_eq!((&known["n_obs"], &known["hedge"]), (&Value::from(500), &Value::from("none")));
    let before = answer("/v1/safe-haven?as_of=2019-12-30T23:00:00Z").await;
    assert_eq!((&before["data"]["hedge"], &before["data"]["safe_haven"]), (&Value::Null, &Value::Null));
    assert!(warns(&before, "insufficient_history"), "{before}");
}

#[tokio::test]
async fn s20_protection_against_further_falls_is_in_demand() {
    let options = ask("/v1/options").await;
    assert_eq!(options["downside_protection"], "elevated");
    assert!(number(&options["risk_reversal_25d_vol_points"]) < -9.0, "{options}");
    for tenor in ["7d", "30d", "90d", "180d"] {
        let at_tenor = ask(&format!("/v1/options?tenor={tenor}")).await;
        assert!(number(&at_tenor["risk_reversal_25d_vol_points"]) < -9.0 && at_tenor["atm_iv_pct"].is_number(), "{at_tenor}");
    }
    let before = ask("/v1/options?as_of=2026-01-20").await;
    assert_ne!(before["downside_protection"], "elevated");
}

#[tokio::test]
async fn s21_volatility_picked_up_after_a_prolonged_calm() {
    let volatility = ask("/v1/volatility").await;
    assert_eq!(volatility["pickup"], true);
    assert!(volatility["calm_days"].as_u64().unwrap() >= 30, "{volatility}");
    let before = ask("/v1/volatility?as_of=2026-01-28").await;
    assert_eq!((&before["pickup"], &before["regime"]), (&Value::Bool(false), &Value::from("calm")));
}

#[tokio::test]
async fn s22_the_market_is_in_defensive_mode_and_the_parts_add_up() {
    let stress = ask("/v1/stress").await;
    assert!(["high", "severe", "extreme"].contains(&stress["band"].as_str().unwrap()), "{stress}");
    let parts: f64 = stress["segments"].as_array().unwrap().iter().map(|segment| number(&segment["contribution"])).sum();
    near(&stress["systemic"], parts, 1e-9);
    let before = ask("/v1/stress?as_of=2026-01-28").await;
    assert!(number(&before["systemic"]) < number(&stress["systemic"]) - 20.0, "{before}");
}

#[tokio::test]
async fn s23_one_briefing_tells_all_of_it_from_one_instant() {
    let briefing = ask("/v1/briefing?since=2026-01-29").await;
    assert_eq!(briefing["missing"], serde_json::json!([]));
    let figures = briefing["figures"].as_array().unwrap();
    let value = |id: &str| &figures.iter().find(|figure| figure["id"] == id).unwrap_or_else(|| panic!("no {id}"))["value"];
    near(value("market_cap_change"), -467.6e9, 1.0);
    near(value("price"), 76_600.0, 1e-6);
    near(value("previous_day_low"), 72_877.0, 1e-6);
    near(value("drawdown"), -40.0, 1.0);
    near(value("etf_flow_latest"), -272e6, 1.0);
    near(value("etf_flow_previous"), 562e6, 1.0);
    assert!(number(value("liquidations_24h")) > 700e6 && number(value("liquidations_since")) > 6.67e9);
    assert_eq!((value("volatility_pickup"), value("deleveraging")), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!((value("funding_state"), value("downside_protection")), (&Value::from("negative"), &Value::from("elevated")));
    for figure in figures {
        let told = ["sentence", "unit", "source", "observed_at", "state"].iter().all(|field| figure[*field].is_string());
        assert!(told && figure["state"] == "fresh", "{figure}");
    }
    let before = ask("/v1/briefing?since=2024-09-01&as_of=2024-10-01T01:00:00Z").await;
    let missing = before["missing"].as_array().unwrap();
    let reasoned = missing.iter().all(|figure| figure["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    assert!(missing.iter().any(|figure| figure["id"] == "downside_protection") && reasoned, "{before}");
}
