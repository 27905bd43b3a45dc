//! Parquet: typed columns, given out as cells of text.

use bytes::Bytes;
use csv::ByteRecord;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};

use crate::domain::Timestamp;
use crate::files::{FileError, Place};

/// The names of the columns and the first rows as text.
pub(super) fn head(bytes: &Bytes, limit: usize) -> Result<(Vec<String>, Vec<Vec<String>>), FileError> {
    let reader = SerializedFileReader::new(bytes.clone()).map_err(|error| damaged(&error))?;
    let fields = reader.metadata().file_metadata().schema().get_fields();
    let names = fields.iter().map(|field| field.name().to_owned()).collect();
    let rows = reader.get_row_iter(None).map_err(|error| damaged(&error))?.take(limit);
    let rows = rows.map(|row| row.map(|row| row.get_column_iter().map(|(_, field)| text(field)).collect()));
    Ok((names, rows.collect::<Result<_, _>>().map_err(|error| damaged(&error))?))
}

/// Hands each row to `take`, until that fails.
pub(super) fn each(bytes: &Bytes, take: &mut dyn FnMut(&ByteRecord, Place) -> Result<(), FileError>) -> Result<(), FileError> {
    let reader = SerializedFileReader::new(bytes.clone()).map_err(|error| damaged(&error))?;
    for (number, row) in (1..).zip(reader.get_row_iter(None).map_err(|error| damaged(&error))?) {
        let row: Row = row.map_err(|error| damaged(&error))?;
        let cells: ByteRecord = row.get_column_iter().map(|(_, field)| text(field)).collect::<Vec<String>>().into();
        take(&cells, Place::Row(number))?;
    }
    Ok(())
}

/// A value as text; the unit of a time comes from its type.
fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::TimestampMillis(ms) => Timestamp::from_unix_ms(*ms).to_string(),
        Field::TimestampMicros(us) => Timestamp::from_unix_ms(us.div_euclid(1_000)).to_string(),
        Field::Date(days) => Timestamp::from_unix_ms(0).plus_days(i64::from(*days)).date().to_string(),
        Field::Double(number) => number.to_string(),
        Field::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

fn damaged(error: &ParquetError) -> FileError {
    FileError::Io(std::io::Error::other(format!("the parquet file is damaged or of a kind that is not read: {error}")))
}
