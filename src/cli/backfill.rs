use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use futures_util::future::join_all;
use indicatif::{MultiProgress, ProgressBar};
use serde::Serialize;

use crate::app;
use crate::cli::{Failure, feeds, progress};
use crate::config::Config;
use crate::domain::{Clock, Timestamp};
use crate::ingest::{Backfill as FeedBackfill, BackfillRange, Progress};

const EXAMPLES: &str = "\
Examples:
  market-stress backfill                                   all enabled feeds, as far back as configured
  market-stress backfill --source binance --since 2020-01-01
  market-stress backfill --source deribit-volatility --since 2021-03-24 --until 2022-01-01

Progress is recorded in the store page by page, so the same command resumes where it stopped and reads only the missing
pages. Back-fills respect the limits of each upstream and may take a while. Rows are dated by the publication rule of
their source. A publisher that returns its whole history in one response is read in full.";

/// Selection of the history to read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Backfill {
    /// Only these feeds, or all feeds of these sources.
    #[arg(long = "source", value_name = "NAME", value_delimiter = ',')]
    sources: Vec<String>,
    /// Start of the history (RFC 3339 or a date), instead of the configured one.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// End of the history, excluded (RFC 3339 or a date).
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Write the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Result of the back-fill of one feed.
#[derive(Debug, Serialize)]
struct Report {
    /// Name of the feed.
    feed: &'static str,
    /// Start of the history read; absent if all available history was read.
    since: Option<Timestamp>,
    /// Number of missing pages.
    pages: u64,
    /// Number of missing pages that were read.
    pages_read: u64,
    /// Rows not stored before.
    rows_new: u64,
    /// Rows that were rejected.
    rows_refused: u64,
    /// Reason why the back-fill is incomplete.
    error: Option<String>,
}

impl Backfill {
    pub(super) async fn run(self, config: &Config, clock: &Arc<dyn Clock>) -> Result<(), Failure> {
        let range = self.range(clock.now())?;
        let entries = feeds::chosen(config.ingest.entries(), &self.sources)?;
        let store = app::open_store(config).await?;
        let backfills = app::backfills(&config.ingest, entries, &store, clock)?;
        if backfills.is_empty() {
            let reason = "none of these feeds is enabled and has a history; see `market-stress sources check`";
            return Err(Failure::Usage(reason.to_owned()));
        }
        let bars = progress::of_many();
        let reports = join_all(backfills.iter().map(|backfill| read(backfill, &range, &bars))).await;
        write(&reports, self.json)?;
        let failed = reports.iter().filter(|report| report.error.is_some()).count();
        if failed > 0 { Err(Failure::Backfill { failed, requested: reports.len() }) } else { Ok(()) }
    }

    fn range(&self, now: Timestamp) -> Result<BackfillRange, Failure> {
        if let Some(since) = self.since {
            let until = self.until.unwrap_or(now).min(now);
            if since >= until {
                return Err(Failure::Usage(format!("--since {since} is not before {until}; choose an earlier start")));
            }
        }
        Ok(BackfillRange { since: self.since, until: self.until, most_days: None })
    }
}

/// Runs one back-fill to its end and shows its progress.
async fn read(backfill: &FeedBackfill, range: &BackfillRange, bars: &MultiProgress) -> Report {
    let bar = progress::of_pages(bars, backfill.feed());
    let last = Mutex::new(Progress::default());
    let listener = |now: &Progress| {
        let before = std::mem::replace(&mut *last.lock().unwrap_or_else(PoisonError::into_inner), *now);
        show(&bar, backfill.feed(), &before, now);
    };
    let error = backfill.run(range, &listener).await.err();
    let Progress { since, pages, pages_read, rows_new, rows_refused } = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    match &error {
        None => bar.finish_with_message(format!("{rows_new} rows")),
        Some(_) => bar.abandon_with_message("stopped"),
    }
    let error = error.map(|error| error.to_string());
    Report { feed: backfill.feed(), since, pages, pages_read, rows_new, rows_refused, error }
}

/// Updates the bar; without a terminal, writes a line for each tenth of the pages.
fn show(bar: &ProgressBar, feed: &str, before: &Progress, now: &Progress) {
    bar.set_length(now.pages);
    bar.set_position(now.pages_read);
    bar.set_message(format!("{} rows", now.rows_new));
    let tenth = |progress: &Progress| (10 * progress.pages_read).checked_div(progress.pages);
    if !io::stderr().is_terminal() && (tenth(before) != tenth(now) || now.is_finished()) {
        // If standard error is closed, the line is dropped.
        let _ = writeln!(io::stderr(), "{feed}: {} of {} pages, {} rows", now.pages_read, now.pages, now.rows_new);
    }
}

fn write(reports: &[Report], as_json: bool) -> io::Result<()> {
    let mut out = io::stdout();
    if as_json {
        return writeln!(out, "{}", serde_json::to_string(reports)?);
    }
    for Report { feed, since, pages, pages_read, rows_new, rows_refused, error } in reports {
        let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
        writeln!(out, "{feed}: read {pages_read} of {pages} pages{since}, new {rows_new}, refused {rows_refused}")?;
        if let Some(error) = error {
            writeln!(out, "  stopped: {error}")?;
        }
    }
    Ok(())
}
