//! What a client gets wrong is named, all of it, in one problem document.

use axum::routing::get;
use rstest::rstest;

use crate::http::Plan;

#[rstest]
#[case("/v1/price?windw=7d", 400, "bad_request", "windw", "did you mean `window`")]
#[case("/v1/price?asset=btc&asset=eth", 400, "bad_request", "asset", "more than once")]
#[case("/v1/price?asset=", 400, "bad_request", "asset", "is empty")]
#[case("/v1/price?asset=BTC", 400, "bad_request", "asset", "did you mean `btc`")]
#[case("/v1/price?as_of=2026-02-30", 400, "bad_request", "as_of", "not a moment")]
#[case("/v1/price?as_of=yesterday", 400, "bad_request", "as_of", "not a moment")]
#[case("/v1/price?as_of=0001-01-01", 400, "bad_request", "as_of", "not a moment")]
#[case("/v1/price?as_of=2026-02-04T08:00:00+02:00", 400, "bad_request", "as_of", "%2B02:00")]
#[case("/v1/price?as_of=2026-02-05", 422, "unprocessable", "as_of", "future")]
#[case("/v1/price?window=7d&since=2026-01-01", 400, "bad_request", "window", "together")]
#[case("/v1/price?window=-7d", 400, "bad_request", "window", "not a window")]
#[case("/v1/price?window=99999999y", 400, "bad_request", "window", "not a window")]
#[case("/v1/price?since=2026-02-03&until=2026-02-01", 400, "bad_request", "until", "not after its start")]
#[case("/v1/price?until=2026-02-01", 400, "bad_request", "until", "needs a `since`")]
#[case("/v1/price?format=xml", 400, "bad_request", "format", "not one of")]
#[case("/v1/price?format=ndjson", 400, "bad_request", "format", "not one of")]
#[case("/v1/price?time_format=unix", 400, "bad_request", "time_format", "unix_ms")]
#[case("/v1/price?limit=3", 400, "bad_request", "limit", "not a parameter")]
#[case("/v1/price?asset=nosuch", 404, "not_found", "asset", "not known")]
#[case("/v1/price?source=nosuch", 404, "not_found", "source", "no series")]
#[case("/v1/drawdown?basis=open", 400, "bad_request", "basis", "not one of")]
#[case("/v1/drawdown?interval=1x", 400, "bad_request", "interval", "a period is")]
#[case("/v1/drawdown/series?max_points=1", 400, "bad_request", "max_points", "from 2 to")]
#[case("/v1/drawdown/series?max_points=ten", 400, "bad_request", "max_points", "whole number")]
#[case("/v1/drawdown/episodes?min_depth_pct=NaN", 400, "bad_request", "min_depth_pct", "not a number")]
#[case("/v1/drawdown/episodes?rebound_pct=1e400", 400, "bad_request", "rebound_pct", "not a number")]
#[case("/v1/drawdown/episodes?limit=0", 400, "bad_request", "limit", "from 1 to")]
#[case("/v1/drawdown/episodes?cursor=abc", 400, "bad_request", "cursor", "gave out")]
#[case("/v1/liquidations/orders?side=buy", 400, "bad_request", "side", "not one of")]
#[case("/v1/liquidations/orders?min_usd=-1", 400, "bad_request", "min_usd", "not a number")]
#[case("/v1/series?metric=mood", 400, "bad_request", "metric", "the metric is one of")]
#[case("/v1/series?asset=nosuch", 404, "not_found", "asset", "not known")]
#[case("/v1/series/nonsense", 404, "not_found", "key", "no series")]
#[case("/v1/series/price.btc@nobody", 404, "not_found", "key", "no series")]
#[case("/v1/series/price.btc@nobody?key=other", 400, "bad_request", "key", "more than once")]
#[tokio::test]
async fn a_bad_parameter_is_a_problem_that_names_it(
    #[case] target: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] parameter: &str,
    #[case] detail: &str,
) {
    let reply = Plan::with_prices().serve().await.get(target).await;
    let problem = reply.problem();
    assert_eq!((reply.status, problem["code"].as_str()), (status, Some(code)), "{problem}");
    assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(detail), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
}

