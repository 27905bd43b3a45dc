//! Whether a source lives. The choice of a source, warnings, `/v1/sources`, the catalogue and the states of
//! provenance ask here, and nowhere else (METHODOLOGY section 0).

use std::collections::BTreeMap;

use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, Source, Timestamp, TradingCalendar};
use crate::market::{ColumnView, MarketView, Point};
use crate::metrics::Freshness;

/// The longest pause of a trading calendar that is no fault of a feed: a weekend with a holiday.
pub(super) const CLOSED_MARKET_MS: i64 = 4 * Period::DAY.ms();
/// How long no order may be forced before that looks like a fault of a feed.
pub(super) const QUIET_MARKET_MS: i64 = Period::DAY.ms();

/// The instant a row speaks of: the end of the period of a bar or sum, and the instant of a reading. A funding
/// rate is a reading at its settlement, whatever interval it pays for.
pub(super) fn true_at(key: &SeriesKey, observed_at: Timestamp) -> Timestamp {
    match key.metric {
        Metric::FundingRate | Metric::FundingInterval => observed_at,
        _ => observed_at.plus_ms(key.period.ms()),
    }
}

/// How old the newest row of a live series may be: three times its cadence, its publication delay, and the
/// longest pause of its calendar.
fn tolerance_ms(key: &SeriesKey) -> i64 {
    Cadence::tolerance_ms(key.expected_every_ms()) + publication_delay_ms(key) + max_expected_gap_ms(key)
}

/// Whether a series whose newest row was true at `newest` is live at an instant.
pub(super) fn is_live(key: &SeriesKey, newest: Timestamp, at: Timestamp) -> bool {
    at.ms_since(newest) <= tolerance_ms(key)
}

/// How the age of a series' newest row, true at `newest`, compares with its cadence at an instant.
pub(super) fn freshness(key: &SeriesKey, newest: Timestamp, at: Timestamp) -> Freshness {
    let overdue_ms = at.ms_since(newest) - publication_delay_ms(key) - max_expected_gap_ms(key);
    match overdue_ms {
        _ if !is_live(key, newest, at) => Freshness::Stale,
        ms if ms <= key.expected_every_ms() => Freshness::Fresh,
        _ => Freshness::Late,
    }
}

/// The same of the newest row of a column; `None` where nothing of it is known.
fn column_state<P: Point>(key: &SeriesKey, column: ColumnView<'_, P>, at: Timestamp) -> Option<Freshness> {
    Some(freshness(key, true_at(key, column.last()?.observed_at), at))
}

/// How long after the instant a row speaks of it is published.
fn publication_delay_ms(key: &SeriesKey) -> i64 {
    (key.publication_lag_ms() - key.period.ms()).max(0)
}

/// How long a series may have no row without a fault.
pub(super) fn max_expected_gap_ms(key: &SeriesKey) -> i64 {
    match key.metric {
        Metric::EtfFlow | Metric::EtfFlowTotal | Metric::EtfUnreadable | Metric::EtfAssets => CLOSED_MARKET_MS,
        Metric::Liquidation if key.period.is_instant() => QUIET_MARKET_MS,
        _ if key.asset.calendar() == TradingCalendar::TradingDays => CLOSED_MARKET_MS,
        _ => 0,
    }
}

/// Series that one feed writes and that live together.
type Feed = (Metric, Option<Asset>, Source);

/// The states of series at one instant. An asset without liquidations and a closed fund are not silent feeds:
/// such series are as young as the newest of their feed. Feeds that were looked at once are remembered.
#[derive(Debug)]
pub(super) struct Liveness<'a> {
    view: &'a MarketView,
    at: Timestamp,
    feeds: BTreeMap<Feed, Freshness>,
}

impl<'a> Liveness<'a> {
    /// The states at an instant, as known in a view.
    pub(super) const fn new(view: &'a MarketView, at: Timestamp) -> Self {
        Self { view, at, feeds: BTreeMap::new() }
    }

    /// The instant.
    pub(super) const fn at(&self) -> Timestamp {
        self.at
    }

