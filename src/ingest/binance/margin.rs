use url::Url;

use super::config::BinanceConfig;
use super::contract::perpetual;
use crate::domain::{Asset, Metric, Period, SeriesKey, Source};
use crate::ingest::settings::source;

/// What a contract is margined and settled in, which decides its host, its name and its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Margin {
    /// USD-M: settled in a dollar coin, counted in coins.
    Usd,
    /// COIN-M: settled in the coin, counted in contracts of a fixed number of dollars.
    Coin,
}

impl Margin {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Usd, Self::Coin];

    pub(super) const fn rest_url(self, config: &BinanceConfig) -> &Url {
        match self {
            Self::Usd => &config.rest_url,
            Self::Coin => &config.coin_rest_url,
        }
    }

    /// The coins whose perpetuals are collected.
    pub(super) fn assets(self, config: &BinanceConfig) -> Vec<Asset> {
        let listed = |asset: &&Asset| self == Self::Usd || config.coin_assets.contains(asset);
        config.assets.iter().filter(listed).cloned().collect()
    }

    /// The path of a method of the first version of the interface.
    pub(super) fn path(self, method: &str) -> String {
        let interface = match self {
            Self::Usd => "fapi",
            Self::Coin => "dapi",
        };
        format!("{interface}/v1/{method}")
    }

    /// The symbol of a coin's perpetual.
    pub(super) fn perpetual(self, asset: &Asset) -> String {
        match self {
            Self::Usd => perpetual(asset),
            Self::Coin => format!("{}_PERP", Self::coin_pair(asset)),
        }
    }

    /// What COIN-M statistics call the contracts of a coin.
    pub(super) fn coin_pair(asset: &Asset) -> String {
        format!("{}USD", asset.as_str().to_ascii_uppercase())
    }

    /// Where positions and funding are recorded: venues are added up, so each margin is one.
    pub(super) fn source(self) -> Source {
        source(match self {
            Self::Usd => "binance",
            Self::Coin => "binance-coin",
        })
    }

    /// Where candles are recorded.
    pub(super) fn candle_source(self) -> Source {
        source(match self {
            Self::Usd => "binance-perp",
            Self::Coin => "binance-coin-perp",
        })
    }

    pub(super) fn key(self, metric: Metric, asset: &Asset) -> SeriesKey {
        SeriesKey::new(metric, asset.clone(), self.source(), Period::INSTANT)
    }
}
