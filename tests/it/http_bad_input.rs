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
