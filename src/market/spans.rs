use crate::domain::{Period, Timestamp};
use crate::market::point::{Fold, Point};

/// Folds of the spans of one length that hold any point, made one after the other and given away once full.
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

    /// The fold of the span that holds `at`; the points of a column come in the order of time.
    pub(super) fn fold_at(&mut self, at: Timestamp) -> &mut F {
        &mut self.span_at(at).fold
    }

    /// Whether one span holds both instants.
    pub(super) fn hold_together(&self, one: Timestamp, other: Timestamp) -> bool {
        self.interval.start_of(one) == self.interval.start_of(other)
    }

    /// Takes single points that follow everything taken so far; both slices have one length.
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

    /// Gives the last span away.
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
