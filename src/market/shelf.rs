use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Asset, Metric, SeriesKey, Timestamp, Version, Vintage};
use crate::market::column::{Column, ColumnView};
use crate::market::point::Point;

/// Columns of one kind by series key, grouped by metric so that a commit copies one group's index only.
#[derive(Debug, Clone)]
pub(super) struct Shelf<P: Point> {
    groups: BTreeMap<Metric, Arc<BTreeMap<SeriesKey, Column<P>>>>,
}

impl<P: Point> Default for Shelf<P> {
    fn default() -> Self {
        Self { groups: BTreeMap::new() }
    }
}

impl<P: Point> Shelf<P> {
    pub(super) fn get(&self, key: &SeriesKey) -> Option<&Column<P>> {
        self.groups.get(&key.metric)?.get(key)
    }

    /// Adds vintages, ordered by (`observed_at`, `known_at`), to the column of `key`, made if need be.
    pub(super) fn amend(&mut self, key: &SeriesKey, lag_ms: i64, vintages: &[Vintage<P>], version: Version) {
        if vintages.is_empty() {
            return;
        }
        let group = Arc::make_mut(self.groups.entry(key.metric).or_default());
        let column = match group.get(key) {
            Some(column) => column.amended(vintages, version),
            None => Column::new(lag_ms).amended(vintages, version),
        };
        group.insert(key.clone(), column);
    }

    /// Every column of a metric with something known by `as_of`, by key.
    pub(super) fn of_metric(&self, metric: Metric, as_of: Timestamp) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, P>)> {
        let group = self.groups.get(&metric).into_iter().flat_map(|group| group.iter());
        group.filter_map(move |(key, column)| column.at(as_of).map(|view| (key, view)))
    }

    /// Every column of a metric and asset with something known by `as_of`, by key.
    pub(super) fn of_asset<'a>(
        &'a self,
        metric: Metric,
        asset: &Asset,
        as_of: Timestamp,
    ) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, P>)> {
        let first = SeriesKey::before(metric, asset.clone());
        let group = self.groups.get(&metric).into_iter().flat_map(move |group| group.range(first.clone()..));
        let named = group.take_while(move |(key, _)| key.asset == *asset);
        named.filter_map(move |(key, column)| column.at(as_of).map(|view| (key, view)))
    }

    /// The keys of all columns with something known by `as_of`.
    pub(super) fn known_keys(&self, as_of: Timestamp) -> impl Iterator<Item = &SeriesKey> {
        self.groups.keys().flat_map(move |metric| self.of_metric(*metric, as_of)).map(|(key, _)| key)
    }
}
