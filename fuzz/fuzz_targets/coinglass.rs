#![no_main]

use market_stress::ingest::coinglass::{
    parse_daily_liquidations, parse_etf_flows, parse_funding, parse_liquidations, parse_open_interest, parse_trailing_liquidations,
};
use market_stress_fuzz::{btc, rows, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for parse in [parse_liquidations, parse_daily_liquidations, parse_open_interest, parse_funding, parse_etf_flows] {
        rows(parse(body, &btc(), &visit()));
    }
    rows(parse_trailing_liquidations(body, &btc(), visit().now));
});
