use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::client::{Answer, HttpClient, Request, Validators};
use super::error::{FeedError, FetchError};
use super::feed::{Parsed, PollContext, PollRequest, PolledFeed};
use super::history::History;
use super::monitor::Monitor;
use super::runner::Step;
use super::sink::Sink;
use crate::domain::{Batch, Clock, RejectedRow, SeriesKey, Timestamp};

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
    /// The topics that are not answered, each with how far everything was seen before.
    unanswered: BTreeMap<String, Option<Timestamp>>,
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
        match outcome.and_then(Tally::settle) {
            Ok(tally) => {
                self.seen_until = self.goes_on_from(&visit, &tally);
                self.monitor.partial(tally.lacks());
                self.monitor.succeeded(self.clock.now());
                let now = self.clock.now();
                let next = self.feed.schedule.next_after(now);
                let wait = self.monitor.spread(next.ms_since(now));
                self.monitor.wait_for_rest(tally.may_come).map_or(wait, |sooner| sooner.min(wait))
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
        Self { feed, http, sink, clock, monitor, seen_until, unanswered: BTreeMap::new(), answered: HashMap::new() }
    }

    /// Up to when everything is seen after a visit. A topic that is answered again lacks its rows since it failed, so the
    /// next visit begins there.
    fn goes_on_from(&mut self, visit: &PollContext, tally: &Tally) -> Option<Timestamp> {
        let answered_again = self.unanswered.extract_if(.., |topic, _| tally.answered_alone(topic));
        let earliest = answered_again.map(|(_, seen_until)| seen_until).min();
        for topic in &tally.failed {
            self.unanswered.entry(topic.clone()).or_insert(visit.seen_until);
        }
        earliest.unwrap_or(Some(visit.now))
    }

    /// Asks every question and counts the outcomes.
    ///
    /// # Errors
    /// When the host wants to be left alone, and when rows could not be recorded.
    async fn visit(&mut self, visit: &PollContext) -> Result<Tally, FeedError> {
        let mut tally = Tally::default();
        let known = std::mem::take(&mut self.answered);
        let mut open = VecDeque::from(self.questions(visit)?);
        while let Some(question) = open.pop_front() {
            let asked = question.request.identity();
            match self.ask(&question, known.get(&asked)).await {
                Ok(answered) => {
                    tally.answers += 1;
                    tally.answered.insert(question.request.topic());
                    tally.refused.extend(answered.refused);
                    tally.truncated += usize::from(answered.is_cut && answered.next.is_none());
                    self.answered.extend(answered.validators.map(|validators| (asked, validators)));
                    answered.next.into_iter().for_each(|next| open.push_front(next));
                }
                Err(error) if error.wait().is_some() => return Err(error),
                Err(error) => tally.fail(&question.request, error),
            }
        }
        Ok(tally)
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
    async fn ask(&mut self, question: &PollRequest, known: Option<&Validators>) -> Result<Answered, FeedError> {
        match self.http.fetch_unless(&question.request, known).await? {
            Answer::Unchanged => Ok(Answered { validators: known.cloned(), ..Answered::default() }),
            Answer::Body(body, validators) => {
                let parsed = (question.read)(&body)?;
                let (is_cut, next) = (parsed.truncated, question.next(&parsed)?);
                let refused = record(&*self.sink, &mut self.monitor, parsed).await?;
                // A document of which a series was refused is asked for again in full.
                let validators = validators.filter(|_| question.request.unless_unchanged && refused.is_empty());
                Ok(Answered { validators, refused, is_cut, next })
            }
        }
    }
}

/// What came of a question that was answered.
#[derive(Debug, Default)]
struct Answered {
    validators: Option<Validators>,
    /// Series that lost all their rows.
    refused: Vec<RejectedRow>,
    is_cut: bool,
    /// The question about what was cut off.
    next: Option<PollRequest>,
}

/// Records the rows of one answer and reports what was refused. Gives the last refusal of each series that lost all its rows.
pub(super) async fn record(sink: &dyn Sink, monitor: &mut Monitor, parsed: Parsed) -> Result<Vec<RejectedRow>, FeedError> {
    let newest = parsed.newest();
    let mut refused = parsed.refused;
    if !parsed.batch.is_empty() {
        refused.extend(sink.record(&parsed.batch).await?.refused);
    }
    monitor.observed(newest, &refused);
    Ok(lost_series(&parsed.batch, &refused))
}

/// The last refusal of each series that lost all its rows. A refusal that names a series names one of a configured asset.
fn lost_series(batch: &Batch, refused: &[RejectedRow]) -> Vec<RejectedRow> {
    let last: BTreeMap<&str, &RejectedRow> = refused.iter().map(|refusal| (refusal.subject.as_str(), refusal)).collect();
    let is_refused = |subject: &str, at| refused.iter().any(|refusal| refusal.observed_at == at && refusal.subject == subject);
    let is_lost = |subject: &str| {
        let key = subject.parse::<SeriesKey>();
        key.is_ok_and(|key| instants(batch, &key).all(|at| is_refused(subject, at)))
    };
    last.into_iter().filter(|(subject, _)| is_lost(subject)).map(|(_, refusal)| refusal.clone()).collect()
}

fn instants(batch: &Batch, key: &SeriesKey) -> impl Iterator<Item = Timestamp> {
    let readings = batch.readings.get(key).into_iter().flatten().map(|row| row.observed_at);
    readings.chain(batch.candles.get(key).into_iter().flatten().map(|row| row.observed_at))
}

/// How the questions of a visit went.
#[derive(Debug, Default)]
struct Tally {
    answers: usize,
    failures: usize,
    /// The topics of the questions that were answered, and of those that failed.
    answered: BTreeSet<String>,
    failed: BTreeSet<String>,
    /// The first failure, and what its question was about.
    first_failure: Option<(Option<String>, FeedError)>,
    /// Whether what failed may be answered when it is asked again.
    may_come: bool,
    /// Series that lost all their rows.
    refused: Vec<RejectedRow>,
    /// Answers that were cut and have no question about the rest.
    truncated: usize,
}

impl Tally {
    fn fail(&mut self, request: &Request, error: FeedError) {
        self.failures += 1;
        self.failed.insert(request.topic());
        self.may_come |= !error.is_lasting();
        self.first_failure.get_or_insert((request.subject(), error));
    }

    /// Whether questions of a topic were answered, and none failed.
    fn answered_alone(&self, topic: &str) -> bool {
        self.answered.contains(topic) && !self.failed.contains(topic)
    }

    /// A visit that got no answer at all, or whose rows are lost, is a failure.
    fn settle(mut self) -> Result<Self, FeedError> {
        match self.first_failure.take() {
            Some((_, error)) if self.answers == 0 || matches!(error, FeedError::Store(_)) => Err(error),
            first_failure => Ok(Self { first_failure, ..self }),
        }
    }

    /// What the visit lacks, in words.
    fn lacks(&self) -> Option<String> {
        let asked = self.answers + self.failures;
        let failed = self.first_failure.as_ref().map(|(subject, error)| {
            let about = subject.as_ref().map(|subject| format!(" about {subject}")).unwrap_or_default();
            format!("{} of {asked} questions failed, the first{about}: {error}", self.failures)
        });
        let refused = self.refused.first().map(|refusal| {
            format!("all rows of {} series were refused, such as {}: {}", self.refused.len(), refusal.subject, refusal.reason)
        });
        let cut =
            (self.truncated > 0).then(|| format!("{} answers were cut: later rows of their spans are missing", self.truncated));
        let lacks: Vec<_> = failed.into_iter().chain(refused).chain(cut).collect();
        (!lacks.is_empty()).then(|| lacks.join("; "))
    }
}
