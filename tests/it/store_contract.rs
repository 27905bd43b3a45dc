//! The contract of `Store`: every method, on both engines.

use std::sync::Arc;
use std::time::Duration;

use market_stress::domain::{
    Bar, Batch, CommitReport, Knowledge, LiquidationOrder, Observation, RecordedOrder, SeriesKey, Side, SourceInfo, SourceKind,
    TimeRange, Timestamp, Version, Vintage,
};
use market_stress::store::{Appended, LoadSink, OnRefusal, OrderCursor, OrderFilter, Store};
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

fn reading(observed_at: &str, value: f64, knowledge: Knowledge) -> Observation<f64> {
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
        knowledge: Knowledge::OnCommit,
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
    let mut batch = readings(FLOW, &[reading("2026-02-03", 60.0e6, Knowledge::Published(at("2026-02-04T05:00:00Z")))]);
    batch.push_reading(key(PRICE), reading("2026-02-03T12:00:00.123Z", 0.1 + 0.2, Knowledge::OnCommit));
    batch.push_candle(
        key(BARS),
        Observation {
            observed_at: at("2026-02-03T11:00:00Z"),
            knowledge: Knowledge::Published(at("2026-02-03T12:00:00Z")),
            value: Bar { volume: Some(12.5), ..bar(76_000.0) },
        },
    );
    batch.push_candle(
        key(BARS),
        Observation { observed_at: at("1999-12-31T23:00:00Z"), knowledge: Knowledge::OnCommit, value: bar(3.0) },
    );
    batch.orders.push(order("2026-02-03T12:00:00Z", "BTCUSDT", 5_000.0));
    batch.orders.push(order("2026-02-03T12:00:00Z", "BTCUSDT", 5_000.0));
    batch
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
async fn what_was_appended_is_read_back_bit_by_bit(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    let appended = append(&*store, &mixed(), "2026-02-04T06:00:00Z").await;
    assert_eq!(counts(&appended.report), (6, 0, 0, 0));

    let delta = appended.delta.unwrap();
    let mut expected = Collected::default();
    expected.apply(&delta);
    let held = contents(&*store).await;
    assert_eq!(held, expected);
    assert_eq!(held.commits, [(1, at("2026-02-04T06:00:00Z"))]);
    assert_eq!(held.readings[&key(PRICE)][0].value.to_bits(), (0.1f64 + 0.2).to_bits());
    assert_eq!(held.readings[&key(FLOW)][0].known_at, at("2026-02-04T05:00:00Z"));
    assert_eq!(held.candles[&key(BARS)][1].value.volume, Some(12.5));
    assert_eq!(held.orders.iter().map(|order| order.ordinal).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(store.changes_after(0, 10).await.unwrap(), [delta]);
}

#[rstest]
#[tokio::test]
async fn writing_the_same_again_changes_nothing_and_uses_no_version(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    append(&*store, &mixed(), "2026-02-04T06:00:00Z").await;
    let before = contents(&*store).await;
    let again = append(&*store, &mixed(), "2026-02-05T06:00:00Z").await;
    assert_eq!((counts(&again.report), again.delta), ((0, 6, 0, 0), None));
    assert_eq!(contents(&*store).await, before);
    let nothing = append(&*store, &Batch::new("test".parse().unwrap()), "2026-02-05T06:00:00Z").await;
    assert_eq!((nothing.report, nothing.delta), (CommitReport::default(), None));
    assert_eq!(store.latest_version().await.unwrap(), 1);
    assert_eq!(store.estimated_rows().await.unwrap(), 6);
}

/// A row a day of forty funds and the bars of three assets: more rows than a store takes at a time.
fn many_series() -> Batch {
    let mut batch = Batch::new("test".parse().unwrap());
    for day in 0..140 {
        let observed_at = at("2026-02-03").plus_days(-day);
        let knowledge = Knowledge::OnCommit;
        for fund in 0..40_u32 {
            let value = f64::from(fund) + 0.5;
            batch.push_reading(key(&format!("etf_flow.btc.F{fund}@farside")), Observation { observed_at, knowledge, value });
        }
        for asset in ["btc", "eth", "sol"] {
            batch
                .push_candle(key(&format!("candle.{asset}@binance:1d")), Observation { observed_at, knowledge, value: bar(9.0) });
        }
    }
    batch
}

#[rstest]
#[tokio::test]
async fn a_batch_of_many_series_is_written_whole_and_found_again(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    let first = append(&*store, &many_series(), "2026-02-04T06:00:00Z").await;
    assert_eq!(counts(&first.report), (43 * 140, 0, 0, 0));
    let mut expected = Collected::default();
    expected.apply(&first.delta.unwrap());
    assert_eq!(contents(&*store).await, expected);

    let mut longer = many_series();
    longer.push_reading(key("etf_flow.btc.F7@farside"), reading("2026-02-04", 1.0, Knowledge::OnCommit));
    longer.push_reading(key("etf_flow.btc.F7@farside"), reading("2025-01-02", 2.0, Knowledge::OnCommit));
    let second = append(&*store, &longer, "2026-02-04T07:00:00Z").await;
    assert_eq!(counts(&second.report), (2, 43 * 140, 0, 0));
    expected.apply(&second.delta.unwrap());
    assert_eq!(contents(&*store).await, expected);
}

#[rstest]
#[tokio::test]
async fn a_correction_becomes_known_on_commit_and_the_older_vintage_stays(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    let rule = Knowledge::Published(at("2026-02-04T05:00:00Z"));
    append(&*store, &readings(FLOW, &[reading("2026-02-03", 60.0, rule)]), "2026-02-04T06:00:00Z").await;
    let corrected = append(&*store, &readings(FLOW, &[reading("2026-02-03", -272.0, rule)]), "2026-02-04T08:00:00Z").await;
    assert_eq!(counts(&corrected.report), (0, 0, 1, 0));
    // A clock that fell behind cannot slip a correction under an older one.
    let behind = readings(FLOW, &[reading("2026-02-03", 1.0, Knowledge::OnCommit)]);
    append(&*store, &behind, "2026-02-04T07:00:00Z").await;
    assert_eq!(
        vintages(&*store, FLOW).await,
        [
            (60.0, "2026-02-04T05:00:00Z".to_owned()),
            (-272.0, "2026-02-04T08:00:00Z".to_owned()),
            (1.0, "2026-02-04T08:00:00.001Z".to_owned())
        ]
    );
}

#[rstest]
#[tokio::test]
async fn a_real_vintage_fills_the_past_but_never_contradicts_it(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    let vintage = |value, known: &str| reading("2026-02-03", value, Knowledge::Vintage(at(known)));
    append(&*store, &readings(FLOW, &[vintage(-272.0, "2026-02-04T08:00:00Z")]), "2026-02-05").await;
    let earlier = append(&*store, &readings(FLOW, &[vintage(0.0, "2026-02-04T02:00:00Z")]), "2026-02-05").await;
    assert_eq!(counts(&earlier.report), (0, 0, 1, 0));
    let between = append(&*store, &readings(FLOW, &[vintage(0.0, "2026-02-04T03:00:00Z")]), "2026-02-05").await;
    assert_eq!(counts(&between.report), (0, 1, 0, 0));
    let contradiction = append(&*store, &readings(FLOW, &[vintage(5.0, "2026-02-04T08:00:00Z")]), "2026-02-05").await;
    assert_eq!(contradiction.delta, None);
    assert!(contradiction.report.refused[0].reason.contains("5 contradicts -272"), "{:?}", contradiction.report);
    assert_eq!(
        vintages(&*store, FLOW).await,
        [(0.0, "2026-02-04T02:00:00Z".to_owned()), (-272.0, "2026-02-04T08:00:00Z".to_owned())]
    );
}

#[rstest]
#[tokio::test]
async fn one_refused_row_aborts_the_batch_unless_it_is_skipped(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    let mut batch = mixed();
    batch.push_reading(key(PRICE), reading("2026-02-03T13:00:00Z", f64::NAN, Knowledge::OnCommit));
    let aborted = append(&*store, &batch, "2026-02-04T06:00:00Z").await;
    assert_eq!((counts(&aborted.report), aborted.delta), ((0, 0, 0, 1), None));
    assert_eq!(contents(&*store).await, Collected::default());

    let skipped = store.append(&batch, at("2026-02-04T06:00:00Z"), OnRefusal::Skip).await.unwrap();
    assert_eq!(counts(&skipped.report), (6, 0, 0, 1));
    assert_eq!(skipped.delta.unwrap().version, 1);
    assert_eq!(contents(&*store).await.readings[&key(PRICE)].len(), 1);
}

#[rstest]
#[tokio::test]
async fn as_many_equal_orders_are_kept_as_the_fullest_batch_held(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    let of = |sizes: &[f64]| {
        let mut batch = Batch::new("test".parse().unwrap());
        batch.orders.extend(sizes.iter().map(|usd| order("2026-02-03T12:00:00Z", "BTCUSDT", *usd)));
        batch
    };
    for (sizes, expected) in [
        (&[10.0, 10.0][..], (2, 0, 0, 0)),
        (&[10.0], (0, 1, 0, 0)),
        (&[10.0, 20.0, 10.0, 10.0], (2, 2, 0, 0)),
        (&[20.0, 10.0, 10.0, 10.0], (0, 4, 0, 0)),
    ] {
        assert_eq!(counts(&append(&*store, &of(sizes), "2026-02-04").await.report), expected, "{sizes:?}");
    }
    let held: Vec<(u32, f64)> = contents(&*store).await.orders.iter().map(|held| (held.ordinal, held.order.usd)).collect();
    assert_eq!(held, [(0, 10.0), (1, 10.0), (2, 20.0), (3, 10.0)]);
}

/// A number that looks drawn by lot but is the same in every run.
fn lot(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A batch of everything: few instants and values, so that rows agree, correct and contradict.
fn drawn(seed: u64) -> Batch {
    let mut batch = Batch::new(["alpha", "beta-1", "beta_1"][usize::try_from(seed % 3).unwrap()].parse().unwrap());
    for n in 0..20 {
        let (a, b) = (lot(seed * 1_000 + n), lot(seed * 1_000 + n + 500));
        let day = Timestamp::from_unix_seconds(1_770_000_000).plus_days((a % 7).cast_signed());
        let value = 2.0 + f64::from(u32::try_from(b % 4).unwrap());
        let knowledge = match a / 7 % 3 {
            0 => Knowledge::OnCommit,
            1 => Knowledge::Published(day.plus_days(1)),
            _ => Knowledge::Vintage(day.plus_days((b / 4 % 9).cast_signed())),
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
    let mut further = readings(PRICE, &[reading("2026-02-04", 2.0, Knowledge::OnCommit)]);
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
    let further = append(&*store, &readings(PRICE, &[reading("2026-02-05", 1.0, Knowledge::OnCommit)]), "2026-02-05").await;
    assert_eq!(further.delta.unwrap().version, 2);
}

/// Appends `count` rows of its own series, one commit each, and returns their versions.
async fn write_rows(store: &dyn Store, writer: usize, count: i64) -> Vec<Version> {
    let mut versions = Vec::new();
    for n in 0..count {
        let row = Observation { observed_at: at("2026-02-01").plus_days(n), knowledge: Knowledge::OnCommit, value: 1.0 };
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

fn every_order() -> OrderFilter {
    OrderFilter { range: TimeRange::all(), known_by: Timestamp::MAX, sources: Vec::new(), asset: None, side: None, min_usd: None }
}

/// Orders of two venues, three instruments and four instants, several at the same one.
async fn fill_orders(store: &dyn Store) {
    let mut batch = Batch::new("test".parse().unwrap());
    for n in 0..48u32 {
        let hour = lot(u64::from(n)) % 4;
        let symbol = ["BTCUSDT", "ETHUSDT", "aeth-X"][usize::try_from(n % 3).unwrap()];
        let mut one = order(&format!("2026-02-03T0{hour}:00:00Z"), symbol, f64::from(n * 50));
        one.source = ["binance-perp", "okx"][usize::try_from(n / 3 % 2).unwrap()].parse().unwrap();
        one.asset = ["btc", "eth", "eth"][usize::try_from(n % 3).unwrap()].parse().unwrap();
        one.knowledge = Knowledge::Published(one.occurred_at.plus_ms(i64::from(n % 2)));
        batch.orders.push(one);
    }
    append(store, &batch, "2026-02-04").await;
}

#[rstest]
#[tokio::test]
async fn orders_are_paged_newest_first_without_gap_or_repeat(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values(1, 5, 48)] page: u32,
) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    fill_orders(&*store).await;
    let mut expected = contents(&*store).await.orders;
    expected.sort_by_key(|held| std::cmp::Reverse(held.order.occurred_at));
    let mut listed = Vec::new();
    let mut cursor: Option<OrderCursor> = None;
    loop {
        let rows = store.liquidation_orders(&every_order(), cursor.as_ref(), page).await.unwrap();
        let Some(last) = rows.last() else { break };
        assert!(rows.len() <= usize::try_from(page).unwrap());
        cursor = Some(OrderCursor {
            occurred_at: last.order.occurred_at,
            source: last.order.source.clone(),
            symbol: last.order.symbol.clone(),
            ordinal: last.ordinal,
        });
        listed.extend(rows);
    }
    assert_eq!(listed, expected);
    assert_eq!(listed.len(), 48);
}

#[rstest]
#[case::span(|f: &mut OrderFilter| f.range = TimeRange::new(at("2026-02-03T01:00:00Z"), at("2026-02-03T03:00:00Z")).unwrap())]
#[case::knowledge(|f: &mut OrderFilter| f.known_by = at("2026-02-03T02:00:00Z"))]
#[case::venue(|f: &mut OrderFilter| f.sources = vec!["okx".parse().unwrap(), "bybit".parse().unwrap()])]
#[case::asset(|f: &mut OrderFilter| f.asset = Some("eth".parse().unwrap()))]
#[case::side(|f: &mut OrderFilter| f.side = Some(Side::Long))]
#[case::size(|f: &mut OrderFilter| f.min_usd = Some(1_000.0))]
#[tokio::test]
async fn orders_are_listed_by_what_was_asked(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[case] ask: fn(&mut OrderFilter),
) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    fill_orders(&*store).await;
    let mut filter = every_order();
    ask(&mut filter);
    let listed = store.liquidation_orders(&filter, None, 1_000).await.unwrap();
    let mut expected = contents(&*store).await.orders;
    expected.retain(|held| {
        let order = &held.order;
        filter.range.contains(order.occurred_at)
            && held.known_at <= filter.known_by
            && (filter.sources.is_empty() || filter.sources.contains(&order.source))
            && filter.asset.as_ref().is_none_or(|asset| *asset == order.asset)
            && filter.side.is_none_or(|side| side == order.side)
            && filter.min_usd.is_none_or(|usd| order.usd >= usd)
    });
    expected.sort_by_key(|held| std::cmp::Reverse(held.order.occurred_at));
    assert_eq!(listed, expected);
    assert!(!listed.is_empty() && listed.len() < 48, "{} orders prove nothing", listed.len());
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
    assert!(store.spans_read("venue-candles").await.unwrap().is_empty());
    store.note_read("venue-candles", "b", span("2026-02-01", "2026-02-02")).await.unwrap();
    store.note_read("venue-candles", "b", span("2026-01-01", "2026-01-02")).await.unwrap();
    store.note_read("venue-candles", "a", span("2026-01-01", "2026-01-05")).await.unwrap();
    store.note_read("venue-funding", "a", span("2020-01-01", "2026-01-05")).await.unwrap();
    store.note_read("venue-candles", "b", span("2026-02-01", "2026-02-03")).await.unwrap();
    store.note_read("venue-candles", "a", span("2026-01-01", "2026-01-03")).await.unwrap();

    let read = home.open().await.spans_read("venue-candles").await.unwrap();
    let expected = [
        ("a".to_owned(), vec![span("2026-01-01", "2026-01-05")]),
        ("b".to_owned(), vec![span("2026-01-01", "2026-01-02"), span("2026-02-01", "2026-02-03")]),
    ];
    assert_eq!(read, expected.into());
    assert_eq!(store.latest_version().await.unwrap(), 0, "a note is no commit of the log");
}
