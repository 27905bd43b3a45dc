use serde::{Deserialize, Serialize};

use crate::domain::{Asset, KnownAtRule, Source, Timestamp};

/// Which position was closed by force. Venues disagree on the words; ours is always the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A bet on a rise was closed.
    Long,
    /// A bet on a fall was closed.
    Short,
}

/// One forced order as a venue published it.
#[derive(Debug, Clone, PartialEq)]
pub struct LiquidationOrder {
    /// The venue.
    pub source: Source,
    /// The instrument in the venue's own words, such as `BTCUSDT`.
    pub symbol: String,
    /// The underlying asset.
    pub asset: Asset,
    /// The position that was closed.
    pub side: Side,
    /// When the order was filled.
    pub occurred_at: Timestamp,
    /// When it could be known.
    pub knowledge: KnownAtRule,
    /// Average fill price, USD.
    pub price_usd: f64,
    /// Filled quantity, coins of the underlying.
    pub quantity: f64,
    /// Notional value, USD.
    pub usd: f64,
}

impl Side {
    /// `long` or `short`.
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

/// The text names no side of a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a side: long or short")]
pub struct InvalidSide(pub String);
