use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::ServiceError;
use crate::config::Config;
use crate::domain::{Batch, Clock, CommitReport, Role, SeriesKey, Source, SourceInfo, StatusBoard, Timestamp};
use crate::ingest::{BackfillSettings, Collector, HttpClient, IngestConfig, SeededJitter, Sink};
use crate::market::{Publisher, Recorder, catch_up};
use crate::store::{LeaderLease, OnRefusal, Store, StoreError};

/// Interval at which a node renews its lease or tries to become the collector.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// Sink of the feeds' rows: first the store, then the published market.
#[derive(Debug)]
struct MarketSink {
    recorder: Recorder,
    publisher: Arc<Publisher>,
}

#[async_trait]
impl Sink for MarketSink {
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

    fn newest_order(&self, source: &Source) -> Option<Timestamp> {
        let view = self.publisher.load().at(Timestamp::MAX);
        let of_source = view.tallies().filter(|(key, _)| key.source == *source);
        of_source.filter_map(|(_, column)| column.last()).map(|row| row.observed_at).max()
    }
}

/// Feeds of this node. They run while it is the collector.
#[derive(Debug)]
pub(super) struct FeedRunner {
    config: IngestConfig,
    collector: Collector,
    store: Arc<dyn Store>,
    publisher: Arc<Publisher>,
    /// Time limit for feeds to finish.
    grace: Duration,
}

/// Running feeds.
struct Running {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl FeedRunner {
    /// Creates the feeds of the configuration without starting them.
    pub(super) fn new(
        config: &Config,
        store: Arc<dyn Store>,
        publisher: Arc<Publisher>,
        clock: Arc<dyn Clock>,
        board: Arc<StatusBoard>,
    ) -> Result<Self, ServiceError> {
        // Nodes started at different milliseconds spread their retries differently.
        let jitter = Arc::new(SeededJitter::new(clock.now().unix_ms().unsigned_abs()));
        let recorder = Recorder::new(Arc::clone(&store), Arc::clone(&publisher), Arc::clone(&clock));
        let sink = Arc::new(MarketSink { recorder, publisher: Arc::clone(&publisher) });
        let ingest = &config.ingest;
        let past = ingest.backfill.then(|| BackfillSettings { store: Arc::clone(&store), most_days: ingest.backfill_most_days });
        let collector = Collector { http: HttpClient::new(&ingest.http())?, sink, clock, board, jitter, past };
        Ok(Self { config: ingest.clone(), collector, store, publisher, grace: config.shutdown_grace() })
    }

    /// Runs the feeds whenever this node is the collector, until `stop` is cancelled and they have finished.
    pub(super) async fn run(self, stop: CancellationToken) {
        if self.config.enabled {
            self.run_elected(&stop).await;
        } else {
            // No feed runs; the status board has the reason.
            self.start(&stop).tasks.wait().await;
        }
    }

    /// Renews the lease periodically and runs the feeds while this node leads.
    async fn run_elected(&self, stop: &CancellationToken) {
        let mut candidate = self.store.candidate();
        let mut running: Option<Running> = None;
        let mut in_doubt = false;
        while let Some(lease) = stop.run_until_cancelled(self.leads(&mut *candidate)).await {
            match &lease {
                Ok(true) if running.is_none() => running = Some(self.become_leader(stop)),
                Ok(false) => self.step_down(running.take()).await,
                // A node that cannot reach the database cannot write to it. Its feeds stay connected and buffer
                // their rows until the election is decided.
                Err(error) if !in_doubt => tracing::warn!(%error, "cannot determine which node collects; trying again"),
                Ok(true) | Err(_) => {}
            }
            in_doubt = lease.is_err();
            stop.run_until_cancelled(tokio::time::sleep(RENEW_EVERY)).await;
        }
        // The lease is released after the feeds have finished.
        if let Some(running) = running {
            self.end(running).await;
        }
    }

    /// Returns true if this node leads. A new leader's market contains everything collected by others.
    async fn leads(&self, candidate: &mut dyn LeaderLease) -> Result<bool, StoreError> {
        let leads = candidate.leads().await?;
        if leads && self.collector.board.role() != Role::Collector {
            catch_up(self.store.as_ref(), &self.publisher).await?;
        }
        Ok(leads)
    }

    fn become_leader(&self, stop: &CancellationToken) -> Running {
        tracing::info!("this node collects");
        self.collector.board.set_role(Role::Collector);
        self.start(stop)
    }

    async fn step_down(&self, running: Option<Running>) {
        if self.collector.board.role() == Role::Standby {
            return;
        }
        tracing::info!("standby: another node runs the feeds");
        self.collector.board.set_role(Role::Standby);
        if let Some(running) = running {
            self.end(running).await;
            self.collector.board.clear();
        }
    }

    /// Starts every enabled feed.
    fn start(&self, stop: &CancellationToken) -> Running {
        let stop = stop.child_token();
        Running { tasks: self.collector.start(self.config.entries(), &stop), stop }
    }

    async fn end(&self, running: Running) {
        running.stop.cancel();
        if tokio::time::timeout(self.grace, running.tasks.wait()).await.is_err() {
            tracing::warn!("feeds that were still running were aborted");
        }
    }
}
