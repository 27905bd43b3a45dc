//! Who may push, what, and how often.

use market_stress::api::{Quota, Settings};
use market_stress::domain::ApiKey;
use market_stress::keys::Token;
use serde_json::{Value, json};

use super::{JSON, PATH, make_key, price, serve, small_desk, verdicts};
use crate::harness::{Engine, Home};
use crate::http::{NOW, at};

#[tokio::test]
async fn without_a_key_that_opens_nothing_is_taken() {
    let (home, desk) = small_desk().await;
    let body = json!({ "rows": [price("2026-02-01", 1.0)] }).to_string();
    let revoked = make_key(desk.store.as_ref(), |key| key).await;
    let id = revoked.split('_').nth(1).unwrap().parse().unwrap();
    assert_eq!(desk.push_with(&revoked, &[("Content-Type", JSON)], &body).await.status, 200);
    // Another node revokes it.
    home.open().await.revoke_key(&id, at(NOW)).await.unwrap();
    let forged = format!("{}{}", &desk.token[..desk.token.len() - 4], "0000");
    let unknown = Token::draw().unwrap().reveal();
    for token in [revoked.as_str(), &forged, &unknown, "", "msk_x_y", "secret"] {
        let reply = desk.push_with(token, &[("Content-Type", JSON)], &body).await;
        assert_eq!((reply.status, reply.problem()["code"].as_str()), (401, Some("unauthorized")), "{token}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        assert!(token.is_empty() || !reply.text().contains(token), "a key was told on");
    }
    let basic = format!("Basic {}", desk.token);
    for headers in [&[][..], &[("Authorization", basic.as_str())], &[("X-Api-Key", desk.token.as_str())]] {
        let reply = desk.client.post(PATH, headers, body.as_bytes()).await;
        assert_eq!((reply.status, reply.problem()["code"].as_str()), (401, Some("unauthorized")));
    }
    let in_the_address =
        desk.client.post(&format!("{PATH}?key={}", desk.token), &[("Content-Type", JSON)], body.as_bytes()).await;
    assert_eq!(in_the_address.status, 401);
    assert_eq!(desk.store.latest_version().await.unwrap(), 1);
}

#[tokio::test]
async fn a_key_does_only_what_it_was_made_for() {
    let (_home, desk) = small_desk().await;
    let bound = make_key(desk.store.as_ref(), |key| ApiKey { sources: ["mine".parse().unwrap()].into(), ..key }).await;
    let mine = json!({"series": "price.btc@mine", "observed_at": "2026-02-03", "value": 1});
    let push = async |rows: Value| desk.push_with(&bound, &[("Content-Type", JSON)], &json!({ "rows": rows }).to_string()).await;
    let reply = push(json!([mine, price("2026-02-03", 1.0)])).await;
    assert_eq!((reply.status, reply.problem()["code"].as_str()), (403, Some("forbidden")));
    assert!(reply.problem()["detail"].as_str().unwrap().contains("rows of mine, not of desk"), "{}", reply.text());
    let mut dated = mine.clone();
    dated["known_at"] = "2026-02-03".into();
    assert_eq!(push(json!([dated])).await.status, 403);
    assert!(desk.is_empty().await);
    assert_eq!(push(json!([mine])).await.status, 200);
}

#[tokio::test]
async fn only_a_key_that_may_backfill_adds_to_the_past() {
    let (_home, desk) = small_desk().await;
    let token = make_key(desk.store.as_ref(), |key| ApiKey { may_backfill: true, ..key }).await;
    let push = async |rows: Value| desk.push_with(&token, &[("Content-Type", JSON)], &json!({ "rows": rows }).to_string()).await;
    let dated = |value: f64, known_at: &str| json!({"series": "price.btc@desk", "observed_at": "2026-02-02", "value": value, "known_at": known_at});
    let reply = push(json!([dated(2.0, "2026-02-03"), dated(1.0, "2026-02-02"), price("2026-02-01", 7.0)])).await;
    assert_eq!(verdicts(&reply), ["revised", "new", "new"], "{}", reply.text());
    let then = desk.client.get("/v1/series/price.btc@desk?as_of=2026-02-02T12:00:00Z").await.json();
    assert_eq!(then["data"], json!([{"observed_at": "2026-02-02T00:00:00Z", "value": 1.0, "known_at": "2026-02-02T00:00:00Z"}]));
    let contradicted = push(json!([dated(3.0, "2026-02-03")])).await;
    assert_eq!(verdicts(&contradicted), ["refused"]);
    let tomorrow = push(json!([dated(3.0, "2026-02-05")])).await;
    assert_eq!(tomorrow.problem()["verdicts"][0]["field"], "known_at");
}

#[tokio::test]
async fn a_key_that_pushes_too_often_is_told_when_to_come_back() {
    let home = Home::new(Engine::Sqlite).await.unwrap();
    let settings = Settings { push_allowance: Some(Quota { burst: 2, per_second: 1 }), ..Settings::default() };
    let desk = serve(home.open().await, settings).await;
    let mut statuses = vec![];
    for _ in 0..20 {
        let reply = desk.push_rows(json!([price("2026-02-03", 1.0)])).await;
        statuses.push(reply.status);
        if reply.status == 429 {
            assert_eq!((reply.problem()["code"].as_str(), reply.header("retry-after")), (Some("rate_limited"), Some("1")));
            break;
        }
    }
    assert_eq!((&statuses[..2], statuses.last()), (&[200, 200][..], Some(&429)));
    let other = make_key(desk.store.as_ref(), |key| key).await;
    let body = json!({ "rows": [price("2026-02-03", 1.0)] }).to_string();
    assert_eq!(desk.push_with(&other, &[("Content-Type", JSON)], &body).await.status, 200, "another key has its own allowance");
}

#[tokio::test]
async fn the_use_of_a_key_is_noted_to_the_minute() {
    let (_home, desk) = small_desk().await;
    let used = async || desk.store.keys().await.unwrap()[0].last_used_at;
    assert_eq!(used().await, None);
    for (seconds, noted) in [(0, 0), (59, 0), (60, 60)] {
        desk.clock.set(at(NOW).plus_ms(seconds * 1_000));
        desk.push_rows(json!([price("2026-02-03", 1.0)])).await;
        assert_eq!(used().await, Some(at(NOW).plus_ms(noted * 1_000)));
    }
}
