//! Kraken Futures: open interest, funding, and executions of which the forced ones are liquidations
//! that can be read back for years.
//!
//! `PI_` contracts are worth a dollar each, `PF_` contracts count in coins; bitcoin is called XBT.

mod config;
mod executions;
mod rest;

pub use config::KrakenConfig;
pub use executions::{liquidation_feed, parse_executions};
pub use rest::{funding_feed, open_interest_feed, parse_funding, parse_tickers};

use super::ParseError;
use super::runner::{Entry, Feed};
use crate::domain::{Asset, Source, SourceInfo, SourceKind};

/// The feeds of Kraken Futures as configured.
#[must_use]
pub fn entries(config: &KrakenConfig) -> Vec<Entry> {
    let feeds = [liquidation_feed(config), open_interest_feed(config), funding_feed(config)];
    super::settings::entries(feeds.map(Feed::Polled), super::settings::switched_off(config.enabled, "kraken"))
}

/// The linear perpetual of a coin.
fn perpetual(asset: &Asset) -> String {
    let base = if *asset == Asset::btc() { "XBT".to_owned() } else { asset.as_str().to_ascii_uppercase() };
    format!("PF_{base}USD")
}

/// The coin of a perpetual such as `PI_XBTUSD`; `None` for dated contracts and other quotes.
fn coin(symbol: &str) -> Option<Asset> {
    let pair = symbol.strip_prefix("PF_").or_else(|| symbol.strip_prefix("PI_"))?;
    match pair.strip_suffix("USD")? {
        "XBT" => Some(Asset::btc()),
        base => base.to_ascii_lowercase().parse().ok(),
    }
}

fn malformed(reason: &str) -> ParseError {
    ParseError::Malformed { expected: "Kraken Futures answer", reason: reason.to_owned() }
}

fn info() -> SourceInfo {
    SourceInfo {
        source: source(),
        kind: SourceKind::Venue,
        note: "liquidations are the executions whose taker order is a forced one".to_owned(),
    }
}

fn source() -> Source {
    super::settings::source("kraken-futures")
}
