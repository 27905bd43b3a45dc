use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::config::BinanceConfig;
use super::contract::{Contract, Size, perpetual};
use super::{info, refusal, source};
use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, Timestamp};
use crate::ingest::funding::push_settlements;
use crate::ingest::wire::{Decimal, Millis, from_json, row};
use crate::ingest::{FetchError, ParseError, Parsed, PolledFeed, Profile, Question, Request, Schedule, Visit};

const HOUR_MS: i64 = Period::HOUR.ms();
const FIVE_MINUTES_MS: i64 = 5 * 60_000;
/// The most rows of an answer on open interest, and of one on funding.
const OPEN_INTEREST_PAGE: i64 = 500;
const FUNDING_PAGE: i64 = 1_000;
/// The venue keeps open interest for a month.
const OPEN_INTEREST_DAYS: i64 = 29;
/// The longest interval between settlements: pages this far apart leave none out.
const SETTLEMENT_MS: i64 = 8 * HOUR_MS;

/// A row of `/futures/data/openInterestHist` of a USD-M contract. COIN-M rows carry a `pair` instead
/// of a symbol and have the two figures the other way round; they are refused.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Positions {
    symbol: String,
    /// Units of the symbol, one side.
    sum_open_interest: Decimal,
    /// USDT, one side.
    sum_open_interest_value: Decimal,
    /// Milliseconds; a string in the documentation and a number on the wire.
    timestamp: Millis,
}

/// A row of `/fapi/v1/fundingRate`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    /// Fraction per funding interval.
    funding_rate: Decimal,
    /// Milliseconds, a few of them late.
    funding_time: Millis,
    /// `Special` marks dividend adjustments of contracts on stocks.
    #[serde(default)]
    rate_type: Option<String>,
}

/// Open interest of the USD-M perpetuals: hourly for the past, every five minutes from then on.
#[must_use]
pub fn open_interest_feed(config: &BinanceConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "binance-open-interest", info: info(), cadence: Cadence::every(FIVE_MINUTES_MS) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(30)),
        resumes_from: config.assets.iter().map(|asset| key(Metric::OpenInterest, asset)).collect(),
        questions: Box::new(move |visit| open_interest_questions(&config, *visit)),
        history: None,
    }
}

/// Funding settlements of the USD-M perpetuals, back to their listing.
#[must_use]
pub fn funding_feed(config: &BinanceConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "binance-funding", info: info(), cadence: Cadence::every(SETTLEMENT_MS) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(35)),
        resumes_from: config.assets.iter().map(|asset| key(Metric::FundingRate, asset)).collect(),
        questions: Box::new(move |visit| funding_questions(&config, *visit)),
        history: None,
    }
}

fn open_interest_questions(config: &BinanceConfig, visit: Visit) -> Result<Vec<Question>, FetchError> {
    let from = visit.from(2 * FIVE_MINUTES_MS, OPEN_INTEREST_DAYS * Period::DAY.ms());
    let fine_from = from.max(visit.now.plus_ms(-(OPEN_INTEREST_PAGE - 1) * FIVE_MINUTES_MS));
    let hourly = (0..).map(|page| from.plus_ms(page * OPEN_INTEREST_PAGE * HOUR_MS)).take_while(|start| *start < fine_from);
    let spans = hourly.map(|start| ("1h", start, start.plus_ms(OPEN_INTEREST_PAGE * HOUR_MS).min(visit.now)));
    let mut questions = Vec::new();
    for (period, start, end) in spans.chain([("5m", fine_from, visit.now)]) {
        for asset in &config.assets {
            let query = [
                ("symbol", perpetual(asset)),
                ("period", period.to_owned()),
                ("startTime", start.unix_ms().to_string()),
                ("endTime", end.unix_ms().to_string()),
                ("limit", OPEN_INTEREST_PAGE.to_string()),
            ];
            let request = Request::get(&config.rest_url, "futures/data/openInterestHist", &query)?;
            let asset = asset.clone();
            questions.push(Question::new(request, move |body| parse_open_interest(body, &asset, &visit)));
        }
    }
    Ok(questions)
}

fn funding_questions(config: &BinanceConfig, visit: Visit) -> Result<Vec<Question>, FetchError> {
    let from = visit.from(2 * SETTLEMENT_MS, i64::from(config.day_history_days) * Period::DAY.ms());
    // The first contract was listed on 2019-09-08.
    let from = from.max(Timestamp::from_unix_ms(1_567_900_800_000));
    let starts = (0..).map(|page| from.plus_ms(page * FUNDING_PAGE * SETTLEMENT_MS)).take_while(|start| *start < visit.now);
    let mut questions = Vec::new();
    for start in starts {
        for asset in &config.assets {
            let query =
                [("symbol", perpetual(asset)), ("startTime", start.unix_ms().to_string()), ("limit", FUNDING_PAGE.to_string())];
            let request = Request::get(&config.rest_url, "fapi/v1/fundingRate", &query)?;
            let asset = asset.clone();
            questions.push(Question::new(request, move |body| parse_funding(body, &asset, &visit)));
        }
    }
    Ok(questions)
}

