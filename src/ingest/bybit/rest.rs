use std::time::Duration;

use serde::Deserialize;

use super::config::BybitConfig;
use super::{info, list, source};
use crate::domain::{Asset, Cadence, Instrument, Knowledge, Metric, Period, SeriesKey};
use crate::ingest::funding::push_settlements;
use crate::ingest::wire::{Decimal, Millis, optional, row};
use crate::ingest::{FetchError, ParseError, Parsed, PolledFeed, Profile, Question, Request, Schedule, Visit};

/// The most settlements of one answer.
const FUNDING_PAGE: i64 = 200;
/// The longest interval between settlements: pages this far apart leave none out.
const SETTLEMENT_MS: i64 = 8 * Period::HOUR.ms();

/// A row of `/v5/market/instruments-info`.
#[derive(Deserialize)]
struct Contract {
    symbol: String,
    /// `LinearPerpetual` or `LinearFutures`.
    #[serde(rename = "contractType", default)]
    kind: String,
    /// `Trading`, `PreLaunch`, `Closed`...
    #[serde(default)]
    status: String,
    /// Empty, `innovation` or `adventure` for coins; other words for stocks and the like.
    #[serde(rename = "symbolType", default)]
    underlying: String,
}

/// A row of `/v5/market/tickers` of a linear contract.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticker {
    /// Units of the symbol, both sides added.
    open_interest: Decimal,
    /// USDT, both sides added.
    open_interest_value: Decimal,
    /// Units of the symbol, one side; published since 2026-06-11.
    #[serde(default, deserialize_with = "optional")]
    single_open_interest: Option<f64>,
    /// USDT, one side; published since 2026-06-11.
    #[serde(default, deserialize_with = "optional")]
    single_open_interest_value: Option<f64>,
}

/// A row of `/v5/market/funding/history`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    /// Fraction per funding interval.
    funding_rate: Decimal,
    /// Milliseconds.
    funding_rate_timestamp: Millis,
}

/// Open interest of the USDT perpetuals, sampled.
#[must_use]
pub fn open_interest_feed(config: &BybitConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "bybit-open-interest", info: info(), cadence: Cadence::every(5 * 60_000) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(5)),
        resumes_from: Vec::new(),
        questions: Box::new(move |_| {
            let request = Request::get(&config.rest_url, "v5/market/tickers", &[("category", "linear".to_owned())])?;
            let assets = config.assets.clone();
            Ok(vec![Question::new(request, move |body| parse_tickers(body, &assets))])
        }),
        history: None,
    }
}

/// Funding settlements of the USDT perpetuals.
#[must_use]
pub fn funding_feed(config: &BybitConfig) -> PolledFeed {
    let config = config.clone();
    let rate = |asset: &Asset| SeriesKey::new(Metric::FundingRate, asset.clone(), source(), Period::INSTANT);
    PolledFeed {
        profile: Profile { name: "bybit-funding", info: info(), cadence: Cadence::every(SETTLEMENT_MS) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(40)),
        resumes_from: config.assets.iter().map(rate).collect(),
        questions: Box::new(move |visit| funding_questions(&config, *visit)),
        history: None,
    }
}

/// Pages go back from now: the venue takes an end without a start, and not the reverse.
fn funding_questions(config: &BybitConfig, visit: Visit) -> Result<Vec<Question>, FetchError> {
    let from = visit.from(2 * SETTLEMENT_MS, i64::from(config.funding_history_days) * Period::DAY.ms());
    let ends = (0..).map(|page| visit.now.plus_ms(-page * FUNDING_PAGE * SETTLEMENT_MS)).take_while(|end| *end > from);
    let mut questions = Vec::new();
    for end in ends {
        for asset in &config.assets {
            let query = [
                ("category", "linear".to_owned()),
                ("symbol", format!("{}USDT", asset.as_str().to_ascii_uppercase())),
                ("endTime", end.unix_ms().to_string()),
                ("limit", FUNDING_PAGE.to_string()),
            ];
            let request = Request::get(&config.rest_url, "v5/market/funding/history", &query)?;
            let asset = asset.clone();
            questions.push(Question::new(request, move |body| parse_funding(body, &asset, &visit)));
        }
    }
    Ok(questions)
}

/// Reads an answer of `/v5/market/instruments-info`: the perpetuals on coins that are traded.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_instruments(body: &[u8]) -> Result<Vec<String>, ParseError> {
    let contracts = list(body)?.0.iter().filter_map(|value| row::<Contract>(value).ok()).collect::<Vec<_>>();
    let on_coins = contracts.into_iter().filter(|contract| {
        contract.kind == "LinearPerpetual"
            && contract.status == "Trading"
            && matches!(contract.underlying.as_str(), "" | "innovation" | "adventure")
    });
    Ok(on_coins.map(|contract| contract.symbol).collect())
}

