use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Asset;
use crate::ingest::settings::{default_assets, static_url};

/// Configuration of the Bybit feeds, `[ingest.bybit]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BybitConfig {
    /// Whether the feeds run. Default: true.
    pub enabled: bool,
    /// Base address of the REST interface. Default: `https://api.bybit.com`.
    pub rest_url: Url,
    /// Address of the websocket for linear contracts. Default:
    /// `wss://stream.bybit.com/v5/public/linear`.
    pub stream_url: Url,
    /// Address of the websocket for inverse contracts. Default:
    /// `wss://stream.bybit.com/v5/public/inverse`.
    pub inverse_stream_url: Url,
    /// Coins whose candles, open interest and funding are collected; liquidations are those of every
    /// coin.
    /// Default: btc, eth, sol, xrp, bnb, doge.
    pub assets: Vec<Asset>,
    /// How many days of hourly candles and of open interest are read back. Default: 90.
    pub hour_history_days: u32,
    /// How many days of daily candles are read back. Default: 2000.
    pub day_history_days: u32,
    /// How many days of funding are read back. Default: 365.
    pub funding_history_days: u32,
    /// Seconds after which the linear stream counts as broken without liquidations; the inverse one,
    /// with its few contracts, is given twenty-four times as long. Default: 600.
    pub silent_after_seconds: u64,
}

impl Default for BybitConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            rest_url: static_url("https://api.bybit.com"),
            stream_url: static_url("wss://stream.bybit.com/v5/public/linear"),
            inverse_stream_url: static_url("wss://stream.bybit.com/v5/public/inverse"),
            assets: default_assets(),
            hour_history_days: 90,
            day_history_days: 2_000,
            funding_history_days: 365,
            silent_after_seconds: 600,
        }
    }
}
