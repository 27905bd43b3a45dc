use std::cmp::Ordering;
use std::fmt;

use crate::domain::{Asset, InvalidBar, NonFinite, Period, Timestamp, did_you_mean};
use crate::files::{Column, InstantFault};

/// The rows that cannot be taken: the first of them, and how many there are.
#[derive(Debug, Clone, Default)]
pub struct BadRows {
    /// The first [`BadRows::LISTED`] of them, in the order of the file.
    pub first: Vec<RowError>,
    /// How many there are.
    pub count: u64,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    #[error("byte 0x{0:02X} is not UTF-8 text; save the file as UTF-8")]
    NotText(u8),
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
    Time(#[from] InstantFault),
    /// Two columns of time that do not agree.
    #[error("`{first_name}` is {first} and `{second_name}` is {second}; say which one holds with --time-column")]
    TimesDiffer {
        /// The name of the first column.
        first_name: String,
        /// What it says.
        first: Timestamp,
        /// The name of the second column.
        second_name: String,
        /// What it says.
        second: Timestamp,
    },
    /// A row that does not begin where a row of its interval can.
    #[error("{at} is not where a row of {interval} begins; the one that holds it begins at {start}; {}", on_grid(*interval))]
    OffGrid {
        /// Its instant.
        at: Timestamp,
        /// Its interval.
        interval: Period,
        /// The start of the span that holds it.
        start: Timestamp,
    },
    /// A row that was known before it was over.
    #[error("known at {known_at}, before {over_at}, when what it speaks of was over")]
    KnownTooEarly {
        /// Its vintage.
        known_at: Timestamp,
        /// The end of its span.
        over_at: Timestamp,
    },
    /// Two volumes of a bar that contradict each other.
    #[error("{usd} USD for {coins} coins is a price of {price:.3}, which is outside of the bar; are the two volumes swapped?")]
    Volumes {
        /// The volume in USD.
        usd: f64,
        /// The volume in coins.
        coins: f64,
        /// Their quotient.
        price: f64,
    },
    /// More coins than exist.
    #[error("a volume of {coins} {asset} is more than the {limit} that can exist; is it in USD? --volume-means decides")]
    TooManyCoins {
        /// The volume.
        coins: f64,
        /// The coin.
        asset: Asset,
        /// How many can exist.
        limit: f64,
    },
    /// Another row about the same point, with another value.
    #[error("{at} was stated otherwise in {first}")]
    Otherwise {
        /// The instant.
        at: Timestamp,
        /// Where it stands first.
        first: Place,
    },
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
    /// A price of zero or less, where a quantity is divided by it.
    #[error("{0} is no price of a contract: it must be above zero")]
    NotPositive(f64),
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
}

impl RowFault {
    /// The column to blame for a fault of the clocks.
    pub(super) const fn column(&self) -> Column {
        match self {
            Self::KnownTooEarly { .. } => Column::KnownAt,
            _ => Column::Time,
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

/// What to do with rows that do not begin where a row of their interval can.
fn on_grid(interval: Period) -> &'static str {
    match interval.cmp(&Period::DAY) {
        Ordering::Less => "stamp each row with its start in UTC",
        Ordering::Equal => {
            "an exchange day that is stamped at local midnight, at the opening or at the close needs --day-of ZONE, such as \
             --day-of America/New_York"
        }
        Ordering::Greater => "weeks begin on Mondays; import the days, of which bars of any length are made",
    }
}

/// One of the names that would be understood.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [only] => format!("`{only}`"),
        _ => format!("named one of {}", names.join(", ")),
    }
}
