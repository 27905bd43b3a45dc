use std::collections::BTreeSet;

use chrono::Datelike;
use serde::Deserialize;

use super::ScenarioError;
use super::file::read;
use crate::domain::{Timestamp, TradingCalendar};

/// Saturday, with Monday as 0.
const SATURDAY: u32 = 5;

/// Days on which US exchanges were open.
#[derive(Debug, Deserialize)]
pub(super) struct Exchange {
    holidays: BTreeSet<Timestamp>,
}

impl Exchange {
    /// Reads the calendar of the scenario.
    pub(super) fn open() -> Result<Self, ScenarioError> {
        read("calendar.toml", include_str!("../../scenario/calendar.toml"))
    }

    /// Returns the starts of the days in `[from, to)` on which `calendar` has a bar.
    pub(super) fn days(&self, calendar: TradingCalendar, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(Some(from.day_start()), |day| Some(day.plus_days(1)))
            .take_while(move |day| *day < to)
            .filter(move |day| calendar == TradingCalendar::Continuous || self.trades(*day))
    }

    fn trades(&self, day: Timestamp) -> bool {
        day.date().weekday().num_days_from_monday() < SATURDAY && !self.holidays.contains(&day)
    }
}
