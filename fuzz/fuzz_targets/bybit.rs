#![no_main]

use market_stress::ingest::bybit::{
    Contracts, parse_funding, parse_instruments, parse_klines, parse_message, parse_open_interest, parse_tickers,
};
use market_stress_fuzz::{btc, message, rows, series, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    message(body, |text| parse_message(text, &Contracts::default()));
    rows(parse_klines(body, &series("candle.btc@bybit:1h"), &visit()));
    rows(parse_tickers(body, &[btc()]));
    rows(parse_open_interest(body, &btc(), &visit()));
    rows(parse_funding(body, &btc(), &visit()));
    let _ = parse_instruments(body);
});
