use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Bar, LiquidationOrder, Observation, SeriesKey, Source, Timestamp, Vintage};

/// Number of a commit: starts at 1 and grows by one with each commit.
pub type Version = i64;

/// Rows that are written in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Writer of the batch: the feed, or the name given to an import.
    pub source: Source,
    /// Readings and flows by series.
    pub readings: BTreeMap<SeriesKey, Vec<Observation<f64>>>,
    /// Candles by series.
    pub candles: BTreeMap<SeriesKey, Vec<Observation<Bar>>>,
    /// Single liquidation orders.
    pub orders: Vec<LiquidationOrder>,
}

/// A row that the store rejects, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// The series, or the venue and symbol of an order.
    pub subject: String,
    /// `observed_at` of the row.
    pub observed_at: Timestamp,
    /// The fault and how to correct it.
    pub reason: String,
}

/// Result of a commit, in rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitReport {
    /// Points not recorded before.
    pub new: u64,
    /// Rows with the value already recorded.
    pub unchanged: u64,
    /// Rows with another value for a recorded point; the older vintage stays.
    pub revised: u64,
    /// Rows that were rejected.
    pub refused: Vec<RejectedRow>,
}

/// A liquidation order with its `known_at` decided and its ordinal among orders of the same time.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedOrder {
    /// The order as it was published; its `knowledge` is always a vintage here.
    pub order: LiquidationOrder,
    /// Time from which the order was known.
    pub known_at: Timestamp,
    /// Ordinal among the orders of the same source, symbol and time, from 0.
    pub ordinal: u32,
}

/// The rows one commit added, in the order a follower applies them.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// Number of the commit.
    pub version: Version,
    /// Time of the commit.
    pub recorded_at: Timestamp,
    /// Writer of the batch.
    pub source: Source,
    /// New vintages of readings and flows by series, ordered by (`observed_at`, `known_at`).
    pub readings: BTreeMap<SeriesKey, Vec<Vintage<f64>>>,
    /// New vintages of candles by series, in the same order.
    pub candles: BTreeMap<SeriesKey, Vec<Vintage<Bar>>>,
    /// New liquidation orders, ordered by their natural key.
    pub orders: Vec<RecordedOrder>,
}

impl Batch {
    /// Creates a batch without rows.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self { source, readings: BTreeMap::new(), candles: BTreeMap::new(), orders: Vec::new() }
    }

    /// Adds one reading or flow.
    pub fn push_reading(&mut self, key: SeriesKey, observation: Observation<f64>) {
        self.readings.entry(key).or_default().push(observation);
    }

    /// Adds one candle.
    pub fn push_candle(&mut self, key: SeriesKey, candle: Observation<Bar>) {
        self.candles.entry(key).or_default().push(candle);
    }

    /// Returns every source that its rows come from.
    #[must_use]
    pub fn sources(&self) -> BTreeSet<Source> {
        let keys = self.readings.keys().chain(self.candles.keys()).map(|key| key.source.clone());
        keys.chain(self.orders.iter().map(|order| order.source.clone())).collect()
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.readings.values().map(Vec::len).sum::<usize>()
            + self.candles.values().map(Vec::len).sum::<usize>()
            + self.orders.len()
    }

    /// Returns true if the batch has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
