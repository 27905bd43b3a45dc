//! Rows of candles as venues write them: lists of numbers, most of them as strings.
//!
//! Candles are most of what is back-filled, so a body of them is read in one pass, and a row that
//! does not fit stands in the way of no other. Must not know what a field means.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::Timestamp;

/// A row, one of its fields, or what stands in the place of either.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CandleRow {
    /// The fields of a row.
    Fields(Vec<Self>),
    /// A finite number, written as one or as a string.
    Number(f64),
    /// What is neither.
    Unreadable(String),
}

impl CandleRow {
    /// The number in a field.
    ///
    /// # Errors
    /// Which field does not fit.
    pub(super) fn number(&self, index: usize) -> Result<f64, String> {
        let field = if let Self::Fields(fields) = self { fields.get(index) } else { None };
        match field {
            Some(Self::Number(number)) => Ok(*number),
            Some(Self::Unreadable(found)) => Err(format!("field {index}: `{found}` is not a number")),
            Some(Self::Fields(_)) => Err(format!("field {index}: a list is not a number")),
            None => Err(format!("field {index} is missing")),
        }
    }

    /// The instant in a field, written in milliseconds since 1970.
    ///
    /// # Errors
    /// Which field does not fit.
    pub(super) fn instant(&self, index: usize) -> Result<Timestamp, String> {
        let number = self.number(index)?;
        #[expect(clippy::cast_possible_truncation, reason = "what the cast would change is no instant of our time")]
        let at = Timestamp::from_unix_ms(number as i64);
        let is_instant = number.fract() == 0.0 && at.is_acceptable();
        is_instant.then_some(at).ok_or_else(|| format!("field {index}: `{number}` is not an instant in milliseconds"))
    }
}

/// Of a row that was already taken out of its envelope.
impl From<&Value> for CandleRow {
    fn from(row: &Value) -> Self {
        Self::deserialize(row).unwrap_or_else(|error| Self::Unreadable(error.to_string()))
    }
}

impl<'de> Deserialize<'de> for CandleRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Takes whatever comes.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = CandleRow;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut given: A) -> Result<CandleRow, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = given.next_element()? {
            fields.push(field);
        }
        Ok(CandleRow::Fields(fields))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<CandleRow, E> {
        Ok(if number.is_finite() { CandleRow::Number(number) } else { CandleRow::Unreadable(number.to_string()) })
    }

    #[expect(clippy::cast_precision_loss, reason = "instants and counts below 2^53 stay exact, and no others occur")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<CandleRow, E> {
        self.visit_f64(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "instants and counts below 2^53 stay exact, and no others occur")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<CandleRow, E> {
        self.visit_f64(number as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<CandleRow, E> {
        text.trim().parse().map_or_else(|_| Ok(CandleRow::Unreadable(text.to_owned())), |number| self.visit_f64(number))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<CandleRow, E> {
        Ok(CandleRow::Unreadable(flag.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<CandleRow, E> {
        Ok(CandleRow::Unreadable("null".to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<CandleRow, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(CandleRow::Unreadable("an object".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(json: &str) -> CandleRow {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn numbers_come_as_numbers_or_strings() {
        let row = read(r#"[1583127900000, "1583127900000", " 0.5", -1, 2.5]"#);
        let at = "2020-03-02T05:45:00Z".parse().unwrap();
        assert_eq!((row.instant(0), row.instant(1)), (Ok(at), Ok(at)));
        assert_eq!([2, 3, 4].map(|index| row.number(index).unwrap().to_bits()), [0.5_f64, -1.0, 2.5].map(f64::to_bits));
    }

    #[rstest]
    #[case(r#"["NaN"]"#, "field 0: `NaN` is not a number")]
    #[case(r#"["inf"]"#, "field 0: `inf` is not a number")]
    #[case(r#"["1,5"]"#, "field 0: `1,5` is not a number")]
    #[case("[null]", "field 0: `null` is not a number")]
    #[case("[true]", "field 0: `true` is not a number")]
    #[case(r#"[{"a": [1]}]"#, "field 0: `an object` is not a number")]
    #[case("[[1]]", "field 0: a list is not a number")]
    #[case("[]", "field 0 is missing")]
    #[case("7", "field 0 is missing")]
    #[case(r#"{"0": 7}"#, "field 0 is missing")]
    fn what_is_no_number_is_told(#[case] json: &str, #[case] reason: &str) {
        assert_eq!(read(json).number(0), Err(reason.to_owned()));
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(CandleRow::from(&value), read(json));
    }

    #[rstest]
    #[case("[99999999999999999]")]
    #[case("[1.5]")]
    #[case(r#"["1e300"]"#)]
    fn what_is_no_instant_of_our_time_is_told(#[case] json: &str) {
        assert!(read(json).instant(0).unwrap_err().contains("is not an instant in milliseconds"));
    }
}
