use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

use crate::domain::{Delta, SourceInfo, Timestamp, Version};
use crate::market::Market;

/// Publishes the current market; applies commits in order and publishes the next one.
#[derive(Debug)]
pub struct Publisher {
    current: ArcSwap<Market>,
    /// One commit is applied at a time; readers never wait for it.
    applying: Mutex<()>,
    versions: watch::Sender<Version>,
    /// Start of the time without contact to the log.
    unreachable_since: ArcSwapOption<Timestamp>,
}

/// Result of applying a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// The market contains the commit.
    Yes,
    /// Commits between the market's and this one are missing; the log must be read first.
    MissingCommits,
}

impl Publisher {
    /// Creates a publisher that starts with `market`.
    #[must_use]
    pub fn new(market: Market) -> Self {
        let versions = watch::Sender::new(market.version());
        let current = ArcSwap::from_pointee(market);
        Self { current, applying: Mutex::new(()), versions, unreachable_since: ArcSwapOption::empty() }
    }

    /// Returns the current market.
    #[must_use]
    pub fn load(&self) -> Arc<Market> {
        self.current.load_full()
    }

    /// Returns since when the log is unreachable, if it is: rows known after that may be missing here.
    #[must_use]
    pub fn unreachable_since(&self) -> Option<Timestamp> {
        self.unreachable_since.load().as_deref().copied()
    }

    /// Records that the log is unreachable at `now`. An outage that is recorded already retains its start.
    pub(super) fn cut_off(&self, now: Timestamp) {
        if self.unreachable_since.load().is_none() {
            self.unreachable_since.store(Some(Arc::new(now)));
        }
    }

    /// Records that the market contains the whole log again.
    pub(super) fn reconnected(&self) {
        self.unreachable_since.store(None);
    }

    /// Publishes the market after `delta`, if it is the next commit.
    pub fn apply(&self, delta: &Delta) -> Applied {
        let _one_at_a_time = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let market = self.current.load();
        if delta.version <= market.version() {
            return Applied::Yes;
        }
        if delta.version > market.version() + 1 {
            return Applied::MissingCommits;
        }
        self.publish(market.next(delta));
        Applied::Yes
    }

    /// Publishes the same market with further descriptions of sources.
    pub fn learn_sources(&self, sources: impl IntoIterator<Item = SourceInfo>) {
        let _one_at_a_time = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let market = self.current.load().with_sources(sources);
        self.current.store(Arc::new(market));
    }

    /// Publishes a newly loaded market, unless the current one is as recent.
    pub fn replace(&self, market: Market) {
        let _one_at_a_time = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if market.version() > self.current.load().version() {
            self.publish(market);
        }
    }

    /// Returns a receiver of the version of each published market; a slow one receives only the last.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Version> {
        self.versions.subscribe()
    }

    fn publish(&self, market: Market) {
        let version = market.version();
        self.current.store(Arc::new(market));
        self.versions.send_replace(version);
    }
}
