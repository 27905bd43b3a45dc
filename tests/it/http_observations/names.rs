//! Pushes with an `Idempotency-Key`.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};

use super::{Desk, JSON, desk, price, small_desk, verdicts};
use crate::harness::{Engine, Home};
use crate::http::at;

#[rstest]
#[tokio::test]
async fn a_named_push_is_done_once_and_answered_alike_even_after_a_restart(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(home) = Home::new(engine).await else { return };
    let first = desk(&home).await;
    let rows = json!([price("2026-02-03", 1.0)]);
    let done = first.push_named("load-7", &rows).await;
    assert_eq!((done.status, done.header("idempotency-replayed")), (200, None));
    assert_eq!(verdicts(&done), ["new"]);
    let restarted = Desk { token: first.token.clone(), ..desk(&home).await };
    for node in [&first, &restarted] {
        let again = node.push_named("load-7", &rows).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (200, Some("true")));
        assert_eq!(again.body, done.body);
        let other = node.push_named("load-7", &json!([price("2026-02-03", 2.0)])).await;
        assert_eq!((other.status, other.problem()["code"].as_str()), (409, Some("conflict")), "{}", other.text());
    }
    let unnamed = restarted.push_rows(rows).await;
    assert_eq!(verdicts(&unnamed), ["unchanged"]);
    assert_eq!(first.store.latest_version().await.unwrap(), 1);
}

#[tokio::test]
async fn a_refused_push_uses_up_no_name() {
    let (_home, desk) = small_desk().await;
    let flow = json!({"source": "desk", "asset": "btc", "fund": "IBIT", "trading_day": "2026-02-03", "flow_usd": 1});
    let same = json!({"series": "etf_flow.btc.IBIT@desk", "observed_at": "2026-02-03", "value": 2});
    assert_eq!(desk.push_named("load-7", &json!([flow, same])).await.status, 422);
    assert_eq!(desk.push_named("load-7", &json!([flow])).await.status, 200);
}

#[rstest]
#[case::empty(&[("Idempotency-Key", "")])]
#[case::twice(&[("Idempotency-Key", "a"), ("Idempotency-Key", "a")])]
#[case::no_ascii(&[("Idempotency-Key", "é")])]
#[tokio::test]
async fn a_name_that_cannot_be_kept_is_refused(#[case] headers: &[(&str, &str)]) {
    let (_home, desk) = small_desk().await;
    let headers: Vec<(&str, &str)> = [("Content-Type", JSON)].iter().chain(headers).copied().collect();
    let reply = desk.push_with(&desk.token, &headers, &json!({ "rows": [price("2026-02-03", 1.0)] }).to_string()).await;
    assert_eq!((reply.status, &reply.problem()["errors"][0]["parameter"]), (400, &"Idempotency-Key".into()), "{}", reply.text());
    assert!(desk.is_empty().await);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_equal_pushes_at_once_one_is_done(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let desk = Arc::new(desk(&home).await);
    let rows: Vec<Value> = (0..200).map(|n| price(&at("2026-02-01").plus_ms(n * 60_000).to_string(), 1.0)).collect();
    let rows = Arc::new(json!(rows));
    let pushing: Vec<_> = (0..8)
        .map(|_| {
            let (desk, rows) = (Arc::clone(&desk), Arc::clone(&rows));
            tokio::spawn(async move { desk.push_named("load-7", &rows).await })
        })
        .collect();
    let (mut done, mut answers) = (0, vec![]);
    for pushed in pushing {
        let reply = pushed.await.unwrap();
        if reply.status == 409 {
            assert_eq!(reply.header("retry-after"), Some("1"));
            continue;
        }
        assert_eq!(reply.status, 200, "{}", reply.text());
        done += usize::from(reply.header("idempotency-replayed").is_none());
        answers.push(reply.body);
    }
    assert_eq!(done, 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(desk.store.latest_version().await.unwrap(), 1);
    assert_eq!(desk.push_named("load-7", &rows).await.body, answers[0]);
}
