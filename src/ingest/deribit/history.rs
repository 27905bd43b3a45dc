use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::config::DeribitConfig;
use super::{info, list, malformed, request, result, source};
use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, Timestamp};
use crate::ingest::funding::read_settlements;
use crate::ingest::wire::{Decimal, Millis, field};
use crate::ingest::{
    FetchError, History, HistorySeries, Pages, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Schedule,
};

const HOUR_MS: i64 = Period::HOUR.ms();
/// Hours one question may span: the methods answer with at most 1,000 and 744 rows.
const PAGE_HOURS: i64 = 700;
/// About 20 questions a second are allowed, those of the visits included.
const SPACING: Duration = Duration::from_millis(200);
/// Funding is told from 2019-01-01 on at the earliest.
const FUNDING_SINCE: Timestamp = Timestamp::from_unix_seconds(1_546_300_800);
/// The index begins on 2021-03-24.
const DVOL_SINCE: Timestamp = Timestamp::from_unix_seconds(1_616_544_000);

/// A row of `get_funding_rate_history`.
#[derive(Deserialize)]
struct Accrual {
    /// End of the hour, milliseconds.
    timestamp: Millis,
    /// Paid over that hour, fraction.
    interest_1h: Decimal,
}

/// Hourly closes of the volatility index DVOL.
#[must_use]
pub fn volatility_feed(config: &DeribitConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "deribit-volatility", info: info(), cadence: Cadence::every(HOUR_MS) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(30)),
        cursor_series: config.assets.iter().map(dvol_key).collect(),
        history: Some(past(&config, dvol_question, dvol_key, DVOL_SINCE)),
        questions: Box::new(move |visit| pages(&config, *visit, dvol_question)),
    }
}

/// Funding of the inverse perpetuals, accrued hour by hour.
#[must_use]
pub fn funding_feed(config: &DeribitConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "deribit-funding", info: info(), cadence: Cadence::every(HOUR_MS) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(50)),
        cursor_series: config.assets.iter().map(funding_key).collect(),
        history: Some(past(&config, funding_question, funding_key, FUNDING_SINCE)),
        questions: Box::new(move |visit| pages(&config, *visit, funding_question)),
    }
}

type Ask = fn(&DeribitConfig, &Asset, PollContext, Timestamp, Timestamp) -> Result<PollRequest, FetchError>;

/// One question per coin and span of [`PAGE_HOURS`] since the last visit.
fn pages(config: &DeribitConfig, visit: PollContext, ask: Ask) -> Result<Vec<PollRequest>, FetchError> {
    let from = visit.from(3 * HOUR_MS, i64::from(config.history_days) * Period::DAY.ms()).floor(HOUR_MS);
    let starts = (0..).map(|page| from.plus_ms(page * PAGE_HOURS * HOUR_MS)).take_while(|start| *start < visit.now);
    let spans = starts.map(|start| (start, start.plus_ms(PAGE_HOURS * HOUR_MS).min(visit.now)));
    let questions = spans.flat_map(|(start, end)| config.assets.iter().map(move |asset| (asset, start, end)));
    questions.map(|(asset, start, end)| ask(config, asset, visit, start, end)).collect()
}

/// The same in pages, as far back as is wanted.
fn past(config: &DeribitConfig, ask: Ask, key: fn(&Asset) -> SeriesKey, kept_since: Timestamp) -> History {
    let strand = |asset: &Asset| {
        let (asked, coin) = (config.clone(), asset.clone());
        HistorySeries::new(key(asset).to_string(), config.history_days, PAGE_HOURS * HOUR_MS, move |span, visit| {
            ask(&asked, &coin, *visit, span.from(), span.to().plus_ms(-1))
        })
        .kept_since(kept_since)
        .settled_after(2 * HOUR_MS)
    };
    History::Paged(Pages { strands: config.assets.iter().map(strand).collect(), spacing: SPACING })
}

