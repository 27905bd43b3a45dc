//! Market of the metric benches: real files if they exist, else synthetic rows.

mod made_up;
mod real;

use std::collections::BTreeMap;
use std::sync::Arc;

use market_stress::domain::{
    Batch, Delta, KnownAtRule, LiquidationOrder, Observation, RecordedOrder, Timestamp, Version, Vintage,
};
use market_stress::market::Market;

pub(crate) use made_up::CUTOFF;

/// At least 8 years of daily bars and 3 years of half hours.
pub(crate) struct History {
    pub(crate) market: Arc<Market>,
    /// Description of its origin.
    pub(crate) origin: &'static str,
}

impl History {
    pub(crate) fn new() -> Self {
        let (mut batches, origin) = match real::batches() {
            Some(mut batches) => {
                batches.extend(made_up::options());
                (batches, "real files, read in place; chains of options and single orders are made up")
            }
            None => (made_up::batches(), "synthetic rows: no real files found"),
        };
        batches.push(made_up::orders());
        let next = |market: Market, (version, batch)| market.next(&commit(version, batch));
        let market = (1..).zip(batches).fold(Market::default(), next);
        Self { market: Arc::new(market.with_sources(real::sources())), origin }
    }
}

fn commit(version: Version, batch: Batch) -> Delta {
    Delta {
        version,
        recorded_at: Timestamp::MIN,
        source: batch.source,
        readings: vintages_by_series(batch.readings),
        candles: vintages_by_series(batch.candles),
        orders: batch.orders.into_iter().map(recorded).collect(),
    }
}

fn recorded(order: LiquidationOrder) -> RecordedOrder {
    let known_at = known_at(order.knowledge, order.occurred_at);
    RecordedOrder { known_at, order, ordinal: 0 }
}

fn vintages_by_series<K: Ord, P: Copy>(rows: BTreeMap<K, Vec<Observation<P>>>) -> BTreeMap<K, Vec<Vintage<P>>> {
    rows.into_iter().map(|(key, rows)| (key, vintages(&rows))).collect()
}

fn vintages<P: Copy>(rows: &[Observation<P>]) -> Vec<Vintage<P>> {
    let vintage = |row: &Observation<P>| {
        let known_at = known_at(row.knowledge, row.observed_at);
        Vintage { observed_at: row.observed_at, known_at, value: row.value }
    };
    let mut vintages: Vec<Vintage<P>> = rows.iter().map(vintage).collect();
    vintages.sort_by_key(|row| (row.observed_at, row.known_at));
    vintages.dedup_by_key(|row| (row.observed_at, row.known_at));
    vintages
}

const fn known_at(knowledge: KnownAtRule, observed_at: Timestamp) -> Timestamp {
    match knowledge {
        KnownAtRule::AtPublication(at) | KnownAtRule::Vintage(at) => at,
        KnownAtRule::OnCommit => observed_at,
    }
}
