use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use super::contract::{Contract, DOLLAR_QUOTES, UnknownSymbol};
use super::refusal;
use crate::ingest::ParseError;
use crate::ingest::wire::{from_json, optional, row};

/// What perpetuals on stocks, metals and the like are called.
const TRADFI: &str = "TRADIFI_PERPETUAL";
/// What the underlying of a contract on coins is called: a coin, an index of coins, a coin to come.
const COINS: [&str; 3] = ["COIN", "INDEX", "PREMARKET"];

/// The contracts of the venue as it lists them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Contracts on coins against a dollar, by symbol.
    contracts: HashMap<String, Contract>,
    /// Symbols of contracts on stocks, metals and the like, which are not counted with those on coins.
    others: HashSet<String>,
}

/// A row of `/fapi/v1/exchangeInfo` or `/dapi/v1/exchangeInfo`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    symbol: String,
    #[serde(default)]
    base_asset: String,
    #[serde(default)]
    quote_asset: String,
    #[serde(default)]
    contract_type: String,
    /// Empty where the row does not say.
    #[serde(default)]
    underlying_type: String,
    /// USD; COIN-M alone.
    #[serde(default, deserialize_with = "optional")]
    contract_size: Option<f64>,
}

impl Listing {
    /// Whether the symbol names a contract on something else than coins. A symbol listed since is
    /// taken for one on a coin.
    #[must_use]
    pub fn is_other(&self, symbol: &str) -> bool {
        self.others.contains(symbol)
    }

    /// The contract of a symbol; one listed since is read from its name.
    pub(super) fn contract(&self, symbol: &str) -> Result<Contract, UnknownSymbol> {
        self.contracts.get(symbol).map_or_else(|| Contract::parse(symbol), |contract| Ok(contract.clone()))
    }

    /// Takes in the contracts of another answer.
    pub fn extend(&mut self, more: Self) {
        self.contracts.extend(more.contracts);
        self.others.extend(more.others);
    }

    fn add(&mut self, listed: Listed) {
        let underlying = listed.underlying_type.as_str();
        if listed.contract_type == TRADFI || !(underlying.is_empty() || COINS.contains(&underlying)) {
            self.others.insert(listed.symbol);
            return;
        }
        let quote = listed.quote_asset.as_str();
        let contract = match listed.contract_size {
            Some(usd) if quote == "USD" && usd > 0.0 => Contract::listed(&listed.base_asset, Some(usd)),
            None if DOLLAR_QUOTES.contains(&quote) => Contract::listed(&listed.base_asset, None),
            _ => None,
        };
        self.contracts.extend(contract.map(|contract| (listed.symbol, contract)));
    }
}

/// Reads an answer of `/fapi/v1/exchangeInfo` or `/dapi/v1/exchangeInfo`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_listing(body: &[u8]) -> Result<Listing, ParseError> {
    let answer: Value = from_json(body)?;
    if let Some(error) = refusal(&answer) {
        return Err(error);
    }
    let Some(Value::Array(symbols)) = answer.get("symbols") else {
        return Err(ParseError::Malformed { expected: "list of contracts", reason: "it has no symbols".to_owned() });
    };
    let mut listing = Listing::default();
    symbols.iter().filter_map(|value| row::<Listed>(value).ok()).for_each(|listed| listing.add(listed));
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::binance::contract::Size;
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
        let listing = parse_listing(body).unwrap();
        assert_eq!(listing.others, ["TSLAUSDT", "XAUUSDT"].map(str::to_owned).into());
        assert!(listing.is_other("TSLAUSDT") && !listing.is_other("LISTEDTODAYUSDT"));
        assert_eq!(parse_listing(br#"{"symbols":[]}"#), Ok(Listing::default()));
    }

    #[test]
    fn what_a_contract_is_on_is_what_the_list_says() {
        let body = br#"{"symbols":[
            {"symbol":"BNBUSD_PERP","baseAsset":"BNB","quoteAsset":"USD","contractSize":10,"underlyingType":"COIN"},
            {"symbol":"ODDUSD_PERP","baseAsset":"ODD","quoteAsset":"USD","contractSize":25,"underlyingType":"COIN"},
            {"symbol":"1000PEPEUSDC","baseAsset":"1000PEPE","quoteAsset":"USDC","underlyingType":"COIN"},
            {"symbol":"USDUSDT","baseAsset":"USD","quoteAsset":"USDT","underlyingType":"COIN"},
            {"symbol":"ETHBTC","baseAsset":"ETH","quoteAsset":"BTC","underlyingType":"COIN"}]}"#;
        let listing = parse_listing(body).unwrap();
        let told = |symbol| listing.contract(symbol).map(|contract| (contract.asset.to_string(), contract.size));
        assert_eq!(told("BNBUSD_PERP"), Ok(("bnb".to_owned(), Size::Usd(10.0))));
        assert_eq!(told("ODDUSD_PERP"), Ok(("odd".to_owned(), Size::Usd(25.0))));
        assert_eq!(told("1000PEPEUSDC"), Ok(("pepe".to_owned(), Size::Coins(1e3))));
        assert_eq!(told("USDUSDT"), Ok(("usd".to_owned(), Size::Coins(1.0))));
        assert_eq!(told("LISTEDTODAYUSDT"), Ok(("listedtoday".to_owned(), Size::Coins(1.0))));
        assert!(told("ETHBTC").is_err());
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
