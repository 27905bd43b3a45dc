//! Vocabulary of the crate: assets, metrics, series, observations, candles, orders, timestamps.
//!
//! Owns the types that every other room uses and the rules that make them valid. It imports no other
//! room, does no I/O and never reads the computer's clock (only [`SystemClock`] does).

mod api_key;
mod asset;
mod batch;
mod candle;
mod clock;
mod digest;
mod feed_status;
mod hint;
mod instrument;
mod liquidation;
mod observation;
mod option_name;
mod period;
mod range;
mod series;
mod source;
mod time;

pub use api_key::{ApiKey, InvalidKeyId, KeyId};
pub use asset::{Asset, AssetClass, InvalidAsset, TradingCalendar};
pub use batch::{Batch, CommitReport, Delta, RecordedOrder, RejectedRow, Version};
pub use candle::{Bar, Candle, InvalidBar};
pub use clock::{Clock, FixedClock, SystemClock};
pub use digest::{Digest, InvalidDigest};
pub use feed_status::{BackfillStatus, Cadence, FeedState, FeedStatus, Role, StatusBoard};
pub use hint::{did_you_mean, nearest};
pub use instrument::Instrument;
pub use liquidation::{InvalidSide, LiquidationOrder, Side};
pub use observation::{KnownAtRule, NonFinite, Observation, Vintage, finite};
pub use option_name::{OptionName, OptionQuote};
pub use period::Period;
pub use range::{EmptyRange, TimeRange};
pub use series::{InvalidSeriesKey, Metric, SeriesKey, SeriesKind, Unit};
pub use source::{InvalidSource, InvalidSourceKind, Source, SourceInfo, SourceKind};
pub use time::{InvalidTimestamp, Timestamp};
