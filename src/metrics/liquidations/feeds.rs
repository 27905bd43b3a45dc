//! How much of a window was covered by the feeds that are summed.

use std::collections::BTreeMap;

use crate::domain::{Period, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::bound::COVERED;
use crate::metrics::liquidations::listening::Listening;
use crate::metrics::liquidations::source_series::LiquidationSeries;
use crate::metrics::summed_sources::Reach;
use crate::metrics::{Span, WindowCoverage};

/// The length over which a record is judged to be continuous.
const BASELINE_MS: i64 = 90 * Period::DAY.ms();
/// Share of a bucket that must be listened to for it to be one of a baseline (METHODOLOGY section 3.6).
const LISTENED: f64 = 0.8;

/// When each of the feeds that are summed was listening.
#[derive(Debug, Clone)]
pub(in crate::metrics) struct Feeds {
    as_of: Timestamp,
    listening: BTreeMap<Source, Listening>,
}

impl Feeds {
    /// The feeds behind some legs, as far as is known at the cutoff.
    pub(in crate::metrics) fn of(view: &MarketView, legs: &[LiquidationSeries<'_>]) -> Self {
        let mut by_source: BTreeMap<&Source, Vec<&LiquidationSeries<'_>>> = BTreeMap::new();
        for leg in legs {
            by_source.entry(&leg.source).or_default().push(leg);
        }
        let listening = by_source.into_iter().map(|(source, legs)| (source.clone(), Listening::of_source(view, source, &legs)));
        Self { as_of: view.as_of(), listening: listening.collect() }
    }

    /// Those of the sources that are wanted.
    pub(in crate::metrics) fn only(&self, wanted: impl Fn(&Source) -> bool) -> Self {
        let listening = self.listening.iter().filter(|(source, _)| wanted(source));
        Self { as_of: self.as_of, listening: listening.map(|(source, heard)| (source.clone(), heard.clone())).collect() }
    }

    /// How much of a window was covered. Of several feeds the mean of those that were listening at any time in it;
    /// a window over all history begins where the record does.
    pub(in crate::metrics) fn covered(&self, span: Span) -> WindowCoverage {
        let from = self.start_of(span);
        let parts: Vec<_> = self.listening.values().filter_map(|heard| heard.ends(from, span.to.plus_ms(1))).collect();
        let ratio = self.ratio(from, span.to);
        let to = parts.iter().map(|(_, to)| (*to).min(span.to)).max();
        WindowCoverage { from: parts.iter().map(|(from, _)| *from).min(), to, ratio }
    }

    /// Whether any of them was listening at any instant of a window.
    pub(in crate::metrics) fn were_listening(&self, span: Span) -> bool {
        self.listening.values().any(|heard| heard.ends(span.from, span.to.plus_ms(1)).is_some())
    }

    /// Whether a bucket was listened to, so that what is not in it did not happen. `grain` is the period of the coarsest
    /// sums: only whole ones can lie in the bucket.
    pub(in crate::metrics) fn heard(&self, from: Timestamp, to: Timestamp, grain: Period) -> bool {
        let first = grain.start_of(from.plus_ms(grain.ms() - 1));
        let last = grain.start_of(to);
        first < last && self.ratio(first, last) >= LISTENED
    }

    /// How much one source tells of a window.
    pub(in crate::metrics) fn reach(&self, source: &Source, span: Span) -> Reach {
        let Some(heard) = self.listening.get(source) else { return Reach::Nothing };
        let from = if span.is_all() { heard.begins(self.as_of, BASELINE_MS).unwrap_or(span.from) } else { span.from };
        match heard.ends(from, span.to.plus_ms(1)) {
            None => Reach::Nothing,
            Some((_, end)) if ratio_of(span.to.ms_since(end), span.to.ms_since(from)) <= 1.0 - COVERED => Reach::End,
            Some(_) => Reach::Part,
        }
    }

    /// Where the record begins: where the first of them becomes continuous.
    pub(in crate::metrics) fn begin(&self) -> Option<Timestamp> {
        self.listening.values().filter_map(|heard| heard.begins(self.as_of, BASELINE_MS)).min()
    }

    fn start_of(&self, span: Span) -> Timestamp {
        if span.is_all() { self.begin().unwrap_or(span.to).min(span.to) } else { span.from }
    }

    fn ratio(&self, from: Timestamp, to: Timestamp) -> f64 {
        let (mut feeds, mut covered_ms) = (0, 0);
        for heard in self.listening.values().filter(|heard| heard.ends(from, to.plus_ms(1)).is_some()) {
            feeds += 1;
            covered_ms += heard.covered_ms(from, to);
        }
        ratio_of(covered_ms, feeds * to.ms_since(from)).clamp(0.0, 1.0)
    }
}

/// A part of a length of time.
#[expect(clippy::cast_precision_loss, reason = "a window is far shorter than 2^53 milliseconds")]
fn ratio_of(part_ms: i64, whole_ms: i64) -> f64 {
    if whole_ms > 0 { part_ms as f64 / whole_ms as f64 } else { 0.0 }
}
