//! Sums of single liquidation orders by the instant at which they were filled.
//!
//! By the instant and not by the minute, and known when their orders were: a total then holds exactly the orders
//! that a list of the same window shows, whatever the millisecond of its ends and of the cutoff.

use std::collections::BTreeMap;

use crate::domain::{Asset, Metric, Period, RecordedOrder, SeriesKey, TimeRange, Timestamp, Vintage};
use crate::market::column::Column;
use crate::market::summary::LiquidationBucket;

/// Orders by the columns that sum them: asset, side (the part) and source. Each order counts for its own
/// asset and for `total`, so that a question about all assets reads one column.
pub(super) fn by_column(orders: &[RecordedOrder]) -> BTreeMap<SeriesKey, Vec<&RecordedOrder>> {
    let mut columns: BTreeMap<SeriesKey, Vec<&RecordedOrder>> = BTreeMap::new();
    for recorded in orders {
        let order = &recorded.order;
        for asset in [order.asset.clone(), Asset::total()] {
            let key =
                SeriesKey::new(Metric::Liquidation, asset, order.source.clone(), Period::INSTANT).with_part(order.side.as_str());
            columns.entry(key).or_default().push(recorded);
        }
    }
    columns
}

/// The vintages of the instants that `orders` add to. An order that is known later than others of its
/// instant makes a further vintage.
pub(super) fn tally_vintages(
    column: Option<&Column<LiquidationBucket>>,
    orders: &[&RecordedOrder],
) -> Vec<Vintage<LiquidationBucket>> {
    let mut instants: BTreeMap<Timestamp, Vec<&RecordedOrder>> = BTreeMap::new();
    for order in orders {
        instants.entry(order.order.occurred_at).or_default().push(order);
    }
    instants.into_iter().flat_map(|(at, orders)| vintages_of_instant(column, at, &orders)).collect()
}

fn vintages_of_instant(
    column: Option<&Column<LiquidationBucket>>,
    at: Timestamp,
    orders: &[&RecordedOrder],
) -> Vec<Vintage<LiquidationBucket>> {
    let mut vintages: BTreeMap<Timestamp, LiquidationBucket> = BTreeMap::new();
    if let (Some(column), Ok(range)) = (column, TimeRange::new(at, at.plus_ms(1))) {
        vintages.extend(column.newest().vintages(range).into_iter().map(|v| (v.known_at, v.value)));
    }
    for order in orders {
        let known_at = order.known_at;
        if !vintages.contains_key(&known_at) {
            let former = vintages.range(..known_at).next_back().map_or(LiquidationBucket::EMPTY, |(_, tally)| *tally);
            vintages.insert(known_at, former);
        }
        vintages.range_mut(known_at..).for_each(|(_, tally)| tally.add(order));
    }
    vintages.into_iter().map(|(known_at, value)| Vintage { observed_at: at, known_at, value }).collect()
}

impl LiquidationBucket {
    const EMPTY: Self = Self { usd: 0.0, count: 0, largest_usd: 0.0, largest_price_usd: 0.0 };

    fn add(&mut self, recorded: &RecordedOrder) {
        let order = &recorded.order;
        self.usd += order.usd;
        self.count += 1;
        if order.usd > self.largest_usd {
            self.largest_usd = order.usd;
            self.largest_price_usd = order.price_usd;
        }
    }
}
