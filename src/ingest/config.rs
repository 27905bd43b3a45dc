use serde::{Deserialize, Serialize};

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
use super::sosovalue::SoSoValueConfig;
use super::yahoo::YahooConfig;

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
}
