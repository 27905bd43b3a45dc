//! Writers that take turns, and those who wait for their commits.

use std::time::Duration;

use market_stress::domain::{KnownAtRule, Observation, Version};
use market_stress::store::Store;
use rstest::rstest;

use super::{append, at, mixed, readings};
use crate::harness::{Engine, Home};

/// Appends `count` rows of its own series, one commit each, and returns their versions.
async fn write_rows(store: &dyn Store, writer: usize, count: i64) -> Vec<Version> {
    let mut versions = Vec::new();
    for n in 0..count {
        let row = Observation { observed_at: at("2026-02-01").plus_days(n), knowledge: KnownAtRule::OnCommit, value: 1.0 };
        let batch = readings(&format!("price.coin{writer}@test"), &[row]);
        versions.push(append(store, &batch, "2026-02-04").await.delta.unwrap().version);
    }
    versions
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_take_turns_and_a_follower_never_misses_a_version(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let stores = [home.open().await, home.open().await, home.open().await];
    let follower = home.open().await;
    let writers: Vec<_> = stores
        .into_iter()
        .enumerate()
        .map(|(writer, store)| tokio::spawn(async move { write_rows(&*store, writer, 20).await }))
        .collect();
    let mut seen = Vec::new();
    while seen.len() < 60 {
        let last = seen.last().copied().unwrap_or(0);
        follower.wait_for_change(last, Duration::from_secs(30)).await.unwrap();
        seen.extend(follower.changes_after(last, 100).await.unwrap().iter().map(|delta| delta.version));
    }
    assert_eq!(seen, (1..=60).collect::<Vec<_>>());
    let mut written = Vec::new();
    for writer in writers {
        let versions = writer.await.unwrap();
        assert!(versions.is_sorted());
        written.extend(versions);
    }
    written.sort_unstable();
    assert_eq!(written, seen);
}

#[rstest]
#[tokio::test]
async fn waiting_ends_with_a_commit_of_another_instance_or_with_patience(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(home) = Home::new(engine).await else { return };
    let (writer, waiter) = (home.open().await, home.open().await);
    waiter.wait_for_change(0, Duration::from_millis(10)).await.unwrap();

    let waiting = tokio::spawn(async move { waiter.wait_for_change(0, Duration::from_hours(1)).await });
    append(&*writer, &mixed(), "2026-02-04T06:00:00Z").await;
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the commit was missed").unwrap().unwrap();

    // Who is behind already does not wait.
    let behind = writer.wait_for_change(0, Duration::from_hours(1));
    tokio::time::timeout(Duration::from_secs(30), behind).await.expect("waited for what was there").unwrap();
}
