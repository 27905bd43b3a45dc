use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Anything with a price or a size: a lower-case symbol such as `btc` or `sp500`, or `total` for
/// the whole crypto market.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asset(Arc<str>);

/// The text is not an asset symbol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an asset symbol: 1 to 20 of a-z, 0-9 and _, such as btc")]
pub struct InvalidAsset(pub String);

/// Class of an asset; decides its trading calendar and the groups it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AssetClass {
    /// A coin or token, traded around the clock.
    Crypto,
    /// A stock index.
    Equity,
    /// A metal or oil.
    Commodity,
    /// A volatility or currency index.
    Index,
    /// The whole crypto market.
    Market,
}

/// The days on which an asset has a daily bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TradingCalendar {
    /// Every calendar day.
    Continuous,
    /// Exchange days only: no bars on weekends and holidays.
    TradingDays,
}

impl Asset {
    /// The whole crypto market.
    #[must_use]
    pub fn total() -> Self {
        Self(Arc::from("total"))
    }

    /// Bitcoin, the default asset of most queries.
    #[must_use]
    pub fn btc() -> Self {
        Self(Arc::from("btc"))
    }

    /// The S&P 500, the benchmark for the other markets.
    #[must_use]
    pub fn sp500() -> Self {
        Self(Arc::from("sp500"))
    }

    /// Returns the symbol.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the class; a symbol that is not a known index, metal or oil is a coin.
    #[must_use]
    pub fn class(&self) -> AssetClass {
        match self.as_str() {
            "total" => AssetClass::Market,
            "sp500" | "nasdaq" => AssetClass::Equity,
            "gold" | "silver" | "wti" => AssetClass::Commodity,
            "vix" | "dxy" => AssetClass::Index,
            _ => AssetClass::Crypto,
        }
    }

    /// Returns true if the price can be zero or negative. Oil futures are settled by delivery: they
    /// fell to -37.63 USD in April 2020.
    #[must_use]
    pub fn can_be_worth_nothing(&self) -> bool {
        matches!(self.as_str(), "wti" | "brent")
    }

    /// Returns the days on which this asset has a daily bar.
    #[must_use]
    pub fn calendar(&self) -> TradingCalendar {
        match self.class() {
            AssetClass::Crypto | AssetClass::Market => TradingCalendar::Continuous,
            AssetClass::Equity | AssetClass::Commodity | AssetClass::Index => TradingCalendar::TradingDays,
        }
    }
}

impl FromStr for Asset {
    type Err = InvalidAsset;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid =
            (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if valid { Ok(Self(Arc::from(text))) } else { Err(InvalidAsset(text.to_owned())) }
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Asset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Asset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_short_and_lower_case() {
        for text in ["", "BTC", "b tc", "btc/usd", "a_symbol_that_is_far_too_long"] {
            assert!(text.parse::<Asset>().is_err(), "{text} was accepted");
        }
        assert_eq!("btc".parse::<Asset>().unwrap(), Asset::btc());
    }
}
