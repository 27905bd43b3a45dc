#![no_main]

use std::sync::LazyLock;

use market_stress::ingest::okx::{
    Contracts, Margin, parse_candles, parse_contracts, parse_funding, parse_message, parse_open_interest,
    parse_open_interest_history,
};
use market_stress_fuzz::{btc, message, rows, series, visit};

/// What the messages of the seeds need to know.
static CONTRACTS: LazyLock<Contracts> =
    LazyLock::new(|| parse_contracts(include_bytes!("../seeds/okx/instruments.json")).expect("a list of contracts"));

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    message(body, |text| parse_message(text, &CONTRACTS));
    rows(parse_candles(body, &series("candle.btc@okx:1h"), &visit()));
    rows(parse_open_interest(body, Margin::Usdt, &[btc()]));
    rows(parse_open_interest_history(body, Margin::Coin, &btc(), &visit()));
    rows(parse_funding(body, Margin::Usdt, &btc(), &visit()));
    let _ = parse_contracts(body);
});