fn funding_key(asset: &Asset) -> SeriesKey {
    SeriesKey::new(Metric::FundingRate, asset.clone(), source(), Period::INSTANT)
}

fn dvol_question(
    config: &DeribitConfig,
    asset: &Asset,
    visit: PollContext,
    start: Timestamp,
    end: Timestamp,
) -> Result<PollRequest, FetchError> {
    let query = [
        ("currency", asset.as_str().to_ascii_uppercase()),
        ("start_timestamp", start.unix_ms().to_string()),
        ("end_timestamp", end.unix_ms().to_string()),
        ("resolution", "3600".to_owned()),
    ];
    let key = dvol_key(asset);
    let request = request(&config.rest_url, "get_volatility_index_data", &query)?;
    Ok(PollRequest::new(request, move |body| parse_dvol(body, &key, &visit)))
}

fn funding_question(
    config: &DeribitConfig,
    asset: &Asset,
    visit: PollContext,
    start: Timestamp,
    end: Timestamp,
) -> Result<PollRequest, FetchError> {
    let query = [
        ("instrument_name", format!("{}-PERPETUAL", asset.as_str().to_ascii_uppercase())),
        ("start_timestamp", start.unix_ms().to_string()),
        ("end_timestamp", end.unix_ms().to_string()),
    ];
    let asset = asset.clone();
    let request = request(&config.rest_url, "get_funding_rate_history", &query)?;
    Ok(PollRequest::new(request, move |body| parse_funding(body, &asset, &visit)))
}

/// Reads an answer of `get_volatility_index_data`: the close of every candle that has ended, in
/// percent points, labelled by its start.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_dvol(body: &[u8], key: &SeriesKey, visit: &PollContext) -> Result<Parsed, ParseError> {
    let (answer, _) = result(body)?;
    let Some(Value::Array(rows)) = answer.get("data") else { return Err(malformed("the result has no data")) };
    let mut parsed = Parsed::new(source());
    for value in rows {
        let candle = field::<Millis>(value, 0).and_then(|start| Ok((start.0, field::<Decimal>(value, 4)?.0)));
        match candle {
            Ok((start, close)) => {
                let end = start.plus_ms(key.period.ms());
                if end <= visit.now {
                    parsed.push(key.clone(), start, visit.knowledge(end), close);
                }
            }
            Err(reason) => parsed.refuse(key.to_string(), visit.now, reason),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `get_funding_rate_history` for the perpetual of `asset`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let settled = |row: Accrual| Some((row.timestamp.0, row.interest_1h.0));
    Ok(read_settlements(&list(result(body)?.0)?, source(), asset, visit, settled))
}

fn dvol_key(asset: &Asset) -> SeriesKey {
    SeriesKey::new(Metric::ImpliedVol, asset.clone(), source(), Period::HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_running_candle_of_the_index_is_left_out_and_nothing_is_scaled() {
        let body =
            br#"{"result":{"data":[[1770188400000,44,45,43,44.5],[1770192000000,44.5,46,44,45],[1,"x"]],"continuation":null}}"#;
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:30:00Z".parse().unwrap() };
        let parsed = parse_dvol(body, &dvol_key(&Asset::btc()), &visit).unwrap();
        let rows = &parsed.batch.readings[&"implied_vol.btc@deribit:1h".parse().unwrap()];
        assert_eq!(
            rows.iter().map(|row| (row.observed_at.to_string(), row.value)).collect::<Vec<_>>(),
            [("2026-02-04T07:00:00Z".to_owned(), 44.5)]
        );
        assert_eq!(parsed.refused.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\[([0-9.]{1,15},?){0,6}\\],?){0,3}") {
            let wrapped = format!(r#"{{"result":{{"data":[{rows}]}}}}"#);
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_dvol(bytes, &dvol_key(&Asset::btc()), &visit), parse_funding(bytes, &Asset::btc(), &visit));
            }
        }
    }
}
