//! How upstreams write numbers and instants in JSON, read once for all of them.

use std::fmt;

use chrono::NaiveDate;
use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::ParseError;
use crate::domain::Timestamp;

/// A finite number, written as a JSON number or as a decimal string.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decimal(pub(super) f64);

/// An instant in milliseconds since 1970, written as a JSON number or as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Millis(pub(super) Timestamp);

/// An instant in seconds since 1970, written as a JSON number or as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seconds(pub(super) Timestamp);

/// A calendar date whose start is an instant the store takes, written as `2026-02-04`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day(pub(super) NaiveDate);

/// Reads a whole body.
///
/// # Errors
/// [`ParseError::Malformed`] when the bytes are not the expected JSON.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ParseError> {
    serde_json::from_slice(body).map_err(|error| ParseError::Malformed { expected: "JSON", reason: error.to_string() })
}

/// Reads one row of a body whose other rows stand on their own.
///
/// # Errors
/// Why the row does not fit.
pub(super) fn row<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

/// Reads one field of a row that is an array.
///
/// # Errors
/// Which field does not fit.
pub(super) fn field<T: DeserializeOwned>(row: &Value, index: usize) -> Result<T, String> {
    let value = row.get(index).ok_or_else(|| format!("field {index} is missing"))?;
    T::deserialize(value).map_err(|error| format!("field {index}: {error}"))
}

/// A field that may be absent, `null` or an empty string, all of which mean "no value".
///
/// # Errors
/// When there is something that is no number.
pub(super) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(value) => Decimal::deserialize(value).map(|number| Some(number.0)).map_err(de::Error::custom),
    }
}

struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a finite number or a string that holds one")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Decimal, E> {
        if value.is_finite() { Ok(Decimal(value)) } else { Err(E::custom("the number is not finite")) }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts above 2^53 do not occur in prices and sizes")]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
        self.visit_f64(value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts above 2^53 do not occur in prices and sizes")]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        let value = text.trim().parse::<f64>().map_err(|_| E::custom(format!("`{text}` is not a number")))?;
        self.visit_f64(value)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        instant(deserializer, "milliseconds", Timestamp::from_unix_ms).map(Self)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        instant(deserializer, "seconds", Timestamp::from_unix_seconds).map(Self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let date = NaiveDate::deserialize(deserializer)?;
        let known = Timestamp::from_date(date).is_acceptable();
        known.then_some(Self(date)).ok_or_else(|| de::Error::custom(format!("{date} is no date of our time")))
    }
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D, unit: &str, from: fn(i64) -> Timestamp) -> Result<Timestamp, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let count = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    let at = count.map(from).filter(|at| at.is_acceptable());
    at.ok_or_else(|| de::Error::custom(format!("`{value}` is not an instant in {unit}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1.5", Some(1.5))]
    #[case("\"-0.00010000\"", Some(-0.0001))]
    #[case("7", Some(7.0))]
    #[case("\"NaN\"", None)]
    #[case("\"inf\"", None)]
    #[case("\"\"", None)]
    #[case("\"1,5\"", None)]
    #[case("null", None)]
    #[case("[1]", None)]
    fn numbers_come_as_numbers_or_strings_and_are_finite(#[case] json: &str, #[case] value: Option<f64>) {
        assert_eq!(serde_json::from_str::<Decimal>(json).ok(), value.map(Decimal));
    }

    #[rstest]
    #[case("\"2026-02-04\"", true)]
    #[case("\"1013-02-02\"", false)]
    #[case("\"+262142-12-31\"", false)]
    #[case("\"2026-02-30\"", false)]
    #[case("20260204", false)]
    fn dates_lie_in_our_time(#[case] json: &str, #[case] taken: bool) {
        assert_eq!(serde_json::from_str::<Day>(json).is_ok(), taken);
    }

    #[rstest]
    #[case("1583127900000", Some("2020-03-02T05:45:00Z"))]
    #[case("\"1583127900000\"", Some("2020-03-02T05:45:00Z"))]
    #[case("99999999999999999", None)]
    #[case("1.5", None)]
    #[case("\"soon\"", None)]
    fn instants_come_as_numbers_or_strings_and_lie_in_our_time(#[case] json: &str, #[case] at: Option<&str>) {
        let expected = at.map(|text| Millis(text.parse().unwrap()));
        assert_eq!(serde_json::from_str::<Millis>(json).ok(), expected);
    }
}
