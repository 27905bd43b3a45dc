use std::sync::Arc;

use crate::domain::{Period, TimeRange, Timestamp, Version, Vintage};
use crate::market::point::{Fold, Point};
use crate::market::spans::Buckets;
use crate::market::tree::Node;

/// Vintages of one series, in time order; immutable and cheap to clone.
///
/// A point costs 8 bytes and its value if it was never revised and was known by the publication
/// rule. Other vintages are stored separately for the points that have them.
#[derive(Debug, Clone)]
pub struct Column<P: Point> {
    /// `None` if empty.
    root: Option<Arc<Node<P>>>,
    /// Delay after `observed_at` at which a row is known by rule, milliseconds.
    lag_ms: i64,
    /// The last commit that changed the series.
    version: Version,
}

/// A column as known at one time.
#[derive(Debug, Clone, Copy)]
pub struct ColumnView<'a, P: Point> {
    column: &'a Column<P>,
    as_of: Timestamp,
}

impl<P: Point> Column<P> {
    /// Creates an empty column whose rows are known `lag_ms` after `observed_at`, by rule.
    #[must_use]
    pub const fn new(lag_ms: i64) -> Self {
        Self { root: None, lag_ms, version: 0 }
    }

    /// Returns this column with further vintages, ordered by (`observed_at`, `known_at`), written by
    /// commit `version`. A vintage replaces one with both clocks equal.
    #[must_use]
    pub fn amended(&self, vintages: &[Vintage<P>], version: Version) -> Self {
        debug_assert!(vintages.is_sorted_by_key(|v| (v.observed_at, v.known_at)), "vintages come in order");
        let root = match &self.root {
            Some(root) => Node::join(root.amend(vintages, self.lag_ms)),
            None => Node::plant(vintages, self.lag_ms),
        };
        Self { root, lag_ms: self.lag_ms, version: self.version.max(version) }
    }

    /// Returns the column as known at `as_of`; `None` if nothing was known.
    #[must_use]
    pub fn at(&self, as_of: Timestamp) -> Option<ColumnView<'_, P>> {
        self.root.as_ref()?.extent.is_known(as_of).then(|| self.cut(as_of))
    }

    /// Returns the column as known at `as_of`, which may be empty.
    pub(super) const fn cut(&self, as_of: Timestamp) -> ColumnView<'_, P> {
        ColumnView { column: self, as_of }
    }

    /// Returns the column with all vintages.
    #[must_use]
    pub const fn newest(&self) -> ColumnView<'_, P> {
        self.cut(Timestamp::from_unix_ms(i64::MAX))
    }

    /// Returns the number of points, regardless of `known_at`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.extent.len)
    }

    /// Returns true if there are no points.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.root.is_none()
    }
}

impl<P: Point> ColumnView<'_, P> {
    /// Returns the same column with all vintages.
    #[must_use]
    pub const fn newest(self) -> Self {
        self.column.newest()
    }

    /// Returns the cutoff of this view.
    #[must_use]
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Returns the last commit that changed the series, regardless of the cutoff.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.column.version
    }

    /// Returns the `observed_at` of the first point with a vintage known at or after `since`, regardless of
    /// the cutoff; `None` if all were known before.
    #[must_use]
    pub fn first_known_since(&self, since: Timestamp) -> Option<Timestamp> {
        self.column.root.as_ref()?.first_known_since(since, self.column.lag_ms)
    }

    /// Returns the `known_at` of the last vintage of the points in `range`, regardless of the cutoff. From then
    /// on they are as in the full snapshot. `None` if there are no points.
    #[must_use]
    pub fn known_by(&self, range: TimeRange) -> Option<Timestamp> {
        self.column.root.as_ref()?.known_by(range, self.column.lag_ms)
    }

    /// Returns the first known point.
    #[must_use]
    pub fn first(&self) -> Option<Vintage<P>> {
        self.at_or_after(Timestamp::MIN)
    }

    /// Returns the last known point.
    #[must_use]
    pub fn last(&self) -> Option<Vintage<P>> {
        self.at_or_before(Timestamp::MAX)
    }

    /// Returns the last known point with `observed_at` at or before `at`.
    #[must_use]
    pub fn at_or_before(&self, at: Timestamp) -> Option<Vintage<P>> {
        self.column.root.as_ref()?.last_by(at, self.as_of, self.column.lag_ms)
    }

    /// Returns the first known point with `observed_at` at or after `at`.
    #[must_use]
    pub fn at_or_after(&self, at: Timestamp) -> Option<Vintage<P>> {
        self.column.root.as_ref()?.first_from(at, self.as_of, self.column.lag_ms)
    }

    /// Folds the points in `range`, at about the same cost for every length.
    #[must_use]
    pub fn fold<F: Fold<P> + Default>(&self, range: TimeRange) -> F {
        let mut fold = F::default();
        if let Some(root) = &self.column.root {
            root.fold(range, self.as_of, self.column.lag_ms, &mut fold);
        }
        fold
    }

    /// Folds the points in `range` for each bucket of `interval` that has any, and passes the result to `give`
    /// with the start of the bucket, in time order. A bucket costs about the same for every length.
    pub fn fold_by<F: Fold<P> + Default>(&self, range: TimeRange, interval: Period, give: impl FnMut(Timestamp, F)) {
        if let Some(root) = &self.column.root {
            let mut spans = Buckets::new(interval, give);
            root.fold_spans(range, self.as_of, self.column.lag_ms, &mut spans);
            spans.finish();
        }
    }

    /// Returns the full summary of the points in `range`.
    #[must_use]
    pub fn summary(&self, range: TimeRange) -> P::Summary {
        self.fold(range)
    }

    /// Returns the number of known points in `range`.
    #[must_use]
    pub fn count(&self, range: TimeRange) -> u64 {
        self.len(range) as u64
    }

    fn len(&self, range: TimeRange) -> usize {
        self.column.root.as_ref().map_or(0, |root| root.count(range, self.as_of, self.column.lag_ms))
    }

    /// Returns the points in `range`, in time order.
    #[must_use]
    pub fn points(&self, range: TimeRange) -> Vec<Vintage<P>> {
        self.collect(range, |point| point)
    }

    /// Maps the points in `range` with `make`, in time order.
    pub(super) fn collect<T>(&self, range: TimeRange, make: impl Fn(Vintage<P>) -> T) -> Vec<T> {
        let mut collected = Vec::with_capacity(self.len(range));
        self.for_each(range, |point| collected.push(make(point)));
        collected
    }

    /// Visits the points in `range`, in time order.
    pub fn for_each(&self, range: TimeRange, mut visit: impl FnMut(Vintage<P>)) {
        if let Some(root) = &self.column.root {
            root.visit(range, self.as_of, self.column.lag_ms, &mut visit);
        }
    }

    /// Returns every known vintage of the points in `range`, ordered by (`observed_at`, `known_at`).
    #[must_use]
    pub fn vintages(&self, range: TimeRange) -> Vec<Vintage<P>> {
        let mut vintages = Vec::new();
        if let Some(root) = &self.column.root {
            root.vintages(range, self.as_of, self.column.lag_ms, &mut |v| vintages.push(v));
        }
        vintages
    }

    /// Returns every revision known after `since`, as (former, revised), in time order.
    #[must_use]
    pub fn corrections(&self, since: Timestamp) -> Vec<(Vintage<P>, Vintage<P>)> {
        let mut corrections = Vec::new();
        if let Some(root) = &self.column.root {
            root.corrections(since, self.as_of, self.column.lag_ms, &mut |old, new| corrections.push((old, new)));
        }
        corrections
    }
}
