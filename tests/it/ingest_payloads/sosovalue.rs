use market_stress::domain::Asset;
use market_stress::ingest::sosovalue;

use super::{Case, describe, visit};

/// Every other file.
pub(super) const CASES: &[Case] = &[
    (
        "sosovalue/v1_summary_history.json",
        soso,
        &[
            "etf_flow.btc@sosovalue 2026-05-18T00:00:00Z -648640566.63",
            "etf_assets.btc@sosovalue 2026-05-18T00:00:00Z 100485432785.17",
        ],
    ),
    (
        "sosovalue/v2_historical_inflow_chart.json",
        soso,
        &[
            "etf_flow.btc@sosovalue 2024-04-12T00:00:00Z -55066297",
            "etf_flow.btc@sosovalue 2024-04-11T00:00:00Z 91269283",
            "etf_assets.btc@sosovalue 2024-04-12T00:00:00Z 56215535367",
            "etf_assets.btc@sosovalue 2024-04-11T00:00:00Z 59225065270",
        ],
    ),
];

fn soso(body: &[u8]) -> Vec<String> {
    describe(sosovalue::parse_summary(body, &Asset::btc(), &visit()))
}
