//! What surrounds every answer: ids, origins, allowances, signs of life, and the way out.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use market_stress::api::Quota;
use rstest::rstest;
use tokio::sync::Notify;

use crate::http::Plan;

#[rstest]
#[case("abc-123_:.", true)]
#[case("with space", false)]
#[case("", false)]
#[tokio::test]
async fn a_plain_request_id_is_echoed_and_any_other_replaced(#[case] id: &str, #[case] echoed: bool) {
    let service = Plan::default().serve().await;
    for target in ["/livez", "/nowhere"] {
        let reply = service.get_with(target, &[("X-Request-Id", id)]).await;
        let answered = reply.header("x-request-id").unwrap();
        assert_eq!(answered == id, echoed, "{target} answered {answered}");
        assert!(!answered.is_empty());
    }
    let long = "a".repeat(500);
    assert_ne!(service.get_with("/livez", &[("X-Request-Id", &long)]).await.header("x-request-id"), Some(long.as_str()));
}

#[tokio::test]
async fn every_answer_may_be_read_from_any_origin() {
    let service = Plan::with_prices().serve().await;
    for target in ["/v1/price", "/nowhere", "/livez"] {
        let reply = service.get_with(target, &[("Origin", "https://example.org")]).await;
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{target}");
        let exposed = reply.header("access-control-expose-headers").unwrap();
        for name in ["ETag", "Idempotency-Replayed", "Link", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"] {
            assert!(exposed.split(", ").any(|known| known == name), "{name} is not exposed: {exposed}");
        }
    }
}

#[tokio::test]
async fn a_preflight_is_answered_and_may_be_kept() {
    let headers = [("Origin", "https://example.org"), ("Access-Control-Request-Method", "GET")];
    let reply = Plan::default().serve().await.send("OPTIONS", "/v1/price", &headers).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-max-age"), Some("86400"));
    let allows = |name: &str, value: &str| reply.header(name).unwrap().split(", ").any(|known| known == value);
    assert!(allows("access-control-allow-methods", "GET") && allows("access-control-allow-methods", "POST"));
    for name in ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"] {
        assert!(allows("access-control-allow-headers", name), "{name}");
    }
}

/// Two requests, and another one after an hour.
const TWO: Quota = Quota { burst: 2, per_second: 1 };

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let mut plan = Plan::default();
    plan.settings.allowance = Some(TWO);
    let service = plan.serve().await;
    let first = service.get("/livez").await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"client\";q=2;w=2"));
    assert_eq!(first.header("ratelimit"), Some("\"client\";r=1;t=1"));
    let mut last = first;
    for _ in 0..20 {
        last = service.get("/livez").await;
        if last.status != 200 {
            break;
        }
    }
    assert_eq!((last.status, last.problem()["code"].as_str()), (429, Some("rate_limited")));
    assert_eq!(last.header("retry-after"), Some("1"));
    assert!(last.header("ratelimit").unwrap().contains("r=0"), "{}", last.head);
}

#[tokio::test]
async fn an_answer_the_client_holds_costs_nothing() {
    let mut plan = Plan::with_prices();
    plan.settings.allowance = Some(TWO);
    let service = plan.serve().await;
    for _ in 0..20 {
        assert_eq!(service.get_with("/v1/price", &[("If-None-Match", "*")]).await.status, 304);
    }
}

#[tokio::test]
async fn behind_a_proxy_each_forwarded_client_has_its_own_allowance() {
    let mut plan = Plan::default();
    plan.settings.allowance = Some(Quota { burst: 1, per_second: 1 });
    plan.settings.behind_proxy = true;
    let service = plan.serve().await;
    let statuses = async |client: &str| service.get_with("/livez", &[("X-Forwarded-For", client)]).await.status;
    let granted = [statuses("192.0.2.1").await, statuses("6.6.6.6, 192.0.2.2").await, statuses("192.0.2.3").await];
    assert_eq!(granted, [200, 200, 200]);
}

#[tokio::test]
async fn signs_of_life_are_told() {
    let service = Plan::with_prices().serve().await;
    assert_eq!(service.get("/livez").await.json(), serde_json::json!({"status": "live"}));
    let ready = service.get("/readyz").await.json();
    assert_eq!((&ready["status"], &ready["data_version"]), (&"ready".into(), &1.into()));
    service.get("/v1/price").await;
    service.get("/nowhere").await;
    let metrics = service.get("/metrics").await;
    let counted = "market_stress_http_requests_total{route=\"/v1/price\",status=\"200\"} 1";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
    assert!(metrics.text().contains("{route=\"unmatched\",status=\"404\"} 1"), "{}", metrics.text());
    assert!(metrics.text().ends_with("# EOF\n"));
}

#[tokio::test]
async fn the_documentation_is_served_from_the_binary() {
    let service = Plan::default().serve().await;
    let page = service.get("/docs/").await;
    assert_eq!(page.status, 200);
    let assets: Vec<&str> = page.text().split('"').filter(|text| [".js", ".css"].iter().any(|end| text.ends_with(end))).collect();
    assert!(!assets.is_empty());
    for asset in assets {
        assert!(!asset.contains("//"), "{asset} is not of this service");
        assert_eq!(service.get(&format!("/docs/{}", asset.trim_start_matches("./"))).await.status, 200, "{asset}");
    }
    assert_eq!(service.get("/docs/nowhere.js").await.problem()["code"], "not_found");
}

#[tokio::test]
async fn requests_under_way_end_before_the_service_does() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
        get(move || async move {
            entered.notify_one();
            leave.notified().await;
            "done"
        })
    };
    let further = axum::Router::new().route("/slow", slow);
    let service = Arc::new(Plan { further, ..Plan::default() }.serve().await);
    let asking = tokio::spawn({
        let service = Arc::clone(&service);
        async move { service.get("/slow").await }
    });
    entered.notified().await;
    service.shutdown.cancel();
    leave.notify_one();
    assert_eq!(asking.await.unwrap().text(), "done");
    service.ended().await;
    assert!(tokio::net::TcpStream::connect(&service.address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_after_the_grace() {
    let further = axum::Router::new().route("/forever", get(std::future::pending::<()>));
    let mut plan = Plan { further, ..Plan::default() };
    plan.settings.shutdown_grace = Duration::from_millis(50);
    plan.settings.request_timeout = Duration::from_mins(10);
    let service = plan.serve().await;
    let mut stream = tokio::net::TcpStream::connect(&service.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET /forever HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    service.shutdown.cancel();
    service.ended().await;
}
