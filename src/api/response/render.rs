//! Writes an answer as JSON, CSV or NDJSON. Never NaN, Infinity or `-0`.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::api::response::csv_columns::{Column, Table};
use crate::api::response::negotiation::{Format, Representation, SourceDetail, TimeFormat};
use crate::domain::Timestamp;
use crate::metrics::{Answer, Meta, SourceEntry, Warning, Words};

/// Where the neighbours of a page are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(in crate::api) struct Links {
    /// The next page; null on the last one.
    pub next: Option<String>,
}

/// An answer as it is written.
#[derive(Serialize)]
struct Envelope<'a, T> {
    data: &'a T,
    meta: &'a Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<SourceEntry>>,
    warnings: &'a [Warning],
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<&'a Links>,
}

/// Writes an answer. CSV and NDJSON hold the data alone.
///
/// # Errors
/// When a value cannot be written as JSON, such as a map whose keys are no texts: a fault of the answer's type.
pub(in crate::api) fn render<T: Serialize>(
    answer: &Answer<T>,
    links: Option<&Links>,
    representation: Representation,
    table: &Table,
) -> serde_json::Result<Vec<u8>> {
    let Representation { format, time_format, sources: detail } = representation;
    match format {
        Format::Json => {
            let Answer { data, meta, sources, warnings, .. } = answer;
            let sources = match detail {
                SourceDetail::Summary => Some(SourceEntry::of_sources(sources)),
                SourceDetail::Full => Some(SourceEntry::of_series(sources)),
                SourceDetail::None => None,
            };
            let envelope = Envelope { data, meta, sources, warnings, links };
            if time_format == TimeFormat::Rfc3339 { json(&envelope) } else { json(&tree(&envelope, time_format)?) }
        }
        Format::Csv => csv(table.rows(tree(&answer.data, time_format)?), table.columns()),
        Format::Ndjson => ndjson(table.rows(tree(&answer.data, time_format)?)),
        Format::Text => words(answer).map(|words| words.text.clone().into_bytes()),
        Format::Markdown => words(answer).map(|words| words.markdown.clone().into_bytes()),
    }
}

fn words<T>(answer: &Answer<T>) -> serde_json::Result<&Words> {
    answer.words.as_ref().ok_or_else(|| serde::ser::Error::custom("the answer has no words"))
}

/// Writes anything as JSON by the rules of the contract.
///
/// # Errors
/// As [`render`].
pub(in crate::api) fn json<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1_024);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, WithoutNegativeZero))?;
    Ok(bytes)
}

/// Compact JSON in which zero has no sign; `serde_json` itself writes what is not finite as null.
struct WithoutNegativeZero;

impl Formatter for WithoutNegativeZero {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        CompactFormatter.write_f64(writer, value + 0.0)
    }
}

fn tree<T: Serialize>(value: &T, time_format: TimeFormat) -> serde_json::Result<Value> {
    let mut tree = serde_json::to_value(value)?;
    if time_format == TimeFormat::UnixMs {
        instants_to_unix_ms(&mut tree);
    }
    Ok(tree)
}

/// Every text that is exactly an instant as this service writes them becomes a number.
fn instants_to_unix_ms(tree: &mut Value) {
    match tree {
        Value::String(text) if text.len() >= 20 && text.ends_with('Z') => {
            if let Ok(instant) = text.parse::<Timestamp>() {
                *tree = instant.unix_ms().into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(instants_to_unix_ms),
        Value::Object(fields) => fields.values_mut().for_each(instants_to_unix_ms),
        _ => {}
    }
}

fn ndjson(rows: Vec<Value>) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for row in rows {
        bytes.extend(json(&row)?);
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn csv(rows: Vec<Value>, columns: &[Column]) -> serde_json::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let io = |error: csv::Error| serde_json::Error::io(error.into());
    writer.write_record(columns.iter().map(Column::name)).map_err(io)?;
    for row in rows {
        let cells = columns.iter().map(|column| column.of(&row).map_or(Ok(vec![]), cell));
        writer.write_record(cells.collect::<serde_json::Result<Vec<_>>>()?).map_err(io)?;
    }
    writer.into_inner().map_err(|error| serde_json::Error::io(error.into_error()))
}

/// One cell: nothing for null, bare text, else JSON.
fn cell(value: &Value) -> serde_json::Result<Vec<u8>> {
    match value {
        Value::Null => Ok(vec![]),
        Value::String(text) => Ok(text.clone().into_bytes()),
        other => json(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json as literal;

    #[test]
    fn what_is_not_finite_is_null_and_zero_has_no_sign() {
        assert_eq!(json(&[f64::NAN, f64::INFINITY, -0.0, 1.5]).unwrap(), b"[null,null,0.0,1.5]");
    }

    #[test]
    fn instants_become_numbers_and_nothing_else_does() {
        let mut tree = literal!({"at": "1970-01-01T00:00:01Z", "rows": ["1970-01-01", "Z", "a note that ends with Z"], "n": 1});
        instants_to_unix_ms(&mut tree);
        assert_eq!(tree, literal!({"at": 1000, "rows": ["1970-01-01", "Z", "a note that ends with Z"], "n": 1}));
    }

    #[test]
    fn an_object_is_one_row_with_dotted_columns_and_lists_as_json() {
        let columns: Vec<Column> = ["price", "low.at", "low.value", "parts"].map(Column::new).into();
        let rows = vec![literal!({"price": -0.0, "low": null, "parts": [{"a": 1}, "x,\"y\""]})];
        let text = String::from_utf8(csv(rows, &columns).unwrap()).unwrap();
        assert_eq!(text, "price,low.at,low.value,parts\r\n0.0,,,\"[{\"\"a\"\":1},\"\"x,\\\"\"y\\\"\"\"\"]\"\r\n");
    }

    #[test]
    fn a_list_without_rows_still_has_its_header() {
        assert_eq!(csv(vec![], &[Column::new("a"), Column::new("b")]).unwrap(), b"a,b\r\n");
    }

    proptest! {
        #[test]
        fn a_finite_number_reads_back_as_written(value in prop::num::f64::NORMAL | prop::num::f64::ZERO) {
            let text = String::from_utf8(json(&value).unwrap()).unwrap();
            prop_assert!(!text.starts_with("-0.0") || value < 0.0);
            prop_assert!((text.parse::<f64>().unwrap() - value).abs() <= f64::EPSILON * value.abs());
        }
    }
}
