use std::collections::HashMap;

use crate::domain::{SeriesKey, Timestamp};
use crate::files::RowFault;

/// Watches that the rows of each series come in order of time and none comes twice.
#[derive(Debug)]
pub(super) struct Sequence {
    any_order: bool,
    series: HashMap<SeriesKey, Seen>,
}

#[derive(Debug)]
struct Seen {
    latest: Timestamp,
    latest_line: u64,
    /// Lines by point and vintage: of the latest instant only, as long as time must not run backwards.
    lines: HashMap<(Timestamp, Option<Timestamp>), u64>,
}

impl Sequence {
    pub(super) fn new(any_order: bool) -> Self {
        Self { any_order, series: HashMap::new() }
    }

    /// Takes the next row, or says why it cannot follow the ones before.
    pub(super) fn admit(
        &mut self,
        key: &SeriesKey,
        at: Timestamp,
        known_at: Option<Timestamp>,
        line: u64,
    ) -> Result<(), RowFault> {
        let Some(seen) = self.series.get_mut(key) else {
            let lines = HashMap::from([((at, known_at), line)]);
            self.series.insert(key.clone(), Seen { latest: at, latest_line: line, lines });
            return Ok(());
        };
        if !self.any_order {
            if at < seen.latest {
                return Err(RowFault::OutOfOrder { at, previous: seen.latest, previous_line: seen.latest_line });
            }
            if at > seen.latest {
                seen.lines.clear();
            }
        }
        if let Some(&first_line) = seen.lines.get(&(at, known_at)) {
            return Err(RowFault::Duplicate { at, first_line });
        }
        seen.lines.insert((at, known_at), line);
        (seen.latest, seen.latest_line) = (at, line);
        Ok(())
    }
}
