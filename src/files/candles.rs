use crate::domain::{Bar, Metric, Observation};
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::keys::{Keys, knowledge};
use crate::files::row::Row;
use crate::files::sequence::OrderChecker;
use crate::files::{Column, ParsedRow, RowError, RowFault};

/// Reads bars.
///
/// A row without a bar states nothing and is counted as empty: all four prices blank, or open, high
/// and low blank beside a close of zero, as one publisher writes days before a coin traded. Some
/// prices blank and others not is a bad row. Volume is in coins, or in USD where the name of its column
/// ends in `usd`.
#[derive(Debug)]
pub(super) struct Candles {
    pub(super) keys: Keys,
    pub(super) sequence: OrderChecker,
}

impl RowReader for Candles {
    const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Series, Need::Optional),
        (Column::Time, Need::Required),
        (Column::Open, Need::Required),
        (Column::High, Need::Required),
        (Column::Low, Need::Required),
        (Column::Close, Need::Required),
        (Column::Volume, Need::Optional),
        (Column::KnownAt, Need::Optional),
    ];

    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let key = self.keys.of(row)?;
        let observed_at = row.observed_at()?;
        let known_at = row.known_at()?;
        if is_blank(row)? {
            return Ok(ParsedRow::Nothing);
        }
        let price = |column| {
            let price = row.plausible_number(column, Metric::Candle, &key.asset)?;
            price.ok_or_else(|| row.blame(column, RowFault::Blank))
        };
        let [open, high, low, close] = [price(Column::Open)?, price(Column::High)?, price(Column::Low)?, price(Column::Close)?];
        let volume = row.number(Column::Volume)?.and_then(|volume| coins(row, volume, close));
        let value = Bar::new(open, high, low, close, volume).map_err(|fault| row.fault(fault))?;
        self.sequence.admit(&key, observed_at, known_at, row.place).map_err(|fault| row.blame(Column::Time, fault))?;
        let knowledge = knowledge(&key, observed_at, known_at);
        Ok(ParsedRow::Candle(key, Observation { observed_at, knowledge, value }))
    }
}

/// The traded amount in coins; what was traded at a close of zero or less cannot be told from USD.
fn coins(row: &Row<'_>, volume: f64, close: f64) -> Option<f64> {
    if row.is_in_usd(Column::Volume) { (close > 0.0).then(|| volume / close) } else { Some(volume) }
}

/// Whether the row holds no bar.
fn is_blank(row: &Row<'_>) -> Result<bool, RowError> {
    let [open, high, low] = [row.text(Column::Open)?, row.text(Column::High)?, row.text(Column::Low)?];
    Ok(open.or(high).or(low).is_none() && matches!(row.number(Column::Close)?, None | Some(0.0)))
}