/// Reads an answer of `/futures/data/openInterestHist` for the perpetual of `asset`: coins and USD.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_open_interest(body: &[u8], asset: &Asset, visit: &Visit) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(source());
    for value in &rows(body)? {
        let read = row::<Positions>(value).and_then(|row| {
            let contract = Contract::parse(&row.symbol).map_err(|error| error.to_string())?;
            match contract.size {
                Size::Coins(units) => Ok((row.timestamp.0, row.sum_open_interest.0 * units, row.sum_open_interest_value.0)),
                Size::Usd(_) => Err("it counts in contracts".to_owned()),
            }
        });
        match read {
            Ok((at, coins, usd)) => {
                let knowledge = visit.knowledge(at);
                parsed.push(key(Metric::OpenInterestNative, asset), at, knowledge, coins);
                parsed.push(key(Metric::OpenInterest, asset), at, knowledge, usd);
            }
            Err(reason) => parsed.refuse(format!("open_interest.{asset}"), visit.now, reason),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `/fapi/v1/fundingRate` for the perpetual of `asset`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], asset: &Asset, visit: &Visit) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(source());
    let mut settlements = Vec::new();
    for value in &rows(body)? {
        match row::<Settlement>(value) {
            Ok(settlement) if settlement.rate_type.as_deref() == Some("Special") => {}
            Ok(settlement) => settlements.push((settlement.funding_time.0, settlement.funding_rate.0)),
            Err(reason) => parsed.refuse(format!("funding_rate.{asset}"), visit.now, reason),
        }
    }
    push_settlements(&mut parsed, asset, visit, settlements);
    Ok(parsed)
}

fn rows(body: &[u8]) -> Result<Vec<Value>, ParseError> {
    let answer: Value = from_json(body)?;
    if let Some(error) = refusal(&answer) {
        return Err(error);
    }
    match answer {
        Value::Array(rows) => Ok(rows),
        _ => Err(ParseError::Malformed { expected: "list of rows", reason: "it is no list".to_owned() }),
    }
}

fn key(metric: Metric, asset: &Asset) -> SeriesKey {
    SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn visit(seen_until: Option<&str>) -> Visit {
        let at = |text: &str| text.parse().unwrap();
        Visit { seen_until: seen_until.map(at), now: at("2026-02-04T08:00:00Z") }
    }

    #[test]
    fn the_first_visit_reads_hours_then_minutes_and_the_next_only_minutes() {
        let config = BinanceConfig { assets: vec![Asset::btc()], ..BinanceConfig::default() };
        let periods = |visit| {
            let questions = open_interest_questions(&config, visit).unwrap();
            let query = |question: &Question| {
                question.request.url.query_pairs().find(|(name, _)| name == "period").unwrap().1.into_owned()
            };
            questions.iter().map(query).collect::<Vec<_>>()
        };
        assert_eq!(periods(visit(None)), ["1h", "1h", "5m"]);
        assert_eq!(periods(visit(Some("2026-02-04T07:55:00Z"))), ["5m"]);
    }

    #[test]
    fn settlements_that_are_dividends_are_left_out() {
        let body = br#"[
            {"symbol":"BTCUSDT","fundingRate":"0.0001","fundingTime":1770163200003,"markPrice":""},
            {"symbol":"BTCUSDT","fundingRate":"0.5","fundingTime":1770170000000,"rateType":"Special"},
            {"symbol":"BTCUSDT","fundingRate":"0.0002","fundingTime":1770192000001,"rateType":"Regular"},
            {"symbol":"BTCUSDT"}]"#;
        let parsed = parse_funding(body, &Asset::btc(), &visit(None)).unwrap();
        let rows = &parsed.batch.readings[&"funding_rate.btc@binance".parse().unwrap()];
        assert_eq!(
            rows.iter().map(|row| row.observed_at.to_string()).collect::<Vec<_>>(),
            ["2026-02-04T00:00:00Z", "2026-02-04T08:00:00Z"]
        );
        assert_eq!(parsed.refused.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"(symbol|sumOpenInterest|sumOpenInterestValue|timestamp|fundingRate|fundingTime)\":\"[0-9A-Z.-]{0,9}\",?){0,4}\\},?){0,3}") {
            let wrapped = format!("[{rows}]");
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_open_interest(bytes, &Asset::btc(), &visit(None)), parse_funding(bytes, &Asset::btc(), &visit(None)));
            }
        }
    }
}
