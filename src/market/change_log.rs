//! Tracks how far back each commit changed history, so that caches know what to invalidate.

use std::sync::Arc;

use crate::domain::{Timestamp, Version};

/// For each commit since the market was loaded, the earliest `known_at` day that it changed.
#[derive(Debug, Clone, Default)]
pub(super) struct ChangeLog {
    /// Commit after which the log starts.
    since: Version,
    /// Commits whose change is earlier than that of every later one, ascending in both.
    earliest_changes: Arc<Vec<(Version, Timestamp)>>,
}

impl ChangeLog {
    /// Creates a log that starts after commit `since`.
    pub(super) fn after(since: Version) -> Self {
        Self { since, earliest_changes: Arc::default() }
    }

    /// Records that a commit added rows known from `known_from` on. The day is stored, not the time:
    /// a year of commits then has at most a year of days.
    pub(super) fn note(&mut self, version: Version, known_from: Timestamp) {
        let day = known_from.day_start();
        let earliest_changes = Arc::make_mut(&mut self.earliest_changes);
        let unaffected = earliest_changes.partition_point(|(_, changed)| *changed < day);
        earliest_changes.truncate(unaffected);
        earliest_changes.push((version, day));
    }

    /// Returns the start of the earliest `known_at` day that changed after commit `version`; `None` if
    /// nothing changed.
    pub(super) fn since(&self, version: Version) -> Option<Timestamp> {
        if version < self.since {
            return Some(Timestamp::MIN);
        }
        let later = self.earliest_changes.partition_point(|(noted, _)| *noted <= version);
        self.earliest_changes.get(later).map(|(_, changed)| *changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_unix_ms(0).plus_days(day)
    }

    #[test]
    fn the_earliest_change_of_later_commits_is_returned() {
        let mut touched = ChangeLog::default();
        for (version, changed) in [(1, 10), (2, 11), (3, 5), (4, 12), (5, 12)] {
            touched.note(version, day(changed).plus_ms(7));
        }
        assert_eq!(touched.since(0), Some(day(5)));
        assert_eq!(touched.since(2), Some(day(5)));
        assert_eq!((touched.since(3), touched.since(4)), (Some(day(12)), Some(day(12))));
        assert_eq!(touched.since(5), None);
    }

    #[test]
    fn before_the_log_starts_everything_may_have_changed() {
        let touched = ChangeLog::after(7);
        assert_eq!((touched.since(6), touched.since(7)), (Some(Timestamp::MIN), None));
    }
}
