//! Bundled scenario: a synthetic market around the facts of a news report of 2026-02-04.
//!
//! Owns the files of the folder `scenario/` (facts, and anchors of every series) and the fixed rules
//! that generate the rows between them. It uses no clock, network or randomness: the rows are the same
//! on every machine. It computes no metric.

mod calendar;
mod etf_flows;
mod facts;
mod file;
mod liquidations;
mod options;
mod panel;
mod path;
mod positions;
mod prices;

use crate::domain::{Batch, InvalidAsset, InvalidSeriesKey, InvalidSource, Source, SourceInfo, SourceKind, Timestamp};

pub use facts::{Fact, FactRows, facts};

/// Time at which every fact of the report holds: 2026-02-04T08:00:00Z. No row is newer.
pub const CUTOFF: Timestamp = Timestamp::from_unix_ms(1_770_192_000_000);

/// Source name of every row.
pub const SOURCE: &str = "scenario";

/// Note on the rows, returned with their source.
const NOTE: &str = "a made-up market: the rows listed in scenario/facts.toml carry figures of a news report of 2026-02-04, \
                    all others are interpolated between anchors";

/// The files of the scenario are inconsistent; the program was built from a broken tree.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file is malformed.
    #[error("scenario/{file} cannot be read: {reason}")]
    File {
        /// Name of the file.
        file: &'static str,
        /// The fault and its position.
        reason: String,
    },
    /// The source has no valid name.
    #[error(transparent)]
    Source(#[from] InvalidSource),
    /// An asset has no valid name.
    #[error(transparent)]
    Asset(#[from] InvalidAsset),
    /// A series has no valid name.
    #[error(transparent)]
    Series(#[from] InvalidSeriesKey),
    /// A path has no anchors, or they are not in time order.
    #[error("{0} needs at least one anchor, in time order")]
    Anchors(String),
    /// A row of a panel does not have one close for each day.
    #[error("the row of {0} must have one close for each day of its panel")]
    Panel(String),
}

/// Returns all rows of the scenario, one batch for each kind of data.
///
/// # Errors
/// [`ScenarioError`] if an embedded file is malformed.
pub fn batches() -> Result<Vec<Batch>, ScenarioError> {
    let source: Source = SOURCE.parse()?;
    let bitcoin = prices::bitcoin()?;
    Ok(vec![
        prices::batch(&source, &bitcoin)?,
        panel::batch(&source, &bitcoin)?,
        liquidations::batch(&source, &bitcoin)?,
        positions::batch(&source, &bitcoin)?,
        options::batch(&source, &bitcoin, &positions::implied_vol()?)?,
        etf_flows::batch(&source, &bitcoin)?,
    ])
}

/// Returns the scenario's sources: the main one, and one for each further derivatives venue.
///
/// # Errors
/// [`ScenarioError`] if an embedded file is malformed.
pub fn sources() -> Result<Vec<SourceInfo>, ScenarioError> {
    let info = |source| SourceInfo { source, kind: SourceKind::Scenario, note: NOTE.to_owned() };
    Ok(positions::venues()?.into_iter().map(info).collect())
}

#[cfg(test)]
mod story;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::KnownAtRule;

    #[test]
    fn no_row_is_newer_than_the_cutoff_and_every_value_is_plausible() {
        for batch in batches().unwrap() {
            for (key, rows) in &batch.readings {
                let (lowest, highest) = key.metric.plausible(&key.asset);
                for row in rows {
                    assert!((lowest..=highest).contains(&row.value), "{key} {}: {}", row.observed_at, row.value);
                    assert!(known(row.knowledge) <= CUTOFF && row.observed_at <= CUTOFF, "{key} {}", row.observed_at);
                }
                assert!(rows.is_sorted_by(|a, b| a.observed_at < b.observed_at), "{key}");
            }
            for (key, rows) in &batch.candles {
                assert!(rows.iter().all(|row| known(row.knowledge) <= CUTOFF), "{key}");
                assert!(rows.is_sorted_by(|a, b| a.observed_at < b.observed_at), "{key}");
            }
            assert!(batch.orders.iter().all(|order| order.occurred_at <= CUTOFF));
        }
    }

    fn known(knowledge: KnownAtRule) -> Timestamp {
        match knowledge {
            KnownAtRule::AtPublication(at) | KnownAtRule::Vintage(at) => at,
            KnownAtRule::OnCommit => panic!("rows of the scenario have their own known_at"),
        }
    }

    #[test]
    fn the_rows_are_reproducible_and_few_enough_for_a_fast_demo() {
        let rows: usize = batches().unwrap().iter().map(Batch::len).sum();
        assert_eq!(batches().unwrap(), batches().unwrap());
        assert!((50_000..300_000).contains(&rows), "{rows}");
    }

    #[test]
    fn every_mark_is_a_fact_or_interpolated_and_every_fact_has_rows() {
        let facts: Vec<String> = facts().unwrap().into_iter().map(|fact| fact.id).collect();
        let files = [file::PRICES, file::POSITIONS, file::ETF_FLOWS];
        let marks: Vec<&str> = files
            .iter()
            .flat_map(|text| text.lines())
            .filter(|line| line.trim_start().starts_with("[\"20"))
            .filter_map(|line| line.rsplit('"').nth(1))
            .collect();
        assert!(marks.len() > 200);
        for mark in marks {
            assert!(mark == "interpolated" || facts.iter().any(|fact| fact == mark), "{mark}");
        }
    }

    #[test]
    fn every_fact_names_rows_that_exist() {
        let batches = batches().unwrap();
        for fact in facts().unwrap() {
            for rows in &fact.rows {
                let (head, tail) = rows.series.split_once('*').unwrap_or((&rows.series, ""));
                let span = rows.from..rows.to;
                let found = batches.iter().any(|batch| {
                    let named = |key: &crate::domain::SeriesKey| {
                        let key = key.to_string();
                        key.starts_with(head) && key.ends_with(tail)
                    };
                    batch.readings.iter().any(|(key, rows)| named(key) && rows.iter().any(|row| span.contains(&row.observed_at)))
                        || batch
                            .candles
                            .iter()
                            .any(|(key, rows)| named(key) && rows.iter().any(|row| span.contains(&row.observed_at)))
                });
                assert!(found, "{}: no rows of {} from {}", fact.id, rows.series, rows.from);
            }
        }
    }
}
