//! Hyperliquid perpetuals: open interest and funding. The venue publishes no liquidations of the
//! whole market.

mod config;
mod rest;

pub use config::HyperliquidConfig;
pub use rest::{funding_feed, open_interest_feed, parse_contexts, parse_funding};

use super::runner::{Entry, Feed};

/// The feeds of Hyperliquid as configured.
#[must_use]
pub fn entries(config: &HyperliquidConfig) -> Vec<Entry> {
    let off = (!config.enabled).then(|| "switched off by ingest.hyperliquid.enabled".to_owned());
    let feeds = [open_interest_feed(config), funding_feed(config)];
    feeds.into_iter().map(|feed| Entry { feed: Feed::Polled(feed), off: off.clone() }).collect()
}
