use std::collections::HashMap;

use crate::domain::{KnownAtRule, SeriesKey, Timestamp};
use crate::files::{ParsedRow, Place, RowFault};

/// Watches that no point is stated twice in the rows of a push.
#[derive(Debug, Default)]
pub(super) struct OrderChecker {
    series: HashMap<SeriesKey, HashMap<(Timestamp, Option<Timestamp>), Place>>,
}

impl OrderChecker {
    /// Takes the next row, or names the one that stated the same point before.
    pub(super) fn admit(&mut self, stated: &ParsedRow, place: Place) -> Result<(), RowFault> {
        match stated {
            ParsedRow::Nothing | ParsedRow::Order(_) => Ok(()),
            ParsedRow::Reading((key, row)) => self.point(key, row.observed_at, row.knowledge, place),
            ParsedRow::Candle(key, row) => self.point(key, row.observed_at, row.knowledge, place),
            ParsedRow::Readings(rows) => {
                rows.iter().try_for_each(|(key, row)| self.point(key, row.observed_at, row.knowledge, place))
            }
        }
    }

    fn point(&mut self, key: &SeriesKey, at: Timestamp, knowledge: KnownAtRule, place: Place) -> Result<(), RowFault> {
        let vintage = match knowledge {
            KnownAtRule::Vintage(known_at) => Some(known_at),
            KnownAtRule::OnCommit | KnownAtRule::AtPublication(_) => None,
        };
        if !self.series.contains_key(key) {
            self.series.insert(key.clone(), HashMap::new());
        }
        let first = self.series.get_mut(key).and_then(|places| {
            let first = places.get(&(at, vintage)).copied();
            places.entry((at, vintage)).or_insert(place);
            first
        });
        first.map_or(Ok(()), |first| Err(RowFault::Duplicate { at, first }))
    }
}
