//! CoinGecko: the value of the whole market and of its largest coins, read at an instant.

mod config;
mod parse;
mod snapshot;

pub use config::CoinGeckoConfig;
pub use parse::{parse_global, parse_markets};
pub use snapshot::snapshot_feed;

use super::runner::{Entry, Feed};

/// The feed of CoinGecko as configured.
#[must_use]
pub fn entries(config: &CoinGeckoConfig) -> Vec<Entry> {
    let off = (!config.enabled).then(|| "switched off by ingest.coingecko.enabled".to_owned());
    vec![Entry { feed: Feed::Polled(snapshot_feed(config)), off }]
}
