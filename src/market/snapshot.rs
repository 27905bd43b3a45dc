use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Bar, Delta, Period, RecordedOrder, SeriesKey, Source, SourceInfo, Timestamp, Version, Vintage};
use crate::market::change_log::ChangeLog;
use crate::market::column::Column;
use crate::market::daily::daily_vintages;
use crate::market::liquidation_buckets;
use crate::market::series_index::SeriesIndex;
use crate::market::summary::LiquidationBucket;
use crate::market::view::MarketView;

/// The whole log in memory as of one commit. It is immutable: the next commit makes the next market,
/// which shares everything unchanged with this one.
#[derive(Debug, Clone, Default)]
pub struct Market {
    pub(super) version: Version,
    latest_known_at: Option<Timestamp>,
    pub(super) touched: ChangeLog,
    pub(super) readings: SeriesIndex<f64>,
    pub(super) candles: SeriesIndex<Bar>,
    /// Daily bars built from finer ones, under the key of the finer series.
    pub(super) daily: SeriesIndex<Bar>,
    pub(super) tallies: SeriesIndex<LiquidationBucket>,
    /// Commit numbers by `recorded_at`.
    commits: Option<Column<Version>>,
    pub(super) sources: Arc<BTreeMap<Source, SourceInfo>>,
}

impl Market {
    /// Returns the last commit in the snapshot; 0 if empty.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the last commit recorded by `as_of`; 0 if there was none.
    #[must_use]
    pub fn version_at(&self, as_of: Timestamp) -> Version {
        self.commits.as_ref().and_then(|commits| commits.newest().at_or_before(as_of)).map_or(0, |commit| commit.value)
    }

    /// Returns the latest `known_at` of all rows; `None` if empty.
    #[must_use]
    pub const fn latest_known_at(&self) -> Option<Timestamp> {
        self.latest_known_at
    }

    /// Returns the market as known at `as_of`.
    #[must_use]
    pub fn at(self: &Arc<Self>, as_of: Timestamp) -> MarketView {
        MarketView::new(Arc::clone(self), as_of)
    }

    /// Returns the market after one more commit.
    #[must_use]
    pub fn next(&self, delta: &Delta) -> Self {
        let mut next = self.clone();
        for (key, rows) in &delta.readings {
            next.add_readings(key, rows, delta.version);
        }
        for (key, rows) in &delta.candles {
            next.add_candles(key, rows, delta.version);
        }
        next.add_orders(&delta.orders, delta.version);
        next.add_commits(&[(delta.version, delta.recorded_at)]);
        next
    }

    /// Returns the same market with these sources.
    #[must_use]
    pub fn with_sources(&self, sources: impl IntoIterator<Item = SourceInfo>) -> Self {
        let mut known = (*self.sources).clone();
        known.extend(sources.into_iter().map(|info| (info.source.clone(), info)));
        Self { sources: Arc::new(known), ..self.clone() }
    }

    pub(super) fn add_readings(&mut self, key: &SeriesKey, rows: &[Vintage<f64>], version: Version) {
        self.note_known(rows.iter().map(|row| row.known_at), version);
        self.readings.amend(key, key.publication_lag_ms(), rows, version);
    }

    pub(super) fn add_candles(&mut self, key: &SeriesKey, rows: &[Vintage<Bar>], version: Version) {
        self.note_known(rows.iter().map(|row| row.known_at), version);
        let former_last = self.candles.get(key).and_then(|column| column.newest().last()).map(|row| row.observed_at);
        self.candles.amend(key, key.publication_lag_ms(), rows, version);
        if key.period < Period::DAY
            && let Some(finer) = self.candles.get(key)
        {
            let days = daily_vintages(finer, key.period, rows, former_last);
            self.daily.amend(key, Period::DAY.ms(), &days, version);
        }
    }

    pub(super) fn add_orders(&mut self, orders: &[RecordedOrder], version: Version) {
        self.note_known(orders.iter().map(|order| order.known_at), version);
        for (key, orders) in liquidation_buckets::by_column(orders) {
            let rows = liquidation_buckets::tally_vintages(self.tallies.get(&key), &orders);
            self.tallies.amend(&key, key.publication_lag_ms(), &rows, version);
        }
    }

    pub(super) fn add_commits(&mut self, commits: &[(Version, Timestamp)]) {
        let Some((last, _)) = commits.last() else { return };
        self.version = self.version.max(*last);
        let mut rows: Vec<Vintage<Version>> = Vec::with_capacity(commits.len());
        for (version, recorded_at) in commits {
            let row = Vintage { observed_at: *recorded_at, known_at: *recorded_at, value: *version };
            match rows.last_mut() {
                Some(former) if former.observed_at >= row.observed_at => former.value = row.value,
                _ => rows.push(row),
            }
        }
        self.commits = Some(self.commits.take().unwrap_or_else(|| Column::new(0)).amended(&rows, *last));
    }

    fn note_known(&mut self, known: impl Iterator<Item = Timestamp> + Clone, version: Version) {
        self.latest_known_at = self.latest_known_at.max(known.clone().max());
        if let Some(known_from) = known.min() {
            self.touched.note(version, known_from);
        }
    }
}
