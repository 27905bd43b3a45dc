#![no_main]

use market_stress::ingest::fred::parse_observations;
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| rows(parse_observations(body, &btc(), 5, &visit())));
