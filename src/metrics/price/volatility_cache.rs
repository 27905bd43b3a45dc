//! The regime of volatility on past days, computed once and extended.

use crate::domain::{Period, SeriesKey, TimeRange, Timestamp};
use crate::market::{Bars, MarketView};
use crate::metrics::cache::{IncrementalCache, Invalidate};
use crate::metrics::price::daily_bars::DailyBars;
use crate::metrics::price::volatility::Estimator;
use crate::stats::regime::{extend_calm_days, extend_pickups};

/// The windows of the regime, days.
const LONG: usize = 30;
const SHORT: usize = 7;

/// Keeps how calm past days were, so that a question about the present regime does not read all days on record.
///
/// An answer is the same with a book that was just opened: where a row of a past day was not known by the
/// cutoff as it is known now, the days are read anew.
#[derive(Debug, Default)]
pub struct VolatilityRegimeCache {
    kept: IncrementalCache<SeriesKey, Regimes>,
}

/// The days of one series of bars that have volatilities of both windows.
#[derive(Debug, Default)]
struct Regimes {
    /// The last day that was looked at.
    reached: Option<Timestamp>,
    starts: Vec<Timestamp>,
    long: Vec<f64>,
    short: Vec<f64>,
    calm: Vec<usize>,
    pickups: Vec<usize>,
}

/// The regime of each day up to an instant. A day is told by its place among those that have one.
#[derive(Debug, Clone, Copy)]
pub(in crate::metrics) struct RegimeDays<'a> {
    /// The starts of the days.
    pub(in crate::metrics) starts: &'a [Timestamp],
    /// The 30-day close-to-close volatility of each, a fraction a year.
    pub(in crate::metrics) long: &'a [f64],
    /// How many days in a row were calm up to each.
    pub(in crate::metrics) calm: &'a [usize],
    /// The days on which volatility picked up.
    pub(in crate::metrics) pickups: &'a [usize],
}

impl VolatilityRegimeCache {
    /// Tells `ask` of the days that ended by `until`, as far as they are known at the cutoff.
    pub(in crate::metrics) fn tell<R>(
        &self,
        view: &MarketView,
        bars: &Bars<'_>,
        until: Timestamp,
        ask: impl FnOnce(RegimeDays<'_>) -> R,
    ) -> R {
        let ended = TimeRange::new(Timestamp::MIN, until.plus_days(-1).plus_ms(1));
        let as_now = ended.is_ok_and(|ended| bars.known_by(ended).is_none_or(|known_by| known_by <= view.as_of()));
        let (whole, key) = (view.at(Timestamp::MAX), bars.key);
        let newest = whole.bars(&key.asset, &key.source, Period::DAY).filter(|newest| newest.key == key && as_now);
        let Some(newest) = newest else {
            let mut anew = Regimes::default();
            anew.extend(bars);
            return ask(anew.until(until));
        };
        self.kept.with(
            view,
            key.clone(),
            |news| whole.candles(key).and_then(|column| news.first_change_in(column)),
            |regimes| {
                regimes.extend(&newest);
                ask(regimes.until(until))
            },
        )
    }
}

impl Invalidate for Regimes {
    fn invalidate_from(&mut self, day: Timestamp) {
        let standing = self.starts.partition_point(|start| *start < day);
        self.reached = self.reached.filter(|reached| *reached < day);
        self.starts.truncate(standing);
        self.long.truncate(standing);
        self.short.truncate(standing);
        self.calm.truncate(standing);
        self.pickups.truncate(self.pickups.partition_point(|pickup| *pickup < standing));
    }
}

impl Regimes {
    /// Adds the finished days that are not there yet.
    fn extend(&mut self, bars: &Bars<'_>) {
        let last = bars.finished_at_or_before(Timestamp::MAX).map(|day| day.observed_at);
        if self.reached == last {
            return;
        }
        let days = DailyBars::all(bars, Timestamp::MAX);
        let standing = self.starts.len();
        let first = self.starts.last().map_or(0, |start| days.first_after(*start));
        for day in first..days.len() {
            let volatility = |window| Estimator::Close.at(&days, day, window);
            if let Some((long, short)) = volatility(LONG).zip(volatility(SHORT)) {
                self.starts.push(days.start_of(day));
                self.long.push(long);
                self.short.push(short);
            }
        }
        extend_calm_days(&mut self.calm, &self.long);
        extend_pickups(&mut self.pickups, standing, &self.calm, &self.long, &self.short);
        self.reached = last;
    }

