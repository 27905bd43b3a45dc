use market_stress::domain::Asset;
use market_stress::ingest::bybit;

use super::{Case, describe, describe_message, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &[
    "bybit/account_ratio",
    "bybit/insurance",
    "bybit/orderbook",
    "bybit/tickers_",
    "bybit/ws_liquidation_old_v5",
    "bybit/ws_tickers_",
];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    ("bybit/error_params.json", funding, &["refused by the upstream: 10001"]),
    ("bybit/error_rate.json", funding, &["refused by the upstream: 10006"]),
    ("bybit/funding_history.json", funding, &["funding_rate.eth@bybit 2022-12-26T08:00:00Z 0.0001"]),
    // An inverse contract, whose rows have the same shape; the newest candle is followed by none.
    (
        "bybit/kline_1h.json",
        klines,
        &[
            "candle.btc@bybit:1h 2022-12-09T18:00:00Z 17055.5",
            "candle.btc@bybit:1h 2022-12-09T17:00:00Z 17071",
            "candle.btc@bybit:1h 2022-12-09T16:00:00Z 17071.5",
        ],
    ),
    // A unit of each contract at a price of 2; contracts on stocks and metals are not listed.
    (
        "bybit/instruments_multiples.json",
        multiples,
        &[
            "1000000MOGUSDT: mog long 2026-02-03T19:00:00Z 1000000.000000 2.00",
            "10000SATSUSDT: sats long 2026-02-03T19:00:00Z 10000.000000 2.00",
            "1000PEPEUSDT: pepe long 2026-02-03T19:00:00Z 1000.000000 2.00",
            "1000XUSDT: x long 2026-02-03T19:00:00Z 1000.000000 2.00",
            "1INCHUSDT: 1inch long 2026-02-03T19:00:00Z 1.000000 2.00",
            "BTCUSDT: btc long 2026-02-03T19:00:00Z 1.000000 2.00",
            "SHIB1000USDT: shib long 2026-02-03T19:00:00Z 1000.000000 2.00",
        ],
    ),
    (
        "bybit/open_interest_history.json",
        open_interest,
        &[
            "open_interest_native.btc@bybit 2026-06-09T00:00:00Z 31955346",
            "open_interest_native.btc@bybit 2026-06-08T00:00:00Z 31955346",
            "open_interest_native.btc@bybit 2026-06-07T00:00:00Z 31955346",
            "open_interest_native.btc@bybit 2026-06-06T00:00:00Z 31971156",
            "open_interest_native.btc@bybit 2026-06-05T00:00:00Z 31971156",
        ],
    ),
    ("bybit/ws_allliquidation_documented.json", message, &["rose short 2025-02-14T03:05:02.929Z 20000.000000 899.80"]),
    (
        "bybit/ws_allliquidation_multi.json",
        message,
        &["rose short 2025-02-14T03:05:02.929Z 20000.000000 899.80", "rose long 2025-02-14T03:05:03.010Z 1500.000000 66.47"],
    ),
    ("bybit/ws_allliquidation_sell.json", message, &["pippin short 2025-02-25T10:43:27.110Z 2846.000000 69.90"]),
    ("bybit/ws_sub_ack.json", message, &["control"]),
    ("bybit/ws_sub_failure.json", message, &["refused: Invalid topic: invalid.topic.BTCUSDT"]),
];

fn klines(body: &[u8]) -> Vec<String> {
    describe(bybit::parse_klines(body, &"candle.btc@bybit:1h".parse().unwrap(), &visit()))
}

fn open_interest(body: &[u8]) -> Vec<String> {
    describe(bybit::parse_open_interest(body, &Asset::btc(), &visit()))
}

fn funding(body: &[u8]) -> Vec<String> {
    describe(bybit::parse_funding(body, &"eth".parse().unwrap(), &visit()))
}

fn message(body: &[u8]) -> Vec<String> {
    describe_message(bybit::parse_message(std::str::from_utf8(body).unwrap(), &bybit::Contracts::default()))
}

fn multiples(body: &[u8]) -> Vec<String> {
    let contracts = bybit::parse_instruments(body).unwrap().contracts;
    let told = |symbol: &str| {
        let row = format!(r#"{{"T":1770145200000,"s":"{symbol}","S":"Buy","v":"1","p":"2"}}"#);
        let message = bybit::parse_message(&format!(r#"{{"topic":"allLiquidation.{symbol}","data":[{row}]}}"#), &contracts);
        format!("{symbol}: {}", describe_message(message).join(", "))
    };
    contracts.symbols().map(told).collect()
}
