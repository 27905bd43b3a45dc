use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Asset;
use crate::ingest::settings::{asset, static_url};

/// Configuration of the Deribit feeds, `[ingest.deribit]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeribitConfig {
    /// Whether the feeds run. Default: true.
    pub enabled: bool,
    /// Base address of the HTTP interface. Default: `https://www.deribit.com`.
    pub rest_url: Url,
    /// Address of the websocket. Default: `wss://www.deribit.com/ws/api/v2`.
    pub stream_url: Url,
    /// Coins with a volatility index and inverse contracts. Default: btc, eth.
    pub assets: Vec<Asset>,
    /// How many days of the volatility index and of funding are read back. Default: 400.
    pub history_days: u32,
    /// Hours between two readings of the option chain, about a thousand rows each. Default: 4.
    pub options_every_hours: u32,
}

impl Default for DeribitConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            rest_url: static_url("https://www.deribit.com"),
            stream_url: static_url("wss://www.deribit.com/ws/api/v2"),
            assets: ["btc", "eth"].map(asset).to_vec(),
            history_days: 400,
            options_every_hours: 4,
        }
    }
}
