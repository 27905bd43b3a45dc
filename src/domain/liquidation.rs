use serde::{Deserialize, Serialize};

use crate::domain::{Asset, KnownAtRule, Source, Timestamp};

/// Side of the liquidated position. Venues may publish the side of the order; ours is always the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A long position was liquidated.
    Long,
    /// A short position was liquidated.
    Short,
}

/// One liquidation order as a venue published it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiquidationOrder {
    /// The venue.
    pub source: Source,
    /// The venue's symbol of the instrument, such as `BTCUSDT`.
    pub symbol: String,
    /// The underlying asset.
    pub asset: Asset,
    /// Side of the liquidated position.
    pub side: Side,
    /// Time of the fill.
    pub occurred_at: Timestamp,
    /// Rule for its `known_at`.
    pub knowledge: KnownAtRule,
    /// Average fill price, USD.
    pub price_usd: f64,
    /// Filled quantity, coins of the underlying.
    pub quantity: f64,
    /// Notional value, USD.
    pub usd: f64,
}

impl Side {
    /// Returns `long` or `short`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
        }
    }
}

impl std::str::FromStr for Side {
    type Err = InvalidSide;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "long" => Ok(Self::Long),
            "short" => Ok(Self::Short),
            other => Err(InvalidSide(other.to_owned())),
        }
    }
}

/// The text is not a side of a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a side: long or short")]
pub struct InvalidSide(pub String);
