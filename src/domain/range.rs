use crate::domain::Timestamp;

/// A half-open time range, `from` included and `to` excluded, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    from: Timestamp,
    to: Timestamp,
}

/// The range would end at or before its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the window ends at {to}, which is not after its start {from}")]
pub struct EmptyRange {
    /// The requested start.
    pub from: Timestamp,
    /// The requested end.
    pub to: Timestamp,
}

impl TimeRange {
    /// Creates the range `[from, to)`.
    ///
    /// # Errors
    /// [`EmptyRange`] if `to` is not after `from`.
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, EmptyRange> {
        if from < to { Ok(Self { from, to }) } else { Err(EmptyRange { from, to }) }
    }

    /// Returns the range of all times that the service accepts.
    #[must_use]
    pub const fn all() -> Self {
        Self { from: Timestamp::MIN, to: Timestamp::MAX }
    }

    /// Returns the first instant inside.
    #[must_use]
    pub const fn from(&self) -> Timestamp {
        self.from
    }

    /// Returns the first instant after the end.
    #[must_use]
    pub const fn to(&self) -> Timestamp {
        self.to
    }

    /// Returns true if the instant lies inside.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// Returns the length in milliseconds.
    #[must_use]
    pub const fn length_ms(&self) -> i64 {
        self.to.ms_since(self.from)
    }
}
