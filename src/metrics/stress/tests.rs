//! What must hold of the index whatever the data: causality, sums, and answers that do not depend on the book.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::{Bar, Delta, SeriesKey, Version, Vintage};
use crate::market::Market;
use crate::metrics::fixture::{at, order};
use crate::metrics::stress::rolling::RollingState;

const FIRST: &str = "2024-01-01";
const DAYS: i64 = 400;

/// Rows of a made-up market, of which any part can be put into a picture.
#[derive(Debug, Clone, Default)]
struct Rows {
    readings: BTreeMap<SeriesKey, Vec<Vintage<f64>>>,
    candles: BTreeMap<SeriesKey, Vec<Vintage<Bar>>>,
}

/// A number in [0, 1) that looks random and is the same each time.
#[expect(clippy::cast_precision_loss, reason = "the days of a test are few")]
fn noise(seed: usize, day: i64) -> f64 {
    let mixed = (day as f64 * 12.9898 + seed as f64 * 78.233).sin() * 43_758.545_3;
    mixed - mixed.floor()
}

impl Rows {
    fn candle(&mut self, key: &str, day: i64, price: f64, volume: Option<f64>) {
        let observed_at = at(FIRST).plus_days(day);
        let (low, high) = (price * 0.97, price * 1.02);
        let value = Bar::new(price * 0.99, high, low, price, volume).unwrap();
        let vintage = Vintage { observed_at, known_at: observed_at.plus_days(1), value };
        self.candles.entry(key.parse().unwrap()).or_default().push(vintage);
    }

    fn reading(&mut self, key: &str, observed_at: Timestamp, value: f64) {
        let key: SeriesKey = key.parse().unwrap();
        let known_at = observed_at.plus_ms(key.publication_lag_ms());
        self.readings.entry(key).or_default().push(Vintage { observed_at, known_at, value });
    }

    #[expect(clippy::cast_precision_loss, reason = "the days of a test are few")]
    fn days(days: i64) -> Self {
        let mut rows = Self::default();
        for day in 0..days {
            let start = at(FIRST).plus_days(day);
            let drift = (day as f64 / 40.0).sin() * 0.3;
            for (seed, coin) in ["btc", "eth", "sol", "xrp", "ada", "bnb", "doge"].iter().enumerate() {
                let price = 100.0 * (drift + 0.2 * noise(seed, day)).exp();
                rows.candle(&format!("candle.{coin}@x:1d"), day, price, Some(1_000.0 * (1.0 + noise(seed + 50, day))));
            }
            if start.date().format("%u").to_string().parse::<u8>().unwrap() < 6 {
                for (seed, index) in ["sp500", "gold", "vix"].iter().enumerate() {
                    rows.candle(&format!("candle.{index}@y:1d"), day, 20.0 * (1.0 + noise(seed + 9, day)), None);
                }
                rows.reading("etf_flow.btc.AAA@z", start, 1e6 * (noise(21, day) - 0.5));
            }
            for third in 0..3 {
                let settled = start.plus_ms(third * 8 * Period::HOUR.ms());
                rows.reading("funding_rate.btc@x:8h", settled, 2e-4 * (noise(31, 3 * day + third) - 0.4));
            }
            rows.reading("price.usdt@x", start, 1.0 + 1e-3 * (noise(61, day) - 0.5));
            rows.reading("open_interest.btc@x", start, 1e9 * (1.0 + noise(41, day)));
            rows.reading("liquidation.btc.long@x:1d", start, 1e6 * noise(42, day));
            rows.reading("liquidation.btc.short@x:1d", start, 1e6 * noise(43, day));
        }
        rows
    }

    /// Some closes are corrected ten days later.
    fn with_corrections(mut self) -> Self {
        let bars = self.candles.get_mut(&"candle.btc@x:1d".parse().unwrap()).unwrap();
        let corrected = |row: &Vintage<Bar>| {
            let value = Bar::new(row.value.open, row.value.high, row.value.low, row.value.low, row.value.volume).unwrap();
            Vintage { known_at: row.known_at.plus_days(10), value, ..*row }
        };
        let corrections: Vec<_> = bars.iter().step_by(7).map(corrected).collect();
        bars.extend(corrections);
        bars.sort_by_key(|row| (row.observed_at, row.known_at));
        self
    }

