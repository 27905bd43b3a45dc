use crate::domain::{Instrument, KnownAtRule, LiquidationOrder, Metric, Side, Source};
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::row::Row;
use crate::files::{Column, ParsedRow, RowError, RowFault};

/// What `BUY` and `SELL` mean in a file of forced orders. `long` and `short` always mean the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SideMeaning {
    /// The order: `SELL` closed a long.
    #[default]
    Order,
    /// The position: `BUY` was a long.
    Position,
    /// Nothing: they are refused.
    Nothing,
}

/// Reads single forced orders. They have no ids, so equal rows are kept and any order of rows is fine.
///
/// The underlying comes from the symbol, and a contract on a thousand coins is turned into coins;
/// where the file has a column `asset`, quantity and price are per coin of it already.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) source: Option<Source>,
    pub(super) meaning: SideMeaning,
    /// The symbol of every order, if no column states it.
    pub(super) symbol: Option<String>,
    /// The value of one contract, USD, if quantities count contracts.
    pub(super) contract_usd: Option<f64>,
}

impl Orders {
    /// The columns it looks for.
    pub(super) const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Source, Need::Optional),
        (Column::Time, Need::Required),
        (Column::Symbol, Need::Required),
        (Column::Asset, Need::Optional),
        (Column::Side, Need::Required),
        (Column::Quantity, Need::Required),
        (Column::Price, Need::Required),
        (Column::Usd, Need::Optional),
        (Column::KnownAt, Need::Optional),
    ];
}

impl RowReader for Orders {
    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let occurred_at = row.observed_at()?;
        let symbol = match &self.symbol {
            Some(symbol) => symbol,
            None => row.required_text(Column::Symbol)?,
        };
        let Instrument { asset, coins_per_unit } = instrument(row, symbol)?;
        let stated = (amount(row, Column::Quantity)?, amount(row, Column::Price)?);
        let usd = row.plausible_number(Column::Usd, Metric::Liquidation, &asset)?;
        let (quantity, price, usd) = match (self.contract_usd, stated) {
            (Some(_), (_, price)) if price <= 0.0 => return Err(row.blame(Column::Price, RowFault::NotPositive(price))),
            (Some(contract_usd), (contracts, price)) => (contracts * contract_usd / price, price, contracts * contract_usd),
            (None, (quantity, price)) => (quantity * coins_per_unit, price / coins_per_unit, usd.unwrap_or(quantity * price)),
        };
        Ok(ParsedRow::Order(LiquidationOrder {
            source: self.source(row)?,
            symbol: symbol.to_owned(),
            asset,
            side: self.side(row)?,
            occurred_at,
            knowledge: row.known_at()?.map_or(KnownAtRule::AtPublication(occurred_at), KnownAtRule::Vintage),
            price_usd: price,
            quantity,
            usd,
        }))
    }
}

impl Orders {
    fn source(&self, row: &Row<'_>) -> Result<Source, RowError> {
        match &self.source {
            Some(source) => Ok(source.clone()),
            None => row.named(Column::Source),
        }
    }

    fn side(&self, row: &Row<'_>) -> Result<Side, RowError> {
        let text = row.required_text(Column::Side)?;
        match (text.to_ascii_lowercase().as_str(), self.meaning) {
            ("long", _) | ("sell", SideMeaning::Order) | ("buy", SideMeaning::Position) => Ok(Side::Long),
            ("short", _) | ("buy", SideMeaning::Order) | ("sell", SideMeaning::Position) => Ok(Side::Short),
            (_, SideMeaning::Nothing) => Err(row.blame(Column::Side, RowFault::Side(text.to_owned(), "long or short"))),
            _ => Err(row.blame(Column::Side, RowFault::Side(text.to_owned(), "BUY, SELL, long or short"))),
        }
    }
}

fn instrument(row: &Row<'_>, symbol: &str) -> Result<Instrument, RowError> {
    if row.text(Column::Asset)?.is_some() {
        return Ok(Instrument { asset: row.named(Column::Asset)?, coins_per_unit: 1.0 });
    }
    Instrument::from_symbol(symbol).ok_or_else(|| row.blame(Column::Symbol, RowFault::Name(format!("`{symbol}` names no coin"))))
}

/// A number that must be there and not below zero.
fn amount(row: &Row<'_>, column: Column) -> Result<f64, RowError> {
    match row.number(column)? {
        Some(number) if number < 0.0 => Err(row.blame(column, RowFault::Negative(number))),
        Some(number) => Ok(number),
        None => Err(row.blame(column, RowFault::Blank)),
    }
}