    /// The state of a series whose newest row was true at `newest`.
    pub(super) fn state(&mut self, key: &SeriesKey, newest: Timestamp) -> Freshness {
        let own = freshness(key, newest, self.at);
        match feed_of(key) {
            Some(feed) if own != Freshness::Fresh => {
                let (view, at) = (self.view, self.at);
                *self.feeds.entry(feed).or_insert_with_key(|feed| feed_state(view, feed, at).unwrap_or(own).min(own))
            }
            _ => own,
        }
    }
}

/// The feed of a series that may be silent while its feed is well; `None` of one that stands for itself.
fn feed_of(key: &SeriesKey) -> Option<Feed> {
    match key.metric {
        Metric::Liquidation => Some((key.metric, None, key.source.clone())),
        Metric::EtfFlow | Metric::EtfUnreadable | Metric::EtfAssets => {
            Some((key.metric, Some(key.asset.clone()), key.source.clone()))
        }
        _ => None,
    }
}

/// The best state among the series of a feed.
fn feed_state(view: &MarketView, (metric, asset, source): &Feed, at: Timestamp) -> Option<Freshness> {
    let is_of_feed = |key: &SeriesKey| key.source == *source && asset.as_ref().is_none_or(|asset| key.asset == *asset);
    let readings = view.all_readings(*metric).filter(|(key, _)| is_of_feed(key));
    let readings = readings.filter_map(|(key, column)| column_state(key, column, at));
    let orders = view.tallies().filter(|(key, _)| key.metric == *metric && is_of_feed(key));
    readings.chain(orders.filter_map(|(key, column)| column_state(key, column, at))).min()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::metrics::fixture::{Fixture, at};

    #[rstest]
    #[case("candle.btc@x:1h", "2026-02-03T23:00:00Z", Freshness::Fresh)]
    #[case("candle.btc@x:1h", "2026-02-03T22:59:59Z", Freshness::Late)]
    #[case("candle.btc@x:1h", "2026-02-03T20:59:59Z", Freshness::Stale)]
    #[case::a_minute_feed_may_pause("candle.btc@x:1m", "2026-02-03T23:45:00Z", Freshness::Late)]
    #[case::a_minute_feed_is_silent("candle.btc@x:1m", "2026-02-03T23:44:59Z", Freshness::Stale)]
    #[case::no_order_for_hours("liquidation.btc.long@x", "2026-02-03T08:00:00Z", Freshness::Fresh)]
    #[case::no_order_for_days("liquidation.btc.long@x", "2026-02-02T08:00:00Z", Freshness::Stale)]
    #[case::over_the_weekend("candle.sp500@x:1d", "2026-01-31", Freshness::Fresh)]
    #[case::flows_of_a_night("etf_flow.btc.IBIT@x", "2026-02-02", Freshness::Fresh)]
    #[case::a_day_of_total_value("market_cap.total@x:1d", "2026-02-01", Freshness::Late)]
    #[case::a_day_too_many("market_cap.total@x:1d", "2026-01-31", Freshness::Stale)]
    fn a_series_is_overdue_by_its_own_rhythm(#[case] key: &str, #[case] newest: &str, #[case] expected: Freshness) {
        assert_eq!(freshness(&key.parse().unwrap(), at(newest), at("2026-02-04")), expected);
    }

    #[test]
    fn a_funding_rate_is_a_reading_at_its_settlement() {
        let settled = at("2026-02-04T08:00:00Z");
        assert_eq!(true_at(&"funding_rate.btc@x:8h".parse().unwrap(), settled), settled);
        assert_eq!(true_at(&"candle.btc@x:1h".parse().unwrap(), settled), settled.plus_ms(Period::HOUR.ms()));
    }

    #[test]
    fn an_asset_without_liquidations_is_as_young_as_its_feed() {
        let view = Fixture::new()
            .order("venue", "btc", "2026-02-03T23:00:00Z", 10.0)
            .order("venue", "dot", "2026-01-02T23:00:00Z", 10.0)
            .order("other", "dot", "2026-01-02T23:00:00Z", 10.0)
            .cut("2026-02-04");
        let mut liveness = Liveness::new(&view, view.as_of());
        let mut state = |source: &str| {
            let key = format!("liquidation.dot.long@{source}").parse().unwrap();
            liveness.state(&key, at("2026-01-02T23:01:00Z"))
        };
        assert_eq!((state("venue"), state("other")), (Freshness::Fresh, Freshness::Stale));
    }
}
