use market_stress::ingest::yahoo;

use super::{Case, describe, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &["yahoo/error_429"];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    (
        "yahoo/chart_gc_meta_2026-08-18.json",
        closes,
        &["2026-08-11 4383 2026-08-12 4408.9 2026-08-13 4363.6 2026-08-14 4380.4 2026-08-17 4417.8 2026-08-18 4447.5"],
    ),
    (
        "yahoo/chart_gspc_1d.json",
        closes,
        &["2023-01-03 3824.14 2023-01-04 3852.97 2023-01-05 3808.1 2023-01-06 3895.08 2023-01-09 3892.09 2023-01-10 3919.25 \
         2023-01-11 3969.61 2023-01-12 3983.17 2023-01-13 3999.09 2023-01-17 3990.97 2024-06-25 5469.3 2024-06-26 5477.9 \
         2024-06-27 5482.87 2024-06-28 5460.48"],
    ),
    ("yahoo/chart_null_bar.json", null_bar, &["2026-09-18 4382 2026-09-18 4424.9"]),
    ("yahoo/error_not_found.json", closes, &["refused by the upstream: Not Found"]),
];

fn closes(body: &[u8]) -> Vec<String> {
    let parsed = match yahoo::parse_chart(body, &"gold".parse().unwrap(), true, &visit()) {
        Ok(parsed) => parsed,
        error => return describe(error),
    };
    assert!(parsed.refused.is_empty());
    let rows = parsed.batch.candles.values().flatten();
    vec![rows.map(|row| format!("{} {}", row.observed_at.date(), row.value.close)).collect::<Vec<_>>().join(" ")]
}

/// The fixture leaves out the exchange's time zone, without which no day can be told.
fn null_bar(body: &[u8]) -> Vec<String> {
    let mut chart: serde_json::Value = serde_json::from_slice(body).unwrap();
    chart["chart"]["result"][0]["meta"]["exchangeTimezoneName"] = "America/New_York".into();
    closes(chart.to_string().as_bytes())
}
