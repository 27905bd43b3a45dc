//! The contract of `Store` about keys and receipts, on both engines.

use std::sync::Arc;

use market_stress::domain::{ApiKey, Digest, KeyId, Timestamp};
use market_stress::store::{IdempotencyReservation, ReservationOutcome, Store};
use rstest::rstest;

use crate::harness::{Engine, Home};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_770_000_000);

fn id(text: &str) -> KeyId {
    text.parse().unwrap()
}

fn key(text: &str, sources: &[&str]) -> ApiKey {
    ApiKey {
        sources: sources.iter().map(|name| name.parse().unwrap()).collect(),
        may_backfill: !sources.is_empty(),
        ..ApiKey::new(id(text), &format!("desk of {text}, \"quoted\""), Digest::new([7; 32]), NOW)
    }
}

const FIRST: &str = "0000000000aa";
const SECOND: &str = "0000000000bb";

#[rstest]
#[tokio::test]
async fn keys_are_kept_as_they_were_made_and_listed_by_age(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    assert!(store.keys().await.unwrap().is_empty());
    assert_eq!(store.key(&id(FIRST)).await.unwrap(), None);
    let younger = ApiKey { created_at: NOW.plus_ms(1), ..key(FIRST, &["desk", "a_b", "a-b"]) };
    store.put_key(&younger).await.unwrap();
    store.put_key(&key(SECOND, &[])).await.unwrap();
    let reopened = home.open().await;
    assert_eq!(reopened.key(&id(FIRST)).await.unwrap(), Some(younger.clone()));
    assert_eq!(reopened.keys().await.unwrap(), [key(SECOND, &[]), younger.clone()]);
    assert!(store.put_key(&younger).await.is_err(), "an id was given out twice");
}

#[rstest]
#[tokio::test]
async fn a_key_is_revoked_once_and_at_once_for_every_node(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let (store, other) = (home.open().await, home.open().await);
    store.put_key(&key(FIRST, &[])).await.unwrap();
    store.put_key(&key(SECOND, &[])).await.unwrap();
    let revoked = store.revoke_key(&id(FIRST), NOW.plus_ms(5)).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(NOW.plus_ms(5)));
    assert_eq!(other.key(&id(FIRST)).await.unwrap(), Some(revoked.clone()));
    assert_eq!(other.revoke_key(&id(FIRST), NOW.plus_ms(9)).await.unwrap(), Some(revoked));
    assert_eq!(other.key(&id(SECOND)).await.unwrap().unwrap().revoked_at, None);
    assert_eq!(store.revoke_key(&id("0000000000cc"), NOW).await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn the_last_use_of_a_key_never_goes_back(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    store.put_key(&key(FIRST, &[])).await.unwrap();
    for (at, noted) in [(5, 5), (3, 5), (8, 8)] {
        store.note_key_use(&id(FIRST), NOW.plus_ms(at)).await.unwrap();
        assert_eq!(store.key(&id(FIRST)).await.unwrap().unwrap().last_used_at, Some(NOW.plus_ms(noted)));
    }
    store.note_key_use(&id(SECOND), NOW).await.unwrap();
}

fn claim(key: &str, name: &str, body: u8) -> IdempotencyReservation {
    IdempotencyReservation { key: id(key), idempotency_key: name.to_owned(), fingerprint: Digest::new([body; 32]) }
}

async fn with_keys(home: &Home) -> Arc<dyn Store> {
    let store = home.open().await;
    store.put_key(&key(FIRST, &[])).await.unwrap();
    store.put_key(&key(SECOND, &[])).await.unwrap();
    store
}

#[rstest]
#[tokio::test]
async fn a_claim_is_granted_once_and_its_answer_outlives_a_restart(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = with_keys(&home).await;
    let ours = claim(FIRST, "load-7", 1);
    assert_eq!(store.reserve(&ours, NOW).await.unwrap(), ReservationOutcome::Granted);
    assert_eq!(store.reserve(&ours, NOW).await.unwrap(), ReservationOutcome::InProgress);
    assert_eq!(store.reserve(&claim(FIRST, "load-7", 2), NOW).await.unwrap(), ReservationOutcome::Conflict);
    assert_eq!(store.reserve(&claim(SECOND, "load-7", 2), NOW).await.unwrap(), ReservationOutcome::Granted);
    assert_eq!(store.reserve(&claim(FIRST, "Load-7", 2), NOW).await.unwrap(), ReservationOutcome::Granted);
    store.complete(&ours, "{\"new\": 1, \"é\": \"'\"}").await.unwrap();
    drop(store);
    let store = home.open().await;
    let settled = ReservationOutcome::Settled("{\"new\": 1, \"é\": \"'\"}".to_owned());
    assert_eq!(store.reserve(&ours, NOW.plus_ms(IdempotencyReservation::LEASE_MS)).await.unwrap(), settled);
    assert_eq!(store.reserve(&claim(FIRST, "load-7", 2), NOW).await.unwrap(), ReservationOutcome::Conflict);
    store.complete(&ours, "another answer").await.unwrap();
    store.release(&ours).await.unwrap();
    assert_eq!(store.reserve(&ours, NOW).await.unwrap(), settled, "what was answered was changed");
}

#[rstest]
#[tokio::test]
async fn a_claim_that_was_given_back_or_left_by_the_dead_is_free(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = with_keys(&home).await;
    let ours = claim(FIRST, "load-7", 1);
    store.reserve(&ours, NOW).await.unwrap();
    store.release(&ours).await.unwrap();
    let corrected = claim(FIRST, "load-7", 2);
    assert_eq!(store.reserve(&corrected, NOW).await.unwrap(), ReservationOutcome::Granted);
    let soon = NOW.plus_ms(IdempotencyReservation::LEASE_MS - 1);
    assert_eq!(store.reserve(&corrected, soon).await.unwrap(), ReservationOutcome::InProgress);
    let late = NOW.plus_ms(IdempotencyReservation::LEASE_MS);
    assert_eq!(store.reserve(&ours, late).await.unwrap(), ReservationOutcome::Conflict);
    assert_eq!(store.reserve(&corrected, late).await.unwrap(), ReservationOutcome::Granted);
    assert_eq!(store.reserve(&corrected, late).await.unwrap(), ReservationOutcome::InProgress);
}

#[rstest]
#[tokio::test]
async fn receipts_are_forgotten_after_a_day(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = with_keys(&home).await;
    let ours = claim(FIRST, "load-7", 1);
    store.reserve(&ours, NOW).await.unwrap();
    store.complete(&ours, "done").await.unwrap();
    let almost = NOW.plus_ms(IdempotencyReservation::KEPT_MS - 1);
    assert_eq!(store.reserve(&ours, almost).await.unwrap(), ReservationOutcome::Settled("done".to_owned()));
    assert_eq!(
        store.reserve(&claim(FIRST, "load-7", 2), NOW.plus_ms(IdempotencyReservation::KEPT_MS)).await.unwrap(),
        ReservationOutcome::Granted
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_claim_at_once_one_is_granted(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let stores = [with_keys(&home).await, home.open().await];
    let asking: Vec<_> = (0..16)
        .map(|n| {
            let store = Arc::clone(&stores[n % 2]);
            tokio::spawn(async move { store.reserve(&claim(FIRST, "load-7", 1), NOW).await.unwrap() })
        })
        .collect();
    let mut granted = 0;
    for asked in asking {
        match asked.await.unwrap() {
            ReservationOutcome::Granted => granted += 1,
            other => assert_eq!(other, ReservationOutcome::InProgress),
        }
    }
    assert_eq!(granted, 1);
}
