use std::sync::Arc;

use async_trait::async_trait;

use crate::app::ServiceError;
use crate::domain::{Batch, Clock, CommitReport, SeriesKey, SourceInfo, StatusBoard, Timestamp};
use crate::ingest::{Backfill, Collector, Entry, Feed, HttpClient, IngestConfig, SeededJitter, Sink};
use crate::store::{OnRefusal, Store, StoreError};

/// Writes rows to the store only: this process serves no queries.
#[derive(Debug)]
struct StoreSink {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Sink for StoreSink {
    async fn record(&self, batch: &Batch) -> Result<CommitReport, StoreError> {
        Ok(self.store.append(batch, self.clock.now(), OnRefusal::Skip).await?.report)
    }

    async fn introduce(&self, info: &SourceInfo) -> Result<(), StoreError> {
        self.store.put_source(info).await
    }

    /// A back-fill resumes from its recorded ranges instead.
    fn newest(&self, _series: &SeriesKey) -> Option<Timestamp> {
        None
    }
}

/// Returns the back-fills of the enabled feeds that have a history, ready to write into `store`.
///
/// # Errors
/// [`ServiceError::Client`] if the HTTP client of the feeds cannot be created.
pub fn backfills(
    config: &IngestConfig,
    entries: Vec<Entry>,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Backfill>, ServiceError> {
    let collector = Collector {
        http: HttpClient::new(&config.http())?,
        sink: Arc::new(StoreSink { store: Arc::clone(store), clock: Arc::clone(clock) }),
        clock: Arc::clone(clock),
        board: Arc::new(StatusBoard::new()),
        jitter: Arc::new(SeededJitter::new(clock.now().unix_ms().unsigned_abs())),
        past: None,
    };
    let with_history = entries.into_iter().filter(|entry| entry.off.is_none()).filter_map(|entry| match entry.feed {
        Feed::Polled(feed) if feed.history.is_some() => Some(Arc::new(feed)),
        _ => None,
    });
    Ok(with_history.map(|feed| collector.backfill(feed, Arc::clone(store))).collect())
}
