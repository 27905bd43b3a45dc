//! Instants as publishers write them: Unix times of every unit, dates in words and digits.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use crate::domain::{InvalidTimestamp, Timestamp};

/// The order of day and month in dates such as `04/05/2024`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// The unit of a Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// The time zone of local times: a fixed offset or a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Always the same offset from UTC.
    Offset(FixedOffset),
    /// The offset that the place has at that time of the year.
    Place(Tz),
}

/// A text that is neither a known zone nor an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone: an offset such as +08:00, or a name such as America/New_York")]
pub struct InvalidZone(String);

/// The reasons why a cell is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstantFault {
    /// No form that is known.
    #[error(transparent)]
    Unknown(#[from] InvalidTimestamp),
    /// Digits in no window of Unix times.
    #[error("`{0}` is neither a Unix time from 1990 to tomorrow nor a date; --times-in states the unit of older Unix times")]
    OutsideOfWindows(String),
    /// A day number of a spreadsheet.
    #[error("`{0}` is probably the day number of a spreadsheet; format the column as dates and export the file again")]
    SpreadsheetDay(String),
    /// A date that can be read in two ways.
    #[error("`{text}` is {first} or {second}; --date-order dmy or mdy decides")]
    Ambiguous {
        /// The cell.
        text: String,
        /// Read day first.
        first: NaiveDate,
        /// Read month first.
        second: NaiveDate,
    },
    /// A local time that the zone has twice or not at all.
    #[error("`{0}` exists twice or not at all in the zone, whose clocks change that day")]
    ClockChange(String),
    /// An instant after tomorrow.
    #[error("`{text}` is {at}, which has not come yet")]
    Future {
        /// The cell.
        text: String,
        /// What it means.
        at: Timestamp,
    },
}

/// How the instants of one file are read, and what was seen while reading them.
#[derive(Debug, Clone)]
pub(super) struct Instants {
    /// The order of dates in digits; `None` refuses them.
    pub(super) order: Option<DateOrder>,
    /// The unit of Unix times; `None` decides it by size, for each value.
    pub(super) unit: Option<TimeUnit>,
    /// The zone of times without one; `None` is UTC.
    pub(super) zone: Option<Zone>,
    /// No instant may be later.
    pub(super) latest: Timestamp,
    /// The units of the Unix times so far, a bit each.
    units: Cell<u8>,
    /// Whether a time of day without a zone was read.
    is_zoneless: Cell<bool>,
}

const UNITS: [(TimeUnit, &str, i64, i64); 4] = [
    (TimeUnit::Seconds, "s", 631_152_000, 4_100_000_000),
    (TimeUnit::Milliseconds, "ms", 630_000_000_000, 4_100_000_000_000),
    (TimeUnit::Microseconds, "us", 630_000_000_000_000, 4_100_000_000_000_000),
    (TimeUnit::Nanoseconds, "ns", 630_000_000_000_000_000, 4_100_000_000_000_000_000),
];

/// Dates with the month in words or the year first.
const DATES: [&str; 8] = ["%Y-%m-%d", "%Y/%m/%d", "%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%b %d %Y", "%d.%m.%Y", "%Y.%m.%d"];

const TIMES: [&str; 4] = ["%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p"];

impl Instants {
    /// Reads instants up to `latest` in the forms that leave no doubt.
    pub(super) const fn until(latest: Timestamp) -> Self {
        Self { order: None, unit: None, zone: None, latest, units: Cell::new(0), is_zoneless: Cell::new(false) }
    }

    /// The instant in a trimmed cell.
    pub(super) fn read(&self, text: &str) -> Result<Timestamp, InstantFault> {
        let at = match digits(text) {
            Some(digits) => self.of_digits(digits, text)?,
            None => self.of_text(text)?,
        };
        match at {
            at if !at.is_acceptable() => Err(InvalidTimestamp(text.to_owned()).into()),
            at if at > self.latest => Err(InstantFault::Future { text: text.to_owned(), at }),
            at => Ok(at),
        }
    }

    /// What was seen while reading, in words; empty if there is nothing to mention.
    pub(super) fn seen(&self) -> Vec<String> {
        let units: Vec<&str> =
            UNITS.iter().enumerate().filter(|(at, _)| self.units.get() & (1 << at) != 0).map(|(_, unit)| unit.1).collect();
        let mut seen = Vec::new();
        match units.as_slice() {
            [] => {}
            [unit] => seen.push(format!("times in Unix {unit}")),
            several => seen.push(format!("times in Unix {} mixed", several.join(" and "))),
        }
        if self.has_assumed_utc() {
            seen.push("times in UTC, as no zone is stated".to_owned());
        }
        seen
    }

    /// Whether times of day without a zone were taken for UTC.
    pub(super) fn has_assumed_utc(&self) -> bool {
        self.is_zoneless.get() && self.zone.is_none()
    }

