use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::config::HyperliquidConfig;
use super::{coin, pause};
use crate::domain::{
    Asset, Cadence, Instrument, KnownAtRule, Metric, Period, SeriesKey, Source, SourceInfo, SourceKind, Timestamp,
};
use crate::ingest::funding::{LEAD_MS, read_settlements, stated_from};
use crate::ingest::wire::{Decimal, Millis, from_json, row};
use crate::ingest::{
    FetchError, History, HistorySeries, Pages, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request,
    Schedule,
};

/// The most rows of an answer on funding, and how many of them weigh one.
const FUNDING_PAGE: i64 = 500;
const SETTLEMENTS_PER_WEIGHT: u64 = 20;
/// Funding begins on 2023-05-12.
const FUNDING_SINCE: Timestamp = Timestamp::from_unix_seconds(1_683_849_600);
/// A full answer costs about 45 of the 1,200 that are allowed in a minute; half is left to the visits.
pub(super) const SPACING: Duration = Duration::from_secs(5);

/// An element of `universe`; its place is that of its context.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Market {
    /// The coin, in capitals; `k` before it stands for a thousand.
    name: String,
    #[serde(default)]
    is_delisted: bool,
}

/// A context of `metaAndAssetCtxs`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    /// Units of the contract, one side.
    open_interest: Decimal,
    /// USD per unit.
    oracle_px: Decimal,
}

/// A row of `fundingHistory`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    /// Fraction per interval: an hour now, eight in 2023.
    funding_rate: Decimal,
    /// Milliseconds, a few of them late.
    time: Millis,
}

/// Open interest of the perpetuals, sampled.
#[must_use]
pub fn open_interest_feed(config: &HyperliquidConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "hyperliquid-open-interest", info: info(), cadence: Cadence::every(5 * 60_000) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(20)),
        cursor_series: Vec::new(),
        questions: Box::new(move |visit| {
            let (assets, now) = (config.assets.clone(), visit.now);
            let request = Request::post(&config.url, "info", json!({"type": "metaAndAssetCtxs"}))?.pausing(pause(0, 1));
            Ok(vec![PollRequest::new(request, move |body| parse_contexts(body, &assets, now))])
        }),
        history: None,
    }
}

/// Funding settlements of the perpetuals.
#[must_use]
pub fn funding_feed(config: &HyperliquidConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "hyperliquid-funding", info: info(), cadence: Cadence::every(Period::HOUR.ms()) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(55)),
        cursor_series: config.assets.iter().map(funding_key).collect(),
        history: Some(funding_past(&config)),
        questions: Box::new(move |visit| funding_questions(&config, *visit)),
    }
}

fn funding_questions(config: &HyperliquidConfig, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let hour_ms = Period::HOUR.ms();
    let from = visit.from(3 * hour_ms, i64::from(config.funding_history_days) * Period::DAY.ms());
    let starts = (0..).map(|page| from.plus_ms(page * FUNDING_PAGE * hour_ms)).take_while(|start| *start < visit.now);
    let mut questions = Vec::new();
    for start in starts {
        for asset in &config.assets {
            questions.push(funding_question(config, asset, start, visit.now, visit)?);
        }
    }
    Ok(questions)
}

fn funding_question(
    config: &HyperliquidConfig,
    asset: &Asset,
    start: Timestamp,
    end: Timestamp,
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let question = json!({"type": "fundingHistory", "coin": coin(asset), "startTime": start.unix_ms(), "endTime": end.unix_ms()});
    let rows = (end.ms_since(start) / Period::HOUR.ms() + 1).min(FUNDING_PAGE);
    let request = Request::post(&config.url, "info", question)?.pausing(pause(rows, SETTLEMENTS_PER_WEIGHT));
    let asset = asset.clone();
    Ok(PollRequest::new(request, move |body| parse_funding(body, &asset, &visit)))
}

/// Funding in pages that are not cut where it is settled every hour.
fn funding_past(config: &HyperliquidConfig) -> History {
    let page_ms = (FUNDING_PAGE - 20) * Period::HOUR.ms();
    let strand = |asset: &Asset| {
        let (asked, coin) = (config.clone(), asset.clone());
        HistorySeries::new(funding_key(asset).to_string(), config.funding_history_days, page_ms, move |span, visit| {
            let question = funding_question(&asked, &coin, span.from().plus_ms(-LEAD_MS), span.to().plus_ms(-1), *visit)?;
            Ok(question.map(move |parsed| stated_from(parsed, span.from())))
        })
        .kept_since(FUNDING_SINCE)
    };
    History::Paged(Pages { strands: config.assets.iter().map(strand).collect(), spacing: SPACING })
}

