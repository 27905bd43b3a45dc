//! What was liquidated on past days, added up once and extended.

use std::collections::BTreeMap;

use crate::domain::{Period, SeriesKey, TimeRange, Timestamp};
use crate::market::MarketView;
use crate::metrics::Span;
use crate::metrics::cache::{IncrementalCache, Invalidate};
use crate::metrics::liquidations::figures::LiquidationDayTotal;
use crate::metrics::liquidations::queries::largest;
use crate::metrics::liquidations::source_series::{LiquidationSeries, LongShort};
use crate::metrics::liquidations::totals::LiquidationTotals;

/// Keeps what was liquidated on past days, so that a question about the record day does not add up all
/// history.
///
/// An answer is the same with a book that was just opened: where a row of a past day was not known by the
/// cutoff as it is known now, the days are added up anew.
#[derive(Debug, Default)]
pub struct LiquidationDayCache {
    kept: IncrementalCache<Vec<SeriesKey>, DaySums>,
}

/// The sums of the days of some legs.
#[derive(Debug)]
struct DaySums {
    /// The first day that was not added up.
    missing_from: Timestamp,
    /// The span inside which published sums counted, leg by leg.
    covered: Vec<Option<(Timestamp, Timestamp)>>,
    days: BTreeMap<Timestamp, LongShort>,
}

impl LiquidationDayCache {
    /// The day with the largest total of all until the end of the span.
    pub(in crate::metrics) fn record_day(
        &self,
        view: &MarketView,
        book: &LiquidationTotals<'_>,
        span: Span,
    ) -> Option<LiquidationDayTotal> {
        let today = span.to.day_start();
        let newest = book.newest();
        if !(span.to_cutoff && is_as_now(view, book, &newest, today)) {
            return largest(book.days_until(span).iter());
        }
        let lately = book.buckets(Span { from: today, ..span }, Period::DAY);
        let keys = book.keys().cloned().collect();
        self.kept.with(
            view,
            keys,
            |news| newest.first_change_in(news),
            |sums| {
                sums.extend(&newest);
                largest(sums.days.range(..today).chain(&lately))
            },
        )
    }
}

/// Whether all that a book says of the days before `today` was known at the cutoff as it is known now.
fn is_as_now(view: &MarketView, book: &LiquidationTotals<'_>, newest: &LiquidationTotals<'_>, today: Timestamp) -> bool {
    let Ok(past) = TimeRange::new(Timestamp::MIN, today) else { return false };
    let covers_as_now = book.legs.iter().zip(&newest.legs).all(|(leg, newest)| {
        let before = |covered: Option<(Timestamp, Timestamp)>| {
            covered.filter(|(from, _)| *from < today).map(|(from, to)| (from, to.min(today)))
        };
        before(leg.covered()) == before(newest.covered())
    });
    covers_as_now && book.known_by(past).is_none_or(|known_by| known_by <= view.as_of())
}

impl Default for DaySums {
    fn default() -> Self {
        Self { missing_from: Timestamp::MIN, covered: Vec::new(), days: BTreeMap::new() }
    }
}

impl Invalidate for DaySums {
    fn invalidate_from(&mut self, day: Timestamp) {
        self.days.split_off(&day);
        self.missing_from = self.missing_from.min(day);
    }
}

