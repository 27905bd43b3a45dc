use std::collections::HashMap;

use serde::Deserialize;

use super::rows;
use crate::ingest::ParseError;
use crate::ingest::wire::{Decimal, row};

/// What the contracts of the venue are worth, by instrument.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contracts(HashMap<String, Size>);

/// What one contract is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Size {
    /// This many coins.
    Coins(f64),
    /// This many dollars.
    Usd(f64),
}

/// A row of `/api/v5/public/instruments`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instrument {
    inst_id: String,
    /// Value of one contract, in `ct_val_ccy`.
    ct_val: Decimal,
    /// Multiplier of that value.
    ct_mult: Decimal,
    /// What the value is counted in: the coin, or `USD` for inverse contracts.
    ct_val_ccy: String,
}

impl Contracts {
    pub(super) fn size(&self, instrument: &str) -> Option<Size> {
        self.0.get(instrument).copied()
    }

    /// Takes in the contracts of another answer.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

/// Reads an answer of `/api/v5/public/instruments`; rows without a contract value are passed over.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_contracts(body: &[u8]) -> Result<Contracts, ParseError> {
    let instruments = rows(body)?.iter().filter_map(|value| row::<Instrument>(value).ok()).collect::<Vec<_>>();
    let sizes = instruments.into_iter().map(|instrument| {
        let value = instrument.ct_val.0 * instrument.ct_mult.0;
        let size = if instrument.ct_val_ccy == "USD" { Size::Usd(value) } else { Size::Coins(value) };
        (instrument.inst_id, size)
    });
    Ok(Contracts(sizes.collect()))
}
