//! Per-minute sums of single liquidation orders.

use std::collections::BTreeMap;

use crate::domain::{Asset, Metric, Period, RecordedOrder, SeriesKey, TimeRange, Timestamp, Vintage};
use crate::market::column::Column;
use crate::market::summary::LiquidationBucket;

/// Groups orders by column: asset, side (the part) and source, one row a minute. Each order is added to
/// its own asset and to `total`, so that a query of all assets reads one column.
pub(super) fn by_column(orders: &[RecordedOrder]) -> BTreeMap<SeriesKey, Vec<&RecordedOrder>> {
    let mut columns: BTreeMap<SeriesKey, Vec<&RecordedOrder>> = BTreeMap::new();
    for recorded in orders {
        let order = &recorded.order;
        for asset in [order.asset.clone(), Asset::total()] {
            let key =
                SeriesKey::new(Metric::Liquidation, asset, order.source.clone(), Period::MINUTE).with_part(order.side.as_str());
            columns.entry(key).or_default().push(recorded);
        }
    }
    columns
}

/// Returns the vintages of the minutes that `orders` add to. A minute is known at its end. Orders known
/// later add a vintage at the end of the minute in which they were known.
pub(super) fn tally_vintages(
    column: Option<&Column<LiquidationBucket>>,
    orders: &[&RecordedOrder],
) -> Vec<Vintage<LiquidationBucket>> {
    let mut minutes: BTreeMap<Timestamp, Vec<&RecordedOrder>> = BTreeMap::new();
    for order in orders {
        minutes.entry(order.order.occurred_at.floor(Period::MINUTE.ms())).or_default().push(order);
    }
    minutes.into_iter().flat_map(|(minute, orders)| vintages_of_minute(column, minute, &orders)).collect()
}

fn vintages_of_minute(
    column: Option<&Column<LiquidationBucket>>,
    minute: Timestamp,
    orders: &[&RecordedOrder],
) -> Vec<Vintage<LiquidationBucket>> {
    let mut vintages: BTreeMap<Timestamp, LiquidationBucket> = BTreeMap::new();
    if let (Some(column), Ok(range)) = (column, TimeRange::new(minute, minute.plus_ms(1))) {
        vintages.extend(column.newest().vintages(range).into_iter().map(|v| (v.known_at, v.value)));
    }
    for order in orders {
        let known_at = known_minute(minute, order.known_at);
        if !vintages.contains_key(&known_at) {
            let former = vintages.range(..known_at).next_back().map_or(LiquidationBucket::EMPTY, |(_, tally)| *tally);
            vintages.insert(known_at, former);
        }
        vintages.range_mut(known_at..).for_each(|(_, tally)| tally.add(minute, order));
    }
    vintages.into_iter().map(|(known_at, value)| Vintage { observed_at: minute, known_at, value }).collect()
}

/// Returns the end of the minute in which an order of `minute` was known, at least the end of `minute`.
fn known_minute(minute: Timestamp, known_at: Timestamp) -> Timestamp {
    let step = Period::MINUTE.ms();
    known_at.plus_ms(step - 1).floor(step).max(minute.plus_ms(step))
}

impl LiquidationBucket {
    const EMPTY: Self = Self { usd: 0.0, count: 0, largest_offset_ms: 0, largest_usd: 0.0, largest_price_usd: 0.0 };

    fn add(&mut self, minute: Timestamp, recorded: &RecordedOrder) {
        let order = &recorded.order;
        self.usd += order.usd;
        self.count += 1;
        if order.usd > self.largest_usd {
            self.largest_usd = order.usd;
            self.largest_price_usd = order.price_usd;
            self.largest_offset_ms = u32::try_from(order.occurred_at.ms_since(minute)).unwrap_or(0);
        }
    }
}
