use market_stress::domain::Asset;
use market_stress::ingest::binance::{self, Listing, Margin};

use super::{Case, describe, describe_message, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &[
    "binance/basis",
    "binance/depth_",
    "binance/funding_info",
    "binance/global_long_short_account_ratio",
    "binance/markprice_update",
    "binance/open_interest.json",
    "binance/premium_index",
    "binance/taker_long_short_ratio",
    "binance/top_long_short_position_ratio",
    "binance/trading_schedule",
    "binance/ws_mark_price",
];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    // Fifty units of each at a price of 860; gold is passed over.
    (
        "binance/exchange_info_usdm_2026-10-07.json",
        contracts,
        &[
            "BTCUSDT: btc long 2026-02-03T19:00:00Z 50.000000 43000.00",
            "XAUUSDT: ",
            "币安人生USDT: other long 2026-02-03T19:00:00Z 50.000000 43000.00",
            "OMGUSDT: omg long 2026-02-03T19:00:00Z 50.000000 43000.00",
            "BTCUSDT_261225: btc long 2026-02-03T19:00:00Z 50.000000 43000.00",
        ],
    ),
    (
        "binance/exchange_info_coinm_bnb.json",
        contracts,
        &[
            "BTCUSD_PERP: btc long 2026-02-03T19:00:00Z 5.813953 5000.00",
            "BNBUSD_PERP: bnb long 2026-02-03T19:00:00Z 0.581395 500.00",
            "BTCUSD_261225: btc long 2026-02-03T19:00:00Z 5.813953 5000.00",
        ],
    ),
    (
        "binance/funding_rate.json",
        funding,
        &[
            "funding_rate.btc@binance 2019-10-09T08:00:00Z -0.0375",
            "funding_rate.btc@binance 2019-10-09T16:00:00Z 0.0001",
            "funding_interval.btc@binance 2019-10-09T08:00:00Z 8",
            "funding_interval.btc@binance 2019-10-09T16:00:00Z 8",
        ],
    ),
    (
        "binance/open_interest_hist.json",
        open_interest,
        &[
            "open_interest.btc@binance 2022-01-14T17:05:00Z 3248828883.7125144",
            "open_interest_native.btc@binance 2022-01-14T17:05:00Z 75375.617",
        ],
    ),
    (
        "binance/open_interest_hist_2026.json",
        open_interest,
        &[
            "open_interest.btc@binance 2026-07-06T03:00:00Z 6653666199.09",
            "open_interest_native.btc@binance 2026-07-06T03:00:00Z 104882.705",
        ],
    ),
    (
        "binance/open_interest_hist_coinm.json",
        coin_open_interest,
        &[
            "open_interest.btc@binance-coin 2026-10-12T20:00:00Z 1306940100",
            "open_interest.btc.inverse@binance-coin 2026-10-12T20:00:00Z 1306940100",
            "open_interest_native.btc@binance-coin 2026-10-12T20:00:00Z 15796.96988405",
        ],
    ),
    (
        "binance/open_interest_hist_documented.json",
        open_interest,
        &[
            "open_interest.btc@binance 2020-03-02T05:45:00Z 176196512.12345678",
            "open_interest_native.btc@binance 2020-03-02T05:45:00Z 20403.12345678",
        ],
    ),
    ("binance/error_invalid_symbol.json", klines, &["refused by the upstream: -1121"]),
    ("binance/error_rate_limit.json", klines, &["refused by the upstream: -1003"]),
    ("binance/forceorder_coinm_2026_st2.json", force_order, &["btc long 2020-07-13T06:49:14.021Z 0.032076 300.00"]),
    ("binance/forceorder_coinm_sell.json", force_order, &["btc long 2020-07-13T06:49:14.021Z 0.032076 300.00"]),
    ("binance/forceorder_usdm_2026_st_ps.json", force_order, &["btc long 2019-09-09T07:34:20.893Z 0.014000 138.74"]),
    ("binance/forceorder_usdm_buy.json", force_order, &["btc short 2020-03-13T00:23:51.421Z 0.014000 65.88"]),
    ("binance/forceorder_usdm_buy_2023.json", force_order, &["btc short 2023-11-01T20:42:03.059Z 1.437000 50237.09"]),
    ("binance/forceorder_usdm_sell_1.json", force_order, &["btc long 2022-04-25T14:52:09.196Z 0.288000 11238.05"]),
    ("binance/forceorder_usdm_sell_2.json", force_order, &["btc long 2022-04-25T14:52:16.320Z 0.004000 155.95"]),
    ("binance/klines_1m.json", klines, &["candle.btc@binance-perp:1m 2020-06-06T21:22:00Z 0.025"]),
    (
        "binance/klines_1m_2026-10-07.json",
        klines,
        &["candle.btc@binance-perp:1m 2026-10-07T14:33:00Z 83070.8", "candle.btc@binance-perp:1m 2026-10-07T14:34:00Z 83139.9"],
    ),
    ("binance/ws_error.json", force_order, &["refused: Invalid request: missing field `method` at line 1 column 26"]),
    ("binance/ws_subscribe_ack.json", force_order, &["control"]),
];

fn funding(body: &[u8]) -> Vec<String> {
    describe(binance::parse_funding(body, Margin::Usd, &Asset::btc(), &visit()))
}

fn open_interest(body: &[u8]) -> Vec<String> {
    describe(binance::parse_open_interest(body, &Asset::btc(), &visit()))
}

fn coin_open_interest(body: &[u8]) -> Vec<String> {
    describe(binance::parse_coin_open_interest(body, &Asset::btc(), &visit()))
}

fn klines(body: &[u8]) -> Vec<String> {
    let series = "candle.btc@binance-perp:1m".parse().unwrap();
    describe(binance::parse_klines(body, "BTCUSDT", &series, &visit()))
}

fn force_order(body: &[u8]) -> Vec<String> {
    describe_message(binance::parse_message(std::str::from_utf8(body).unwrap(), &Listing::default()))
}

fn contracts(body: &[u8]) -> Vec<String> {
    let listing = binance::parse_listing(body).unwrap();
    let told = |symbol: &str| {
        let order = format!(r#"{{"s":"{symbol}","S":"SELL","p":"860","ap":"860","z":"50","T":1770145200000}}"#);
        let message = binance::parse_message(&format!(r#"{{"e":"forceOrder","o":{order}}}"#), &listing);
        format!("{symbol}: {}", describe_message(message).join(", "))
    };
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    answer["symbols"].as_array().unwrap().iter().map(|listed| told(listed["symbol"].as_str().unwrap())).collect()
}
