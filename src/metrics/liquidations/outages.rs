use std::collections::BTreeSet;

use crate::domain::{Metric, Period, SeriesKey, Source, TimeRange, Timestamp};
use crate::market::{ColumnView, MarketView};
use crate::metrics::provenance::Provenance;
use crate::metrics::{Span, WarningCode};

/// A span in which a feed heard nothing, and nobody can tell afterwards what it missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::metrics) struct Outage {
    pub(in crate::metrics) from: Timestamp,
    pub(in crate::metrics) until: Timestamp,
}

/// Warns of each feed of these sources that heard nothing for a part of the span.
pub(in crate::metrics) fn warn_of_outages(
    view: &MarketView,
    trail: &mut Provenance<'_>,
    sources: &BTreeSet<&Source>,
    span: Span,
) {
    for (key, column) in view.all_readings(Metric::Outage).filter(|(key, _)| sources.contains(&key.source)) {
        trail.depends_on(key, column.version());
        let outages = outages_until(column, span.to);
        let inside: Vec<&Outage> = outages.iter().filter(|outage| outage.until > span.from).collect();
        if let Some(last) = inside.last() {
            let feed = key.part.as_deref().unwrap_or_default();
            let (from, until, times) = (last.from, last.until, inside.len());
            let detail = format!(
                "{feed} was not heard {times} times inside the window, the last from {from} to {until}: it is a lower bound"
            );
            trail.warn(WarningCode::Gap, detail);
        }
    }
}

/// The last outage of a feed, where one began in the last week before the cutoff.
pub(in crate::metrics) fn recent_outage(view: &MarketView, source: &Source, feed: &str) -> Option<Outage> {
    let is_of_feed = |key: &SeriesKey| key.source == *source && key.part.as_deref() == Some(feed);
    let (_, column) = view.all_readings(Metric::Outage).find(|(key, _)| is_of_feed(key))?;
    outages_until(column, view.as_of()).pop().filter(|outage| view.as_of().ms_since(outage.from) < 7 * Period::DAY.ms())
}

/// The outages that began by an instant, in their order.
pub(in crate::metrics) fn outages_until(column: ColumnView<'_, f64>, to: Timestamp) -> Vec<Outage> {
    let mut outages = Vec::new();
    if let Ok(range) = TimeRange::new(Timestamp::MIN, to.plus_ms(1)) {
        column.for_each(range, |row| {
            outages.push(Outage { from: row.observed_at, until: row.observed_at.plus_ms(ms_of_hours(row.value)) });
        });
    }
    outages
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "an outage is shorter than a million hours")]
fn ms_of_hours(hours: f64) -> i64 {
    (hours * Period::HOUR.ms() as f64).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at};

    const OUTAGE: &str = "outage.total.binance-liquidations@binance";

    fn warnings(from: &str, to: &str, source: &str) -> Vec<String> {
        let rows = [("2026-02-03T10:00:00Z", 0.5), ("2026-02-03T20:00:00Z", 0.25)];
        let view = Fixture::new().readings(OUTAGE, &rows).cut("2026-02-04T08:00:00Z");
        let mut trail = Provenance::new(&view);
        let source: Source = source.parse().unwrap();
        let span = Span { from: at(from), to: at(to), to_cutoff: false };
        warn_of_outages(&view, &mut trail, &BTreeSet::from([&source]), span);
        let answer = trail.answer(Some(()), crate::metrics::provenance::Derivation::default());
        assert_eq!(answer.reads.len(), usize::from(source.as_str() == "binance"), "the validator rests on it");
        let gaps = answer.warnings.into_iter().filter(|warning| warning.code == WarningCode::Gap);
        gaps.map(|warning| warning.detail).collect()
    }

    #[test]
    fn a_window_that_a_feed_did_not_hear_is_warned_of() {
        let all = warnings("2026-02-03T10:20:00Z", "2026-02-04T00:00:00Z", "binance");
        let expected = "binance-liquidations was not heard 2 times inside the window, the last from 2026-02-03T20:00:00Z to \
                        2026-02-03T20:15:00Z: it is a lower bound";
        assert_eq!(all, [expected]);
        assert!(warnings("2026-02-03T10:30:00Z", "2026-02-03T19:59:00Z", "binance").is_empty(), "between the two");
        assert!(warnings("2026-02-03", "2026-02-04", "bybit").is_empty(), "another source");
    }

    #[test]
    fn the_last_outage_of_a_feed_is_forgotten_after_a_week() {
        let world = |as_of: &str| Fixture::new().readings(OUTAGE, &[("2026-02-03T10:00:00Z", 0.5)]).cut(as_of);
        let source = "binance".parse().unwrap();
        let known = recent_outage(&world("2026-02-04T08:00:00Z"), &source, "binance-liquidations");
        let expected = Outage { from: at("2026-02-03T10:00:00Z"), until: at("2026-02-03T10:30:00Z") };
        assert_eq!(known, Some(expected));
        assert_eq!(recent_outage(&world("2026-02-10T10:00:00Z"), &source, "binance-liquidations"), None);
        assert_eq!(recent_outage(&world("2026-02-04T08:00:00Z"), &source, "binance-candles"), None);
    }
}
