use serde::{Deserialize, Serialize};
use url::Url;

use super::alternative_me::AlternativeMeConfig;
use super::binance::BinanceConfig;
use super::bybit::BybitConfig;
use super::client::HttpSettings;
use super::coingecko::CoinGeckoConfig;
use super::coinglass::CoinGlassConfig;
use super::defillama::DefiLlamaConfig;
use super::deribit::DeribitConfig;
use super::farside::FarsideConfig;
use super::fred::FredConfig;
use super::hyperliquid::HyperliquidConfig;
use super::kraken::KrakenConfig;
use super::okx::OkxConfig;
use super::runner::{Entry, Feed};
use super::sosovalue::SoSoValueConfig;
use super::yahoo::YahooConfig;
use crate::domain::{Asset, Source};

/// Configuration of the feeds, `[ingest]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IngestConfig {
    /// Whether any feed runs. Default: true.
    pub enabled: bool,
    /// The most seconds one request may take. Default: 20.
    pub request_timeout_seconds: u64,
    /// What the client calls itself; some publishers turn unknown clients away. Default:
    /// `market-stress/<version>`.
    pub user_agent: String,
    /// The most requests under way at once. Default: 8.
    pub concurrent_requests: usize,
    /// The least milliseconds between two requests to one host. Default: 100.
    pub host_spacing_ms: u64,
    /// Whether the past is read beside the present, page by page, until nothing is missing. Default: true.
    pub backfill: bool,
    /// At most so many days of the past are read, of feeds that want more. Default: 4000.
    pub backfill_most_days: u32,
    /// alternative.me's Fear and Greed index.
    pub alternative_me: AlternativeMeConfig,
    /// Binance futures.
    pub binance: BinanceConfig,
    /// Bybit.
    pub bybit: BybitConfig,
    /// CoinGecko.
    pub coingecko: CoinGeckoConfig,
    /// CoinGlass.
    pub coinglass: CoinGlassConfig,
    /// DefiLlama's stablecoins.
    pub defillama: DefiLlamaConfig,
    /// Deribit.
    pub deribit: DeribitConfig,
    /// Farside Investors' ETF flow tables.
    pub farside: FarsideConfig,
    /// FRED.
    pub fred: FredConfig,
    /// Hyperliquid.
    pub hyperliquid: HyperliquidConfig,
    /// Kraken Futures.
    pub kraken: KrakenConfig,
    /// OKX.
    pub okx: OkxConfig,
    /// SoSoValue's ETF flows.
    pub sosovalue: SoSoValueConfig,
    /// Yahoo's chart pages.
    pub yahoo: YahooConfig,
}

/// A key of an upstream; empty for none. It is never printed and never written back.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct UpstreamKey(String);

impl UpstreamKey {
    /// The key itself, for the header it goes into; `None` where none is configured.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(self.0.as_str())
    }

    const fn mask(&self) -> &'static str {
        if self.0.is_empty() { "" } else { "(hidden)" }
    }
}

impl std::fmt::Debug for UpstreamKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.mask())
    }
}

impl Serialize for UpstreamKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.mask())
    }
}

impl Default for IngestConfig {
    fn default() -> Self {
        let http = HttpSettings::default();
        Self {
            enabled: true,
            request_timeout_seconds: http.timeout.as_secs(),
            user_agent: http.user_agent,
            concurrent_requests: http.concurrency,
            host_spacing_ms: 100,
            backfill: true,
            backfill_most_days: 4_000,
            alternative_me: AlternativeMeConfig::default(),
            binance: BinanceConfig::default(),
            bybit: BybitConfig::default(),
            coingecko: CoinGeckoConfig::default(),
            coinglass: CoinGlassConfig::default(),
            defillama: DefiLlamaConfig::default(),
            deribit: DeribitConfig::default(),
            farside: FarsideConfig::default(),
            fred: FredConfig::default(),
            hyperliquid: HyperliquidConfig::default(),
            kraken: KrakenConfig::default(),
            okx: OkxConfig::default(),
            sosovalue: SoSoValueConfig::default(),
            yahoo: YahooConfig::default(),
        }
    }
}

