use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Asset, Metric, SeriesKey, Timestamp, Version, Vintage};
use crate::market::column::{Column, ColumnView};
use crate::market::point::Point;

/// Columns of one kind by series key, grouped by metric and asset: a question reads the group of one asset, and
/// a commit copies the index of the groups it touches only.
#[derive(Debug, Clone)]
pub(super) struct SeriesIndex<P: Point> {
    groups: BTreeMap<Metric, Arc<Assets<P>>>,
}

/// The groups of one metric.
type Assets<P> = BTreeMap<Asset, Arc<Group<P>>>;
/// The columns of one metric and asset.
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

    /// Adds vintages, ordered by (`observed_at`, `known_at`), to the column of `key`, made if need be.
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

    /// Every column of a metric with something known by `as_of`, by key.
    pub(super) fn of_metric(&self, metric: Metric, as_of: Timestamp) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, P>)> {
        let groups = self.groups.get(&metric).into_iter().flat_map(|assets| assets.values());
        groups.flat_map(move |group| known(group, as_of))
    }

    /// Every column of a metric and asset with something known by `as_of`, by key.
    pub(super) fn of_asset(
        &self,
        metric: Metric,
        asset: &Asset,
        as_of: Timestamp,
    ) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, P>)> {
        let group = self.groups.get(&metric).and_then(|assets| assets.get(asset));
        group.into_iter().flat_map(move |group| known(group, as_of))
    }

    /// The assets of which a column of a metric has something known by `as_of`, by name.
    pub(super) fn assets(&self, metric: Metric, as_of: Timestamp) -> impl Iterator<Item = &Asset> {
        let groups = self.groups.get(&metric).into_iter().flat_map(|assets| assets.iter());
        groups.filter(move |(_, group)| known(group, as_of).next().is_some()).map(|(asset, _)| asset)
    }

    /// The keys of all columns with something known by `as_of`.
    pub(super) fn known_keys(&self, as_of: Timestamp) -> impl Iterator<Item = &SeriesKey> {
        self.groups.keys().flat_map(move |metric| self.of_metric(*metric, as_of)).map(|(key, _)| key)
    }
}

/// The columns of a group with something known by `as_of`.
fn known<P: Point>(group: &Group<P>, as_of: Timestamp) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, P>)> {
    group.iter().filter_map(move |(key, column)| column.at(as_of).map(|view| (key, view)))
}
