use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Duration, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds in one UTC day.
const DAY_MS: i64 = 86_400_000;

/// An instant in UTC with millisecond precision; the only time type of the crate.
///
/// Stored as milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with `Z`; decimals are
/// omitted if the milliseconds are zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The text is not an instant that this service accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 time such as 2026-02-04T08:00:00Z, nor a date such as 2026-02-04")]
pub struct InvalidTimestamp(pub String);

impl Timestamp {
    /// The first instant the service accepts: 1900-01-01T00:00:00Z.
    pub const MIN: Self = Self(-2_208_988_800_000);
    /// The last instant the service accepts: 2999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(32_503_679_999_999);

    /// Returns the instant this many milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Returns the instant this many seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// Returns the start of a UTC day.
    #[must_use]
    pub fn from_date(date: NaiveDate) -> Self {
        Self(i64::from(date.num_days_from_ce() - 719_163) * DAY_MS)
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Returns the UTC calendar date of this instant.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default().date_naive()
    }

    /// Returns the start of the UTC day of this instant.
    #[must_use]
    pub const fn day_start(self) -> Self {
        self.floor(DAY_MS)
    }

    /// Returns the last multiple of `step_ms` (counted from 1970) at or before this instant.
    #[must_use]
    pub const fn floor(self, step_ms: i64) -> Self {
        Self(self.0 - self.0.rem_euclid(step_ms))
    }

    /// Returns this instant moved by `ms` milliseconds; saturates.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Returns this instant moved by whole days of 24 hours.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_ms(days.saturating_mul(DAY_MS))
    }

    /// Returns this instant moved by a duration.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        self.plus_ms(duration.num_milliseconds())
    }

    /// Returns the milliseconds from `earlier` to this instant; negative if this one is earlier.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the days of 24 hours from `earlier` to this instant, with their fraction.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a millennium fit an f64 exactly")]
    pub fn days_since(self, earlier: Self) -> f64 {
        self.ms_since(earlier) as f64 / DAY_MS as f64
    }

    /// Returns true if the instant lies within [`Self::MIN`] to [`Self::MAX`].
    #[must_use]
    pub fn is_acceptable(self) -> bool {
        (Self::MIN..=Self::MAX).contains(&self)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Parses RFC 3339, or a plain date as the start of that UTC day. Digits finer than a
    /// millisecond are truncated.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidTimestamp(text.to_owned());
        let instant = if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Self::from_date(date)
        } else {
            let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| invalid())?;
            Self(parsed.timestamp_millis())
        };
        instant.is_acceptable().then_some(instant).ok_or_else(invalid)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.timestamp_millis())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = DateTime::<Utc>::from_timestamp_millis(self.0).ok_or(fmt::Error)?;
        let format = if self.0.rem_euclid(1_000) == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        f.write_str(&instant.to_rfc3339_opts(format, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_plain_date_is_the_start_of_its_utc_day() {
        assert_eq!(at("2026-02-04"), at("2026-02-04T00:00:00Z"));
        assert_eq!(at("1970-01-01").unix_ms(), 0);
    }

    #[test]
    fn offsets_are_folded_into_utc() {
        assert_eq!(at("2026-02-04T10:00:00+02:00").to_string(), "2026-02-04T08:00:00Z");
    }

    #[test]
    fn impossible_and_out_of_range_times_are_rejected() {
        for text in ["2026-02-30", "2026-13-01", "now", "", "2026-02-04 08:00", "2026-02-04T08:00:00", "9999-01-01", "0001-01-01"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn floor_goes_down_before_1970_too() {
        assert_eq!(at("1969-12-31T23:00:00Z").day_start(), at("1969-12-31"));
    }

    proptest! {
        #[test]
        fn a_time_round_trips_through_text(ms in Timestamp::MIN.unix_ms()..=Timestamp::MAX.unix_ms()) {
            let instant = Timestamp::from_unix_ms(ms);
            prop_assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
            prop_assert_eq!(Timestamp::from_date(instant.date()), instant.day_start());
        }
    }
}
