use std::collections::HashMap;

use crate::domain::{Asset, Metric, Observation, SeriesKey, Source};
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::keys::knowledge;
use crate::files::row::Row;
use crate::files::{Column, ParsedRow, RowError, RowFault};

/// Reads ETF flows, one fund and trading day a row. A blank flow states nothing and is counted as empty;
/// a zero is the publisher's word and is kept. Asset and source are those of all rows, or each row's own.
#[derive(Debug)]
pub(super) struct EtfFlows {
    subject: Option<(Asset, Source)>,
    /// What a flow of 1 stands for, USD.
    factor: f64,
    funds: HashMap<(String, Asset, Source), SeriesKey>,
}

impl EtfFlows {
    /// Reads rows that are all about the same asset and source, or with `None` rows that name their own.
    pub(super) fn new(subject: Option<(Asset, Source)>, factor: f64) -> Self {
        Self { subject, factor, funds: HashMap::new() }
    }

    fn key(&mut self, row: &Row<'_>) -> Result<SeriesKey, RowError> {
        let fund = row.required_text(Column::Fund)?;
        let (asset, source) = match &self.subject {
            Some(subject) => subject.clone(),
            None => (row.named(Column::Asset)?, row.named(Column::Source)?),
        };
        let named = (fund.to_owned(), asset, source);
        if let Some(key) = self.funds.get(&named) {
            return Ok(key.clone());
        }
        let key: SeriesKey = format!("{}.{}.{fund}@{}", Metric::EtfFlow, named.1, named.2)
            .parse()
            .map_err(|error: crate::domain::InvalidSeriesKey| row.blame(Column::Fund, RowFault::Name(error.reason)))?;
        self.funds.insert(named, key.clone());
        Ok(key)
    }
}

impl EtfFlows {
    /// The columns it looks for.
    pub(super) const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Time, Need::Required),
        (Column::Fund, Need::Required),
        (Column::Flow, Need::Required),
        (Column::Asset, Need::Optional),
        (Column::Source, Need::Optional),
        (Column::KnownAt, Need::Optional),
    ];
}

impl RowReader for EtfFlows {
    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let key = self.key(row)?;
        let observed_at = row.observed_at()?;
        let known_at = row.known_at()?;
        let place = row.header.place(Column::Flow);
        let value = place.map_or(Ok(None), |place| row.plausible_at(place, self.factor, Metric::EtfFlow, &key.asset))?;
        let Some(value) = value else { return Ok(ParsedRow::Nothing) };
        let knowledge = knowledge(&key, observed_at, known_at);
        Ok(ParsedRow::Reading((key, Observation { observed_at, knowledge, value })))
    }
}
