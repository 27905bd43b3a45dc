use std::time::Duration;

use serde::Deserialize;

use super::config::BybitConfig;
use super::{Listed, SPACING, coins_per_unit, info, instrument, list, perpetual, source};
use crate::domain::{Asset, Cadence, KnownAtRule, Metric, Period, SeriesKey, Timestamp};
use crate::ingest::funding::{LEAD_MS, read_settlements, stated_from};
use crate::ingest::positions::{PositionSpan, history, spans};
use crate::ingest::wire::{Decimal, Millis, optional, row};
use crate::ingest::{
    FetchError, History, HistorySeries, Pages, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request,
    Schedule,
};

/// The most settlements, and the most rows of open interest, of one answer.
const PAGE: i64 = 200;
/// An answer of nearly [`PAGE`] settlements may be cut; one that is repeated counts once.
const CUT_AT: usize = 198;
/// The longest interval between settlements: pages this far apart leave none out.
const SETTLEMENT_MS: i64 = 8 * Period::HOUR.ms();

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

/// A row of `/v5/market/open-interest` of a linear contract.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Positions {
    /// Units of the symbol, both sides added.
    open_interest: Decimal,
    /// Units of the symbol, one side; published since 2026-06-11.
    #[serde(default, deserialize_with = "optional")]
    single_open_interest: Option<f64>,
    /// Milliseconds.
    timestamp: Millis,
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
        cursor_series: Vec::new(),
        questions: Box::new(move |_| {
            let request = Request::get(&config.rest_url, "v5/market/tickers", &[("category", "linear".to_owned())])?;
            let assets = config.assets.clone();
            Ok(vec![PollRequest::new(request, move |body| parse_tickers(body, &assets))])
        }),
        history: None,
    }
}

/// Open interest of the USDT perpetuals as the venue keeps it, in coins alone: what it was worth is
/// known only where it was sampled.
#[must_use]
pub fn open_interest_history_feed(config: &BybitConfig) -> PolledFeed {
    let (config, asked) = (config.clone(), config.clone());
    PolledFeed {
        profile: Profile { name: "bybit-open-interest-history", info: info(), cadence: Cadence::every(Period::HOUR.ms()) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(50)),
        cursor_series: config.assets.iter().map(|asset| key(Metric::OpenInterestNative, asset)).collect(),
        history: Some(history(&config.assets, (config.hour_history_days, u32::MAX), PAGE, SPACING, move |asset, span, visit| {
            open_interest_question(&asked, asset, span, visit)
        })),
        questions: Box::new(move |visit| open_interest_questions(&config, *visit)),
    }
}

/// Funding settlements of the USDT perpetuals.
#[must_use]
pub fn funding_feed(config: &BybitConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "bybit-funding", info: info(), cadence: Cadence::every(SETTLEMENT_MS) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(40)),
        cursor_series: config.assets.iter().map(|asset| key(Metric::FundingRate, asset)).collect(),
        history: Some(funding_past(&config)),
        questions: Box::new(move |visit| funding_questions(&config, *visit)),
    }
}

fn open_interest_questions(config: &BybitConfig, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let spans = spans(visit, i64::from(config.hour_history_days), PAGE);
    let all = spans.into_iter().flat_map(|span| config.assets.iter().map(move |asset| (asset, span)));
    all.map(|(asset, span)| open_interest_question(config, asset, span, visit)).collect()
}

fn open_interest_question(
    config: &BybitConfig,
    asset: &Asset,
    PositionSpan { fine, from, until }: PositionSpan,
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let query = [
        ("category", "linear".to_owned()),
        ("symbol", perpetual(asset)),
        ("intervalTime", if fine { "5min" } else { "1h" }.to_owned()),
        ("startTime", from.unix_ms().to_string()),
        ("endTime", until.unix_ms().to_string()),
        ("limit", PAGE.to_string()),
    ];
    let request = Request::get(&config.rest_url, "v5/market/open-interest", &query)?;
    let asset = asset.clone();
    Ok(PollRequest::new(request, move |body| parse_open_interest(body, &asset, &visit)))
}

/// Pages go back from now.
fn funding_questions(config: &BybitConfig, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let from = visit.from(2 * SETTLEMENT_MS, i64::from(config.funding_history_days) * Period::DAY.ms());
    let ends = (0..).map(|page| visit.now.plus_ms(-page * PAGE * SETTLEMENT_MS)).take_while(|end| *end > from);
    let all = ends.flat_map(|end| config.assets.iter().map(move |asset| (asset, end)));
    all.map(|(asset, end)| funding_question(config, asset, None, end, visit)).collect()
}

