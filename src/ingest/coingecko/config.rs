use reqwest::header::HeaderName;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::ingest::settings::{UpstreamKey, static_url};

/// Configuration of the CoinGecko feed, `[ingest.coingecko]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoinGeckoConfig {
    /// Whether the feed runs. Default: true.
    pub enabled: bool,
    /// Base address. With a Pro key: `https://pro-api.coingecko.com/api/v3`. Default:
    /// `https://api.coingecko.com/api/v3`.
    pub url: Url,
    /// A Demo or Pro key; without one the shared keyless limits apply. Default: none.
    pub api_key: UpstreamKey,
    /// How many of the largest coins are read, at most 250. Default: 150.
    pub coins: u32,
    /// How many days of the largest coins' past the first visit reads back; more than 365 takes a Pro
    /// key. Default: 365.
    pub history_days: u32,
    /// Minutes between two visits; a Demo key lasts a month at 10. Default: 10.
    pub every_minutes: u32,
}

impl Default for CoinGeckoConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            url: static_url("https://api.coingecko.com/api/v3"),
            api_key: UpstreamKey::default(),
            coins: 150,
            history_days: 365,
            every_minutes: 10,
        }
    }
}

impl CoinGeckoConfig {
    /// Whether the address is that of the Pro plans, which answer more.
    pub(super) fn is_pro(&self) -> bool {
        self.url.host_str().is_some_and(|host| host.starts_with("pro-api"))
    }

    /// The header a key of this address belongs into: the wrong one is answered with an error.
    pub(super) fn key_header(&self) -> HeaderName {
        HeaderName::from_static(if self.is_pro() { "x-cg-pro-api-key" } else { "x-cg-demo-api-key" })
    }
}
