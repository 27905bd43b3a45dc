//! Hyperliquid perpetuals: candles, open interest and funding. The venue publishes no liquidations of the
//! whole market.

mod candles;
mod config;
mod rest;

pub use candles::{candle_feed, parse_candles};
pub use config::HyperliquidConfig;
pub use rest::{funding_feed, open_interest_feed, parse_contexts, parse_funding};

use super::runner::{Entry, Feed};

/// The feeds of Hyperliquid as configured.
#[must_use]
pub fn entries(config: &HyperliquidConfig) -> Vec<Entry> {
    let feeds = [candle_feed(config), open_interest_feed(config), funding_feed(config)];
    super::config::entries(feeds.map(Feed::Polled), super::config::switched_off(config.enabled, "hyperliquid"))
}
