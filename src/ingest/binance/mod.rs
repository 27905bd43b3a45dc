//! Binance futures: candles, open interest and funding by REST, forced orders by websocket.
//!
//! Two margins share one stream: USD-M sizes are coins, COIN-M sizes are contracts of a fixed
//! number of dollars. The word of an order is that of the order: a `SELL` closed a long. Contracts on
//! stocks and metals are listed beside those on coins, and are left out.

mod candles;
mod config;
mod contract;
mod liquidations;
mod listing;
mod margin;
mod positions;

pub use candles::{candle_feed, parse_klines};
pub use config::BinanceConfig;
pub use liquidations::{LiquidationFeed, parse_message};
pub use listing::{Listing, parse_listing};
pub use margin::Margin;
pub use positions::{funding_feed, open_interest_feed, parse_coin_open_interest, parse_funding, parse_open_interest};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ParseError;
use super::runner::{Entry, Feed};
use super::wire::from_json;
use crate::domain::{SourceInfo, SourceKind};

/// The feeds of Binance as configured.
#[must_use]
pub fn entries(config: &BinanceConfig) -> Vec<Entry> {
    let of_margin = |margin| [candle_feed, open_interest_feed, funding_feed].map(|feed| Feed::Polled(feed(config, margin)));
    let streamed = Feed::Streamed(Box::new(LiquidationFeed::new(config)));
    let feeds = std::iter::once(streamed).chain(Margin::ALL.into_iter().flat_map(of_margin));
    super::settings::entries(feeds, super::settings::switched_off(config.enabled, "binance"))
}

/// The rows of an answer that is a list.
fn rows<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, ParseError> {
    from_json(body).map_err(|error| from_json(body).ok().as_ref().and_then(refusal).unwrap_or(error))
}

/// The error Binance puts in a body: a negative code and words.
fn refusal(body: &Value) -> Option<ParseError> {
    let code = body.get("code")?.as_i64()?;
    let message = body.get("msg").and_then(Value::as_str).unwrap_or_default();
    Some(ParseError::Upstream { code: code.to_string(), message: message.to_owned() })
}

fn info(margin: Margin) -> SourceInfo {
    let note = match margin {
        Margin::Usd => {
            "liquidations are a lower bound: the venue publishes at most one order per symbol and second, of both margins; \
             open interest is that of the USDT perpetual"
        }
        Margin::Coin => "open interest is that of the coin-margined perpetual; its liquidations are counted under binance",
    };
    SourceInfo { source: margin.source(), kind: SourceKind::Venue, note: note.to_owned() }
}
