use chrono::NaiveDate;

use crate::domain::{InvalidSeriesKey, Period, did_you_mean};
use crate::files::row_fault::one_of;
use crate::files::{BadRows, Column, FileKind, Place};

/// Why a file was not taken. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be opened or read.
    #[error("the file cannot be read: {0}")]
    Io(std::io::Error),
    /// Not a single byte of text.
    #[error("the file is empty: it should begin with a line that names its columns")]
    Empty,
    /// A header without rows.
    #[error("the file holds a header line and no rows")]
    NoRows,
    /// A folder.
    #[error("this is a folder; name the files in it, such as folder/*.csv")]
    Folder,
    /// A file that is often taken for a table and is none, or holds nothing that can be stored.
    #[error("this is {what}: {advice}")]
    NotRows {
        /// What it is.
        what: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// An archive of no file or of several.
    #[error("{}", of_members(members))]
    Members {
        /// The files in it.
        members: Vec<String>,
    },
    /// A packed file that is very much larger when it is unpacked.
    #[error("the file unpacks to more than {limit_bytes} bytes, which is far more than a table of its size; unpack it first")]
    TooLarge {
        /// The most bytes that are unpacked.
        limit_bytes: u64,
    },
    /// No delimiter between cells, or several that fit.
    #[error("{}; say which one with --delimiter, such as --delimiter ';'", of_delimiters(candidates))]
    Delimiter {
        /// Those that fit.
        candidates: Vec<char>,
    },
    /// A table without names that is no publisher's.
    #[error(
        "the first line holds values and no names, and the layout is none that is known; name the columns in their order with --columns, such as --columns time,open,high,low,close,volume"
    )]
    NoNames,
    /// A table whose columns fit no kind of file.
    #[error(
        "which kind of file? its columns ({}) are those of none; name one of candles, series, etf-flows, liquidations, orders and options before the file",
        listed(header)
    )]
    UnknownKind {
        /// The columns there are.
        header: Vec<String>,
    },
    /// A preset that does not exist.
    #[error("there is no preset `{name}`{}; `market-stress import --list-presets` lists them", did_you_mean(name, crate::files::PRESETS.iter().map(|preset| preset.name)))]
    UnknownPreset {
        /// What was given.
        name: String,
    },
    /// A preset that does not fit.
    #[error("the file is not in the layout of {preset} ({about}); leave out --as")]
    OtherLayout {
        /// The preset.
        preset: &'static str,
        /// What it reads.
        about: &'static str,
    },
    /// A publisher's file of another kind than was asked for.
    #[error("the file has the layout of {preset}, which is read by `import {kind}`")]
    OtherKind {
        /// The preset.
        preset: &'static str,
        /// What it is.
        kind: FileKind,
    },
    /// A flag that contradicts the content.
    #[error("{flag} {given} contradicts the content of the file, which is about {found}")]
    Contradiction {
        /// The flag.
        flag: &'static str,
        /// What it says.
        given: String,
        /// What the content says.
        found: String,
    },
    /// A flag without a meaning for the kind of file.
    #[error("{flag} has no meaning for {kind}")]
    Meaningless {
        /// The flag.
        flag: &'static str,
        /// The kind of file.
        kind: FileKind,
    },
    /// Dates that can be read in two ways.
    #[error("`{example}` is {first} or {second}, and no row and no interval decides; --date-order dmy or mdy does")]
    DateOrder {
        /// The first such cell.
        example: String,
        /// Read day first.
        first: NaiveDate,
        /// Read month first.
        second: NaiveDate,
    },
    /// Numbers that can be read in two ways.
    #[error(
        "`{example}` can be read with a decimal comma or with a comma between thousands, and no other cell decides; --decimal comma or point does"
    )]
    Decimal {
        /// The first such cell.
        example: String,
    },
    /// Sums of money of an unknown scale.
    #[error(
        "no value of `{column}` reaches {limit_usd} USD, so they are probably in millions; --values-in millions, or --values-in units, decides"
    )]
    Scale {
        /// The column.
        column: String,
        /// What a flow would reach in dollars.
        limit_usd: f64,
    },
    /// Rows that are not as far apart as their interval.
    #[error(
        "the rows are said to be {interval} apart{origin}, and most of them are {usual} apart: {place} follows {before} by {gap}; give the --interval that fits"
    )]
    Spacing {
        /// The stated interval.
        interval: Period,
        /// Where it was stated, in words.
        origin: String,
        /// The most frequent gap, in words.
        usual: String,
        /// The first gap that does not fit, in words.
        gap: String,
        /// Where its second row stands.
        place: Place,
        /// Where its first row stands.
        before: Place,
    },
    /// Hours that only local clocks leave out.
    #[error(
        "{place} follows by two hours in a night in which clocks go forward, so the times are probably local; --zone states their zone, such as --zone Europe/Berlin, or --zone UTC"
    )]
    LocalTimes {
        /// The row after the hour that is left out.
        place: Place,
    },
    /// A zero byte, or a header that is not text.
    #[error("line {line}: this is not a text file")]
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
    /// Rows that are all empty or left out.
    #[error("none of the {rows} rows states a value")]
    NothingStated {
        /// Rows in the file.
        rows: u64,
    },
    /// The header lacks a column that is needed.
    #[error("line 1: no column {} in the header ({})", one_of(column.recognised()), listed(header))]
    MissingColumn {
        /// What the column would hold.
        column: Column,
        /// The columns there are.
        header: Vec<String>,
    },
    /// A column named by a flag is not there.
    #[error("line 1: {} `{name}` is not in the header ({}){}", column.flag(), listed(header), did_you_mean(name, header.iter().map(String::as_str)))]
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
    #[error("{0}\nnothing of the file was stored; correct the rows, or leave them out with --skip-bad")]
    BadRows(BadRows),
    /// Every row was refused, so that nothing is left to store.
    #[error("{0}\nno row is left to store")]
    NoGoodRows(BadRows),
}

impl FileError {
    /// The flag of the command line that helps, in words to be added to the message; mostly empty.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::MissingColumn { column: Column::Time, .. } => {
                "; say which one with --time-column, or state the one instant of all rows with --at".to_owned()
            }
            Self::MissingColumn { column, .. } | Self::AmbiguousColumn { column, .. } if !column.flag().is_empty() => {
                format!("; say which one with {}", column.flag())
            }
            _ => String::new(),
        }
    }

    /// What the JSON parser reports, with the line of the text.
    pub(super) fn json(line: usize, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
        Self::Json { line, column: error.column(), reason }
    }
}

/// A fault that a reader passed on as one of input and output is itself again.
impl From<std::io::Error> for FileError {
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(fault) => fault,
            Err(error) => Self::Io(error),
        }
    }
}

/// The first names of a header.
fn listed(names: &[String]) -> String {
    const LISTED: usize = 20;
    let first = names.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED { format!("{first} and {} more", names.len() - LISTED) } else { first }
}

fn of_members(members: &[String]) -> String {
    match members.len() {
        0 => "the archive holds no file".to_owned(),
        _ => format!("the archive holds several files ({}); unpack it and import them by name", listed(members)),
    }
}

fn of_delimiters(candidates: &[char]) -> String {
    match candidates {
        [] => "no delimiter gives two or more cells in most lines".to_owned(),
        several => {
            let several: Vec<String> = several.iter().map(|letter| format!("`{}`", letter.escape_default())).collect();
            format!("{} both fit", several.join(" and "))
        }
    }
}
