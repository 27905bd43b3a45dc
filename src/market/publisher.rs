use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::watch;

use crate::domain::{Delta, SourceInfo, Timestamp, Version};
use crate::market::Market;

/// Holds the present market and hands it out; takes commits in their order and publishes the next.
#[derive(Debug)]
pub struct Publisher {
    current: ArcSwap<Market>,
    /// One commit is applied at a time; readers never wait for it.
    applying: Mutex<()>,
    versions: watch::Sender<Version>,
    /// Since when the log has not been heard of.
    unreachable_since: ArcSwapOption<Timestamp>,
}

/// What became of a commit that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is in the market now, or was already.
    Yes,
    /// Commits between the market's and this one have not been seen; the log must be followed first.
    MissingCommits,
}

impl Publisher {
    /// A publisher that begins with `market`.
    #[must_use]
    pub fn new(market: Market) -> Self {
        let versions = watch::Sender::new(market.version());
        let current = ArcSwap::from_pointee(market);
        Self { current, applying: Mutex::new(()), versions, unreachable_since: ArcSwapOption::empty() }
    }

    /// The present market.
    #[must_use]
    pub fn load(&self) -> Arc<Market> {
        self.current.load_full()
    }

    /// Since when the log has been out of reach, if it is: rows known after that may be missing here.
    #[must_use]
    pub fn unreachable_since(&self) -> Option<Timestamp> {
        self.unreachable_since.load().as_deref().copied()
    }

    /// Says that the log is out of reach at `now`. An outage that is known already keeps its beginning.
    pub(super) fn cut_off(&self, now: Timestamp) {
        if self.unreachable_since.load().is_none() {
            self.unreachable_since.store(Some(Arc::new(now)));
        }
    }

    /// Says that everything in the log is in the market again.
    pub(super) fn reconnected(&self) {
        self.unreachable_since.store(None);
    }

    /// Publishes the market after `delta`, when it is the next commit.
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

    /// Publishes the same market with further facts about sources.
    pub fn learn_sources(&self, sources: impl IntoIterator<Item = SourceInfo>) {
        let _one_at_a_time = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let market = self.current.load().with_sources(sources);
        self.current.store(Arc::new(market));
    }

    /// Publishes a market loaded anew, unless the present one is as young.
    pub fn replace(&self, market: Market) {
        let _one_at_a_time = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if market.version() > self.current.load().version() {
            self.publish(market);
        }
    }

    /// Tells the version of each market published from now on; a slow listener sees only the last.
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