    fn of_digits(&self, digits: &str, text: &str) -> Result<Timestamp, InstantFault> {
        let outside = || InstantFault::OutsideOfWindows(text.to_owned());
        if self.unit.is_none()
            && let Some(date) = self.compact_date(digits)
        {
            return date;
        }
        let number: i64 = digits.parse().map_err(|_| outside())?;
        let place = match self.unit {
            Some(unit) => UNITS.iter().position(|row| row.0 == unit),
            None => UNITS.iter().position(|&(_, _, from, below)| (from..below).contains(&number)),
        };
        let Some(place) = place else {
            let is_day_number = (25_000..=60_000).contains(&number);
            return Err(if is_day_number { InstantFault::SpreadsheetDay(text.to_owned()) } else { outside() });
        };
        self.units.set(self.units.get() | (1 << place));
        Ok(Timestamp::from_unix_ms(match UNITS[place].0 {
            TimeUnit::Seconds => number.saturating_mul(1_000),
            TimeUnit::Milliseconds => number,
            TimeUnit::Microseconds => number.div_euclid(1_000),
            TimeUnit::Nanoseconds => number.div_euclid(1_000_000),
        }))
    }

    /// `yyyymmdd`, `yyyymmddHHMM` and `yyyymmddHHMMSS`, if the digits form a date.
    fn compact_date(&self, digits: &str) -> Option<Result<Timestamp, InstantFault>> {
        let format = match digits.len() {
            8 => return NaiveDate::parse_from_str(digits, "%Y%m%d").ok().map(|date| self.in_zone(date, None, digits)),
            12 => "%Y%m%d%H%M",
            14 => "%Y%m%d%H%M%S",
            _ => return None,
        };
        let at = NaiveDateTime::parse_from_str(digits, format).ok()?;
        Some(self.in_zone(at.date(), Some(at.time()), digits))
    }

    fn of_text(&self, text: &str) -> Result<Timestamp, InstantFault> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Timestamp::from_unix_ms(at.timestamp_millis()));
        }
        let (local, zone) = without_zone(text);
        let (date, time) = split(local).ok_or_else(|| InvalidTimestamp(text.to_owned()))?;
        let date = match DATES.iter().find_map(|format| NaiveDate::parse_from_str(date, format).ok()) {
            Some(date) if (1900..=2999).contains(&chrono::Datelike::year(&date)) => date,
            _ => self.slashed(date).map_err(|fault| with_text(fault, text))?,
        };
        match zone {
            Some(offset) => {
                let at = date.and_time(time.unwrap_or_default()).and_utc().timestamp_millis();
                Ok(Timestamp::from_unix_ms(at - i64::from(offset.local_minus_utc()) * 1_000))
            }
            None => self.in_zone(date, time, text),
        }
    }

    /// `04/05/2024`, `4-5-24`, `31-Jan-24`: dates that need the order of day and month, or of two digits more.
    fn slashed(&self, text: &str) -> Result<NaiveDate, InstantFault> {
        let unknown = || InstantFault::Unknown(InvalidTimestamp(text.to_owned()));
        if let Ok(date) = NaiveDate::parse_from_str(text, "%d-%b-%y") {
            return Ok(date);
        }
        let [dmy, mdy] = readings(text).ok_or_else(unknown)?;
        match (self.order, dmy, mdy) {
            (Some(DateOrder::Dmy), Some(date), _) | (Some(DateOrder::Mdy), _, Some(date)) => Ok(date),
            (None, Some(first), Some(second)) if first == second && !is_two_digit_year(text) => Ok(first),
            (None, Some(first), Some(second)) => Err(InstantFault::Ambiguous { text: text.to_owned(), first, second }),
            (None, Some(date), None) | (None, None, Some(date)) if !is_two_digit_year(text) => Ok(date),
            _ => Err(unknown()),
        }
    }

    fn in_zone(&self, date: NaiveDate, time: Option<NaiveTime>, text: &str) -> Result<Timestamp, InstantFault> {
        let (Some(time), zone) = (time, self.zone) else { return Ok(Timestamp::from_date(date)) };
        let local = date.and_time(time);
        let resolved = match zone {
            None => {
                self.is_zoneless.set(true);
                return Ok(Timestamp::from_unix_ms(local.and_utc().timestamp_millis()));
            }
            Some(Zone::Offset(offset)) => offset.from_local_datetime(&local).map(|at| at.timestamp_millis()),
            Some(Zone::Place(place)) => place.from_local_datetime(&local).map(|at| at.timestamp_millis()),
        };
        match resolved {
            LocalResult::Single(ms) => Ok(Timestamp::from_unix_ms(ms)),
            LocalResult::Ambiguous(..) | LocalResult::None => Err(InstantFault::ClockChange(text.to_owned())),
        }
    }
}

