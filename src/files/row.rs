use std::fmt::Display;
use std::io::Read;
use std::str::FromStr;

use csv::ByteRecord;

use crate::domain::{Asset, Metric, Timestamp, finite};
use crate::files::column::Header;
use crate::files::guard::LineLimitReader;
use crate::files::{Column, FileError, Place, RowError, RowFault};

/// A CSV file whose header was read.
pub(super) struct Table<R: Read> {
    reader: csv::Reader<LineLimitReader<R>>,
    names: Vec<String>,
}

/// One row, asked by what its columns mean.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// Its cells as text.
    pub(super) cells: &'a ByteRecord,
    /// Which cell holds what.
    pub(super) header: &'a Header,
    /// Where it stands.
    pub(super) place: Place,
}

impl<R: Read> Table<R> {
    /// Reads the header line.
    pub(super) fn open(input: R) -> Result<Self, FileError> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(LineLimitReader::new(input));
        let record = reader.byte_headers().map_err(fatal)?;
        let names = record
            .iter()
            .map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| FileError::Binary { line: 1 })?;
        if names.iter().all(String::is_empty) {
            return Err(FileError::Empty);
        }
        Ok(Self { reader, names })
    }

    /// The names of the columns, from left to right.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Hands each row to `take`, until that fails.
    pub(super) fn for_each(
        &mut self,
        header: &Header,
        mut take: impl FnMut(&Row<'_>) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let mut cells = ByteRecord::new();
        while self.reader.read_byte_record(&mut cells).map_err(fatal)? {
            let place = Place::Line(cells.position().map_or(0, csv::Position::line));
            take(&Row { cells: &cells, header, place })?;
        }
        Ok(())
    }
}

impl Row<'_> {
    /// Blames a column for a fault, even one that is not there.
    pub(super) fn blame(&self, column: Column, fault: impl Into<RowFault>) -> RowError {
        let name = self.header.name_of(column).or_else(|| column.recognised().first().copied());
        RowError { place: self.place, column: name.map(str::to_owned), fault: fault.into() }
    }

    /// Blames the row as a whole.
    pub(super) fn fault(&self, fault: impl Into<RowFault>) -> RowError {
        RowError { place: self.place, column: None, fault: fault.into() }
    }

    /// A row that was cut off has fewer fields than the header.
    pub(super) fn check_width(&self) -> Result<(), RowError> {
        let (found, expected) = (self.cells.len(), self.header.width());
        if found == expected { Ok(()) } else { Err(self.fault(RowFault::Width { found, expected })) }
    }

    /// The text of a column; `None` where the file has no such column or the field is blank.
    pub(super) fn text(&self, column: Column) -> Result<Option<&str>, RowError> {
        let Some(bytes) = self.header.place(column).and_then(|place| self.cells.get(place)) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes).map_err(|_| self.blame(column, RowFault::NotText))?.trim();
        Ok((!text.is_empty()).then_some(text))
    }

    /// Whether the name of a column says that it holds USD.
    pub(super) fn is_in_usd(&self, column: Column) -> bool {
        self.header.name_of(column).is_some_and(|name| name.to_ascii_lowercase().ends_with("usd"))
    }

    /// The text of a column that must say something.
    pub(super) fn required_text(&self, column: Column) -> Result<&str, RowError> {
        self.text(column)?.ok_or_else(|| self.blame(column, RowFault::Blank))
    }

    /// The name in a column that must hold one.
    pub(super) fn named<T: FromStr<Err: Display>>(&self, column: Column) -> Result<T, RowError> {
        self.required_text(column)?.parse().map_err(|error: T::Err| self.blame(column, RowFault::Name(error.to_string())))
    }

    /// The finite number in a column; `None` where it is blank.
    pub(super) fn number(&self, column: Column) -> Result<Option<f64>, RowError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        let number = text.parse::<f64>().map_err(|_| self.blame(column, RowFault::Number(text.to_owned())))?;
        finite(number).map(Some).map_err(|fault| self.blame(column, fault))
    }

    /// A number the metric of the asset can take; `None` where the field is blank.
    pub(super) fn plausible_number(&self, column: Column, metric: Metric, asset: &Asset) -> Result<Option<f64>, RowError> {
        let (least, greatest) = metric.plausible(asset);
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
