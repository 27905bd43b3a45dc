//! Synthetic rows, the same in every run: data without files, and a substitute for all files.

use market_stress::domain::{
    Asset, Bar, Batch, KnownAtRule, LiquidationOrder, Metric, Observation, Period, SeriesKey, Side, Source, Timestamp,
};
use market_stress::scenario;

/// Time at which the benches query.
pub(crate) const CUTOFF: Timestamp = scenario::CUTOFF;

/// Days of daily bars and of half hours.
const DAYS: i64 = 8 * 365;
const DAYS_OF_HALF_HOURS: i64 = 3 * 365;
/// Days of single orders, one a minute.
const DAYS_OF_ORDERS: i64 = 120;
const HALF_HOUR_MS: i64 = Period::HOUR.ms() / 2;

/// Coins and other markets with daily bars, each with its first price.
const DAILY: [(&str, f64); 12] = [
    ("btc", 60_000.0),
    ("eth", 2_000.0),
    ("sol", 100.0),
    ("xrp", 1.0),
    ("ada", 0.5),
    ("bnb", 500.0),
    ("doge", 0.1),
    ("sp500", 5_000.0),
    ("nasdaq", 18_000.0),
    ("gold", 2_500.0),
    ("silver", 30.0),
    ("vix", 20.0),
];

/// Returns the rows of the demo scenario, and synthetic bars.
pub(super) fn batches() -> Vec<Batch> {
    let mut batches = scenario::batches().expect("the scenario is sound");
    let mut bars = Batch::new(source());
    for (seed, (asset, level)) in (1..).zip(DAILY) {
        push_bars(&mut bars, asset, Period::DAY, DAYS, |at| level * swing(at, seed));
    }
    let half_hours: Period = "30m".parse().expect("a period");
    push_bars(&mut bars, "btc", half_hours, DAYS_OF_HALF_HOURS, |at| 60_000.0 * swing(at, 1));
    batches.push(bars);
    batches
}

/// Returns the option chains of the demo scenario.
pub(super) fn options() -> impl Iterator<Item = Batch> {
    let batches = scenario::batches().expect("the scenario is sound");
    batches.into_iter().filter(|batch| batch.readings.keys().any(|key| key.metric == Metric::OptionVol))
}

/// Returns one liquidation order of bitcoin a minute.
pub(super) fn orders() -> Batch {
    let minutes = DAYS_OF_ORDERS * Period::DAY.ms() / Period::MINUTE.ms();
    let order = |minute: i64| {
        let occurred_at = CUTOFF.plus_ms(-minute * Period::MINUTE.ms());
        let usd = 1e6 * swing(occurred_at, 99);
        LiquidationOrder {
            source: source(),
            symbol: "BTCUSDT".to_owned(),
            asset: Asset::btc(),
            side: if minute % 3 == 0 { Side::Short } else { Side::Long },
            occurred_at,
            knowledge: KnownAtRule::AtPublication(occurred_at),
            price_usd: 60_000.0,
            quantity: usd / 60_000.0,
            usd,
        }
    };
    Batch { orders: (0..minutes).rev().map(order).collect(), ..Batch::new(source()) }
}

fn source() -> Source {
    "made-up".parse().expect("a source of this bench is well formed")
}

fn push_bars(batch: &mut Batch, asset: &str, period: Period, days: i64, price: impl Fn(Timestamp) -> f64) {
    let key = SeriesKey::new(Metric::Candle, asset.parse().expect("an asset"), source(), period);
    let first = CUTOFF.day_start().plus_days(-days);
    for bar in 0..days * Period::DAY.ms() / period.ms() {
        let observed_at = first.plus_ms(bar * period.ms());
        let end = observed_at.plus_ms(period.ms());
        let (open, close) = (price(observed_at), price(end));
        let value = Bar { open, high: open.max(close) * 1.01, low: open.min(close) * 0.99, close, volume: Some(1e3) };
        batch.push_candle(key.clone(), Observation { observed_at, knowledge: KnownAtRule::AtPublication(end), value });
    }
}

/// Returns a factor around 1 that drifts and swings.
#[expect(clippy::cast_precision_loss, reason = "half hours of ten years are few")]
fn swing(at: Timestamp, seed: i64) -> f64 {
    let (t, seed) = ((at.unix_ms() / HALF_HOUR_MS) as f64, seed as f64);
    (0.4 * (t / 9_001.0 + seed).sin() + 0.1 * (t / 701.0 * seed).sin() + 0.02 * (t * 0.37 + seed).sin()).exp()
}
