use std::io::{self, Write};

use serde::Serialize;

use crate::domain::{Batch, CommitReport, RejectedRow, Timestamp};
use crate::files::{BadRows, Parsed};

/// Maximum number of rejected rows that are described one by one.
const LISTED: usize = 20;

/// Result of an import.
#[derive(Debug, Serialize)]
pub(super) struct ImportReport {
    /// File, or `standard input`.
    file: String,
    /// Whether nothing was stored, as it was asked.
    dry_run: bool,
    /// What kind of file it is.
    kind: &'static str,
    /// The preset that recognised it.
    preset: Option<&'static str>,
    /// The series it spoke of; the count of orders is in `new`.
    series: Vec<String>,
    /// The oldest instant it spoke of.
    from: Option<Timestamp>,
    /// The newest instant it spoke of.
    to: Option<Timestamp>,
    /// What no flag stated, and where it was found.
    inferred: Vec<Inference>,
    /// What else happened on the way.
    notes: Vec<String>,
    /// The columns that were not read.
    columns_not_read: Vec<String>,
    /// Rows in the file.
    rows_read: u64,
    /// Rows without a value.
    rows_empty: u64,
    /// Rows that repeat others and count once.
    rows_double: u64,
    /// Rows that are no points, such as totals.
    rows_left_out: u64,
    /// Points that were not there before. A row of sums holds two points.
    new: u64,
    /// Points already stored with the same value.
    unchanged: u64,
    /// Points already stored with another value.
    revised: u64,
    /// Rows that were refused.
    refused: u64,
    /// The first rows that were refused, and why.
    refusals: Vec<String>,
}

/// Something that no flag stated.
#[derive(Debug, Serialize)]
struct Inference {
    what: String,
    from: String,
}

impl ImportReport {
    pub(super) fn new(file: String, parsed: &Parsed, commit: &CommitReport, dry_run: bool) -> Self {
        let batch = &parsed.batch;
        let (from, to) = span(batch);
        let inferred = parsed.inferred.iter().map(|(what, from)| Inference { what: what.clone(), from: from.to_string() });
        Self {
            file,
            dry_run,
            kind: parsed.kind.as_str(),
            preset: parsed.preset,
            series: batch.readings.keys().chain(batch.candles.keys()).map(ToString::to_string).collect(),
            from,
            to,
            inferred: inferred.collect(),
            notes: parsed.told.clone(),
            columns_not_read: parsed.unread.clone(),
            rows_read: parsed.rows,
            rows_empty: parsed.empty,
            rows_double: parsed.doubles,
            rows_left_out: parsed.left_out,
            new: commit.new,
            unchanged: commit.unchanged,
            revised: commit.revised,
            refused: parsed.bad.count + commit.refused.len() as u64,
            refusals: descriptions(&parsed.bad, &commit.refused),
        }
    }

    /// Writes the report to standard output.
    pub(super) fn write(&self, as_json: bool) -> io::Result<()> {
        let mut out = io::stdout();
        if as_json { writeln!(out, "{}", serde_json::to_string(self)?) } else { write!(out, "{}", self.text()) }
    }

    fn text(&self) -> String {
        use std::fmt::Write as _;
        let Self { file, rows_read, new, unchanged, revised, refused, .. } = self;
        let mut text =
            format!("{file}: read {rows_read}, new {new}, unchanged {unchanged}, revised {revised}, refused {refused}");
        for (count, word) in [(self.rows_empty, "empty"), (self.rows_double, "double"), (self.rows_left_out, "left out")] {
            if count > 0 {
                let _ = write!(text, ", {word} {count}");
            }
        }
        text.push('\n');
        for line in self.lines() {
            let _ = writeln!(text, "  {line}");
        }
        text
    }

    /// What the report tells beside its counts.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.dry_run {
            lines.push("nothing was stored (--dry-run)".to_owned());
        }
        if let Some(preset) = self.preset {
            lines.push(format!("{} in the layout of {preset}", self.kind));
        }
        lines.extend(listed("series", &self.series));
        if let (Some(from), Some(to)) = (self.from, self.to) {
            lines.push(format!("from {from} to {to}"));
        }
        let mut origins: Vec<&str> = Vec::new();
        for inference in &self.inferred {
            if !origins.contains(&inference.from.as_str()) {
                origins.push(&inference.from);
            }
        }
        for origin in origins {
            let of_origin = self.inferred.iter().filter(|inference| inference.from == origin);
            let what: Vec<&str> = of_origin.map(|inference| inference.what.as_str()).collect();
            lines.push(format!("{} by {origin}", what.join(", ")));
        }
        lines.extend(self.notes.iter().cloned());
        lines.extend(listed("columns not read", &self.columns_not_read));
        lines.extend(self.refusals.iter().map(|refusal| format!("refused: {refusal}")));
        lines
    }
}

/// The first names of a list on one line; nothing for an empty list.
fn listed(what: &str, names: &[String]) -> Option<String> {
    const NAMES: usize = 6;
    let first = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        count if count > NAMES => Some(format!("{what}: {first} and {} more", count - NAMES)),
        _ => Some(format!("{what}: {first}")),
    }
}

/// The oldest and the newest instant of a batch.
fn span(batch: &Batch) -> (Option<Timestamp>, Option<Timestamp>) {
    let readings = batch.readings.values().flatten().map(|row| row.observed_at);
    let candles = batch.candles.values().flatten().map(|row| row.observed_at);
    let orders = batch.orders.iter().map(|order| order.occurred_at);
    let instants = || readings.clone().chain(candles.clone()).chain(orders.clone());
    (instants().min(), instants().max())
}

/// Describes the first rejected rows, one a line.
pub(super) fn refused(refused: &[RejectedRow]) -> String {
    let lines = descriptions(&BadRows::default(), refused).join("\n  ");
    format!("the store rejected {} rows:\n  {lines}", refused.len())
}

fn descriptions(bad: &BadRows, refused: &[RejectedRow]) -> Vec<String> {
    let bad = bad.first.iter().map(ToString::to_string);
    let refused = refused.iter().map(|row| format!("{} at {}: {}", row.subject, row.observed_at, row.reason));
    bad.chain(refused).take(LISTED).collect()
}
