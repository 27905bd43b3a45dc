use std::collections::HashMap;

use crate::domain::{SeriesKey, Timestamp};
use crate::files::{Place, RowFault};

/// Watches that the rows of each series come in order of time and none comes twice.
#[derive(Debug)]
pub(super) struct OrderChecker {
    any_order: bool,
    series: HashMap<SeriesKey, Seen>,
}

#[derive(Debug)]
struct Seen {
    latest: Timestamp,
    latest_place: Place,
    /// Places by point and vintage: of the latest instant only, as long as time must not run backwards.
    places: HashMap<(Timestamp, Option<Timestamp>), Place>,
}

impl OrderChecker {
    pub(super) fn new(any_order: bool) -> Self {
        Self { any_order, series: HashMap::new() }
    }

    /// Takes the next row, or says why it cannot follow the ones before.
    pub(super) fn admit(
        &mut self,
        key: &SeriesKey,
        at: Timestamp,
        known_at: Option<Timestamp>,
        place: Place,
    ) -> Result<(), RowFault> {
        let Some(seen) = self.series.get_mut(key) else {
            let places = HashMap::from([((at, known_at), place)]);
            self.series.insert(key.clone(), Seen { latest: at, latest_place: place, places });
            return Ok(());
        };
        if !self.any_order {
            if at < seen.latest {
                return Err(RowFault::OutOfOrder { at, previous: seen.latest, previous_place: seen.latest_place });
            }
            if at > seen.latest {
                seen.places.clear();
            }
        }
        if let Some(&first) = seen.places.get(&(at, known_at)) {
            return Err(RowFault::Duplicate { at, first });
        }
        seen.places.insert((at, known_at), place);
        (seen.latest, seen.latest_place) = (at, place);
        Ok(())
    }
}
