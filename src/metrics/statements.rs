//! What may be stated from old rows (METHODOLOGY section 0). Every answer says which of its figures follow from rows
//! that must be of the present, and those are withheld when their source is not live.

use crate::domain::{Asset, Metric, Source, Timestamp};

/// The data of an answer. Nothing is answered without this: a new answer says what it withholds.
pub(super) trait Statements {
    /// Makes null what is derived from an input that is not live: changes, flags, states, ranks, streaks, indices, and
    /// sums over a window that reaches past the newest row. A level stays, since its instant and its state are told.
    fn withhold(&mut self, stale: &StaleInputs);
}

/// The inputs of an answer that are not live at its instant.
#[derive(Debug, Default)]
pub(super) struct StaleInputs(Vec<StaleInput>);

/// One input: the rows of a metric of an asset from one source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StaleInput {
    pub(super) metric: Metric,
    pub(super) asset: Asset,
    pub(super) source: Source,
    /// The instant its newest row speaks of.
    pub(super) since: Timestamp,
}

impl FromIterator<StaleInput> for StaleInputs {
    fn from_iter<I: IntoIterator<Item = StaleInput>>(inputs: I) -> Self {
        Self(inputs.into_iter().collect())
    }
}

impl StaleInputs {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &StaleInput> {
        self.0.iter()
    }

    /// Whether an input of one of these metrics is stale.
    pub(super) fn has(&self, metrics: &[Metric]) -> bool {
        self.0.iter().any(|input| metrics.contains(&input.metric))
    }

    /// Whether an input of an asset is stale.
    pub(super) fn has_asset(&self, asset: &Asset) -> bool {
        self.0.iter().any(|input| input.asset == *asset)
    }
}

/// One derived figure.
impl<T> Statements for Option<T> {
    fn withhold(&mut self, _stale: &StaleInputs) {
        *self = None;
    }
}

/// Rows that each state the instant they are of: none says anything of the present.
pub(super) trait DatedRow {}

impl<T: DatedRow> Statements for Vec<T> {
    fn withhold(&mut self, _stale: &StaleInputs) {}
}
