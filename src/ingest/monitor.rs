use std::sync::Arc;
use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::error::{FeedError, FetchError};
use super::feed::Profile;
use crate::domain::{FeedStatus, RejectedRow, StatusBoard, Timestamp};

/// Keeps the status of one feed, and logs an outage once when it begins and once when it ends.
#[derive(Debug)]
pub struct Monitor {
    status: FeedStatus,
    board: Arc<StatusBoard>,
    backoff: Backoff,
    jitter: Arc<dyn Jitter>,
    /// Successes in a row that lack a part which a retry may bring.
    incomplete: u32,
}

impl Monitor {
    /// A monitor that puts the feed on the board at once.
    #[must_use]
    pub fn new(profile: &Profile, board: Arc<StatusBoard>, jitter: Arc<dyn Jitter>, now: Timestamp) -> Self {
        let mut status = FeedStatus::new(profile.name, profile.info.source.clone(), profile.cadence, now);
        status.note.clone_from(&profile.info.note);
        board.put(status.clone());
        Self { status, board, backoff: Backoff::FEED, jitter, incomplete: 0 }
    }

    /// The status as it stands.
    #[must_use]
    pub fn status(&self) -> &FeedStatus {
        &self.status
    }

    /// Sets which part the answers lack, and why; `None` if they lack none.
    pub(super) fn partial(&mut self, reason: Option<String>) {
        match (&self.status.partial, &reason) {
            (None, Some(reason)) => tracing::warn!(feed = self.status.feed, reason, "feed answers in part"),
            (Some(_), None) => tracing::info!(feed = self.status.feed, "feed answers in full again"),
            _ => {}
        }
        self.status.partial = reason;
        self.board.put(self.status.clone());
    }

    /// How long to wait before a part that may come is asked for again; `None` if there is none.
    pub(super) fn wait_for_rest(&mut self, may_come: bool) -> Option<Duration> {
        self.incomplete = if may_come { self.incomplete.saturating_add(1) } else { 0 };
        may_come.then(|| self.backoff.wait(self.incomplete, &*self.jitter))
    }

    /// The upstream answered and the rows are recorded.
    pub(super) fn succeeded(&mut self, now: Timestamp) {
        if self.status.consecutive_failures > 0 {
            tracing::info!(feed = self.status.feed, failures = self.status.consecutive_failures, "feed recovered");
        }
        self.status.consecutive_failures = 0;
        self.status.last_error = None;
        self.status.last_success_at = Some(now);
        self.board.put(self.status.clone());
    }

    /// Something failed. Returns how long to wait before the next attempt.
    pub(super) fn failed(&mut self, error: &FeedError) -> Duration {
        self.status.consecutive_failures = self.status.consecutive_failures.saturating_add(1);
        let wait = self.backoff.wait(self.status.consecutive_failures, &*self.jitter).max(error.wait().unwrap_or_default());
        let (feed, wait_seconds) = (&self.status.feed, wait.as_secs());
        if self.status.consecutive_failures == 1 {
            tracing::warn!(feed, %error, wait_seconds, "feed failed; it backs off and tries again");
        } else {
            tracing::debug!(feed, %error, wait_seconds, failures = self.status.consecutive_failures, "feed still fails");
        }
        // That a host is resting tells less than why.
        let resting = matches!(error, FeedError::Fetch(FetchError::HostResting { .. }));
        if !resting || self.status.last_error.is_none() {
            self.status.last_error = Some(error.to_string());
        }
        self.board.put(self.status.clone());
        wait
    }

    /// Rows came, some of them perhaps refused.
    pub(super) fn observed(&mut self, newest: Option<Timestamp>, refused: &[RejectedRow]) {
        self.status.last_observation_at = self.status.last_observation_at.max(newest);
        if let Some(last) = refused.last() {
            self.status.refused_rows += refused.len() as u64;
            let words = format!("{} at {}: {}", last.subject, last.observed_at, last.reason);
            tracing::debug!(feed = self.status.feed, rows = refused.len(), last = words, "rows refused");
            self.status.last_refusal = Some(words);
        }
        self.board.put(self.status.clone());
    }

    /// A wait of `wait_ms`, made up to a twentieth (at most 5 s) longer so that feeds do not all ask
    /// at once.
    pub(super) fn spread(&self, wait_ms: i64) -> Duration {
        let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default());
        wait + (wait / 20).min(Duration::from_secs(5)).mul_f64(self.jitter.next())
    }
}
