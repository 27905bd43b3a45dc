//! Farside Investors: net flows of the US exchange-traded funds, one table per coin.
//!
//! The publisher has no interface for programs: the page is read as a reader sees it. A table fills
//! in over a day and is restated later, its totals never say whether it is complete, and a blank
//! cell is not a zero.

mod config;
mod feed;
mod table;

pub use config::FarsideConfig;
pub use table::parse_table;

use super::runner::{Entry, Feed};

/// The feeds of Farside as configured: one per coin.
#[must_use]
pub fn entries(config: &FarsideConfig) -> Vec<Entry> {
    let feeds = feed::TABLES.iter().map(|table| feed::flow_feed(config, *table));
    super::settings::entries(feeds.map(Feed::Polled), super::settings::switched_off(config.enabled, "farside"))
}
