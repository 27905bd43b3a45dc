use crate::domain::{Bar, Metric, Observation};
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::keys::{Keys, knowledge};
use crate::files::row::Row;
use crate::files::volume::Volumes;
use crate::files::{Column, ParsedRow, RowError, RowFault};

/// Reads bars.
///
/// A row without a bar states nothing and is counted as empty: all four prices blank, or open, high
/// and low blank beside a close of zero, as one publisher writes days before a coin traded. Some
/// prices blank and others not is a bad row.
#[derive(Debug)]
pub(super) struct Candles {
    pub(super) keys: Keys,
    /// Where the traded amount is; with `None` it is in the column `volume`, in USD if its name ends in `usd`.
    pub(super) volumes: Option<Volumes>,
}

impl Candles {
    /// The columns it looks for.
    pub(super) const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Series, Need::Optional),
        (Column::Time, Need::Required),
        (Column::Open, Need::Required),
        (Column::High, Need::Required),
        (Column::Low, Need::Required),
        (Column::Close, Need::Required),
        (Column::Volume, Need::Optional),
        (Column::QuoteVolume, Need::Optional),
        (Column::KnownAt, Need::Optional),
    ];
}

impl RowReader for Candles {
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
        let volume = match &mut self.volumes {
            Some(volumes) => volumes.read(row, [low, high, close])?,
            None => row.number(Column::Volume)?.and_then(|volume| coins(row, volume, close)),
        };
        let value = Bar::new(open, high, low, close, volume).map_err(|fault| row.fault(fault))?;
        let knowledge = knowledge(&key, observed_at, known_at);
        Ok(ParsedRow::Candle(key, Observation { observed_at, knowledge, value }))
    }

    fn told(&self) -> Vec<String> {
        self.volumes.as_ref().and_then(Volumes::told).into_iter().collect()
    }
}

/// The traded amount in coins; what was traded at a close of zero or less cannot be told from USD.
fn coins(row: &Row<'_>, volume: f64, close: f64) -> Option<f64> {
    if row.is_in_usd(Column::Volume) { (close > 0.0).then(|| volume / close) } else { Some(volume) }
}

/// Whether the row holds no bar.
fn is_blank(row: &Row<'_>) -> Result<bool, RowError> {
    let states_prices = row.states(Column::Open)? || row.states(Column::High)? || row.states(Column::Low)?;
    Ok(!states_prices && matches!(row.number(Column::Close)?, None | Some(0.0)))
}
