use std::fmt;

use crate::domain::{Asset, InvalidBar, InvalidSeriesKey, InvalidTimestamp, NonFinite, Timestamp, did_you_mean};
use crate::files::Column;

/// Why a file was not taken. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be opened or read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// Not a single byte of text.
    #[error("the file is empty: it should begin with a line that names its columns")]
    Empty,
    /// A header without rows.
    #[error("the file holds a header line and no rows")]
    NoRows,
    /// A zero byte, or a header that is not text.
    #[error("line {line}: this is not a text file; if it is compressed, unpack it first")]
    Binary {
        /// The line, counted from 1.
        line: u64,
    },
    /// A line that does not end.
    #[error("line {line} is longer than {limit} bytes; is this a CSV file with one row a line?")]
    LineTooLong {
        /// The line, counted from 1.
        line: u64,
        /// The most bytes a line may have.
        limit: usize,
    },
    /// A quoted field that runs over the end of its line.
    #[error("line {line}: a quoted field does not end on this line; a quote is missing or there is one too many")]
    UnclosedQuote {
        /// The line, counted from 1.
        line: u64,
    },
    /// The header lacks a column that is needed.
    #[error("line 1: no column {} in the header ({})", one_of(column.recognised()), header.join(", "))]
    MissingColumn {
        /// What the column would hold.
        column: Column,
        /// The columns there are.
        header: Vec<String>,
    },
    /// A column named by a flag is not there.
    #[error("line 1: {} `{name}` is not in the header ({}){}", column.flag(), header.join(", "), did_you_mean(name, header.iter().map(String::as_str)))]
    NoSuchColumn {
        /// What the column would hold.
        column: Column,
        /// The name that was given.
        name: String,
        /// The columns there are.
        header: Vec<String>,
    },
    /// Two columns could both be meant.
    #[error("line 1: `{first}` and `{second}` could both be meant")]
    AmbiguousColumn {
        /// What the column would hold.
        column: Column,
        /// The first candidate.
        first: String,
        /// The second candidate.
        second: String,
    },
    /// The header names a column that nothing is known of, where all must be known.
    #[error("line 1: nothing is known of a column `{name}`{}", did_you_mean(name, known.iter().map(String::as_str)))]
    UnknownColumn {
        /// Its name.
        name: String,
        /// The names that would be understood.
        known: Vec<String>,
    },
    /// The header names a column twice.
    #[error("line 1: the column `{name}` stands twice in the header; rename one of them")]
    RepeatedColumn {
        /// The name.
        name: String,
    },
    /// Neither a flag nor the file's name says what the rows are about.
    #[error("which {what}? give {flag}, or name the file like {example}")]
    Unnamed {
        /// What is not known.
        what: &'static str,
        /// The flag that says it.
        flag: &'static str,
        /// A file name that says it.
        example: &'static str,
    },
    /// Text that is not the JSON it should be.
    #[error("line {line}, column {column}: {reason}")]
    Json {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// JSON that is no batch of rows.
    #[error("the body is one object whose only field is `rows`, a list of rows")]
    NoBatch,
    /// More rows than are taken at once.
    #[error("there are more than {limit} rows; send fewer at once")]
    TooManyRows {
        /// The most that are taken.
        limit: usize,
    },
    /// Flags and the file both name the series.
    #[error("the rows name their series in the column `series`; leave out --asset, --source, --interval, --metric and --part")]
    NamedTwice,
    /// What the flags say makes no series.
    #[error(transparent)]
    Key(#[from] InvalidSeriesKey),
    /// Rows that cannot be taken.
    #[error("{0}\nnothing was imported; correct the rows, or leave them out with --skip-bad")]
    BadRows(BadRows),
}

/// The rows that cannot be taken: the first of them, and how many there are.
#[derive(Debug, Clone, Default)]
pub struct BadRows {
    /// The first [`BadRows::LISTED`] of them, in the order of the file.
    pub first: Vec<RowError>,
    /// How many there are.
    pub count: u64,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On a line of a text, counted from 1; a header is line 1.
    Line(u64),
    /// In a list of rows, counted from 1.
    Row(u64),
}

/// A row that cannot be taken, by place and column.
#[derive(Debug, Clone)]
pub struct RowError {
    /// Where it stands.
    pub place: Place,
    /// The column's name, where one is to blame.
    pub column: Option<String>,
    /// What is wrong.
    pub fault: RowFault,
}

/// What is wrong with a row.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RowFault {
    /// Fewer or more fields than the header.
    #[error("{found} fields where the header has {expected}")]
    Width {
        /// Fields in the row.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// Bytes that are no UTF-8 text.
    #[error("is not UTF-8 text")]
    NotText,
    /// No field where one is needed.
    #[error("{} is missing", one_of(.0.recognised()))]
    Missing(Column),
    /// A field that nothing is known of.
    #[error("nothing is known of a field `{name}`{}", did_you_mean(name, known.iter().map(String::as_str)))]
    Unknown {
        /// Its name.
        name: String,
        /// The names that would be understood.
        known: Vec<String>,
    },
    /// Two fields that mean the same.
    #[error("`{first}` and `{second}` mean the same; leave one out")]
    Twice {
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// A JSON value of another type than the field has.
    #[error("{found} stands where {expected} is needed")]
    Type {
        /// What stands there.
        found: &'static str,
        /// What is needed.
        expected: &'static str,
    },
    /// A field that must say something is blank.
    #[error("is blank")]
    Blank,
    /// Not a number.
    #[error("`{0}` is not a number")]
    Number(String),
    /// NaN or infinite.
    #[error(transparent)]
    NonFinite(#[from] NonFinite),
    /// Not an instant.
    #[error(transparent)]
    Time(#[from] InvalidTimestamp),
    /// Prices that make no bar.
    #[error(transparent)]
    Bar(#[from] InvalidBar),
    /// A value no market has.
    #[error("{value} is outside of {least} to {greatest}, which is all this metric can be; is the unit right?")]
    Implausible {
        /// The value.
        value: f64,
        /// The least plausible value.
        least: f64,
        /// The greatest plausible value.
        greatest: f64,
    },
    /// An amount below zero.
    #[error("{0} is negative")]
    Negative(f64),
    /// A name that cannot be an asset, source, fund or series.
    #[error("{0}")]
    Name(String),
    /// A side that is none.
    #[error("`{0}` is not a side: {1}")]
    Side(String, &'static str),
    /// A name that is not one of an option on the asset of the file.
    #[error("`{name}` is no option on {asset}, which are named like {}-29MAY26-82000-P", asset.as_str().to_ascii_uppercase())]
    Option {
        /// The name.
        name: String,
        /// The asset.
        asset: Asset,
    },
    /// An option that was gone at the instant of the row.
    #[error("it expired at {0}, and the row speaks of that instant or a later one")]
    Expired(Timestamp),
    /// Two forwards of one expiry in one snapshot.
    #[error("{value} is not near {known}, the forward of the same expiry and instant in {first}")]
    Forward {
        /// The forward of the row, USD.
        value: f64,
        /// The forward that was stated first, USD.
        known: f64,
        /// Where that stands.
        first: Place,
    },
    /// The same point twice.
    #[error("{at} was already stated in {first}")]
    Duplicate {
        /// The instant.
        at: Timestamp,
        /// Where it stands first.
        first: Place,
    },
    /// Time runs backwards.
    #[error("{at} comes before {previous} of {previous_place}; sort the file, or say --unsorted")]
    OutOfOrder {
        /// The instant.
        at: Timestamp,
        /// The instant of the row before.
        previous: Timestamp,
        /// Where the row before stands.
        previous_place: Place,
    },
}

impl FileError {
    /// The flag of the command line that helps, in words to be added to the message; mostly empty.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::MissingColumn { column, .. } | Self::AmbiguousColumn { column, .. } if !column.flag().is_empty() => {
                format!("; say which one with {}", column.flag())
            }
            _ => String::new(),
        }
    }
}

impl BadRows {
    /// How many are described one by one.
    pub const LISTED: usize = 20;

    pub(super) fn push(&mut self, error: RowError) {
        if self.first.len() < Self::LISTED {
            self.first.push(error);
        }
        self.count += 1;
    }
}

impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bad {}:", self.count, if self.count == 1 { "row" } else { "rows" })?;
        for error in &self.first {
            write!(f, "\n  {error}")?;
        }
        match self.count - self.first.len() as u64 {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}, column {column}: {}", self.place, self.fault),
            None => write!(f, "{}: {}", self.place, self.fault),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [only] => format!("`{only}`"),
        _ => format!("named one of {}", names.join(", ")),
    }
}
