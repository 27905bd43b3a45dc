use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backfill::Backfill;
use super::backoff::Jitter;
use super::client::HttpClient;
use super::error::FeedError;
use super::feed::{PolledFeed, Profile, StreamedFeed};
use super::history::History;
use super::monitor::Monitor;
use super::poll::Poller;
use super::sink::Sink;
use super::stream::Streamer;
use crate::domain::{Clock, FeedStatus, SourceInfo, StatusBoard};
use crate::store::Store;

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

    /// Hands in what was received and not recorded yet, once, before the feed ends.
    async fn finish(&mut self) {}

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
    /// Whether the past is read beside the present.
    pub past: Option<BackfillSettings>,
}

/// How the past of the feeds is read while they run.
#[derive(Debug, Clone)]
pub struct BackfillSettings {
    /// Where is noted what was read; where the sink's rows go in the end.
    pub store: Arc<dyn Store>,
    /// At most so many days back.
    pub most_days: u32,
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
            let mut driven = match feed {
                Feed::Polled(feed) => {
                    let feed = Arc::new(feed);
                    let poller = self.poller(Arc::clone(&feed));
                    self.read_past(feed, &tasks, stop);
                    poller
                }
                streamed @ Feed::Streamed(_) => self.step(streamed),
            };
            let stop = stop.clone();
            tasks.spawn(async move {
                stop.run_until_cancelled(async {
                    introduce(&*sink, &info, &mut *driven).await;
                    run(&mut *driven).await;
                })
                .await;
                driven.finish().await;
            });
        }
        tasks.close();
        tasks
    }

    /// The feed ready to be driven step by step; it is on the board from now on.
    #[must_use]
    pub fn step(&self, feed: Feed) -> Box<dyn Step> {
        match feed {
            Feed::Polled(feed) => self.poller(Arc::new(feed)),
            Feed::Streamed(feed) => {
                let (http, sink, clock) = (self.http.clone(), Arc::clone(&self.sink), Arc::clone(&self.clock));
                let monitor = self.monitor(feed.profile());
                Box::new(Streamer::new(feed, http, sink, clock, monitor))
            }
        }
    }

    /// The past of a feed, ready to be read into the sink and noted in `store`.
    #[must_use]
    pub fn backfill(&self, feed: Arc<PolledFeed>, store: Arc<dyn Store>) -> Backfill {
        let (http, sink, clock) = (self.http.clone(), Arc::clone(&self.sink), Arc::clone(&self.clock));
        Backfill { feed, http, sink, store, clock, jitter: Arc::clone(&self.jitter) }
    }

    fn poller(&self, feed: Arc<PolledFeed>) -> Box<dyn Step> {
        let (http, sink, clock) = (self.http.clone(), Arc::clone(&self.sink), Arc::clone(&self.clock));
        let monitor = self.monitor(&feed.profile);
        Box::new(Poller::new(feed, http, sink, clock, monitor))
    }

    fn monitor(&self, profile: &Profile) -> Monitor {
        Monitor::new(profile, Arc::clone(&self.board), Arc::clone(&self.jitter), self.clock.now())
    }

    /// Reads the past of a feed in a task of its own, where it has one that its visits do not read.
    fn read_past(&self, feed: Arc<PolledFeed>, tasks: &TaskTracker, stop: &CancellationToken) {
        if let (Some(past), Some(History::Paged(_))) = (&self.past, &feed.history) {
            let backfill = self.backfill(feed, Arc::clone(&past.store));
            let (board, stop, most_days) = (Arc::clone(&self.board), stop.clone(), past.most_days);
            tasks.spawn(async move { stop.run_until_cancelled(backfill.keep_on(most_days, &board)).await });
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
