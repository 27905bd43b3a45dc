//! What real files say of volatility, funding, positions and other markets: asked through HTTP, and
//! computed a second time here from the files.
#![expect(clippy::cast_precision_loss, reason = "returns are counted in thousands")]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::http::Client;
use crate::real_data::{CUTOFF, ask, near};

/// Values of one column by the text of the time in the first.
type Column = BTreeMap<String, f64>;

fn column(folder: &Path, file: &str, index: usize) -> Column {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let cells = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    cells.filter_map(|cells| Some((cells[0].to_owned(), cells[index].parse().ok()?))).collect()
}

/// Closes of days before the one named, by date.
fn closes_before(folder: &Path, file: &str, day: &str) -> Column {
    column(folder, file, 4)
        .into_iter()
        .map(|(time, close)| (time[..10].to_owned(), close))
        .filter(|(at, _)| at.as_str() < day)
        .collect()
}

/// Log returns of both between days on which both traded, where the later is `from` or after.
fn paired_returns(ours: &Column, theirs: &Column, from: &str) -> Vec<(f64, f64)> {
    let common: Vec<(&str, f64, f64)> =
        ours.iter().filter_map(|(day, close)| Some((day.as_str(), *close, *theirs.get(day)?))).collect();
    let pairs = common.windows(2).filter(|pair| pair[1].0 >= from);
    pairs.map(|pair| ((pair[1].1 / pair[0].1).ln(), (pair[1].2 / pair[0].2).ln())).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f64>() / (a.len() - 1) as f64
}

/// Least squares by elimination of the normal equations.
fn least_squares(rows: &[Vec<f64>], y: &[f64]) -> Vec<f64> {
    let k = rows[0].len();
    let product = |i: usize, j: usize| rows.iter().map(|row| row[i] * row[j]).sum::<f64>();
    let right = |i: usize| rows.iter().zip(y).map(|(row, y)| row[i] * y).sum::<f64>();
    let mut system: Vec<Vec<f64>> = (0..k).map(|i| (0..k).map(|j| product(i, j)).chain([right(i)]).collect()).collect();
    for pivot in 0..k {
        for row in 0..k {
            if row != pivot {
                let factor = system[row][pivot] / system[pivot][pivot];
                let pivoted = system[pivot].clone();
                system[row].iter_mut().zip(pivoted).for_each(|(cell, of_pivot)| *cell -= factor * of_pivot);
            }
        }
    }
    (0..k).map(|i| system[i][k] / system[i][i]).collect()
}

/// The type-7 quantile.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place is that of a value")]
fn quantile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = p * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    sorted[below] + (place - place.floor()) * (sorted[(below + 1).min(sorted.len() - 1)] - sorted[below])
}

pub(crate) async fn volatility(client: &Client, folder: &Path) {
    let file = "candles/btc-binance-spot-1d.csv";
    let days: Vec<f64> = closes_before(folder, file, "2026-02-04").into_values().collect();
    let last: Vec<f64> = days[days.len() - 31..].windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect();
    let close = 100.0 * (365.0 * covariance(&last, &last)).sqrt();
    let before = |index| column(folder, file, index).into_iter().filter(|(day, _)| day.as_str() < "2026-02-04");
    let ranges: Vec<f64> = before(2).zip(before(3)).map(|((_, high), (_, low))| (high / low).ln().powi(2)).collect();
    let parkinson = 100.0 * (365.0 * mean(&ranges[ranges.len() - 30..]) / (4.0 * 2.0_f64.ln())).sqrt();
    let answer = ask(client, &format!("/v1/volatility?source=binance-spot&as_of={CUTOFF}")).await;
    near(&answer["realised_pct"], close, 1e-9 * close);
    near(&answer["estimators"]["parkinson_pct"], parkinson, 1e-9 * parkinson);
    // The hour that began at 07:00 ended with the cutoff.
    let implied = column(folder, "series/implied_vol-btc-deribit-1h.csv", 1)["2026-02-04T07:00:00Z"];
    near(&answer["implied_pct"], implied, 1e-12);
    near(&answer["variance_risk_premium"], (implied / 100.0).powi(2) - (close / 100.0).powi(2), 1e-9);
}

pub(crate) async fn correlation(client: &Client, folder: &Path) {
    let bitcoin = closes_before(folder, "candles/btc-binance-spot-1d.csv", "2026-02-04");
    let answer = ask(client, &format!("/v1/correlation?with=sp500,gold&as_of={CUTOFF}")).await;
    for other in ["sp500", "gold"] {
        let theirs = closes_before(folder, &format!("candles/{other}-yahoo-1d.csv"), "2026-02-04");
        let pairs = paired_returns(&bitcoin, &theirs, "2025");
        let (a, b): (Vec<f64>, Vec<f64>) = pairs[pairs.len() - 60..].iter().copied().unzip();
        let r = covariance(&a, &b) / (covariance(&a, &a) * covariance(&b, &b)).sqrt();
        let row = answer.as_array().unwrap().iter().find(|row| row["asset"] == other).unwrap();
        near(&row["correlation"], r, 1e-9);
        near(&row["beta"], covariance(&a, &b) / covariance(&b, &b), 1e-9);
        near(&row["ci_low"], (r.atanh() - 1.959_963_985 / 57.0_f64.sqrt()).tanh(), 1e-8);
        assert_eq!((&row["n_obs"], &row["last_common_day"]), (&Value::from(60), &Value::from("2026-02-03T00:00:00Z")));
    }
}

