//! CoinGecko: the value of the whole market and of its largest coins, read at an instant, and day by
//! day as far back as the key allows.

mod config;
mod history;
mod parse;
mod snapshot;

pub use config::CoinGeckoConfig;
pub use history::{history_feed, parse_market_cap_chart, parse_market_chart};
pub use parse::{parse_global, parse_markets};
pub use snapshot::snapshot_feed;

use super::runner::{Entry, Feed};

/// The feeds of CoinGecko as configured; the past before the present, for it goes on where the
/// recorded rows end.
#[must_use]
pub fn entries(config: &CoinGeckoConfig) -> Vec<Entry> {
    super::settings::entries(
        [history_feed(config), snapshot_feed(config)].map(Feed::Polled),
        super::settings::switched_off(config.enabled, "coingecko"),
    )
}
