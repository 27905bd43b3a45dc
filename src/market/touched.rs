//! How far back commits reach into what was known, so that whoever keeps results of the past learns
//! which of them still stand.

use std::sync::Arc;

use crate::domain::{Timestamp, Version};

/// For each commit since the market was loaded, from when on it changed what is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Touched {
    /// The commit with which the record begins.
    since: Version,
    /// Commits that reach farther back than every later one, ascending in both.
    reaches: Arc<Vec<(Version, Timestamp)>>,
}

impl Touched {
    /// A record that begins after commit `since`.
    pub(super) fn after(since: Version) -> Self {
        Self { since, reaches: Arc::default() }
    }

    /// Notes that a commit added rows known from `known_from` on. The day is kept, not the instant:
    /// a year of commits is then a year of days.
    pub(super) fn note(&mut self, version: Version, known_from: Timestamp) {
        let day = known_from.day_start();
        let reaches = Arc::make_mut(&mut self.reaches);
        let kept = reaches.partition_point(|(_, reach)| *reach < day);
        reaches.truncate(kept);
        reaches.push((version, day));
    }

    /// The start of the first day whose knowledge differs from what it was at commit `version`;
    /// `None` where nothing differs.
    pub(super) fn since(&self, version: Version) -> Option<Timestamp> {
        if version < self.since {
            return Some(Timestamp::MIN);
        }
        let later = self.reaches.partition_point(|(noted, _)| *noted <= version);
        self.reaches.get(later).map(|(_, reach)| *reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_unix_ms(0).plus_days(day)
    }

    #[test]
    fn the_farthest_reach_of_later_commits_counts() {
        let mut touched = Touched::default();
        for (version, reach) in [(1, 10), (2, 11), (3, 5), (4, 12), (5, 12)] {
            touched.note(version, day(reach).plus_ms(7));
        }
        assert_eq!(touched.since(0), Some(day(5)));
        assert_eq!(touched.since(2), Some(day(5)));
        assert_eq!((touched.since(3), touched.since(4)), (Some(day(12)), Some(day(12))));
        assert_eq!(touched.since(5), None);
    }

    #[test]
    fn before_the_record_begins_everything_may_differ() {
        let touched = Touched::after(7);
        assert_eq!((touched.since(6), touched.since(7)), (Some(Timestamp::MIN), None));
    }
}
