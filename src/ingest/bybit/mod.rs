//! Bybit perpetuals: every liquidation by websocket; candles, open interest and funding by REST.
//!
//! The word of a liquidation is that of the position, the opposite of Binance's: `Buy` was a long.
//! Open interest is published as the sum of both sides, and halved here. Linear contracts count in
//! coins, inverse ones in dollars.

mod candles;
mod config;
mod instruments;
mod liquidations;
mod positions;
mod subscription;

pub use candles::{candle_feed, parse_klines};
pub use config::BybitConfig;
pub use instruments::{Category, Contracts, Instruments, parse_instruments};
pub use liquidations::{LiquidationFeed, parse_message};
pub use positions::{
    funding_feed, open_interest_feed, open_interest_history_feed, parse_funding, parse_open_interest, parse_tickers,
};

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::ParseError;
use super::multiple::{Multiple, base_of};
use super::runner::{Entry, Feed};
use super::wire::{Millis, from_json, row};
use crate::domain::{Asset, Instrument, Source, SourceInfo, SourceKind, Timestamp};

/// 600 questions are allowed in five seconds, those of the visits included.
const SPACING: Duration = Duration::from_millis(100);

/// The feeds of Bybit as configured.
#[must_use]
pub fn entries(config: &BybitConfig) -> Vec<Entry> {
    let feeds = [
        Feed::Streamed(Box::new(LiquidationFeed::new(config, Category::Linear))),
        Feed::Streamed(Box::new(LiquidationFeed::new(config, Category::Inverse))),
        Feed::Polled(candle_feed(config)),
        // The past before the present: it goes on where the recorded rows end.
        Feed::Polled(open_interest_history_feed(config)),
        Feed::Polled(open_interest_feed(config)),
        Feed::Polled(funding_feed(config)),
    ];
    super::settings::entries(feeds, super::settings::switched_off(config.enabled, "bybit"))
}

/// Coins that are listed by the thousand or more.
const MULTIPLES: [Multiple; 22] = [
    ("babydoge", "1000000BABYDOGE"),
    ("bonk", "1000BONK"),
    ("btt", "1000BTT"),
    ("cat", "1000CAT"),
    ("cheems", "1000000CHEEMS"),
    ("elon", "10000ELON"),
    ("floki", "1000FLOKI"),
    ("ladys", "10000LADYS"),
    ("lunc", "1000LUNC"),
    ("mog", "1000000MOG"),
    ("neirocto", "1000NEIROCTO"),
    ("pepe", "1000PEPE"),
    ("peipei", "1000000PEIPEI"),
    ("qubic", "10000QUBIC"),
    ("rats", "1000RATS"),
    ("sats", "10000SATS"),
    ("shib", "SHIB1000"),
    ("toshi", "1000TOSHI"),
    ("turbo", "1000TURBO"),
    ("wen", "10000WEN"),
    ("x", "1000X"),
    ("xec", "1000XEC"),
];

/// The symbol of a coin's USDT perpetual.
fn perpetual(asset: &Asset) -> String {
    format!("{}USDT", base_of(asset, &MULTIPLES))
}

/// How many coins a unit of that perpetual is.
fn coins_per_unit(asset: &Asset) -> f64 {
    super::multiple::coins_per_unit(asset, &MULTIPLES)
}

/// What a perpetual is written on: `BTCUSDT`, `BTCUSD`, and `BTCPERP` which is settled in USDC.
fn instrument(symbol: &str) -> Result<Instrument, String> {
    let pair = symbol.strip_suffix("PERP").unwrap_or(symbol);
    Instrument::from_symbol(pair).ok_or_else(|| "the symbol is empty".to_owned())
}

/// What every answer of the REST interface is wrapped in; its HTTP status is 200 whatever happened.
#[derive(Deserialize)]
struct Envelope {
    /// 0 when the question was answered.
    #[serde(rename = "retCode")]
    code: i64,
    /// Words beside the code.
    #[serde(rename = "retMsg", default)]
    message: String,
    /// The answer.
    #[serde(default)]
    result: Value,
    /// When it was given, milliseconds.
    time: Millis,
}

/// What an answer holds.
struct Listed {
    /// The rows of the list.
    rows: Vec<Value>,
    /// What stands beside them.
    result: Value,
    /// When the answer was given.
    at: Timestamp,
}

/// The rows of an answer, unless the code inside says that it is none.
fn list(body: &[u8]) -> Result<Listed, ParseError> {
    let malformed = |reason: String| ParseError::Malformed { expected: "Bybit answer", reason };
    let Envelope { code, message, mut result, time } = row(&from_json::<Value>(body)?).map_err(malformed)?;
    if code != 0 {
        return Err(ParseError::Upstream { code: code.to_string(), message });
    }
    match result.get_mut("list").map(Value::take) {
        Some(Value::Array(rows)) => Ok(Listed { rows, result, at: time.0 }),
        _ => Err(malformed("the result has no list".to_owned())),
    }
}

fn info() -> SourceInfo {
    SourceInfo {
        source: source(),
        kind: SourceKind::Venue,
        note: "liquidations are complete since 2025-02-20 and valued at the bankruptcy price; open interest is that of the \
               USDT perpetual, one side"
            .to_owned(),
    }
}

fn source() -> Source {
    super::settings::source("bybit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_perpetual_of_a_coin_reads_back_as_that_coin() {
        crate::ingest::multiple::assert_names_read_back(&MULTIPLES);
        for (coin, symbol) in [("btc", "BTCUSDT"), ("shib", "SHIB1000USDT"), ("pepe", "1000PEPEUSDT")] {
            let asset = coin.parse().unwrap();
            assert_eq!(perpetual(&asset), symbol);
            assert_eq!(instrument(symbol), Ok(Instrument { coins_per_unit: coins_per_unit(&asset), asset }));
        }
    }
}
