use serde::Deserialize;

use super::ScenarioError;
use super::file::read;
use crate::domain::Timestamp;

/// One fact of the report, in our words.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// Its number, such as `S2`.
    pub id: String,
    /// What the report states.
    pub says: String,
    /// Its figure in `unit`; `None` where the report gives only a direction or a state.
    pub value: Option<f64>,
    /// The unit of `value`: `usd` or `percent`.
    pub unit: Option<String>,
    /// The source the report names; empty where it names none.
    pub named: String,
    /// The rows that carry it.
    pub rows: Vec<FactRows>,
}

/// The rows of one series in a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactRows {
    /// The series' key; `*` stands for every part.
    pub series: String,
    /// The first instant inside.
    pub from: Timestamp,
    /// The first instant after the end.
    pub to: Timestamp,
}

#[derive(Deserialize)]
struct File {
    facts: Vec<Fact>,
}

/// The facts the scenario is built around; every other row is interpolated.
///
/// # Errors
/// [`ScenarioError::File`] when the embedded file is broken.
pub fn facts() -> Result<Vec<Fact>, ScenarioError> {
    read::<File>("facts.toml", include_str!("../../scenario/facts.toml")).map(|file| file.facts)
}