/// Bitcoin against shares since 2018, and gold as a control (METHODOLOGY section 9).
pub(crate) async fn safe_haven(client: &Client, folder: &Path) {
    let bitcoin = closes_before(folder, "candles/btc-binance-spot-1d.csv", "2026-07-01");
    let shares = closes_before(folder, "candles/sp500-yahoo-1d.csv", "2026-07-01");
    let (ours, theirs): (Vec<f64>, Vec<f64>) = paired_returns(&bitcoin, &shares, "2018").into_iter().unzip();
    let worst = [0.10, 0.05, 0.01].map(|p| quantile(&theirs, p));
    let row = |r: &f64| [1.0, *r].into_iter().chain(worst.map(|q| if *r <= q { *r } else { 0.0 })).collect::<Vec<_>>();
    let fitted = least_squares(&theirs.iter().map(row).collect::<Vec<_>>(), &ours);
    let answer = ask(client, "/v1/safe-haven?against=sp500&since=2018-01-01&as_of=2026-07-01").await;
    for (name, expected) in ["c0", "c1", "c2", "c3"].iter().zip(&fitted[1..]) {
        near(&answer[*name], *expected, 1e-8);
    }
    assert_eq!(answer["n_obs"], ours.len());
    // The table's figures are of the same days up to August 2026.
    for (exposure, published) in answer["exposures"].as_array().unwrap().iter().zip([0.80, 0.70, 1.02, 1.51]) {
        near(&exposure["value"], published, 0.1);
        assert!(exposure["p_value"].as_f64().unwrap() < 0.05, "{exposure}");
    }
    assert_eq!(answer["hedge"], "none");
    assert_eq!(answer["safe_haven"], serde_json::json!({"q10": "none", "q5": "none", "q1": "none"}));
    assert!(answer["gold"]["exposures"][0]["value"].as_f64().unwrap() < 0.2, "{}", answer["gold"]);
}

/// Both venues settle every eight hours; no file holds their open interest, so each counts the same.
pub(crate) async fn funding(client: &Client, folder: &Path) {
    let venues = ["binance", "bybit"].map(|venue| column(folder, &format!("series/funding_rate-btc-{venue}-8h.csv"), 1));
    let settled = |at: &str| mean(&venues.each_ref().map(|rates| rates[at]));
    for (as_of, at, state, streak) in [
        ("2026-02-03T20:00:00Z", "2026-02-03T16:00:00Z", "negative", 1),
        ("2026-02-04T07:00:00Z", "2026-02-04T00:00:00Z", "below_neutral", 0),
    ] {
        let answer = ask(client, &format!("/v1/funding?source=binance,bybit&as_of={as_of}")).await;
        near(&answer["rate_8h_ratio"], settled(at), 1e-15);
        near(&answer["annualised_pct"], settled(at) * 1_095.0 * 100.0, 1e-10);
        assert_eq!((&answer["state"], &answer["by_source"][0]["settled_at"]), (&Value::from(state), &Value::from(at)));
        assert_eq!(answer["negative_streak"]["intervals"], streak);
    }
}

/// 2025-10-10 as one collector of all venues saw it (METHODOLOGY section 5).
pub(crate) async fn open_interest(client: &Client, folder: &Path) {
    // Rows are labelled by the start of their four hours.
    let rows = column(folder, "series/open_interest-btc-coinglass-4h.csv", 1);
    let (start, end) = (rows["2025-10-09T20:00:00Z"], rows["2025-10-10T20:00:00Z"]);
    let closes = closes_before(folder, "candles/btc-binance-spot-1d.csv", "2025-10-11");
    let price = closes["2025-10-10"] / closes["2025-10-09"];
    let answer = ask(client, "/v1/open-interest?source=coinglass&window=1d&as_of=2025-10-11").await;
    near(&answer["change_usd"], end - start, 1.0);
    near(&answer["change_pct"], (end / start - 1.0) * 100.0, 1e-9);
    near(&answer["change_native_pct"], (end / start / price - 1.0) * 100.0, 1e-9);
    near(&answer["change_pct"], -21.9, 0.05);
    near(&answer["change_native_pct"], -15.7, 0.05);
    let effects = answer["price_effect_usd"].as_f64().unwrap() + answer["position_effect_usd"].as_f64().unwrap();
    assert!((effects - (end - start)).abs() < 1.0, "{answer}");
    assert_eq!((&answer["deleveraging"], &answer["quadrant"]), (&Value::Bool(true), &Value::from("long_unwind")));
}
