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
use crate::ingest::{Backfill as BackfillSettings, BackfillRange, Progress};

const EXAMPLES: &str = "\
Examples:
  market-stress backfill                                   all feeds that are on, as far back as configured
  market-stress backfill --source binance --since 2020-01-01
  market-stress backfill --source deribit-volatility --since 2021-03-24 --until 2022-01-01

What was read is noted in the store page by page. Stopped at any moment, the same command asks only for what is
missing; it reads what an upstream keeps and within its limits, which may take a while. Rows are known since the
instant at which their source published them. Where a publisher gives its whole past in one answer, that is read whole.";

/// What is read of which past.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Backfill {
    /// Only these feeds, or all feeds of these sources.
    #[arg(long = "source", value_name = "NAME", value_delimiter = ',')]
    sources: Vec<String>,
    /// From this instant on (RFC 3339 or a date), instead of as far back as the feed is configured.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only before this instant.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Write the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What became of one feed's past.
#[derive(Debug, Serialize)]
struct Report {
    /// The feed.
    feed: &'static str,
    /// From where it was read; absent where all there is was read.
    since: Option<Timestamp>,
    /// Pages that were missing.
    pages: u64,
    /// How many of them were read.
    pages_read: u64,
    /// Rows that were not stored before.
    rows_new: u64,
    /// Rows that could not be taken.
    rows_refused: u64,
    /// Why not all of it was read.
    error: Option<String>,
}

impl Backfill {
    pub(super) async fn run(self, config: &Config, clock: &Arc<dyn Clock>) -> Result<(), Failure> {
        let stretch = self.stretch(clock.now())?;
        let entries = feeds::chosen(config.ingest.entries(), &self.sources)?;
        let store = app::open_store(config).await?;
        let pasts = app::backfills(&config.ingest, entries, &store, clock)?;
        if pasts.is_empty() {
            let reason =
                "none of these feeds is on and has a past that can be read; `market-stress sources check` says which are off";
            return Err(Failure::Usage(reason.to_owned()));
        }
        let bars = progress::of_many();
        let reports = join_all(pasts.iter().map(|past| read(past, &stretch, &bars))).await;
        write(&reports, self.json)?;
        let failed = reports.iter().filter(|report| report.error.is_some()).count();
        if failed > 0 { Err(Failure::BackfillSettings { failed, asked: reports.len() }) } else { Ok(()) }
    }

    fn stretch(&self, now: Timestamp) -> Result<BackfillRange, Failure> {
        if let Some(since) = self.since {
            let until = self.until.unwrap_or(now).min(now);
            if since >= until {
                return Err(Failure::Usage(format!("--since {since} is not before {until}; there is nothing to read")));
            }
        }
        Ok(BackfillRange { since: self.since, until: self.until, most_days: None })
    }
}

/// Reads one past to its end and shows on the way how far it has come.
async fn read(past: &BackfillSettings, stretch: &BackfillRange, bars: &MultiProgress) -> Report {
    let bar = progress::of_pages(bars, past.feed());
    let last = Mutex::new(Progress::default());
    let listener = |now: &Progress| {
        let before = std::mem::replace(&mut *last.lock().unwrap_or_else(PoisonError::into_inner), *now);
        show(&bar, past.feed(), &before, now);
    };
    let error = past.run(stretch, &listener).await.err();
    let Progress { since, pages, pages_read, rows_new, rows_refused } = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    match &error {
        None => bar.finish_with_message(format!("{rows_new} rows")),
        Some(_) => bar.abandon_with_message("stopped"),
    }
    let error = error.map(|error| error.to_string());
    Report { feed: past.feed(), since, pages, pages_read, rows_new, rows_refused, error }
}

/// Moves the bar; without a terminal, a line for each tenth of the way.
fn show(bar: &ProgressBar, feed: &str, before: &Progress, now: &Progress) {
    bar.set_length(now.pages);
    bar.set_position(now.pages_read);
    bar.set_message(format!("{} rows", now.rows_new));
    let tenth = |progress: &Progress| (10 * progress.pages_read).checked_div(progress.pages);
    if !io::stderr().is_terminal() && (tenth(before) != tenth(now) || now.is_finished()) {
        // A standard error that is closed leaves nobody to tell.
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
