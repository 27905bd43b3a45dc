#![no_main]

use market_stress::ingest::yahoo::parse_chart;
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for spliced in [false, true] {
        rows(parse_chart(body, &btc(), spliced, &visit()));
    }
});
