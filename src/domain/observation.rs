use crate::domain::Timestamp;

/// How it is decided when a row counts as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KnownAtRule {
    /// Known the moment it is committed: rows of a live feed.
    OnCommit,
    /// Back-filled: known since the instant given by the source's publication rule, unless the store
    /// already held another value then. In that case the row is a correction, known on commit.
    AtPublication(Timestamp),
    /// The row's real vintage, recorded when it was published.
    Vintage(Timestamp),
}

/// One statement about one instant, on its way into the store.
///
/// `P` is `f64` for readings and flows, [`Bar`](crate::domain::Bar) for candles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation<P> {
    /// When it was true: the instant of a reading, the start of a period.
    pub observed_at: Timestamp,
    /// When it could be known.
    pub knowledge: KnownAtRule,
    /// What was stated, in the unit of the series.
    pub value: P,
}

/// One stated value with both clocks settled, as the store keeps it and the market shows it.
///
/// A point has one vintage for its first statement and one for each later correction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vintage<P> {
    /// When it was true.
    pub observed_at: Timestamp,
    /// From when on it was known.
    pub known_at: Timestamp,
    /// What was stated, in the unit of the series.
    pub value: P,
}

/// The number is NaN or infinite and may not enter the house.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is not a finite number")]
pub struct NonFinite(pub f64);

/// Lets only finite numbers in, with `-0` folded into `0`.
///
/// # Errors
/// [`NonFinite`] for NaN and the infinities.
pub fn finite(value: f64) -> Result<f64, NonFinite> {
    if value.is_finite() { Ok(value + 0.0) } else { Err(NonFinite(value)) }
}