#[rstest]
#[case("/v1/volatility?estimator=gk", 400, "estimator", "not one of", &["close", "garman_klass", "ewma"])]
#[case("/v1/volatility?window=1d", 400, "window", "2 to 3650 whole days", &["30d", "1y"])]
#[case("/v1/volatility?window=20y", 400, "window", "2 to 3650 whole days", &["30d", "1y"])]
#[case("/v1/volatility?window=month", 400, "window", "such as 24h, 30d or 1y, or all", &[])]
#[case("/v1/volatility?since=2026-01-01", 400, "since", "not a parameter", &["window", "estimator", "asset", "as_of"])]
#[case("/v1/volatility?source=nosuch", 404, "source", "no series", &["venue"])]
#[case("/v1/options?tenor=14d", 400, "tenor", "not one of", &["7d", "30d", "90d", "180d"])]
#[case("/v1/options?asset=nosuch", 404, "asset", "not known", &["btc", "sp500"])]
#[case("/v1/correlation?method=kendall", 400, "method", "not one of", &["pearson", "spearman"])]
#[case("/v1/correlation?with=sp500,nosuch", 404, "with", "`nosuch` is not known", &["sp500", "gold"])]
#[case("/v1/correlation?with=SP500", 400, "with", "did you mean `sp500`", &[])]
#[case("/v1/correlation?with=sp500,", 400, "with", "1 to 20 of a-z", &[])]
#[case("/v1/correlation?window=9", 400, "window", "from 10 to 2500", &["10 to 2500"])]
#[case("/v1/correlation?window=60d", 400, "window", "from 10 to 2500", &["10 to 2500"])]
#[case("/v1/correlation/series?max_points=0", 400, "max_points", "from 2 to 100000", &["2 to 100000"])]
#[case("/v1/correlation/series?method=tau", 400, "method", "not one of", &["pearson", "spearman"])]
#[case("/v1/safe-haven?against=btc", 400, "against", "no haven from itself", &["sp500", "gold"])]
#[case("/v1/safe-haven?against=nosuch", 404, "against", "not known", &["sp500", "gold"])]
#[case("/v1/safe-haven?against=GOLD", 400, "against", "did you mean `gold`", &[])]
#[case("/v1/cross-asset?assets=btc,nosuch", 404, "assets", "`nosuch` is not known", &["btc", "wti"])]
#[case("/v1/cross-asset?asset=btc", 400, "asset", "did you mean `assets`", &["assets", "window"])]
#[case("/v1/breadth?source=nosuch", 404, "source", "no series", &["venue"])]
#[case("/v1/breadth?since=2026-02-05T00:00:00Z", 400, "until", "not after its start", &[])]
#[case("/v1/liquidity?source=nosuch", 404, "source", "no series", &["venue"])]
#[case("/v1/liquidity?window=7d", 400, "window", "not a parameter", &["asset", "source", "as_of"])]
#[case("/v1/open-interest?asset=nosuch", 404, "asset", "not known", &["btc"])]
#[case("/v1/open-interest?window=0d", 400, "window", "such as 24h, 30d or 1y, or all", &[])]
#[case("/v1/funding?asset=nosuch", 404, "asset", "not known", &["btc"])]
#[case("/v1/funding?source=b!", 400, "source", "b!", &[])]
#[case("/v1/liquidations/cascades?limit=0", 400, "limit", "from 1 to", &["1 to 10000"])]
#[case("/v1/liquidations/cascades?asset=nosuch", 404, "asset", "not known", &["btc"])]
#[case("/v1/etf-flows/series?interval=1h", 400, "interval", "not one of", &["1d", "1w"])]
#[case("/v1/drawdown?interval=1h", 400, "interval", "no bars of btc", &["1d"])]
#[case("/v1/stress?asset=btc", 400, "asset", "not a parameter", &["as_of", "format"])]
#[case("/v1/stress/series?interval=1h", 400, "interval", "not one of", &["1d"])]
#[case("/v1/stress/series?max_points=1", 400, "max_points", "from 2 to", &["2 to 100000"])]
#[case("/v1/compare?a=2026-02-03&b=2026-02-01", 400, "a", "must be before b", &["earlier than 2026-02-01T00:00:00Z"])]
#[case("/v1/compare?a=2026-02-03&b=2026-02-03", 400, "a", "must be before b", &["earlier than 2026-02-03T00:00:00Z"])]
#[case("/v1/compare?a=-1d&b=2026-02-05", 400, "b", "after the cutoff", &["2026-02-04T08:00:00Z and earlier"])]
#[case("/v1/compare?a=monday", 400, "a", "such as -7d", &[])]
#[case("/v1/check?figure=prise&value=1", 400, "figure", "not a headline figure", &["price", "drawdown", "stress_band"])]
#[case("/v1/check?value=1", 400, "figure", "is needed", &[])]
#[case("/v1/check?figure=price", 400, "value", "is needed", &[])]
#[case("/v1/check?figure=price&value=NaN", 400, "value", "a number", &["-40"])]
#[case("/v1/check?figure=deleveraging&value=yes", 400, "value", "true or false", &["true", "false"])]
#[case("/v1/check?figure=funding_state&value=bad", 400, "value", "a few words", &["negative", "below_neutral", "neutral", "above_neutral"])]
#[case("/v1/check?figure=stress_band&value=panic", 400, "value", "a few words", &["calm", "severe", "extreme"])]
#[case("/v1/check?figure=previous_day_lowest_since&value=2024", 400, "value", "a date", &["2024-11-06"])]
#[case("/v1/check?figure=stress_band&value=high&op=gt", 400, "op", "no number", &["eq"])]
#[case("/v1/check?figure=price&value=1&op=ge", 400, "op", "not one of", &["eq", "lt", "gt", "about"])]
#[case("/v1/check?figure=price&value=1&tolerance_pct=200", 400, "tolerance_pct", "from 0 to 100", &["0 to 100"])]
#[case("/v1/briefing?since=2026-02-05T00:00:00Z", 400, "until", "not after its start", &[])]
#[case("/v1/briefing?format=svg", 400, "format", "not one of", &["json", "text", "markdown"])]
#[tokio::test]
async fn a_value_that_is_not_taken_is_answered_with_those_that_are(
    #[case] target: &str,
    #[case] status: u16,
    #[case] parameter: &str,
    #[case] detail: &str,
    #[case] allowed: &[&str],
) {
    let reply = Plan::with_prices().serve().await.get(target).await;
    let problem = reply.problem();
    let error = &problem["errors"][0];
    assert_eq!((reply.status, error["parameter"].as_str()), (status, Some(parameter)), "{problem}");
    assert!(error["detail"].as_str().unwrap().contains(detail), "{problem}");
    let named = error["allowed"].as_array().unwrap();
    assert!(allowed.iter().all(|word| named.contains(&(*word).into())), "{problem}");
}

