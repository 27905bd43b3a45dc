use csv::ByteRecord;
use serde_json::{Map, Value};

use crate::files::column::{Header, Need, first_names};
use crate::files::row::{CellFormat, Row};
use crate::files::{Column, Place, RowError, RowFault};

/// A row that was written as a JSON object, its fields laid out as cells.
#[derive(Debug)]
pub(super) struct JsonRow {
    header: Header,
    cells: ByteRecord,
    place: Place,
}

impl JsonRow {
    /// Takes an object whose fields must all be among the wanted columns, and of their type.
    pub(super) fn new(object: &Map<String, Value>, wanted: &[(Column, Need)], place: Place) -> Result<Self, RowError> {
        let blame = |name: &str, fault| RowError { place, column: Some(name.to_owned()), fault };
        let mut columns: Vec<(Column, &str)> = Vec::with_capacity(object.len());
        let mut cells = ByteRecord::new();
        for (name, value) in object {
            let Some(&(column, _)) = wanted.iter().find(|(column, _)| column.is_called(name)) else {
                return Err(blame(name, RowFault::Unknown { name: name.clone(), known: first_names(wanted) }));
            };
            if let Some((_, first)) = columns.iter().find(|(other, _)| *other == column) {
                return Err(blame(name, RowFault::Twice { first: (*first).to_owned(), second: name.clone() }));
            }
            cells.push_field(cell(column, value).map_err(|fault| blame(name, fault))?.as_bytes());
            columns.push((column, name));
        }
        let missing = wanted.iter().find(|(column, need)| *need == Need::Required && columns.iter().all(|(it, _)| it != column));
        if let Some(&(column, _)) = missing {
            return Err(RowError { place, column: None, fault: RowFault::Missing(column) });
        }
        Ok(Self { header: Header::of(&columns), cells, place })
    }

    /// The row, to be asked by what its columns mean.
    pub(super) const fn row<'a>(&'a self, format: &'a CellFormat) -> Row<'a> {
        Row { cells: &self.cells, header: &self.header, place: self.place, format }
    }
}

/// A value as the text of a cell; null is a blank one.
fn cell(column: Column, value: &Value) -> Result<String, RowFault> {
    match (value, column.is_number()) {
        (Value::Null, _) => Ok(String::new()),
        (Value::Number(number), true) => Ok(number.to_string()),
        // A Unix time is a number, and is read like one in text.
        (Value::Number(number), false) if matches!(column, Column::Time | Column::KnownAt) => Ok(number.to_string()),
        (Value::String(text), false) if text.trim().is_empty() => Err(RowFault::Blank),
        (Value::String(text), false) => Ok(text.clone()),
        (other, is_number) => Err(RowFault::Type { found: kind(other), expected: if is_number { "a number" } else { "text" } }),
    }
}

/// What kind of value it is, in words.
pub(super) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
