//! Properties of the market, compared with the simplest model of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    Asset, Bar, Delta, KnownAtRule, LiquidationOrder, Period, RecordedOrder, SeriesKey, Side, TimeRange, Timestamp, Version,
    Vintage,
};
use crate::stats::sum::Sum;

fn ms(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn key(text: &str) -> SeriesKey {
    text.parse().unwrap()
}

fn range(from: i64, to: i64) -> TimeRange {
    TimeRange::new(ms(from), ms(to)).unwrap()
}

fn commit(version: Version, recorded_at: &str) -> Delta {
    Delta {
        version,
        recorded_at: at(recorded_at),
        source: "test".parse().unwrap(),
        readings: BTreeMap::new(),
        candles: BTreeMap::new(),
        orders: Vec::new(),
    }
}

/// Returns the points known at `as_of` by scanning every vintage.
fn model(all: &BTreeMap<(Timestamp, Timestamp), f64>, within: TimeRange, as_of: Timestamp) -> Vec<(Timestamp, f64)> {
    let mut known = BTreeMap::new();
    for ((observed_at, known_at), value) in all {
        if within.contains(*observed_at) && *known_at <= as_of {
            known.insert(*observed_at, *value);
        }
    }
    known.into_iter().collect()
}

/// One vintage: observed time, delay until it is known, value.
fn vintage() -> impl Strategy<Value = (i64, i64, f64)> {
    (0..900_i64, prop_oneof![4 => Just(1_i64), 1 => 0..400_i64], 1..1_000_i32)
        .prop_map(|(at, lag, v)| (at, at + lag, f64::from(v)))
}

/// Rows published together every 40, some of them revised later.
fn published() -> impl Strategy<Value = Vec<(i64, i64, f64)>> {
    prop::collection::vec((0..900_i64, 1..1_000_i32, prop::option::weighted(0.2, 1..300_i64)), 0..500).prop_map(|rows| {
        let vintages = rows.into_iter().flat_map(|(at, value, corrected_after)| {
            let known_at = (at / 40 + 1) * 40;
            let first = (at, known_at, f64::from(value));
            [Some(first), corrected_after.map(|after| (at, known_at + after, f64::from(value) + 0.5))]
        });
        vintages.flatten().collect()
    })
}

fn batches() -> impl Strategy<Value = Vec<Vec<(i64, i64, f64)>>> {
    prop_oneof![prop::collection::vec(prop::collection::vec(vintage(), 0..500), 1..6), prop::collection::vec(published(), 1..4)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_column_equals_a_plain_list(batches in batches(), from in 0..900_i64, length in 1..900_i64, as_of in 0..1_400_i64) {
        let mut column = Column::new(1);
        let mut all = BTreeMap::new();
        for (i, batch) in batches.iter().enumerate() {
            let rows: BTreeMap<(Timestamp, Timestamp), f64> = batch.iter().map(|(o, k, v)| ((ms(*o), ms(*k)), *v)).collect();
            let rows_in_order: Vec<_> = rows.iter().map(|((o, k), v)| Vintage { observed_at: *o, known_at: *k, value: *v }).collect();
            column = column.amended(&rows_in_order, i64::try_from(i).unwrap() + 1);
            all.extend(rows);
        }
        let within = range(from, from + length);
        let view = column.cut(ms(as_of));
        let expected = model(&all, within, ms(as_of));

        let points: Vec<_> = view.points(within).iter().map(|p| (p.observed_at, p.value)).collect();
        prop_assert_eq!(&points, &expected);
        prop_assert_eq!(view.count(within), points.len() as u64);
        prop_assert_eq!(column.at(ms(as_of)).is_some(), view.first().is_some());
        prop_assert_eq!(view.at_or_before(ms(from)).map(|p| p.observed_at), model(&all, range(-1, from + 1), ms(as_of)).last().map(|p| p.0));
        prop_assert_eq!(view.at_or_after(ms(from)).map(|p| p.observed_at), model(&all, range(from, 1_000), ms(as_of)).first().map(|p| p.0));
        let vintages = all.iter().filter(|((o, k), _)| within.contains(*o) && *k <= ms(as_of)).count();
        prop_assert_eq!(view.vintages(within).len(), vintages);
        let known_since = all.keys().find(|(_, known_at)| *known_at >= ms(as_of)).map(|(observed_at, _)| *observed_at);
        prop_assert_eq!(view.first_known_since(ms(as_of)), known_since);
        let known_by = all.keys().filter(|(observed_at, _)| within.contains(*observed_at)).map(|(_, known_at)| *known_at).max();
        prop_assert_eq!(view.known_by(within), known_by);

        let mut scanned = Summary::default();
        let (times, values): (Vec<_>, Vec<_>) = expected.into_iter().unzip();
        scanned.points(&times, &values);
        let merged = view.summary(within);
        prop_assert_eq!((merged.count, merged.first, merged.last), (scanned.count, scanned.first, scanned.last));
        prop_assert_eq!((merged.min, merged.max), (scanned.min, scanned.max));
        prop_assert_eq!(merged.drawdown.worst(), scanned.drawdown.worst());
        prop_assert!((merged.sum.value() - scanned.sum.value()).abs() < 1e-6);
        let spread = (merged.moments.variance().unwrap_or(0.0), scanned.moments.variance().unwrap_or(0.0));
        prop_assert!((spread.0 - spread.1).abs() <= 1e-9 * spread.1.max(1.0));
    }

    #[test]
    fn the_fold_of_each_bucket_equals_that_of_its_range(batches in batches(), from in 0..900_i64, length in 1..900_i64, as_of in 0..1_400_i64) {
        let step = 6 * Period::MINUTE.ms();
        let column = batches.iter().fold(Column::new(0), |column, batch| {
            let rows: BTreeMap<_, f64> = batch.iter().map(|(o, k, v)| ((ms(o * step), ms(k * step)), *v)).collect();
            let rows: Vec<_> = rows.into_iter().map(|((observed_at, known_at), value)| Vintage { observed_at, known_at, value }).collect();
            column.amended(&rows, 1)
        });
        let view = column.cut(ms(as_of * step));
        let (from, to) = (from * step, (from + length) * step);
        for interval in [Period::HOUR, Period::DAY] {
            let mut given = Vec::new();
            view.fold_by(range(from, to), interval, |start, sum: Sum| given.push((start, sum.value())));
            let starts = (0..).map(|n| n * interval.ms()).take_while(|start| *start < to);
            let inside = |start: i64| TimeRange::new(ms(start.max(from)), ms((start + interval.ms()).min(to))).ok();
            let filled = starts.filter_map(|start| Some((ms(start), inside(start).filter(|inside| view.count(*inside) > 0)?)));
            let expected: Vec<_> = filled.map(|(start, inside)| (start, view.fold::<Sum>(inside).value())).collect();
            prop_assert_eq!(given, expected);
        }
    }
}

fn six_hours(bars: &[(&str, &str, f64)]) -> Vec<Vintage<Bar>> {
    let bar = |close: f64| Bar::new(close, close + 1.0, close - 1.0, close, None).unwrap();
    bars.iter().map(|(o, k, close)| Vintage { observed_at: at(o), known_at: at(k), value: bar(*close) }).collect()
}

fn candles(version: Version, recorded_at: &str, rows: Vec<Vintage<Bar>>) -> Delta {
    Delta { candles: BTreeMap::from([(key("candle.btc@x:6h"), rows)]), ..commit(version, recorded_at) }
}

fn two_days() -> Delta {
    candles(
        1,
        "2026-01-03",
        six_hours(&[
            ("2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z", 10.0),
            ("2026-01-01T06:00:00Z", "2026-01-01T12:00:00Z", 12.0),
            ("2026-01-01T12:00:00Z", "2026-01-01T18:00:00Z", 8.0),
            ("2026-01-01T18:00:00Z", "2026-01-02T00:00:00Z", 9.0),
            ("2026-01-02T00:00:00Z", "2026-01-02T06:00:00Z", 11.0),
        ]),
    )
}

fn days_at(market: &Arc<Market>, as_of: &str) -> (Vec<f64>, Option<f64>) {
    let view = market.at(at(as_of));
    let Some(bars) = view.bars(&Asset::btc(), &"x".parse().unwrap(), Period::DAY) else { return (Vec::new(), None) };
    let finished = bars.finished(TimeRange::all()).iter().map(|b| b.value.close).collect();
    (finished, bars.running.map(|b| b.value.close))
}

#[test]
fn days_are_built_from_finer_bars_and_the_running_day_is_separate() {
    let market = Arc::new(Market::default().next(&two_days()));
    assert_eq!(days_at(&market, "2026-01-01T12:00:00Z"), (vec![], Some(12.0)));
    assert_eq!(days_at(&market, "2026-01-02T00:00:00Z"), (vec![9.0], None));
    assert_eq!(days_at(&market, "2026-01-02T07:00:00Z"), (vec![9.0], Some(11.0)));
    let view = market.at(at("2026-01-03"));
    let bars = view.bars(&Asset::btc(), &"x".parse().unwrap(), Period::DAY).unwrap();
    let day = bars.finished(TimeRange::all())[0];
    assert_eq!((day.value.open, day.value.high, day.value.low, day.known_at), (10.0, 13.0, 7.0, at("2026-01-02")));
}

#[test]
fn the_first_day_runs_the_same_before_and_after_its_end() {
    let rows = six_hours(&[
        ("2026-01-01T00:00:00Z", "2026-01-01T06:00:00Z", 10.0),
        ("2026-01-01T06:00:00Z", "2026-01-01T12:00:00Z", 12.0),
    ]);
    let young = Arc::new(Market::default().next(&candles(1, "2026-01-01T12:00:00Z", rows)));
    let grown = Arc::new(Market::default().next(&two_days()));
    let running = |market: &Arc<Market>| {
        let view = market.at(at("2026-01-01T13:00:00Z"));
        view.bars(&Asset::btc(), &"x".parse().unwrap(), Period::DAY).unwrap().running
    };
    assert_eq!(running(&young), running(&grown));
    assert_eq!(days_at(&young, "2026-01-01T13:00:00Z"), (vec![], Some(12.0)));
}

#[test]
fn a_revision_changes_the_day_from_then_on_and_never_before() {
    let before = Arc::new(Market::default().next(&two_days()));
    let correction = six_hours(&[("2026-01-01T18:00:00Z", "2026-01-05T00:00:00Z", 9.5)]);
    let after = Arc::new(before.next(&candles(2, "2026-01-05", correction)));
    for as_of in ["2026-01-01T23:00:00Z", "2026-01-02T00:00:00Z", "2026-01-04T23:59:59Z"] {
        assert_eq!(days_at(&before, as_of), days_at(&after, as_of));
        assert_eq!(before.version_at(at(as_of)), after.version_at(at(as_of)));
    }
    assert_eq!(days_at(&after, "2026-01-05").0, vec![9.5]);
    assert_eq!((after.version_at(at("2026-01-04")), after.version_at(at("2026-01-05"))), (1, 2));
}

#[test]
fn other_lengths_are_folded_and_a_half_filled_bar_is_running() {
    let market = Arc::new(Market::default().next(&two_days()));
    let view = market.at(at("2026-01-01T18:00:00Z"));
    let bars = view.bars(&Asset::btc(), &"x".parse().unwrap(), "12h".parse().unwrap()).unwrap();
    assert_eq!(bars.finished(TimeRange::all()).iter().map(|b| b.value.close).collect::<Vec<_>>(), vec![12.0]);
    assert_eq!(bars.running.map(|bar| bar.value.close), Some(8.0));
    assert!(view.bars(&Asset::btc(), &"x".parse().unwrap(), Period::HOUR).is_none());
}

fn order(occurred_at: &str, known_at: &str, usd: f64) -> RecordedOrder {
    let order = LiquidationOrder {
        source: "x".parse().unwrap(),
        symbol: "BTCUSDT".to_owned(),
        asset: Asset::btc(),
        side: Side::Long,
        occurred_at: at(occurred_at),
        knowledge: KnownAtRule::Vintage(at(known_at)),
        price_usd: 100.0,
        quantity: usd / 100.0,
        usd,
    };
    RecordedOrder { order, known_at: at(known_at), ordinal: 0 }
}

fn long_usd(market: &Arc<Market>, as_of: &str) -> Option<(f64, u64, f64)> {
    let view = market.at(at(as_of));
    let (_, column) = view.tallies().next()?;
    let summary = column.summary(TimeRange::all());
    Some((summary.usd.value(), summary.count, summary.largest.map_or(0.0, |(_, tally)| tally.largest_usd)))
}

#[test]
fn orders_count_from_the_millisecond_they_were_known_and_are_summed_by_instant() {
    let first = Delta {
        orders: vec![
            order("2026-01-01T00:00:05Z", "2026-01-01T00:00:06Z", 10.0),
            order("2026-01-01T00:00:50Z", "2026-01-01T00:00:51Z", 30.0),
        ],
        ..commit(1, "2026-01-01T00:01:00Z")
    };
    let late =
        Delta { orders: vec![order("2026-01-01T00:00:05Z", "2026-01-01T00:05:10Z", 5.0)], ..commit(2, "2026-01-01T00:05:10Z") };
    let market = Arc::new(Market::default().next(&first).next(&late));
    assert_eq!(long_usd(&market, "2026-01-01T00:00:05.999Z"), None);
    assert_eq!(long_usd(&market, "2026-01-01T00:00:06Z"), Some((10.0, 1, 10.0)));
    assert_eq!(long_usd(&market, "2026-01-01T00:05:09.999Z"), Some((40.0, 2, 30.0)));
    assert_eq!(long_usd(&market, "2026-01-01T00:05:10Z"), Some((45.0, 3, 30.0)));
}

#[test]
fn commits_are_published_in_order_and_a_gap_is_reported() {
    let publisher = Publisher::new(Market::default());
    let versions = publisher.subscribe();
    assert_eq!(publisher.apply(&commit(2, "2026-01-02")), Applied::MissingCommits);
    assert_eq!(publisher.apply(&commit(1, "2026-01-01")), Applied::Yes);
    assert_eq!(publisher.apply(&commit(1, "2026-01-01")), Applied::Yes);
    assert_eq!(publisher.apply(&commit(2, "2026-01-02")), Applied::Yes);
    assert_eq!((publisher.load().version(), *versions.borrow()), (2, 2));
}
