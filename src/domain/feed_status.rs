use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::domain::{Period, Source, Timestamp};

/// Health of a feed, measured against its own cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// The newest observation is within the expected age.
    Fresh,
    /// Fresh, but the upstream left out or rejected a part of the request.
    Partial,
    /// The next observation is overdue.
    Late,
    /// Overdue for so long that values computed from it mislead.
    Stale,
    /// Polls fail, and the last success is longer ago than the stale limit.
    Dead,
    /// Switched off by configuration.
    Disabled,
}

/// Rows that may be missing before a source is not live.
const MISSING_ROWS: i64 = 3;
/// The least tolerance of a source with several rows a day.
const LEAST_INTRADAY_MS: i64 = 15 * Period::MINUTE.ms();

/// How often a feed's observations come, and from which age on they are overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    /// Milliseconds between two observations of a healthy feed.
    pub expected_every_ms: i64,
    /// Milliseconds after which the newest observation is late.
    pub late_after_ms: i64,
    /// Milliseconds after which it is stale.
    pub stale_after_ms: i64,
}

/// Progress of a feed's back-fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillStatus {
    /// Start of the back-fill; `None` if all available history is read.
    pub since: Option<Timestamp>,
    /// Number of pages to read.
    pub pages: u64,
    /// Number of pages already read.
    pub pages_read: u64,
    /// Text of the last failure; cleared by the next page that is read.
    pub last_error: Option<String>,
}

/// Current status of one feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStatus {
    /// The feed's own name, such as `binance-liquidations`.
    pub feed: String,
    /// The source its rows are recorded under; several feeds may fill one source.
    pub source: Source,
    /// True if the configuration enables the feed.
    pub enabled: bool,
    /// Its cadence.
    pub cadence: Cadence,
    /// Time at which this process started to watch the feed.
    pub started_at: Timestamp,
    /// Time of the last poll whose rows were recorded, all of them or those that `partial` leaves.
    pub last_success_at: Option<Timestamp>,
    /// Newest `observed_at` received from the upstream.
    pub last_observation_at: Option<Timestamp>,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Text of the last failure; cleared by the next success.
    pub last_error: Option<String>,
    /// Part that the last success lacks and the reason; `None` if it is complete.
    pub partial: Option<String>,
    /// Rows rejected since the start.
    pub refused_rows: u64,
    /// The last rejected row and the reason.
    pub last_refusal: Option<String>,
    /// Known omissions of its values; empty if none is known.
    pub note: String,
    /// Progress of its back-fill; `None` if the feed has none.
    pub backfill: Option<BackfillStatus>,
}

/// Role of a node. One of the nodes that share a store collects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the feeds.
    Collector,
    /// Leaves the feeds to another node, and takes over if that one stops.
    Standby,
    /// Never runs feeds.
    #[default]
    Reader,
}

/// Status of every feed, written by the feed runner and read by the API.
#[derive(Debug, Default)]
pub struct StatusBoard {
    feeds: RwLock<BTreeMap<String, FeedStatus>>,
    role: RwLock<Role>,
}

impl Cadence {
    /// A feed that speaks every `every_ms`: late after twice that, stale when it is no longer live.
    #[must_use]
    pub const fn every(every_ms: i64) -> Self {
        Self { expected_every_ms: every_ms, late_after_ms: 2 * every_ms, stale_after_ms: Self::tolerance_ms(every_ms) }
    }

    /// How old the newest observation of a live source may be: three times its cadence, and at least 15 minutes where
    /// there are several a day.
    #[must_use]
    pub const fn tolerance_ms(every_ms: i64) -> i64 {
        let three_times = MISSING_ROWS * every_ms;
        if every_ms < Period::DAY.ms() && three_times < LEAST_INTRADAY_MS { LEAST_INTRADAY_MS } else { three_times }
    }
}

impl FeedStatus {
    /// Creates the status of a feed that has not been polled.
    #[must_use]
    pub fn new(feed: &str, source: Source, cadence: Cadence, started_at: Timestamp) -> Self {
        Self {
            feed: feed.to_owned(),
            source,
            enabled: true,
            cadence,
            started_at,
            last_success_at: None,
            last_observation_at: None,
            consecutive_failures: 0,
            last_error: None,
            partial: None,
            refused_rows: 0,
            last_refusal: None,
            note: String::new(),
            backfill: None,
        }
    }

