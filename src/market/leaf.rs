use std::ops::Range;

use crate::domain::{TimeRange, Timestamp, Vintage};
use crate::market::point::Point;

/// Points in time order. Each has one first vintage here, and may have later ones in `later`.
#[derive(Debug)]
pub(super) struct Leaf<P> {
    pub(super) times: Box<[Timestamp]>,
    pub(super) values: Box<[P]>,
    known: Known,
    pub(super) later: Box<[Correction<P>]>,
}

/// `known_at` of the first vintage of each point.
#[derive(Debug)]
enum Known {
    /// By the publication rule.
    ByRule,
    /// At these times, in the order of the points.
    InOrder(Box<[Timestamp]>),
    /// At these times, in any order: some history was back-filled late.
    Unsorted(Box<[Timestamp]>),
}

/// A revision of the point at `index`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Correction<P> {
    index: u32,
    pub(super) known_at: Timestamp,
    pub(super) value: P,
}

impl<P: Point> Leaf<P> {
    /// Packs vintages ordered by (`observed_at`, `known_at`).
    pub(super) fn pack(vintages: &[Vintage<P>], lag_ms: i64) -> Self {
        let mut times = Vec::with_capacity(vintages.len());
        let mut values = Vec::with_capacity(vintages.len());
        let mut known = Vec::with_capacity(vintages.len());
        let mut later = Vec::new();
        for vintage in vintages {
            if times.last() == Some(&vintage.observed_at) {
                let index = u32::try_from(times.len() - 1).unwrap_or(u32::MAX);
                later.push(Correction { index, known_at: vintage.known_at, value: vintage.value });
            } else {
                times.push(vintage.observed_at);
                values.push(vintage.value);
                known.push(vintage.known_at);
            }
        }
        let by_rule = times.iter().zip(&known).all(|(at, known_at)| at.plus_ms(lag_ms) == *known_at);
        let known = match known {
            _ if by_rule => Known::ByRule,
            known if known.is_sorted() => Known::InOrder(known.into()),
            known => Known::Unsorted(known.into()),
        };
        Self { times: times.into(), values: values.into(), known, later: later.into() }
    }

    pub(super) fn first_known(&self, index: usize, lag_ms: i64) -> Timestamp {
        match &self.known {
            Known::ByRule => self.times[index].plus_ms(lag_ms),
            Known::InOrder(known) | Known::Unsorted(known) => known[index],
        }
    }

    /// Returns the `known_at` of the last vintage of a point.
    pub(super) fn last_known(&self, index: usize, lag_ms: i64) -> Timestamp {
        let corrected = self.corrections(index).last().map(|later| later.known_at);
        corrected.unwrap_or_else(|| self.first_known(index, lag_ms))
    }

    pub(super) fn corrections(&self, index: usize) -> &[Correction<P>] {
        corrections_in(self.later_from(index), index)
    }

    /// Returns the revisions of a point and of those after it.
    fn later_from(&self, index: usize) -> &[Correction<P>] {
        &self.later[self.later.partition_point(|later| (later.index as usize) < index)..]
    }

    /// Returns the point as known at `as_of`.
    pub(super) fn resolve(&self, index: usize, as_of: Timestamp, lag_ms: i64) -> Option<Vintage<P>> {
        self.newest(index, self.corrections(index), as_of, lag_ms)
    }

    /// Returns the newest vintage of a point at `as_of`, given its revisions.
    fn newest(&self, index: usize, corrections: &[Correction<P>], as_of: Timestamp, lag_ms: i64) -> Option<Vintage<P>> {
        let known_at = self.first_known(index, lag_ms);
        let first = Vintage { observed_at: self.times[index], known_at, value: self.values[index] };
        let correction = corrections.iter().rev().find(|later| later.known_at <= as_of);
        let newest = correction.map_or(first, |later| Vintage { known_at: later.known_at, value: later.value, ..first });
        (known_at <= as_of).then_some(newest)
    }

