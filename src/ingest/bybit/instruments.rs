use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{BybitConfig, instrument, list};
use crate::domain::Instrument;
use crate::ingest::wire::row;
use crate::ingest::{FetchError, ParseError, Request};

/// The most rows of an answer.
const PAGE: u32 = 1_000;

/// Which contracts, each with a websocket of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Settled in a dollar coin, counted in coins.
    Linear,
    /// Settled in the coin, counted in dollars.
    Inverse,
}

/// The perpetuals on coins that are traded, by symbol.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contracts(BTreeMap<String, Contract>);

/// A perpetual.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contract {
    /// What it is on.
    pub(super) instrument: Instrument,
    /// Whether it counts in dollars, and not in coins.
    pub(super) is_inverse: bool,
}

/// One page of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Instruments {
    /// Those of this page.
    pub contracts: Contracts,
    /// What to ask the next page with, where there is one.
    pub next_page: Option<String>,
}

/// A row of `/v5/market/instruments-info`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    symbol: String,
    /// `LinearPerpetual`, `LinearFutures`, `InversePerpetual` or `InverseFutures`.
    #[serde(default)]
    contract_type: String,
    /// `Trading`, `PreLaunch`, `Closed`...
    #[serde(default)]
    status: String,
    #[serde(default)]
    base_coin: String,
    /// Empty, `innovation` or `adventure` for coins; `stock`, `commodity` and the like for others.
    #[serde(default)]
    symbol_type: String,
}

impl Contracts {
    /// Every symbol.
    pub fn symbols(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Takes in those of another page.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// The contract of a symbol; one that is not listed is read from its name.
    pub(super) fn contract(&self, symbol: &str) -> Result<Contract, String> {
        self.0.get(symbol).map_or_else(|| Contract::parse(symbol), |contract| Ok(contract.clone()))
    }
}

impl Contract {
    /// Reads a name: `BTCUSDT`, `BTCUSD`, and `BTCPERP` which is settled in USDC.
    fn parse(symbol: &str) -> Result<Self, String> {
        Ok(Self { instrument: instrument(symbol)?, is_inverse: symbol.ends_with("USD") })
    }
}

impl Listed {
    fn is_traded_perpetual_on_a_coin(&self) -> bool {
        self.contract_type.ends_with("Perpetual")
            && self.status == "Trading"
            && matches!(self.symbol_type.as_str(), "" | "innovation" | "adventure")
    }

    fn contract(self) -> Option<(String, Contract)> {
        let contract = match Instrument::from_base(&self.base_coin) {
            Some(instrument) => Contract { instrument, is_inverse: self.contract_type.starts_with("Inverse") },
            None => Contract::parse(&self.symbol).ok()?,
        };
        Some((self.symbol, contract))
    }
}

impl Category {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Inverse => "inverse",
        }
    }
}

/// Asks for a page of the contracts of a category.
pub(super) fn instruments_request(config: &BybitConfig, category: Category, page: Option<String>) -> Result<Request, FetchError> {
    let mut query = vec![("category", category.as_str().to_owned()), ("limit", PAGE.to_string())];
    query.extend(page.map(|cursor| ("cursor", cursor)));
    Request::get(&config.rest_url, "v5/market/instruments-info", &query)
}

/// Reads an answer of `/v5/market/instruments-info`: the perpetuals on coins that are traded.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_instruments(body: &[u8]) -> Result<Instruments, ParseError> {
    let answer = list(body)?;
    let listed = answer.rows.iter().filter_map(|value| row::<Listed>(value).ok());
    let contracts = listed.filter(Listed::is_traded_perpetual_on_a_coin).filter_map(Listed::contract).collect();
    let cursor = answer.result.get("nextPageCursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty());
    Ok(Instruments { contracts: Contracts(contracts), next_page: cursor.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(rows: &str, cursor: &str) -> String {
        format!(r#"{{"retCode":0,"result":{{"nextPageCursor":"{cursor}","list":[{rows}]}},"time":1770192000000}}"#)
    }

    #[test]
    fn only_perpetuals_on_coins_are_listened_to() {
        let body = answer(
            r#"{"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","symbolType":""},
               {"symbol":"BTCUSD","contractType":"InversePerpetual","status":"Trading"},
               {"symbol":"TSLAUSDT","contractType":"LinearPerpetual","status":"Trading","symbolType":"stock"},
               {"symbol":"XAUUSDT","contractType":"LinearPerpetual","status":"Trading","symbolType":"commodity"},
               {"symbol":"BTC-27MAR26","contractType":"LinearFutures","status":"Trading"},
               {"symbol":"OLDUSDT","contractType":"LinearPerpetual","status":"Closed"}, 7"#,
            "more",
        );
        let page = parse_instruments(body.as_bytes()).unwrap();
        assert_eq!(page.contracts.symbols().collect::<Vec<_>>(), ["BTCUSD", "BTCUSDT"]);
        assert_eq!(page.next_page.as_deref(), Some("more"));
        let last = parse_instruments(answer("", "").as_bytes()).unwrap();
        assert_eq!(last, Instruments { contracts: Contracts::default(), next_page: None });
    }

    #[test]
    fn what_a_contract_is_on_is_what_the_list_says() {
        let body = answer(
            r#"{"symbol":"BNBUSD","contractType":"InversePerpetual","status":"Trading","baseCoin":"BNB"},
               {"symbol":"SHIB1000USDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"SHIB1000"},
               {"symbol":"XRPPERP","contractType":"LinearPerpetual","status":"Trading","baseCoin":"XRP"},
               {"symbol":"USDEUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"USDE"}"#,
            "",
        );
        let contracts = parse_instruments(body.as_bytes()).unwrap().contracts;
        let told = |symbol| {
            let Contract { instrument, is_inverse } = contracts.contract(symbol).unwrap();
            (instrument.asset.to_string(), instrument.coins_per_unit, is_inverse)
        };
        assert_eq!(told("BNBUSD"), ("bnb".to_owned(), 1.0, true));
        assert_eq!(told("SHIB1000USDT"), ("shib".to_owned(), 1e3, false));
        assert_eq!(told("XRPPERP"), ("xrp".to_owned(), 1.0, false));
        assert_eq!(told("USDEUSDT"), ("usde".to_owned(), 1.0, false));
        assert_eq!(told("ARBUSD"), ("arb".to_owned(), 1.0, true), "not listed, read from its name");
    }

    #[test]
    fn a_refusal_inside_a_good_status_is_an_error() {
        let body = br#"{"retCode":10006,"retMsg":"Too many visits!","result":{},"time":1770192000000}"#;
        assert!(matches!(parse_instruments(body), Err(ParseError::Upstream { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"[a-zA-Z]{1,14}\":\"?[0-9.-]{0,9}\"?,?){0,4}\\},?){0,3}") {
            let _ = (parse_instruments(&body), parse_instruments(answer(&rows, "x").as_bytes()));
        }
    }
}
