//! The log read whole, and what both engines hold.

use std::sync::Arc;

use market_stress::domain::{
    Bar, Batch, KnownAtRule, LiquidationOrder, Observation, RecordedOrder, SeriesKey, Timestamp, Version, Vintage,
};
use market_stress::store::{LoadSink, OnRefusal, Store};
use rstest::rstest;

use super::{BARS, FLOW, PRICE, append, at, bar, every_order, key, lot, mixed, order, reading, readings};
use crate::harness::{Collected, Engine, Home, contents};

/// A batch of everything: few instants and values, so that rows agree, correct and contradict.
fn drawn(seed: u64) -> Batch {
    let mut batch = Batch::new(["alpha", "beta-1", "beta_1"][usize::try_from(seed % 3).unwrap()].parse().unwrap());
    for n in 0..20 {
        let (a, b) = (lot(seed * 1_000 + n), lot(seed * 1_000 + n + 500));
        let day = Timestamp::from_unix_seconds(1_770_000_000).plus_days((a % 7).cast_signed());
        let value = 2.0 + f64::from(u32::try_from(b % 4).unwrap());
        let knowledge = match a / 7 % 3 {
            0 => KnownAtRule::OnCommit,
            1 => KnownAtRule::AtPublication(day.plus_days(1)),
            _ => KnownAtRule::Vintage(day.plus_days((b / 4 % 9).cast_signed())),
        };
        match b / 64 % 4 {
            0 => batch.push_candle(key(BARS), Observation { observed_at: day, knowledge, value: bar(value) }),
            1 => batch.orders.push(LiquidationOrder {
                occurred_at: day,
                knowledge,
                ..order(
                    "2026-02-03",
                    ["BTCUSDT", "ETHUSDT", "eth-perp", "ETH_X"][usize::try_from(a / 64 % 4).unwrap()],
                    value + 1.0,
                )
            }),
            _ => batch.push_reading(
                key([FLOW, PRICE, "price.btc@A-b".to_lowercase().as_str()][usize::try_from(a / 64 % 3).unwrap()]),
                Observation { observed_at: day, knowledge, value },
            ),
        }
    }
    batch
}

#[rstest]
#[tokio::test]
async fn the_log_read_whole_equals_its_commits_replayed(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values(1, 7, 1_000)] limit: u32,
) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    for seed in 0..30 {
        let now = at("2026-02-10").plus_days(i64::try_from(seed).unwrap() % 5);
        store.append(&drawn(seed), now, OnRefusal::Skip).await.unwrap();
    }
    let mut replayed = Collected::default();
    loop {
        let deltas = store.changes_after(replayed.version, limit).await.unwrap();
        assert!(deltas.len() <= usize::try_from(limit).unwrap());
        if deltas.is_empty() {
            break;
        }
        for delta in &deltas {
            replayed.apply(delta);
        }
    }
    let held = contents(&*store).await;
    assert_eq!(replayed, held);
    assert!(held.version > 20 && held.commits.len() == usize::try_from(held.version).unwrap());
    assert!(store.changes_after(held.version, limit).await.unwrap().is_empty());
}

#[tokio::test]
async fn both_engines_hold_and_report_the_same() {
    let (Some(file), Some(server)) = (Home::new(Engine::Sqlite).await, Home::new(Engine::Postgres).await) else { return };
    let (left, right) = (file.open().await, server.open().await);
    for seed in 0..30 {
        let (batch, now) = (drawn(seed), at("2026-02-10"));
        let reports =
            [left.append(&batch, now, OnRefusal::Skip).await.unwrap(), right.append(&batch, now, OnRefusal::Skip).await.unwrap()];
        assert_eq!(reports[0], reports[1]);
    }
    assert_eq!(contents(&*left).await, contents(&*right).await);
    let listed = [
        left.liquidation_orders(&every_order(), None, 1_000).await.unwrap(),
        right.liquidation_orders(&every_order(), None, 1_000).await.unwrap(),
    ];
    assert_eq!(listed[0], listed[1]);
}

/// Commits to the log in the middle of its being read.
struct Interrupting {
    held: Collected,
    writer: Arc<dyn Store>,
    batch: Option<Batch>,
}

impl LoadSink for Interrupting {
    fn readings(&mut self, key: &SeriesKey, rows: Vec<Vintage<f64>>) {
        self.held.readings(key, rows);
        if let Some(batch) = self.batch.take() {
            let writing = append(&*self.writer, &batch, "2026-02-05");
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(writing));
        }
    }

    fn candles(&mut self, key: &SeriesKey, rows: Vec<Vintage<Bar>>) {
        self.held.candles(key, rows);
    }

    fn orders(&mut self, rows: Vec<RecordedOrder>) {
        self.held.orders(rows);
    }

    fn commits(&mut self, rows: Vec<(Version, Timestamp)>) {
        self.held.commits(rows);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_while_the_log_is_read_is_not_seen_in_part(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    append(&*store, &mixed(), "2026-02-04").await;
    let before = contents(&*store).await;
    let mut further = readings(PRICE, &[reading("2026-02-04", 2.0, KnownAtRule::OnCommit)]);
    further.orders.push(order("2026-02-04", "BTCUSDT", 1.0));
    let mut sink = Interrupting { held: Collected::default(), writer: home.open().await, batch: Some(further) };
    sink.held.version = store.load(&mut sink).await.unwrap();
    assert_eq!(sink.held, before);
    assert_eq!(store.latest_version().await.unwrap(), 2);
}

#[rstest]
#[tokio::test]
async fn a_log_is_the_same_after_a_restart(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    append(&*store, &mixed(), "2026-02-04T06:00:00Z").await;
    let before = contents(&*store).await;
    drop(store);
    let store = home.open().await;
    assert_eq!(contents(&*store).await, before);
    let further = append(&*store, &readings(PRICE, &[reading("2026-02-05", 1.0, KnownAtRule::OnCommit)]), "2026-02-05").await;
    assert_eq!(further.delta.unwrap().version, 2);
}
