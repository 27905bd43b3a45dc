use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::app;
use crate::cli::{Failure, feeds};
use crate::config::Config;
use crate::domain::{Clock, Timestamp};
use crate::ingest::{Outcome, ProbeResult, ProbeTimeouts};

/// What can be asked about the feeds.
#[derive(Debug, Subcommand)]
pub(super) enum Sources {
    /// Try each feed once and say what came; nothing is stored.
    Check(Check),
}

const EXAMPLES: &str = "\
Examples:
  market-stress sources check
  market-stress sources check --source binance --source farside-btc
  market-stress sources check --source okx --wait-for-rows 300
  market-stress sources check --json | jq '.[] | select(.state == \"failed\")'

The exit code is 1 when a feed failed. Feeds that are off are listed with the reason and do not count.";

/// Which feeds are tried, and how patiently.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// Only these feeds, or all feeds of these sources.
    #[arg(long = "source", value_name = "NAME", value_delimiter = ',')]
    sources: Vec<String>,
    /// How long a stream may take to connect and be acknowledged, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: u64,
    /// Wait so long for a stream to send rows too, seconds; forced orders may not happen for minutes.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait_for_rows: Option<u64>,
    /// Write JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    /// The feed.
    feed: &'static str,
    /// The source its rows are recorded under.
    source: String,
    /// `ok`, `failed` or `off`.
    state: &'static str,
    /// Whether the upstream answered; absent where it was not asked.
    reachable: Option<bool>,
    /// Whether its answers were understood; absent where there were none.
    parsed: Option<bool>,
    /// Rows that could be recorded.
    rows: usize,
    /// Rows that could not be taken.
    refused: usize,
    /// The newest instant it spoke of.
    newest: Option<Timestamp>,
    /// What went wrong, or why the feed is off.
    error: Option<String>,
}

impl Sources {
    pub(super) async fn run(self, config: &Config, clock: &dyn Clock) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(config, clock).await,
        }
    }
}

impl Check {
    async fn run(self, config: &Config, clock: &dyn Clock) -> Result<(), Failure> {
        let entries = feeds::chosen(config.ingest.entries(), &self.sources)?;
        let patience =
            ProbeTimeouts { to_answer: Duration::from_secs(self.wait), to_speak: self.wait_for_rows.map(Duration::from_secs) };
        let trials = app::try_feeds(&config.ingest, &entries, clock, patience).await?;
        let lines: Vec<Line> = trials.iter().map(Line::of).collect();
        write(&lines, self.json)?;
        let failed = trials.iter().filter(|trial| trial.has_failed()).count();
        let tried = lines.iter().filter(|line| line.reachable.is_some()).count();
        if failed > 0 { Err(Failure::Feeds { failed, tried }) } else { Ok(()) }
    }
}

impl Line {
    fn of(trial: &ProbeResult) -> Self {
        let (state, reachable, parsed, error) = match &trial.outcome {
            Outcome::Off(reason) => ("off", None, None, Some(reason.clone())),
            Outcome::Unreachable(error) => ("failed", Some(false), None, Some(error.clone())),
            Outcome::Unusable(error) => ("failed", Some(true), Some(false), Some(error.clone())),
            Outcome::Understood => ("ok", Some(true), Some(true), None),
        };
        Self {
            feed: trial.feed,
            source: trial.source.to_string(),
            state,
            reachable,
            parsed,
            rows: trial.rows,
            refused: trial.refused,
            newest: trial.newest,
            error,
        }
    }

    fn cells(&self) -> [String; 8] {
        let word = |answer: Option<bool>| answer.map_or("-", |yes| if yes { "yes" } else { "no" }).to_owned();
        [
            self.feed.to_owned(),
            self.state.to_owned(),
            word(self.reachable),
            word(self.parsed),
            self.rows.to_string(),
            self.refused.to_string(),
            self.newest.map_or_else(|| "-".to_owned(), |at| at.to_string()),
            self.error.clone().unwrap_or_default(),
        ]
    }
}

fn write(lines: &[Line], as_json: bool) -> io::Result<()> {
    let mut out = io::stdout();
    if as_json { writeln!(out, "{}", serde_json::to_string(lines)?) } else { write!(out, "{}", table(lines)) }
}

fn table(lines: &[Line]) -> String {
    let head = ["FEED", "STATE", "REACHABLE", "PARSED", "ROWS", "REFUSED", "NEWEST OBSERVATION", "ERROR"].map(str::to_owned);
    let rows: Vec<[String; 8]> = std::iter::once(head).chain(lines.iter().map(Line::cells)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}