    fn where_known(&self, known: impl Fn(Timestamp) -> bool) -> Self {
        fn keep<P: Copy>(
            all: &BTreeMap<SeriesKey, Vec<Vintage<P>>>,
            known: impl Fn(Timestamp) -> bool,
        ) -> BTreeMap<SeriesKey, Vec<Vintage<P>>> {
            let kept = |rows: &Vec<Vintage<P>>| rows.iter().filter(|row| known(row.known_at)).copied().collect::<Vec<_>>();
            all.iter().map(|(key, rows)| (key.clone(), kept(rows))).collect()
        }
        Self { readings: keep(&self.readings, &known), candles: keep(&self.candles, &known) }
    }

    fn added_to(self, market: &Market, version: Version) -> Arc<Market> {
        let delta = Delta {
            version,
            recorded_at: at("2020-01-01").plus_ms(version),
            source: "test".parse().unwrap(),
            readings: self.readings,
            candles: self.candles,
            orders: Vec::new(),
        };
        Arc::new(market.next(&delta))
    }

    fn market(self) -> Arc<Market> {
        self.added_to(&Market::default(), 1)
    }
}

fn asked(market: &Arc<Market>, as_of: Timestamp, book: &StressCache) -> Answer<Stress> {
    stress(&market.at(as_of), &order(), book).unwrap()
}

fn day(day: i64) -> Timestamp {
    at(FIRST).plus_days(day)
}

