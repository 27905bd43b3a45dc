//! The contract of `Store`: every method, on both engines.

mod appending;
mod following;
mod orders;
mod reading;

use market_stress::domain::{
    Bar, Batch, CommitReport, KnownAtRule, LiquidationOrder, Observation, SeriesKey, Side, SourceInfo, SourceKind, TimeRange,
    Timestamp,
};
use market_stress::store::{Appended, OnRefusal, OrderFilter, Store};
use rstest::rstest;

use crate::harness::{Collected, Engine, Home, contents};

const FLOW: &str = "etf_flow.btc.IBIT@farside";
const PRICE: &str = "price.btc@coingecko";
const BARS: &str = "candle.btc@binance:1h";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn key(text: &str) -> SeriesKey {
    text.parse().unwrap()
}

fn reading(observed_at: &str, value: f64, knowledge: KnownAtRule) -> Observation<f64> {
    Observation { observed_at: at(observed_at), knowledge, value }
}

fn bar(close: f64) -> Bar {
    Bar::new(close, close + 1.0, close - 1.0, close, None).unwrap()
}

fn order(occurred_at: &str, symbol: &str, usd: f64) -> LiquidationOrder {
    LiquidationOrder {
        source: "binance-perp".parse().unwrap(),
        symbol: symbol.to_owned(),
        asset: symbol[..3].to_lowercase().parse().unwrap(),
        side: if usd > 1_000.0 { Side::Long } else { Side::Short },
        occurred_at: at(occurred_at),
        knowledge: KnownAtRule::OnCommit,
        price_usd: 75_000.5,
        quantity: usd / 75_000.5,
        usd,
    }
}

/// A batch of readings.
fn readings(series: &str, rows: &[Observation<f64>]) -> Batch {
    let mut batch = Batch::new("test".parse().unwrap());
    for row in rows {
        batch.push_reading(key(series), *row);
    }
    batch
}

/// One batch with a row of each kind.
fn mixed() -> Batch {
    let mut batch = readings(FLOW, &[reading("2026-02-03", 60.0e6, KnownAtRule::AtPublication(at("2026-02-04T05:00:00Z")))]);
    batch.push_reading(key(PRICE), reading("2026-02-03T12:00:00.123Z", 0.1 + 0.2, KnownAtRule::OnCommit));
    batch.push_candle(
        key(BARS),
        Observation {
            observed_at: at("2026-02-03T11:00:00Z"),
            knowledge: KnownAtRule::AtPublication(at("2026-02-03T12:00:00Z")),
            value: Bar { volume: Some(12.5), ..bar(76_000.0) },
        },
    );
    batch.push_candle(
        key(BARS),
        Observation { observed_at: at("1999-12-31T23:00:00Z"), knowledge: KnownAtRule::OnCommit, value: bar(3.0) },
    );
    batch.orders.push(order("2026-02-03T12:00:00Z", "BTCUSDT", 5_000.0));
    batch.orders.push(order("2026-02-03T12:00:00Z", "BTCUSDT", 5_000.0));
    batch
}

fn every_order() -> OrderFilter {
    OrderFilter { range: TimeRange::all(), known_by: Timestamp::MAX, sources: Vec::new(), asset: None, side: None, min_usd: None }
}

/// A number that looks drawn by lot but is the same in every run.
fn lot(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

async fn append(store: &dyn Store, batch: &Batch, now: &str) -> Appended {
    store.append(batch, at(now), OnRefusal::Abort).await.unwrap()
}

fn counts(report: &CommitReport) -> (u64, u64, u64, usize) {
    (report.new, report.unchanged, report.revised, report.refused.len())
}

/// The vintages of the one point of a series: value and `known_at`.
async fn vintages(store: &dyn Store, series: &str) -> Vec<(f64, String)> {
    contents(store).await.readings[&key(series)].iter().map(|row| (row.value, row.known_at.to_string())).collect()
}

#[rstest]
#[tokio::test]
async fn a_source_is_recorded_once_and_replaced(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    let info = |source: &str, kind, note: &str| SourceInfo { source: source.parse().unwrap(), kind, note: note.to_owned() };
    let kinds = [SourceKind::Venue, SourceKind::Aggregator, SourceKind::Publisher, SourceKind::Scenario];
    for (name, kind) in ["okx", "a_b", "a-b", "farside"].into_iter().zip(kinds) {
        store.put_source(&info(name, kind, "")).await.unwrap();
    }
    let replaced = info("okx", SourceKind::Venue, "one order a second: a lower bound");
    store.put_source(&replaced).await.unwrap();
    let sources = store.sources().await.unwrap();
    assert_eq!(sources.iter().map(|info| info.source.as_str()).collect::<Vec<_>>(), ["a-b", "a_b", "farside", "okx"]);
    assert_eq!(sources[3], replaced);
    assert_eq!(sources[1].kind, SourceKind::Aggregator);
}

#[rstest]
#[tokio::test]
async fn an_empty_log_answers_every_question(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    store.ping().await.unwrap();
    assert_eq!(contents(&*store).await, Collected::default());
    assert_eq!(store.latest_version().await.unwrap(), 0);
    assert_eq!(store.estimated_rows().await.unwrap(), 0);
    assert!(store.sources().await.unwrap().is_empty());
    assert!(store.changes_after(0, 10).await.unwrap().is_empty());
    assert!(store.liquidation_orders(&every_order(), None, 10).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn spans_that_were_read_are_kept_by_feed_and_strand_and_only_grow(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    let span = |from: &str, to: &str| TimeRange::new(at(from), at(to)).unwrap();
    assert!(store.backfilled_ranges("venue-candles").await.unwrap().is_empty());
    store.note_read("venue-candles", "b", span("2026-02-01", "2026-02-02")).await.unwrap();
    store.note_read("venue-candles", "b", span("2026-01-01", "2026-01-02")).await.unwrap();
    store.note_read("venue-candles", "a", span("2026-01-01", "2026-01-05")).await.unwrap();
    store.note_read("venue-funding", "a", span("2020-01-01", "2026-01-05")).await.unwrap();
    store.note_read("venue-candles", "b", span("2026-02-01", "2026-02-03")).await.unwrap();
    store.note_read("venue-candles", "a", span("2026-01-01", "2026-01-03")).await.unwrap();

    let read = home.open().await.backfilled_ranges("venue-candles").await.unwrap();
    let expected = [
        ("a".to_owned(), vec![span("2026-01-01", "2026-01-05")]),
        ("b".to_owned(), vec![span("2026-01-01", "2026-01-02"), span("2026-02-01", "2026-02-03")]),
    ];
    assert_eq!(read, expected.into());
    assert_eq!(store.latest_version().await.unwrap(), 0, "a note is no commit of the log");
}
