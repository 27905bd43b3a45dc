use market_stress::ingest::alternative_me;

use super::{Case, describe, visit};

/// Every other file.
pub(super) const CASES: &[Case] = &[
    (
        "alternative_me/fng.json",
        fear_greed,
        &["fear_greed.total@alternative_me 2026-04-27T00:00:00Z 47", "fear_greed.total@alternative_me 2026-04-26T00:00:00Z 33"],
    ),
    ("alternative_me/fng_latest.json", fear_greed, &["fear_greed.total@alternative_me 2019-02-26T00:00:00Z 40"]),
];

fn fear_greed(body: &[u8]) -> Vec<String> {
    describe(alternative_me::parse_index(body, &visit()))
}
