#![no_main]

use market_stress::ingest::coingecko::{parse_global, parse_market_cap_chart, parse_market_chart, parse_markets};
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    rows(parse_global(body));
    rows(parse_markets(body));
    rows(parse_market_chart(body, &btc(), &visit()));
    rows(parse_market_cap_chart(body, &visit()));
});
