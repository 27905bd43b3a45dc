//! How far back commits reach into what was known, so that whoever keeps results of the past learns
//! which of them still stand.

use std::sync::Arc;

use crate::domain::{Timestamp, Version};

/// For each commit since the market was loaded, from when on it changed what is known.
#[derive(Debug, Clone, Default)]
pub(super) struct ChangeLog {
    /// The commit with which the record begins.
    since: Version,
    /// Commits that reach farther back than every later one, ascending in both.
    earliest_changes: Arc<Vec<(Version, Timestamp)>>,
}

impl ChangeLog {
    /// A record that begins after commit `since`.
    pub(super) fn after(since: Version) -> Self {
        Self { since, earliest_changes: Arc::default() }
    }

    /// Notes that a commit added rows known from `known_from` on. The day is kept, not the instant:
    /// a year of commits is then a year of days.
    pub(super) fn note(&mut self, version: Version, known_from: Timestamp) {
        let day = known_from.day_start();
        let earliest_changes = Arc::make_mut(&mut self.earliest_changes);
        let kept = earliest_changes.partition_point(|(_, reach)| *reach < day);
        earliest_changes.truncate(kept);
        earliest_changes.push((version, day));
    }

    /// The start of the first day whose knowledge differs from what it was at commit `version`;
    /// `None` where nothing differs.
    pub(super) fn since(&self, version: Version) -> Option<Timestamp> {
        if version < self.since {
            return Some(Timestamp::MIN);
        }
        let later = self.earliest_changes.partition_point(|(noted, _)| *noted <= version);
        self.earliest_changes.get(later).map(|(_, reach)| *reach)
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
        let mut touched = ChangeLog::default();
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
        let touched = ChangeLog::after(7);
        assert_eq!((touched.since(6), touched.since(7)), (Some(Timestamp::MIN), None));
    }
}