    /// Returns those of some points that were known at `as_of`, given that all vintages are known by `known_by`.
    /// `None` if each must be checked, because their first vintages are unsorted.
    pub(super) fn known_part(
        &self,
        indices: Range<usize>,
        as_of: Timestamp,
        lag_ms: i64,
        known_by: Timestamp,
    ) -> Option<Range<usize>> {
        let known = match &self.known {
            _ if known_by <= as_of => indices.len(),
            Known::ByRule => self.times[indices.clone()].partition_point(|at| at.plus_ms(lag_ms) <= as_of),
            Known::InOrder(known) => known[indices.clone()].partition_point(|known_at| *known_at <= as_of),
            Known::Unsorted(_) => return None,
        };
        Some(indices.start..indices.start + known)
    }

    /// Visits those of some points that were known at `as_of`, in order, given that all are known by `known_by`.
    pub(super) fn visit(
        &self,
        indices: Range<usize>,
        as_of: Timestamp,
        lag_ms: i64,
        known_by: Timestamp,
        visit: &mut impl FnMut(Vintage<P>),
    ) {
        match self.known_part(indices.clone(), as_of, lag_ms, known_by) {
            Some(known) if self.later.is_empty() => self.firsts(known, lag_ms).for_each(visit),
            known => {
                let indices = known.unwrap_or(indices);
                let mut later = self.later_from(indices.start);
                let newest = indices.filter_map(|index| {
                    let corrections = corrections_in(later, index);
                    later = &later[corrections.len()..];
                    self.newest(index, corrections, as_of, lag_ms)
                });
                newest.for_each(visit);
            }
        }
    }

    /// Returns the first vintage of each point, in order.
    fn firsts(&self, range: Range<usize>, lag_ms: i64) -> impl Iterator<Item = Vintage<P>> {
        let points = range.clone().zip(self.times[range.clone()].iter().zip(&self.values[range]));
        points.map(move |(index, (at, value))| {
            let known_at = self.first_known(index, lag_ms);
            Vintage { observed_at: *at, known_at, value: *value }
        })
    }

    /// Visits every vintage of every point, in order.
    pub(super) fn unpack(&self, range: Range<usize>, lag_ms: i64, visit: &mut impl FnMut(Vintage<P>)) {
        for index in range {
            let observed_at = self.times[index];
            visit(Vintage { observed_at, known_at: self.first_known(index, lag_ms), value: self.values[index] });
            for l in self.corrections(index) {
                visit(Vintage { observed_at, known_at: l.known_at, value: l.value });
            }
        }
    }

    /// Passes on the points in `range` as known at `as_of`, given that all vintages are known by `known_by`.
    pub(super) fn known(
        &self,
        range: TimeRange,
        as_of: Timestamp,
        lag_ms: i64,
        known_by: Timestamp,
        take: impl FnOnce(&[Timestamp], &[P]),
    ) {
        let indices = self.indices(range);
        match self.known_part(indices.clone(), as_of, lag_ms, known_by) {
            Some(known) if self.later.is_empty() => take(&self.times[known.clone()], &self.values[known]),
            _ => {
                let (mut times, mut values) = (Vec::with_capacity(indices.len()), Vec::with_capacity(indices.len()));
                self.visit(indices, as_of, lag_ms, known_by, &mut |point| {
                    times.push(point.observed_at);
                    values.push(point.value);
                });
                take(&times, &values);
            }
        }
    }

    /// Returns the indices of the points in `range`.
    pub(super) fn indices(&self, range: TimeRange) -> Range<usize> {
        self.indices_from(range.from()).start..self.indices_to(range.to().plus_ms(-1)).end
    }

    /// Returns the indices of the points at or after `at`. An end outside the leaf is not searched for.
    pub(super) fn indices_from(&self, at: Timestamp) -> Range<usize> {
        let begins_inside = self.times.first().is_some_and(|first| *first < at);
        let from = if begins_inside { self.times.partition_point(|t| *t < at) } else { 0 };
        from..self.times.len()
    }

    /// Returns the indices of the points at or before `at`; an end outside the leaf is not searched for.
    pub(super) fn indices_to(&self, at: Timestamp) -> Range<usize> {
        let ends_inside = self.times.last().is_some_and(|last| at < *last);
        0..if ends_inside { self.times.partition_point(|t| *t <= at) } else { self.times.len() }
    }
}

/// Returns the revisions of the point at `index`, given those of it and of later points.
fn corrections_in<P>(later: &[Correction<P>], index: usize) -> &[Correction<P>] {
    &later[..later.iter().take_while(|later| later.index as usize == index).count()]
}
