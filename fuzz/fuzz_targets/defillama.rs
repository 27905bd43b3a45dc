#![no_main]

use market_stress::ingest::defillama::parse_supply;
use market_stress_fuzz::{rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| rows(parse_supply(body, &visit())));