fn funding_key(asset: &Asset) -> SeriesKey {
    SeriesKey::new(Metric::FundingRate, asset.clone(), source(), Period::INSTANT)
}

/// Reads an answer of `metaAndAssetCtxs`: open interest of each of `assets` in coins and, at the
/// oracle's price, in USD. The answer carries no instant; `now` stands for it.
///
/// # Errors
/// [`ParseError`] when the answer has another shape, or its two halves do not match.
pub fn parse_contexts(body: &[u8], assets: &[Asset], now: Timestamp) -> Result<Parsed, ParseError> {
    let answer: Value = from_json(body)?;
    let halves = (answer.pointer("/0/universe").and_then(Value::as_array), answer.get(1).and_then(Value::as_array));
    let (Some(universe), Some(contexts)) = halves else { return Err(malformed("it is no universe with contexts")) };
    // The two are joined by their places alone.
    if universe.len() != contexts.len() {
        return Err(malformed("universe and contexts have different lengths"));
    }
    let mut parsed = Parsed::new(source());
    for (market, context) in universe.iter().zip(contexts) {
        let Ok(market) = row::<Market>(market) else { continue };
        let instrument = Instrument::from_base(&market.name);
        let wanted = instrument.filter(|instrument| !market.is_delisted && assets.contains(&instrument.asset));
        let Some(Instrument { asset, coins_per_unit }) = wanted else { continue };
        let key = |metric| SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT);
        match row::<Context>(context) {
            Ok(context) => {
                let units = context.open_interest.0;
                parsed.push(key(Metric::OpenInterestNative), now, KnownAtRule::OnCommit, units * coins_per_unit);
                parsed.push(key(Metric::OpenInterest), now, KnownAtRule::OnCommit, units * context.oracle_px.0);
            }
            Err(reason) => parsed.refuse(key(Metric::OpenInterest).to_string(), now, reason),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `fundingHistory` for `asset`.
///
/// # Errors
/// [`ParseError`] when the answer has another shape.
pub fn parse_funding(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let Value::Array(rows) = from_json::<Value>(body)? else { return Err(malformed("it is no list of settlements")) };
    Ok(read_settlements(&rows, source(), asset, visit, |row: Settlement| Some((row.time.0, row.funding_rate.0))))
}

pub(super) fn malformed(reason: &str) -> ParseError {
    ParseError::Malformed { expected: "Hyperliquid answer", reason: reason.to_owned() }
}

pub(super) fn info() -> SourceInfo {
    SourceInfo {
        source: source(),
        kind: SourceKind::Venue,
        note: "open interest is sampled and valued at the oracle's price; liquidations are not published".to_owned(),
    }
}

pub(super) fn source() -> Source {
    crate::ingest::settings::source("hyperliquid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn contexts_are_joined_by_place_and_delisted_coins_are_passed_over() {
        let body = br#"[{"universe":[{"name":"ETH"},{"name":"BTC"},{"name":"SOL","isDelisted":true}]},
            [{"openInterest":"3","oraclePx":"2000"},{"openInterest":"2","oraclePx":"80000","midPx":null},{"openInterest":"1","oraclePx":"1"}]]"#;
        let assets = ["btc", "sol"].map(|name| name.parse().unwrap());
        let parsed = parse_contexts(body, &assets, Timestamp::default()).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        assert_eq!(told, ["open_interest.btc@hyperliquid 160000", "open_interest_native.btc@hyperliquid 2"]);
        let thousands = br#"[{"universe":[{"name":"kPEPE"}]},[{"openInterest":"3","oraclePx":"0.01"}]]"#;
        let parsed = parse_contexts(thousands, &["pepe".parse().unwrap()], Timestamp::default()).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        assert_eq!(told, ["open_interest.pepe@hyperliquid 0.03", "open_interest_native.pepe@hyperliquid 3000"]);
        let uneven = br#"[{"universe":[{"name":"ETH"}]},[]]"#;
        assert!(parse_contexts(uneven, &assets, Timestamp::default()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, name in "[A-Za-z:]{0,8}", number in "[0-9.eE-]{0,9}") {
            let wrapped = format!(r#"[{{"universe":[{{"name":"{name}"}}]}},[{{"openInterest":"{number}","oraclePx":"{number}"}}]]"#);
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_contexts(bytes, &[Asset::btc()], visit.now), parse_funding(bytes, &Asset::btc(), &visit));
            }
        }
    }
}
