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
/// Share of a bucket that must be listened to for it to be one of a baseline (METHODOLOGY section 3.4).
const LISTENED: f64 = 0.8;

/// When each of the feeds that are summed was listening.
#[derive(Debug, Clone)]
pub(in crate::metrics) struct Feeds {
    as_of: Timestamp,
    feeds: BTreeMap<Source, Feed>,
}

/// When one feed was listening, and where sums of a period count of it.
#[derive(Debug, Clone)]
struct Feed {
    listening: Listening,
    sums: Vec<(Period, Timestamp, Timestamp)>,
}

impl Feed {
    fn of(view: &MarketView, source: &Source, legs: &[&LiquidationSeries<'_>]) -> Self {
        let sums = legs.iter().filter_map(|leg| leg.covered().map(|(from, to)| (leg.grain(), from, to)));
        Self { listening: Listening::of_source(view, source, legs), sums: sums.collect() }
    }

    /// The part of a window that it can tell of: a sum counts only where its whole period lies inside.
    fn tellable(&self, from: Timestamp, to: Timestamp) -> (Timestamp, Timestamp) {
        let cuts = |at: Timestamp, (_, first, end): &(Period, Timestamp, Timestamp)| *first < at && at < *end;
        let starts =
            self.sums.iter().filter(|sums| cuts(from, sums)).map(|(grain, ..)| grain.start_of(from.plus_ms(grain.ms() - 1)));
        let ends = self.sums.iter().filter(|sums| cuts(to, sums)).map(|(grain, ..)| grain.start_of(to));
        (starts.fold(from, Timestamp::max), ends.fold(to, Timestamp::min))
    }

    /// The first and the last instant of a window, ends included, at which it was listening.
    fn ends(&self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (from, end) = self.tellable(from, to);
        let (first, last) = self.listening.ends(from, if end < to { end } else { end.plus_ms(1) })?;
        Some((first, last.min(to)))
    }

    fn covered_ms(&self, from: Timestamp, to: Timestamp) -> i64 {
        let (from, to) = self.tellable(from, to);
        self.listening.covered_ms(from, to)
    }
}

impl Feeds {
    /// The feeds behind some legs, as far as is known at the cutoff.
    pub(in crate::metrics) fn of(view: &MarketView, legs: &[LiquidationSeries<'_>]) -> Self {
        let mut by_source: BTreeMap<&Source, Vec<&LiquidationSeries<'_>>> = BTreeMap::new();
        for leg in legs {
            by_source.entry(&leg.source).or_default().push(leg);
        }
        let feeds = by_source.into_iter().map(|(source, legs)| (source.clone(), Feed::of(view, source, &legs)));
        Self { as_of: view.as_of(), feeds: feeds.collect() }
    }

    /// Those of the sources that are wanted.
    pub(in crate::metrics) fn only(&self, wanted: impl Fn(&Source) -> bool) -> Self {
        let feeds = self.feeds.iter().filter(|(source, _)| wanted(source));
        Self { as_of: self.as_of, feeds: feeds.map(|(source, feed)| (source.clone(), feed.clone())).collect() }
    }

    /// How much of a window was covered. Of several feeds the mean of those that were listening at any time in it;
    /// a window over all history begins where the record does.
    pub(in crate::metrics) fn covered(&self, span: Span) -> WindowCoverage {
        let from = if span.is_all() { self.begin().unwrap_or(span.to).min(span.to) } else { span.from };
        let (mut first, mut last) = (None, None);
        for (start, end) in self.feeds.values().filter_map(|feed| feed.ends(from, span.to)) {
            first = first.into_iter().chain([start]).min();
            last = last.max(Some(end));
        }
        WindowCoverage { from: first, to: last, ratio: self.ratio(from, span.to) }
    }

    /// Whether any of them was listening at any instant of a window.
    pub(in crate::metrics) fn were_listening(&self, span: Span) -> bool {
        self.feeds.values().any(|feed| feed.ends(span.from, span.to).is_some())
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
        let Some(feed) = self.feeds.get(source) else { return Reach::Nothing };
        let begin = || feed.listening.begins(self.as_of, BASELINE_MS).unwrap_or(span.from);
        let from = if span.is_all() { begin() } else { span.from };
        match feed.ends(from, span.to) {
            None => Reach::Nothing,
            Some((_, end)) if ratio_of(span.to.ms_since(end), span.to.ms_since(from)) <= 1.0 - COVERED => Reach::End,
            Some(_) => Reach::Part,
        }
    }

    /// Where the record begins: where the first of them becomes continuous.
    pub(in crate::metrics) fn begin(&self) -> Option<Timestamp> {
        self.feeds.values().filter_map(|feed| feed.listening.begins(self.as_of, BASELINE_MS)).min()
    }

    fn ratio(&self, from: Timestamp, to: Timestamp) -> f64 {
        let (mut feeds, mut covered_ms) = (0, 0);
        for feed in self.feeds.values().filter(|feed| feed.ends(from, to).is_some()) {
            feeds += 1;
            covered_ms += feed.covered_ms(from, to);
        }
        ratio_of(covered_ms, feeds * to.ms_since(from)).clamp(0.0, 1.0)
    }
}

/// A part of a length of time.
#[expect(clippy::cast_precision_loss, reason = "a window is far shorter than 2^53 milliseconds")]
fn ratio_of(part_ms: i64, whole_ms: i64) -> f64 {
    if whole_ms > 0 { part_ms as f64 / whole_ms as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Asset, SourceKind};
    use crate::metrics::Window;
    use crate::metrics::fixture::{Fixture, at, order};
    use crate::metrics::liquidations::totals::{LiquidationTotals, Wanted};
    use crate::metrics::provenance::Provenance;

    const OUTAGE: &str = "outage.total.v-liquidations@v";

    fn is_near(ratio: f64, expected: f64) -> bool {
        (ratio - expected).abs() < 1e-12
    }

    fn covered(view: &MarketView, from: &str, to: &str) -> WindowCoverage {
        let span = Span { from: at(from), to: at(to), to_cutoff: at(to) == view.as_of() };
        let btc = Asset::btc();
        LiquidationTotals::open(view, &mut Provenance::new(view), &order(), Some(&btc), &[], Wanted::total(span))
            .unwrap()
            .covered(span)
    }

    #[test]
    fn a_stream_covers_what_lies_after_its_first_order_less_its_outages() {
        let stream =
            || Fixture::new().order("v", "eth", "2026-02-03T12:00:00Z", 5.0).order("v", "btc", "2026-02-03T18:00:00Z", 5.0);
        let view = stream().cut("2026-02-04T00:00:00Z");
        let day = covered(&view, "2026-02-03", "2026-02-04");
        assert_eq!((day.from, day.to, day.ratio), (Some(at("2026-02-03T12:00:00Z")), Some(at("2026-02-04")), 0.5));
        let view = stream().readings(OUTAGE, &[("2026-02-03T14:00:00Z", 3.0)]).cut("2026-02-04T00:00:00Z");
        assert!(is_near(covered(&view, "2026-02-03", "2026-02-04").ratio, 0.375));
        assert!(is_near(covered(&view, "2026-02-03T14:00:00Z", "2026-02-03T17:00:00Z").ratio, 0.0));
        let silent = stream().cut("2026-02-10");
        assert!(is_near(covered(&silent, "2026-02-03T18:00:01Z", "2026-02-10").ratio, 0.0), "nothing for a day is no calm");
    }

    #[test]
    fn published_sums_cover_their_periods_and_the_running_one_is_not_covered() {
        let sums = [("2026-02-03", 1.0), ("2026-02-03T04:00:00Z", 1.0), ("2026-02-03T12:00:00Z", 1.0)];
        let view = Fixture::new().readings("liquidation.btc.long@v:4h", &sums).cut("2026-02-03T18:00:00Z");
        let day = covered(&view, "2026-02-03", "2026-02-03T16:00:00Z");
        assert_eq!((day.from, day.to, day.ratio), (Some(at("2026-02-03")), Some(at("2026-02-03T16:00:00Z")), 0.75));
        assert!(is_near(covered(&view, "2026-02-03T12:00:00Z", "2026-02-03T20:00:00Z").ratio, 0.5));
    }

    #[test]
    fn of_several_feeds_the_mean_counts_of_those_that_were_listening() {
        let view = Fixture::new()
            .order("v", "btc", "2026-02-02T20:00:00Z", 5.0)
            .order("w", "btc", "2026-02-03T12:00:00Z", 5.0)
            .order("x", "btc", "2024-06-04T12:00:00Z", 5.0)
            .source("x", SourceKind::Venue, "")
            .cut("2026-02-03T16:00:00Z");
        assert!(is_near(covered(&view, "2026-02-03T08:00:00Z", "2026-02-03T16:00:00Z").ratio, 0.75));
    }

    #[test]
    fn a_stray_row_does_not_begin_a_history() {
        let rows: Vec<String> = (0..60).map(|day| at("2025-12-01").plus_days(day).to_string()).collect();
        let sums: Vec<(&str, f64)> = rows.iter().map(|day| (day.as_str(), 1.0)).collect();
        let fixture =
            || Fixture::new().order("v", "btc", "2024-06-04T12:46:58Z", 207.0).readings("liquidation.btc.long@v:1d", &sums);
        let begin = |as_of: &str| {
            let view = fixture().cut(as_of);
            let legs = LiquidationTotals::open_single_assets(
                &view,
                &order(),
                None,
                &[],
                Wanted::total(Window::ALL.resolve(at(as_of)).unwrap()),
            );
            legs.unwrap().begin()
        };
        assert_eq!(begin("2026-02-01"), Some(at("2025-12-01")));
        assert_eq!(begin("2024-06-04T13:00:00Z"), Some(at("2024-06-04T12:46:58Z")), "all there was by then");
    }

    /// Which of 60 four-hour sums and of 60 orders there are.
    fn rows() -> impl Strategy<Value = (Vec<bool>, Vec<bool>)> {
        let chosen = || prop::collection::vec(any::<bool>(), 60);
        (chosen(), chosen())
    }

    fn fixture(sums: &[bool], orders: &[bool]) -> Fixture {
        let hours = |hours: i64| at("2026-01-01").plus_ms(hours * Period::HOUR.ms()).to_string();
        let texts: Vec<String> = (0..).map(|n| hours(4 * n)).zip(sums).filter(|(_, there)| **there).map(|(at, _)| at).collect();
        let sums: Vec<(&str, f64)> = texts.iter().map(|at| (at.as_str(), 7.0)).collect();
        let fixture = Fixture::new().readings("liquidation.btc.long@v:4h", &sums);
        (0..)
            .zip(orders)
            .filter(|(_, there)| **there)
            .fold(fixture, |fixture, (n, _)| fixture.order("w", "btc", &hours(9 * n), 5.0))
    }

    proptest! {
        #[test]
        fn taking_rows_away_never_makes_an_answer_claim_more(
            (sums, orders) in rows(),
            (fewer_sums, fewer_orders) in rows(),
            (start, length) in (0..500_i64, 1..200_i64),
        ) {
            let and = |all: &[bool], some: &[bool]| all.iter().zip(some).map(|(a, b)| *a && *b).collect::<Vec<_>>();
            let from = at("2026-01-01").plus_ms(start * Period::HOUR.ms() + 1_234);
            let to = from.plus_ms(length * Period::HOUR.ms());
            let (from, to) = (from.to_string(), to.to_string());
            for source in ["v", "w"] {
                let tell = |fixture: Fixture| {
                    let view = fixture.cut(&to);
                    let span = Span { from: at(&from), to: at(&to), to_cutoff: true };
                    let (source, wanted) = (source.parse().unwrap(), Wanted::total(span));
                    let totals = LiquidationTotals::open(&view, &mut Provenance::new(&view), &order(), None, &[source], wanted).ok()?;
                    let told = totals.covered(span).from.map(|_| totals.sides(span).total());
                    Some((totals.covered(span).ratio, told))
                };
                let Some((ratio, told)) = tell(fixture(&sums, &orders)) else { continue };
                prop_assert!((0.0..=1.0).contains(&ratio));
                let Some((fewer, still)) = tell(fixture(&and(&sums, &fewer_sums), &and(&orders, &fewer_orders))) else { continue };
                prop_assert!(fewer <= ratio, "{fewer} of {ratio}");
                prop_assert!(still.is_none() || still <= told, "{still:?} of {told:?}");
            }
        }
    }
}
