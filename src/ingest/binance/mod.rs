//! Binance futures: candles by REST, forced orders by websocket.
//!
//! Two margins share one stream: USD-M sizes are coins, COIN-M sizes are contracts of a fixed
//! number of dollars. The word of an order is that of the order: a `SELL` closed a long.

mod candles;
mod config;
mod contract;
mod liquidations;

pub use candles::{candle_feed, parse_klines};
pub use config::BinanceConfig;
pub use liquidations::{LiquidationFeed, parse_message};

use super::ParseError;
use super::runner::{Entry, Feed};

/// The feeds of Binance as configured.
#[must_use]
pub fn entries(config: &BinanceConfig) -> Vec<Entry> {
    let off = (!config.enabled).then(|| "switched off by ingest.binance.enabled".to_owned());
    let feeds = [Feed::Polled(candle_feed(config)), Feed::Streamed(Box::new(LiquidationFeed::new(config)))];
    feeds.into_iter().map(|feed| Entry { feed, off: off.clone() }).collect()
}

/// The error Binance puts in a body: a negative code and words.
fn refusal(body: &serde_json::Value) -> Option<ParseError> {
    let code = body.get("code")?.as_i64()?;
    let message = body.get("msg").and_then(serde_json::Value::as_str).unwrap_or_default();
    Some(ParseError::Upstream { code: code.to_string(), message: message.to_owned() })
}
