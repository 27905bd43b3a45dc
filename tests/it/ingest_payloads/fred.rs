use market_stress::ingest::fred;

use super::{Case, describe, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &["fred/fredgraph_", "fred/series_metadata"];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    ("fred/error_bad_key.json", closes, &["refused by the upstream: 400"]),
    ("fred/error_bad_series.json", closes, &["refused by the upstream: 400"]),
    ("fred/error_rate.json", closes, &["refused by the upstream: 429"]),
    ("fred/series_observations_dhhngsp.json", summary, &["7 rows of 8, first price.sp500@fred 2024-07-01T00:00:00Z 2.21"]),
    ("fred/series_observations_sp500.json", summary, &["14 rows of 16, first price.sp500@fred 2014-06-27T00:00:00Z 1960.96"]),
];

fn closes(body: &[u8]) -> Vec<String> {
    describe(fred::parse_observations(body, &"sp500".parse().unwrap(), 1, &visit()))
}

fn summary(body: &[u8]) -> Vec<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    let given = answer["observations"].as_array().unwrap().len();
    let rows = closes(body);
    vec![format!("{} rows of {given}, first {}", rows.len(), rows[0])]
}
