//! Bybit linear perpetuals: every liquidation by websocket, open interest and funding by REST.
//!
//! The word of a liquidation is that of the position, the opposite of Binance's: `Buy` was a long.
//! Open interest is published as the sum of both sides, and halved here.

mod config;
mod liquidations;
mod rest;

pub use config::BybitConfig;
pub use liquidations::{LiquidationFeed, parse_message};
pub use rest::{funding_feed, open_interest_feed, parse_funding, parse_instruments, parse_tickers};

use serde::Deserialize;
use serde_json::Value;

use super::ParseError;
use super::runner::{Entry, Feed};
use super::wire::{Millis, from_json, row};
use crate::domain::{Source, SourceInfo, SourceKind, Timestamp};

/// The feeds of Bybit as configured.
#[must_use]
pub fn entries(config: &BybitConfig) -> Vec<Entry> {
    let off = (!config.enabled).then(|| "switched off by ingest.bybit.enabled".to_owned());
    let feeds = [
        Feed::Streamed(Box::new(LiquidationFeed::new(config))),
        Feed::Polled(open_interest_feed(config)),
        Feed::Polled(funding_feed(config)),
    ];
    feeds.into_iter().map(|feed| Entry { feed, off: off.clone() }).collect()
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

/// The rows of an answer and the instant it was given at.
fn list(body: &[u8]) -> Result<(Vec<Value>, Timestamp), ParseError> {
    let malformed = |reason: String| ParseError::Malformed { expected: "Bybit answer", reason };
    let envelope: Envelope = row(&from_json::<Value>(body)?).map_err(malformed)?;
    if envelope.code != 0 {
        return Err(ParseError::Upstream { code: envelope.code.to_string(), message: envelope.message });
    }
    match envelope.result.get("list") {
        Some(Value::Array(rows)) => Ok((rows.clone(), envelope.time.0)),
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