    fn until(&self, until: Timestamp) -> RegimeDays<'_> {
        let count = self.starts.partition_point(|start| start.plus_days(1) <= until);
        let pickups = self.pickups.partition_point(|pickup| *pickup < count);
        RegimeDays {
            starts: &self.starts[..count],
            long: &self.long[..count],
            calm: &self.calm[..count],
            pickups: &self.pickups[..pickups],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Asset, Bar, Delta, Source, Version, Vintage};
    use crate::market::Market;
    use crate::metrics::fixture::at;
    use crate::stats::real;

    /// The close of one day: the day, the close, and how late it was known, hours.
    type Day = (usize, f64, i64);

    fn source() -> Source {
        "x".parse().unwrap()
    }

    fn day(day: usize) -> Timestamp {
        at("2025-01-01").plus_days(i64::try_from(day).unwrap())
    }

    fn commit(version: Version, days: &[Day]) -> Delta {
        let vintage = |(number, close, late_hours): &Day| Vintage {
            observed_at: day(*number),
            known_at: day(number + 1).plus_ms(late_hours * Period::HOUR.ms()),
            value: Bar::new(*close, *close, *close, *close, None).unwrap(),
        };
        let mut rows: Vec<Vintage<Bar>> = days.iter().map(vintage).collect();
        rows.sort_by_key(|row| (row.observed_at, row.known_at));
        rows.dedup_by_key(|row| (row.observed_at, row.known_at));
        let candles = BTreeMap::from([("candle.btc@x:1d".parse().unwrap(), rows)]);
        Delta {
            version,
            recorded_at: at("2025-01-01").plus_ms(version),
            source: source(),
            readings: BTreeMap::new(),
            candles,
            orders: Vec::new(),
        }
    }

    /// Days that swing ever less, so that the last are calm.
    fn history(days: usize) -> Vec<Day> {
        (0..days).map(|n| (n, 100.0 + (real(days - n) / 10.0) * real(n * 37 % 11), 0)).collect()
    }

    fn told(view: &MarketView, tell: impl FnOnce(&Bars<'_>) -> Told) -> Option<Told> {
        view.bars(&Asset::btc(), &source(), Period::DAY).map(|bars| tell(&bars))
    }

    /// The starts, the bits of the volatilities, the calm and the pick-ups.
    type Told = (Vec<Timestamp>, Vec<u64>, Vec<usize>, Vec<usize>);

    fn all_of(days: RegimeDays<'_>) -> Told {
        (days.starts.to_vec(), days.long.iter().map(|value| value.to_bits()).collect(), days.calm.to_vec(), days.pickups.to_vec())
    }

    fn changed_day() -> impl Strategy<Value = Day> {
        (280..420_usize, 50..150_i32, prop_oneof![3 => Just(0_i64), 1 => 0..700_i64])
            .prop_map(|(n, close, late)| (n, f64::from(close), late))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn a_book_says_what_the_bars_say_at_any_cutoff_of_any_picture(
            commits in prop::collection::vec(prop::collection::vec(changed_day(), 0..30), 1..4),
            hours in prop::collection::vec(24 * 300..24 * 440_i64, 1..5),
        ) {
            let book = VolatilityRegimeCache::default();
            // Columns that were loaded say no commit.
            let mut market = Arc::new(Market::default().next(&commit(0, &history(400))));
            for (version, days) in (1..).zip(commits) {
                let former = Arc::clone(&market);
                market = Arc::new(market.next(&commit(version, &days)));
                for hour in &hours {
                    let as_of = at("2025-01-01").plus_ms(hour * Period::HOUR.ms());
                    for (view, until) in [(market.at(as_of), as_of), (former.at(as_of), as_of), (market.at(as_of), as_of.plus_days(-9))] {
                        let kept = told(&view, |bars| book.tell(&view, bars, until, all_of));
                        let anew = told(&view, |bars| {
                            let mut regimes = Regimes::default();
                            regimes.extend(bars);
                            all_of(regimes.until(until))
                        });
                        prop_assert_eq!(kept, anew);
                    }
                }
            }
        }
    }

    #[test]
    fn a_corrected_day_takes_away_the_days_from_its_own_on() {
        let market = Arc::new(Market::default().next(&commit(1, &history(400))));
        let book = VolatilityRegimeCache::default();
        let left = |market: &Arc<Market>, first_changed: Option<Timestamp>| {
            let key = "candle.btc@x:1d".parse().unwrap();
            book.kept.with(&market.at(Timestamp::MAX), key, |_| first_changed, |regimes| regimes.starts.len())
        };
        let view = market.at(day(400));
        told(&view, |bars| book.tell(&view, bars, day(400), all_of));
        assert_eq!(left(&market, None), 400 - 29);
        let corrected = Arc::new(market.next(&commit(2, &[(350, 1.0, 9)])));
        assert_eq!(left(&corrected, Some(day(350))), 350 - 29);
    }
}
