use std::collections::BTreeMap;

use crate::files::FileError;
use crate::files::sighting::is_same_name;

/// What a column of a file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// The series key of the row, as an export writes it; then nothing else has to name the series.
    Series,
    /// When it was true: start of a bar, instant of a reading, trading day, fill of an order.
    Time,
    /// When it was known: the row's real vintage.
    KnownAt,
    /// First price of a bar.
    Open,
    /// Highest price of a bar.
    High,
    /// Lowest price of a bar.
    Low,
    /// Last price of a bar.
    Close,
    /// Traded amount of a bar: in USD where its name ends in `usd`, else in coins.
    Volume,
    /// Traded amount of a bar in USD, beside the one in coins.
    QuoteVolume,
    /// The value of a reading.
    Value,
    /// The fund of an ETF flow.
    Fund,
    /// The flow of a fund, USD.
    Flow,
    /// Closed long positions, USD.
    Long,
    /// Closed short positions, USD.
    Short,
    /// The venue of an order.
    Source,
    /// The instrument of an order in the venue's words.
    Symbol,
    /// The underlying of an order; where it stands, quantity and price are per coin already.
    Asset,
    /// The side of an order.
    Side,
    /// The filled quantity of an order.
    Quantity,
    /// The average fill price of an order, USD.
    Price,
    /// The value of an order, USD.
    Usd,
    /// An option in the venue's words; the asset before it may be left out.
    Instrument,
    /// The implied volatility of an option's mark price, annualised percent.
    MarkIv,
    /// The forward of an option's expiry, USD.
    Underlying,
    /// The open interest of an option, coins.
    OpenInterest,
    /// What was traded of an option in 24 hours, coins.
    OptionVolume,
}

/// Whether a kind of file can do without a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// Columns the caller named, by what they mean; the rest is recognised by the header.
pub type ColumnNames = BTreeMap<Column, String>;

/// The header line: which field of a row holds what.
#[derive(Debug)]
pub(super) struct Header {
    names: Vec<String>,
    places: BTreeMap<Column, usize>,
    /// Other columns that are recognised as the time, which must agree with it.
    other_times: Vec<usize>,
}

/// Header names of the time column.
const TIME_NAMES: [&str; 11] =
    ["time", "open_time", "observed_at", "trading_day", "occurred_at", "at", "timestamp", "date", "datetime", "unix", "ts"];

impl Column {
    /// The header names that are recognised without a flag, in lower case.
    #[must_use]
    pub const fn recognised(self) -> &'static [&'static str] {
        match self {
            Self::Series => &["series"],
            Self::Time => &TIME_NAMES,
            Self::KnownAt => &["known_at"],
            Self::Open => &["open"],
            Self::High => &["high"],
            Self::Low => &["low"],
            Self::Close => &["close"],
            Self::Volume => &["volume", "volume_usd"],
            Self::QuoteVolume => &[],
            Self::Value => &["value"],
            Self::Fund => &["fund"],
            Self::Flow => &["flow_usd"],
            Self::Long => &["long_usd"],
            Self::Short => &["short_usd"],
            Self::Source => &["source"],
            Self::Symbol => &["symbol"],
            Self::Asset => &["asset"],
            Self::Side => &["side"],
            Self::Quantity => &["quantity", "filled_qty", "qty"],
            Self::Price => &["price_usd", "avg_price", "price"],
            Self::Usd => &["usd"],
            Self::Instrument => &["instrument", "instrument_name"],
            Self::MarkIv => &["mark_iv"],
            Self::Underlying => &["underlying_price", "underlying"],
            Self::OpenInterest => &["open_interest"],
            Self::OptionVolume => &["volume"],
        }
    }

    /// The columns of bars.
    pub(super) const fn candles() -> [Self; 6] {
        [Self::Time, Self::Open, Self::High, Self::Low, Self::Close, Self::Volume]
    }

    /// Whether it holds a number, and not text.
    #[must_use]
    pub(super) const fn is_number(self) -> bool {
        match self {
            Self::Series
            | Self::Time
            | Self::KnownAt
            | Self::Fund
            | Self::Source
            | Self::Symbol
            | Self::Asset
            | Self::Side
            | Self::Instrument => false,
            Self::Open
            | Self::High
            | Self::Low
            | Self::Close
            | Self::Volume
            | Self::QuoteVolume
            | Self::Value
            | Self::Flow
            | Self::Long
            | Self::Short
            | Self::Quantity
            | Self::Price
            | Self::Usd
            | Self::MarkIv
            | Self::Underlying
            | Self::OpenInterest
            | Self::OptionVolume => true,
        }
    }

    /// Whether a header of this name is recognised as this column.
    #[must_use]
    pub(super) fn is_called(self, name: &str) -> bool {
        self.recognised().iter().any(|known| is_same_name(name, known))
    }

    /// The flag of the command line that names this column; empty where there is none.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Series | Self::Source | Self::Asset | Self::QuoteVolume => "",
            Self::Time => "--time-column",
            Self::KnownAt => "--known-at-column",
            Self::Open => "--open-column",
            Self::High => "--high-column",
            Self::Low => "--low-column",
            Self::Close => "--close-column",
            Self::Volume | Self::OptionVolume => "--volume-column",
            Self::Value => "--value-column",
            Self::Fund => "--fund-column",
            Self::Flow => "--flow-column",
            Self::Long => "--long-column",
            Self::Short => "--short-column",
            Self::Symbol => "--symbol-column",
            Self::Side => "--side-column",
            Self::Quantity => "--quantity-column",
            Self::Price => "--price-column",
            Self::Usd => "--usd-column",
            Self::Instrument => "--instrument-column",
            Self::MarkIv => "--mark-iv-column",
            Self::Underlying => "--underlying-column",
            Self::OpenInterest => "--open-interest-column",
        }
    }
}

