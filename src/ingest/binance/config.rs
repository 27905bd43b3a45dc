use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Asset;
use crate::ingest::settings::{default_assets, static_url};

/// Configuration of the Binance feeds, `[ingest.binance]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BinanceConfig {
    /// Whether the feeds run. Default: true.
    pub enabled: bool,
    /// Base address of the USD-M REST interface. Default: `https://fapi.binance.com`.
    pub rest_url: Url,
    /// Base address of the COIN-M REST interface. Default: `https://dapi.binance.com`.
    pub coin_rest_url: Url,
    /// Base address of the market-data websocket; the paths before 2026-03 accept subscriptions and
    /// then stay silent. Default: `wss://fstream.binance.com/market`.
    pub stream_url: Url,
    /// Coins whose perpetuals are collected; forced orders are those of every coin. Default: btc, eth, sol, xrp, bnb, doge.
    pub assets: Vec<Asset>,
    /// Those of them whose coin-margined perpetuals are collected too. Default: btc, eth, sol, xrp, bnb, doge.
    pub coin_assets: Vec<Asset>,
    /// How many days of one-minute candles are read back. Default: 2.
    pub minute_history_days: u32,
    /// How many days of hourly candles are read back. Default: 400.
    pub hour_history_days: u32,
    /// How many days of daily candles are read back. Default: 4000, all there are.
    pub day_history_days: u32,
    /// Seconds after which a stream without orders counts as broken. Default: 300.
    pub silent_after_seconds: u64,
}

impl Default for BinanceConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            rest_url: static_url("https://fapi.binance.com"),
            coin_rest_url: static_url("https://dapi.binance.com"),
            stream_url: static_url("wss://fstream.binance.com/market"),
            assets: default_assets(),
            coin_assets: default_assets(),
            minute_history_days: 2,
            hour_history_days: 400,
            day_history_days: 4_000,
            silent_after_seconds: 300,
        }
    }
}
