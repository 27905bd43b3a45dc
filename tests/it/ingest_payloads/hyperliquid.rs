use market_stress::domain::Asset;
use market_stress::ingest::hyperliquid;

use super::{Case, describe, settlements, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &[
    "hyperliquid/clearinghouse_state",
    "hyperliquid/l2_book",
    "hyperliquid/leaderboard",
    "hyperliquid/meta_and_asset_ctxs_dex_para",
    "hyperliquid/perps_at_open_interest_cap",
    "hyperliquid/predicted_fundings",
    "hyperliquid/ws_",
];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    ("hyperliquid/candle_snapshot.json", candles, &["4 candles, first 2026-10-08T14:00:00Z 82678"]),
    ("hyperliquid/candle_snapshot_2024.json", candles, &["12 candles, first 2023-05-21T20:00:00Z 0.001604"]),
    ("hyperliquid/funding_history_btc.json", funding, &["3 rows, first 2026-10-08T15:00:00Z 0.0000125 every 1 h"]),
    ("hyperliquid/funding_history_btc_2023_8h.json", funding, &["12 rows, first 2023-05-12T00:00:00Z -0.00061334 every 8 h"]),
    (
        "hyperliquid/meta_and_asset_ctxs.json",
        contexts,
        &[
            "open_interest.btc@hyperliquid 2026-11-22T00:00:00Z 3491734615.7584004",
            "open_interest_native.btc@hyperliquid 2026-11-22T00:00:00Z 40762.72024",
        ],
    ),
];

fn contexts(body: &[u8]) -> Vec<String> {
    describe(hyperliquid::parse_contexts(body, &[Asset::btc(), "hpos".parse().unwrap()], visit().now))
}

fn funding(body: &[u8]) -> Vec<String> {
    settlements("hyperliquid", hyperliquid::parse_funding(body, &Asset::btc(), &visit()))
}

fn candles(body: &[u8]) -> Vec<String> {
    let parsed = hyperliquid::parse_candles(body, &"candle.btc@hyperliquid:1h".parse().unwrap(), &visit()).unwrap();
    let candles = parsed.batch.candles.values().next().unwrap();
    vec![format!("{} candles, first {} {}", candles.len(), candles[0].observed_at, candles[0].value.close)]
}
