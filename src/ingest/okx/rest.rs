use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::config::OkxConfig;
use super::{info, rows, source};
use crate::domain::{Asset, Cadence, Instrument, Knowledge, Metric, Period, SeriesKey, Timestamp};
use crate::ingest::funding::push_settlements;
use crate::ingest::wire::{Decimal, Millis, optional, row};
use crate::ingest::{FetchError, ParseError, Parsed, PolledFeed, Profile, Question, Request, Schedule, Visit};

/// A row of `/api/v5/public/open-interest`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenInterest {
    /// Coins, one side.
    oi_ccy: Decimal,
    /// USD, one side.
    oi_usd: Decimal,
    /// Milliseconds.
    ts: Millis,
}

/// A row of `/api/v5/public/funding-rate-history`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    /// What was charged, fraction per funding interval; the row's `fundingRate` was only expected.
    #[serde(default, deserialize_with = "optional")]
    realized_rate: Option<f64>,
    /// Milliseconds.
    funding_time: Millis,
}

/// Open interest of all swaps of a coin, sampled.
#[must_use]
pub fn open_interest_feed(config: &OkxConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "okx-open-interest", info: info(), cadence: Cadence::every(5 * 60_000) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(10)),
        resumes_from: Vec::new(),
        questions: Box::new(move |_| {
            let query = [("instType", "SWAP".to_owned())];
            let request = Request::get(&config.rest_url, "api/v5/public/open-interest", &query)?;
            let assets = config.assets.clone();
            Ok(vec![Question::new(request, move |body| parse_open_interest(body, &assets))])
        }),
        history: None,
    }
}

/// Funding settlements of the USDT swaps; the venue keeps three months of them.
#[must_use]
pub fn funding_feed(config: &OkxConfig) -> PolledFeed {
    let config = config.clone();
    let rate = |asset: &Asset| SeriesKey::new(Metric::FundingRate, asset.clone(), source(), Period::INSTANT);
    PolledFeed {
        profile: Profile { name: "okx-funding", info: info(), cadence: Cadence::every(8 * Period::HOUR.ms()) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(45)),
        resumes_from: config.assets.iter().map(rate).collect(),
        questions: Box::new(move |visit| config.assets.iter().map(|asset| funding_question(&config, asset, *visit)).collect()),
        history: None,
    }
}

fn funding_question(config: &OkxConfig, asset: &Asset, visit: Visit) -> Result<Question, FetchError> {
    let query = [("instId", format!("{}-USDT-SWAP", asset.as_str().to_ascii_uppercase())), ("limit", "400".to_owned())];
    let request = Request::get(&config.rest_url, "api/v5/public/funding-rate-history", &query)?;
    let asset = asset.clone();
    Ok(Question::new(request, move |body| parse_funding(body, &asset, &visit)))
}

/// Reads an answer of `/api/v5/public/open-interest`: the sum over the swaps of each of `assets`, in
/// coins and USD, at the instant of the newest of them.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_open_interest(body: &[u8], assets: &[Asset]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(source());
    let mut sums: BTreeMap<Asset, (Timestamp, f64, f64)> = BTreeMap::new();
    for value in &rows(body)? {
        let symbol = value.get("instId").and_then(|symbol| symbol.as_str()).unwrap_or_default();
        let asset = Instrument::from_symbol(symbol).map(|instrument| instrument.asset);
        let Some(asset) = asset.filter(|asset| assets.contains(asset)) else { continue };
        match row::<OpenInterest>(value) {
            Ok(swap) => {
                let (at, coins, usd) = sums.entry(asset).or_insert((swap.ts.0, 0.0, 0.0));
                *at = swap.ts.0.max(*at);
                *coins += swap.oi_ccy.0;
                *usd += swap.oi_usd.0;
            }
            Err(reason) => parsed.refuse(symbol, Timestamp::default(), reason),
        }
    }
    for (asset, (at, coins, usd)) in sums {
        let key = |metric| SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT);
        parsed.push(key(Metric::OpenInterestNative), at, Knowledge::OnCommit, coins);
        parsed.push(key(Metric::OpenInterest), at, Knowledge::OnCommit, usd);
    }
    Ok(parsed)
}

/// Reads an answer of `/api/v5/public/funding-rate-history` for the swap of `asset`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], asset: &Asset, visit: &Visit) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(source());
    let mut settlements = Vec::new();
    for value in &rows(body)? {
        match row::<Settlement>(value) {
            Ok(Settlement { realized_rate: Some(rate), funding_time }) => settlements.push((funding_time.0, rate)),
            // Not settled yet.
            Ok(Settlement { realized_rate: None, .. }) => {}
            Err(reason) => parsed.refuse(format!("funding_rate.{asset}"), visit.now, reason),
        }
    }
    push_settlements(&mut parsed, asset, visit, settlements);
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_swaps_of_a_coin_are_added() {
        let body = br#"{"code":"0","data":[
            {"instId":"BTC-USDT-SWAP","oiCcy":"2","oiUsd":"160000","ts":"1770192000000"},
            {"instId":"BTC-USD-SWAP","oiCcy":"1","oiUsd":"80000","ts":"1770192000001"},
            {"instId":"ETH-USDT-SWAP","oiCcy":"1","oiUsd":"","ts":"1770192000001"},
            {"instId":"PEPE-USDT-SWAP","oiCcy":"1","oiUsd":"1","ts":"1770192000001"}]}"#;
        let parsed = parse_open_interest(body, &["btc", "eth"].map(|name| name.parse().unwrap())).unwrap();
        let row = parsed.batch.readings[&"open_interest.btc@okx".parse().unwrap()][0];
        assert_eq!((row.observed_at.unix_ms(), row.value.to_bits()), (1_770_192_000_001, 240_000.0_f64.to_bits()));
        assert_eq!((parsed.batch.len(), parsed.refused.len()), (2, 1), "eth has no figure in USD");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"(instId|oiCcy|oiUsd|ts|fundingTime|realizedRate)\":\"[0-9A-Z.-]{0,9}\",?){0,4}\\},?){0,3}") {
            let wrapped = format!(r#"{{"code":"0","data":[{rows}]}}"#);
            let visit = Visit { seen_until: None, now: Timestamp::default() };
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_open_interest(bytes, &[Asset::btc()]), parse_funding(bytes, &Asset::btc(), &visit));
            }
        }
    }
}