impl Header {
    /// Finds each wanted column among the names of the header line.
    pub(super) fn resolve(names: Vec<String>, wanted: &[(Column, Need)], chosen: &ColumnNames) -> Result<Self, FileError> {
        let (mut places, mut other_times) = (BTreeMap::new(), Vec::new());
        for &(column, need) in wanted {
            let place = match chosen.get(&column) {
                Some(name) => Some(find_named(&names, column, name)?),
                None if column == Column::Time => {
                    let mut times = (0..names.len()).filter(|&place| column.is_called(&names[place]));
                    let first = times.next();
                    other_times = times.collect();
                    first
                }
                None => find_recognised(&names, column)?,
            };
            match place {
                Some(place) => {
                    places.insert(column, place);
                }
                None if need == Need::Required => {
                    return Err(FileError::MissingColumn { column, header: names });
                }
                None => {}
            }
        }
        Ok(Self { names, places, other_times })
    }

    /// Finds every column of the header among the wanted ones; one that is none of them is refused.
    pub(super) fn resolve_all(names: Vec<String>, wanted: &[(Column, Need)]) -> Result<Self, FileError> {
        if let Some(name) = names.iter().find(|name| wanted.iter().all(|(column, _)| !column.is_called(name))) {
            return Err(FileError::UnknownColumn { name: name.clone(), known: first_names(wanted) });
        }
        Self::resolve(names, wanted, &ColumnNames::new())
    }

    /// Cells that are known one by one, from left to right.
    pub(super) fn of(columns: &[(Column, &str)]) -> Self {
        Self {
            names: columns.iter().map(|(_, name)| (*name).to_owned()).collect(),
            places: columns.iter().map(|(column, _)| *column).zip(0..).collect(),
            other_times: Vec::new(),
        }
    }

    /// Whether the file has this column.
    pub(super) fn has(&self, column: Column) -> bool {
        self.places.contains_key(&column)
    }

    /// The place of a column among the fields of a row.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places.get(&column).copied()
    }

    /// The column's name in this file.
    pub(super) fn name_of(&self, column: Column) -> Option<&str> {
        self.place(column).map(|place| self.names[place].as_str())
    }

    /// The columns beside [`Column::Time`] that are times too.
    pub(super) fn other_times(&self) -> &[usize] {
        &self.other_times
    }

    /// The names of the columns, from left to right.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The place of the column of this name.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    /// Every place that is read, by what it means.
    pub(super) fn places(&self) -> impl Iterator<Item = (Column, usize)> {
        self.places.iter().map(|(column, place)| (*column, *place))
    }

    /// How many fields a row must have.
    pub(super) fn width(&self) -> usize {
        self.names.len()
    }
}

/// The name by which each column is best known.
pub(super) fn first_names(wanted: &[(Column, Need)]) -> Vec<String> {
    wanted.iter().filter_map(|(column, _)| column.recognised().first()).map(|name| (*name).to_owned()).collect()
}

fn find_named(names: &[String], column: Column, wanted: &str) -> Result<usize, FileError> {
    let exact: Vec<usize> = (0..names.len()).filter(|&place| names[place] == wanted).collect();
    let alike = || (0..names.len()).filter(|&place| is_same_name(&names[place], wanted)).collect();
    match if exact.is_empty() { alike() } else { exact }.as_slice() {
        [place] => Ok(*place),
        [] => Err(FileError::NoSuchColumn { column, name: wanted.to_owned(), header: names.to_vec() }),
        _ => Err(FileError::RepeatedColumn { name: wanted.to_owned() }),
    }
}

fn find_recognised(names: &[String], column: Column) -> Result<Option<usize>, FileError> {
    let mut places = (0..names.len()).filter(|&place| column.is_called(&names[place]));
    match (places.next(), places.next()) {
        (Some(first), Some(second)) if names[first] == names[second] => {
            Err(FileError::RepeatedColumn { name: names[first].clone() })
        }
        (Some(first), Some(second)) => {
            Err(FileError::AmbiguousColumn { column, first: names[first].clone(), second: names[second].clone() })
        }
        (first, _) => Ok(first),
    }
}
