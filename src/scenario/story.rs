//! The facts of the report, checked in the rows themselves.

use super::*;
use crate::domain::{Bar, KnownAtRule, Metric, Observation, SeriesKey};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn all() -> &'static [Batch] {
    static ALL: std::sync::LazyLock<Vec<Batch>> = std::sync::LazyLock::new(|| batches().unwrap());
    &ALL
}

fn readings(key: &str) -> Vec<Observation<f64>> {
    let key: SeriesKey = key.parse().unwrap();
    all().iter().find_map(|batch| batch.readings.get(&key).cloned()).unwrap_or_else(|| panic!("no rows of {key}"))
}

fn candles(key: &str) -> Vec<Observation<Bar>> {
    let key: SeriesKey = key.parse().unwrap();
    all().iter().find_map(|batch| batch.candles.get(&key).cloned()).unwrap_or_else(|| panic!("no rows of {key}"))
}

fn value_at(rows: &[Observation<f64>], when: &str) -> f64 {
    rows.iter().find(|row| row.observed_at == at(when)).unwrap_or_else(|| panic!("no row at {when}")).value
}

fn sum(rows: &[Observation<f64>], from: &str, to: &str) -> f64 {
    rows.iter().filter(|row| (at(from)..at(to)).contains(&row.observed_at)).map(|row| row.value).sum()
}

fn liquidated(from: &str, to: &str) -> f64 {
    ["long", "short"].iter().map(|side| sum(&readings(&format!("liquidation.total.{side}@scenario:1h")), from, to)).sum()
}

fn flow(asset: &str, from: &str, to: &str) -> f64 {
    let asset: crate::domain::Asset = asset.parse().unwrap();
    let funds =
        all().iter().flat_map(|batch| &batch.readings).filter(|(key, _)| key.metric == Metric::EtfFlow && key.asset == asset);
    funds.map(|(_, rows)| sum(rows, from, to)).sum()
}

fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() <= 1e-9 * expected.abs(), "{actual} is not {expected}");
}

/// Returns the last close before 2026-02-03 and the low of that day.
fn tuesday() -> (f64, f64) {
    let hours = candles("candle.btc@scenario:1h");
    let before = hours.iter().find(|hour| hour.observed_at == at("2026-02-02T23:00:00Z")).unwrap().value.close;
    let day = hours.iter().filter(|hour| hour.observed_at.day_start() == at("2026-02-03"));
    (before, day.map(|hour| hour.value.low).fold(f64::INFINITY, f64::min))
}

#[test]
fn s1_the_market_lost_467_6_billion_since_2026_01_29() {
    let total = readings("market_cap.total@scenario");
    assert_close(value_at(&total, "2026-02-04T08:00:00Z") - value_at(&total, "2026-01-29"), -467.6e9);
}

#[test]
fn s2_and_s3_bitcoin_fell_by_seven_percent_to_72_877() {
    let (before, low) = tuesday();
    assert_close(low, 72_877.0);
    assert!(((low / before - 1.0) * 100.0 + 7.0).abs() < 0.01);
}

#[test]
fn s4_that_low_is_the_lowest_since_november_2024() {
    let hours = candles("candle.btc@scenario:1h");
    let earlier =
        hours.iter().rev().skip_while(|hour| hour.observed_at >= at("2026-02-03")).find(|hour| hour.value.low <= 72_877.0);
    assert_eq!(earlier.unwrap().observed_at.day_start(), at("2024-11-06"));
}

#[test]
fn s5_bitcoin_is_at_76_600_at_the_cutoff() {
    let hours = candles("candle.btc@scenario:1h");
    let last = hours.last().unwrap();
    assert_eq!(last.knowledge, KnownAtRule::AtPublication(CUTOFF));
    assert_close(last.value.close, 76_600.0);
}

#[test]
fn s6_that_is_about_40_percent_under_the_record_of_early_october() {
    let days = candles("candle.btc@scenario:1d");
    let record = days.iter().max_by(|a, b| a.value.close.total_cmp(&b.value.close)).unwrap();
    assert_eq!(record.observed_at, at("2025-10-06"));
    assert!(((76_600.0 / record.value.close - 1.0) * 100.0 + 40.0).abs() < 1.0);
    assert!(days.iter().all(|day| day.value.high <= record.value.high));
}

