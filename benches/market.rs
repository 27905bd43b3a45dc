//! Market in memory: windows of any length, views at earlier times, publication, bytes per point.
//!
//! `cargo bench --bench market`; the figures are in `docs/BENCHMARKS.md`.
#![expect(clippy::expect_used, reason = "a bench that panics reports where it stopped")]

mod prices;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use divan::{Bencher, black_box};
use market_stress::domain::{Asset, Bar, Delta, Period, SeriesKey, TimeRange, Timestamp, Version, Vintage};
use market_stress::market::{Market, MarketView};
use market_stress::metrics::{Basis, DrawdownParams, PriceParams, SourceOrder, Window, drawdown, price};
use market_stress::stats::drawdown::MaxDrawdown;

use self::prices::{END, price_of};

/// Ten years of minutes, less a little.
const MINUTES: i64 = 5_200_000;
const DAYS: [i64; 6] = [1, 7, 30, 365, 1_825, 3_610];

fn key(text: &str) -> SeriesKey {
    text.parse().expect("a key of this bench is well formed")
}

fn commit(version: Version) -> Delta {
    let source = "bench".parse().expect("a source of this bench is well formed");
    Delta { version, recorded_at: END, source, readings: BTreeMap::new(), candles: BTreeMap::new(), orders: Vec::new() }
}

fn at_minute(minute: i64) -> Timestamp {
    prices::at_minute(minute, MINUTES)
}

fn readings(minutes: std::ops::Range<i64>) -> Vec<Vintage<f64>> {
    let row = |m| Vintage { observed_at: at_minute(m), known_at: at_minute(m), value: price_of(m) };
    minutes.map(row).collect()
}

fn bars(minutes: std::ops::Range<i64>) -> Vec<Vintage<Bar>> {
    let bar = |m: i64| {
        let (open, close) = (price_of(m), price_of(m + 1));
        let value = Bar { open, high: open.max(close) + 5.0, low: open.min(close) - 5.0, close, volume: Some(1.0) };
        Vintage { observed_at: at_minute(m), known_at: at_minute(m + 1), value }
    };
    minutes.map(bar).collect()
}

static READINGS: LazyLock<Arc<Market>> = LazyLock::new(|| {
    let delta = Delta { readings: BTreeMap::from([(key("price.btc@bench"), readings(0..MINUTES))]), ..commit(1) };
    Arc::new(Market::default().next(&delta))
});

static BARS: LazyLock<Arc<Market>> = LazyLock::new(|| {
    let delta = Delta { candles: BTreeMap::from([(key("candle.btc@bench:1m"), bars(0..MINUTES))]), ..commit(1) };
    Arc::new(Market::default().next(&delta))
});

/// A hundred series of three years of hours, one row in ten revised long after.
static HUNDRED: LazyLock<Arc<Market>> = LazyLock::new(|| {
    let hours = readings(0..26_000);
    let mut corrected = hours.clone();
    corrected.push(Vintage { known_at: END, value: 1.0, ..hours[100] });
    corrected.sort_by_key(|row| (row.observed_at, row.known_at));
    let series = (0..100).map(|i| {
        let rows = if i % 10 == 0 { corrected.clone() } else { hours.clone() };
        (key(&format!("open_interest.asset{i}@bench")), rows)
    });
    Arc::new(Market::default().next(&Delta { readings: series.collect(), ..commit(1) }))
});

/// (a) Maximum drawdown in a window of this many days of 5.2 million minutes, from block summaries. The
/// cost of a window depends on where its edges cut blocks, so each window has another position.
#[divan::bench(args = DAYS, sample_count = 1_000)]
fn a_deepest_fall_in_window(bencher: Bencher<'_, '_>, days: i64) {
    let view = READINGS.at(END);
    let series = key("price.btc@bench");
    let ends = std::cell::Cell::new(0);
    let window = || {
        // Coprime to the size of a block: a thousand windows end at every position in one.
        ends.set((ends.get() + 37) % 1_024);
        let end = END.plus_ms(-ends.get() * Period::MINUTE.ms());
        TimeRange::new(end.plus_days(-days), end).expect("a window of days is not empty")
    };
    bencher
        .with_inputs(window)
        .bench_local_values(|range| view.reading(&series).map(|column| column.fold::<MaxDrawdown>(black_box(range))));
}

