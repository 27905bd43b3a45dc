use crate::domain::{Bar, Batch, Metric, Observation};
use crate::files::column::Need;
use crate::files::import::{Content, RowReader};
use crate::files::keys::{Keys, knowledge};
use crate::files::row::Row;
use crate::files::sequence::Sequence;
use crate::files::{Column, RowError, RowFault};

/// Reads bars.
///
/// A row without a bar states nothing and is counted as empty: all four prices blank, or open, high
/// and low blank beside a close of zero, as one publisher writes days before a coin traded. Some
/// prices blank and others not is a bad row.
#[derive(Debug)]
pub(super) struct Candles {
    pub(super) keys: Keys,
    pub(super) sequence: Sequence,
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

    fn read(&mut self, row: &Row<'_>, batch: &mut Batch) -> Result<Content, RowError> {
        let key = self.keys.of(row)?;
        let observed_at = row.observed_at()?;
        let known_at = row.known_at()?;
        let price = |column| row.plausible_number(column, Metric::Candle);
        let prices = [price(Column::Open)?, price(Column::High)?, price(Column::Low)?, price(Column::Close)?];
        let [open, high, low, close] = match prices {
            [None, None, None, None | Some(0.0)] => return Ok(Content::Empty),
            prices => all_present(row, prices)?,
        };
        let value = Bar::new(open, high, low, close, row.number(Column::Volume)?).map_err(|fault| row.fault(fault))?;
        self.sequence.admit(&key, observed_at, known_at, row.line()).map_err(|fault| row.blame(Column::Time, fault))?;
        let knowledge = knowledge(&key, observed_at, known_at);
        batch.push_candle(key, Observation { observed_at, knowledge, value });
        Ok(Content::Stated)
    }
}

fn all_present(row: &Row<'_>, prices: [Option<f64>; 4]) -> Result<[f64; 4], RowError> {
    let columns = [Column::Open, Column::High, Column::Low, Column::Close];
    let mut present = [0.0; 4];
    for ((slot, price), column) in present.iter_mut().zip(prices).zip(columns) {
        *slot = price.ok_or_else(|| row.blame(column, RowFault::Blank))?;
    }
    Ok(present)
}
