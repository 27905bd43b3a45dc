//! The rows of a file while it is read: sorted at its end, with repeated rows taken out.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::domain::{Bar, Batch, KnownAtRule, LiquidationOrder, Observation, SeriesKey, Source, Timestamp};
use crate::files::plan::Doubles;
use crate::files::{BadRows, ParsedRow, Place, RowError, RowFault};

/// The points of one file.
#[derive(Debug, Default)]
pub(super) struct Collected {
    readings: BTreeMap<SeriesKey, Vec<Kept<f64>>>,
    candles: BTreeMap<SeriesKey, Vec<Kept<Bar>>>,
    orders: Vec<(LiquidationOrder, Place)>,
    /// Rows that repeat others.
    doubles: BTreeSet<Place>,
}

/// A point, where it stands, and how its stamp was written.
#[derive(Debug, Clone, Copy)]
struct Kept<P> {
    point: Observation<P>,
    place: Place,
    stamp: Timestamp,
}

/// What became of a file's rows.
pub(super) struct Sorted {
    pub(super) batch: Batch,
    /// Rows that repeat others and count once.
    pub(super) doubles: u64,
}

impl Collected {
    /// Adds what a row states. `stamp` is the instant as it was written, before it became a trading day.
    pub(super) fn add(&mut self, stated: ParsedRow, place: Place, stamp: Timestamp) {
        let mut reading = |(key, point)| self.readings.entry(key).or_default().push(Kept { point, place, stamp });
        match stated {
            ParsedRow::Nothing => {}
            ParsedRow::Reading(one) => reading(one),
            ParsedRow::Readings(several) => several.into_iter().for_each(reading),
            ParsedRow::Candle(key, point) => self.candles.entry(key).or_default().push(Kept { point, place, stamp }),
            ParsedRow::Order(order) => self.orders.push((order, place)),
        }
    }

    /// Sorts the points and takes repeated ones out; points that contradict each other are bad.
    ///
    /// With `is_by_day` the later one of two rows of a trading day holds.
    pub(super) fn sort(mut self, writer: Source, doubles: Doubles, is_by_day: bool, bad: &mut BadRows) -> Sorted {
        let mut batch = Batch::new(writer);
        for (key, rows) in std::mem::take(&mut self.readings) {
            let rows = self.unique(rows, is_by_day, bad);
            batch.readings.insert(key, rows);
        }
        for (key, rows) in std::mem::take(&mut self.candles) {
            let rows = self.unique(rows, is_by_day, bad);
            batch.candles.insert(key, rows);
        }
        let mut seen = HashSet::new();
        for (order, place) in std::mem::take(&mut self.orders) {
            if doubles == Doubles::Real || seen.insert(identity(&order)) {
                batch.orders.push(order);
            } else {
                self.doubles.insert(place);
            }
        }
        Sorted { batch, doubles: self.doubles.len() as u64 }
    }

    fn unique<P: PartialEq + Copy>(&mut self, mut rows: Vec<Kept<P>>, is_by_day: bool, bad: &mut BadRows) -> Vec<Observation<P>> {
        let order = |kept: &Kept<P>| (kept.point.observed_at, vintage(kept.point.knowledge), kept.stamp);
        if !rows.is_sorted_by_key(order) {
            rows.sort_by_key(order);
        }
        let mut unique: Vec<Kept<P>> = Vec::with_capacity(rows.len());
        for row in rows {
            let same = |last: &&mut Kept<P>| {
                last.point.observed_at == row.point.observed_at && vintage(last.point.knowledge) == vintage(row.point.knowledge)
            };
            match unique.last_mut().filter(same) {
                None => unique.push(row),
                Some(last) if last.point.value == row.point.value => {
                    self.doubles.insert(row.place);
                }
                Some(last) if is_by_day && last.stamp != row.stamp => {
                    self.doubles.insert(last.place);
                    *last = row;
                }
                Some(last) => {
                    // A file that runs backwards is sorted, so its later line can stand first.
                    let (first, place) =
                        if line(last.place) <= line(row.place) { (last.place, row.place) } else { (row.place, last.place) };
                    bad.push(RowError { place, column: None, fault: RowFault::Otherwise { at: row.point.observed_at, first } });
                }
            }
        }
        unique.into_iter().map(|kept| kept.point).collect()
    }
}

/// The vintage of a point; points without one share the rule of their series.
const fn vintage(knowledge: KnownAtRule) -> Option<Timestamp> {
    match knowledge {
        KnownAtRule::Vintage(at) => Some(at),
        KnownAtRule::OnCommit | KnownAtRule::AtPublication(_) => None,
    }
}

const fn line(place: Place) -> u64 {
    match place {
        Place::Line(number) | Place::Row(number) => number,
    }
}

/// What makes two orders the same one.
fn identity(order: &LiquidationOrder) -> (String, Timestamp, &'static str, u64, u64) {
    (order.symbol.clone(), order.occurred_at, order.side.as_str(), order.price_usd.to_bits(), order.quantity.to_bits())
}
