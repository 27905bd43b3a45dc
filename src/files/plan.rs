//! The plan by which the rows of one file are read: what its columns mean and what its rows are about.

use std::fmt;
use std::str::FromStr;

use crate::domain::{Asset, Metric, Period, Source};
use crate::files::instant::{DateOrder, Zone};
use crate::files::{Column, ColumnNames, FileKind};

/// Where something about a file was found, the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A flag.
    Flag,
    /// Cells or column names.
    Content,
    /// The file's name.
    Name,
    /// The habit of the publisher whose layout was recognised.
    Publisher,
    /// The layout that this program reads and writes.
    Layout,
}

/// Something about a file, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

/// The unit of a traded amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeUnit {
    /// Coins or shares.
    Coins,
    /// US dollars, or coins that stand for them.
    Usd,
}

/// How many US dollars a value of 1 stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyScale {
    /// One.
    Units,
    /// A thousand.
    Thousands,
    /// A million.
    Millions,
    /// A billion.
    Billions,
}

/// What the stamp of a row becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stamps {
    /// Itself.
    #[default]
    AsStated,
    /// Its minute: settlements are stamped some milliseconds late.
    Minute,
    /// The date in the zone of the exchange.
    TradingDay(Zone),
    /// Itself, and rows that are not of midnight are left out.
    Midnight,
}

/// When a row without a vintage was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Lag {
    /// By the publication rule of its series.
    #[default]
    OfSeries,
    /// Some milliseconds after its instant.
    Milliseconds(i64),
    /// At 13:00 UTC some business days after its date; holidays count as business days.
    BusinessDays(u32),
}

/// What equal rows of one instant are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Doubles {
    /// Equal orders are orders of their own.
    #[default]
    Real,
    /// The publisher writes rows twice.
    Copies,
}

/// One column of readings in a table of several.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measure {
    /// The name of its column.
    pub(super) column: String,
    pub(super) metric: Metric,
    /// Its asset, if it is not that of the file.
    pub(super) asset: Option<Asset>,
    /// Its part, such as a fund.
    pub(super) part: Option<String>,
    /// What a value of 1 stands for, in the unit of the metric.
    pub(super) factor: f64,
    /// Whether the publisher writes 0 for what it does not know.
    pub(super) is_zero_unknown: bool,
    pub(super) lag: Lag,
}

/// How the rows of one file are read. Flags are not part of it; they win over what it states.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The name of the publisher's preset; `None` for tables of nobody's layout.
    pub(super) preset: Option<&'static str>,
    pub(super) kind: FileKind,
    /// The names of the columns, if the file has none or wrong ones.
    pub(super) names: Option<Vec<String>>,
    /// The columns whose names are not recognised.
    pub(super) columns: ColumnNames,
    pub(super) asset: Option<Fact<Asset>>,
    pub(super) source: Option<Fact<Source>>,
    pub(super) interval: Option<Fact<Period>>,
    /// The columns of a table with several series; empty for one value a row.
    pub(super) measures: Vec<Measure>,
    /// The column with the sum of the others.
    pub(super) total: Option<String>,
    /// What a value of 1 stands for, in the unit of its metric, in a table of one value a row.
    pub(super) scale: f64,
    pub(super) volume: Option<Fact<VolumeUnit>>,
    /// Whether an impossible volume is dropped instead of the row refused.
    pub(super) may_drop_volume: bool,
    /// The symbol of every order, if no column states it.
    pub(super) symbol: Option<String>,
    /// The value of one contract, USD, if quantities count contracts.
    pub(super) contract_usd: Option<f64>,
    pub(super) doubles: Doubles,
    pub(super) stamps: Stamps,
    /// Whether a vintage is an arrival by the clock of a recorder, which may run behind that of the venue.
    pub(super) has_arrivals: bool,
    /// The order of day and month, if the publisher has one.
    pub(super) order: Option<DateOrder>,
    /// Whether the publisher writes the bar that is still running.
    pub(super) writes_running_bar: bool,
    /// The beginning of the line after the table.
    pub(super) ends_before: Option<&'static str>,
    /// What else the report must mention, in words.
    pub(super) told: Vec<String>,
}

