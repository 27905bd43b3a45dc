//! What closed days say of protection, kept for the days that were asked about last.

use crate::domain::{SeriesKey, Timestamp};
use crate::market::MarketView;
use crate::metrics::cache::{IncrementalCache, Invalidate};
use crate::metrics::cross_market::paired_closes::DailyCloses;
use crate::metrics::cross_market::safe_haven::HavenTest;

/// Last days kept for each pair of series: one for each day that is asked about again and again.
const DAYS_KEPT: usize = 8;

/// Keeps what the test of protection over all closed days found, so that it is made once a day.
///
/// An answer is the same with a book that was just opened: where a row of a past day was not known by the
/// cutoff as it is known now, the test is made anew.
#[derive(Debug, Default)]
pub struct SafeHavenCache {
    kept: IncrementalCache<(SeriesKey, SeriesKey), RecentResults>,
}

/// The tests of one pair of series, the one that was asked for last first.
#[derive(Debug, Default)]
struct RecentResults(Vec<CachedTest>);

/// What was found over all days up to the last of each series.
#[derive(Debug)]
struct CachedTest {
    until: (Timestamp, Timestamp),
    found: Found,
}

/// A test, and what a reader must know of the days it left out.
pub(in crate::metrics) type Found = (HavenTest, Option<String>);

impl SafeHavenCache {
    /// What `test` finds over all closed days of two assets.
    pub(in crate::metrics) fn over_all_days(
        &self,
        view: &MarketView,
        (ours, theirs): (&DailyCloses<'_>, &DailyCloses<'_>),
        test: impl FnOnce() -> Found,
    ) -> Found {
        let closed = ours.closed_as_now(view).zip(theirs.closed_as_now(view));
        let Some(((our_key, our_last), (their_key, their_last))) = closed else { return test() };
        let keys = [our_key, their_key];
        self.kept.with(
            view,
            (our_key.clone(), their_key.clone()),
            |news| keys.into_iter().filter_map(|key| news.first_change_in(view.candles(key)?)).min(),
            |lately| lately.until((our_last, their_last), test),
        )
    }
}

impl Invalidate for RecentResults {
    fn invalidate_from(&mut self, day: Timestamp) {
        self.0.retain(|tested| tested.until.0.max(tested.until.1) < day);
    }
}

impl RecentResults {
    fn until(&mut self, until: (Timestamp, Timestamp), test: impl FnOnce() -> Found) -> Found {
        if let Some(place) = self.0.iter().position(|tested| tested.until == until) {
            self.0[..=place].rotate_right(1);
        } else {
            self.0.truncate(DAYS_KEPT - 1);
            self.0.insert(0, CachedTest { until, found: test() });
        }
        self.0[0].found.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Asset, Bar, Delta, Period, Version, Vintage};
    use crate::market::Market;
    use crate::metrics::fixture::{at, order};
    use crate::metrics::{SafeHavenParams, Window, safe_haven};

    /// A close: whether of the index, of which day, the price, and how late it was known, hours.
    type Close = (bool, i64, i32, i64);

    fn commit(version: Version, closes: &[Close]) -> Delta {
        let mut candles: BTreeMap<SeriesKey, Vec<Vintage<Bar>>> = BTreeMap::new();
        for (of_index, day, price, late_hours) in closes {
            let observed_at = at("2024-01-01").plus_days(*day);
            let known_at = observed_at.plus_days(1).plus_ms(late_hours * Period::HOUR.ms());
            let price = f64::from(*price);
            let value = Bar::new(price, price, price, price, None).unwrap();
            let key = if *of_index { "candle.sp500@y:1d" } else { "candle.btc@x:1d" };
            candles.entry(key.parse().unwrap()).or_default().push(Vintage { observed_at, known_at, value });
        }
        for rows in candles.values_mut() {
            rows.sort_by_key(|row| (row.observed_at, row.known_at));
            rows.dedup_by_key(|row| (row.observed_at, row.known_at));
        }
        let recorded_at = at("2024-01-01").plus_ms(version);
        Delta { version, recorded_at, source: "x".parse().unwrap(), readings: BTreeMap::new(), candles, orders: Vec::new() }
    }

    fn close() -> impl Strategy<Value = Close> {
        (any::<bool>(), 500..540_i64, 1_000..1_200_i32, prop_oneof![Just(0_i64), 0..700_i64])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn a_book_says_what_the_days_say_at_any_cutoff_of_any_picture(
            commits in prop::collection::vec(prop::collection::vec(close(), 0..8), 1..4),
            hours in prop::collection::vec(24 * 536..24 * 575_i64, 1..5),
        ) {
            let price = |day: i64, seed: i64| 1_000 + i32::try_from((day * day * seed + day) % 211).unwrap();
            let history: Vec<Close> =
                (0..540).flat_map(|day| [(true, day, price(day, 37), 0), (false, day, price(day, 53), 0)]).collect();
            let book = SafeHavenCache::default();
            let question = SafeHavenParams { asset: Asset::btc(), against: "sp500".parse().unwrap(), source: None, window: Window::ALL };
            // Columns that were loaded say no commit.
            let mut market = Arc::new(Market::default().next(&commit(0, &history)));
            for (version, closes) in (1..).zip(commits) {
                let former = Arc::clone(&market);
                market = Arc::new(market.next(&commit(version, &closes)));
                for hour in &hours {
                    let as_of = at("2024-01-01").plus_ms(hour * Period::HOUR.ms());
                    for view in [market.at(as_of), former.at(as_of)] {
                        let kept = safe_haven(&view, &order(), &book, &question).unwrap();
                        prop_assert_eq!(kept, safe_haven(&view, &order(), &SafeHavenCache::default(), &question).unwrap());
                    }
                }
            }
        }
    }
}
