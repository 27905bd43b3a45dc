use std::collections::HashMap;

use chrono::{Datelike, NaiveDate, Weekday};

use crate::domain::{KnownAtRule, Metric, Observation, Period, SeriesKey, Timestamp};
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::keys::{Keys, knowledge};
use crate::files::plan::Lag;
use crate::files::row::Row;
use crate::files::{BadRows, Column, ParsedRow, Place, Reading, RowError};

/// Reads readings and flows, one value a row. A blank value states nothing and is counted as empty.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) keys: Keys,
    /// What a value of 1 stands for, in the unit of the metric.
    pub(super) factor: f64,
}

/// Reads several series from the columns of one row. A row whose columns are all blank states nothing.
#[derive(Debug)]
pub(super) struct Measures {
    pub(super) measured: Vec<Measured>,
    /// The column with the sum of the others.
    pub(super) total: Option<usize>,
    /// How many rows have another sum.
    pub(super) differing: u64,
    /// Where the values of a row stand first, for tables so wide that equal rows are copies.
    pub(super) rows: HashMap<Vec<u64>, Place>,
    /// The first rows that repeat another one to the cell, with that one.
    pub(super) repeated: Vec<(Place, Place)>,
}

/// So many equal values in two rows are no accident.
const LEAST_COPIED: usize = 5;

/// How far the sum of rounded values may be from a stated one, in the unit of the file.
const SUM_SLACK: f64 = 1.0;

/// One of the columns of [`Measures`].
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) place: usize,
    pub(super) key: SeriesKey,
    pub(super) factor: f64,
    pub(super) is_zero_unknown: bool,
    pub(super) lag: Lag,
}

impl Series {
    /// The columns it looks for.
    pub(super) const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Series, Need::Optional),
        (Column::Time, Need::Required),
        (Column::Value, Need::Required),
        (Column::KnownAt, Need::Optional),
    ];
}

impl Measures {
    /// The columns it looks for beside those of its series.
    pub(super) const COLUMNS: &'static [(Column, Need)] = &[(Column::Time, Need::Required), (Column::KnownAt, Need::Optional)];
}

impl RowReader for Series {
    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let key = self.keys.of(row)?;
        let observed_at = row.observed_at()?;
        let known_at = row.known_at()?;
        let place = row.header.place(Column::Value);
        let value = place.map_or(Ok(None), |place| row.plausible_at(place, self.factor, key.metric, &key.asset))?;
        let Some(value) = value else { return Ok(ParsedRow::Nothing) };
        let knowledge = knowledge(&key, observed_at, known_at);
        Ok(ParsedRow::Reading((key, Observation { observed_at, knowledge, value })))
    }
}

impl RowReader for Measures {
    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let observed_at = row.observed_at()?;
        let known_at = row.known_at()?;
        let mut readings = Vec::with_capacity(self.measured.len());
        let mut sum = 0.0;
        for Measured { place, key, factor, is_zero_unknown, lag } in &self.measured {
            // Zero is what an unknown value looks like, and it may lie outside of what the metric can be.
            let is_unknown = *is_zero_unknown && row.number_at(*place)? == Some(0.0);
            let value = if is_unknown { None } else { row.plausible_at(*place, *factor, key.metric, &key.asset)? };
            if let Some(value) = value {
                sum += value / factor;
                let knowledge = known_at.map_or_else(|| lag.knowledge(key, observed_at), KnownAtRule::Vintage);
                readings.push((key.clone(), Observation { observed_at, knowledge, value }));
            }
        }
        if let Some(total) = self.total.map_or(Ok(None), |place| row.number_at(place))?
            && !readings.is_empty()
            && (total - sum).abs() > SUM_SLACK
        {
            self.differing += 1;
        }
        self.note_copy(&readings, row.place);
        Ok(if readings.is_empty() { ParsedRow::Nothing } else { ParsedRow::Readings(readings) })
    }

    fn told(&self) -> Vec<String> {
        let total = self.total.map(|_| match self.differing {
            0 => "total left out, as its parts are stored".to_owned(),
            rows => format!("total left out, as its parts are stored; it is not their sum in {rows} rows"),
        });
        let copies =
            self.repeated.iter().map(|(place, first)| format!("{place} repeats {first} to the cell: is it a copy by mistake?"));
        total.into_iter().chain(copies).collect()
    }
}

impl Measures {
    /// Notes a row that repeats another one, which holidays of zeros do rightly.
    fn note_copy(&mut self, readings: &[Reading], place: Place) {
        let values: Vec<u64> = readings.iter().map(|(_, row)| row.value.to_bits()).collect();
        let differing = readings.iter().filter(|(_, row)| row.value != 0.0).count();
        if differing < LEAST_COPIED {
            return;
        }
        match self.rows.get(&values) {
            Some(&first) if self.repeated.len() < BadRows::LISTED => self.repeated.push((place, first)),
            Some(_) => {}
            None => {
                self.rows.insert(values, place);
            }
        }
    }
}

impl Lag {
    fn knowledge(self, key: &SeriesKey, at: Timestamp) -> KnownAtRule {
        match self {
            Self::OfSeries => knowledge(key, at, None),
            Self::Milliseconds(ms) => KnownAtRule::AtPublication(at.plus_ms(ms)),
            Self::BusinessDays(days) => {
                let date = business_days_after(at.date(), days);
                KnownAtRule::AtPublication(Timestamp::from_date(date).plus_ms(13 * Period::HOUR.ms()))
            }
        }
    }
}

/// The day so many business days later; holidays are not known here and count as business days.
fn business_days_after(date: NaiveDate, days: u32) -> NaiveDate {
    let weekdays = date.iter_days().skip(1).filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
    weekdays.take(days as usize).last().unwrap_or(date)
}

/// Whether settlements of this metric are stamped late.
pub(super) const fn is_settlement(metric: Metric) -> bool {
    matches!(metric, Metric::FundingRate | Metric::FundingInterval)
}
