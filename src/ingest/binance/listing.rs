use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::refusal;
use crate::ingest::ParseError;
use crate::ingest::wire::{from_json, row};

/// What perpetuals on stocks, metals and the like are called.
const TRADFI: &str = "TRADIFI_PERPETUAL";
/// What the underlying of a contract on coins is called: a coin, an index of coins, a coin to come.
const COINS: [&str; 3] = ["COIN", "INDEX", "PREMARKET"];

/// The contracts that are listed beside those on coins, and are not counted with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherContracts(HashSet<String>);

/// A row of `/fapi/v1/exchangeInfo`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    symbol: String,
    #[serde(default)]
    contract_type: String,
    /// Empty where the row does not say.
    #[serde(default)]
    underlying_type: String,
}

impl OtherContracts {
    /// Whether the symbol names a contract on something else than coins. A symbol listed since is
    /// taken for one on a coin.
    #[must_use]
    pub fn contains(&self, symbol: &str) -> bool {
        self.0.contains(symbol)
    }
}

/// Reads an answer of `/fapi/v1/exchangeInfo`: the symbols on stocks, metals and currencies.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_listing(body: &[u8]) -> Result<OtherContracts, ParseError> {
    let answer: Value = from_json(body)?;
    if let Some(error) = refusal(&answer) {
        return Err(error);
    }
    let Some(Value::Array(symbols)) = answer.get("symbols") else {
        return Err(ParseError::Malformed { expected: "list of contracts", reason: "it has no symbols".to_owned() });
    };
    let listed = symbols.iter().filter_map(|value| row::<Listed>(value).ok());
    let others = listed.filter(|listed| {
        let underlying = listed.underlying_type.as_str();
        listed.contract_type == TRADFI || !(underlying.is_empty() || COINS.contains(&underlying))
    });
    Ok(OtherContracts(others.map(|listed| listed.symbol).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contracts_on_stocks_and_metals_are_told_from_those_on_coins() {
        let body = br#"{"symbols":[
            {"symbol":"BTCUSDT","contractType":"PERPETUAL","underlyingType":"COIN"},
            {"symbol":"DEFIUSDT","contractType":"PERPETUAL","underlyingType":"INDEX"},
            {"symbol":"BTCUSDT_260925","contractType":"CURRENT_QUARTER"},
            {"symbol":"TSLAUSDT","contractType":"TRADIFI_PERPETUAL","underlyingType":"EQUITY"},
            {"symbol":"XAUUSDT","contractType":"PERPETUAL","underlyingType":"COMMODITY"},
            {"symbol":7}]}"#;
        let others = parse_listing(body).unwrap();
        assert_eq!(others, OtherContracts(["TSLAUSDT", "XAUUSDT"].map(str::to_owned).into()));
        assert!(others.contains("TSLAUSDT") && !others.contains("LISTEDTODAYUSDT"));
        assert_eq!(parse_listing(br#"{"symbols":[]}"#), Ok(OtherContracts::default()));
    }

    #[test]
    fn a_refusal_is_an_error_and_not_an_empty_list() {
        assert!(matches!(parse_listing(br#"{"code":-1003,"msg":"slow down"}"#), Err(ParseError::Upstream { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"(symbol|contractType|underlyingType)\":\"?[0-9A-Z_]{0,9}\"?,?){0,3}\\},?){0,3}") {
            let wrapped = format!(r#"{{"symbols":[{rows}]}}"#);
            let _ = (parse_listing(&body), parse_listing(wrapped.as_bytes()));
        }
    }
}
