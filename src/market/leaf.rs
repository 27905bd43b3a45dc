use std::ops::Range;

use crate::domain::{TimeRange, Timestamp, Vintage};
use crate::market::point::Point;

/// Points in the order of time. A point has one first vintage, here, and may have later ones, aside.
#[derive(Debug)]
pub(super) struct Leaf<P> {
    pub(super) times: Box<[Timestamp]>,
    pub(super) values: Box<[P]>,
    /// When each first vintage was known; `None` where all follow the publication rule.
    known: Option<Box<[Timestamp]>>,
    pub(super) later: Box<[Later<P>]>,
}

/// A correction of the point at `index`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Later<P> {
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
                later.push(Later { index, known_at: vintage.known_at, value: vintage.value });
            } else {
                times.push(vintage.observed_at);
                values.push(vintage.value);
                known.push(vintage.known_at);
            }
        }
        let regular = times.iter().zip(&known).all(|(at, known_at)| at.plus_ms(lag_ms) == *known_at);
        Self { times: times.into(), values: values.into(), known: (!regular).then(|| known.into()), later: later.into() }
    }

    pub(super) fn first_known(&self, index: usize, lag_ms: i64) -> Timestamp {
        self.known.as_ref().map_or_else(|| self.times[index].plus_ms(lag_ms), |known| known[index])
    }

    /// When the last vintage of a point was known.
    pub(super) fn last_known(&self, index: usize, lag_ms: i64) -> Timestamp {
        let corrected = self.corrections(index).last().map(|later| later.known_at);
        corrected.unwrap_or_else(|| self.first_known(index, lag_ms))
    }

    pub(super) fn corrections(&self, index: usize) -> &[Later<P>] {
        if self.later.is_empty() {
            return &[];
        }
        let from = self.later.partition_point(|l| (l.index as usize) < index);
        let to = self.later.partition_point(|l| (l.index as usize) <= index);
        &self.later[from..to]
    }

    /// The point as it was known at `as_of`.
    pub(super) fn resolve(&self, index: usize, as_of: Timestamp, lag_ms: i64) -> Option<Vintage<P>> {
        let known_at = self.first_known(index, lag_ms);
        if known_at > as_of {
            return None;
        }
        let observed_at = self.times[index];
        let correction = self.corrections(index).iter().rev().find(|l| l.known_at <= as_of);
        Some(correction.map_or(Vintage { observed_at, known_at, value: self.values[index] }, |l| Vintage {
            observed_at,
            known_at: l.known_at,
            value: l.value,
        }))
    }

    /// Those of some points that were known at `as_of`, all vintages being known by `known_by`; `None` where
    /// each has to be asked, since points were corrected or became known out of order.
    pub(super) fn plainly_known(
        &self,
        indices: Range<usize>,
        as_of: Timestamp,
        lag_ms: i64,
        known_by: Timestamp,
    ) -> Option<Range<usize>> {
        match (&self.known, known_by <= as_of) {
            _ if !self.later.is_empty() => None,
            (_, true) => Some(indices),
            (Some(_), false) => None,
            (None, false) => {
                let known = self.times[indices.clone()].partition_point(|at| at.plus_ms(lag_ms) <= as_of);
                Some(indices.start..indices.start + known)
            }
        }
    }

    /// The first vintage of each point, in order.
    pub(super) fn firsts(&self, range: Range<usize>, lag_ms: i64) -> impl Iterator<Item = Vintage<P>> {
        let known = self.known.as_ref().map(|known| &known[range.clone()]);
        let points = self.times[range.clone()].iter().zip(&self.values[range]);
        points.enumerate().map(move |(i, (at, value))| {
            let known_at = known.map_or_else(|| at.plus_ms(lag_ms), |known| known[i]);
            Vintage { observed_at: *at, known_at, value: *value }
        })
    }

    /// Every vintage of every point, in order.
    pub(super) fn unpack(&self, range: Range<usize>, lag_ms: i64, visit: &mut impl FnMut(Vintage<P>)) {
        for index in range {
            let observed_at = self.times[index];
            visit(Vintage { observed_at, known_at: self.first_known(index, lag_ms), value: self.values[index] });
            for l in self.corrections(index) {
                visit(Vintage { observed_at, known_at: l.known_at, value: l.value });
            }
        }
    }

    /// Hands over the points in `range` as they were known at `as_of`, all vintages being known by `known_by`.
    pub(super) fn known(
        &self,
        range: TimeRange,
        as_of: Timestamp,
        lag_ms: i64,
        known_by: Timestamp,
        take: impl FnOnce(&[Timestamp], &[P]),
    ) {
        let indices = self.indices(range);
        if let Some(known) = self.plainly_known(indices.clone(), as_of, lag_ms, known_by) {
            take(&self.times[known.clone()], &self.values[known]);
        } else {
            let known = indices.filter_map(|i| self.resolve(i, as_of, lag_ms));
            let (times, values): (Vec<_>, Vec<_>) = known.map(|v| (v.observed_at, v.value)).unzip();
            take(&times, &values);
        }
    }

    /// Which points lie in `range`. An end outside the leaf is not searched for.
    pub(super) fn indices(&self, range: TimeRange) -> Range<usize> {
        let begins_inside = self.times.first().is_some_and(|first| *first < range.from());
        let ends_inside = self.times.last().is_some_and(|last| range.to() <= *last);
        let from = if begins_inside { self.times.partition_point(|t| *t < range.from()) } else { 0 };
        let to = if ends_inside { self.times.partition_point(|t| *t < range.to()) } else { self.times.len() };
        from..to
    }
}
