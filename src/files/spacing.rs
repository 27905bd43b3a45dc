//! The interval of rows against the distances between them.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};

use crate::domain::{Period, Timestamp};
use crate::files::{FileError, Place};

/// Intervals that are inferred from distances alone, minutes.
const USUAL_MINUTES: [i64; 16] = [1, 3, 5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1_440, 4_320, 10_080];

/// The fewest rows that prove an interval.
const LEAST_ROWS: usize = 3;

/// The instants of rows, in the order of the file.
pub(super) type Stamped = Vec<(Timestamp, Place)>;

/// The interval that the distances between instants prove: the most frequent one, if at least half of the others
/// equal it and all are multiples.
pub(super) fn infer(instants: impl Iterator<Item = Timestamp>) -> Option<Period> {
    let mut instants: Vec<Timestamp> = instants.collect();
    instants.sort_unstable();
    instants.dedup();
    let gaps: Vec<i64> = instants.windows(2).map(|pair| pair[1].ms_since(pair[0])).collect();
    let usual = most_frequent(&gaps)?;
    let equal = gaps.iter().filter(|gap| **gap == usual).count();
    let minutes = usual / Period::MINUTE.ms();
    let fits = instants.len() >= LEAST_ROWS
        && usual % Period::MINUTE.ms() == 0
        && USUAL_MINUTES.contains(&minutes)
        && equal * 2 >= gaps.len()
        && gaps.iter().all(|gap| gap % usual == 0);
    if fits { format!("{minutes}m").parse().ok() } else { None }
}

/// Whether instants can be the starts of rows of an interval: none closer, all multiples, one distance in ten equal.
pub(super) fn fits(instants: impl Iterator<Item = Timestamp>, interval: Period) -> bool {
    let stamped = instants.map(|at| (at, Place::Row(0))).collect();
    check(stamped, interval, String::new()).is_ok()
}

/// Refuses rows that are not as far apart as their interval.
pub(super) fn check(mut rows: Stamped, interval: Period, origin: String) -> Result<(), FileError> {
    rows.sort_unstable_by_key(|(at, _)| *at);
    rows.dedup_by_key(|(at, _)| *at);
    let gap_of = |pair: &[(Timestamp, Place)]| pair[1].0.ms_since(pair[0].0);
    let gaps: Vec<i64> = rows.windows(2).map(gap_of).collect();
    let equal = gaps.iter().filter(|gap| **gap == interval.ms()).count();
    let is_too_sparse = rows.len() >= LEAST_ROWS && equal * 10 < gaps.len();
    let misfit = rows.windows(2).find(|pair| match gap_of(pair) {
        gap if gap % interval.ms() != 0 => true,
        gap => is_too_sparse && gap != interval.ms(),
    });
    let (Some(pair), Some(usual)) = (misfit, most_frequent(&gaps)) else { return Ok(()) };
    Err(FileError::Spacing {
        interval,
        origin,
        usual: words(usual),
        gap: words(gap_of(pair)),
        place: pair[1].1,
        before: pair[0].1,
    })
}

/// Where an hourly file leaves out an hour in the nights in which clocks go forward, and no other one: its times are
/// probably local.
pub(super) fn clock_change(rows: &Stamped) -> Option<Place> {
    let mut rows = rows.clone();
    rows.sort_unstable_by_key(|(at, _)| *at);
    rows.dedup_by_key(|(at, _)| *at);
    let mut gaps = rows.windows(2).filter(|pair| pair[1].0.ms_since(pair[0].0) != Period::HOUR.ms()).peekable();
    let first = gaps.peek()?[1].1;
    let is_of_clocks = |pair: &[(Timestamp, Place)]| {
        pair[1].0.ms_since(pair[0].0) == 2 * Period::HOUR.ms()
            && goes_forward(pair[1].0.date())
            && pair[1].0.ms_since(pair[1].0.day_start()) <= 3 * Period::HOUR.ms()
    };
    gaps.all(is_of_clocks).then_some(first)
}

/// Whether clocks go forward that night: on the last Sunday of March in Europe, on the second in America.
fn goes_forward(date: NaiveDate) -> bool {
    date.month() == 3 && date.weekday() == Weekday::Sun && (date.day() > 24 || (8..=14).contains(&date.day()))
}

