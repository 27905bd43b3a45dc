#![no_main]

use market_stress::ingest::hyperliquid::{parse_contexts, parse_funding};
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    rows(parse_contexts(body, &[btc()], visit().now));
    rows(parse_funding(body, &btc(), &visit()));
});
