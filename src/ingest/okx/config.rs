use serde::{Deserialize, Serialize};
use url::Url;

use crate::domain::Asset;
use crate::ingest::config::{majors, public};

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
    /// Coins whose open interest and funding are collected; liquidations are those of every coin.
    /// Default: btc, eth, sol, xrp, bnb, doge.
    pub assets: Vec<Asset>,
    /// Seconds after which a stream without liquidations counts as broken. Default: 900.
    pub silent_after_seconds: u64,
}

impl Default for OkxConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            rest_url: public("https://www.okx.com"),
            stream_url: public("wss://ws.okx.com:8443/ws/v5/public"),
            assets: majors(),
            silent_after_seconds: 900,
        }
    }
}