/// A window longer than the history is answered as far as history goes, and says where it begins.
#[rstest]
#[case("/v1/price?window=10y", "change_window_pct", "history_limit", "2016-02-07T08:00:00Z")]
#[case("/v1/drawdown?window=10y", "recovered_at", "history_limit", "the first row is of 2026-01-05T00:00:00Z")]
#[case("/v1/cross-asset?assets=btc&window=10y", "0/change_pct", "history_limit", "2016-02-07T08:00:00Z")]
#[case("/v1/volatility?window=9y", "realised_pct", "insufficient_history", "80 % of its 3285 daily bars, 30 are known")]
#[case("/v1/correlation?with=eth&window=2500", "0/correlation", "insufficient_history", "0 of 2500 returns")]
#[case("/v1/safe-haven?window=10y", "hedge", "insufficient_history", "needs 500 paired returns, 0 are known")]
#[case("/v1/breadth?window=10y", "small_cap_return_pct", "insufficient_history", "returns need 30 members")]
#[case("/v1/stress/series?window=10y", "0", "insufficient_history", "365 days of history")]
#[tokio::test]
async fn a_window_longer_than_the_history_is_null_and_says_where_history_begins(
    #[case] target: &str,
    #[case] null: &str,
    #[case] code: &str,
    #[case] detail: &str,
) {
    let answer = Plan::with_prices().serve().await.get(target).await.json();
    assert!(answer["data"].pointer(&format!("/{null}")).is_none_or(serde_json::Value::is_null), "{answer}");
    let warns = |warning: &serde_json::Value| warning["code"] == code && warning["detail"].as_str().unwrap().contains(detail);
    assert!(answer["warnings"].as_array().unwrap().iter().any(warns), "{answer}");
}

#[tokio::test]
async fn every_bad_parameter_is_named_at_once() {
    let service = Plan::with_prices().serve().await;
    let absurd = "9".repeat(5_000);
    let target = format!("/v1/price?asset=!&window={absurd}&mood=bad&as_of=never&format=gif");
    let problem = service.get(&target).await.problem();
    let named: Vec<&str> = problem["errors"].as_array().unwrap().iter().filter_map(|it| it["parameter"].as_str()).collect();
    assert_eq!(named, ["asset", "window", "as_of", "format", "mood"]);
    assert!(problem.to_string().len() < 5_000, "an absurd value is not repeated");
}

