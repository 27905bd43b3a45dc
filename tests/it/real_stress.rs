//! The stress index of real days: the episodes of METHODOLOGY section 11.4 stand out.

use std::time::Instant;

use market_stress::domain::Timestamp;
use serde_json::Value;

use crate::http::{Client, at};
use crate::real_data::{CUTOFF, ask};

/// Days around a peak in which no other counts.
const DECLUSTER_DAYS: f64 = 30.0;

/// The place of the highest day between two dates among all peaks, the highest first.
fn rank(rows: &[Value], of: &str, from: &str, to: &str) -> usize {
    let mut days: Vec<(f64, Timestamp)> = rows.iter().filter_map(|row| Some((row[of].as_f64()?, start(row)))).collect();
    days.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut peaks: Vec<Timestamp> = Vec::new();
    for (_, day) in days {
        if peaks.iter().all(|peak| peak.days_since(day).abs() > DECLUSTER_DAYS) {
            peaks.push(day);
        }
    }
    peaks.iter().position(|day| (at(from)..at(to)).contains(day)).map_or(usize::MAX, |place| place + 1)
}

fn start(row: &Value) -> Timestamp {
    at(row["time"].as_str().unwrap())
}

/// Asks and says how long the answer took.
async fn timed(client: &Client, target: &str) -> Value {
    let asked = Instant::now();
    let answer = ask(client, target).await;
    crate::harness::say(&format!("REAL STRESS: {target} in {:?}", asked.elapsed()));
    answer
}

fn adds_up(answer: &Value) {
    let systemic = answer["systemic"].as_f64().unwrap();
    let parts = answer["segments"].as_array().unwrap().iter().filter_map(|segment| segment["contribution"].as_f64());
    assert!((parts.sum::<f64>() - systemic).abs() < 1e-9, "{answer}");
}

pub(crate) async fn the_known_episodes_stand_out(client: &Client) {
    let early = timed(client, "/v1/stress?as_of=2021-05-20T12:00:00Z").await;
    adds_up(&early);
    let rows = timed(client, "/v1/stress/series?as_of=2026-06-25").await.as_array().unwrap().clone();
    adds_up(&timed(client, &format!("/v1/stress?as_of={CUTOFF}")).await);
    // What came to be known later changes nothing of what was said then.
    assert_eq!(ask(client, "/v1/stress?as_of=2021-05-20T12:00:00Z&time_format=rfc3339").await, early);

    let systemic = |from, to| rank(&rows, "systemic", from, to);
    let acute = |from, to| rank(&rows, "acute", from, to);
    for (name, from, to) in [
        ("2020-03", "2020-03-01", "2020-05-01"),
        ("2021-05", "2021-05-01", "2021-07-15"),
        ("2022-06", "2022-06-01", "2022-07-15"),
        ("2022-11", "2022-11-01", "2022-12-15"),
        ("2025-10", "2025-10-08", "2025-11-01"),
        ("2026-02", "2026-01-25", "2026-03-10"),
    ] {
        crate::harness::say(&format!("REAL STRESS: {name} systemic {} acute {}", systemic(from, to), acute(from, to)));
    }
    assert!(systemic("2020-03-01", "2020-05-01") <= 6 && systemic("2021-05-01", "2021-07-15") <= 6);
    assert!(systemic("2022-06-01", "2022-07-15") <= 6 && systemic("2026-01-25", "2026-03-10") <= 6);
    assert!(systemic("2022-11-01", "2022-12-15") <= 10);
    assert!(acute("2025-10-08", "2025-11-01") <= 6 && acute("2026-01-25", "2026-03-10") <= 6);
    let october = rows.iter().filter(|row| (at("2025-10-10")..at("2025-10-13")).contains(&start(row)));
    assert!(october.filter_map(|row| row["leverage"].as_f64()).fold(0.0, f64::max) >= 99.0);
    assert!(rows.windows(2).all(|pair| start(&pair[1]) == start(&pair[0]).plus_days(1)));
}