/// The venue takes an end without a start, and not the reverse.
fn funding_question(
    config: &BybitConfig,
    asset: &Asset,
    start: Option<Timestamp>,
    end: Timestamp,
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let mut query = vec![
        ("category", "linear".to_owned()),
        ("symbol", perpetual(asset)),
        ("endTime", end.unix_ms().to_string()),
        ("limit", PAGE.to_string()),
    ];
    query.extend(start.map(|start| ("startTime", start.unix_ms().to_string())));
    let request = Request::get(&config.rest_url, "v5/market/funding/history", &query)?;
    let asset = asset.clone();
    Ok(PollRequest::new(request, move |body| parse_funding(body, &asset, &visit)))
}

/// A page is one answer where funding is settled every eight hours, and cut into halves where it is
/// settled more often.
fn funding_past(config: &BybitConfig) -> History {
    let strand = |asset: &Asset| {
        let (asked, coin) = (config.clone(), asset.clone());
        let name = key(Metric::FundingRate, asset).to_string();
        HistorySeries::new(name, config.funding_history_days, (PAGE - 10) * SETTLEMENT_MS, move |span, visit| {
            let from = span.from().plus_ms(-LEAD_MS);
            let question = funding_question(&asked, &coin, Some(from), span.to().plus_ms(-1), *visit)?;
            Ok(question.map(move |parsed| stated_from(parsed, span.from())))
        })
        .cut_at(CUT_AT)
    };
    History::Paged(Pages { strands: config.assets.iter().map(strand).collect(), spacing: SPACING })
}

/// Reads an answer of `/v5/market/tickers`: open interest of the USDT perpetual of each of `assets`,
/// one side, in coins and USD.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_tickers(body: &[u8], assets: &[Asset]) -> Result<Parsed, ParseError> {
    let Listed { rows, at, .. } = list(body)?;
    let mut parsed = Parsed::new(source());
    for value in &rows {
        let symbol = value.get("symbol").and_then(|symbol| symbol.as_str()).unwrap_or_default();
        let usdt = instrument(symbol).ok().filter(|instrument| symbol.ends_with("USDT") && assets.contains(&instrument.asset));
        let Some(instrument) = usdt else { continue };
        match row::<Ticker>(value) {
            Ok(ticker) => {
                // Before the one-sided figures were published, both sides were.
                let units = ticker.single_open_interest.unwrap_or(ticker.open_interest.0 / 2.0);
                let usd = ticker.single_open_interest_value.unwrap_or(ticker.open_interest_value.0 / 2.0);
                let coins = units * instrument.coins_per_unit;
                parsed.push(key(Metric::OpenInterestNative, &instrument.asset), at, KnownAtRule::OnCommit, coins);
                parsed.push(key(Metric::OpenInterest, &instrument.asset), at, KnownAtRule::OnCommit, usd);
            }
            Err(reason) => parsed.refuse(key(Metric::OpenInterest, &instrument.asset).to_string(), at, reason),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `/v5/market/open-interest` for the USDT perpetual of `asset`: one side, in coins.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_open_interest(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(source());
    for value in &list(body)?.rows {
        match row::<Positions>(value) {
            Ok(Positions { open_interest, single_open_interest, timestamp }) => {
                let coins = single_open_interest.unwrap_or(open_interest.0 / 2.0) * coins_per_unit(asset);
                parsed.push(key(Metric::OpenInterestNative, asset), timestamp.0, visit.knowledge(timestamp.0), coins);
            }
            Err(reason) => parsed.refuse(key(Metric::OpenInterestNative, asset).to_string(), visit.now, reason),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `/v5/market/funding/history` for the perpetual of `asset`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let settled = |row: Settlement| Some((row.funding_rate_timestamp.0, row.funding_rate.0));
    Ok(read_settlements(&list(body)?.rows, source(), asset, visit, settled))
}

fn key(metric: Metric, asset: &Asset) -> SeriesKey {
    SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT)
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
    fn kept_open_interest_is_halved_where_only_the_sum_was_published() {
        let body = answer(
            r#"{"openInterest":"100","singleOpenInterest":"50","timestamp":"1770188400000"},
               {"openInterest":"90","timestamp":"1770184800000"}, {"openInterest":""}"#,
        );
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:00:00Z".parse().unwrap() };
        let parsed = parse_open_interest(body.as_bytes(), &Asset::btc(), &visit).unwrap();
        let rows = &parsed.batch.readings[&"open_interest_native.btc@bybit".parse().unwrap()];
        assert_eq!(rows.iter().map(|row| row.value.to_bits()).collect::<Vec<_>>(), [50.0_f64, 45.0].map(f64::to_bits));
        assert_eq!((parsed.batch.len(), parsed.refused.len()), (2, 1));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"[a-zA-Z]{1,20}\":\"?[0-9.-]{0,9}\"?,?){0,4}\\},?){0,3}") {
            let wrapped = answer(&rows);
            let visit = PollContext { seen_until: None, now: crate::domain::Timestamp::default() };
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_tickers(bytes, &[Asset::btc()]), parse_funding(bytes, &Asset::btc(), &visit));
                let _ = parse_open_interest(bytes, &Asset::btc(), &visit);
            }
        }
    }
}
