//! A log read back into maps, checked for order on the way.

use std::collections::BTreeMap;

use market_stress::domain::{Bar, Delta, RecordedOrder, SeriesKey, Timestamp, Version, Vintage};
use market_stress::store::{LoadSink, Store};

/// What a log holds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Collected {
    pub(crate) version: Version,
    pub(crate) readings: BTreeMap<SeriesKey, Vec<Vintage<f64>>>,
    pub(crate) candles: BTreeMap<SeriesKey, Vec<Vintage<Bar>>>,
    pub(crate) orders: Vec<RecordedOrder>,
    pub(crate) commits: Vec<(Version, Timestamp)>,
}

impl Collected {
    /// Applies one commit, as a follower does.
    pub(crate) fn apply(&mut self, delta: &Delta) {
        self.version = delta.version;
        self.commits.push((delta.version, delta.recorded_at));
        merge(&mut self.readings, &delta.readings);
        merge(&mut self.candles, &delta.candles);
        self.orders.extend(delta.orders.iter().cloned());
        self.orders.sort_by(|a, b| natural_key(a).cmp(&natural_key(b)));
    }
}

fn merge<P: Copy>(into: &mut BTreeMap<SeriesKey, Vec<Vintage<P>>>, rows: &BTreeMap<SeriesKey, Vec<Vintage<P>>>) {
    for (key, added) in rows {
        assert!(added.is_sorted_by_key(|row| (row.observed_at, row.known_at)), "{key} is out of order in a delta");
        let held = into.entry(key.clone()).or_default();
        held.extend(added);
        held.sort_by_key(|row| (row.observed_at, row.known_at));
    }
}

fn natural_key(recorded: &RecordedOrder) -> (&str, &str, Timestamp, u32) {
    let order = &recorded.order;
    (order.source.as_str(), &order.symbol, order.occurred_at, recorded.ordinal)
}

impl LoadSink for Collected {
    fn readings(&mut self, key: &SeriesKey, rows: Vec<Vintage<f64>>) {
        let held = self.readings.entry(key.clone()).or_default();
        held.extend(rows);
        assert!(held.is_sorted_by_key(|row| (row.observed_at, row.known_at)), "{key} is out of order");
    }

    fn candles(&mut self, key: &SeriesKey, rows: Vec<Vintage<Bar>>) {
        let held = self.candles.entry(key.clone()).or_default();
        held.extend(rows);
        assert!(held.is_sorted_by_key(|row| (row.observed_at, row.known_at)), "{key} is out of order");
    }

    fn orders(&mut self, rows: Vec<RecordedOrder>) {
        self.orders.extend(rows);
        assert!(self.orders.is_sorted_by_key(|order| natural_key(order).0.to_owned()), "orders are out of order");
    }

    fn commits(&mut self, rows: Vec<(Version, Timestamp)>) {
        self.commits.extend(rows);
        assert!(self.commits.is_sorted(), "commits are out of order");
    }
}

/// Everything a log holds.
pub(crate) async fn contents(store: &dyn Store) -> Collected {
    let mut collected = Collected::default();
    collected.version = store.load(&mut collected).await.unwrap();
    collected
}
