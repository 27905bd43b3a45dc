use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::domain::{Asset, KnownAtRule, Metric, Observation, Period, SeriesKey, Source, Timestamp};
use crate::ingest::wire::{Decimal, Seconds, from_json, optional, row};
use crate::ingest::{ParseError, Parsed};

/// An answer of `/global`.
#[derive(Deserialize)]
struct Global {
    data: GlobalData,
}

#[derive(Deserialize)]
struct GlobalData {
    /// Value of everything listed, by the currency it is expressed in.
    total_market_cap: BTreeMap<String, Decimal>,
    /// Traded value of the last 24 hours, by the currency it is expressed in.
    total_volume: BTreeMap<String, Decimal>,
    /// When it was computed, seconds since 1970.
    updated_at: Seconds,
}

/// A row of `/coins/markets` asked for in US dollars.
#[derive(Deserialize)]
struct Coin {
    /// Lower-case symbol; not unique.
    symbol: String,
    /// Price, USD.
    #[serde(default, deserialize_with = "optional")]
    current_price: Option<f64>,
    /// Market capitalisation, USD; 0 where the supply is unknown.
    #[serde(default, deserialize_with = "optional")]
    market_cap: Option<f64>,
    /// Traded value of the last 24 hours, USD.
    #[serde(default, deserialize_with = "optional")]
    total_volume: Option<f64>,
    /// When the row was computed, RFC 3339.
    last_updated: Option<Timestamp>,
}

/// Reads an answer of `/global`: value and 24-hour volume of the whole market in USD.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_global(body: &[u8]) -> Result<Parsed, ParseError> {
    let data = row::<Global>(&answer(body)?).map_err(malformed)?.data;
    let mut parsed = Parsed::new(source());
    let observed_at = data.updated_at.0;
    for (metric, by_currency) in [(Metric::MarketCap, &data.total_market_cap), (Metric::Volume24h, &data.total_volume)] {
        let key = SeriesKey::new(metric, Asset::total(), source(), Period::INSTANT);
        match by_currency.get("usd") {
            Some(usd) => push(&mut parsed, key, observed_at, usd.0),
            None => parsed.refuse(key.to_string(), observed_at, "the answer has no figure in usd"),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `/coins/markets`: price, value and 24-hour volume of each coin in USD.
///
/// Symbols are not unique: the largest coin, which comes first, keeps its symbol. A value of 0 means
/// that the publisher does not know it.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_markets(body: &[u8]) -> Result<Parsed, ParseError> {
    let Value::Array(rows) = answer(body)? else { return Err(malformed("it is no list of coins".to_owned())) };
    let mut parsed = Parsed::new(source());
    let mut taken = BTreeSet::new();
    for value in &rows {
        let coin = match row::<Coin>(value) {
            Ok(coin) => coin,
            Err(reason) => {
                parsed.refuse(value.get("id").and_then(Value::as_str).unwrap_or("coin"), Timestamp::default(), reason);
                continue;
            }
        };
        let at = coin.last_updated.unwrap_or_default();
        let asset = match coin.symbol.parse::<Asset>() {
            Ok(asset) if taken.insert(asset.clone()) => asset,
            Ok(_) => {
                parsed.refuse(coin.symbol, at, "a larger coin has this symbol");
                continue;
            }
            Err(error) => {
                parsed.refuse(coin.symbol, at, error);
                continue;
            }
        };
        if coin.last_updated.is_none() {
            parsed.refuse(coin.symbol, at, "the row does not say when it was computed");
            continue;
        }
        let figures =
            [(Metric::Price, coin.current_price), (Metric::MarketCap, coin.market_cap), (Metric::Volume24h, coin.total_volume)];
        for (metric, figure) in figures {
            if let Some(value) = figure.filter(|value| *value > 0.0) {
                push(&mut parsed, SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT), at, value);
            }
        }
    }
    Ok(parsed)
}

pub(super) fn source() -> Source {
    crate::ingest::settings::source("coingecko")
}

