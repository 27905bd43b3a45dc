use crate::domain::{Asset, Metric, Period, SeriesKey, Source, TimeRange, Timestamp, Vintage};
use crate::market::{ColumnView, MarketView};
use crate::metrics::WarningCode;
use crate::metrics::provenance::Provenance;
use crate::stats::funding::per_8h;
use crate::stats::real;

/// How far a settlement may be off the full minute it belongs to.
const JITTER_MS: i64 = 30_000;
/// Possible intervals if no row states one, hours.
const INTERVALS_HOURS: [i64; 4] = [1, 2, 4, 8];

/// One settled rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::metrics) struct Settlement {
    pub(in crate::metrics) at: Timestamp,
    /// A fraction for `hours`.
    pub(in crate::metrics) rate: f64,
    /// Hours that the rate is for, above zero.
    pub(in crate::metrics) hours: f64,
}

/// The settlements of one source in the order of time.
pub(in crate::metrics) type Settlements = Vec<Settlement>;

/// A source of funding rates (METHODOLOGY section 6).
#[derive(Debug)]
pub(in crate::metrics) struct FundingVenue<'a> {
    key: &'a SeriesKey,
    rates: ColumnView<'a, f64>,
    intervals: Option<(&'a SeriesKey, ColumnView<'a, f64>)>,
    /// Hours that every row is for, where the series is one of bars.
    bar_hours: Option<f64>,
}

impl Settlement {
    pub(in crate::metrics) fn rate_8h(&self) -> f64 {
        per_8h(self.rate, self.hours)
    }
}

impl<'a> FundingVenue<'a> {
    /// The rates of an asset at one source; `None` when it has none.
    pub(in crate::metrics) fn open(
        view: &'a MarketView,
        trail: &mut Provenance<'_>,
        asset: &Asset,
        source: &Source,
    ) -> Option<Self> {
        let of_source = |metric| view.readings(metric, asset).find(|(key, _)| key.source == *source);
        let (key, rates) = of_source(Metric::FundingRate)?;
        let intervals = of_source(Metric::FundingInterval);
        trail.read(key, rates);
        if let Some((key, column)) = intervals {
            trail.read(key, column);
        }
        let bar_hours = (!key.period.is_instant()).then(|| hours(key.period.ms()));
        let payer = Self { key, rates, intervals, bar_hours };
        payer.warn_of_interval(trail);
        Some(payer)
    }

    /// Warns if the interval of the last settlement is unknown.
    fn warn_of_interval(&self, trail: &mut Provenance<'_>) {
        let Some(row) = self.rates.last().filter(|_| self.last().is_none()) else { return };
        let source = self.source();
        if let Some(before) = self.before(row.observed_at) {
            let distance = hours(row.observed_at.ms_since(before));
            let detail =
                format!("{source} settled at {} and {distance:.1} hours before: no interval is that long", row.observed_at);
            trail.warn(WarningCode::Gap, detail);
        } else {
            let detail = format!("{source} has no second settlement that would tell its interval");
            trail.warn(WarningCode::InsufficientHistory, detail);
        }
    }

    /// When the source settled before an instant.
    fn before(&self, at: Timestamp) -> Option<Timestamp> {
        self.rates.at_or_before(at.plus_ms(-1)).map(|row| row.observed_at)
    }

    pub(in crate::metrics) const fn source(&self) -> &Source {
        &self.key.source
    }

    /// The last settlement.
    pub(in crate::metrics) fn last(&self) -> Option<Settlement> {
        let row = self.rates.last()?;
        let stated = self.intervals.and_then(|(_, column)| column.at_or_before(row.observed_at.plus_ms(JITTER_MS)));
        self.settlement(row, stated.map(|row| row.value), self.before(row.observed_at))
    }

    /// The settlements from an instant on.
    pub(in crate::metrics) fn since(&self, from: Timestamp) -> Settlements {
        TimeRange::new(from, Timestamp::MAX).map(|range| self.within(range)).unwrap_or_default()
    }

