#![no_main]

use market_stress::ingest::hyperliquid::{parse_candles, parse_contexts, parse_funding};
use market_stress_fuzz::{btc, rows, series, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    rows(parse_candles(body, &series("candle.btc@hyperliquid:1h"), &visit()));
    rows(parse_contexts(body, &[btc()], visit().now));
    rows(parse_funding(body, &btc(), &visit()));
});
