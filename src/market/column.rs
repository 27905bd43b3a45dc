use std::sync::Arc;

use crate::domain::{Period, TimeRange, Timestamp, Version, Vintage};
use crate::market::point::{Fold, Point};
use crate::market::spans::Buckets;
use crate::market::tree::Node;

/// The vintages of one series, in the order of time; immutable and cheap to copy.
///
/// A point costs 8 bytes and its value where it was never revised and was known by the publication
/// rule; other vintages are kept aside for the points that have them.
#[derive(Debug, Clone)]
pub struct Column<P: Point> {
    /// `None` while empty.
    root: Option<Arc<Node<P>>>,
    /// How long after `observed_at` a row is known by rule, milliseconds.
    lag_ms: i64,
    /// The last commit that touched the series.
    version: Version,
}

/// A column as it was known at one instant.
#[derive(Debug, Clone, Copy)]
pub struct ColumnView<'a, P: Point> {
    column: &'a Column<P>,
    as_of: Timestamp,
}

impl<P: Point> Column<P> {
    /// An empty column whose rows are known `lag_ms` after they are true, by rule.
    #[must_use]
    pub const fn new(lag_ms: i64) -> Self {
        Self { root: None, lag_ms, version: 0 }
    }

    /// This column with further vintages, given in the order of (`observed_at`, `known_at`), written
    /// by commit `version`. A vintage with both clocks of one that is there takes its place.
    #[must_use]
    pub fn amended(&self, vintages: &[Vintage<P>], version: Version) -> Self {
        debug_assert!(vintages.is_sorted_by_key(|v| (v.observed_at, v.known_at)), "vintages come in order");
        let root = match &self.root {
            Some(root) => Node::join(root.amend(vintages, self.lag_ms)),
            None => Node::plant(vintages, self.lag_ms),
        };
        Self { root, lag_ms: self.lag_ms, version: self.version.max(version) }
    }

    /// The column as it was known at `as_of`; `None` when nothing was.
    #[must_use]
    pub fn at(&self, as_of: Timestamp) -> Option<ColumnView<'_, P>> {
        self.root.as_ref()?.extent.is_known(as_of).then(|| self.cut(as_of))
    }

    /// The column as it was known at `as_of`, which may be nothing.
    pub(super) const fn cut(&self, as_of: Timestamp) -> ColumnView<'_, P> {
        ColumnView { column: self, as_of }
    }

    /// The column with everything ever known.
    #[must_use]
    pub const fn newest(&self) -> ColumnView<'_, P> {
        self.cut(Timestamp::from_unix_ms(i64::MAX))
    }

    /// How many points there are, whenever they were known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.extent.len)
    }

    /// Whether there are no points.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.root.is_none()
    }
}

impl<P: Point> ColumnView<'_, P> {
    /// The same column with everything ever known.
    #[must_use]
    pub const fn newest(self) -> Self {
        self.column.newest()
    }

    /// The cutoff of this view.
    #[must_use]
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The last commit that touched the series, whenever that was.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.column.version
    }

    /// The instant of the first point of which a vintage was known at `since` or later, whatever the
    /// cutoff; `None` where all was known before.
    #[must_use]
    pub fn first_known_since(&self, since: Timestamp) -> Option<Timestamp> {
        self.column.root.as_ref()?.first_known_since(since, self.column.lag_ms)
    }

    /// When the last vintage of the points in `range` was known, whatever the cutoff: from then on they look
    /// as they do in the whole picture. `None` of no points.
    #[must_use]
    pub fn known_by(&self, range: TimeRange) -> Option<Timestamp> {
        self.column.root.as_ref()?.known_by(range, self.column.lag_ms)
    }

    /// The first point known.
    #[must_use]
    pub fn first(&self) -> Option<Vintage<P>> {
        self.at_or_after(Timestamp::MIN)
    }

    /// The last point known.
    #[must_use]
    pub fn last(&self) -> Option<Vintage<P>> {
        self.at_or_before(Timestamp::MAX)
    }

    /// The last point known that was true at `at` or before.
    #[must_use]
    pub fn at_or_before(&self, at: Timestamp) -> Option<Vintage<P>> {
        self.column.root.as_ref()?.last_by(at, self.as_of, self.column.lag_ms)
    }

    /// The first point known that was true at `at` or after.
    #[must_use]
    pub fn at_or_after(&self, at: Timestamp) -> Option<Vintage<P>> {
        self.column.root.as_ref()?.first_from(at, self.as_of, self.column.lag_ms)
    }

    /// Computes something over the points in `range`, at about the same cost for any length.
    #[must_use]
    pub fn fold<F: Fold<P> + Default>(&self, range: TimeRange) -> F {
        let mut fold = F::default();
        if let Some(root) = &self.column.root {
            root.fold(range, self.as_of, self.column.lag_ms, &mut fold);
        }
        fold
    }

    /// Computes something over the points in `range` for each span of `interval` that holds any, and gives
    /// it with the start of the span, in the order of time; a span costs about the same for any length.
    pub fn fold_by<F: Fold<P> + Default>(&self, range: TimeRange, interval: Period, give: impl FnMut(Timestamp, F)) {
        if let Some(root) = &self.column.root {
            let mut spans = Buckets::new(interval, give);
            root.fold_spans(range, self.as_of, self.column.lag_ms, &mut spans);
            spans.finish();
        }
    }

    /// Everything that is kept of the points in `range`.
    #[must_use]
    pub fn summary(&self, range: TimeRange) -> P::Summary {
        self.fold(range)
    }

    /// How many points in `range` were known.
    #[must_use]
    pub fn count(&self, range: TimeRange) -> u64 {
        self.len(range) as u64
    }

    fn len(&self, range: TimeRange) -> usize {
        self.column.root.as_ref().map_or(0, |root| root.count(range, self.as_of, self.column.lag_ms))
    }

    /// The points in `range`, in the order of time.
    #[must_use]
    pub fn points(&self, range: TimeRange) -> Vec<Vintage<P>> {
        self.collect(range, |point| point)
    }

    /// What `make` makes of each point in `range`, in the order of time.
    pub(super) fn collect<T>(&self, range: TimeRange, make: impl Fn(Vintage<P>) -> T) -> Vec<T> {
        let mut collected = Vec::with_capacity(self.len(range));
        self.for_each(range, |point| collected.push(make(point)));
        collected
    }

    /// Visits the points in `range`, in the order of time.
    pub fn for_each(&self, range: TimeRange, mut visit: impl FnMut(Vintage<P>)) {
        if let Some(root) = &self.column.root {
            root.visit(range, self.as_of, self.column.lag_ms, &mut visit);
        }
    }

    /// Every vintage known of the points in `range`, ordered by (`observed_at`, `known_at`).
    #[must_use]
    pub fn vintages(&self, range: TimeRange) -> Vec<Vintage<P>> {
        let mut vintages = Vec::new();
        if let Some(root) = &self.column.root {
            root.vintages(range, self.as_of, self.column.lag_ms, &mut |v| vintages.push(v));
        }
        vintages
    }

    /// Every correction known after `since`, as (former, corrected), in the order of time.
    #[must_use]
    pub fn corrections(&self, since: Timestamp) -> Vec<(Vintage<P>, Vintage<P>)> {
        let mut corrections = Vec::new();
        if let Some(root) = &self.column.root {
            root.corrections(since, self.as_of, self.column.lag_ms, &mut |old, new| corrections.push((old, new)));
        }
        corrections
    }
}
