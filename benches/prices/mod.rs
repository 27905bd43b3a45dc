//! A synthetic price in minutes, the same in every run.

use market_stress::domain::{Period, Timestamp};

/// Minute at which the histories of the benches end.
pub(crate) const END: Timestamp = Timestamp::from_unix_seconds(1_770_192_000);

/// Returns the start of minute `minute` of a history of this many minutes.
pub(crate) const fn at_minute(minute: i64, of: i64) -> Timestamp {
    END.plus_ms((minute - of) * Period::MINUTE.ms())
}

/// Returns a price in USD that drifts and swings.
#[expect(clippy::cast_precision_loss, reason = "a minute count is small")]
pub(crate) fn price_of(minute: i64) -> f64 {
    let t = minute as f64;
    60_000.0 + 20_000.0 * (t / 300_000.0).sin() + 3_000.0 * (t / 7_001.0).sin() + 200.0 * (t / 97.0).sin()
}
