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

/// Commands about the feeds.
#[derive(Debug, Subcommand)]
pub(super) enum Sources {
    /// Poll each feed once and report the result; nothing is stored.
    Check(Check),
}

const EXAMPLES: &str = "\
Examples:
  market-stress sources check
  market-stress sources check --source binance --source farside-btc
  market-stress sources check --source okx --wait-for-rows 300
  market-stress sources check --json | jq '.[] | select(.state == \"failed\")'

The exit code is 1 if a feed failed. Disabled feeds are listed with the reason and ignored.";

/// Selection of feeds, and time limits.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// Only these feeds, or all feeds of these sources.
    #[arg(long = "source", value_name = "NAME", value_delimiter = ',')]
    sources: Vec<String>,
    /// Time limit for a stream to connect and be acknowledged, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: u64,
    /// Also wait up to this time for a stream to send rows, seconds; there may be no liquidation for minutes.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait_for_rows: Option<u64>,
    /// Write JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    /// Name of the feed.
    feed: &'static str,
    /// Source name of its rows.
    source: String,
    /// `ok`, `failed` or `off`.
    state: &'static str,
    /// True if the upstream responded; absent if it was not polled.
    reachable: Option<bool>,
    /// True if its responses were parsed; absent if there were none.
    parsed: Option<bool>,
    /// Rows that could be recorded.
    rows: usize,
    /// Rows that were rejected.
    refused: usize,
    /// Newest `observed_at` of the rows.
    newest: Option<Timestamp>,
    /// The fault, or why the feed is off.
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
        let timeouts =
            ProbeTimeouts { to_answer: Duration::from_secs(self.wait), to_speak: self.wait_for_rows.map(Duration::from_secs) };
        let probes = app::try_feeds(&config.ingest, &entries, clock, timeouts).await?;
        let lines: Vec<Line> = probes.iter().map(Line::of).collect();
        write(&lines, self.json)?;
        let failed = probes.iter().filter(|probe| probe.has_failed()).count();
        let tried = lines.iter().filter(|line| line.reachable.is_some()).count();
        if failed > 0 { Err(Failure::Feeds { failed, tried }) } else { Ok(()) }
    }
}

impl Line {
    fn of(probe: &ProbeResult) -> Self {
        let (state, reachable, parsed, error) = match &probe.outcome {
            Outcome::Off(reason) => ("off", None, None, Some(reason.clone())),
            Outcome::Unreachable(error) => ("failed", Some(false), None, Some(error.clone())),
            Outcome::Unusable(error) => ("failed", Some(true), Some(false), Some(error.clone())),
            Outcome::Understood => ("ok", Some(true), Some(true), None),
        };
        Self {
            feed: probe.feed,
            source: probe.source.to_string(),
            state,
            reachable,
            parsed,
            rows: probe.rows,
            refused: probe.refused,
            newest: probe.newest,
            error,
        }
    }

    fn cells(&self) -> [String; 8] {
        let yes_no = |answer: Option<bool>| answer.map_or("-", |yes| if yes { "yes" } else { "no" }).to_owned();
        [
            self.feed.to_owned(),
            self.state.to_owned(),
            yes_no(self.reachable),
            yes_no(self.parsed),
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
