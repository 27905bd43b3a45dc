use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Batch, Clock, CommitReport, SourceInfo};
use crate::market::publisher::{Applied, Publisher};
use crate::store::{Appended, OnRefusal, Store, StoreError};

/// Commits read from the log at a time.
const COMMITS_PER_READ: u32 = 256;
/// Wait for a wake-up before a follower polls.
const PATIENCE: Duration = Duration::from_secs(2);
/// Pause of a follower after a failure of the store.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Writes batches: commits to the store, then publishes the next market.
#[derive(Debug, Clone)]
pub struct Recorder {
    store: Arc<dyn Store>,
    publisher: Arc<Publisher>,
    clock: Arc<dyn Clock>,
}

impl Recorder {
    /// Creates a recorder that writes to `store` and publishes through `publisher`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, publisher: Arc<Publisher>, clock: Arc<dyn Clock>) -> Self {
        Self { store, publisher, clock }
    }

    /// Writes a batch and makes it visible to every later query.
    ///
    /// # Errors
    /// [`StoreError`] if the store is unreachable or rejects a statement. If the commit fails, nothing was
    /// written. If reading the commits of others fails, the follower reads them later.
    pub async fn record(&self, batch: &Batch, on_refusal: OnRefusal) -> Result<CommitReport, StoreError> {
        Ok(self.append(batch, on_refusal).await?.report)
    }

    /// Writes a batch like [`Recorder::record`] and returns the added rows.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub async fn append(&self, batch: &Batch, on_refusal: OnRefusal) -> Result<Appended, StoreError> {
        let appended = self.store.append(batch, self.clock.now(), on_refusal).await?;
        if let Some(delta) = &appended.delta
            && self.publisher.apply(delta) == Applied::MissingCommits
        {
            catch_up(self.store.as_ref(), &self.publisher).await?;
        }
        Ok(appended)
    }

    /// Records the description of a source.
    ///
    /// # Errors
    /// [`StoreError`] if the store is unreachable or rejects a statement.
    pub async fn introduce(&self, info: SourceInfo) -> Result<(), StoreError> {
        self.store.put_source(&info).await?;
        self.publisher.learn_sources([info]);
        Ok(())
    }
}

/// Applies every commit of the log that the market does not have.
///
/// # Errors
/// [`StoreError`] if the store is unreachable or rejects a statement.
pub async fn catch_up(store: &dyn Store, publisher: &Publisher) -> Result<(), StoreError> {
    loop {
        let seen = publisher.load().version();
        let deltas = store.changes_after(seen, COMMITS_PER_READ).await?;
        for delta in &deltas {
            publisher.apply(delta);
        }
        if publisher.load().version() == seen {
            return Ok(());
        }
    }
}

/// Follows the log forever, so that commits of other processes become visible here. While the store
/// is unreachable the market stays unchanged and queries are served from it;
/// [`Publisher::unreachable_since`] returns the start of that time.
pub async fn follow(store: Arc<dyn Store>, publisher: Arc<Publisher>, clock: Arc<dyn Clock>) {
    let mut last_success_at = clock.now();
    loop {
        let polled_at = clock.now();
        let seen = publisher.load().version();
        let outcome = match store.wait_for_change(seen, PATIENCE).await {
            Ok(()) => catch_up(store.as_ref(), &publisher).await,
            Err(error) => Err(error),
        };
        let was_away = publisher.unreachable_since().is_some();
        match outcome {
            Ok(()) => {
                last_success_at = polled_at;
                if was_away {
                    publisher.reconnected();
                    tracing::info!("the store is reachable again; following the log");
                }
            }
            Err(error) => {
                if !was_away {
                    publisher.cut_off(last_success_at);
                    tracing::warn!(%error, "the store is unreachable; serving from memory until it is back");
                }
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}
