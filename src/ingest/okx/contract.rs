use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::rows;
use crate::domain::{Asset, Instrument};
use crate::ingest::ParseError;
use crate::ingest::wire::{Decimal, row};

/// Categories of contracts on coins; older rows have none.
const COINS: [&str; 2] = ["1", ""];

/// The contracts of the venue as it lists them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contracts {
    /// Contracts on coins, by instrument.
    on_coins: HashMap<String, Contract>,
    /// Contracts on stocks, metals and currencies, which are not counted with those on coins.
    others: HashSet<String>,
}

/// What a contract is on, and what one is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contract {
    /// The coin.
    pub(super) asset: Asset,
    /// How a number of contracts becomes an amount.
    pub(super) size: Size,
}

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
struct Listed {
    inst_id: String,
    /// The pair, `BTC-USD`.
    #[serde(default)]
    inst_family: String,
    /// `1` coins, `3` stocks, `4` commodities, `5` currencies, `6` bonds.
    #[serde(default)]
    inst_category: String,
    /// Value of one contract, in `ct_val_ccy`.
    ct_val: Decimal,
    /// Multiplier of that value.
    ct_mult: Decimal,
    /// What the value is counted in: the coin, or `USD` for inverse contracts.
    ct_val_ccy: String,
}

impl Contracts {
    pub(super) fn contract(&self, instrument: &str) -> Option<&Contract> {
        self.on_coins.get(instrument)
    }

    /// Whether the instrument is a contract on something else than coins.
    pub(super) fn is_other(&self, instrument: &str) -> bool {
        self.others.contains(instrument)
    }

    /// Takes in the contracts of another answer.
    pub fn extend(&mut self, more: Self) {
        self.on_coins.extend(more.on_coins);
        self.others.extend(more.others);
    }

    fn add(&mut self, listed: Listed) {
        if !COINS.contains(&listed.inst_category.as_str()) {
            self.others.insert(listed.inst_id);
            return;
        }
        let value = listed.ct_val.0 * listed.ct_mult.0;
        let size = if listed.ct_val_ccy == "USD" { Size::Usd(value) } else { Size::Coins(value) };
        // The family is the pair alone; rows that do not state it are named by it.
        let pair = if listed.inst_family.is_empty() { &listed.inst_id } else { &listed.inst_family };
        let instrument = pair.split('-').next().and_then(Instrument::from_base);
        self.on_coins.extend(instrument.map(|instrument| (listed.inst_id, Contract { asset: instrument.asset, size })));
    }
}

/// Reads an answer of `/api/v5/public/instruments`; rows without a contract value are passed over.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_contracts(body: &[u8]) -> Result<Contracts, ParseError> {
    let mut contracts = Contracts::default();
    rows(body)?.iter().filter_map(|value| row::<Listed>(value).ok()).for_each(|listed| contracts.add(listed));
    Ok(contracts)
}
