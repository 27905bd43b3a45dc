use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::config::DeribitConfig;
use super::{info, list, request, result, source};
use crate::domain::{Asset, Cadence, KnownAtRule, Metric, OptionName, OptionQuote, Period, SeriesKey, Timestamp};
use crate::ingest::positions::INVERSE;
use crate::ingest::wire::{Decimal, optional, row};
use crate::ingest::{FetchError, ParseError, Parsed, PollRequest, PolledFeed, Profile, Schedule};

/// A row of `get_book_summary_by_currency`.
#[derive(Deserialize)]
struct Summary {
    /// `BTC-PERPETUAL`, `BTC-27MAR26`, `BTC-27MAR26-90000-P`.
    instrument_name: String,
    /// USD for inverse futures, coins for options.
    open_interest: Decimal,
    /// Traded over 24 hours, coins.
    #[serde(default, deserialize_with = "optional")]
    volume: Option<f64>,
    /// Futures: USD.
    #[serde(default, deserialize_with = "optional")]
    mark_price: Option<f64>,
    /// Options: implied volatility of the mark price, percent.
    #[serde(default, deserialize_with = "optional")]
    mark_iv: Option<f64>,
    /// Options: price of the future or synthetic future of the expiry, USD.
    #[serde(default, deserialize_with = "optional")]
    underlying_price: Option<f64>,
}

/// Open interest of the inverse futures and perpetuals, sampled.
#[must_use]
pub fn futures_feed(config: &DeribitConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "deribit-open-interest", info: info(), cadence: Cadence::every(5 * 60_000) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(15)),
        cursor_series: Vec::new(),
        questions: Box::new(move |visit| {
            let now = visit.now;
            ask(&config, "future", move |body, asset| parse_futures(body, asset, now))
        }),
        history: None,
    }
}

/// The option chain, sampled.
#[must_use]
pub fn options_feed(config: &DeribitConfig) -> PolledFeed {
    let config = config.clone();
    let hours = config.options_every_hours.max(1);
    PolledFeed {
        profile: Profile { name: "deribit-options", info: info(), cadence: Cadence::every(i64::from(hours) * Period::HOUR.ms()) },
        schedule: Schedule::every(Duration::from_hours(u64::from(hours))).after(Duration::from_mins(1)),
        cursor_series: Vec::new(),
        questions: Box::new(move |visit| {
            let now = visit.now;
            ask(&config, "option", move |body, asset| parse_options(body, asset, now))
        }),
        history: None,
    }
}

fn ask(
    config: &DeribitConfig,
    kind: &str,
    parse: impl Fn(&[u8], &Asset) -> Result<Parsed, ParseError> + Send + Sync + Copy + 'static,
) -> Result<Vec<PollRequest>, FetchError> {
    let question = |asset: &Asset| {
        let query = [("currency", asset.as_str().to_ascii_uppercase()), ("kind", kind.to_owned())];
        let request = request(&config.rest_url, "get_book_summary_by_currency", &query)?;
        let asset = asset.clone();
        Ok(PollRequest::new(request, move |body| parse(body, &asset)))
    };
    config.assets.iter().map(question).collect()
}

/// Reads an answer of `get_book_summary_by_currency` about futures: open interest of the inverse
/// contracts together, in USD and, at each contract's mark price, in coins.
///
/// The answer is a snapshot of the instant it was sent at; `now` stands for it where it does not say.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_futures(body: &[u8], asset: &Asset, now: Timestamp) -> Result<Parsed, ParseError> {
    let (answer, sent) = result(body)?;
    let at = sent.unwrap_or(now);
    let mut parsed = Parsed::new(source());
    let key = |metric| SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT);
    let (mut usd, mut coins, mut contracts) = (0.0, 0.0, 0);
    for value in &list(answer)? {
        match row::<Summary>(value) {
            // Linear contracts carry their quote in the name and count in coins.
            Ok(future) if future.instrument_name.contains('_') => {}
            Ok(Summary { open_interest, mark_price: Some(price), .. }) if price > 0.0 => {
                usd += open_interest.0;
                coins += open_interest.0 / price;
                contracts += 1;
            }
            Ok(future) => {
                parsed.refuse(key(Metric::OpenInterest).to_string(), at, format!("{} has no mark price", future.instrument_name));
            }
            Err(reason) => parsed.refuse(key(Metric::OpenInterest).to_string(), at, reason),
        }
    }
    // A sum that lacks a contract would look like a fall.
    if contracts > 0 && parsed.refused.is_empty() {
        parsed.push(key(Metric::OpenInterest), at, KnownAtRule::OnCommit, usd);
        parsed.push(key(Metric::OpenInterest).with_part(INVERSE), at, KnownAtRule::OnCommit, usd);
        parsed.push(key(Metric::OpenInterestNative), at, KnownAtRule::OnCommit, coins);
    }
    Ok(parsed)
}