/// What the dates of a column prove about the order of day and month.
#[derive(Debug, Default)]
pub(super) struct OrderEvidence {
    /// The order that a day above 12 proves.
    pub(super) proven: Option<DateOrder>,
    /// The dates that need an order, day first and month first.
    pub(super) doubtful: Vec<[NaiveDate; 2]>,
    /// The first of them as written.
    pub(super) example: Option<String>,
}

impl OrderEvidence {
    /// Weighs the dates of a column; a cell that the others contradict does not decide.
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let (mut evidence, mut dmy, mut mdy) = (Self::default(), 0, 0);
        for cell in cells.filter(|cell| !cell.contains('.')) {
            let date = split(without_zone(cell).0).map(|(date, _)| date);
            match date.and_then(readings) {
                Some([Some(first), Some(second)]) => {
                    evidence.example.get_or_insert_with(|| cell.to_owned());
                    evidence.doubtful.push([first, second]);
                }
                Some([Some(_), None]) => dmy += 1,
                Some([None, Some(_)]) => mdy += 1,
                _ => {}
            }
        }
        evidence.proven = match i32::cmp(&dmy, &mdy) {
            std::cmp::Ordering::Greater => Some(DateOrder::Dmy),
            std::cmp::Ordering::Less => Some(DateOrder::Mdy),
            std::cmp::Ordering::Equal => None,
        };
        evidence
    }
}

impl Zone {
    /// The date that a clock in the zone shows at an instant.
    pub(super) fn date(self, at: Timestamp) -> Option<NaiveDate> {
        let at = DateTime::from_timestamp_millis(at.unix_ms())?;
        Some(match self {
            Self::Offset(offset) => at.with_timezone(&offset).date_naive(),
            Self::Place(place) => at.with_timezone(&place).date_naive(),
        })
    }

    /// The zone of the exchanges of New York.
    pub(super) const fn new_york() -> Self {
        Self::Place(Tz::America__New_York)
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let offset = text.parse::<FixedOffset>().map(Self::Offset).ok();
        offset.or_else(|| text.parse().map(Self::Place).ok()).ok_or_else(|| InvalidZone(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => offset.fmt(f),
            Self::Place(place) => place.fmt(f),
        }
    }
}

/// The digits of a whole number; decimals that are all zero do not count.
fn digits(text: &str) -> Option<&str> {
    let whole =
        text.split_once('.').map_or(text, |(whole, rest)| if rest.bytes().all(|byte| byte == b'0') { whole } else { text });
    (!whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit())).then_some(whole)
}

/// The text before a zone at its end, and that zone.
fn without_zone(text: &str) -> (&str, Option<FixedOffset>) {
    for suffix in [" UTC", " GMT", "Z"] {
        if let Some(rest) = text.strip_suffix(suffix) {
            return (rest.trim_end(), FixedOffset::east_opt(0));
        }
    }
    let tail = text.len().checked_sub(6).and_then(|at| text.get(at..));
    match tail.filter(|tail| text.contains(':') && tail.starts_with(['+', '-'])).and_then(|tail| tail.parse().ok()) {
        Some(offset) => (text[..text.len() - 6].trim_end(), Some(offset)),
        None => (text, None),
    }
}

/// The date and the time of day of a text without a zone.
fn split(text: &str) -> Option<(&str, Option<NaiveTime>)> {
    let Some(colon) = text.find(':') else { return Some((text, None)) };
    let gap = text[..colon].rfind([' ', 'T'])?;
    let time = TIMES.iter().find_map(|format| NaiveTime::parse_from_str(text[gap + 1..].trim(), format).ok())?;
    Some((text[..gap].trim_end(), Some(time)))
}

/// The parts of a date in digits, as written.
fn parts(text: &str) -> Option<[&str; 3]> {
    let mut parts = text.split(['/', '-', '.']);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    (parts.next().is_none() && three.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())))
        .then_some(three)
}

fn is_two_digit_year(text: &str) -> bool {
    parts(text).is_some_and(|[_, _, year]| year.len() == 2)
}

/// A date in digits with the year last, read day first and month first.
fn readings(text: &str) -> Option<[Option<NaiveDate>; 2]> {
    let [first, second, year] = parts(text).filter(|[first, second, _]| first.len() <= 2 && second.len() <= 2)?;
    let century = match year.len() {
        2 => 2000,
        4 => 0,
        _ => return None,
    };
    let year = century + year.parse::<i32>().ok()?;
    let (first, second) = (first.parse().ok()?, second.parse().ok()?);
    Some([NaiveDate::from_ymd_opt(year, second, first), NaiveDate::from_ymd_opt(year, first, second)])
}

