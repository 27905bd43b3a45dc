use std::io::Read;

use csv::ByteRecord;

use crate::domain::{Metric, Timestamp, finite};
use crate::files::column::{Header, Need};
use crate::files::guard::LineGuard;
use crate::files::{Column, ColumnNames, FileError, RowError, RowFault};

/// A CSV file with its header understood.
pub(super) struct Table<R: Read> {
    reader: csv::Reader<LineGuard<R>>,
    header: Header,
}

/// One row of a table, asked by what its columns mean.
#[derive(Debug)]
pub(super) struct Row<'a> {
    record: &'a ByteRecord,
    header: &'a Header,
}

impl<R: Read> Table<R> {
    /// Reads the header line.
    pub(super) fn open(input: R, wanted: &[(Column, Need)], chosen: &ColumnNames) -> Result<Self, FileError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(LineGuard::new(input));
        let record = reader.byte_headers().map_err(fatal)?;
        let names = record
            .iter()
            .map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| FileError::Binary { line: 1 })?;
        if names.iter().all(String::is_empty) {
            return Err(FileError::Empty);
        }
        let header = Header::resolve(names, wanted, chosen)?;
        Ok(Self { reader, header })
    }

    pub(super) const fn header(&self) -> &Header {
        &self.header
    }

    /// Hands each row to `take`.
    pub(super) fn for_each(&mut self, mut take: impl FnMut(&Row<'_>)) -> Result<(), FileError> {
        let mut record = ByteRecord::new();
        while self.reader.read_byte_record(&mut record).map_err(fatal)? {
            take(&Row { record: &record, header: &self.header });
        }
        Ok(())
    }
}

impl Row<'_> {
    /// The line it stands on, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// Blames a column for a fault.
    pub(super) fn blame(&self, column: Column, fault: impl Into<RowFault>) -> RowError {
        RowError { line: self.line(), column: self.header.name(column), fault: fault.into() }
    }

    /// Blames the row as a whole.
    pub(super) fn fault(&self, fault: impl Into<RowFault>) -> RowError {
        RowError { line: self.line(), column: None, fault: fault.into() }
    }

    /// A row that was cut off has fewer fields than the header.
    pub(super) fn check_width(&self) -> Result<(), RowError> {
        let (found, expected) = (self.record.len(), self.header.width());
        if found == expected { Ok(()) } else { Err(self.fault(RowFault::Width { found, expected })) }
    }

    /// The text of a column; `None` where the file has no such column or the field is blank.
    pub(super) fn text(&self, column: Column) -> Result<Option<&str>, RowError> {
        let Some(bytes) = self.header.place(column).and_then(|place| self.record.get(place)) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes).map_err(|_| self.blame(column, RowFault::NotText))?.trim();
        Ok((!text.is_empty()).then_some(text))
    }

    /// The text of a column that must say something.
    pub(super) fn required_text(&self, column: Column) -> Result<&str, RowError> {
        self.text(column)?.ok_or_else(|| self.blame(column, RowFault::Blank))
    }

    /// The finite number in a column; `None` where it is blank.
    pub(super) fn number(&self, column: Column) -> Result<Option<f64>, RowError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        let number = text.parse::<f64>().map_err(|_| self.blame(column, RowFault::Number(text.to_owned())))?;
        finite(number).map(Some).map_err(|fault| self.blame(column, fault))
    }

    /// A number the metric can take; `None` where the field is blank.
    pub(super) fn plausible_number(&self, column: Column, metric: Metric) -> Result<Option<f64>, RowError> {
        let (least, greatest) = metric.plausible();
        match self.number(column)? {
            Some(value) if !(least..=greatest).contains(&value) => {
                Err(self.blame(column, RowFault::Implausible { value, least, greatest }))
            }
            number => Ok(number),
        }
    }

    /// The instant the row speaks of.
    pub(super) fn observed_at(&self) -> Result<Timestamp, RowError> {
        self.required_text(Column::Time)?
            .parse()
            .map_err(|fault: crate::domain::InvalidTimestamp| self.blame(Column::Time, fault))
    }

    /// The row's real vintage, where the file gives one.
    pub(super) fn known_at(&self) -> Result<Option<Timestamp>, RowError> {
        let Some(text) = self.text(Column::KnownAt)? else { return Ok(None) };
        text.parse().map(Some).map_err(|fault: crate::domain::InvalidTimestamp| self.blame(Column::KnownAt, fault))
    }
}

/// Brings back the guard's own words from under the CSV reader.
fn fatal(error: csv::Error) -> FileError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => match error.downcast::<FileError>() {
            Ok(fault) => fault,
            Err(error) => FileError::Io(error),
        },
        other => FileError::Io(std::io::Error::other(format!("{other:?}"))),
    }
}
