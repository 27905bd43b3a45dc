#![no_main]

use market_stress::ingest::deribit::{parse_dvol, parse_funding, parse_futures, parse_message, parse_options, parse_trades};
use market_stress_fuzz::{btc, message, rows, series, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    message(body, parse_message);
    rows(parse_dvol(body, &series("implied_vol.btc@deribit:1h"), &visit()));
    rows(parse_funding(body, &btc(), &visit()));
    rows(parse_futures(body, &btc(), visit().now));
    rows(parse_options(body, &btc(), visit().now));
    rows(parse_trades(body, &visit()));
});