#[test]
fn s7_19_billion_were_wiped_out_on_2025_10_10_and_never_more() {
    assert_close(liquidated("2025-10-10", "2025-10-11"), 19e9);
    let mut days = std::collections::BTreeMap::new();
    for side in ["long", "short"] {
        for row in readings(&format!("liquidation.total.{side}@scenario:1h")) {
            *days.entry(row.observed_at.day_start()).or_insert(0.0) += row.value;
        }
    }
    let record = days.iter().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
    assert_eq!(*record.0, at("2025-10-10"));
}

#[test]
fn s8_and_s9_the_liquidations_before_the_cutoff_add_up() {
    let day = liquidated("2026-02-03T08:00:00Z", "2026-02-04T08:00:00Z");
    assert!((700e6..750e6).contains(&day), "{day}");
    for day in ["2026-01-28", "2026-01-29"] {
        let since = liquidated(day, "2026-02-04T08:00:00Z");
        assert!((6.67e9..6.75e9).contains(&since), "since {day}: {since}");
    }
}

#[test]
fn s10_rebounds_of_ten_percent_failed_twice_since_the_record() {
    let days = candles("candle.btc@scenario:1d");
    let (mut low, mut high, mut failed) = (f64::INFINITY, f64::NAN, 0);
    for close in days.iter().filter(|day| day.observed_at >= at("2025-10-06")).map(|day| day.value.close) {
        if high.is_nan() {
            low = low.min(close);
            high = if close >= 1.1 * low { close } else { high };
        } else if close <= 0.9 * high {
            (low, high, failed) = (close, f64::NAN, failed + 1);
        } else {
            high = high.max(close);
        }
    }
    assert_eq!(failed, 2);
}

#[test]
fn s11_open_interest_has_fallen_sharply() {
    for key in ["open_interest.btc@scenario", "open_interest_native.btc@scenario"] {
        let rows = readings(key);
        let week = value_at(&rows, "2026-02-04T08:00:00Z") / value_at(&rows, "2026-01-28T08:00:00Z");
        let day = value_at(&rows, "2026-02-04T08:00:00Z") / value_at(&rows, "2026-02-03T08:00:00Z");
        assert!(week < 0.85 && day.ln() < -0.08, "{key}: {week} in a week, {day} in a day");
    }
}

#[test]
fn s12_funding_turned_negative_on_2026_02_01_and_stayed_so() {
    let rows = readings("funding_rate.btc@scenario");
    for row in rows.iter().filter(|row| row.observed_at >= at("2026-01-25")) {
        assert_eq!(row.value < 0.0, row.observed_at >= at("2026-02-01"), "{}: {}", row.observed_at, row.value);
    }
    assert_eq!(rows.last().unwrap().observed_at, CUTOFF);
}

#[test]
fn s13_and_s14_the_bitcoin_funds_took_in_562_million_and_then_lost_272() {
    assert_close(flow("btc", "2026-02-02", "2026-02-03"), 562e6);
    assert_close(flow("btc", "2026-02-03", "2026-02-04"), -272e6);
}

#[test]
fn s14_was_a_partial_332_million_until_the_last_fund_reported() {
    let night = KnownAtRule::Vintage(at("2026-02-04T02:00:00Z"));
    let rows = all().iter().flat_map(|batch| &batch.readings).filter(|(key, _)| key.metric == Metric::EtfFlow);
    let early: f64 = rows.flat_map(|(_, rows)| rows).filter(|row| row.knowledge == night).map(|row| row.value).sum();
    assert_close(early, -332e6);
}

#[test]
fn s15_billions_left_the_funds_of_other_coins_since_november() {
    let flows: Vec<f64> = ["eth", "sol", "xrp"].iter().map(|asset| flow(asset, "2025-11-01", "2026-02-04")).collect();
    assert!(flows.iter().all(|flow| *flow < 0.0), "{flows:?}");
    assert!(flows.iter().sum::<f64>() < -2e9, "{flows:?}");
}
