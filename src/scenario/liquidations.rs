use serde::Deserialize;

use super::file::{POSITIONS, read};
use super::path::{phase, rounded, wave};
use super::prices::{Bitcoin, steps};
use super::{CUTOFF, ScenarioError};
use crate::domain::{
    Asset, Batch, KnownAtRule, LiquidationOrder, Metric, Observation, Period, SeriesKey, Side, Source, Timestamp,
};

/// Variation of the hours of a span about their even share; below one, so none is negative.
const SWING: f64 = 0.6;
/// Variation of an asset's part of an hour about its share; small enough that the parts stay below the total.
const ASSET_SWING: f64 = 0.15;
/// Contract of every single order.
const SYMBOL: &str = "BTCUSDT";
/// Steps of the two low-discrepancy sequences: the golden ratio and the plastic number, which stay out of phase.
const SIDE_STEP: f64 = 0.618_033_988_749_895;
const SIZE_STEP: f64 = 0.754_877_666_246_693;

#[derive(Deserialize)]
struct File {
    liquidations: Vec<Span>,
    asset_sums_from: Timestamp,
    asset_shares: Vec<(Asset, f64)>,
    orders: Vec<Burst>,
}

/// Start, total in USD, share of longs and mark of a span that ends at the start of the next.
#[derive(Deserialize)]
struct Span(Timestamp, f64, f64, #[expect(dead_code, reason = "documents the origin of the value in the file")] String);

/// Single orders in a time range.
#[derive(Deserialize)]
struct Burst {
    from: Timestamp,
    to: Timestamp,
    count: u32,
    smallest_usd: f64,
    largest_usd: f64,
    long_share: f64,
}

/// Returns hourly sums of both sides over all coins, and single orders of the hours before the cutoff.
pub(super) fn batch(source: &Source, bitcoin: &Bitcoin) -> Result<Batch, ScenarioError> {
    let file: File = read("positions.toml", POSITIONS)?;
    let mut batch = Batch::new(source.clone());
    let ends = file.liquidations.iter().skip(1).map(|span| span.0).chain([CUTOFF]);
    for (Span(from, total, long_share, _), to) in file.liquidations.iter().zip(ends) {
        let hours: Vec<_> = steps(*from, to.plus_ms(-1), Period::HOUR.ms()).collect();
        for (side, amount) in [(Side::Long, total * long_share), (Side::Short, total * (1.0 - long_share))] {
            for (at, usd) in hours.iter().zip(shared(&hours, amount, phase(side.as_str()))) {
                push_sum(&mut batch, Asset::total(), side, *at, usd);
                file.push_assets(&mut batch, side, *at, usd);
            }
        }
    }
    batch.orders = file.orders.iter().flat_map(|burst| burst.orders(source, bitcoin)).collect();
    Ok(batch)
}

impl File {
    /// Adds the parts of single assets in one hour's sum.
    fn push_assets(&self, batch: &mut Batch, side: Side, at: Timestamp, usd: f64) {
        if at >= self.asset_sums_from {
            for (asset, share) in &self.asset_shares {
                let part = usd * share * (1.0 + ASSET_SWING * wave(at, phase(asset.as_str())));
                push_sum(batch, asset.clone(), side, at, part.round());
            }
        }
    }
}

impl Burst {
    /// Returns its orders: spread evenly in time, with sizes and sides by [`scatter`].
    fn orders(&self, source: &Source, bitcoin: &Bitcoin) -> impl Iterator<Item = LiquidationOrder> {
        let step_ms = self.to.ms_since(self.from) / i64::from(self.count.max(1));
        (0..self.count).map(move |index| {
            let occurred_at = self.from.plus_ms(i64::from(index) * step_ms);
            let price_usd = rounded(bitcoin.price.value(occurred_at));
            let size = scatter(index, SIZE_STEP).powi(3);
            let quantity = rounded(self.smallest_usd * (self.largest_usd / self.smallest_usd).powf(size) / price_usd);
            LiquidationOrder {
                source: source.clone(),
                symbol: SYMBOL.to_owned(),
                asset: Asset::btc(),
                side: if scatter(index, SIDE_STEP) < self.long_share { Side::Long } else { Side::Short },
                occurred_at,
                knowledge: KnownAtRule::AtPublication(occurred_at),
                price_usd,
                quantity,
                usd: price_usd * quantity,
            }
        })
    }
}

/// Returns a fraction of one, spread evenly over the indices and the same on every machine.
fn scatter(index: u32, step: f64) -> f64 {
    (f64::from(index + 1) * step).fract()
}

/// Splits `amount` in whole dollars over the hours by a wave; the last hour takes the rounding difference.
fn shared(hours: &[Timestamp], amount: f64, phase: f64) -> Vec<f64> {
    let weights: Vec<f64> = hours.iter().map(|at| 1.0 + SWING * wave(*at, phase)).collect();
    let whole: f64 = weights.iter().sum();
    let mut shares: Vec<f64> = weights.iter().map(|weight| (amount * weight / whole).round()).collect();
    if let Some((last, others)) = shares.split_last_mut() {
        *last = amount.round() - others.iter().sum::<f64>();
    }
    shares
}

/// Adds the sum of an hour, known at its end.
fn push_sum(batch: &mut Batch, asset: Asset, side: Side, at: Timestamp, usd: f64) {
    let key = SeriesKey::new(Metric::Liquidation, asset, batch.source.clone(), Period::HOUR).with_part(side.as_str());
    let knowledge = KnownAtRule::AtPublication(at.plus_ms(Period::HOUR.ms()));
    batch.push_reading(key, Observation { observed_at: at, knowledge, value: usd });
}
