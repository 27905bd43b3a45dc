use std::fmt::Display;
use std::str::FromStr;

use csv::ByteRecord;

use crate::domain::{Asset, InvalidTimestamp, Metric, Period, Timestamp, Unit};
use crate::files::column::Header;
use crate::files::instant::Instants;
use crate::files::number::is_blank;
use crate::files::plan::Stamps;
use crate::files::{Column, DecimalMark, InstantFault, Place, RowError, RowFault};

/// How the cells of one file are read.
#[derive(Debug, Clone)]
pub(super) struct CellFormat {
    pub(super) instants: Instants,
    pub(super) decimal: DecimalMark,
    pub(super) stamps: Stamps,
    /// The instant of every row, if no column states it.
    pub(super) at: Option<Timestamp>,
    /// Whether words such as `NaN` and `null` state nothing, as in files, or are refused.
    pub(super) has_blank_words: bool,
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
    /// How they are read.
    pub(super) format: &'a CellFormat,
}

impl CellFormat {
    /// Reads cells in the forms that leave no doubt, with instants up to `latest`.
    pub(super) const fn plain(latest: Timestamp) -> Self {
        Self {
            instants: Instants::until(latest),
            decimal: DecimalMark::Point,
            stamps: Stamps::AsStated,
            at: None,
            has_blank_words: false,
        }
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

    /// The text of a column; `None` where the file has no such column or the cell is blank.
    pub(super) fn text(&self, column: Column) -> Result<Option<&str>, RowError> {
        self.header.place(column).map_or(Ok(None), |place| self.cell(place))
    }

    /// The text of a cell; `None` if it is blank.
    pub(super) fn cell(&self, place: usize) -> Result<Option<&str>, RowError> {
        let Some(bytes) = self.cells.get(place) else { return Ok(None) };
        let text =
            std::str::from_utf8(bytes).map_err(|error| self.blame_place(place, RowFault::NotText(bytes[error.valid_up_to()])))?;
        Ok(Some(text.trim()).filter(|text| !text.is_empty()))
    }

    /// The finite number in a cell; `None` if it states nothing.
    pub(super) fn number_at(&self, place: usize) -> Result<Option<f64>, RowError> {
        match self.cell(place)? {
            Some(text) if !self.is_blank(text) => {
                self.format.decimal.read(text).map(Some).map_err(|fault| self.blame_place(place, fault))
            }
            _ => Ok(None),
        }
    }

    /// Whether the text of a cell states nothing.
    fn is_blank(&self, text: &str) -> bool {
        self.format.has_blank_words && is_blank(text)
    }

    /// Whether a column states something.
    pub(super) fn states(&self, column: Column) -> Result<bool, RowError> {
        Ok(self.text(column)?.is_some_and(|text| !self.is_blank(text)))
    }

    /// Blames the column at a place.
    pub(super) fn blame_place(&self, place: usize, fault: impl Into<RowFault>) -> RowError {
        RowError { place: self.place, column: self.header.names().get(place).cloned(), fault: fault.into() }
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

    /// The finite number in a column; `None` where it states nothing.
    pub(super) fn number(&self, column: Column) -> Result<Option<f64>, RowError> {
        self.header.place(column).map_or(Ok(None), |place| self.number_at(place))
    }

    /// A number the metric of the asset can take; `None` where the field is blank.
    pub(super) fn plausible_number(&self, column: Column, metric: Metric, asset: &Asset) -> Result<Option<f64>, RowError> {
        self.header.place(column).map_or(Ok(None), |place| self.plausible_at(place, 1.0, metric, asset))
    }

    /// The number in a cell times a factor, if the metric of the asset can take it; `None` if the cell states nothing.
    pub(super) fn plausible_at(&self, place: usize, factor: f64, metric: Metric, asset: &Asset) -> Result<Option<f64>, RowError> {
        let (least, greatest) = metric.plausible(asset);
        let number = match self.cell(place)?.filter(|_| metric.unit() == Unit::Percent).and_then(|text| text.strip_suffix('%')) {
            Some(text) => Some(self.format.decimal.read(text.trim_end()).map_err(|fault| self.blame_place(place, fault))?),
            None => self.number_at(place)?,
        };
        match number.map(|number| number * factor) {
            Some(value) if !(least..=greatest).contains(&value) => {
                Err(self.blame_place(place, RowFault::Implausible { value, least, greatest }))
            }
            number => Ok(number),
        }
    }

    /// The instant the row speaks of, as it is stored.
    pub(super) fn observed_at(&self) -> Result<Timestamp, RowError> {
        let at = self.stamp()?;
        match self.format.stamps {
            Stamps::AsStated | Stamps::Midnight => Ok(at),
            Stamps::Minute => Ok(at.floor(Period::MINUTE.ms())),
            Stamps::TradingDay(zone) => {
                let date = zone
                    .date(at)
                    .ok_or_else(|| self.blame(Column::Time, InstantFault::from(InvalidTimestamp(at.to_string()))))?;
                Ok(Timestamp::from_date(date))
            }
        }
    }

    /// The instant the row speaks of, as it is stated.
    pub(super) fn stamp(&self) -> Result<Timestamp, RowError> {
        let Some(place) = self.header.place(Column::Time) else {
            return self.format.at.ok_or_else(|| self.blame(Column::Time, RowFault::Missing(Column::Time)));
        };
        let text = self.required_text(Column::Time)?;
        let at = self.format.instants.read(text).map_err(|fault| self.blame_place(place, fault))?;
        self.header.other_times().iter().try_fold(at, |at, &other| self.agreed(place, at, other))
    }

    /// The finer one of two times that agree; what another column holds that is no time proves nothing.
    fn agreed(&self, place: usize, first: Timestamp, other: usize) -> Result<Timestamp, RowError> {
        let Some(second) = self.cell(other)?.and_then(|text| self.format.instants.read(text).ok()) else { return Ok(first) };
        match (first == first.day_start(), second == second.day_start()) {
            _ if first == second => Ok(first),
            (_, true) if first.day_start() == second => Ok(first),
            (true, _) if second.day_start() == first => Ok(second),
            _ => {
                let name = |place: usize| self.header.names().get(place).cloned().unwrap_or_default();
                Err(self.fault(RowFault::TimesDiffer { first_name: name(place), first, second_name: name(other), second }))
            }
        }
    }

    /// The row's real vintage, where the file gives one.
    pub(super) fn known_at(&self) -> Result<Option<Timestamp>, RowError> {
        let Some(text) = self.text(Column::KnownAt)? else { return Ok(None) };
        self.format.instants.read(text).map(Some).map_err(|fault| self.blame(Column::KnownAt, fault))
    }
}