impl DaySums {
    /// Adds up the days that are missing.
    fn extend(&mut self, newest: &LiquidationTotals<'_>) {
        let covered = newest.legs.iter().map(LiquidationSeries::covered).collect();
        let former = std::mem::replace(&mut self.covered, covered);
        // Where published sums reach farther now, the orders of days they have no row of count no more.
        for (former, now) in former.into_iter().zip(self.covered.clone()).filter(|(former, now)| former != now) {
            let same_start = former.zip(now).filter(|(former, now)| former.0 == now.0);
            let changed = same_start.map_or(Timestamp::MIN, |(former, now)| former.1.min(now.1));
            self.invalidate_from(changed.day_start());
        }
        if self.missing_from < Timestamp::MAX {
            let span = Span { from: self.missing_from, to: Timestamp::MAX, to_cutoff: true };
            self.days.extend(newest.buckets(span, Period::DAY));
            self.missing_from = Timestamp::MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Asset, Delta, KnownAtRule, LiquidationOrder, RecordedOrder, Side, Version, Vintage};
    use crate::market::Market;
    use crate::metrics::fixture::{at, order};
    use crate::metrics::liquidations::totals::Wanted;
    use crate::metrics::provenance::Provenance;

    const FIRST: &str = "2026-01-01";

    /// What is told of four hours: which, what was liquidated, USD, how late it was known, hours, and
    /// whether by an order or by a published sum.
    type Row = (i64, i32, i64, bool);

    fn four_hours(count: i64) -> Timestamp {
        at(FIRST).plus_ms(4 * count * Period::HOUR.ms())
    }

    fn commit(version: Version, rows: &[Row]) -> Delta {
        let mut sums: Vec<Vintage<f64>> = Vec::new();
        let mut orders = Vec::new();
        for (count, usd, late_hours, is_order) in rows {
            let known_at = four_hours(count + 1).plus_ms(late_hours * Period::HOUR.ms());
            if *is_order {
                let order = LiquidationOrder {
                    source: "v".parse().unwrap(),
                    symbol: format!("BTC{version}"),
                    asset: Asset::btc(),
                    side: Side::Long,
                    occurred_at: four_hours(*count),
                    knowledge: KnownAtRule::Vintage(known_at),
                    price_usd: 10.0,
                    quantity: f64::from(*usd) / 10.0,
                    usd: f64::from(*usd),
                };
                orders.push(RecordedOrder { order, known_at, ordinal: u32::try_from(orders.len()).unwrap() });
            } else {
                sums.push(Vintage { observed_at: four_hours(*count), known_at, value: f64::from(*usd) });
            }
        }
        sums.sort_by_key(|row| (row.observed_at, row.known_at));
        sums.dedup_by_key(|row| (row.observed_at, row.known_at));
        orders.sort_by_key(|order| (order.order.occurred_at, order.known_at));
        let readings = BTreeMap::from([("liquidation.btc.long@v:4h".parse().unwrap(), sums)]);
        Delta {
            version,
            recorded_at: four_hours(version),
            source: "v".parse().unwrap(),
            readings,
            candles: BTreeMap::new(),
            orders,
        }
    }

    fn row() -> impl Strategy<Value = Row> {
        (0..60_i64, 1..100_i32, prop_oneof![3 => Just(0_i64), 1 => 0..200_i64], any::<bool>())
    }

    proptest! {
        #[test]
        fn a_book_says_what_the_rows_say_at_any_cutoff_of_any_picture(
            loaded in prop::collection::vec(row(), 0..6),
            commits in prop::collection::vec(prop::collection::vec(row(), 0..4), 1..6),
            hours in prop::collection::vec(0..24 * 16_i64, 1..6),
        ) {
            let records = LiquidationDayCache::default();
            // Columns that were loaded say no commit.
            let mut market = Arc::new(Market::default().next(&commit(0, &loaded)));
            for (version, rows) in (1..).zip(commits) {
                let former = Arc::clone(&market);
                market = Arc::new(market.next(&commit(version, &rows)));
                for hour in &hours {
                    let as_of = at(FIRST).plus_ms(hour * Period::HOUR.ms() + 1);
                    for view in [market.at(as_of), former.at(as_of)] {
                        let spans = [as_of, as_of.plus_days(-1)].map(|to| Span { from: at("2025-12-01"), to, to_cutoff: to == as_of });
                        for span in spans {
                            let book = LiquidationTotals::open(&view, &mut Provenance::new(&view), &order(), None, &[], Wanted::total(span)).unwrap();
                            let anew = largest(book.days_until(span).iter());
                            prop_assert_eq!(records.record_day(&view, &book, span), anew);
                        }
                    }
                }
            }
        }
    }
}
