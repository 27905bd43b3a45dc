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

pub use candles::{candle_feed, parse_klines};
pub use config::BybitConfig;
pub use instruments::{Category, Instruments, parse_instruments};
pub use liquidations::{LiquidationFeed, parse_message};
pub use positions::{
    funding_feed, open_interest_feed, open_interest_history_feed, parse_funding, parse_open_interest, parse_tickers,
};

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::ParseError;
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
    super::config::entries(feeds, super::config::switched_off(config.enabled, "bybit"))
}

/// The symbol of a coin's USDT perpetual.
fn perpetual(asset: &Asset) -> String {
    format!("{}USDT", asset.as_str().to_ascii_uppercase())
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
    super::config::source("bybit")
}
