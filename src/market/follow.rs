use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Batch, Clock, CommitReport, SourceInfo};
use crate::market::publisher::{Applied, Publisher};
use crate::store::{Appended, OnRefusal, Store, StoreError};

/// Commits read from the log at a time.
const COMMITS_PER_READ: u32 = 256;
/// How long a follower waits for a wake-up before it looks by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a follower rests after the store failed it.
const REST: Duration = Duration::from_secs(1);

/// Writes batches: commits to the store first, then publishes the next market.
#[derive(Debug, Clone)]
pub struct Recorder {
    store: Arc<dyn Store>,
    publisher: Arc<Publisher>,
    clock: Arc<dyn Clock>,
}

impl Recorder {
    /// A recorder that writes to `store` and publishes through `publisher`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, publisher: Arc<Publisher>, clock: Arc<dyn Clock>) -> Self {
        Self { store, publisher, clock }
    }

    /// Writes a batch and makes it visible to every question asked from then on.
    ///
    /// # Errors
    /// [`StoreError`] when the store is away or refuses. After an error in the commit nothing was
    /// written; after one in reading back what others committed, the follower makes up for it.
    pub async fn record(&self, batch: &Batch, on_refusal: OnRefusal) -> Result<CommitReport, StoreError> {
        Ok(self.append(batch, on_refusal).await?.report)
    }

    /// The same, and tells which rows were added.
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

    /// Records what is to be known about a source.
    ///
    /// # Errors
    /// [`StoreError`] when the store is away or refuses.
    pub async fn introduce(&self, info: SourceInfo) -> Result<(), StoreError> {
        self.store.put_source(&info).await?;
        self.publisher.learn_sources([info]);
        Ok(())
    }
}

/// Applies every commit of the log that the market has not seen.
///
/// # Errors
/// [`StoreError`] when the store is away or refuses.
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

/// Follows the log for ever: what other processes commit becomes visible here. While the store is
/// away the market stays as it is, questions go on being answered from it, and
/// [`Publisher::unreachable_since`] says since when.
pub async fn follow(store: Arc<dyn Store>, publisher: Arc<Publisher>, clock: Arc<dyn Clock>) {
    let mut heard_at = clock.now();
    loop {
        let asked_at = clock.now();
        let seen = publisher.load().version();
        let outcome = match store.wait_for_change(seen, PATIENCE).await {
            Ok(()) => catch_up(store.as_ref(), &publisher).await,
            Err(error) => Err(error),
        };
        let was_away = publisher.unreachable_since().is_some();
        match outcome {
            Ok(()) => {
                heard_at = asked_at;
                if was_away {
                    publisher.reconnected();
                    tracing::info!("the store is back; the market follows the log again");
                }
            }
            Err(error) => {
                if !was_away {
                    publisher.cut_off(heard_at);
                    tracing::warn!(%error, "the store is away; answers come from memory until it is back");
                }
                tokio::time::sleep(REST).await;
            }
        }
    }
}