/// Reads an answer of `get_book_summary_by_currency` about options: for every option with open
/// interest its size and volume in coins and its implied volatility in percent, and the forward
/// price of every expiry. The part of a series is the instrument without the coin, such as
/// `27MAR26-90000-P`; that of a forward is the expiry.
///
/// All rows carry one instant, that of the answer.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_options(body: &[u8], asset: &Asset, now: Timestamp) -> Result<Parsed, ParseError> {
    let (answer, sent) = result(body)?;
    let at = sent.unwrap_or(now);
    let mut parsed = Parsed::new(source());
    let mut forwards = BTreeMap::new();
    for value in &list(answer)? {
        let option = match row::<Summary>(value) {
            Ok(option) => option,
            Err(reason) => {
                parsed.refuse(format!("option.{asset}"), at, reason);
                continue;
            }
        };
        let Some(name) = OptionName::from_instrument(&option.instrument_name, asset) else {
            parsed.refuse(option.instrument_name, at, "it is not named like an option of this coin");
            continue;
        };
        if let Some(forward) = option.underlying_price {
            forwards.insert(name.series(Metric::OptionForward, asset, &source()), forward);
        }
        let quote = OptionQuote {
            mark_iv_pct: option.mark_iv,
            open_interest_coins: Some(option.open_interest.0),
            volume_coins: option.volume,
        };
        for (metric, value) in quote.readings() {
            parsed.push(name.series(metric, asset, &source()), at, KnownAtRule::OnCommit, value);
        }
    }
    for (key, forward) in forwards {
        parsed.push(key, at, KnownAtRule::OnCommit, forward);
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn inverse_futures_add_up_in_dollars_and_linear_ones_stay_out() {
        let body = br#"{"usOut":1770192000000123,"result":[
            {"instrument_name":"BTC-PERPETUAL","open_interest":700000000,"mark_price":70000.0},
            {"instrument_name":"BTC-27MAR26","open_interest":71000000,"mark_price":71000.0},
            {"instrument_name":"BTC_USDC-PERPETUAL","open_interest":9,"mark_price":70000.0}]}"#;
        let parsed = parse_futures(body, &Asset::btc(), Timestamp::default()).unwrap();
        let row = |key: &str| parsed.batch.readings[&key.parse().unwrap()][0];
        assert_eq!(row("open_interest.btc@deribit").value.to_bits(), 771_000_000.0_f64.to_bits());
        assert_eq!(row("open_interest_native.btc@deribit").value.to_bits(), 11_000.0_f64.to_bits());
        assert_eq!(row("open_interest.btc@deribit").observed_at.to_string(), "2026-02-04T08:00:00Z");
    }

    #[test]
    fn an_option_tells_size_volatility_and_forward() {
        let body = br#"{"usOut":1770192000000123,"result":[
            {"instrument_name":"BTC-27MAR26-90000-P","open_interest":12.5,"volume":1.5,"mark_iv":55.2,"underlying_price":77000.5,"bid_price":null},
            {"instrument_name":"BTC-27MAR26-95000-C","open_interest":0.0,"volume":0.0,"mark_iv":50.0,"underlying_price":77000.5},
            {"instrument_name":"BTC-CS-27MAR26-1_2","open_interest":1.0},
            {"instrument_name":7}]}"#;
        let parsed = parse_options(body, &Asset::btc(), Timestamp::default()).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        assert_eq!(
            told,
            [
                "option_vol.btc.27MAR26-90000-P@deribit 55.2",
                "option_open_interest.btc.27MAR26-90000-P@deribit 12.5",
                "option_volume.btc.27MAR26-90000-P@deribit 1.5",
                "option_forward.btc.27MAR26@deribit 77000.5",
            ]
        );
        assert_eq!(parsed.refused.len(), 2);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, name in "[A-Z0-9_-]{0,20}", number in "[0-9.-]{1,9}") {
            let wrapped = format!(r#"{{"result":[{{"instrument_name":"{name}","open_interest":{number},"mark_price":{number}}}]}}"#);
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_futures(bytes, &Asset::btc(), Timestamp::default()), parse_options(bytes, &Asset::btc(), Timestamp::default()));
            }
        }
    }
}
