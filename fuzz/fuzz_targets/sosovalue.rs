#![no_main]

use market_stress::ingest::sosovalue::parse_summary;
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| rows(parse_summary(body, &btc(), &visit())));
