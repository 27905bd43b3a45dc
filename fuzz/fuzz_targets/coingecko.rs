#![no_main]

use market_stress::ingest::coingecko::{parse_global, parse_markets};
use market_stress_fuzz::rows;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    rows(parse_global(body));
    rows(parse_markets(body));
});
