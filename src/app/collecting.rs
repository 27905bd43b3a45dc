use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::ServiceError;
use crate::domain::{Batch, Clock, CommitReport, SeriesKey, SourceInfo, StatusBoard, Timestamp};
use crate::ingest::{Collector, HttpClient, IngestConfig, Past, SeededJitter, Sink};
use crate::market::{Publisher, Recorder};
use crate::store::{OnRefusal, Store, StoreError};

/// Where the feeds' rows go: into the store first, then into the published market.
#[derive(Debug)]
struct Recording {
    recorder: Recorder,
    publisher: Arc<Publisher>,
}

#[async_trait]
impl Sink for Recording {
    async fn record(&self, batch: &Batch) -> Result<CommitReport, StoreError> {
        self.recorder.record(batch, OnRefusal::Skip).await
    }

    async fn introduce(&self, info: &SourceInfo) -> Result<(), StoreError> {
        self.recorder.introduce(info.clone()).await
    }

    fn newest(&self, series: &SeriesKey) -> Option<Timestamp> {
        let view = self.publisher.load().at(Timestamp::MAX);
        let reading = view.reading(series).and_then(|column| column.last()).map(|row| row.observed_at);
        reading.or_else(|| view.candles(series)?.last().map(|row| row.observed_at))
    }
}

/// Starts every feed that is on; they run until `stop` is cancelled.
pub(super) fn start(
    config: &IngestConfig,
    store: Arc<dyn Store>,
    recorder: Recorder,
    publisher: Arc<Publisher>,
    clock: Arc<dyn Clock>,
    board: Arc<StatusBoard>,
    stop: &CancellationToken,
) -> Result<TaskTracker, ServiceError> {
    // Nodes started at different milliseconds spread their attempts differently.
    let jitter = Arc::new(SeededJitter::new(clock.now().unix_ms().unsigned_abs()));
    let sink = Arc::new(Recording { recorder, publisher });
    let past = config.backfill.then_some(Past { store, most_days: config.backfill_most_days });
    let collector = Collector { http: HttpClient::new(&config.http())?, sink, clock, board, jitter, past };
    Ok(collector.start(config.entries(), stop))
}
