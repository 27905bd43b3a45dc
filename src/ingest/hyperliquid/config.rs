use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Asset;
use crate::ingest::settings::{default_assets, static_url};

/// Configuration of the Hyperliquid feeds, `[ingest.hyperliquid]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HyperliquidConfig {
    /// Whether the feeds run. Default: true.
    pub enabled: bool,
    /// Base address. Default: `https://api.hyperliquid.xyz`.
    pub url: Url,
    /// Coins whose candles, open interest and funding are collected. Default: btc, eth, sol, xrp, bnb, doge.
    pub assets: Vec<Asset>,
    /// How many days of hourly funding are read back; more cost much of the rate limit.
    /// Default: 30.
    pub funding_history_days: u32,
}

impl Default for HyperliquidConfig {
    fn default() -> Self {
        Self { enabled: true, url: static_url("https://api.hyperliquid.xyz"), assets: default_assets(), funding_history_days: 30 }
    }
}
