use crate::domain::{Period, Timestamp};
use crate::market::point::{Fold, Point};

/// Folds of the non-empty buckets of one length, computed in order and passed on once complete.
pub(super) struct Buckets<F, G> {
    interval: Period,
    running: Option<Span<F>>,
    give: G,
}

struct Span<F> {
    start: Timestamp,
    end: Timestamp,
    fold: F,
}

impl<F: Default, G: FnMut(Timestamp, F)> Buckets<F, G> {
    pub(super) const fn new(interval: Period, give: G) -> Self {
        Self { interval, running: None, give }
    }

    /// Returns the fold of the bucket that contains `at`; points must come in time order.
    pub(super) fn fold_at(&mut self, at: Timestamp) -> &mut F {
        &mut self.span_at(at).fold
    }

    /// Returns true if one bucket contains both times.
    pub(super) fn hold_together(&self, one: Timestamp, other: Timestamp) -> bool {
        self.interval.start_of(one) == self.interval.start_of(other)
    }

    /// Adds single points that follow everything added so far; both slices have one length.
    pub(super) fn points<P: Point>(&mut self, mut times: &[Timestamp], mut values: &[P])
    where
        F: Fold<P>,
    {
        while let Some(first) = times.first() {
            let span = self.span_at(*first);
            let inside = times.partition_point(|at| *at < span.end);
            span.fold.points(&times[..inside], &values[..inside]);
            (times, values) = (&times[inside..], &values[inside..]);
        }
    }

    /// Passes on the last bucket.
    pub(super) fn finish(mut self) {
        if let Some(span) = self.running.take() {
            (self.give)(span.start, span.fold);
        }
    }

    fn span_at(&mut self, at: Timestamp) -> &mut Span<F> {
        if let Some(full) = self.running.take_if(|span| span.end <= at) {
            (self.give)(full.start, full.fold);
        }
        self.running.get_or_insert_with(|| {
            let start = self.interval.start_of(at);
            Span { start, end: start.plus_ms(self.interval.ms().max(1)), fold: F::default() }
        })
    }
}
