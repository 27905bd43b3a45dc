use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Jitter;
use super::client::HttpClient;
use super::error::FeedError;
use super::feed::{PolledFeed, Profile, StreamedFeed};
use super::monitor::Monitor;
use super::poll::Poller;
use super::sink::Sink;
use super::stream::Streamer;
use crate::domain::{Clock, FeedStatus, SourceInfo, StatusBoard};

/// The wait after a step that hit a fault of this program.
const AFTER_A_DEFECT: Duration = Duration::from_mins(1);

/// A feed of either kind.
#[derive(Debug)]
pub enum Feed {
    /// Asked again and again.
    Polled(PolledFeed),
    /// Speaks by itself.
    Streamed(Box<dyn StreamedFeed>),
}

/// A feed and whether it runs.
#[derive(Debug)]
pub struct Entry {
    /// The feed.
    pub feed: Feed,
    /// Why it does not run; `None` where it does.
    pub off: Option<String>,
}

/// One feed with its progress, driven step by step.
#[async_trait]
pub trait Step: Send {
    /// Does one step and says how long to wait before the next. Never fails: what went wrong is on
    /// the board.
    async fn run_once(&mut self) -> Duration;

    /// The monitor of the feed.
    fn monitor(&mut self) -> &mut Monitor;
}

/// Runs feeds: one task each, none of which can stop the service or another feed.
#[derive(Debug, Clone)]
pub struct Collector {
    /// The shared HTTP client.
    pub http: HttpClient,
    /// Where rows go.
    pub sink: Arc<dyn Sink>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where the feeds' states are put.
    pub board: Arc<StatusBoard>,
    /// Spreads attempts.
    pub jitter: Arc<dyn Jitter>,
}

impl Feed {
    /// Its name, source and cadence.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        match self {
            Self::Polled(feed) => &feed.profile,
            Self::Streamed(feed) => feed.profile(),
        }
    }
}

impl Collector {
    /// Starts every feed that is on, and puts the others on the board as disabled. The feeds run
    /// until `stop` is cancelled; then the tracker can be waited for.
    #[must_use]
    pub fn start(&self, entries: Vec<Entry>, stop: &CancellationToken) -> TaskTracker {
        let tasks = TaskTracker::new();
        for Entry { feed, off } in entries {
            if let Some(reason) = off {
                self.board.put(self.disabled(feed.profile(), reason));
                continue;
            }
            let info = feed.profile().info.clone();
            let sink = Arc::clone(&self.sink);
            let mut driven = self.step(feed);
            let stop = stop.clone();
            tasks.spawn(async move {
                stop.run_until_cancelled(async {
                    introduce(&*sink, &info, &mut *driven).await;
                    run(&mut *driven).await;
                })
                .await
            });
        }
        tasks.close();
        tasks
    }

    /// The feed ready to be driven step by step; it is on the board from now on.
    #[must_use]
    pub fn step(&self, feed: Feed) -> Box<dyn Step> {
        let monitor = Monitor::new(feed.profile(), Arc::clone(&self.board), Arc::clone(&self.jitter), self.clock.now());
        let (http, sink, clock) = (self.http.clone(), Arc::clone(&self.sink), Arc::clone(&self.clock));
        match feed {
            Feed::Polled(feed) => Box::new(Poller::new(feed, http, sink, clock, monitor)),
            Feed::Streamed(feed) => Box::new(Streamer::new(feed, http, sink, clock, monitor)),
        }
    }

    fn disabled(&self, profile: &Profile, reason: String) -> FeedStatus {
        let mut status = FeedStatus::new(profile.name, profile.info.source.clone(), profile.cadence, self.clock.now());
        status.enabled = false;
        status.note = reason;
        status
    }
}

async fn run(step: &mut dyn Step) {
    loop {
        let wait = match AssertUnwindSafe(step.run_once()).catch_unwind().await {
            Ok(wait) => wait,
            Err(_) => step.monitor().failed(&FeedError::Defect).max(AFTER_A_DEFECT),
        };
        tokio::time::sleep(wait).await;
    }
}

async fn introduce(sink: &dyn Sink, info: &SourceInfo, step: &mut dyn Step) {
    while let Err(error) = sink.introduce(info).await {
        let wait = step.monitor().failed(&error.into());
        tokio::time::sleep(wait).await;
    }
}
