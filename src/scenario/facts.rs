use serde::Deserialize;

use super::ScenarioError;
use super::file::read;
use crate::domain::Timestamp;

/// One fact of the report, paraphrased.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Number, such as `S2`.
    pub id: String,
    /// Statement of the report.
    pub statement: String,
    /// Its figure in `unit`; `None` if the report gives only a direction or a state.
    pub value: Option<f64>,
    /// Unit of `value`: `usd` or `percent`.
    pub unit: Option<String>,
    /// Source named by the report; empty if none.
    pub named: String,
    /// Rows that carry the fact.
    pub rows: Vec<FactRows>,
}

/// Rows of one series in a time range.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactRows {
    /// Series key; `*` matches every part.
    pub series: String,
    /// First instant inside.
    pub from: Timestamp,
    /// First instant after the end.
    pub to: Timestamp,
}

#[derive(Deserialize)]
struct File {
    facts: Vec<Fact>,
}

/// Returns the facts that the scenario is built around; every other row is interpolated.
///
/// # Errors
/// [`ScenarioError::File`] if the embedded file is malformed.
pub fn facts() -> Result<Vec<Fact>, ScenarioError> {
    read::<File>("facts.toml", include_str!("../../scenario/facts.toml")).map(|file| file.facts)
}
