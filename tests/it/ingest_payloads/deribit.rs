use market_stress::domain::{Asset, Metric};
use market_stress::ingest::deribit;

use super::{Case, describe, describe_message, settlements, visit};

/// Files that hold nothing this service reads, by prefix.
pub(super) const NOT_READ: &[&str] = &[
    "deribit/get_historical_volatility",
    "deribit/get_instruments_option",
    "deribit/get_last_settlements",
    "deribit/get_trade_volumes",
    "deribit/ticker_",
    "deribit/ws_ticker_",
    "deribit/ws_volatility_index",
];

/// Every other file.
pub(super) const CASES: &[Case] = &[
    (
        "deribit/book_summary_btc_full_2026-08-01.json",
        chain,
        &["puts 112401.6 calls 210419.0 ratio 0.5342", "futures 1426789290 USD"],
    ),
    ("deribit/error_invalid_params.json", futures, &["refused by the upstream: -32602"]),
    ("deribit/error_rate.json", futures, &["refused by the upstream: 10028"]),
    (
        "deribit/get_book_summary_documented.json",
        options,
        &[
            "option_open_interest.eth.22FEB19-140-P@deribit 2026-11-22T00:00:00Z 0.55",
            "option_volume.eth.22FEB19-140-P@deribit 2026-11-22T00:00:00Z 0.55",
            "option_forward.eth.22FEB19@deribit 2026-11-22T00:00:00Z 121.38",
        ],
    ),
    ("deribit/get_book_summary_future.json", first_future, &["15846850 USD"]),
    (
        "deribit/get_book_summary_perpetual.json",
        futures,
        &[
            "open_interest.btc@deribit 2026-09-20T21:17:16.574Z 787799210",
            "open_interest.btc.inverse@deribit 2026-09-20T21:17:16.574Z 787799210",
            "open_interest_native.btc@deribit 2026-09-20T21:17:16.574Z 9746.185832906314",
        ],
    ),
    ("deribit/get_funding_rate_history.json", funding, &["24 rows, first 2026-09-19T22:00:00Z 0.00002517506579644087 every 1 h"]),
    (
        "deribit/get_funding_rate_history_documented.json",
        funding,
        &["4 rows, first 2019-10-01T01:00:00Z -0.0000004739622041017375 every 1 h"],
    ),
    ("deribit/get_volatility_index_data.json", dvol, &["15 rows, first 2026-09-13T12:00:00Z 38.89"]),
    ("deribit/get_volatility_index_data_documented.json", dvol, &["3 rows, first 2020-08-21T14:15:00Z 0.212860821"]),
    // No trade is flagged, and each answer says that there are more.
    ("deribit/get_last_trades_by_currency_option.json", trades, CUT),
    ("deribit/get_last_trades_by_instrument.json", trades, CUT),
    ("deribit/get_last_trades_documented.json", trades, CUT),
    ("deribit/ws_test_request.json", message, &[r#"reply: {"jsonrpc":"2.0","id":3,"method":"public/test","params":{}}"#]),
    ("deribit/ws_trades_liquidation_maker.json", message, &["btc long 2020-03-13T00:07:47.675Z 0.560727 2500.00"]),
    ("deribit/ws_trades_liquidation_taker.json", message, &["btc long 2020-03-13T00:07:24.032Z 0.250587 1120.00"]),
];

fn futures(body: &[u8]) -> Vec<String> {
    describe(deribit::parse_futures(body, &Asset::btc(), visit().now))
}

fn options(body: &[u8]) -> Vec<String> {
    describe(deribit::parse_options(body, &"eth".parse().unwrap(), visit().now))
}

/// The first future of an answer alone.
fn first_future(body: &[u8]) -> Vec<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    let first = serde_json::json!({"result": [answer["result"][0]]}).to_string();
    let parsed = deribit::parse_futures(first.as_bytes(), &Asset::btc(), visit().now).unwrap();
    let usd = parsed.batch.readings[&"open_interest.btc@deribit".parse().unwrap()][0].value;
    vec![format!("{usd} USD")]
}

/// The recorded snapshot keeps both lists without their envelopes and without mark prices of futures.
fn chain(body: &[u8]) -> Vec<String> {
    let file: serde_json::Value = serde_json::from_slice(body).unwrap();
    let options = serde_json::json!({"result": file["options"]}).to_string();
    let parsed = deribit::parse_options(options.as_bytes(), &Asset::btc(), visit().now).unwrap();
    assert!(parsed.refused.is_empty(), "{:?}", parsed.refused);
    let size = |kind: &str| {
        let of_kind = parsed.batch.readings.iter().filter(|(key, _)| {
            key.metric == Metric::OptionOpenInterest && key.part.as_deref().is_some_and(|part| part.ends_with(kind))
        });
        of_kind.map(|(_, rows)| rows[0].value).sum::<f64>()
    };
    let (puts, calls) = (size("-P"), size("-C"));
    let mut futures = file["futures"].as_array().unwrap().clone();
    for future in &mut futures {
        future["mark_price"] = future["bid_price"].clone();
    }
    let futures = serde_json::json!({"result": futures}).to_string();
    let parsed = deribit::parse_futures(futures.as_bytes(), &Asset::btc(), visit().now).unwrap();
    let usd = parsed.batch.readings[&"open_interest.btc@deribit".parse().unwrap()][0].value;
    vec![format!("puts {puts:.1} calls {calls:.1} ratio {:.4}", puts / calls), format!("futures {usd} USD")]
}

fn funding(body: &[u8]) -> Vec<String> {
    settlements("deribit", deribit::parse_funding(body, &Asset::btc(), &visit()))
}

fn dvol(body: &[u8]) -> Vec<String> {
    let key = "implied_vol.btc@deribit:1h".parse().unwrap();
    let parsed = deribit::parse_dvol(body, &key, &visit()).unwrap();
    let rows = &parsed.batch.readings[&key];
    vec![format!("{} rows, first {} {}", rows.len(), rows[0].observed_at, rows[0].value)]
}

const CUT: &[&str] = &["the answer is cut"];

fn trades(body: &[u8]) -> Vec<String> {
    describe(deribit::parse_trades(body, &visit()))
}

fn message(body: &[u8]) -> Vec<String> {
    describe_message(deribit::parse_message(std::str::from_utf8(body).unwrap()))
}
