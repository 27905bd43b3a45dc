use crate::domain::{TimeRange, Timestamp};

/// What is known of a node without opening it.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeBounds {
    /// The first point's instant.
    pub(super) first: Timestamp,
    /// The last point's instant.
    pub(super) last: Timestamp,
    /// How many points there are.
    pub(super) len: usize,
    /// When the first of all vintages was known.
    pub(super) known_from: Timestamp,
    /// When the last of all vintages was known: from then on the node looks as its summary says.
    pub(super) known_by: Timestamp,
    /// When the last correction was known; `None` where nothing was corrected.
    pub(super) corrected_by: Option<Timestamp>,
}

impl NodeBounds {
    /// Whether anything was known at `as_of`: what is known of a point begins with its first vintage.
    pub(super) fn is_known(&self, as_of: Timestamp) -> bool {
        self.known_from <= as_of
    }

    /// Whether nothing in `range` was known at `as_of`, as far as the ends tell.
    pub(super) fn excludes(&self, range: TimeRange, as_of: Timestamp) -> bool {
        self.last < range.from() || self.first >= range.to() || !self.is_known(as_of)
    }

    /// Whether every point lies in `range` and was known at `as_of` as it is known now.
    pub(super) fn fully_visible(&self, range: TimeRange, as_of: Timestamp) -> bool {
        self.known_by <= as_of && range.from() <= self.first && self.last < range.to()
    }
}
