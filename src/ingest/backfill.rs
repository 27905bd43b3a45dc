use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::client::HttpClient;
use super::error::FeedError;
use super::feed::{Parsed, PollContext, PollRequest, PolledFeed};
use super::history::{History, HistorySeries, Pages};
use super::sink::Sink;
use crate::domain::{BackfillStatus, Clock, Period, StatusBoard, TimeRange, Timestamp};
use crate::store::Store;

/// How often a page is asked for before its strand is given up.
const ATTEMPTS: u32 = 4;
/// A host that wants to be left alone for longer ends the back-fill of the feed.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// A page is not cut into halves shorter than this.
const SHORTEST_PAGE_MS: i64 = Period::MINUTE.ms();

/// Reads the past of one feed, page by page.
///
/// Each page is recorded in one commit and then noted in the store as read. A process that is killed
/// between the two reads that page again, which changes nothing; one that is killed before finds by
/// the notes which pages are missing, wherever they lie. Rows are known since their publication.
#[derive(Debug)]
pub struct Backfill {
    pub(super) feed: Arc<PolledFeed>,
    pub(super) http: HttpClient,
    pub(super) sink: Arc<dyn Sink>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) jitter: Arc<dyn Jitter>,
}

/// How much of the past is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackfillRange {
    /// From this instant on; `None` for as far back as the feed's configuration wants.
    pub since: Option<Timestamp>,
    /// Up to this instant; `None` for the present.
    pub until: Option<Timestamp>,
    /// At most so many days back where `since` is `None`.
    pub most_days: Option<u32>,
}

/// How far a back-fill has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// From where it reads; `None` where it reads all there is.
    pub since: Option<Timestamp>,
    /// Pages that were missing.
    pub pages: u64,
    /// How many of them have been read.
    pub pages_read: u64,
    /// Rows that were not stored before.
    pub rows_new: u64,
    /// Rows that could not be taken.
    pub rows_refused: u64,
}

/// Hears how far a back-fill has come: once at the start, then after each page.
pub type Listener<'a> = &'a (dyn Fn(&Progress) + Send + Sync);

/// What asking for a page came to.
enum Read {
    Recorded {
        new: u64,
        refused: u64,
    },
    /// The upstream cut the answer: ask for both halves, the newer one first.
    Cut([TimeRange; 2]),
}

