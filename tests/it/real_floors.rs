//! What real files allow to be said of sums: floors, parts and silence, asked through HTTP.

use serde_json::Value;

use crate::http::Client;
use crate::real_data::{CUTOFF, ask, near};

/// Before 2024-11-13 the files hold one stray order and nothing else, after 2025-11-14 nothing until 2025-12-11.
async fn silence_is_no_calm(client: &Client) {
    let week = ask(client, "/v1/liquidations?window=7d&as_of=2025-07-21T22:48:30Z").await;
    near(&week["robust_z"], 1.311, 0.000_5);
    assert_eq!(week["record_since"], "2024-11-13T20:00:00Z", "the stray order begins no history");
    let day = ask(client, "/v1/liquidations?as_of=2025-12-11T03:19:00Z").await;
    near(&day["robust_z"], -0.089, 0.000_5);
    assert_eq!((&day["bound"], &day["covered"]["from"]), (&Value::from("at_least"), &Value::from("2025-12-11T01:36:23.918Z")));
    near(&day["covered"]["ratio"], 6_156.082 / 86_400.0, 1e-9);
}

/// The record day of one venue is a floor of that of the market, while the venue is live.
async fn a_floor_contradicts_nothing_larger(client: &Client) {
    for (value, op, verdict) in
        [("19e9", "about", "unknowable"), ("19e9", "gt", "unknowable"), ("1e9", "gt", "supported"), ("1e9", "lt", "contradicted")]
    {
        let target = format!("/v1/check?figure=liquidations_record_day&op={op}&value={value}&as_of=2025-12-11T03:19:00Z");
        let found = ask(client, &target).await;
        assert_eq!((&found["verdict"], &found["bound"]), (&Value::from(verdict), &Value::from("at_least")), "{target}: {found}");
        near(&found["computed"], 1.29e9, 0.01e9);
    }
    let stale = ask(client, &format!("/v1/check?figure=liquidations_record_day&op=gt&value=1e9&as_of={CUTOFF}")).await;
    assert_eq!((&stale["verdict"], &stale["computed"]), (&Value::from("unknowable"), &Value::Null), "{stale}");
}

async fn sentences_say_what_is_on_record(client: &Client) {
    let sentence = async |as_of: &str| {
        let briefing = ask(client, &format!("/v1/briefing?as_of={as_of}")).await;
        let figures = briefing["figures"].as_array().unwrap();
        let figure = |id: &str| figures.iter().find(|figure| figure["id"] == id).map(|figure| figure["sentence"].to_string());
        (figure("liquidations_24h").unwrap(), figure("liquidations_record_day").unwrap())
    };
    let (day, record) = sentence("2025-12-11T01:39:30Z").await;
    assert!(day.contains("of at least ") && day.contains(" in the 3 minutes on record."), "{day}");
    assert!(record.contains("2025-10-10 with at least 1.29 billion USD, on record since 2024-11-13."), "{record}");
    let (whole, _) = sentence("2025-10-11T00:00:00Z").await;
    assert!(whole.contains("of at least ") && whole.contains(" in 24 hours."), "{whole}");
}

/// Sums and lists of one window agree, whatever the millisecond of its ends.
async fn totals_hold_what_lists_show(client: &Client) {
    for (since, as_of) in [
        ("2025-12-11T02:07:22.593Z", "2025-12-11T02:13:43.278Z"),
        ("2025-12-11T02:07:22.594Z", "2025-12-11T02:13:43.279Z"),
        ("2025-12-11T03:18:16.630Z", "2025-12-11T03:18:19.487Z"),
    ] {
        let window = format!("since={since}&as_of={as_of}");
        let orders = ask(client, &format!("/v1/liquidations/orders?limit=10000&{window}")).await;
        let orders = orders.as_array().unwrap();
        let total = ask(client, &format!("/v1/liquidations?{window}")).await;
        near(&total["total_usd"], orders.iter().map(|order| order["usd"].as_f64().unwrap()).sum(), 1e-6);
        assert_eq!(total["n_orders"], orders.len(), "{window}");
    }
}

/// In the afternoon the publisher writes a zero for each fund of a day that has just begun.
async fn a_day_that_has_not_begun_is_not_the_latest(client: &Client) {
    let flows = ask(client, "/v1/etf-flows?as_of=2026-02-03T16:10:00Z").await;
    assert_eq!(flows["latest"]["trading_day"], "2026-02-02");
    near(&flows["latest"]["net_flow_usd"], 561.8e6, 1.0);
}

pub(crate) async fn all(client: &Client) {
    silence_is_no_calm(client).await;
    a_floor_contradicts_nothing_larger(client).await;
    sentences_say_what_is_on_record(client).await;
    totals_hold_what_lists_show(client).await;
    a_day_that_has_not_begun_is_not_the_latest(client).await;
}
