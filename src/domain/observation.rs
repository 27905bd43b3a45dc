use crate::domain::Timestamp;

/// Rule that decides the `known_at` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KnownAtRule {
    /// Known when it is committed: rows of a live feed.
    OnCommit,
    /// Back-filled: known since the time given by the source's publication rule. If the store already
    /// had another value then, the row is a revision, known when it is committed.
    AtPublication(Timestamp),
    /// The real vintage of the row, recorded when it was published.
    Vintage(Timestamp),
}

/// One value for one time, on its way into the store.
///
/// `P` is `f64` for readings and flows, [`Bar`](crate::domain::Bar) for candles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation<P> {
    /// When it was true: the time of a reading, the start of a period.
    pub observed_at: Timestamp,
    /// Rule for its `known_at`.
    pub knowledge: KnownAtRule,
    /// Value in the unit of the series.
    pub value: P,
}

/// One value with both clocks decided, as stored and as the market returns it.
///
/// A point has one vintage for its first value and one for each revision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vintage<P> {
    /// When it was true: the time of a reading, the start of a period.
    pub observed_at: Timestamp,
    /// Time from which it was known.
    pub known_at: Timestamp,
    /// Value in the unit of the series.
    pub value: P,
}

/// The number is NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is not a finite number")]
pub struct NonFinite(pub f64);

/// Accepts finite numbers and turns `-0` into `0`.
///
/// # Errors
/// [`NonFinite`] for NaN and the infinities.
pub fn finite(value: f64) -> Result<f64, NonFinite> {
    if value.is_finite() { Ok(value + 0.0) } else { Err(NonFinite(value)) }
}