impl Backfill {
    /// The feed's own name.
    #[must_use]
    pub fn feed(&self) -> &'static str {
        self.feed.profile.name
    }

    /// Reads what is missing of `stretch` and tells `listener` how far it has come.
    ///
    /// # Errors
    /// The first [`FeedError`] that asking again did not help against, after everything else was
    /// read. What was read stays, and the next run asks only for the rest.
    pub async fn run(&self, stretch: &BackfillRange, listener: Listener<'_>) -> Result<Progress, FeedError> {
        self.with_retries(|| async { Ok(self.sink.introduce(&self.feed.profile.info).await?) }).await?;
        match &self.feed.history {
            Some(History::Paged(pages)) => self.read_pages(pages, stretch, listener).await,
            Some(History::SingleRequest) => self.read_everything(listener).await,
            None => Ok(Progress::default()),
        }
    }

    /// Reads what is missing of the last `most_days`, however often it takes, and tells the board and
    /// the log how far it has come.
    pub(super) async fn keep_on(&self, most_days: u32, board: &StatusBoard) {
        let stretch = BackfillRange { most_days: Some(most_days), ..BackfillRange::default() };
        let mut failures = 0;
        loop {
            let told = Mutex::new(Progress::default());
            let listener = |progress: &Progress| {
                *told.lock().unwrap_or_else(PoisonError::into_inner) = *progress;
                board.put_backfill(self.feed(), status(progress, None));
                if progress.pages > 0 && progress.pages_read == 0 && failures == 0 {
                    let since = progress.since.unwrap_or_default();
                    tracing::info!(feed = self.feed(), %since, pages = progress.pages, "reading the past");
                }
            };
            let error = match self.run(&stretch, &listener).await {
                Ok(progress) => {
                    tracing::info!(feed = self.feed(), pages = progress.pages, rows = progress.rows_new, "the past is read");
                    return;
                }
                Err(error) => error,
            };
            failures += 1;
            board.put_backfill(self.feed(), status(&told.into_inner().unwrap_or_else(PoisonError::into_inner), Some(&error)));
            let wait = Backoff::FEED.wait(failures + ATTEMPTS, &*self.jitter).max(error.wait().unwrap_or_default());
            if failures == 1 {
                tracing::warn!(feed = self.feed(), %error, "a part of the past could not be read; it is tried again");
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn read_everything(&self, listener: Listener<'_>) -> Result<Progress, FeedError> {
        let questions = (self.feed.questions)(&self.visit())?;
        let mut progress = Progress { pages: questions.len() as u64, ..Progress::default() };
        listener(&progress);
        let mut first_failure = None;
        for question in &questions {
            match self.with_retries(|| async { self.record(&self.ask(question).await?).await }).await {
                Ok((new, refused)) => progress.count(new, refused),
                Err(error) if must_stop(&error) => return Err(error),
                Err(error) => drop(first_failure.get_or_insert(error)),
            }
            listener(&progress);
        }
        first_failure.map_or(Ok(progress), Err)
    }

    async fn read_pages(&self, pages: &Pages, stretch: &BackfillRange, listener: Listener<'_>) -> Result<Progress, FeedError> {
        let (mut missing, mut progress) = self.missing(pages, stretch).await?;
        listener(&progress);
        let (mut given_up, mut first_failure) = (BTreeSet::new(), None);
        while let Some((strand, page)) = missing.pop_front() {
            if given_up.contains(strand.name()) {
                continue;
            }
            match self.with_retries(|| self.read_page(strand, page)).await {
                Ok(Read::Recorded { new, refused }) => progress.count(new, refused),
                Ok(Read::Cut([older, newer])) => {
                    missing.push_front((strand, older));
                    missing.push_front((strand, newer));
                    progress.pages += 1;
                }
                Err(error) if must_stop(&error) => return Err(error),
                Err(error) => {
                    given_up.insert(strand.name());
                    first_failure.get_or_insert(error);
                }
            }
            listener(&progress);
            tokio::time::sleep(pages.spacing).await;
        }
        first_failure.map_or(Ok(progress), Err)
    }

    /// The pages of every strand that were not read yet, the newest first: a reader of the market has
    /// more of the last month than of the first.
    async fn missing<'a>(
        &self,
        pages: &'a Pages,
        stretch: &BackfillRange,
    ) -> Result<(VecDeque<(&'a HistorySeries, TimeRange)>, Progress), FeedError> {
        let read = self.with_retries(|| async { Ok(self.store.backfilled_ranges(self.feed()).await?) }).await?;
        let now = self.clock.now();
        let (mut missing, mut since) = (Vec::new(), None);
        for strand in &pages.strands {
            let from = strand.reach(stretch.since, stretch.most_days, now);
            since = Some(since.map_or(from, |since: Timestamp| since.min(from)));
            if let Ok(span) = TimeRange::new(from, stretch.until.unwrap_or(now).min(now)) {
                let read = read.get(strand.name()).map_or(&[][..], Vec::as_slice);
                missing.extend(strand.pages(span, read).into_iter().map(|page| (strand, page)));
            }
        }
        missing.sort_by_key(|(_, page)| Reverse(page.to()));
        let progress = Progress { since, pages: missing.len() as u64, ..Progress::default() };
        Ok((missing.into(), progress))
    }

    async fn read_page(&self, strand: &HistorySeries, page: TimeRange) -> Result<Read, FeedError> {
        let visit = self.visit();
        let parsed = self.ask(&strand.question(page, &visit)?).await?;
        if (parsed.truncated || strand.may_be_cut(parsed.instants()))
            && let Some(halves) = halves(page)
        {
            return Ok(Read::Cut(halves));
        }
        let (new, refused) = self.record(&parsed).await?;
        // A page with rows that were refused or cut off is read again by a later version, which may take them.
        if let Some(settled) = strand.settled(page, visit.now).filter(|_| refused == 0 && !parsed.truncated) {
            self.store.note_read(self.feed(), strand.name(), settled).await?;
        }
        Ok(Read::Recorded { new, refused })
    }

    async fn ask(&self, question: &PollRequest) -> Result<Parsed, FeedError> {
        Ok((question.read)(&self.http.fetch(&question.request).await?)?)
    }

    /// Records the rows of one answer; how many were new and how many were refused.
    async fn record(&self, parsed: &Parsed) -> Result<(u64, u64), FeedError> {
        let mut refused = parsed.refused.clone();
        let mut new = 0;
        if !parsed.batch.is_empty() {
            let report = self.sink.record(&parsed.batch).await?;
            new = report.new;
            refused.extend(report.refused);
        }
        if let Some(first) = refused.first() {
            let words = format!("{} at {}: {}", first.subject, first.observed_at, first.reason);
            tracing::debug!(feed = self.feed(), rows = refused.len(), first = words, "rows of the past refused");
        }
        Ok((new, refused.len() as u64))
    }

    /// Tries again what may pass, waiting longer each time and as long as the host asks.
    async fn with_retries<T, F: Future<Output = Result<T, FeedError>>>(&self, attempt: impl Fn() -> F) -> Result<T, FeedError> {
        let mut failures = 0;
        loop {
            let error = match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            failures += 1;
            if failures == ATTEMPTS || must_stop(&error) {
                return Err(error);
            }
            let wait = Backoff::FEED.wait(failures, &*self.jitter).max(error.wait().unwrap_or_default());
            tracing::debug!(feed = self.feed(), %error, wait_seconds = wait.as_secs(), "a page of the past failed");
            tokio::time::sleep(wait).await;
        }
    }

    /// Nothing counts as seen before, so every row is known since its publication.
    fn visit(&self) -> PollContext {
        PollContext { seen_until: None, now: self.clock.now() }
    }
}

impl Progress {
    /// Whether all that was missing has been read.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.pages_read == self.pages
    }

    const fn count(&mut self, new: u64, refused: u64) {
        self.pages_read += 1;
        self.rows_new += new;
        self.rows_refused += refused;
    }
}

fn status(progress: &Progress, error: Option<&FeedError>) -> BackfillStatus {
    BackfillStatus {
        since: progress.since,
        pages: progress.pages,
        pages_read: progress.pages_read,
        last_error: error.map(ToString::to_string),
    }
}

/// Whether the host wants to be left alone for longer than is worth waiting for.
fn must_stop(error: &FeedError) -> bool {
    error.wait().is_some_and(|wait| wait > LONGEST_WAIT)
}

fn halves(page: TimeRange) -> Option<[TimeRange; 2]> {
    let middle = page.from().plus_ms(page.length_ms() / 2).floor(SHORTEST_PAGE_MS);
    Some([TimeRange::new(page.from(), middle).ok()?, TimeRange::new(middle, page.to()).ok()?])
}