    /// The settlements inside a range.
    pub(in crate::metrics) fn within(&self, range: TimeRange) -> Settlements {
        let mut intervals = self.intervals_within(range).into_iter().peekable();
        let (mut stated, mut before) = (None, self.before(range.from()));
        let mut found = Vec::new();
        self.rates.for_each(range, |row| {
            while let Some(interval) = intervals.next_if(|next| next.observed_at <= row.observed_at.plus_ms(JITTER_MS)) {
                stated = Some(interval.value);
            }
            found.extend(self.settlement(row, stated, before));
            before = Some(row.observed_at);
        });
        found
    }

    /// The stated intervals of the settlements inside a range, and the last before them.
    fn intervals_within(&self, range: TimeRange) -> Vec<Vintage<f64>> {
        let Some((_, column)) = self.intervals else { return Vec::new() };
        let before = column.at_or_before(range.from().plus_ms(-1));
        let inside = TimeRange::new(range.from(), range.to().plus_ms(JITTER_MS)).map(|range| column.points(range));
        before.into_iter().chain(inside.unwrap_or_default()).collect()
    }

    /// The series it is read from.
    pub(in crate::metrics) fn keys(&self) -> impl Iterator<Item = &'a SeriesKey> {
        std::iter::once(self.key).chain(self.intervals.map(|(key, _)| key))
    }

    /// A settled rate, given the interval stated last, hours, and the settlement before it; `None` if its interval is unknown.
    fn settlement(&self, rate: Vintage<f64>, stated: Option<f64>, before: Option<Timestamp>) -> Option<Settlement> {
        let told = || before.and_then(|before| interval_hours(rate.observed_at.ms_since(before)));
        let hours = stated.filter(|hours| *hours > 0.0).or(self.bar_hours).or_else(told)?;
        Some(Settlement { at: rate.observed_at, rate: rate.value, hours })
    }
}

/// The interval that a distance between two settlements is, hours; `None` if it is none.
fn interval_hours(distance_ms: i64) -> Option<f64> {
    let is_close = |interval: &i64| (distance_ms - interval * Period::HOUR.ms()).abs() <= 2 * JITTER_MS;
    INTERVALS_HOURS.into_iter().find(is_close).map(|interval| hours(interval * Period::HOUR.ms()))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a millennium fit an f64 exactly")]
fn hours(ms: i64) -> f64 {
    ms as f64 / Period::HOUR.ms() as f64
}

/// What one source paid for eight hours on average inside one span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::metrics) struct SpanRate {
    pub(in crate::metrics) ends_at: Timestamp,
    /// Which of the sources.
    pub(in crate::metrics) payer: usize,
    /// A fraction.
    pub(in crate::metrics) rate_8h: f64,
}

/// Rates of several sources on one clock: the means of all that settled in each span of the longest
/// interval among their last settlements, in the order of time.
pub(in crate::metrics) fn span_rates(histories: &[Settlements]) -> Vec<SpanRate> {
    let longest = histories.iter().filter_map(|history| history.last()).map(|last| last.hours).fold(0.0, f64::max);
    #[expect(clippy::cast_possible_truncation, reason = "an interval is at most 24 hours")]
    let length_ms = (longest * hours_ms()) as i64;
    let mut means = Vec::new();
    let end = |at: Timestamp| at.plus_ms(length_ms - 1 - JITTER_MS).floor(length_ms);
    for (payer, history) in histories.iter().enumerate().filter(|_| length_ms > 0) {
        means.extend(history.chunk_by(|a, b| end(a.at) == end(b.at)).map(|span| SpanRate {
            ends_at: end(span[0].at),
            payer,
            rate_8h: span.iter().map(Settlement::rate_8h).sum::<f64>() / real(span.len()),
        }));
    }
    means.sort_by_key(|mean| mean.ends_at);
    means
}

