//! The recorded and documented payloads beside the project, parsed to what their index says.
//!
//! They are read in place and are no part of the project; without them the test says so.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use market_stress::domain::{Asset, Metric, Timestamp};
use market_stress::ingest::{
    Message, ParseError, Parsed, Visit, alternative_me, binance, bybit, coingecko, coinglass, defillama, deribit, farside, fred,
    hyperliquid, kraken, okx, sosovalue, yahoo,
};

/// One payload and what must come of it.
type Case = (&'static str, fn(&[u8]) -> Vec<String>, &'static [&'static str]);

/// Files that hold nothing this service reads, by prefix.
const NOT_READ: &[&str] = &[
    "binance/funding_info",
    "binance/global_long_short_account_ratio",
    "binance/markprice_update",
    "binance/open_interest.json",
    "binance/premium_index",
    "bybit/account_ratio",
    "bybit/insurance",
    "bybit/kline",
    "bybit/open_interest_history",
    "bybit/tickers_",
    "bybit/ws_liquidation_old_v5",
    "bybit/ws_tickers_",
    "coingecko/derivatives",
    "coingecko/market_chart",
    "coingecko/ohlc",
    "coingecko/pro_",
    "coinglass/liquidation_coin_list",
    "coinglass/liquidation_exchange_list",
    "coinglass/liquidation_order",
    "coinglass/liquidation_pair_history",
    "coinglass/open_interest_exchange_list",
    "defillama/etfs_",
    "defillama/historical_chain_tvl",
    "deribit/get_historical_volatility",
    "deribit/get_instruments_option",
    "deribit/get_last_settlements",
    "deribit/get_last_trades_",
    "deribit/get_trade_volumes",
    "deribit/ticker_",
    "deribit/ws_ticker_",
    "deribit/ws_volatility_index",
    "farside/btc_normalised",
    "farside/btc_row_fill",
    "farside/eth_normalised",
    "farside/sol_normalised",
    "fred/fredgraph_csv",
    "fred/series_metadata",
    "hyperliquid/candle_snapshot",
    "hyperliquid/meta_and_asset_ctxs_dex_para",
    "hyperliquid/perps_at_open_interest_cap",
    "hyperliquid/predicted_fundings",
    "hyperliquid/ws_",
    "okx/candles",
    "okx/funding_rate.json",
    "okx/instruments_swap",
    "okx/rest_liquidation_orders_tardis_2021",
    "okx/rubik_",
    "okx/ws_funding_rate_",
    "okx/ws_open_interest",
    "yahoo/error_429",
];

const CASES: &[Case] = &[
    (
        "alternative_me/fng.json",
        fear_greed,
        &["fear_greed.total@alternative_me 2026-04-27T00:00:00Z 47", "fear_greed.total@alternative_me 2026-04-26T00:00:00Z 33"],
    ),
    ("alternative_me/fng_latest.json", fear_greed, &["fear_greed.total@alternative_me 2019-02-26T00:00:00Z 40"]),
    (
        "binance/funding_rate.json",
        binance_funding,
        &[
            "funding_rate.btc@binance 2019-10-09T08:00:00Z -0.0375",
            "funding_rate.btc@binance 2019-10-09T16:00:00Z 0.0001",
            "funding_interval.btc@binance 2019-10-09T08:00:00Z 8",
            "funding_interval.btc@binance 2019-10-09T16:00:00Z 8",
        ],
    ),
    (
        "binance/open_interest_hist.json",
        binance_open_interest,
        &[
            "open_interest.btc@binance 2022-01-14T17:05:00Z 3248828883.7125144",
            "open_interest_native.btc@binance 2022-01-14T17:05:00Z 75375.617",
        ],
    ),
    (
        "binance/open_interest_hist_2026.json",
        binance_open_interest,
        &[
            "open_interest.btc@binance 2026-07-06T03:00:00Z 6653666199.09",
            "open_interest_native.btc@binance 2026-07-06T03:00:00Z 104882.705",
        ],
    ),
    ("binance/open_interest_hist_coinm.json", binance_open_interest, &["refused row: missing field `symbol`"]),
    (
        "binance/open_interest_hist_documented.json",
        binance_open_interest,
        &[
            "open_interest.btc@binance 2020-03-02T05:45:00Z 176196512.12345678",
            "open_interest_native.btc@binance 2020-03-02T05:45:00Z 20403.12345678",
        ],
    ),
    (
        "defillama/stablecoincharts_all.json",
        stablecoins,
        &["stablecoin_supply.total@defillama:1d 2021-01-01T00:00:00Z 45012000000"],
    ),
    ("hyperliquid/funding_history_btc.json", hyperliquid_funding, &["3 rows, first 2026-10-08T15:00:00Z 0.0000125 every 1 h"]),
    (
        "hyperliquid/funding_history_btc_2023_8h.json",
        hyperliquid_funding,
        &["12 rows, first 2023-05-12T00:00:00Z -0.00061334 every 8 h"],
    ),
    (
        "hyperliquid/meta_and_asset_ctxs.json",
        hyperliquid_contexts,
        &[
            "open_interest.btc@hyperliquid 2026-11-22T00:00:00Z 3491734615.7584004",
            "open_interest_native.btc@hyperliquid 2026-11-22T00:00:00Z 40762.72024",
        ],
    ),
    ("kraken_futures/historical_funding_rates.json", kraken_funding, &["3 rows, first 2025-07-10T16:00:00Z 0.00015 every 8 h"]),
    ("kraken_futures/public_executions.json", kraken_executions, &[]),
    (
        "kraken_futures/tickers.json",
        kraken_tickers,
        &[
            "open_interest.btc@kraken-futures 2026-11-22T00:00:00Z 21279580",
            "open_interest_native.btc@kraken-futures 2026-11-22T00:00:00Z 232.5469394687703",
        ],
    ),
    (
        "kraken_futures/tickers_2026_documented.json",
        kraken_tickers,
        &[
            "open_interest.btc@kraken-futures 2026-11-22T00:00:00Z 5177736",
            "open_interest_native.btc@kraken-futures 2026-11-22T00:00:00Z 80.23141295279949",
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
    ("binance/ws_error.json", force_order, &["refused: Invalid request: missing field `method` at line 1 column 26"]),
    ("binance/ws_subscribe_ack.json", force_order, &["control"]),
    ("bybit/error_params.json", bybit_funding, &["refused by the upstream: 10001"]),
    ("bybit/error_rate.json", bybit_funding, &["refused by the upstream: 10006"]),
    ("bybit/funding_history.json", bybit_funding, &["funding_rate.eth@bybit 2022-12-26T08:00:00Z 0.0001"]),
    ("bybit/ws_allliquidation_documented.json", bybit_message, &["rose short 2025-02-14T03:05:02.929Z 20000.000000 899.80"]),
    (
        "bybit/ws_allliquidation_multi.json",
        bybit_message,
        &["rose short 2025-02-14T03:05:02.929Z 20000.000000 899.80", "rose long 2025-02-14T03:05:03.010Z 1500.000000 66.47"],
    ),
    ("bybit/ws_allliquidation_sell.json", bybit_message, &["pippin short 2025-02-25T10:43:27.110Z 2846.000000 69.90"]),
    ("bybit/ws_sub_ack.json", bybit_message, &["control"]),
    ("bybit/ws_sub_failure.json", bybit_message, &["refused: Invalid topic: invalid.topic.BTCUSDT"]),
    (
        "coingecko/coins_markets.json",
        coins,
        &[
            "price.btc@coingecko 2026-05-18T12:49:21.599Z 77671",
            "market_cap.btc@coingecko 2026-05-18T12:49:21.599Z 1555886872303",
            "volume_24h.btc@coingecko 2026-05-18T12:49:21.599Z 33235034316",
        ],
    ),
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
    ("okx/error.json", okx_open_interest, &["refused by the upstream: 51001"]),
    ("okx/error_rate.json", okx_open_interest, &["refused by the upstream: 50011"]),
    (
        "okx/funding_rate_history.json",
        okx_funding,
        &[
            "funding_rate.btc@okx 2023-12-20T00:00:00Z 0.0002279755647389",
            "funding_rate.btc@okx 2023-12-20T08:00:00Z 0.0000746572360545",
            "funding_interval.btc@okx 2023-12-20T00:00:00Z 8",
            "funding_interval.btc@okx 2023-12-20T08:00:00Z 8",
        ],
    ),
    ("okx/open_interest.json", okx_open_interest, &["refused row: missing field `oiUsd`"]),
    (
        "okx/open_interest_documented.json",
        okx_open_interest,
        &["open_interest.btc@okx 2020-08-10T02:26:23.085Z 50000", "open_interest_native.btc@okx 2020-08-10T02:26:23.085Z 555.55"],
    ),
    ("okx/ws_liquidation_orders_futures.json", okx_message, &["xrp short 2023-03-30T10:47:27.614Z 706.457748 390.00"]),
    (
        "okx/ws_liquidation_orders_multi.json",
        okx_message,
        &["btc long 2026-08-04T19:13:59.964Z 1.200000 76814.76", "btc short 2026-08-04T19:13:58.001Z 0.035000 2240.70"],
    ),
    ("okx/ws_liquidation_orders_swap_documented.json", okx_message, &["refused row: the size of its contract is not known"]),
    (
        "okx/ws_notice.json",
        okx_message,
        &["refused: The connection will soon be closed for a service upgrade. Please reconnect."],
    ),
    (
        "okx/ws_subscribe_error.json",
        okx_message,
        &[r#"refused: Invalid request: {"op": "subscribe", "argss":[{ "channel" : "tickers", "instId" : "LTC-USD-200327"}]}"#],
    ),
    ("coinglass/error_key.json", coinglass_liquidations, &["refused by the upstream: 401"]),
    ("coinglass/error_rate.json", coinglass_liquidations, &["refused by the upstream: 429"]),
    ("coinglass/error_upgrade_plan.json", coinglass_liquidations, &["refused by the upstream: 401"]),
    (
        "coinglass/etf_bitcoin_flow_history.json",
        coinglass_flows,
        &[
            "etf_flow.btc.FBTC@coinglass 2024-01-11T00:00:00Z 227000000",
            "etf_flow.btc.GBTC@coinglass 2024-01-11T00:00:00Z -95100000",
            "etf_flow.btc.IBIT@coinglass 2024-01-11T00:00:00Z 111700000",
        ],
    ),
    (
        "coinglass/etf_ethereum_flow_history.json",
        coinglass_flows,
        &[
            "etf_flow.btc.ETHA@coinglass 2024-07-23T00:00:00Z 266500000",
            "etf_flow.btc.FETH@coinglass 2024-07-23T00:00:00Z 71300000",
        ],
    ),
    (
        "coinglass/etf_solana_flow_history.json",
        coinglass_flows,
        &[
            "etf_flow.btc.BSOL@coinglass 2025-11-07T00:00:00Z 11700000",
            "etf_flow.btc.GSOL@coinglass 2025-11-07T00:00:00Z 1000000",
        ],
    ),
    (
        "coinglass/funding_oi_weight_history.json",
        coinglass_funding,
        &["funding_rate.btc@coinglass 2022-07-27T04:00:00Z 0.00009229", "funding_rate.btc@coinglass 2022-07-28T04:00:00Z 0.0001"],
    ),
    (
        "coinglass/liquidation_aggregated_history.json",
        coinglass_liquidations,
        &[
            "liquidation.btc.long@coinglass:4h 2022-07-28T00:00:00Z 5916885.14234",
            "liquidation.btc.long@coinglass:4h 2022-07-29T00:00:00Z 5345708.23191",
            "liquidation.btc.short@coinglass:4h 2022-07-28T00:00:00Z 12969583.87632",
            "liquidation.btc.short@coinglass:4h 2022-07-29T00:00:00Z 6454875.54909",
        ],
    ),
    // The documented instants lie in the year 2053: not over yet, so no rows.
    ("coinglass/open_interest_aggregated_history.json", coinglass_open_interest, &[]),
    ("fred/error_bad_key.json", fred_closes, &["refused by the upstream: 400"]),
    ("fred/error_bad_series.json", fred_closes, &["refused by the upstream: 400"]),
    ("fred/error_rate.json", fred_closes, &["refused by the upstream: 429"]),
    ("fred/series_observations_dhhngsp.json", fred_summary, &["7 rows of 8, first price.sp500@fred 2024-07-01T00:00:00Z 2.21"]),
    (
        "fred/series_observations_sp500.json",
        fred_summary,
        &["14 rows of 16, first price.sp500@fred 2014-06-27T00:00:00Z 1960.96"],
    ),
    (
        "sosovalue/v1_summary_history.json",
        soso,
        &[
            "etf_flow.btc@sosovalue 2026-05-18T00:00:00Z -648640566.63",
            "etf_assets.btc@sosovalue 2026-05-18T00:00:00Z 100485432785.17",
        ],
    ),
    (
        "sosovalue/v2_historical_inflow_chart.json",
        soso,
        &[
            "etf_flow.btc@sosovalue 2024-04-12T00:00:00Z -55066297",
            "etf_flow.btc@sosovalue 2024-04-11T00:00:00Z 91269283",
            "etf_assets.btc@sosovalue 2024-04-12T00:00:00Z 56215535367",
            "etf_assets.btc@sosovalue 2024-04-11T00:00:00Z 59225065270",
        ],
    ),
    (
        "yahoo/chart_gc_meta_2026-08-18.json",
        yahoo_closes,
        &["2026-08-11 4383 2026-08-12 4408.9 2026-08-13 4363.6 2026-08-14 4380.4 2026-08-17 4417.8 2026-08-18 4447.5"],
    ),
    (
        "yahoo/chart_gspc_1d.json",
        yahoo_closes,
        &["2023-01-03 3824.14 2023-01-04 3852.97 2023-01-05 3808.1 2023-01-06 3895.08 2023-01-09 3892.09 2023-01-10 3919.25 \
         2023-01-11 3969.61 2023-01-12 3983.17 2023-01-13 3999.09 2023-01-17 3990.97 2024-06-25 5469.3 2024-06-26 5477.9 \
         2024-06-27 5482.87 2024-06-28 5460.48"],
    ),
    ("yahoo/chart_null_bar.json", yahoo_null_bar, &["2026-09-18 4382 2026-09-18 4424.9"]),
    ("yahoo/error_not_found.json", yahoo_closes, &["refused by the upstream: Not Found"]),
    (
        "deribit/book_summary_btc_full_2026-08-01.json",
        deribit_chain,
        &["puts 112401.6 calls 210419.0 ratio 0.5342", "futures 1426789290 USD"],
    ),
    ("deribit/error_invalid_params.json", deribit_futures, &["refused by the upstream: -32602"]),
    ("deribit/error_rate.json", deribit_futures, &["refused by the upstream: 10028"]),
    (
        "deribit/get_book_summary_documented.json",
        deribit_options,
        &[
            "option_open_interest.eth.22FEB19-140-P@deribit 2026-11-22T00:00:00Z 0.55",
            "option_volume.eth.22FEB19-140-P@deribit 2026-11-22T00:00:00Z 0.55",
            "option_forward.eth.22FEB19@deribit 2026-11-22T00:00:00Z 121.38",
        ],
    ),
    ("deribit/get_book_summary_future.json", deribit_first_future, &["15846850 USD"]),
    (
        "deribit/get_book_summary_perpetual.json",
        deribit_futures,
        &[
            "open_interest.btc@deribit 2026-09-20T21:17:16.574Z 787799210",
            "open_interest_native.btc@deribit 2026-09-20T21:17:16.574Z 9746.185832906314",
        ],
    ),
    (
        "deribit/get_funding_rate_history.json",
        deribit_funding,
        &["24 rows, first 2026-09-19T22:00:00Z 0.00002517506579644087 every 1 h"],
    ),
    (
        "deribit/get_funding_rate_history_documented.json",
        deribit_funding,
        &["4 rows, first 2019-10-01T01:00:00Z -0.0000004739622041017375 every 1 h"],
    ),
    ("deribit/get_volatility_index_data.json", deribit_dvol, &["15 rows, first 2026-09-13T12:00:00Z 38.89"]),
    ("deribit/get_volatility_index_data_documented.json", deribit_dvol, &["3 rows, first 2020-08-21T14:15:00Z 0.212860821"]),
    ("deribit/ws_test_request.json", deribit_message, &[r#"reply: {"jsonrpc":"2.0","id":3,"method":"public/test","params":{}}"#]),
    ("deribit/ws_trades_liquidation_maker.json", deribit_message, &["btc long 2020-03-13T00:07:47.675Z 0.560727 2500.00"]),
    ("deribit/ws_trades_liquidation_taker.json", deribit_message, &["btc long 2020-03-13T00:07:24.032Z 0.250587 1120.00"]),
    ("farside/cell_grammar.csv", cell_grammar, &["every cell as stated"]),
    (
        "farside/btc_table_2026-07.html",
        etf_page,
        &[
            "first 2026-07-06",
            "last 2026-07-22",
            "2026-07-06 GBTC -44500000",
            "2026-07-06 sum 265700000",
            "2026-07-22 sum 69100000",
            "funds IBIT FBTC BITB ARKB BTCO EZBC BRRR HODL BTCW MSBT GBTC BTC",
        ],
    ),
];

fn visit() -> Visit {
    Visit { seen_until: None, now: "2026-11-22T00:00:00Z".parse().unwrap() }
}

fn describe(parsed: Result<Parsed, ParseError>) -> Vec<String> {
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(ParseError::Upstream { code, .. }) => return vec![format!("refused by the upstream: {code}")],
        Err(error) => return vec![error.to_string()],
    };
    let refused = parsed.refused.iter().map(|refusal| format!("refused row: {}", refusal.reason));
    let readings = parsed
        .batch
        .readings
        .iter()
        .flat_map(|(key, rows)| rows.iter().map(move |row| format!("{key} {} {}", row.observed_at, row.value)));
    let candles = parsed
        .batch
        .candles
        .iter()
        .flat_map(|(key, rows)| rows.iter().map(move |row| format!("{key} {} {}", row.observed_at, row.value.close)));
    let orders = parsed.batch.orders.iter().map(|order| {
        format!("{} {} {} {:.6} {:.2}", order.asset, order.side.as_str(), order.occurred_at, order.quantity, order.usd)
    });
    readings.chain(candles).chain(orders).chain(refused).collect()
}

fn describe_message(message: Result<Message, ParseError>) -> Vec<String> {
    match message {
        Ok(Message::Rows(parsed)) => describe(Ok(parsed)),
        Ok(Message::Control) => vec!["control".to_owned()],
        Ok(Message::Reply(text)) => vec![format!("reply: {text}")],
        Ok(Message::Refused(reason)) => vec![format!("refused: {reason}")],
        Err(error) => describe(Err(error)),
    }
}

fn fear_greed(body: &[u8]) -> Vec<String> {
    describe(alternative_me::parse_index(body, &visit()))
}

fn stablecoins(body: &[u8]) -> Vec<String> {
    describe(defillama::parse_supply(body, &visit()))
}

fn binance_funding(body: &[u8]) -> Vec<String> {
    describe(binance::parse_funding(body, &Asset::btc(), &visit()))
}

fn binance_open_interest(body: &[u8]) -> Vec<String> {
    describe(binance::parse_open_interest(body, &Asset::btc(), &visit()))
}

fn hyperliquid_contexts(body: &[u8]) -> Vec<String> {
    describe(hyperliquid::parse_contexts(body, &[Asset::btc(), "hpos".parse().unwrap()], visit().now))
}

fn kraken_executions(body: &[u8]) -> Vec<String> {
    describe(kraken::parse_executions(body, &visit()))
}

fn kraken_tickers(body: &[u8]) -> Vec<String> {
    describe(kraken::parse_tickers(body, &[Asset::btc()], visit().now))
}

fn coinglass_liquidations(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_liquidations(body, &Asset::btc(), &visit()))
}

fn coinglass_open_interest(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_open_interest(body, &Asset::btc(), &visit()))
}

fn coinglass_funding(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_funding(body, &Asset::btc(), &visit()))
}

fn coinglass_flows(body: &[u8]) -> Vec<String> {
    describe(coinglass::parse_etf_flows(body, &Asset::btc(), &visit()))
}

fn fred_closes(body: &[u8]) -> Vec<String> {
    describe(fred::parse_observations(body, &"sp500".parse().unwrap(), 1, &visit()))
}

fn fred_summary(body: &[u8]) -> Vec<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    let given = answer["observations"].as_array().unwrap().len();
    let rows = fred_closes(body);
    vec![format!("{} rows of {given}, first {}", rows.len(), rows[0])]
}

fn soso(body: &[u8]) -> Vec<String> {
    describe(sosovalue::parse_summary(body, &Asset::btc(), &visit()))
}

fn yahoo_closes(body: &[u8]) -> Vec<String> {
    let parsed = match yahoo::parse_chart(body, &"gold".parse().unwrap(), true, &visit()) {
        Ok(parsed) => parsed,
        error => return describe(error),
    };
    assert!(parsed.refused.is_empty());
    let rows = parsed.batch.candles.values().flatten();
    vec![rows.map(|row| format!("{} {}", row.observed_at.date(), row.value.close)).collect::<Vec<_>>().join(" ")]
}

/// The fixture leaves out the exchange's time zone, without which no day can be told.
fn yahoo_null_bar(body: &[u8]) -> Vec<String> {
    let mut chart: serde_json::Value = serde_json::from_slice(body).unwrap();
    chart["chart"]["result"][0]["meta"]["exchangeTimezoneName"] = "America/New_York".into();
    yahoo_closes(chart.to_string().as_bytes())
}

fn klines(body: &[u8]) -> Vec<String> {
    let series = "candle.btc@binance-perp:1m".parse().unwrap();
    describe(binance::parse_klines(body, "BTCUSDT", &series, &visit()))
}

fn force_order(body: &[u8]) -> Vec<String> {
    describe_message(binance::parse_message(std::str::from_utf8(body).unwrap()))
}

fn bybit_funding(body: &[u8]) -> Vec<String> {
    describe(bybit::parse_funding(body, &"eth".parse().unwrap(), &visit()))
}

fn bybit_message(body: &[u8]) -> Vec<String> {
    describe_message(bybit::parse_message(std::str::from_utf8(body).unwrap()))
}

fn coins(body: &[u8]) -> Vec<String> {
    describe(coingecko::parse_markets(body))
}

fn global(body: &[u8]) -> Vec<String> {
    describe(coingecko::parse_global(body))
}

fn okx_open_interest(body: &[u8]) -> Vec<String> {
    describe(okx::parse_open_interest(body, &[Asset::btc()]))
}

fn okx_funding(body: &[u8]) -> Vec<String> {
    describe(okx::parse_funding(body, &Asset::btc(), &visit()))
}

/// With the contracts of the payload beside it, and the inverse future the index speaks of.
fn okx_message(body: &[u8]) -> Vec<String> {
    let swaps = std::fs::read(folder().join("okx/instruments_swap.json")).unwrap();
    let mut contracts = okx::parse_contracts(&swaps).unwrap();
    let future = br#"{"code":"0","data":[{"instId":"XRP-USD-230929","ctVal":"10","ctMult":"1","ctValCcy":"USD"}]}"#;
    contracts.extend(okx::parse_contracts(future).unwrap());
    describe_message(okx::parse_message(std::str::from_utf8(body).unwrap(), &contracts))
}

fn deribit_futures(body: &[u8]) -> Vec<String> {
    describe(deribit::parse_futures(body, &Asset::btc(), visit().now))
}

fn deribit_options(body: &[u8]) -> Vec<String> {
    describe(deribit::parse_options(body, &"eth".parse().unwrap(), visit().now))
}

/// The first future of an answer alone.
fn deribit_first_future(body: &[u8]) -> Vec<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
    let first = serde_json::json!({"result": [answer["result"][0]]}).to_string();
    let parsed = deribit::parse_futures(first.as_bytes(), &Asset::btc(), visit().now).unwrap();
    let usd = parsed.batch.readings[&"open_interest.btc@deribit".parse().unwrap()][0].value;
    vec![format!("{usd} USD")]
}

/// The recorded snapshot keeps both lists without their envelopes and without mark prices of futures.
fn deribit_chain(body: &[u8]) -> Vec<String> {
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

fn deribit_funding(body: &[u8]) -> Vec<String> {
    settlements("deribit", deribit::parse_funding(body, &Asset::btc(), &visit()))
}

fn hyperliquid_funding(body: &[u8]) -> Vec<String> {
    settlements("hyperliquid", hyperliquid::parse_funding(body, &Asset::btc(), &visit()))
}

fn kraken_funding(body: &[u8]) -> Vec<String> {
    settlements("kraken-futures", kraken::parse_funding(body, &Asset::btc(), &visit()))
}

/// Settlements in one line; their intervals must all be the same.
fn settlements(source: &str, parsed: Result<Parsed, ParseError>) -> Vec<String> {
    let parsed = parsed.unwrap();
    let rates = &parsed.batch.readings[&format!("funding_rate.btc@{source}").parse().unwrap()];
    let hours = &parsed.batch.readings[&format!("funding_interval.btc@{source}").parse().unwrap()];
    assert!(hours.iter().all(|row| row.value.to_bits() == hours[0].value.to_bits()));
    vec![format!("{} rows, first {} {} every {} h", rates.len(), rates[0].observed_at, rates[0].value, hours[0].value)]
}

fn deribit_dvol(body: &[u8]) -> Vec<String> {
    let key = "implied_vol.btc@deribit:1h".parse().unwrap();
    let parsed = deribit::parse_dvol(body, &key, &visit()).unwrap();
    let rows = &parsed.batch.readings[&key];
    vec![format!("{} rows, first {} {}", rows.len(), rows[0].observed_at, rows[0].value)]
}

fn deribit_message(body: &[u8]) -> Vec<String> {
    describe_message(deribit::parse_message(std::str::from_utf8(body).unwrap()))
}

/// Each raw cell of the table put into a page of its own.
fn cell_grammar(body: &[u8]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut reader = csv::Reader::from_reader(body);
    for record in reader.records().map(Result::unwrap) {
        let page = format!("<table><tr><td></td><td>IBIT</td></tr><tr><td>02 Feb 2026</td><td>{}</td></tr></table>", &record[0]);
        let parsed = farside::parse_table(page.as_bytes(), &Asset::btc(), &visit()).unwrap();
        let usd = parsed.batch.readings.values().flatten().next().map(|row| row.value);
        let expected = record[1].parse::<f64>().ok().map(|millions| (millions * 1e6).round());
        if usd.map(f64::to_bits) != expected.map(f64::to_bits) || !parsed.refused.is_empty() {
            wrong.push(format!("{}: {usd:?}", &record[0]));
        }
    }
    if wrong.is_empty() { vec!["every cell as stated".to_owned()] } else { wrong }
}

fn etf_page(body: &[u8]) -> Vec<String> {
    let parsed = farside::parse_table(body, &Asset::btc(), &visit()).unwrap();
    assert!(parsed.refused.is_empty(), "{:?}", parsed.refused);
    let flow = |day: Timestamp, fund: &str| {
        let key = format!("etf_flow.btc.{fund}@farside").parse().unwrap();
        parsed.batch.readings[&key].iter().find(|row| row.observed_at == day).map(|row| row.value)
    };
    let order = ["IBIT", "FBTC", "BITB", "ARKB", "BTCO", "EZBC", "BRRR", "HODL", "BTCW", "MSBT", "GBTC", "BTC"];
    let funds: BTreeSet<_> = parsed.batch.readings.keys().filter_map(|key| key.part.as_deref()).collect();
    assert_eq!(funds, BTreeSet::from(order));
    let days: BTreeSet<_> = parsed.batch.readings.values().flatten().map(|row| row.observed_at).collect();
    let july = |day: &str| format!("2026-07-{day}").parse::<Timestamp>().unwrap();
    let sum = |day| order.iter().filter_map(|fund| flow(day, fund)).sum::<f64>();
    vec![
        format!("first {}", days.first().unwrap().date()),
        format!("last {}", days.last().unwrap().date()),
        format!("2026-07-06 GBTC {}", flow(july("06"), "GBTC").unwrap()),
        format!("2026-07-06 sum {}", sum(july("06"))),
        format!("2026-07-22 sum {}", sum(july("22"))),
        format!("funds {}", order.join(" ")),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/payloads"))
}

#[test]
fn every_payload_parses_to_what_its_index_says() {
    let folder = folder();
    let mut out = std::io::stderr();
    if !folder.is_dir() {
        writeln!(out, "payloads: NOT RUN, there is no ../shared/payloads beside the project").unwrap();
        return;
    }
    let mut wrong = Vec::new();
    for (file, parse, expected) in CASES {
        let given = parse(&std::fs::read(folder.join(file)).unwrap());
        if given != *expected {
            wrong.push(format!("{file}\n  expected {expected:#?}\n  given {given:#?}"));
        }
    }
    let providers: BTreeSet<_> = CASES.iter().filter_map(|(file, ..)| file.split('/').next()).collect();
    for provider in &providers {
        for entry in std::fs::read_dir(folder.join(provider)).unwrap() {
            let file = format!("{provider}/{}", entry.unwrap().file_name().display());
            let known = CASES.iter().any(|(name, ..)| *name == file) || NOT_READ.iter().any(|prefix| file.starts_with(prefix));
            if !known {
                wrong.push(format!("{file} is neither parsed nor listed as not read"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    writeln!(out, "payloads: RAN, {} files of {providers:?}", CASES.len()).unwrap();
}
