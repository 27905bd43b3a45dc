use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Asset;
use crate::ingest::settings::{UpstreamKey, asset, static_url};

/// Configuration of the CoinGlass feeds, `[ingest.coinglass]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoinGlassConfig {
    /// Whether the feeds run when there is a key. Default: true.
    pub enabled: bool,
    /// Base address. Default: `https://open-api-v4.coinglass.com`.
    pub url: Url,
    /// The key; the upstream has no free plan. Default: none.
    pub api_key: UpstreamKey,
    /// Coins that are collected. Default: btc, eth, sol, xrp.
    pub assets: Vec<Asset>,
    /// Venues whose liquidations are added, separated by commas. Default: Binance,OKX,Bybit.
    pub exchanges: String,
}

impl Default for CoinGlassConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            url: static_url("https://open-api-v4.coinglass.com"),
            api_key: UpstreamKey::default(),
            assets: ["btc", "eth", "sol", "xrp"].map(asset).to_vec(),
            exchanges: "Binance,OKX,Bybit".to_owned(),
        }
    }
}