#[expect(clippy::cast_precision_loss, reason = "an hour of milliseconds fits an f64 exactly")]
const fn hours_ms() -> f64 {
    Period::HOUR.ms() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at};

    fn settled(at_text: &str, rate: f64, hours: f64) -> Settlement {
        Settlement { at: at(at_text), rate, hours }
    }

    #[test]
    fn settlements_of_one_span_make_one_mean_and_a_late_millisecond_changes_nothing() {
        let eight = vec![settled("2026-01-01T08:00:00.004Z", 0.0008, 8.0), settled("2026-01-01T16:00:00Z", 0.0016, 8.0)];
        let four = vec![settled("2026-01-01T12:00:00Z", 0.0001, 4.0), settled("2026-01-01T16:00:00Z", 0.0003, 4.0)];
        let means = span_rates(&[eight, four]);
        let told: Vec<(Timestamp, usize)> = means.iter().map(|mean| (mean.ends_at, mean.payer)).collect();
        let (first, second) = (at("2026-01-01T08:00:00Z"), at("2026-01-01T16:00:00Z"));
        assert_eq!(told, [(first, 0), (second, 0), (second, 1)]);
        assert_eq!(means[0].rate_8h.to_bits(), 0.0008_f64.to_bits());
        assert!((means[2].rate_8h - 0.0004).abs() < 1e-15);
    }

    #[test]
    fn each_settlement_has_the_interval_stated_last_before_it_or_a_moment_after() {
        let view = Fixture::new()
            .readings(
                "funding_rate.btc@a",
                &[("2026-01-01T08:00:00Z", 1e-4), ("2026-01-01T16:00:00Z", 2e-4), ("2026-01-01T20:00:00Z", 3e-4)],
            )
            .readings(
                "funding_interval.btc@a",
                &[("2026-01-01T00:00:00Z", 8.0), ("2026-01-01T16:00:10Z", 4.0), ("2026-01-01T20:00:31Z", 1.0)],
            )
            .cut("2026-01-02");
        let payer = FundingVenue::open(&view, &mut Provenance::new(&view), &Asset::btc(), &"a".parse().unwrap()).unwrap();
        let hours = |from: &str| payer.since(at(from)).iter().map(|settlement| settlement.hours).collect::<Vec<_>>();
        assert_eq!(hours("2026-01-01T00:00:00Z"), [8.0, 4.0, 4.0]);
        assert_eq!(hours("2026-01-01T16:00:00Z"), [4.0, 4.0]);
        assert_eq!(hours("2026-01-01T16:00:20Z"), [4.0]);
        assert_eq!(payer.last().map(|last| last.hours), Some(4.0));
    }

    fn payer_hours(rows: &[(&str, f64)]) -> (Vec<(String, f64)>, Option<f64>, usize) {
        let view = Fixture::new().readings("funding_rate.btc@a", rows).cut("2026-01-10");
        let mut trail = Provenance::new(&view);
        let payer = FundingVenue::open(&view, &mut trail, &Asset::btc(), &"a".parse().unwrap()).unwrap();
        let told = payer.since(at("2026-01-01")).iter().map(|one| (one.at.to_string()[5..13].to_owned(), one.hours)).collect();
        let last = payer.last().map(|last| last.hours);
        let warned = trail.answer(Some(()), crate::metrics::provenance::Derivation::default()).warnings;
        (told, last, warned.iter().filter(|warning| warning.detail.starts_with("a ")).count())
    }

    #[test]
    fn an_interval_that_nobody_states_is_the_distance_to_the_settlement_before() {
        // Every eight hours, then every four from 20:00 on, then every hour.
        let rows =
            ["01T08", "01T16", "02T00", "02T04", "02T08", "02T09", "02T10"].map(|hour| format!("2026-01-{hour}:00:00.007Z"));
        let rows: Vec<(&str, f64)> = rows.iter().map(|at| (at.as_str(), 1e-4)).collect();
        let (told, last, warnings) = payer_hours(&rows);
        let expected =
            [("01-01T16", 8.0), ("01-02T00", 8.0), ("01-02T04", 4.0), ("01-02T08", 4.0), ("01-02T09", 1.0), ("01-02T10", 1.0)];
        assert_eq!(told, expected.map(|(at, hours)| (at.to_owned(), hours)));
        assert_eq!((last, warnings), (Some(1.0), 0));
    }

    #[test]
    fn a_settlement_whose_interval_cannot_be_told_has_no_rate_for_eight_hours() {
        let hole = [("2026-01-01T08:00:00Z", 1e-4), ("2026-01-01T16:00:00Z", 1e-4), ("2026-01-02T16:00:00Z", 1e-4)];
        assert_eq!(payer_hours(&hole), (vec![("01-01T16".to_owned(), 8.0)], None, 1));
        assert_eq!(payer_hours(&hole[..1]), (vec![], None, 1));
    }

    #[test]
    fn nothing_settled_makes_no_span() {
        assert!(span_rates(&[vec![], vec![]]).is_empty());
    }
}
