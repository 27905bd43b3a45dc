#![no_main]

use market_stress::ingest::farside::parse_table;
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| rows(parse_table(body, &btc(), &visit())));
