#![no_main]

use market_stress::ingest::kraken::{parse_executions, parse_funding, parse_tickers};
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    rows(parse_executions(body, &visit()));
    rows(parse_tickers(body, &[btc()], visit().now));
    rows(parse_funding(body, &btc(), &visit()));
});
