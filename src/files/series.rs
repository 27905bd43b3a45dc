use crate::domain::Observation;
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::keys::{Keys, knowledge};
use crate::files::row::Row;
use crate::files::sequence::OrderChecker;
use crate::files::{Column, ParsedRow, RowError};

/// Reads readings and flows, one value a row. A blank value states nothing and is counted as empty.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) keys: Keys,
    pub(super) sequence: OrderChecker,
}

impl RowReader for Series {
    const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Series, Need::Optional),
        (Column::Time, Need::Required),
        (Column::Value, Need::Required),
        (Column::KnownAt, Need::Optional),
    ];

    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let key = self.keys.of(row)?;
        let observed_at = row.observed_at()?;
        let known_at = row.known_at()?;
        let Some(value) = row.plausible_number(Column::Value, key.metric, &key.asset)? else { return Ok(ParsedRow::Nothing) };
        self.sequence.admit(&key, observed_at, known_at, row.place).map_err(|fault| row.blame(Column::Time, fault))?;
        let knowledge = knowledge(&key, observed_at, known_at);
        Ok(ParsedRow::Reading((key, Observation { observed_at, knowledge, value })))
    }
}
