use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::client::{HttpClient, host_of};
use super::error::{FeedError, FetchError, StreamError};
use super::feed::{Message, Parsed, PollContext, PolledFeed, StreamedFeed};
use super::runner::{Entry, Feed};
use super::stream::{open, reply, text_of};
use crate::domain::{Source, Timestamp};

/// A feed that is tried is asked like one that is an hour behind: for little, but for something.
const BEHIND_MS: i64 = 3_600_000;

/// What one try of a feed showed. Nothing is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// The feed's own name.
    pub feed: &'static str,
    /// The source its rows would be recorded under.
    pub source: Source,
    /// How it went.
    pub outcome: Outcome,
    /// Rows that could be recorded.
    pub rows: usize,
    /// Rows that could not be taken.
    pub refused: usize,
    /// The newest instant the upstream spoke of.
    pub newest: Option<Timestamp>,
}

/// How far a try came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The feed does not run, for this reason.
    Off(String),
    /// The upstream did not answer.
    Unreachable(String),
    /// It answered, and what it said could not be used.
    Unusable(String),
    /// All it said was understood.
    Understood,
}

/// How long a stream may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeTimeouts {
    /// To connect and to be acknowledged.
    pub to_answer: Duration,
    /// To send rows after that; `None` where the acknowledgement is enough, for liquidations may
    /// not happen for a while.
    pub to_speak: Option<Duration>,
}

/// Tries a feed once, unless it is off.
pub async fn probe_feed(entry: &Entry, http: &HttpClient, now: Timestamp, patience: ProbeTimeouts) -> ProbeResult {
    let profile = entry.feed.profile();
    let mut trial = ProbeResult {
        feed: profile.name,
        source: profile.info.source.clone(),
        outcome: Outcome::Understood,
        rows: 0,
        refused: 0,
        newest: None,
    };
    let tried = match (&entry.off, &entry.feed) {
        (Some(reason), _) => {
            trial.outcome = Outcome::Off(reason.clone());
            return trial;
        }
        (None, Feed::Polled(feed)) => trial.visit(feed, http, now).await.map_err(|error| outcome(&error)),
        (None, Feed::Streamed(feed)) => trial.probe_stream(feed.as_ref(), http, patience).await,
    };
    if let Err(failure) = tried {
        trial.outcome = failure;
    }
    trial
}

impl ProbeResult {
    /// Whether the feed was tried and did not do what it should.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Unreachable(_) | Outcome::Unusable(_))
    }

    /// Asks every question of a visit; the first failure is returned after the others were asked.
    async fn visit(&mut self, feed: &PolledFeed, http: &HttpClient, now: Timestamp) -> Result<(), FeedError> {
        let visit = PollContext { seen_until: Some(now.plus_ms(-BEHIND_MS)), now };
        let mut first_failure = None;
        for question in (feed.questions)(&visit)? {
            let answered = match http.fetch(&question.request).await {
                Ok(body) => (question.read)(&body).map_err(FeedError::from),
                Err(error) => Err(error.into()),
            };
            match answered {
                Ok(parsed) => self.take(&parsed),
                Err(error) => drop(first_failure.get_or_insert(error)),
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    /// Connects, subscribes and listens until the upstream has answered, or sent rows where those
    /// are waited for.
    async fn probe_stream(&mut self, feed: &dyn StreamedFeed, http: &HttpClient, patience: ProbeTimeouts) -> Result<(), Outcome> {
        let session = feed.session(http).await.map_err(|error| outcome(&error))?;
        let host = host_of(&session.url);
        let (mut until, mut wait, mut answered) = (Instant::now() + patience.to_answer, patience.to_answer, false);
        let late = |wait: Duration| Outcome::Unreachable(format!("no connection to {host} within {} s", wait.as_secs()));
        let connected = timeout_at(until, open(&session)).await.map_err(|_| late(wait))?;
        let mut socket = connected.map_err(|error| outcome(&error))?;
        loop {
            let silent = |_| Outcome::Unusable(format!("{host} accepted the connection and was silent for {} s", wait.as_secs()));
            let frame = timeout_at(until, socket.next()).await.map_err(silent)?;
            let Some(text) = text_of(frame, &session).map_err(|error| outcome(&error))? else { continue };
            match (feed.read(&text).map_err(|error| outcome(&error.into()))?, patience.to_speak) {
                (Message::Rows(parsed), _) => {
                    self.take(&parsed);
                    return Ok(());
                }
                (Message::Control, None) => return Ok(()),
                (Message::Control, Some(to_speak)) if !answered => {
                    (until, wait, answered) = (Instant::now() + to_speak, to_speak, true);
                }
                (Message::Control, Some(_)) => {}
                (Message::Reply(text), _) => reply(&mut socket, text, &session).await.map_err(|error| outcome(&error))?,
                (Message::Narrowed { resend, .. }, _) => {
                    for text in resend {
                        reply(&mut socket, text, &session).await.map_err(|error| outcome(&error))?;
                    }
                }
                (Message::Refused(reason), _) => return Err(Outcome::Unusable(format!("{host} refused: {reason}"))),
            }
        }
    }

    fn take(&mut self, parsed: &Parsed) {
        self.rows += parsed.batch.len();
        self.refused += parsed.refused.len();
        self.newest = self.newest.max(parsed.newest());
        // An answer of which no row is understood is that of another interface.
        if let (0, Some(first)) = (self.rows, parsed.refused.first()) {
            self.outcome = Outcome::Unusable(format!("every row was refused; {}: {}", first.subject, first.reason));
        } else if self.rows > 0 {
            self.outcome = Outcome::Understood;
        }
    }
}

/// Whether the upstream was heard at all.
fn outcome(error: &FeedError) -> Outcome {
    let words = error.to_string();
    match error {
        FeedError::Fetch(FetchError::Unreachable { .. } | FetchError::Timeout { .. } | FetchError::HostResting { .. })
        | FeedError::Stream(StreamError::Broken { .. })
        | FeedError::Deadline(_) => Outcome::Unreachable(words),
        _ => Outcome::Unusable(words),
    }
}
