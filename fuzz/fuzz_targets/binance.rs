#![no_main]

use market_stress::ingest::binance::{
    Margin, Listing, parse_coin_open_interest, parse_funding, parse_klines, parse_listing, parse_message,
    parse_open_interest,
};
use market_stress_fuzz::{btc, message, rows, series, visit};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    message(body, |text| parse_message(text, &Listing::default()));
    for symbol in ["1000SHIBUSDT", "BTCUSD_PERP"] {
        rows(parse_klines(body, symbol, &series("candle.shib@binance-perp:1h"), &visit()));
    }
    rows(parse_open_interest(body, &btc(), &visit()));
    rows(parse_coin_open_interest(body, &btc(), &visit()));
    rows(parse_funding(body, Margin::Usd, &btc(), &visit()));
    let _ = parse_listing(body);
});
