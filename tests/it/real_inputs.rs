//! What may be said from which inputs, asked of real files: sources that have died, histories that are too short.

use market_stress::config::Config;
use market_stress::metrics::SourceOrder;
use serde_json::Value;

use crate::http::Client;
use crate::real_data::{ask, near};

/// The order of a service that nobody has configured: it asks the perpetual before the spot market.
pub(crate) fn default_order() -> SourceOrder {
    SourceOrder::new(Config::default().source_order)
}

async fn whole(client: &Client, target: &str) -> Value {
    let reply = client.get(target).await;
    assert_eq!(reply.status, 200, "{target}: {}", reply.text());
    reply.json()
}

fn detail<'a>(answer: &'a Value, code: &str) -> &'a str {
    let warnings = answer["warnings"].as_array().unwrap();
    let found = warnings.iter().find(|warning| warning["code"] == code);
    found.unwrap_or_else(|| panic!("no {code} in {warnings:?}"))["detail"].as_str().unwrap()
}

/// A figure of a briefing, or the reason why it is missing.
fn figure(briefing: &Value, id: &str) -> Result<Value, String> {
    let named = |list: &str| briefing[list].as_array().unwrap().iter().find(|figure| figure["id"] == id).cloned();
    named("figures").ok_or_else(|| named("missing").unwrap()["reason"].as_str().unwrap().to_owned())
}

/// The table of sources: the live one that covers the question answers.
pub(crate) async fn live_sources_answer(client: &Client) {
    let cap = whole(client, "/v1/market-cap?as_of=2026-02-04T08:00:00Z").await;
    near(&cap["data"]["market_cap_usd"], 2_559e9, 1e9);
    near(&cap["data"]["drawdown_pct"], -40.2, 0.05);
    let switched = detail(&cap, "source_switched");
    assert!(switched.contains("derived") && switched.contains("coingecko") && switched.contains("2025-08-0"), "{switched}");

    let briefing = ask(client, "/v1/briefing?as_of=2023-06-10T12:00:00Z").await;
    let drawdown = figure(&briefing, "drawdown").unwrap();
    near(&drawdown["value"], -60.8, 1.0);
    assert!(drawdown["sentence"].as_str().unwrap().contains("2021-11"), "{drawdown}");

    let haven = ask(client, "/v1/safe-haven?as_of=2024-08-06").await;
    assert!(haven["n_obs"].as_u64().unwrap() > 1_500, "{haven}");
    assert!(!haven["verdict"].as_str().unwrap().contains("too little"), "{haven}");

    let price = whole(client, "/v1/price?as_of=2026-04-09").await;
    assert!(price["sources"].as_array().unwrap().iter().all(|source| source["state"] == "fresh"), "{price}");
    assert!(detail(&price, "source_switched").contains("binance-perp"));
    assert!(price["data"]["change_24h_pct"].is_number(), "{price}");
}

/// Nothing is derived from rows of a source that is not live.
pub(crate) async fn old_rows_state_levels_alone(client: &Client) {
    let june = whole(client, "/v1/open-interest?as_of=2026-06-20").await;
    assert_eq!((&june["data"]["deleveraging"], &june["data"]["change_pct"]), (&Value::Null, &Value::Null));
    assert!(june["data"]["open_interest_usd"].is_number(), "the level stays: {june}");
    assert!(detail(&june, "stale_input").contains("2025-11-14"));
    let november = ask(client, "/v1/open-interest?as_of=2025-11-20").await;
    assert_eq!((&november["quadrant"], &november["peak_usd"]), (&Value::Null, &Value::Null));
    let funding = whole(client, "/v1/funding?as_of=2026-08-10").await;
    assert_eq!((&funding["data"]["rate_8h_ratio"], &funding["data"]["state"]), (&Value::Null, &Value::Null));
    assert!(detail(&funding, "stale_input").starts_with("stale: "));
    let briefing = ask(client, "/v1/briefing?as_of=2026-06-20").await;
    assert!(figure(&briefing, "deleveraging").unwrap_err().starts_with("stale: "), "{briefing}");
    let check = ask(client, "/v1/check?figure=deleveraging&value=true&as_of=2026-06-20").await;
    assert_eq!(check["verdict"], "unknowable");
}

/// Answers stay short however many series they were read from, and no instant lies after the cutoff.
pub(crate) async fn answers_are_short(client: &Client) {
    let cutoff = "2026-02-04T08:00:00Z";
    for (path, most_bytes) in [("/v1/liquidations", 8_000), ("/v1/briefing", 40_000)] {
        let mut bytes = 0;
        for as_of in [cutoff, "2025-10-11T08:00:00Z", "2025-12-11T20:00:00Z"] {
            let reply = client.get(&format!("{path}?as_of={as_of}")).await;
            bytes = bytes.max(reply.text().len());
            let json = reply.json();
            for source in json["sources"].as_array().unwrap() {
                assert!(
                    source["age_seconds"].as_i64().unwrap() >= 0 && source["observed_at"].as_str().unwrap() <= as_of,
                    "{source}"
                );
            }
            let longest =
                json["warnings"].as_array().unwrap().iter().map(|w| w["detail"].as_str().unwrap().chars().count()).max();
            assert!(longest.is_none_or(|longest| longest <= 300), "{path}: {longest:?}");
        }
        crate::harness::say(&format!("REAL INPUTS: {path} has at most {bytes} bytes"));
        assert!(bytes < most_bytes, "{path} has {bytes} bytes");
    }
    let full = whole(client, &format!("/v1/briefing?sources=full&as_of={cutoff}")).await;
    assert!(full["sources"].as_array().unwrap().iter().all(|source| source["series"].is_string()));
    let none = whole(client, &format!("/v1/briefing?sources=none&as_of={cutoff}")).await;
    assert!(none.get("sources").is_none());
}
