#![no_main]

use market_stress::ingest::alternative_me::parse_index;
use market_stress_fuzz::{rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| rows(parse_index(body, &visit())));
