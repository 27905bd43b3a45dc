//! Findings on real data, which is read beside the project where it is there and never carried in it.

use std::{io::Write as _, path::PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use csv::StringRecord;
use market_stress::stats::{
    correlation::{paired_log_returns, pearson},
    episodes::{Outcome, deepest, rebounds},
    ohlc::log_returns,
    options::call_delta,
    regime::{calm_days, pickups},
    safe_haven::{Protection, TailExposure},
    volatility::close_to_close,
};

/// The rows of a file beside the project, and a line that says whether they are there.
fn rows(file: &str) -> Option<Vec<StringRecord>> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(file);
    let found = path.exists();
    let verdict = if found { "checked" } else { "NOT CHECKED, there is no ../shared/data beside the project" };
    writeln!(std::io::stderr(), "real data {file}: {verdict}").unwrap();
    found.then(|| csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap).collect())
}

/// Daily closes from the first day of a year on, by date.
fn closes(file: &str, year: i32) -> Option<Vec<(NaiveDate, f64)>> {
    let start = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let close = |row: StringRecord| (row[0][..10].parse().unwrap(), row[4].parse().unwrap());
    Some(rows(file)?.into_iter().map(close).filter(|&(date, _)| date >= start).collect())
}

#[test]
fn bitcoin_was_neither_hedge_nor_safe_haven_against_stocks() {
    let series = (closes("candles/btc-binance-spot-1d.csv", 2018), closes("candles/sp500-yahoo-1d.csv", 2018));
    let (Some(bitcoin), Some(stocks)) = series else { return };
    let returns = paired_log_returns(&bitcoin, &stocks);
    let (bitcoin, stocks): (Vec<_>, Vec<_>) = returns.iter().map(|pair| (pair.first, pair.second)).unzip();
    assert!((pearson(&bitcoin, &stocks).unwrap() - 0.297).abs() < 0.02);
    let exposure = TailExposure::fit(&bitcoin, &stocks, 10).unwrap();
    assert_eq!(exposure.hedge(0.05), Protection::None);
    assert_eq!(exposure.safe_haven(0.05), [Protection::None; 3]);
    let published = [0.80, 0.70, 1.02, 1.51];
    for (ours, theirs) in [exposure.average].iter().chain(&exposure.tails).zip(published) {
        assert!((ours.value - theirs).abs() < 0.1, "{ours:?}, published {theirs}");
    }
}

#[test]
fn the_exchange_quotes_the_delta_we_compute() {
    let Some(rows) = rows("options/btc-deribit-2026-04-28T2134.csv") else { return };
    assert_eq!(rows.len(), 233);
    for row in rows {
        let number = |column: usize| row[column].parse::<f64>().unwrap();
        let instant = |column: usize| row[column].parse::<DateTime<Utc>>().unwrap();
        let years = (instant(3) - instant(1)).as_seconds_f64() / (365.0 * 86_400.0);
        let call = call_delta(number(12), number(4), number(18) / 100.0, years);
        let ours = if &row[5] == "C" { call } else { call - 1.0 };
        assert!((ours - number(21)).abs() < 3e-4, "{}: ours {ours}", &row[2]);
    }
}

#[test]
fn bitcoin_fell_as_deep_and_bounced_as_often_as_published() {
    let Some(days) = closes("candles/btc-binance-spot-1d.csv", 2017) else { return };
    let (dates, values): (Vec<NaiveDate>, Vec<f64>) = days.into_iter().unzip();
    let found = deepest(&values, 0.3);
    for (episode, published) in found.iter().zip([-0.834, -0.766, -0.531, -0.531, -0.355]) {
        assert!((episode.depth() - published).abs() < 0.02, "{episode:?}");
    }
    let open = found.iter().find(|episode| episode.is_open()).unwrap();
    assert_eq!(dates[open.peak].to_string(), "2025-10-06");
    let failed = rebounds(&values, open, 0.1).iter().filter(|r| matches!(r.outcome, Outcome::Failed { .. })).count();
    assert_eq!(failed, 3);
}

#[test]
fn bitcoins_volatility_picked_up_a_dozen_times() {
    let Some(days) = closes("candles/btc-binance-spot-1d.csv", 2017) else { return };
    let (dates, values): (Vec<NaiveDate>, Vec<f64>) = days.into_iter().unzip();
    let returns = log_returns(&values);
    let realised = |n: usize| -> Vec<f64> {
        (30..=returns.len()).map(|end| close_to_close(&returns[end - n..end], 365.0).unwrap()).collect()
    };
    let month = realised(30);
    let signals = pickups(&calm_days(&month), &month, &realised(7));
    let found: Vec<String> = signals.iter().map(|day| dates[day + 30].to_string()).collect();
    assert_eq!(found.len(), 12);
    // The day whose close showed it; published with the day on which that was known, or the same.
    for day in ["2018-11-14", "2022-05-05", "2022-11-08", "2025-08-14"] {
        assert!(found.iter().any(|signal| signal == day), "no signal on {day} in {found:?}");
    }
}
