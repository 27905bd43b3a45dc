//! The premiums that puts had on past days, computed once and kept.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::iter::successors;

use crate::domain::{Asset, Metric, Period, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::cache::{Changes, IncrementalCache, Invalidate};
use crate::metrics::derivatives::option_chain::OptionChain;

/// Days that the present premium is ranked among.
const HISTORY_DAYS: i64 = 365;

/// Keeps what puts cost more than calls on past days, so that a question about the present chain does
/// not read the chains of a year.
///
/// An answer is the same with a book that was just opened. A day is kept as the whole picture shows it,
/// with the instant from which on it was known like that; a question from before that instant reads the
/// chain of the day as it was known then.
#[derive(Debug, Default)]
pub struct PutPremiumCache {
    kept: IncrementalCache<(Asset, Source), Premiums>,
}

/// The days of one asset at one source.
#[derive(Debug, Default)]
struct Premiums {
    /// The day of the first chain; `None` while there is none.
    first: Option<Timestamp>,
    /// The premium of each day that was asked about, by its start.
    days: BTreeMap<Timestamp, DayPremium>,
}

/// The premium at the end of one day.
#[derive(Debug, Clone, Copy)]
struct DayPremium {
    /// A fraction; `None` where the chain makes none.
    value: Option<f64>,
    /// When the last row about it was known.
    known_by: Timestamp,
}

impl PutPremiumCache {
    /// The premiums of the days of the year before the day of the cutoff that have one, as far as they
    /// are known at the cutoff; fractions, the oldest first.
    pub(in crate::metrics) fn year_before(&self, view: &MarketView, asset: &Asset, source: &Source) -> Vec<f64> {
        let whole = view.at(Timestamp::MAX);
        let first_changed = |news: Changes| {
            let columns = [Metric::OptionVol, Metric::OptionForward].map(|metric| whole.readings(metric, asset));
            let of_source = columns.into_iter().flatten().filter(|(key, _)| key.source == *source);
            of_source.filter_map(|(_, column)| news.first_change_in(column)).min()
        };
        self.kept.with(view, (asset.clone(), source.clone()), first_changed, |premiums| {
            let Some(first) = premiums.first else { return Vec::new() };
            premiums.year_before(view, first, |view, from| OptionChain::open(view, asset, source, from))
        })
    }
}

impl Invalidate for Premiums {
    fn invalidate_from(&mut self, day: Timestamp) {
        self.days.split_off(&day);
        self.first = Some(self.first.map_or(day, |first| first.min(day)));
    }
}

impl Premiums {
    fn year_before(
        &mut self,
        view: &MarketView,
        first: Timestamp,
        open: impl for<'a> Fn(&'a MarketView, Timestamp) -> OptionChain<'a>,
    ) -> Vec<f64> {
        let whole = view.at(Timestamp::MAX);
        let today = view.as_of().day_start();
        let first = first.max(today.plus_days(-HISTORY_DAYS)).min(today);
        let newest = LazyCell::new(|| open(&whole, first));
        let known = LazyCell::new(|| open(view, first));
        let expected = usize::try_from(today.ms_since(first) / Period::DAY.ms()).unwrap_or(usize::MAX);
        if self.days.range(first..today).count() < expected {
            for day in successors(Some(first), |day| Some(day.plus_days(1))).take_while(|day| *day < today) {
                self.days.entry(day).or_insert_with(|| DayPremium::read(&newest, day));
            }
        }
        let premium = |(day, kept): (&Timestamp, &DayPremium)| {
            if kept.known_by <= view.as_of() { kept.value } else { known.put_premium(end(*day)) }
        };
        self.days.range(first..today).filter_map(premium).collect()
    }
}

impl DayPremium {
    fn read(chain: &OptionChain<'_>, day: Timestamp) -> Self {
        let known_by = chain.put_premium_known_by(end(day)).unwrap_or(Timestamp::MIN);
        Self { value: chain.put_premium(end(day)), known_by }
    }
}

