//! What a batch adds, and what it leaves alone.

use market_stress::domain::{Batch, CommitReport, KnownAtRule, Observation};
use market_stress::store::OnRefusal;
use rstest::rstest;

use super::{BARS, FLOW, PRICE, append, at, bar, counts, key, mixed, order, reading, readings, vintages};
use crate::harness::{Collected, Engine, Home, contents};

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
        let knowledge = KnownAtRule::OnCommit;
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
    longer.push_reading(key("etf_flow.btc.F7@farside"), reading("2026-02-04", 1.0, KnownAtRule::OnCommit));
    longer.push_reading(key("etf_flow.btc.F7@farside"), reading("2025-01-02", 2.0, KnownAtRule::OnCommit));
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
    let rule = KnownAtRule::AtPublication(at("2026-02-04T05:00:00Z"));
    append(&*store, &readings(FLOW, &[reading("2026-02-03", 60.0, rule)]), "2026-02-04T06:00:00Z").await;
    let corrected = append(&*store, &readings(FLOW, &[reading("2026-02-03", -272.0, rule)]), "2026-02-04T08:00:00Z").await;
    assert_eq!(counts(&corrected.report), (0, 0, 1, 0));
    // A clock that fell behind cannot slip a correction under an older one.
    let behind = readings(FLOW, &[reading("2026-02-03", 1.0, KnownAtRule::OnCommit)]);
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
    let vintage = |value, known: &str| reading("2026-02-03", value, KnownAtRule::Vintage(at(known)));
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
    batch.push_reading(key(PRICE), reading("2026-02-03T13:00:00Z", f64::NAN, KnownAtRule::OnCommit));
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
