//! Daily bars built from finer ones and stored with them, so that a query of days never reads minutes.

use std::collections::BTreeSet;

use crate::domain::{Bar, Period, TimeRange, Timestamp, Vintage};
use crate::market::column::Column;

/// Returns the vintages of the daily bars that `rows`, just added to `finer`, add or change.
///
/// A day gets its bar once the series has passed its end; until then it is a running day. The bar is
/// known at the end of the day, and gets a vintage whenever a bar inside it arrives late or is revised.
pub(super) fn daily_vintages(
    finer: &Column<Bar>,
    period: Period,
    rows: &[Vintage<Bar>],
    former_last: Option<Timestamp>,
) -> Vec<Vintage<Bar>> {
    let Some(last) = finer.newest().last() else { return Vec::new() };
    let reached = last.observed_at.plus_ms(period.ms());
    let touched: BTreeSet<Timestamp> =
        rows.iter().map(|row| row.observed_at).chain(former_last).map(Timestamp::day_start).collect();
    touched.into_iter().filter(|day| day.plus_days(1) <= reached).flat_map(|day| vintages_of_day(finer, day)).collect()
}

fn vintages_of_day(finer: &Column<Bar>, day: Timestamp) -> Vec<Vintage<Bar>> {
    let end = day.plus_days(1);
    let Ok(range) = TimeRange::new(day, end) else { return Vec::new() };
    let rows = finer.newest().vintages(range);
    let known_times: BTreeSet<Timestamp> = rows.iter().map(|row| row.known_at.max(end)).collect();
    let bar_at = |known_at: Timestamp| {
        let mut known = Vec::<Vintage<Bar>>::with_capacity(rows.len());
        for row in rows.iter().filter(|row| row.known_at <= known_at) {
            match known.last_mut() {
                Some(former) if former.observed_at == row.observed_at => *former = *row,
                _ => known.push(*row),
            }
        }
        joined(&known).map(|value| Vintage { observed_at: day, known_at, value })
    };
    known_times.into_iter().filter_map(bar_at).collect()
}

/// Returns the bar that covers all of these; `None` if there are none.
pub(super) fn joined(bars: &[Vintage<Bar>]) -> Option<Bar> {
    bars.iter().map(|row| row.value).reduce(|sofar, bar| sofar.join(&bar))
}
