use crate::domain::{TimeRange, Timestamp};

/// Bounds of a node, known without opening it.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeBounds {
    /// `observed_at` of the first point.
    pub(super) first: Timestamp,
    /// `observed_at` of the last point.
    pub(super) last: Timestamp,
    /// Number of points.
    pub(super) len: usize,
    /// Earliest `known_at` of all vintages.
    pub(super) known_from: Timestamp,
    /// Latest `known_at` of all vintages: from then on the node equals its summary.
    pub(super) known_by: Timestamp,
    /// Latest `known_at` of all revisions; `None` if there are none.
    pub(super) corrected_by: Option<Timestamp>,
}

impl NodeBounds {
    /// Returns true if anything was known at `as_of`: a point is known from its first vintage on.
    pub(super) fn is_known(&self, as_of: Timestamp) -> bool {
        self.known_from <= as_of
    }

    /// Returns true if the bounds show that nothing in `range` was known at `as_of`.
    pub(super) fn excludes(&self, range: TimeRange, as_of: Timestamp) -> bool {
        self.last < range.from() || self.first >= range.to() || !self.is_known(as_of)
    }

    /// Returns true if every point lies in `range` and was known at `as_of` as it is now.
    pub(super) fn fully_visible(&self, range: TimeRange, as_of: Timestamp) -> bool {
        self.known_by <= as_of && range.from() <= self.first && self.last < range.to()
    }
}
