#![no_main]

use market_stress::ingest::coinglass::{parse_etf_flows, parse_funding, parse_liquidations, parse_open_interest};
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for parse in [parse_liquidations, parse_open_interest, parse_funding, parse_etf_flows] {
        rows(parse(body, &btc(), &visit()));
    }
});
