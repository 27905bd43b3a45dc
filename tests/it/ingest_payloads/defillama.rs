use market_stress::ingest::defillama;

use super::{Case, describe, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &["defillama/etfs_", "defillama/historical_chain_tvl"];

/// Every other file.
pub(super) const CASES: &[Case] = &[(
    "defillama/stablecoincharts_all.json",
    stablecoins,
    &["stablecoin_supply.total@defillama:1d 2021-01-01T00:00:00Z 45012000000"],
)];

fn stablecoins(body: &[u8]) -> Vec<String> {
    describe(defillama::parse_supply(body, &visit()))
}
