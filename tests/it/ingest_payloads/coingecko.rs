use market_stress::domain::Asset;
use market_stress::ingest::coingecko;

use super::{Case, describe, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &["coingecko/derivatives", "coingecko/market_chart", "coingecko/ohlc", "coingecko/pro_"];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    (
        "coingecko/coins_markets.json",
        coins,
        &[
            "price.btc@coingecko 2026-05-18T12:49:21.599Z 77671",
            "market_cap.btc@coingecko 2026-05-18T12:49:21.599Z 1555886872303",
            "volume_24h.btc@coingecko 2026-05-18T12:49:21.599Z 33235034316",
        ],
    ),
    // Points of minutes and hours, none of which opens a day.
    ("coingecko/market_chart.json", market_chart, &[]),
    ("coingecko/market_chart_range.json", market_chart, &[]),
    ("coingecko/pro_global_market_cap_chart.json", market_cap_chart, &[]),
    ("coingecko/error_429.json", global, &["refused by the upstream: 429"]),
    ("coingecko/error_days.json", global, &["refused by the upstream: 10012"]),
    ("coingecko/error_missing_key.json", global, &["refused by the upstream: 10002"]),
    ("coingecko/error_not_found.json", global, &["refused by the upstream: unnamed"]),
    ("coingecko/error_wrong_host.json", global, &["refused by the upstream: 10010"]),
    (
        "coingecko/global.json",
        global,
        &[
            "market_cap.total@coingecko 2026-05-27T10:39:11Z 2621040321355.0405",
            "volume_24h.total@coingecko 2026-05-27T10:39:11Z 95133256404.37308",
        ],
    ),
];

fn coins(body: &[u8]) -> Vec<String> {
    describe(coingecko::parse_markets(body))
}

fn global(body: &[u8]) -> Vec<String> {
    describe(coingecko::parse_global(body))
}

fn market_chart(body: &[u8]) -> Vec<String> {
    describe(coingecko::parse_market_chart(body, &Asset::btc(), &visit()))
}

fn market_cap_chart(body: &[u8]) -> Vec<String> {
    describe(coingecko::parse_market_cap_chart(body, &visit()))
}
