use reqwest::header::HeaderName;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::ingest::config::{ApiKey, public};

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
    pub api_key: ApiKey,
    /// How many of the largest coins are read, at most 250. Default: 150.
    pub coins: u32,
    /// Minutes between two visits; a Demo key lasts a month at 10. Default: 10.
    pub every_minutes: u32,
}

impl Default for CoinGeckoConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            url: public("https://api.coingecko.com/api/v3"),
            api_key: ApiKey::default(),
            coins: 150,
            every_minutes: 10,
        }
    }
}

impl CoinGeckoConfig {
    /// The header a key of this address belongs into: the wrong one is answered with an error.
    pub(super) fn key_header(&self) -> HeaderName {
        let pro = self.url.host_str().is_some_and(|host| host.starts_with("pro-api"));
        HeaderName::from_static(if pro { "x-cg-pro-api-key" } else { "x-cg-demo-api-key" })
    }
}
