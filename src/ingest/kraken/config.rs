use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Asset;
use crate::ingest::settings::{asset, static_url};

/// Configuration of the Kraken Futures feeds, `[ingest.kraken]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KrakenConfig {
    /// Whether the feeds run. Default: true.
    pub enabled: bool,
    /// Base address. Default: `https://futures.kraken.com`.
    pub url: Url,
    /// Coins whose perpetuals are collected. Default: btc, eth, sol, xrp.
    pub assets: Vec<Asset>,
    /// How many hours of executions are read back for liquidations; each hour is six
    /// requests a coin. Default: 1.
    pub liquidation_history_hours: u32,
}

impl Default for KrakenConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            url: static_url("https://futures.kraken.com"),
            assets: ["btc", "eth", "sol", "xrp"].map(asset).to_vec(),
            liquidation_history_hours: 1,
        }
    }
}
