use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Asset, Metric, SeriesKey, Timestamp, Version, Vintage};
use crate::market::column::{Column, ColumnView};
use crate::market::point::Point;

/// Columns of one kind by series key, grouped by metric and asset. A query reads the group of one asset, and
/// a commit copies only the index of the groups that it changes.
#[derive(Debug, Clone)]
pub(super) struct SeriesIndex<P: Point> {
    groups: BTreeMap<Metric, Arc<Assets<P>>>,
}

/// Groups of one metric.
type Assets<P> = BTreeMap<Asset, Arc<Group<P>>>;
/// Columns of one metric and asset.
type Group<P> = BTreeMap<SeriesKey, Column<P>>;

impl<P: Point> Default for SeriesIndex<P> {
    fn default() -> Self {
        Self { groups: BTreeMap::new() }
    }
}

impl<P: Point> SeriesIndex<P> {
    pub(super) fn get(&self, key: &SeriesKey) -> Option<&Column<P>> {
        self.groups.get(&key.metric)?.get(&key.asset)?.get(key)
    }

    /// Adds vintages, ordered by (`observed_at`, `known_at`), to the column of `key`, which is created if missing.
    pub(super) fn amend(&mut self, key: &SeriesKey, lag_ms: i64, vintages: &[Vintage<P>], version: Version) {
        if vintages.is_empty() {
            return;
        }
        let of_metric = Arc::make_mut(self.groups.entry(key.metric).or_default());
        let group = Arc::make_mut(of_metric.entry(key.asset.clone()).or_default());
        let column = match group.get(key) {
            Some(column) => column.amended(vintages, version),
            None => Column::new(lag_ms).amended(vintages, version),
        };
        group.insert(key.clone(), column);
    }

    /// Returns every column of a metric with any vintage known by `as_of`, ordered by key.
    pub(super) fn of_metric(&self, metric: Metric, as_of: Timestamp) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, P>)> {
        let groups = self.groups.get(&metric).into_iter().flat_map(|assets| assets.values());
        groups.flat_map(move |group| known(group, as_of))
    }

    /// Returns every column of a metric and asset with any vintage known by `as_of`, ordered by key.
    pub(super) fn of_asset(
        &self,
        metric: Metric,
        asset: &Asset,
        as_of: Timestamp,
    ) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, P>)> {
        let group = self.groups.get(&metric).and_then(|assets| assets.get(asset));
        group.into_iter().flat_map(move |group| known(group, as_of))
    }

    /// Returns the assets with a column of a metric that has any vintage known by `as_of`, ordered by name.
    pub(super) fn assets(&self, metric: Metric, as_of: Timestamp) -> impl Iterator<Item = &Asset> {
        let groups = self.groups.get(&metric).into_iter().flat_map(|assets| assets.iter());
        groups.filter(move |(_, group)| known(group, as_of).next().is_some()).map(|(asset, _)| asset)
    }

    /// Returns the keys of all columns with any vintage known by `as_of`.
    pub(super) fn known_keys(&self, as_of: Timestamp) -> impl Iterator<Item = &SeriesKey> {
        self.groups.keys().flat_map(move |metric| self.of_metric(*metric, as_of)).map(|(key, _)| key)
    }
}

/// Returns the columns of a group with any vintage known by `as_of`.
fn known<P: Point>(group: &Group<P>, as_of: Timestamp) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, P>)> {
    group.iter().filter_map(move |(key, column)| column.at(as_of).map(|view| (key, view)))
}
