use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Asset;
use crate::ingest::settings::{asset, default_assets, static_url};

/// Configuration of the OKX feeds, `[ingest.okx]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OkxConfig {
    /// Whether the feeds run. Default: true.
    pub enabled: bool,
    /// Base address of the REST interface. Default: `https://www.okx.com`.
    pub rest_url: Url,
    /// Address of the public websocket. Default: `wss://ws.okx.com:8443/ws/v5/public`.
    pub stream_url: Url,
    /// Coins whose candles, and whose USDT swaps, are collected; liquidations are those of every coin.
    /// Default: btc, eth, sol, xrp, bnb, doge.
    pub assets: Vec<Asset>,
    /// Those of them whose coin-margined swaps are collected too. Default: btc, eth, sol, xrp, doge.
    pub coin_assets: Vec<Asset>,
    /// How many days of hourly candles are read back. Default: 90.
    pub hour_history_days: u32,
    /// How many days of daily candles are read back. Default: 2000.
    pub day_history_days: u32,
    /// Seconds after which a stream without liquidations counts as broken. Default: 900.
    pub silent_after_seconds: u64,
}

impl Default for OkxConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            rest_url: static_url("https://www.okx.com"),
            stream_url: static_url("wss://ws.okx.com:8443/ws/v5/public"),
            assets: default_assets(),
            coin_assets: ["btc", "eth", "sol", "xrp", "doge"].map(asset).to_vec(),
            hour_history_days: 90,
            day_history_days: 2_000,
            silent_after_seconds: 900,
        }
    }
}