/// (a) Whole answer of `/v1/drawdown`, minutes as bars: extremes from summaries, indices from daily closes.
#[divan::bench(args = DAYS)]
fn a_drawdown_answer(bencher: Bencher<'_, '_>, days: i64) {
    let view = BARS.at(END);
    let order = SourceOrder::default();
    let question = DrawdownParams {
        asset: Asset::btc(),
        source: None,
        window: Window::days(days),
        interval: Period::MINUTE,
        basis: Basis::Intraday,
    };
    bencher.bench(|| drawdown(black_box(&view), &order, &question));
}

/// Whole answer of `/v1/price`.
#[divan::bench]
fn price_answer(bencher: Bencher<'_, '_>) {
    let view = BARS.at(END);
    let question = PriceParams { asset: Asset::btc(), source: None, window: Window::days(1) };
    let order = SourceOrder::default();
    bencher.bench(|| price(black_box(&view), &order, &question));
}

/// (b) A view of a market of 100 series at an earlier time.
#[divan::bench]
fn b_cut_of_100_series(bencher: Bencher<'_, '_>) {
    let earlier = at_minute(13_000);
    bencher.bench(|| HUNDRED.at(black_box(earlier)));
}

/// (b) The same, and the last value of each of the 100 series.
#[divan::bench]
fn b_cut_of_100_series_and_every_last_value(bencher: Bencher<'_, '_>) {
    let keys: Vec<SeriesKey> = (0..100).map(|i| key(&format!("open_interest.asset{i}@bench"))).collect();
    let last =
        |view: &MarketView, key: &SeriesKey| view.reading(key).and_then(|column| column.last()).map_or(0.0, |row| row.value);
    let earlier = at_minute(13_000);
    bencher.bench(|| {
        let view = HUNDRED.at(black_box(earlier));
        keys.iter().map(|key| last(&view, key)).sum::<f64>()
    });
}

/// (c) Next market after one more point in a column of 5.2 million.
#[divan::bench]
fn c_publish_one_point(bencher: Bencher<'_, '_>) {
    let delta = Delta { readings: BTreeMap::from([(key("price.btc@bench"), readings(MINUTES..MINUTES + 1))]), ..commit(2) };
    bencher.bench(|| READINGS.next(black_box(&delta)));
}

/// (c) The same for a bar, its daily bar included.
#[divan::bench]
fn c_publish_one_bar(bencher: Bencher<'_, '_>) {
    let delta = Delta { candles: BTreeMap::from([(key("candle.btc@bench:1m"), bars(MINUTES..MINUTES + 1))]), ..commit(2) };
    bencher.bench(|| BARS.next(black_box(&delta)));
}

/// Returns the resident memory of the process, bytes.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1_024)
}

/// (d) Memory per point of a column: the growth of the process while the column is built.
#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
#[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
fn d_memory_per_point<P>(what: &str, build: impl FnOnce() -> P) {
    let before = resident_bytes();
    let kept = black_box(build());
    match before.zip(resident_bytes()) {
        Some((before, after)) => {
            println!("d_memory_per_point  {what}: {:.2} bytes", after.saturating_sub(before) as f64 / MINUTES as f64);
        }
        None => println!("d_memory_per_point  {what}: not measured, this system has no /proc"),
    }
    drop(kept);
}

fn main() {
    d_memory_per_point("a reading, 16 bytes of time and value", || Arc::clone(&READINGS));
    d_memory_per_point("a bar, 56 bytes of time, prices and volume", || Arc::clone(&BARS));
    divan::main();
}
