use std::collections::HashMap;

use crate::domain::{Asset, Batch, Metric, Observation, SeriesKey, Source};
use crate::files::column::Need;
use crate::files::import::{Content, RowReader};
use crate::files::keys::knowledge;
use crate::files::row::Row;
use crate::files::sequence::Sequence;
use crate::files::{Column, RowError, RowFault};

/// Reads ETF flows, one fund and trading day a row. A blank flow states nothing and is counted as empty;
/// a zero is the publisher's word and is kept.
#[derive(Debug)]
pub(super) struct EtfFlows {
    pub(super) asset: Asset,
    pub(super) source: Source,
    pub(super) sequence: Sequence,
    funds: HashMap<String, SeriesKey>,
}

impl EtfFlows {
    pub(super) fn new(asset: Asset, source: Source, sequence: Sequence) -> Self {
        Self { asset, source, sequence, funds: HashMap::new() }
    }

    fn key(&mut self, row: &Row<'_>) -> Result<SeriesKey, RowError> {
        let fund = row.required_text(Column::Fund)?;
        if let Some(key) = self.funds.get(fund) {
            return Ok(key.clone());
        }
        let key: SeriesKey = format!("{}.{}.{fund}@{}", Metric::EtfFlow, self.asset, self.source)
            .parse()
            .map_err(|error: crate::domain::InvalidSeriesKey| row.blame(Column::Fund, RowFault::Name(error.reason)))?;
        self.funds.insert(fund.to_owned(), key.clone());
        Ok(key)
    }
}

impl RowReader for EtfFlows {
    const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Time, Need::Required),
        (Column::Fund, Need::Required),
        (Column::Flow, Need::Required),
        (Column::KnownAt, Need::Optional),
    ];

    fn read(&mut self, row: &Row<'_>, batch: &mut Batch) -> Result<Content, RowError> {
        let key = self.key(row)?;
        let observed_at = row.observed_at()?;
        let known_at = row.known_at()?;
        let Some(value) = row.plausible_number(Column::Flow, Metric::EtfFlow)? else { return Ok(Content::Empty) };
        self.sequence.admit(&key, observed_at, known_at, row.line()).map_err(|fault| row.blame(Column::Time, fault))?;
        let knowledge = knowledge(&key, observed_at, known_at);
        batch.push_reading(key, Observation { observed_at, knowledge, value });
        Ok(Content::Stated)
    }
}
