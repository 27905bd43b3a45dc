use market_stress::domain::Asset;
use market_stress::ingest::kraken;

use super::{Case, describe, settlements, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &["kraken_futures/analytics_"];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    ("kraken_futures/historical_funding_rates.json", funding, &["3 rows, first 2025-07-10T16:00:00Z 0.00015 every 8 h"]),
    ("kraken_futures/public_executions.json", executions, &[]),
    (
        "kraken_futures/tickers.json",
        tickers,
        &[
            "open_interest.btc@kraken-futures 2026-11-22T00:00:00Z 21279580",
            "open_interest.btc.inverse@kraken-futures 2026-11-22T00:00:00Z 21279580",
            "open_interest_native.btc@kraken-futures 2026-11-22T00:00:00Z 232.5469394687703",
        ],
    ),
    (
        "kraken_futures/tickers_2026_documented.json",
        tickers,
        &[
            "open_interest.btc@kraken-futures 2026-11-22T00:00:00Z 5177736",
            "open_interest.btc.inverse@kraken-futures 2026-11-22T00:00:00Z 5177736",
            "open_interest_native.btc@kraken-futures 2026-11-22T00:00:00Z 80.23141295279949",
        ],
    ),
];

fn executions(body: &[u8]) -> Vec<String> {
    describe(kraken::parse_executions(body, &visit()))
}

fn tickers(body: &[u8]) -> Vec<String> {
    describe(kraken::parse_tickers(body, &[Asset::btc()], visit().now))
}

fn funding(body: &[u8]) -> Vec<String> {
    settlements("kraken-futures", kraken::parse_funding(body, &Asset::btc(), &visit()))
}
