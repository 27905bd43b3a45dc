use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::{InvalidSeriesKey, Timestamp};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// 1970-01-05, the first Monday after the epoch.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;

/// Length of the period that one row covers; zero for a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period(i64);

impl Period {
    /// Zero length: a reading at one instant.
    pub const INSTANT: Self = Self(0);
    /// One minute.
    pub const MINUTE: Self = Self(MINUTE_MS);
    /// One hour.
    pub const HOUR: Self = Self(HOUR_MS);
    /// Four hours.
    pub const HOURS_4: Self = Self(4 * HOUR_MS);
    /// One UTC day.
    pub const DAY: Self = Self(DAY_MS);
    /// Seven UTC days from a Monday.
    pub const WEEK: Self = Self(WEEK_MS);

    /// Returns the length in milliseconds; zero for a reading.
    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// Returns the start of the period that contains `at`: periods start at 1970 UTC, weeks on Mondays.
    /// For a reading that is `at` itself.
    #[must_use]
    pub fn start_of(self, at: Timestamp) -> Timestamp {
        match self.0 {
            0 => at,
            ms if ms % WEEK_MS == 0 => at.plus_ms(-FIRST_MONDAY_MS).floor(ms).plus_ms(FIRST_MONDAY_MS),
            ms => at.floor(ms),
        }
    }

    /// Returns true if rows are readings at one instant.
    #[must_use]
    pub const fn is_instant(self) -> bool {
        self.0 == 0
    }
}

impl FromStr for Period {
    type Err = InvalidSeriesKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidSeriesKey {
            text: text.to_owned(),
            reason: "a period is a whole number and m, h, d or w, such as 30m, 1h or 1d".to_owned(),
        };
        let unit_ms = match text.as_bytes().last() {
            Some(b'm') => MINUTE_MS,
            Some(b'h') => HOUR_MS,
            Some(b'd') => DAY_MS,
            Some(b'w') => WEEK_MS,
            _ => return Err(invalid()),
        };
        let count: i64 = text[..text.len() - 1].parse().map_err(|_| invalid())?;
        if (1..=10_000).contains(&count) && text.as_bytes()[0].is_ascii_digit() {
            Ok(Self(count * unit_ms))
        } else {
            Err(invalid())
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("instant"),
            ms if ms % DAY_MS == 0 => write!(f, "{}d", ms / DAY_MS),
            ms if ms % HOUR_MS == 0 => write!(f, "{}h", ms / HOUR_MS),
            ms => write!(f, "{}m", ms / MINUTE_MS),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
