use std::io::{self, Write};

use serde::Serialize;

use crate::domain::{CommitReport, RejectedRow};
use crate::files::{BadRows, Parsed};

/// Maximum number of rejected rows that are described one by one.
const LISTED: usize = 20;

/// Result of an import.
#[derive(Debug, Serialize)]
pub(super) struct ImportReport {
    /// File, or `standard input`.
    file: String,
    /// Series in the file; the count of orders is in `new`.
    series: Vec<String>,
    /// Facts inferred from the file's name.
    inferred: Vec<String>,
    /// Rows in the file.
    rows_read: u64,
    /// Rows without a value.
    rows_empty: u64,
    /// Points not stored before. A row of sums has two points.
    new: u64,
    /// Points already stored with the same value.
    unchanged: u64,
    /// Points already stored with another value.
    revised: u64,
    /// Rows that were rejected.
    refused: u64,
    /// First rejected rows, with the reason.
    refusals: Vec<String>,
}

impl ImportReport {
    pub(super) fn new(file: String, parsed: &Parsed, commit: &CommitReport) -> Self {
        let batch = &parsed.batch;
        Self {
            file,
            series: batch.readings.keys().chain(batch.candles.keys()).map(ToString::to_string).collect(),
            inferred: parsed.inferred.clone(),
            rows_read: parsed.rows,
            rows_empty: parsed.empty,
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
        let Self { file, rows_read, rows_empty, new, unchanged, revised, refused, .. } = self;
        let mut text =
            format!("{file}: read {rows_read}, new {new}, unchanged {unchanged}, revised {revised}, refused {refused}");
        if *rows_empty > 0 {
            let _ = write!(text, ", empty {rows_empty}");
        }
        text.push('\n');
        if !self.inferred.is_empty() {
            let _ = writeln!(text, "  {} from the file's name", self.inferred.join(", "));
        }
        for refusal in &self.refusals {
            let _ = writeln!(text, "  refused: {refusal}");
        }
        text
    }
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
