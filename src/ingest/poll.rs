use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::client::{Answer, HttpClient, Validators};
use super::error::{FeedError, FetchError};
use super::feed::{Parsed, PollContext, PollRequest, PolledFeed};
use super::history::History;
use super::monitor::Monitor;
use super::runner::Step;
use super::sink::Sink;
use crate::domain::{Clock, Timestamp};

/// The most time one visit may take, all questions together.
const DEADLINE: Duration = Duration::from_mins(10);

/// One polled feed with its progress. A step is one visit.
#[derive(Debug)]
pub struct Poller {
    feed: Arc<PolledFeed>,
    http: HttpClient,
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    monitor: Monitor,
    seen_until: Option<Timestamp>,
    /// What the upstream called the answers of the last visit, by question.
    answered: HashMap<String, Validators>,
}

#[async_trait]
impl Step for Poller {
    /// Visits the upstream once: asks every question, records what comes and reports to the board.
    async fn run_once(&mut self) -> Duration {
        let now = self.clock.now();
        // A clock that was set back had been ahead: what it called seen may not have been there yet.
        self.seen_until = self.seen_until.filter(|seen| *seen <= now);
        let visit = PollContext { seen_until: self.seen_until, now };
        let outcome = match tokio::time::timeout(DEADLINE, self.visit(&visit)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FeedError::Deadline(DEADLINE)),
        };
        match outcome {
            Ok(()) => {
                self.seen_until = Some(visit.now);
                self.monitor.succeeded(self.clock.now());
                let now = self.clock.now();
                let next = self.feed.schedule.next_after(now);
                self.monitor.spread(next.ms_since(now))
            }
            Err(error) => self.monitor.failed(&error),
        }
    }

    fn monitor(&mut self) -> &mut Monitor {
        &mut self.monitor
    }
}

impl Poller {
    /// A poller that goes on where the recorded rows end.
    #[must_use]
    pub fn new(feed: Arc<PolledFeed>, http: HttpClient, sink: Arc<dyn Sink>, clock: Arc<dyn Clock>, monitor: Monitor) -> Self {
        let recorded = feed.cursor_series.iter().map(|series| {
            let published = sink.newest(series)?.plus_ms(series.publication_lag_ms());
            Some(published.min(clock.now()))
        });
        // A series without rows, or no series at all, means a first visit.
        let seen_until = recorded.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().min());
        Self { feed, http, sink, clock, monitor, seen_until, answered: HashMap::new() }
    }

    /// Asks every question; the first failure is returned after the others were asked, unless the
    /// host wants to be left alone.
    async fn visit(&mut self, visit: &PollContext) -> Result<(), FeedError> {
        let mut first_failure = None;
        let known = std::mem::take(&mut self.answered);
        for question in self.questions(visit)? {
            let asked = question.request.identity();
            match self.ask(&question, known.get(&asked)).await {
                Ok(validators) => self.answered.extend(validators.map(|validators| (asked, validators))),
                Err(error) => {
                    let host_wants_silence = error.wait().is_some();
                    first_failure.get_or_insert(error);
                    if host_wants_silence {
                        break;
                    }
                }
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    fn questions(&self, visit: &PollContext) -> Result<Vec<PollRequest>, FetchError> {
        match (&self.feed.history, visit.seen_until) {
            // A past of many pages is read beside the visits, so that none of them takes long.
            (Some(History::Paged(pages)), None) => pages.recent(visit),
            _ => (self.feed.questions)(visit),
        }
    }

    /// Asks a question. What the upstream calls the answer is kept only once its rows are recorded, so
    /// that one which could not be used is given again.
    async fn ask(&mut self, question: &PollRequest, known: Option<&Validators>) -> Result<Option<Validators>, FeedError> {
        match self.http.fetch_unless(&question.request, known).await? {
            Answer::Unchanged => Ok(known.cloned()),
            Answer::Body(body, validators) => {
                record(&*self.sink, &mut self.monitor, (question.read)(&body)?).await?;
                Ok(validators.filter(|_| question.request.unless_unchanged))
            }
        }
    }
}

/// Records the rows of one answer and reports what was refused.
pub(super) async fn record(sink: &dyn Sink, monitor: &mut Monitor, parsed: Parsed) -> Result<(), FeedError> {
    let newest = parsed.newest();
    let mut refused = parsed.refused;
    if !parsed.batch.is_empty() {
        refused.extend(sink.record(&parsed.batch).await?.refused);
    }
    monitor.observed(newest, &refused);
    Ok(())
}