/// Names the whole cell in a fault about its date.
fn with_text(fault: InstantFault, text: &str) -> InstantFault {
    match fault {
        InstantFault::Unknown(_) => InstantFault::Unknown(InvalidTimestamp(text.to_owned())),
        InstantFault::Ambiguous { first, second, .. } => InstantFault::Ambiguous { text: text.to_owned(), first, second },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn instants() -> Instants {
        Instants::until("2026-08-01".parse().unwrap())
    }

    fn read(text: &str) -> String {
        instants().read(text).map_or_else(|fault| fault.to_string(), |at| at.to_string())
    }

    #[rstest]
    #[case::seconds("1733011200", "2024-12-01T00:00:00Z")]
    #[case::written_as_float("1733011200.0", "2024-12-01T00:00:00Z")]
    #[case::milliseconds("1733011200001", "2024-12-01T00:00:00.001Z")]
    #[case::microseconds("1733011200001999", "2024-12-01T00:00:00.001Z")]
    #[case::nanoseconds("1738368000000000000", "2025-02-01T00:00:00Z")]
    #[case::compact_date("20260126", "2026-01-26T00:00:00Z")]
    #[case::compact_minute("202601261305", "2026-01-26T13:05:00Z")]
    #[case::blank("2026-01-26 13:05:00", "2026-01-26T13:05:00Z")]
    #[case::zone_in_words("2026-01-26 13:05:00 UTC", "2026-01-26T13:05:00Z")]
    #[case::offset("2010-03-05T07:30:00-07:00", "2010-03-05T14:30:00Z")]
    #[case::blank_and_offset("2010-03-05 07:30:00 -07:00", "2010-03-05T14:30:00Z")]
    #[case::slashes("2026/01/31", "2026-01-31T00:00:00Z")]
    #[case::month_first_in_words("Jan 31, 2024", "2024-01-31T00:00:00Z")]
    #[case::day_first_in_words("11 Jan 2024", "2024-01-11T00:00:00Z")]
    #[case::dashes("31-Jan-24", "2024-01-31T00:00:00Z")]
    #[case::dots("17.08.2023", "2023-08-17T00:00:00Z")]
    #[case::same_either_way("05/05/2024", "2024-05-05T00:00:00Z")]
    #[case::spreadsheet_day("45292", "`45292` is probably the day number of a spreadsheet")]
    #[case::no_window("99999999999", "`99999999999` is neither a Unix time from 1990 to tomorrow nor a date")]
    #[case::tomorrow("2026-08-02", "`2026-08-02` is 2026-08-02T00:00:00Z, which has not come yet")]
    #[case::impossible("2026-02-30", "`2026-02-30` is not an RFC 3339 time")]
    #[case::ambiguous("04/05/2024", "`04/05/2024` is 2024-05-04 or 2024-04-05; --date-order dmy or mdy decides")]
    #[case::two_digit_year("04/13/24", "`04/13/24` is not an RFC 3339 time")]
    #[case::nonsense("soon", "`soon` is not an RFC 3339 time")]
    fn a_cell_becomes_an_instant_or_a_fault(#[case] text: &str, #[case] expected: &str) {
        let result = read(text);
        assert!(result.starts_with(expected), "{result}");
    }

    #[test]
    fn the_unit_is_decided_for_each_value_and_mixed_units_are_reported() {
        let instants = instants();
        instants.read("1742083200000").unwrap();
        assert_eq!(instants.seen(), ["times in Unix ms"]);
        instants.read("1740441600000000").unwrap();
        assert_eq!(instants.seen(), ["times in Unix ms and us mixed"]);
    }

    #[test]
    fn a_zone_moves_local_times_and_an_hour_that_exists_twice_is_refused() {
        let mut berlin = instants();
        berlin.zone = "Europe/Berlin".parse().ok();
        assert_eq!(berlin.read("2026-01-26 13:00").unwrap().to_string(), "2026-01-26T12:00:00Z");
        assert!(matches!(berlin.read("2025-10-26 02:30"), Err(InstantFault::ClockChange(_))));
        assert!("Mars/Olympus".parse::<Zone>().is_err());
    }

    #[rstest]
    #[case::proven(&["01/05/2024", "30/04/2024"], Some(DateOrder::Dmy), 1)]
    #[case::month_first(&["04/30/2024", "01/05/2024"], Some(DateOrder::Mdy), 1)]
    #[case::outvoted(&["30/04/2024", "29/04/2024", "04/30/2024"], Some(DateOrder::Dmy), 0)]
    #[case::doubtful(&["04/05/2024", "05/06/2024"], None, 2)]
    #[case::not_needed(&["2024-05-04", "17.08.2023"], None, 0)]
    fn a_day_above_12_decides_for_the_column(#[case] cells: &[&str], #[case] proven: Option<DateOrder>, #[case] doubtful: usize) {
        let evidence = OrderEvidence::of(cells.iter().copied());
        assert_eq!((evidence.proven, evidence.doubtful.len()), (proven, doubtful));
    }
}