impl IngestConfig {
    /// The settings of the HTTP client.
    #[must_use]
    pub fn http(&self) -> HttpSettings {
        let mut settings = HttpSettings {
            timeout: std::time::Duration::from_secs(self.request_timeout_seconds),
            user_agent: self.user_agent.clone(),
            concurrency: self.concurrent_requests,
            ..HttpSettings::default()
        };
        settings.manners.spacing = std::time::Duration::from_millis(self.host_spacing_ms);
        settings
    }

    /// Every feed there is, and why those that do not run do not.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        entries.extend(super::alternative_me::entries(&self.alternative_me));
        entries.extend(super::binance::entries(&self.binance));
        entries.extend(super::bybit::entries(&self.bybit));
        entries.extend(super::coingecko::entries(&self.coingecko));
        entries.extend(super::coinglass::entries(&self.coinglass));
        entries.extend(super::defillama::entries(&self.defillama));
        entries.extend(super::deribit::entries(&self.deribit));
        entries.extend(super::farside::entries(&self.farside));
        entries.extend(super::fred::entries(&self.fred));
        entries.extend(super::hyperliquid::entries(&self.hyperliquid));
        entries.extend(super::kraken::entries(&self.kraken));
        entries.extend(super::okx::entries(&self.okx));
        entries.extend(super::sosovalue::entries(&self.sosovalue));
        entries.extend(super::yahoo::entries(&self.yahoo));
        if !self.enabled {
            for entry in &mut entries {
                entry.off = Some("switched off by ingest.enabled".to_owned());
            }
        }
        entries
    }
}

/// A public address of this program's own text.
#[expect(clippy::expect_used, reason = "the text is a literal of this program, and a test reads every one of them")]
pub(super) fn static_url(address: &'static str) -> Url {
    Url::parse(address).expect("a valid address")
}

/// A source name of this program's own text.
#[expect(clippy::expect_used, reason = "the text is a literal of this program, and a test reads every one of them")]
pub(super) fn source(name: &'static str) -> Source {
    name.parse().expect("a valid source name")
}

/// The feeds of a provider, all of which run or none.
pub(super) fn entries(feeds: impl IntoIterator<Item = Feed>, off: Option<String>) -> Vec<Entry> {
    feeds.into_iter().zip(std::iter::repeat(off)).map(|(feed, off)| Entry { feed, off }).collect()
}

/// Why the feeds of a provider do not run, where they are switched off.
pub(super) fn switched_off(enabled: bool, provider: &str) -> Option<String> {
    (!enabled).then(|| format!("switched off by ingest.{provider}.enabled"))
}

/// The same for a provider that answers with a key alone.
pub(super) fn off_without_key(enabled: bool, key: &UpstreamKey, provider: &str) -> Option<String> {
    let keyless = || key.expose().is_none().then(|| format!("needs a key: set ingest.{provider}.api_key"));
    switched_off(enabled, provider).or_else(keyless)
}

/// The coins whose derivatives are collected unless the configuration says others.
pub(super) fn default_assets() -> Vec<Asset> {
    ["btc", "eth", "sol", "xrp", "bnb", "doge"].map(asset).to_vec()
}

/// An asset of this program's own text.
#[expect(clippy::expect_used, reason = "the text is a literal of this program, and a test reads every one of them")]
pub(super) fn asset(symbol: &'static str) -> Asset {
    symbol.parse().expect("a valid asset symbol")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feed_has_a_name_of_its_own_a_source_and_a_note() {
        let entries = IngestConfig::default().entries();
        let names: std::collections::BTreeSet<_> = entries.iter().map(|entry| entry.feed.profile().name).collect();
        assert_eq!(names.len(), entries.len());
        for entry in &entries {
            let profile = entry.feed.profile();
            assert!(!profile.info.note.is_empty(), "{} says nothing of what it leaves out", profile.name);
        }
    }

    #[test]
    fn a_switch_turns_every_feed_off() {
        let config = IngestConfig { enabled: false, ..IngestConfig::default() };
        assert!(config.entries().iter().all(|entry| entry.off.is_some()));
    }

    #[test]
    fn keys_are_not_printed() {
        let config = CoinGeckoConfig { api_key: UpstreamKey("secret".to_owned()), ..CoinGeckoConfig::default() };
        assert!(!format!("{config:?}").contains("secret"));
        assert!(!serde_json::to_string(&config).unwrap().contains("secret"));
    }
}
