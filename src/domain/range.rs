use crate::domain::Timestamp;

/// A half-open span of time, `from` included and `to` excluded, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    from: Timestamp,
    to: Timestamp,
}

/// The span would end where it starts or before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the window ends at {to}, which is not after its start {from}")]
pub struct EmptyRange {
    /// The start that was asked for.
    pub from: Timestamp,
    /// The end that was asked for.
    pub to: Timestamp,
}

impl TimeRange {
    /// The span `[from, to)`.
    ///
    /// # Errors
    /// [`EmptyRange`] when `to` is not after `from`.
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, EmptyRange> {
        if from < to { Ok(Self { from, to }) } else { Err(EmptyRange { from, to }) }
    }

    /// Everything the service accepts.
    #[must_use]
    pub const fn all() -> Self {
        Self { from: Timestamp::MIN, to: Timestamp::MAX }
    }

    /// The first instant inside.
    #[must_use]
    pub const fn from(&self) -> Timestamp {
        self.from
    }

    /// The first instant after the end.
    #[must_use]
    pub const fn to(&self) -> Timestamp {
        self.to
    }

    /// Whether the instant lies inside.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn length_ms(&self) -> i64 {
        self.to.ms_since(self.from)
    }
}