/// Reads an answer of `/v5/market/tickers`: open interest of the USDT perpetual of each of `assets`,
/// one side, in coins and USD.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_tickers(body: &[u8], assets: &[Asset]) -> Result<Parsed, ParseError> {
    let (rows, at) = list(body)?;
    let mut parsed = Parsed::new(source());
    for value in &rows {
        let symbol = value.get("symbol").and_then(|symbol| symbol.as_str()).unwrap_or_default();
        let Some(instrument) = Instrument::from_symbol(symbol).filter(|_| symbol.ends_with("USDT")) else { continue };
        if !assets.contains(&instrument.asset) {
            continue;
        }
        match row::<Ticker>(value) {
            Ok(ticker) => {
                // Before the one-sided figures were published, both sides were.
                let units = ticker.single_open_interest.unwrap_or(ticker.open_interest.0 / 2.0);
                let usd = ticker.single_open_interest_value.unwrap_or(ticker.open_interest_value.0 / 2.0);
                let key = |metric| SeriesKey::new(metric, instrument.asset.clone(), source(), Period::INSTANT);
                let coins = units * instrument.coins_per_unit;
                parsed.push(key(Metric::OpenInterestNative), at, Knowledge::OnCommit, coins);
                parsed.push(key(Metric::OpenInterest), at, Knowledge::OnCommit, usd);
            }
            Err(reason) => parsed.refuse(symbol, at, reason),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `/v5/market/funding/history` for the perpetual of `asset`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], asset: &Asset, visit: &Visit) -> Result<Parsed, ParseError> {
    let (rows, at) = list(body)?;
    let mut parsed = Parsed::new(source());
    let mut settlements = Vec::new();
    for value in &rows {
        match row::<Settlement>(value) {
            Ok(settlement) => settlements.push((settlement.funding_rate_timestamp.0, settlement.funding_rate.0)),
            Err(reason) => parsed.refuse(format!("funding_rate.{asset}"), at, reason),
        }
    }
    push_settlements(&mut parsed, asset, visit, settlements);
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(list: &str) -> String {
        format!(r#"{{"retCode":0,"retMsg":"OK","result":{{"list":[{list}]}},"time":1770192000000}}"#)
    }

    #[test]
    fn open_interest_is_that_of_one_side() {
        let body = answer(
            r#"{"symbol":"BTCUSDT","openInterest":"100","openInterestValue":"8000000","singleOpenInterest":"50","singleOpenInterestValue":"4000000"},
               {"symbol":"ETHUSDT","openInterest":"10","openInterestValue":"20000","singleOpenInterest":""},
               {"symbol":"BTCPERP","openInterest":"1","openInterestValue":"1"},
               {"symbol":"SOLUSDT","openInterest":"-"}"#,
        );
        let assets = ["btc", "eth", "sol"].map(|name| name.parse().unwrap());
        let parsed = parse_tickers(body.as_bytes(), &assets).unwrap();
        let value = |key: &str| parsed.batch.readings[&key.parse().unwrap()][0].value.to_bits();
        assert_eq!(value("open_interest_native.btc@bybit"), 50.0_f64.to_bits());
        assert_eq!(value("open_interest.btc@bybit"), 4e6_f64.to_bits());
        assert_eq!(value("open_interest_native.eth@bybit"), 5.0_f64.to_bits());
        assert_eq!(value("open_interest.eth@bybit"), 10_000.0_f64.to_bits());
        assert_eq!((parsed.batch.len(), parsed.refused.len()), (4, 1));
    }

    #[test]
    fn only_perpetuals_on_coins_are_listened_to() {
        let body = answer(
            r#"{"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","symbolType":""},
               {"symbol":"TSLAXUSDT","contractType":"LinearPerpetual","status":"Trading","symbolType":"xstocks"},
               {"symbol":"BTC-27MAR26","contractType":"LinearFutures","status":"Trading"},
               {"symbol":"OLDUSDT","contractType":"LinearPerpetual","status":"Closed"}"#,
        );
        assert_eq!(parse_instruments(body.as_bytes()).unwrap(), ["BTCUSDT"]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"[a-zA-Z]{1,20}\":\"?[0-9.-]{0,9}\"?,?){0,4}\\},?){0,3}") {
            let wrapped = answer(&rows);
            let visit = Visit { seen_until: None, now: crate::domain::Timestamp::default() };
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_tickers(bytes, &[Asset::btc()]), parse_funding(bytes, &Asset::btc(), &visit), parse_instruments(bytes));
            }
        }
    }
}