impl<T> Fact<T> {
    pub(super) const fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

impl Plan {
    /// A plan of a kind of file about which nothing else is known.
    pub(super) fn new(kind: FileKind) -> Self {
        Self {
            preset: None,
            kind,
            names: None,
            columns: ColumnNames::new(),
            asset: None,
            source: None,
            interval: None,
            measures: Vec::new(),
            total: None,
            scale: 1.0,
            volume: None,
            may_drop_volume: false,
            symbol: None,
            contract_usd: None,
            doubles: Doubles::default(),
            stamps: Stamps::default(),
            has_arrivals: false,
            order: None,
            writes_running_bar: false,
            ends_before: None,
            told: Vec::new(),
        }
    }

    pub(super) fn asset(mut self, asset: Option<Asset>, origin: Origin) -> Self {
        self.asset = asset.map(|asset| Fact::new(asset, origin));
        self
    }

    /// Names the source; a name that cannot be one leaves it open.
    pub(super) fn source(mut self, source: &str, origin: Origin) -> Self {
        self.source = source.parse().ok().map(|source| Fact::new(source, origin));
        self
    }

    pub(super) fn interval(mut self, interval: Option<Period>, origin: Origin) -> Self {
        self.interval = interval.map(|interval| Fact::new(interval, origin));
        self
    }

    pub(super) fn volume(mut self, unit: VolumeUnit, origin: Origin) -> Self {
        self.volume = Some(Fact::new(unit, origin));
        self
    }

    /// Names columns by what they mean.
    pub(super) fn columns<const N: usize>(mut self, columns: [(Column, &str); N]) -> Self {
        self.columns.extend(columns.map(|(column, name)| (column, name.to_owned())));
        self
    }

    pub(super) fn measures(mut self, measures: impl IntoIterator<Item = Measure>) -> Self {
        self.measures = measures.into_iter().collect();
        self
    }
}

impl Measure {
    /// A column whose values are in the unit of the metric.
    pub(super) fn new(column: &str, metric: Metric) -> Self {
        Self {
            column: column.to_owned(),
            metric,
            asset: None,
            part: None,
            factor: 1.0,
            is_zero_unknown: false,
            lag: Lag::OfSeries,
        }
    }
}

impl MoneyScale {
    /// How many US dollars a value of 1 stands for.
    #[must_use]
    pub const fn factor(self) -> f64 {
        match self {
            Self::Units => 1.0,
            Self::Thousands => 1e3,
            Self::Millions => 1e6,
            Self::Billions => 1e9,
        }
    }

    /// The scale that the name of a column states.
    pub(super) fn in_name(name: &str) -> Option<Self> {
        let words: Vec<String> = name
            .to_ascii_lowercase()
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '$')
            .map(str::to_owned)
            .collect();
        let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
        if has(&["mn", "million", "millions", "usdm", "$m", "mm"]) {
            Some(Self::Millions)
        } else if has(&["bn", "billion", "billions", "usdb", "$b"]) {
            Some(Self::Billions)
        } else if has(&["thousand", "thousands", "$k"]) {
            Some(Self::Thousands)
        } else if has(&["usd", "$", "dollars"]) {
            Some(Self::Units)
        } else {
            None
        }
    }
}

impl FromStr for MoneyScale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "units" => Ok(Self::Units),
            "thousands" => Ok(Self::Thousands),
            "millions" => Ok(Self::Millions),
            "billions" => Ok(Self::Billions),
            _ => Err("units, thousands, millions or billions".to_owned()),
        }
    }
}

impl fmt::Display for MoneyScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Units => "USD",
            Self::Thousands => "thousands of USD",
            Self::Millions => "millions of USD",
            Self::Billions => "billions of USD",
        })
    }
}

impl fmt::Display for VolumeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coins => "coins",
            Self::Usd => "USD",
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Content => "the content",
            Self::Name => "the file's name",
            Self::Publisher => "the habit of the publisher",
            Self::Layout => "the layout of market-stress",
        })
    }
}
