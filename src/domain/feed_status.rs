use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use crate::domain::{Period, Source, Timestamp};

/// How well a feed is, judged by its own cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// The newest observation is as young as it should be.
    Fresh,
    /// The next observation is overdue.
    Late,
    /// So overdue that figures made from it mislead.
    Stale,
    /// The upstream has not answered for longer than it takes to be stale.
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
    /// Milliseconds between two observations when the feed is well.
    pub expected_every_ms: i64,
    /// Milliseconds after which the newest observation is late.
    pub late_after_ms: i64,
    /// Milliseconds after which it is stale.
    pub stale_after_ms: i64,
}

/// How far the past of a feed has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackfillStatus {
    /// From where it is read; `None` where all there is is read.
    pub since: Option<Timestamp>,
    /// Pages that were missing.
    pub pages: u64,
    /// How many of them have been read.
    pub pages_read: u64,
    /// The last failure in words; cleared by the next page that is read.
    pub last_error: Option<String>,
}

/// What is known about one feed at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedStatus {
    /// The feed's own name, such as `binance-liquidations`.
    pub feed: String,
    /// The source its rows are recorded under; several feeds may fill one source.
    pub source: Source,
    /// Whether configuration lets it run.
    pub enabled: bool,
    /// Its cadence.
    pub cadence: Cadence,
    /// When this process began to watch it.
    pub started_at: Timestamp,
    /// When the upstream last answered in full and the rows were recorded.
    pub last_success_at: Option<Timestamp>,
    /// The newest instant the upstream has spoken of.
    pub last_observation_at: Option<Timestamp>,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// The last failure in words; cleared by the next success.
    pub last_error: Option<String>,
    /// Rows refused since the start.
    pub refused_rows: u64,
    /// The last refused row and its reason.
    pub last_refusal: Option<String>,
    /// What its figures leave out; empty where nothing is known to be missing.
    pub note: String,
    /// How far its past has been read; `None` where nobody reads it.
    pub backfill: Option<BackfillStatus>,
}

/// What a node does about the feeds. Of the nodes that share a store one collects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It runs the feeds.
    Collector,
    /// It leaves them to another node, and takes over when that one ends.
    Standby,
    /// It never runs any.
    #[default]
    Reader,
}

/// The states of all feeds, written by those who collect and read by those who answer.
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
    /// The status of a feed that has not been tried.
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
            refused_rows: 0,
            last_refusal: None,
            note: String::new(),
            backfill: None,
        }
    }

    /// How well the feed is at `now`.
    ///
    /// Dead goes by the last full answer, the others by the newest observation. A feed that has not
    /// spoken yet is judged by the time since it was started, and is late while it fails.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> FeedState {
        if !self.enabled {
            return FeedState::Disabled;
        }
        let silent_ms = now.ms_since(self.last_success_at.unwrap_or(self.started_at));
        if self.consecutive_failures > 0 && silent_ms > self.cadence.stale_after_ms {
            return FeedState::Dead;
        }
        let never_spoke = self.last_observation_at.is_none() && self.consecutive_failures > 0;
        match now.ms_since(self.last_observation_at.unwrap_or(self.started_at)) {
            lag_ms if lag_ms > self.cadence.stale_after_ms => FeedState::Stale,
            lag_ms if lag_ms > self.cadence.late_after_ms || never_spoke => FeedState::Late,
            _ => FeedState::Fresh,
        }
    }
}

impl StatusBoard {
    /// A board without feeds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts up the status of a feed, replacing what stood under its name. A status that says nothing
    /// of the past leaves standing what was said of it.
    pub fn put(&self, mut status: FeedStatus) {
        let mut feeds = self.feeds.write().unwrap_or_else(PoisonError::into_inner);
        if status.backfill.is_none() {
            status.backfill = feeds.get_mut(&status.feed).and_then(|standing| standing.backfill.take());
        }
        feeds.insert(status.feed.clone(), status);
    }

    /// Puts up how far the past of a feed has been read, if the feed is on the board.
    pub fn put_backfill(&self, feed: &str, backfill: BackfillStatus) {
        if let Some(status) = self.feeds.write().unwrap_or_else(PoisonError::into_inner).get_mut(feed) {
            status.backfill = Some(backfill);
        }
    }

    /// The status of every feed, by name.
    #[must_use]
    pub fn all(&self) -> Vec<FeedStatus> {
        self.feeds.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The status of one feed.
    #[must_use]
    pub fn get(&self, feed: &str) -> Option<FeedStatus> {
        self.feeds.read().unwrap_or_else(PoisonError::into_inner).get(feed).cloned()
    }

    /// Takes every status down, as when the feeds of this node have ended.
    pub fn clear(&self) {
        self.feeds.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What this node does about the feeds.
    #[must_use]
    pub fn role(&self) -> Role {
        *self.role.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what this node does about the feeds from now on.
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
    fn how_far_the_past_was_read_stays_on_the_board_while_the_feed_goes_on() {
        let board = StatusBoard::new();
        let backfill = BackfillStatus { since: None, pages: 7, pages_read: 3, last_error: None };
        board.put_backfill("venue-candles", backfill.clone());
        assert_eq!(board.get("venue-candles"), None, "a feed that is not on the board stays off it");
        board.put(status());
        board.put_backfill("venue-candles", backfill.clone());
        board.put(FeedStatus { consecutive_failures: 1, ..status() });
        let status = board.get("venue-candles").unwrap();
        assert_eq!((status.consecutive_failures, status.backfill), (1, Some(backfill)));
    }

    #[test]
    fn an_upstream_that_does_not_answer_is_dead_in_the_end_and_a_new_feed_is_not() {
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
