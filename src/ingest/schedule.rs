use std::time::Duration;

use crate::domain::Timestamp;

const HOUR_MS: i64 = 3_600_000;

/// When a feed is asked: on multiples of an interval counted in UTC, moved by an offset that leaves
/// the publisher time to publish, and more often in the hours in which it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    every_ms: i64,
    offset_ms: i64,
    busy: Option<Busy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Busy {
    from_hour: i64,
    to_hour: i64,
    every_ms: i64,
}

impl Schedule {
    /// Every `every`, on the multiples of it in UTC.
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self { every_ms: millis(every).max(1), offset_ms: 0, busy: None }
    }

    /// The same, this long after each multiple.
    #[must_use]
    pub fn after(mut self, offset: Duration) -> Self {
        self.offset_ms = millis(offset);
        self
    }

    /// The same, but every `every` from the UTC hour `from_hour` to before `to_hour`; the span may
    /// reach over midnight.
    #[must_use]
    pub fn busier(mut self, from_hour: u8, to_hour: u8, every: Duration) -> Self {
        self.busy = Some(Busy { from_hour: i64::from(from_hour), to_hour: i64::from(to_hour), every_ms: millis(every).max(1) });
        self
    }

    /// The first instant after `now` at which the feed is asked.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Timestamp {
        let mut candidate = now;
        loop {
            // Steps through the finer grid and skips what falls outside of the busy hours, so that
            // the first busy instant is not jumped over.
            let step = self.busy.map_or(self.every_ms, |busy| busy.every_ms.min(self.every_ms));
            candidate = candidate.plus_ms(-self.offset_ms).floor(step).plus_ms(step + self.offset_ms);
            let on_grid = candidate.plus_ms(-self.offset_ms);
            let busy = self.busy.is_some_and(|busy| busy.covers(on_grid));
            if busy || on_grid.floor(self.every_ms) == on_grid {
                return candidate;
            }
        }
    }
}

impl Busy {
    fn covers(self, at: Timestamp) -> bool {
        let hour = at.ms_since(at.day_start()) / HOUR_MS;
        if self.from_hour <= self.to_hour {
            (self.from_hour..self.to_hour).contains(&hour)
        } else {
            hour >= self.from_hour || hour < self.to_hour
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2026-02-04T08:00:00Z", "2026-02-04T08:00:05Z")]
    #[case("2026-02-04T08:01:04.999Z", "2026-02-04T08:01:05Z")]
    #[case("2026-02-04T08:01:05Z", "2026-02-04T08:02:05Z")]
    fn a_minute_schedule_asks_five_seconds_after_each_minute(#[case] now: &str, #[case] next: &str) {
        let schedule = Schedule::every(Duration::from_mins(1)).after(Duration::from_secs(5));
        assert_eq!(schedule.next_after(now.parse().unwrap()), next.parse().unwrap());
    }

    #[rstest]
    #[case("2026-02-04T12:10:00Z", "2026-02-04T14:00:00Z")]
    #[case("2026-02-04T20:00:00Z", "2026-02-04T22:00:00Z")]
    #[case("2026-02-04T22:10:00Z", "2026-02-04T22:30:00Z")]
    #[case("2026-02-04T23:59:00Z", "2026-02-05T00:00:00Z")]
    #[case("2026-02-05T05:30:00Z", "2026-02-05T06:00:00Z")]
    #[case("2026-02-05T06:00:00Z", "2026-02-05T08:00:00Z")]
    fn busy_hours_over_midnight_are_asked_more_often(#[case] now: &str, #[case] next: &str) {
        let schedule = Schedule::every(Duration::from_hours(2)).busier(22, 6, Duration::from_mins(30));
        assert_eq!(schedule.next_after(now.parse().unwrap()), next.parse().unwrap());
    }
}