    /// Returns the health of the feed at `now`.
    ///
    /// `Dead` depends on the last success, the other states on the newest observation. A feed without
    /// an observation is measured from its start, and is `Late` while it fails.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> FeedState {
        if !self.enabled {
            return FeedState::Disabled;
        }
        let since_success_ms = now.ms_since(self.last_success_at.unwrap_or(self.started_at));
        if self.consecutive_failures > 0 && since_success_ms > self.cadence.stale_after_ms {
            return FeedState::Dead;
        }
        let failed_from_start = self.last_observation_at.is_none() && self.consecutive_failures > 0;
        match now.ms_since(self.last_observation_at.unwrap_or(self.started_at)) {
            lag_ms if lag_ms > self.cadence.stale_after_ms => FeedState::Stale,
            lag_ms if lag_ms > self.cadence.late_after_ms || failed_from_start => FeedState::Late,
            _ if self.partial.is_some() => FeedState::Partial,
            _ => FeedState::Fresh,
        }
    }
}

impl StatusBoard {
    /// Creates a board without feeds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the status of a feed. A status without back-fill progress leaves the recorded progress
    /// unchanged.
    pub fn put(&self, mut status: FeedStatus) {
        let mut feeds = self.feeds.write().unwrap_or_else(PoisonError::into_inner);
        if status.backfill.is_none() {
            status.backfill = feeds.get_mut(&status.feed).and_then(|previous| previous.backfill.take());
        }
        feeds.insert(status.feed.clone(), status);
    }

    /// Records the back-fill progress of a feed, if the feed is on the board.
    pub fn put_backfill(&self, feed: &str, backfill: BackfillStatus) {
        if let Some(status) = self.feeds.write().unwrap_or_else(PoisonError::into_inner).get_mut(feed) {
            status.backfill = Some(backfill);
        }
    }

    /// Returns the status of every feed, ordered by name.
    #[must_use]
    pub fn all(&self) -> Vec<FeedStatus> {
        self.feeds.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Returns the status of one feed.
    #[must_use]
    pub fn get(&self, feed: &str) -> Option<FeedStatus> {
        self.feeds.read().unwrap_or_else(PoisonError::into_inner).get(feed).cloned()
    }

    /// Removes every status, for example after the feeds of this node stopped.
    pub fn clear(&self) {
        self.feeds.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns the role of this node.
    #[must_use]
    pub fn role(&self) -> Role {
        *self.role.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the role of this node.
    pub fn set_role(&self, role: Role) {
        *self.role.write().unwrap_or_else(PoisonError::into_inner) = role;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> FeedStatus {
        let source = "venue".parse().unwrap();
        FeedStatus::new("venue-candles", source, Cadence::every(60_000), Timestamp::from_unix_seconds(0))
    }

    #[test]
    fn state_follows_the_age_of_the_newest_observation() {
        let mut status = status();
        status.last_observation_at = Some(Timestamp::from_unix_seconds(1_000));
        for (seconds, state) in
            [(1_060, FeedState::Fresh), (1_181, FeedState::Late), (1_900, FeedState::Late), (1_901, FeedState::Stale)]
        {
            assert_eq!(status.state(Timestamp::from_unix_seconds(seconds)), state, "at {seconds}");
        }
    }

    #[test]
    fn a_feed_that_lacks_a_part_is_partial_unless_it_is_worse() {
        let partial = Some("1 of 6 questions failed".to_owned());
        let last_observation_at = Some(Timestamp::from_unix_seconds(1_000));
        let status = FeedStatus { last_observation_at, partial, ..status() };
        assert_eq!(status.state(Timestamp::from_unix_seconds(1_060)), FeedState::Partial);
        assert_eq!(status.state(Timestamp::from_unix_seconds(1_181)), FeedState::Late);
    }

    #[test]
    fn backfill_progress_survives_new_statuses_of_its_feed() {
        let board = StatusBoard::new();
        let backfill = BackfillStatus { since: None, pages: 7, pages_read: 3, last_error: None };
        board.put_backfill("venue-candles", backfill.clone());
        assert_eq!(board.get("venue-candles"), None, "progress alone does not add a feed");
        board.put(status());
        board.put_backfill("venue-candles", backfill.clone());
        board.put(FeedStatus { consecutive_failures: 1, ..status() });
        let status = board.get("venue-candles").unwrap();
        assert_eq!((status.consecutive_failures, status.backfill), (1, Some(backfill)));
    }

    #[test]
    fn a_feed_that_keeps_failing_is_dead_and_a_new_feed_is_fresh() {
        let mut status = status();
        assert_eq!(status.state(Timestamp::from_unix_seconds(30)), FeedState::Fresh);
        status.consecutive_failures = 4;
        assert_eq!(status.state(Timestamp::from_unix_seconds(30)), FeedState::Late, "it has failed since the start");
        assert_eq!(status.state(Timestamp::from_unix_seconds(200)), FeedState::Late);
        assert_eq!(status.state(Timestamp::from_unix_seconds(901)), FeedState::Dead);
        status.enabled = false;
        assert_eq!(status.state(Timestamp::from_unix_seconds(901)), FeedState::Disabled);
    }
}
