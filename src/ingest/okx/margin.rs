use super::config::OkxConfig;
use crate::domain::{Asset, Metric, Period, SeriesKey, Source};
use crate::ingest::settings::source;

/// What a swap is margined and settled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Margin {
    /// Settled in USDT.
    Usdt,
    /// Settled in the coin.
    Coin,
}

impl Margin {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Usdt, Self::Coin];

    /// The coins whose swaps are collected.
    pub(super) fn assets(self, config: &OkxConfig) -> &[Asset] {
        match self {
            Self::Usdt => &config.assets,
            Self::Coin => &config.coin_assets,
        }
    }

    /// The instrument id of a coin's swap.
    pub(super) fn swap(self, asset: &Asset) -> String {
        let quote = match self {
            Self::Usdt => "USDT",
            Self::Coin => "USD",
        };
        format!("{}-{quote}-SWAP", asset.as_str().to_ascii_uppercase())
    }

    /// Where positions and funding are recorded: venues are added up, so each margin is one.
    pub(super) fn source(self) -> Source {
        source(match self {
            Self::Usdt => "okx",
            Self::Coin => "okx-coin",
        })
    }

    pub(super) fn key(self, metric: Metric, asset: &Asset) -> SeriesKey {
        SeriesKey::new(metric, asset.clone(), self.source(), Period::INSTANT)
    }
}
