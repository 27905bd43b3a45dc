use async_trait::async_trait;

use crate::domain::{Batch, CommitReport, SeriesKey, Source, SourceInfo, Timestamp};
use crate::store::StoreError;

/// Where the rows of the feeds go. The service hands in the store together with the published
/// market; a test hands in what it likes.
#[async_trait]
pub trait Sink: Send + Sync + std::fmt::Debug {
    /// Records a batch in one commit; rows that must be refused are skipped and reported.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was recorded; the batch may be offered again.
    async fn record(&self, batch: &Batch) -> Result<CommitReport, StoreError>;

    /// Makes a source and what is to be known about it known to readers.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was recorded.
    async fn introduce(&self, info: &SourceInfo) -> Result<(), StoreError>;

    /// The newest instant a series holds a row for, to go on from there after a restart.
    fn newest(&self, series: &SeriesKey) -> Option<Timestamp>;

    /// The minute of the newest liquidation order of a venue, to tell after a restart since when none
    /// was heard of; `None` where nobody can tell.
    fn newest_order(&self, _source: &Source) -> Option<Timestamp> {
        None
    }
}