/// The most frequent distance of rows, milliseconds.
pub(super) fn usual(rows: &Stamped) -> Option<i64> {
    let mut instants: Vec<Timestamp> = rows.iter().map(|(at, _)| *at).collect();
    instants.sort_unstable();
    instants.dedup();
    most_frequent(&instants.windows(2).map(|pair| pair[1].ms_since(pair[0])).collect::<Vec<i64>>())
}

/// The most frequent distance, the shorter one of two equally frequent.
fn most_frequent(gaps: &[i64]) -> Option<i64> {
    let mut counts = BTreeMap::new();
    for gap in gaps {
        *counts.entry(*gap).or_insert(0_usize) += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(gap, _)| gap)
}

/// A distance in the largest unit that measures it exactly.
fn words(ms: i64) -> String {
    let units = [(Period::DAY.ms(), "d"), (Period::HOUR.ms(), "h"), (Period::MINUTE.ms(), "m"), (1_000, "s")];
    match units.iter().find(|(unit, _)| ms % unit == 0) {
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn hours(hours: &[i64]) -> Stamped {
        (1..).zip(hours).map(|(line, hour)| (Timestamp::from_unix_ms(hour * Period::HOUR.ms()), Place::Line(line))).collect()
    }

    #[rstest]
    #[case::hourly(&[0, 1, 2, 3], Some("1h"))]
    #[case::with_a_gap(&[0, 1, 2, 9], Some("1h"))]
    #[case::falling(&[3, 2, 1, 0], Some("1h"))]
    #[case::trading_days(&[0, 24, 48, 120, 144, 168], Some("1d"))]
    #[case::two_rows(&[0, 1], None)]
    #[case::mixed(&[0, 1, 3, 6, 10], None)]
    #[case::unusual(&[0, 7, 14, 21], None)]
    fn the_usual_distance_is_the_interval(#[case] rows: &[i64], #[case] expected: Option<&str>) {
        assert_eq!(
            infer(hours(rows).into_iter().map(|row| row.0)).map(|interval| interval.to_string()),
            expected.map(str::to_owned)
        );
    }

    #[rstest]
    #[case::fits(&[0, 1, 2], "1h", None)]
    #[case::gaps_are_fine(&[0, 1, 5, 6], "1h", None)]
    #[case::two_rows_prove_nothing(&[0, 24], "1h", None)]
    #[case::daily_said_to_be_hourly(&[0, 24, 48], "1h", Some("said to be 1h apart (flag), and most of them are 1d apart: line 2 follows line 1 by 1d"))]
    #[case::hourly_said_to_be_daily(&[0, 1, 2], "1d", Some("said to be 1d apart (flag), and most of them are 1h apart: line 2 follows line 1 by 1h"))]
    #[case::no_multiple(&[0, 2, 4, 7], "2h", Some("line 4 follows line 3 by 3h"))]
    fn an_interval_that_does_not_fit_is_refused(#[case] rows: &[i64], #[case] interval: &str, #[case] expected: Option<&str>) {
        let error = check(hours(rows), interval.parse().unwrap(), " (flag)".to_owned()).err().map(|error| error.to_string());
        match (&error, expected) {
            (None, None) => {}
            (Some(error), Some(expected)) => assert!(error.contains(expected), "{error}"),
            _ => panic!("{error:?}"),
        }
    }

    #[rstest]
    #[case::europe("2025-03-30", &[0, 1, 3, 4], true)]
    #[case::america("2025-03-09", &[0, 1, 3, 4], true)]
    #[case::no_gap("2025-03-30", &[0, 1, 2, 3], false)]
    #[case::other_night("2025-03-23", &[0, 1, 3, 4], false)]
    #[case::another_gap_too("2025-03-30", &[0, 1, 3, 4, 9], false)]
    fn an_hour_that_only_local_clocks_leave_out_is_found(#[case] date: &str, #[case] rows: &[i64], #[case] expected: bool) {
        let start: Timestamp = date.parse().unwrap();
        let rows: Stamped = rows.iter().map(|hour| (start.plus_ms(hour * Period::HOUR.ms()), Place::Line(1))).collect();
        assert_eq!(clock_change(&rows).is_some(), expected);
    }
}
