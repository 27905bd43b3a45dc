use market_stress::domain::Asset;
use market_stress::ingest::okx::{self, Margin};

use super::{Case, describe, describe_message, folder, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &[
    "okx/books",
    "okx/funding_rate.json",
    "okx/instruments_futures",
    "okx/instruments_swap",
    "okx/long_short_account_ratio",
    "okx/premium_history",
    "okx/rest_liquidation_orders_tardis_2021",
    "okx/taker_volume_contract",
    "okx/ws_funding_rate_",
    "okx/ws_open_interest",
];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    // Ten contracts of each at a price of 50,000; those on stocks are passed over.
    (
        "okx/instruments_categories.json",
        categories,
        &[
            "BTC-USDT-SWAP: btc long 2026-02-03T19:00:00Z 0.100000 5000.00",
            "AAPL-USDT-SWAP: ",
            "OPENAI-USDT-SWAP: ",
            "MUU-USDT-SWAP: ",
        ],
    ),
    // The only candle of the answer is still open.
    ("okx/candles.json", candles, &[]),
    ("okx/error.json", open_interest, &["refused by the upstream: 51001"]),
    ("okx/error_rate.json", open_interest, &["refused by the upstream: 50011"]),
    (
        "okx/funding_rate_history.json",
        funding,
        &[
            "funding_rate.btc@okx 2023-12-20T00:00:00Z 0.0002279755647389",
            "funding_rate.btc@okx 2023-12-20T08:00:00Z 0.0000746572360545",
            "funding_interval.btc@okx 2023-12-20T00:00:00Z 8",
            "funding_interval.btc@okx 2023-12-20T08:00:00Z 8",
        ],
    ),
    ("okx/open_interest.json", open_interest, &["refused row: missing field `oiUsd`"]),
    (
        "okx/open_interest_documented.json",
        open_interest,
        &["open_interest.btc@okx 2020-08-10T02:26:23.085Z 50000", "open_interest_native.btc@okx 2020-08-10T02:26:23.085Z 555.55"],
    ),
    (
        "okx/rubik_open_interest_history.json",
        open_interest_history,
        &[
            "open_interest.btc@okx 2026-09-27T23:00:00Z 2360916466.88",
            "open_interest_native.btc@okx 2026-09-27T23:00:00Z 28006.5419",
        ],
    ),
    ("okx/ws_liquidation_orders_futures.json", message, &["xrp short 2023-03-30T10:47:27.614Z 706.457748 390.00"]),
    (
        "okx/ws_liquidation_orders_multi.json",
        message,
        &["btc long 2026-08-04T19:13:59.964Z 1.200000 76814.76", "btc short 2026-08-04T19:13:58.001Z 0.035000 2240.70"],
    ),
    ("okx/ws_liquidation_orders_swap_documented.json", message, &["refused row: the size of its contract is not known"]),
    ("okx/ws_notice.json", message, &["refused: The connection will soon be closed for a service upgrade. Please reconnect."]),
    (
        "okx/ws_subscribe_error.json",
        message,
        &[r#"refused: Invalid request: {"op": "subscribe", "argss":[{ "channel" : "tickers", "instId" : "LTC-USD-200327"}]}"#],
    ),
];

fn open_interest(body: &[u8]) -> Vec<String> {
    describe(okx::parse_open_interest(body, Margin::Usdt, &[Asset::btc()]))
}

fn open_interest_history(body: &[u8]) -> Vec<String> {
    describe(okx::parse_open_interest_history(body, Margin::Usdt, &Asset::btc(), &visit()))
}

fn candles(body: &[u8]) -> Vec<String> {
    describe(okx::parse_candles(body, &"candle.btc@okx:1m".parse().unwrap(), &visit()))
}

fn funding(body: &[u8]) -> Vec<String> {
    describe(okx::parse_funding(body, Margin::Usdt, &Asset::btc(), &visit()))
}

/// With the contracts of the payload beside it, and the inverse future the index speaks of.
fn message(body: &[u8]) -> Vec<String> {
    let swaps = std::fs::read(folder().join("okx/instruments_swap.json")).unwrap();
    let mut contracts = okx::parse_contracts(&swaps).unwrap();
    let future = br#"{"code":"0","data":[{"instId":"XRP-USD-230929","ctVal":"10","ctMult":"1","ctValCcy":"USD"}]}"#;
    contracts.extend(okx::parse_contracts(future).unwrap());
    describe_message(okx::parse_message(std::str::from_utf8(body).unwrap(), &contracts))
}

fn categories(body: &[u8]) -> Vec<String> {
    let contracts = okx::parse_contracts(body).unwrap();
    let told = |symbol: &str| {
        let detail = r#"{"posSide":"long","side":"sell","sz":"10","bkPx":"50000","ts":"1770145200000"}"#;
        let data = format!(r#"[{{"instId":"{symbol}","details":[{detail}]}}]"#);
        let message = okx::parse_message(&format!(r#"{{"arg":{{"channel":"liquidation-orders"}},"data":{data}}}"#), &contracts);
        format!("{symbol}: {}", describe_message(message).join(", "))
    };
    ["BTC-USDT-SWAP", "AAPL-USDT-SWAP", "OPENAI-USDT-SWAP", "MUU-USDT-SWAP"].map(told).to_vec()
}
