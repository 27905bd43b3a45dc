use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::config::KrakenConfig;
use super::{coin, info, malformed, perpetual, source};
use crate::domain::{Asset, Cadence, KnownAtRule, Metric, Period, SeriesKey, Timestamp};
use crate::ingest::funding::read_settlements;
use crate::ingest::positions::INVERSE;
use crate::ingest::wire::{Decimal, from_json, row};
use crate::ingest::{History, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};

/// A row of `/derivatives/api/v3/tickers`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticker {
    symbol: String,
    /// Dollars on `PI_` contracts, coins on `PF_` contracts; one side.
    open_interest: Decimal,
    /// USD.
    mark_price: Decimal,
}

/// A row of `/derivatives/api/v3/historical-funding-rates`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    /// RFC 3339.
    timestamp: Timestamp,
    /// Fraction per interval; the row's `fundingRate` is an amount per contract.
    relative_funding_rate: Decimal,
}

/// Open interest of the perpetuals of both kinds together, sampled.
#[must_use]
pub fn open_interest_feed(config: &KrakenConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "kraken-open-interest", info: info(), cadence: Cadence::every(5 * 60_000) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(25)),
        cursor_series: Vec::new(),
        questions: Box::new(move |visit| {
            let (assets, now) = (config.assets.clone(), visit.now);
            let request = Request::get(&config.url, "derivatives/api/v3/tickers", &[])?;
            Ok(vec![PollRequest::new(request, move |body| parse_tickers(body, &assets, now))])
        }),
        history: None,
    }
}

/// Funding settlements of the linear perpetuals; every visit reads what the venue keeps.
#[must_use]
pub fn funding_feed(config: &KrakenConfig) -> PolledFeed {
    let config = config.clone();
    let rate = |asset: &Asset| SeriesKey::new(Metric::FundingRate, asset.clone(), source(), Period::INSTANT);
    PolledFeed {
        profile: Profile { name: "kraken-funding", info: info(), cadence: Cadence::every(Period::HOUR.ms()) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_mins(1)),
        cursor_series: config.assets.iter().map(rate).collect(),
        questions: Box::new(move |visit| {
            let visit = *visit;
            let question = |asset: &Asset| {
                let query = [("symbol", perpetual(asset))];
                let request = Request::get(&config.url, "derivatives/api/v3/historical-funding-rates", &query)?;
                let asset = asset.clone();
                Ok(PollRequest::new(request, move |body| parse_funding(body, &asset, &visit)))
            };
            config.assets.iter().map(question).collect()
        }),
        history: Some(History::SingleRequest),
    }
}

/// Reads an answer of `/derivatives/api/v3/tickers`: open interest of the perpetuals of each of
/// `assets` in coins and USD. The answer is taken as of `now`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_tickers(body: &[u8], assets: &[Asset], now: Timestamp) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(source());
    let mut sums: BTreeMap<Asset, (f64, f64, f64)> = BTreeMap::new();
    let mut incomplete: BTreeSet<Asset> = BTreeSet::new();
    for value in &list(body, "tickers")? {
        let symbol = value.get("symbol").and_then(Value::as_str).unwrap_or_default();
        let Some(asset) = coin(symbol).filter(|asset| assets.contains(asset)) else { continue };
        let ticker = row::<Ticker>(value)
            .and_then(|ticker| if ticker.mark_price.0 > 0.0 { Ok(ticker) } else { Err("the row has no mark price".to_owned()) });
        match ticker {
            Ok(ticker) => {
                let (coins, usd, inverse_usd) = sums.entry(asset).or_default();
                let size = ticker.open_interest.0;
                let (of_coins, of_usd) = if ticker.symbol.starts_with("PI_") {
                    *inverse_usd += size;
                    (size / ticker.mark_price.0, size)
                } else {
                    (size, size * ticker.mark_price.0)
                };
                *coins += of_coins;
                *usd += of_usd;
            }
            Err(reason) => {
                let key = SeriesKey::new(Metric::OpenInterest, asset.clone(), source(), Period::INSTANT);
                parsed.refuse(key.to_string(), now, format!("{symbol}: {reason}"));
                incomplete.insert(asset);
            }
        }
    }
    // A sum that lacks a contract would look like a fall.
    sums.retain(|asset, _| !incomplete.contains(asset));
    for (asset, (coins, usd, inverse_usd)) in sums {
        let key = |metric| SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT);
        parsed.push(key(Metric::OpenInterestNative), now, KnownAtRule::OnCommit, coins);
        parsed.push(key(Metric::OpenInterest), now, KnownAtRule::OnCommit, usd);
        parsed.push(key(Metric::OpenInterest).with_part(INVERSE), now, KnownAtRule::OnCommit, inverse_usd);
    }
    Ok(parsed)
}

/// Reads an answer of `/derivatives/api/v3/historical-funding-rates` for the perpetual of `asset`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let settled = |row: Settlement| Some((row.timestamp, row.relative_funding_rate.0));
    Ok(read_settlements(&list(body, "rates")?, source(), asset, visit, settled))
}

fn list(body: &[u8], name: &str) -> Result<Vec<Value>, ParseError> {
    let mut answer: Value = from_json(body)?;
    if answer.get("result").and_then(Value::as_str) == Some("error") {
        let message = answer.get("error").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Err(ParseError::Upstream { code: "error".to_owned(), message });
    }
    match answer.get_mut(name).map(Value::take) {
        Some(Value::Array(rows)) => Ok(rows),
        _ => Err(malformed(&format!("it has no {name}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dollars_and_coins_are_told_apart_and_added() {
        let body = br#"{"result":"success","tickers":[
            {"symbol":"PI_XBTUSD","openInterest":8000000.0,"markPrice":80000.0},
            {"symbol":"PF_XBTUSD","openInterest":50.0,"markPrice":80000.0},
            {"symbol":"FI_XBTUSD_260327","openInterest":1.0,"markPrice":80000.0},
            {"symbol":"PI_ETHUSD","openInterest":1.0,"markPrice":2000.0},
            {"symbol":"PF_ETHUSD","openInterest":1.0}]}"#;
        let assets = ["btc", "eth"].map(|name| name.parse().unwrap());
        let parsed = parse_tickers(body, &assets, Timestamp::default()).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        let expected = [
            "open_interest.btc@kraken-futures 12000000",
            "open_interest.btc.inverse@kraken-futures 8000000",
            "open_interest_native.btc@kraken-futures 150",
        ];
        assert_eq!(told, expected);
        assert_eq!(parsed.refused.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, symbol in "[A-Z_]{0,12}", number in "[0-9.eE-]{0,9}") {
            let wrapped = format!(r#"{{"tickers":[{{"symbol":"{symbol}","openInterest":"{number}","markPrice":"{number}"}}],"rates":[{{"timestamp":"{symbol}"}}]}}"#);
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_tickers(bytes, &[Asset::btc()], visit.now), parse_funding(bytes, &Asset::btc(), &visit));
            }
        }
    }
}
