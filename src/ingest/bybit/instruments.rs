use serde::Deserialize;
use serde_json::Value;

use super::{BybitConfig, list};
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

/// One page of the perpetuals on coins that are traded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruments {
    /// Their symbols.
    pub symbols: Vec<String>,
    /// What to ask the next page with, where there is one.
    pub next_page: Option<String>,
}

/// A row of `/v5/market/instruments-info`.
#[derive(Deserialize)]
struct Contract {
    symbol: String,
    /// `LinearPerpetual`, `LinearFutures`, `InversePerpetual` or `InverseFutures`.
    #[serde(rename = "contractType", default)]
    kind: String,
    /// `Trading`, `PreLaunch`, `Closed`...
    #[serde(default)]
    status: String,
    /// Empty, `innovation` or `adventure` for coins; `stock`, `commodity` and the like for others.
    #[serde(rename = "symbolType", default)]
    underlying: String,
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
    let contracts = answer.rows.iter().filter_map(|value| row::<Contract>(value).ok());
    let on_coins = contracts.filter(|contract| {
        contract.kind.ends_with("Perpetual")
            && contract.status == "Trading"
            && matches!(contract.underlying.as_str(), "" | "innovation" | "adventure")
    });
    let symbols = on_coins.map(|contract| contract.symbol).collect();
    let cursor = answer.result.get("nextPageCursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty());
    Ok(Instruments { symbols, next_page: cursor.map(str::to_owned) })
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
        assert_eq!(page.symbols, ["BTCUSDT", "BTCUSD"]);
        assert_eq!(page.next_page.as_deref(), Some("more"));
        let last = parse_instruments(answer("", "").as_bytes()).unwrap();
        assert_eq!(last, Instruments { symbols: Vec::new(), next_page: None });
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
