//! Binance futures: candles, open interest and funding by REST, forced orders by websocket.
//!
//! Two margins share one stream: USD-M sizes are coins, COIN-M sizes are contracts of a fixed
//! number of dollars. The word of an order is that of the order: a `SELL` closed a long.

mod candles;
mod config;
mod contract;
mod liquidations;
mod positions;

pub use candles::{candle_feed, parse_klines};
pub use config::BinanceConfig;
pub use liquidations::{LiquidationFeed, parse_message};
pub use positions::{funding_feed, open_interest_feed, parse_funding, parse_open_interest};

use super::ParseError;
use super::runner::{Entry, Feed};
use crate::domain::{Source, SourceInfo, SourceKind};

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

fn info() -> SourceInfo {
    SourceInfo {
        source: source(),
        kind: SourceKind::Venue,
        note: "liquidations are a lower bound: the venue publishes at most one order per symbol and second; open interest is \
               that of the USDT perpetual"
            .to_owned(),
    }
}

fn source() -> Source {
    super::config::source("binance")
}