/// The last instant of the day that begins at `day`.
const fn end(day: Timestamp) -> Timestamp {
    day.plus_ms(Period::DAY.ms() - 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Delta, OptionName, SeriesKey, Version, Vintage};
    use crate::market::Market;
    use crate::metrics::fixture::at;

    /// The chain of one day: the day, how much dearer puts are, vol points, and how late it was known, hours.
    type Chain = (i64, i32, i64);

    fn source() -> Source {
        "deribit".parse().unwrap()
    }

    fn commit(version: Version, chains: &[Chain]) -> Delta {
        let mut readings: BTreeMap<SeriesKey, Vec<Vintage<f64>>> = BTreeMap::new();
        for (day, skew, late_hours) in chains {
            let observed_at = at("2026-01-01T08:00:00Z").plus_days(*day);
            let known_at = observed_at.plus_ms(late_hours * Period::HOUR.ms());
            let mut push = |key: String, value| {
                readings.entry(key.parse().unwrap()).or_default().push(Vintage { observed_at, known_at, value });
            };
            for expiry in ["23JAN26", "30JAN26", "27FEB26", "27MAR26", "24APR26"] {
                if OptionName::expires_at(expiry).unwrap() > observed_at {
                    push(format!("option_forward.btc.{expiry}@deribit"), 100.0);
                    for strike in (60..=150).step_by(10) {
                        let (right, vol) = if strike < 100 { ("P", 50 + skew) } else { ("C", 50) };
                        push(format!("option_vol.btc.{expiry}-{strike}-{right}@deribit"), f64::from(vol));
                    }
                }
            }
        }
        for rows in readings.values_mut() {
            rows.sort_by_key(|row| (row.observed_at, row.known_at));
            rows.dedup_by_key(|row| (row.observed_at, row.known_at));
        }
        let recorded_at = at("2026-01-01").plus_ms(version);
        Delta { version, recorded_at, source: source(), readings, candles: BTreeMap::new(), orders: Vec::new() }
    }

    fn kept(book: &PutPremiumCache, view: &MarketView) -> Vec<f64> {
        book.year_before(view, &Asset::btc(), &source())
    }

    /// The same without a book: every day from the chain as it was known at the cutoff.
    fn read_anew(view: &MarketView) -> Vec<f64> {
        let chain = OptionChain::open(view, &Asset::btc(), &source(), Timestamp::MIN);
        let days = (1..=HISTORY_DAYS).rev().map(|ago| view.as_of().day_start().plus_days(-ago));
        days.filter_map(|day| chain.put_premium(end(day))).collect()
    }

    fn chain() -> impl Strategy<Value = Chain> {
        (0..50_i64, 0..40_i32, prop_oneof![3 => Just(0_i64), 1 => 0..700_i64])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_book_says_what_the_chains_say_at_any_cutoff_of_any_picture(
            loaded in prop::collection::vec(chain(), 0..20),
            commits in prop::collection::vec(prop::collection::vec(chain(), 0..20), 1..4),
            hours in prop::collection::vec(0..24 * 80_i64, 1..6),
        ) {
            let book = PutPremiumCache::default();
            // Columns that were loaded say no commit.
            let mut market = Arc::new(Market::default().next(&commit(0, &loaded)));
            for (version, chains) in (1..).zip(commits) {
                let former = Arc::clone(&market);
                market = Arc::new(market.next(&commit(version, &chains)));
                for hour in &hours {
                    let as_of = at("2026-01-01").plus_ms(hour * Period::HOUR.ms());
                    for view in [market.at(as_of), former.at(as_of)] {
                        prop_assert_eq!(kept(&book, &view), read_anew(&view));
                    }
                }
            }
        }
    }

    #[test]
    fn a_late_chain_takes_away_the_days_from_its_own_on() {
        let days: Vec<Chain> = (0..20).map(|day| (day, 5, 0)).collect();
        let market = Arc::new(Market::default().next(&commit(1, &days)));
        let (book, now) = (PutPremiumCache::default(), at("2026-01-25"));
        assert_eq!(kept(&book, &market.at(now)).len(), 20);
        let left = |market: &Arc<Market>| {
            book.year_before(&market.at(Timestamp::MIN), &Asset::btc(), &source());
            book.kept.with(&market.at(now), (Asset::btc(), source()), |_| None, |premiums| premiums.days.len())
        };
        assert_eq!(left(&market), 24);
        let late = Arc::new(market.next(&commit(2, &[(12, 9, 200)])));
        assert_eq!(left(&late), 12);
        let elsewhere = Delta { readings: BTreeMap::new(), ..commit(3, &[]) };
        assert_eq!(left(&Arc::new(late.next(&elsewhere))), 12);
    }
}