#[tokio::test]
async fn the_words_that_may_be_given_are_listed() {
    let service = Plan::with_prices().serve().await;
    let problem = service.get("/v1/price?format=xml").await.problem();
    assert_eq!(problem["errors"][0]["allowed"], serde_json::json!(["json", "csv"]));
    let problem = service.get("/v1/price?asset=nosuch").await.problem();
    assert!(problem["errors"][0]["allowed"].as_array().unwrap().contains(&"btc".into()), "{problem}");
}

#[rstest]
#[case("/v1/prize", "/v1/price")]
#[case("/v1/drawdwn", "/v1/drawdown")]
#[case("/healthz", "/")]
#[tokio::test]
async fn an_unknown_path_names_the_nearest(#[case] target: &str, #[case] nearest: &str) {
    let reply = Plan::default().serve().await.get(target).await;
    let problem = reply.problem();
    assert_eq!((reply.status, problem["code"].as_str()), (404, Some("not_found")));
    assert!(problem["detail"].as_str().unwrap().contains(nearest), "{problem}");
    assert_eq!(problem["instance"], target);
}

#[rstest]
#[case("POST", "/v1/price")]
#[case("DELETE", "/price")]
#[case("PUT", "/livez")]
#[case("OPTIONS", "/v1/price")]
#[tokio::test]
async fn another_method_is_a_problem_that_lists_the_right_ones(#[case] method: &str, #[case] target: &str) {
    let reply = Plan::default().serve().await.send(method, target, &[]).await;
    assert_eq!((reply.status, reply.problem()["code"].as_str()), (405, Some("method_not_allowed")));
    assert_eq!(reply.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn an_oversized_body_is_refused_before_it_is_read() {
    let service = Plan::default().serve().await;
    let reply = service.send("POST", "/v1/price", &[("Content-Length", "99999999999")]).await;
    assert_eq!((reply.status, reply.problem()["code"].as_str()), (413, Some("payload_too_large")));
}

#[tokio::test]
async fn a_panic_is_a_problem_and_the_service_lives_on() {
    async fn fall() {
        panic!("the secret reason");
    }
    let service = Plan { further: axum::Router::new().route("/fall", get(fall)), ..Plan::default() }.serve().await;
    for _ in 0..3 {
        let reply = service.get("/fall").await;
        let problem = reply.problem();
        assert_eq!((reply.status, problem["code"].as_str()), (500, Some("internal")));
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
    assert_eq!(service.get("/livez").await.status, 200);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_a_problem() {
    let mut plan = Plan { further: axum::Router::new().route("/forever", get(std::future::pending::<()>)), ..Plan::default() };
    plan.settings.request_timeout = std::time::Duration::from_millis(20);
    let reply = plan.serve().await.get("/forever").await;
    assert_eq!((reply.status, reply.problem()["code"].as_str()), (504, Some("timeout")));
}

#[tokio::test]
async fn more_requests_than_the_service_takes_are_turned_away() {
    let mut plan = Plan::default();
    plan.settings.max_in_flight = 0;
    let reply = plan.serve().await.get("/livez").await;
    assert_eq!((reply.status, reply.problem()["code"].as_str()), (503, Some("unavailable")));
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_store_that_is_away_stops_what_needs_it_and_nothing_else() {
    let service = Plan::with_prices().serve().await;
    service.store.away.store(true, std::sync::atomic::Ordering::SeqCst);
    for target in ["/readyz", "/v1/liquidations/orders"] {
        let reply = service.get(target).await;
        assert_eq!((reply.status, reply.problem()["code"].as_str()), (503, Some("unavailable")), "{target}");
        assert_eq!(reply.header("retry-after"), Some("5"));
    }
    assert_eq!(service.get("/v1/price").await.status, 200);
    service.store.away.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(service.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused() {
    let service = Plan::default().serve().await;
    let reply = service.send_raw(b"\x16\x03\x01 not http\r\n\r\n").await;
    assert_eq!(reply.status, 400);
    let odd = service.get("/v1/price?%ff%fe=%00&&&==&%").await;
    assert_eq!((odd.status, odd.problem()["code"].as_str()), (400, Some("bad_request")));
}