/// A snapshot is known when it is read, however old the publisher says it is.
fn push(parsed: &mut Parsed, key: SeriesKey, observed_at: Timestamp, value: f64) {
    parsed.batch.push_reading(key, Observation { observed_at, knowledge: KnownAtRule::OnCommit, value });
}

pub(super) fn malformed(reason: String) -> ParseError {
    ParseError::Malformed { expected: "CoinGecko answer", reason }
}

/// The body, unless it is one of the three shapes in which the upstream refuses.
pub(super) fn answer(body: &[u8]) -> Result<Value, ParseError> {
    let value: Value = from_json(body)?;
    let status = value.get("status").or_else(|| value.pointer("/error/status"));
    let refusal = match (status, value.get("error")) {
        (Some(status), _) if status.get("error_code").is_some() => Some((
            status.get("error_code").map(Value::to_string).unwrap_or_default(),
            status.get("error_message").and_then(Value::as_str).unwrap_or_default(),
        )),
        (_, Some(Value::String(words))) => Some(("unnamed".to_owned(), words.as_str())),
        _ => None,
    };
    match refusal {
        Some((code, message)) => Err(ParseError::Upstream { code, message: message.to_owned() }),
        None => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reading(parsed: &Parsed, key: &str) -> Option<(String, f64)> {
        let row = parsed.batch.readings.get(&key.parse().unwrap())?.first()?;
        Some((row.observed_at.to_string(), row.value))
    }

    #[test]
    fn the_whole_market_is_read_in_dollars_at_the_publishers_instant() {
        let body = br#"{"data":{"total_market_cap":{"btc":1.0,"usd":2500000000000.5},"total_volume":{"usd":9},"updated_at":1770192000}}"#;
        let parsed = parse_global(body).unwrap();
        let expected = ("2026-02-04T08:00:00Z".to_owned(), 2_500_000_000_000.5);
        assert_eq!(reading(&parsed, "market_cap.total@coingecko"), Some(expected));
        assert_eq!(reading(&parsed, "volume_24h.total@coingecko").unwrap().1.to_bits(), 9.0_f64.to_bits());
    }

    #[test]
    fn the_larger_coin_keeps_the_symbol_and_one_bad_row_does_not_stop_the_others() {
        let body = br#"[
            {"symbol":"btc","current_price":76478.9,"market_cap":1.5e12,"total_volume":null,"last_updated":"2026-02-04T08:00:00Z"},
            {"symbol":"btc","current_price":1,"market_cap":2,"last_updated":"2026-02-04T08:00:00Z"},
            {"symbol":"eth","current_price":"x","last_updated":"2026-02-04T08:00:00Z"},
            {"symbol":"no way","current_price":1,"last_updated":"2026-02-04T08:00:00Z"},
            {"symbol":"sol","current_price":100,"market_cap":0,"last_updated":"2026-02-04T08:00:00Z"}
        ]"#;
        let parsed = parse_markets(body).unwrap();
        assert_eq!(reading(&parsed, "price.btc@coingecko").unwrap().1.to_bits(), 76_478.9_f64.to_bits());
        assert_eq!(reading(&parsed, "market_cap.sol@coingecko"), None, "0 means unknown");
        assert!(reading(&parsed, "price.sol@coingecko").is_some());
        assert_eq!(parsed.refused.len(), 3);
    }

    #[test]
    fn the_three_shapes_of_a_refusal_are_errors() {
        for (body, code) in [
            (r#"{"status":{"error_code":429,"error_message":"slow down"}}"#, "429"),
            (r#"{"error":{"status":{"error_code":10012,"error_message":"too far back"}}}"#, "10012"),
            (r#"{"error":"coin not found"}"#, "unnamed"),
        ] {
            for parse in [parse_global, parse_markets] {
                match parse(body.as_bytes()) {
                    Err(ParseError::Upstream { code: given, .. }) => assert_eq!(given, code),
                    other => panic!("{body}: {other:?}"),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, text in "[\\[{]?[\"{}\\[\\]:,0-9a-z_]{0,200}") {
            for bytes in [body.as_slice(), text.as_bytes()] {
                let _ = (parse_global(bytes), parse_markets(bytes));
            }
        }
    }
}