fn days_of(
    book: &StressCache,
    market: &Arc<Market>,
    as_of: Timestamp,
) -> Vec<(Timestamp, history::Values, crate::stats::composite::Reading)> {
    let history = book.history(&market.at(as_of), &order());
    history.closed_by(as_of).iter().map(|day| (day.start, day.values.clone(), day.reading.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn rows_that_were_not_known_yet_change_no_closed_day(cut_hours in 24_i64 * 360..24 * DAYS) {
        let rows = Rows::days(DAYS).with_corrections();
        let cut = at(FIRST).plus_ms(cut_hours * Period::HOUR.ms());
        let (whole, early) = (rows.clone().market(), rows.where_known(|known_at| known_at <= cut).market());
        let all = days_of(&StressCache::default(), &whole, day(DAYS + 1));
        let known = days_of(&StressCache::default(), &early, cut);
        prop_assert!(known.len() >= 358, "{} days", known.len());
        prop_assert_eq!(&all[..known.len()], &known[..]);
    }
}

#[test]
fn what_one_day_hands_on_to_the_next_changes_no_value() {
    let market = Rows::days(DAYS).with_corrections().market();
    for (start, values, _) in days_of(&StressCache::default(), &market, day(DAYS + 1)).into_iter().skip(300).step_by(9) {
        let at_close = market.at(start.plus_days(1).plus_ms(RECIPE.settles_after_ms));
        let (order, mut memory) = (order(), RollingState::default());
        assert_eq!(measure::Day::new(&at_close, &order, start, &mut memory).unwrap().values(), values, "{start}");
    }
}

#[test]
fn a_prepared_book_answers_as_one_that_was_just_opened() {
    let market = Rows::days(DAYS).with_corrections().market();
    let (view, book) = (market.at(day(DAYS)), StressCache::default());
    book.prepare(&view, &order(), || true);
    assert_eq!(days_of(&book, &market, day(DAYS)), days_of(&StressCache::default(), &market, day(DAYS)));
}

#[test]
fn a_book_that_grew_with_the_market_answers_as_one_that_was_just_opened() {
    let rows = Rows::days(DAYS).with_corrections();
    let split = day(370);
    let book = StressCache::default();
    let early = rows.where_known(|known_at| known_at <= split).market();
    asked(&early, split, &book);
    let late = rows.where_known(|known_at| known_at > split).added_to(&early, 2);
    assert_eq!(asked(&late, day(DAYS), &book), asked(&late, day(DAYS), &StressCache::default()));
    let past = day(380).plus_ms(9 * Period::HOUR.ms());
    assert_eq!(asked(&late, past, &book), asked(&late, past, &StressCache::default()));
    // The picture that was replaced is still answered as it was.
    assert_eq!(asked(&early, split, &book), asked(&early, split, &StressCache::default()));
}

#[test]
fn a_day_that_is_asked_about_again_is_judged_as_when_it_was_asked_first() {
    let rows = Rows::days(DAYS).with_corrections();
    let book = StressCache::default();
    let market = rows.where_known(|known_at| known_at <= day(DAYS - 9)).market();
    let instants: Vec<Timestamp> = (0..20).map(|n| day(372 + n % 6 * 3).plus_ms((9 + n) * Period::HOUR.ms())).collect();
    let ask_all = |market: &Arc<Market>, book: &StressCache| -> Vec<Stress> {
        instants.iter().map(|instant| asked(market, *instant, book).data).collect()
    };
    assert_eq!(ask_all(&market, &book), ask_all(&market, &StressCache::default()));
    // A row of the middle of the days that were asked about turns up late.
    let mut late = Rows::default();
    late.candle("candle.btc@x:1d", 373, 9_000.0, Some(1.0));
    let later = late.added_to(&market, 2);
    let anew: Vec<Stress> = instants.iter().map(|instant| asked(&later, *instant, &StressCache::default()).data).collect();
    assert_eq!(ask_all(&later, &book), anew);
    assert_ne!(ask_all(&later, &book), ask_all(&market, &StressCache::default()));
}

#[test]
fn a_row_that_turns_out_to_have_been_known_changes_the_days_from_then_on() {
    let rows = Rows::days(DAYS);
    let btc: SeriesKey = "candle.btc@x:1d".parse().unwrap();
    let missing = day(300);
    let mut without = rows.clone();
    without.candles.get_mut(&btc).unwrap().retain(|row| row.observed_at != missing);
    let mut late = Rows::default();
    late.candles.insert(btc.clone(), rows.candles[&btc].iter().filter(|row| row.observed_at == missing).copied().collect());
    let (book, market) = (StressCache::default(), without.market());
    let before = days_of(&book, &market, day(DAYS));
    let market = late.added_to(&market, 2);
    let after = days_of(&book, &market, day(DAYS));
    assert_eq!(before[..300], after[..300]);
    assert_ne!(before[300].1, after[300].1);
    assert_eq!(after, days_of(&StressCache::default(), &rows.market(), day(DAYS)));
}

#[test]
fn contributions_add_to_the_index_and_the_band_is_where_it_lies() {
    let market = Rows::days(DAYS).market();
    let answer = asked(&market, day(DAYS).plus_ms(Period::HOUR.ms()), &StressCache::default());
    let data = &answer.data;
    let systemic = data.systemic.unwrap();
    let sum: f64 = data.segments.iter().filter_map(|segment| segment.contribution).sum();
    assert!((sum - systemic).abs() < 1e-9, "{sum} {systemic}");
    let standalone: f64 = data.segments.iter().filter_map(|segment| segment.standalone).sum();
    assert!((standalone + data.correlation_effect.unwrap() - systemic).abs() < 1e-9);
    let split = data.change_1d_levels.unwrap() + data.change_1d_comovement.unwrap();
    assert!((split - data.change_1d.unwrap()).abs() < 1e-9);
    assert!((0.0..=100.0).contains(&data.acute.unwrap()) && data.percentile_ratio.is_some() && data.change_7d.is_some());
    for segment in &data.segments {
        let known = segment.indicators.iter().filter(|indicator| indicator.percentile_ratio.is_some()).count();
        assert!(known > 0 || segment.standing != StressStanding::Observed, "{segment:?}");
    }
    let names: Vec<_> =
        data.segments.iter().filter(|segment| segment.contribution.is_some()).map(|segment| segment.name).collect();
    assert_eq!(names, ["price", "volatility", "leverage", "funding", "etf", "cross_asset", "liquidity"]);
    assert!(answer.sources.iter().any(|reading| reading.series.to_string() == "funding_rate.btc@x:8h"));
}

#[test]
fn a_stablecoin_off_its_peg_is_stress_by_the_last_price_of_its_day() {
    let mut rows = Rows::days(DAYS);
    let last = day(DAYS - 1);
    rows.reading("price.usdc@x", last.plus_ms(Period::HOUR.ms()), 0.8);
    rows.reading("price.usdc@x", last.plus_ms(9 * Period::HOUR.ms()), 0.88);
    let off_peg = |market: &Arc<Market>| {
        let data = asked(market, last.plus_ms(23 * Period::HOUR.ms()), &StressCache::default()).data;
        assert_eq!(data.day, last.date());
        let liquidity = data.segments.into_iter().find(|segment| segment.name == "liquidity").unwrap();
        let indicator = liquidity.indicators.into_iter().find(|indicator| indicator.name == "stablecoins_off_peg").unwrap();
        (indicator.value.unwrap(), indicator.percentile_ratio.unwrap(), liquidity.score.unwrap())
    };
    let (calm, _, calm_score) = off_peg(&Rows::days(DAYS).market());
    let (broken, rank, score) = off_peg(&rows.market());
    assert!(calm < 1e-3 && (broken - 0.12).abs() < 1e-12 && rank > 0.99, "{calm} {broken} {rank}");
    assert!(score > calm_score, "{score} {calm_score}");
}

#[test]
fn the_open_day_is_judged_as_far_as_it_goes_and_not_taken_in() {
    let mut rows = Rows::days(DAYS);
    let open = day(DAYS);
    let crash = Bar::new(90.0, 90.0, 30.0, 31.0, Some(1.0)).unwrap();
    let hour = Vintage { observed_at: open, known_at: open.plus_ms(Period::HOUR.ms()), value: crash };
    rows.candles.insert("candle.btc@x:1h".parse().unwrap(), vec![hour]);
    let (market, book) = (rows.market(), StressCache::default());
    let calm = asked(&market, open.plus_ms(30 * Period::MINUTE.ms()), &book).data;
    let crashed = asked(&market, open.plus_ms(2 * Period::HOUR.ms()), &book).data;
    assert!(calm.closed || calm.day == open.date());
    assert_eq!((crashed.day, crashed.closed, crashed.provisional), (open.date(), false, true));
    assert!(crashed.acute > calm.acute, "{:?} {:?}", crashed.acute, calm.acute);
    assert_eq!(asked(&market, open.plus_ms(30 * Period::MINUTE.ms()), &book).data, calm);
}

#[test]
fn weekends_are_carried_and_a_feed_that_stops_is_imputed() {
    let mut rows = Rows::days(DAYS);
    for key in ["candle.vix@y:1d", "candle.sp500@y:1d", "candle.gold@y:1d"] {
        rows.candles.get_mut(&key.parse().unwrap()).unwrap().retain(|row| row.observed_at < day(390));
    }
    let (market, book) = (rows.market(), StressCache::default());
    let standing = |as_of: Timestamp| {
        let data = asked(&market, as_of, &book).data;
        let segment = data.segments.into_iter().find(|segment| segment.name == "cross_asset").unwrap();
        (segment.standing, segment.carried_days)
    };
    // 2025-01-18 is a Saturday, 383 days after the first.
    assert_eq!(standing(day(384).plus_ms(RECIPE.settles_after_ms)).0, StressStanding::Carried);
    assert_eq!(standing(day(398).plus_ms(RECIPE.settles_after_ms)), (StressStanding::Imputed, None));
    let answer = asked(&market, day(398).plus_ms(RECIPE.settles_after_ms), &book);
    assert!(answer.warnings.iter().any(|warning| warning.code == WarningCode::Gap && warning.detail.contains("cross_asset")));
}

#[test]
fn thin_markets_give_nulls_with_a_reason() {
    let empty = Arc::new(Market::default());
    let answer = asked(&empty, day(1), &StressCache::default());
    assert_eq!((answer.data.systemic, answer.warnings[0].code), (None, WarningCode::NoData));
    let young = asked(&Rows::days(20).market(), day(30), &StressCache::default());
    assert_eq!((young.data.systemic, young.data.band, young.data.coverage_ratio), (None, None, None));
    assert!(young.warnings.iter().any(|warning| warning.code == WarningCode::InsufficientHistory));
}

#[test]
fn the_series_holds_the_closed_days_and_every_segment_has_its_column() {
    let (market, book) = (Rows::days(DAYS).market(), StressCache::default());
    let question = StressSeriesParams { window: Window::ALL, max_points: None };
    let answer = stress_series(&market.at(day(DAYS).plus_days(1)), &order(), &question, &book).unwrap();
    assert_eq!(answer.data.first().unwrap().time, day(365));
    // The day that ended with the cutoff is still open for rows that tell of it.
    assert_eq!(answer.data.last().unwrap().time, day(DAYS - 1));
    let row = answer.data.iter().find(|row| row.time == day(DAYS - 1)).unwrap();
    let columns = [row.price, row.volatility, row.leverage, row.funding, row.etf, row.cross_asset, row.liquidity];
    assert_eq!((columns.len(), columns.iter().flatten().count()), (RECIPE.segments.len(), RECIPE.segments.len()));
}
