use market_stress::domain::Asset;
use market_stress::ingest::coinglass;

use super::{Case, describe, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &[
    "coinglass/liquidation_coin_list",
    "coinglass/liquidation_order",
    "coinglass/liquidation_pair_history",
    "coinglass/open_interest_exchange_list",
];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    ("coinglass/error_key.json", liquidations, &["refused by the upstream: 401"]),
    ("coinglass/error_rate.json", liquidations, &["refused by the upstream: 429"]),
    ("coinglass/error_upgrade_plan.json", liquidations, &["refused by the upstream: 401"]),
    (
        "coinglass/etf_bitcoin_flow_history.json",
        flows,
        &[
            "etf_flow.btc.FBTC@coinglass 2024-01-11T00:00:00Z 227000000",
            "etf_flow.btc.GBTC@coinglass 2024-01-11T00:00:00Z -95100000",
            "etf_flow.btc.IBIT@coinglass 2024-01-11T00:00:00Z 111700000",
        ],
    ),
    (
        "coinglass/etf_ethereum_flow_history.json",
        flows,
        &[
            "etf_flow.btc.ETHA@coinglass 2024-07-23T00:00:00Z 266500000",
            "etf_flow.btc.FETH@coinglass 2024-07-23T00:00:00Z 71300000",
        ],
    ),
    (
        "coinglass/etf_solana_flow_history.json",
        flows,
        &[
            "etf_flow.btc.BSOL@coinglass 2025-11-07T00:00:00Z 11700000",
            "etf_flow.btc.GSOL@coinglass 2025-11-07T00:00:00Z 1000000",
        ],
    ),
    ("coinglass/etf_xrp_flow_history.json", xrp_flows, &["etf_flow.xrp.XRPC@coinglass 2025-11-14T00:00:00Z 243050000"]),
    (
        "coinglass/funding_oi_weight_history.json",
        funding,
        &["funding_rate.btc@coinglass 2022-07-27T04:00:00Z 0.00009229", "funding_rate.btc@coinglass 2022-07-28T04:00:00Z 0.0001"],
    ),
    (
        "coinglass/liquidation_aggregated_history.json",
        liquidations,
        &[
            "liquidation.btc.long@coinglass:4h 2022-07-28T00:00:00Z 5916885.14234",
            "liquidation.btc.long@coinglass:4h 2022-07-29T00:00:00Z 5345708.23191",
            "liquidation.btc.short@coinglass:4h 2022-07-28T00:00:00Z 12969583.87632",
            "liquidation.btc.short@coinglass:4h 2022-07-29T00:00:00Z 6454875.54909",
        ],
    ),
    (
        "coinglass/liquidation_exchange_list.json",
        trailing,
        &[
            "liquidation_24h.total@coinglass 2026-11-22T00:00:00Z 14673519.81739075",
            "liquidation_24h.total.long@coinglass 2026-11-22T00:00:00Z 451394.17404598",
            "liquidation_24h.total.short@coinglass 2026-11-22T00:00:00Z 14222125.64334477",
        ],
    ),
    (
        "coinglass/liquidation_exchange_list_all_coins.json",
        trailing,
        &[
            "liquidation_24h.total@coinglass 2026-11-22T00:00:00Z 14673519.81739075",
            "liquidation_24h.total.long@coinglass 2026-11-22T00:00:00Z 451394.17404598",
            "liquidation_24h.total.short@coinglass 2026-11-22T00:00:00Z 14222125.64334477",
        ],
    ),
    // The documented instants lie in the year 2053: not over yet, so no rows.
    ("coinglass/open_interest_aggregated_history.json", open_interest, &[]),
];

fn liquidations(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_liquidations(body, &Asset::btc(), &visit()))
}

fn open_interest(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_open_interest(body, &Asset::btc(), &visit()))
}

fn funding(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_funding(body, &Asset::btc(), &visit()))
}

fn flows(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_etf_flows(body, &Asset::btc(), &visit()))
}

fn xrp_flows(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_etf_flows(body, &"xrp".parse().unwrap(), &visit()))
}

fn trailing(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_trailing_liquidations(body, &Asset::total(), visit().now))
}
