use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Bar, LiquidationOrder, Observation, SeriesKey, Source, Timestamp, Vintage};

/// The number of a commit: grows by one with each, in commit order, starting at 1.
pub type Version = i64;

/// Rows that are written together or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Who wrote the batch: the feed, or the name given to an import.
    pub source: Source,
    /// Readings and flows by series.
    pub readings: BTreeMap<SeriesKey, Vec<Observation<f64>>>,
    /// Candles by series.
    pub candles: BTreeMap<SeriesKey, Vec<Observation<Bar>>>,
    /// Single liquidation orders.
    pub orders: Vec<LiquidationOrder>,
}

/// A row the store will not take, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// The series, or the venue and symbol of an order.
    pub subject: String,
    /// The instant the row speaks of.
    pub observed_at: Timestamp,
    /// What is wrong with it and what to do.
    pub reason: String,
}

/// What became of a batch, by count of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitReport {
    /// Points that were not there before.
    pub new: u64,
    /// Rows that said what was already known.
    pub unchanged: u64,
    /// Rows that said something else about a point already known; the older vintage stays.
    pub revised: u64,
    /// Rows that were not taken.
    pub refused: Vec<RejectedRow>,
}

/// A liquidation order with its clocks settled and its place among orders of the same instant.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedOrder {
    /// The order as it was published; its `knowledge` is always a vintage here.
    pub order: LiquidationOrder,
    /// From when on it was known.
    pub known_at: Timestamp,
    /// Its place among the orders of the same source, symbol and instant, from 0.
    pub ordinal: u32,
}

/// The rows one commit added, in the order a follower applies them.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    /// The commit.
    pub version: Version,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// Who wrote it.
    pub source: Source,
    /// New vintages of readings and flows by series, ordered by (`observed_at`, `known_at`).
    pub readings: BTreeMap<SeriesKey, Vec<Vintage<f64>>>,
    /// New vintages of candles by series, in the same order.
    pub candles: BTreeMap<SeriesKey, Vec<Vintage<Bar>>>,
    /// New liquidation orders, ordered by their natural key.
    pub orders: Vec<RecordedOrder>,
}

impl Batch {
    /// A batch without rows.
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

    /// Every source its rows come from.
    #[must_use]
    pub fn sources(&self) -> BTreeSet<Source> {
        let keys = self.readings.keys().chain(self.candles.keys()).map(|key| key.source.clone());
        keys.chain(self.orders.iter().map(|order| order.source.clone())).collect()
    }

    /// How many rows it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.readings.values().map(Vec::len).sum::<usize>()
            + self.candles.values().map(Vec::len).sum::<usize>()
            + self.orders.len()
    }

    /// Whether it holds no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
