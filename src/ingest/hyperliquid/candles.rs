use std::time::Duration;

use serde_json::{Value, json};

use super::config::HyperliquidConfig;
use super::rest::{SPACING, info, malformed, source};
use super::{coin, coins_per_unit, pause};
use crate::domain::{Cadence, Period, SeriesKey};
use crate::ingest::candle_row::CandleRow;
use crate::ingest::candles::{CandleLayout, CandlePage, CandlePlan, read_candles};
use crate::ingest::wire::from_json;
use crate::ingest::{FetchError, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};

/// How many candles one question asks for, and how many of them weigh one.
const PAGE: i64 = 1_000;
const CANDLES_PER_WEIGHT: u64 = 60;
/// How many days back hours and days are read: one question each, so that the first visit stays within
/// the rate limit.
const HOUR_DAYS: u32 = 40;
const DAY_DAYS: u32 = 990;
/// The fields of a candle in the order of a row: start, open, high, low, close, coins.
const FIELDS: [&str; 6] = ["t", "o", "h", "l", "c", "v"];

/// Hourly and daily candles of the perpetuals.
#[must_use]
pub fn candle_feed(config: &HyperliquidConfig) -> PolledFeed {
    let plan = CandlePlan::of_days_and_hours(source(), &config.assets, [DAY_DAYS, HOUR_DAYS], PAGE);
    let profile = Profile { name: "hyperliquid-candles", info: info(), cadence: Cadence::every(Period::HOUR.ms()) };
    let schedule = Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(10));
    let config = config.clone();
    plan.feed(profile, schedule, SPACING, move |page, visit| question(&config, page, visit))
}

fn question(config: &HyperliquidConfig, page: CandlePage, visit: PollContext) -> Result<PollRequest, FetchError> {
    let asked = json!({
        "coin": coin(&page.series.asset),
        "interval": page.series.period.to_string(),
        "startTime": page.from.unix_ms(),
        "endTime": page.until.plus_ms(-1).unix_ms(),
    });
    let request = Request::post(&config.url, "info", json!({"type": "candleSnapshot", "req": asked}))?;
    let request = request.pausing(pause(page.count(), CANDLES_PER_WEIGHT));
    Ok(PollRequest::new(request, move |body| parse_candles(body, &page.series, &visit)))
}

/// Reads an answer of `candleSnapshot` into candles of `series`, priced by the coin. The running candle, which comes last,
/// is left out.
///
/// # Errors
/// [`ParseError`] when the answer has another shape.
pub fn parse_candles(body: &[u8], series: &SeriesKey, visit: &PollContext) -> Result<Parsed, ParseError> {
    let Value::Array(candles) = from_json::<Value>(body)? else { return Err(malformed("it is no list of candles")) };
    let field = |candle: &Value, name| CandleRow::from(candle.get(name).unwrap_or(&Value::Null));
    let row = |candle| CandleRow::Fields(FIELDS.iter().map(|name| field(candle, name)).collect());
    let rows: Vec<_> = candles.iter().map(row).collect();
    Ok(read_candles(&rows, CandleLayout { volume: 5, confirmed: None }, coins_per_unit(&series.asset), series, visit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Asset, Timestamp};
    use proptest::prelude::*;

    fn read(body: &str) -> Result<Parsed, ParseError> {
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:10:00Z".parse().unwrap() };
        parse_candles(body.as_bytes(), &"candle.btc@hyperliquid:1h".parse().unwrap(), &visit)
    }

    #[test]
    fn the_last_candle_is_running_and_one_bad_row_does_not_stop_the_others() {
        let parsed = read(
            r#"[{"t":1770184800000,"o":"1"}, {"t":1770188400000,"T":1770191999999,"o":"2","h":"4","l":"1","c":"3","v":"5","n":1},
                {"t":1770192000000,"o":"3","h":"3","l":"3","c":"3","v":"0"}]"#,
        )
        .unwrap();
        let candles = parsed.batch.candles.values().next().unwrap();
        assert_eq!(candles.iter().map(|row| row.observed_at.to_string()).collect::<Vec<_>>(), ["2026-02-04T07:00:00Z"]);
        assert_eq!((candles[0].value.high.to_bits(), candles[0].value.volume), (4.0_f64.to_bits(), Some(5.0)));
        assert_eq!(parsed.refused.len(), 1);
    }

    #[test]
    fn a_contract_of_a_thousand_coins_is_priced_by_the_coin() {
        let body = r#"[{"t":1770188400000,"o":"20","h":"40","l":"10","c":"30","v":"5"}, {"t":1770192000000,"o":"1","h":"1","l":"1","c":"1","v":"0"}]"#;
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:10:00Z".parse().unwrap() };
        let parsed = parse_candles(body.as_bytes(), &"candle.pepe@hyperliquid:1h".parse().unwrap(), &visit).unwrap();
        let bar = parsed.batch.candles.values().next().unwrap()[0].value;
        assert_eq!((bar.close.to_bits(), bar.volume), (0.03_f64.to_bits(), Some(5_000.0)));
    }

    #[test]
    fn an_empty_list_is_no_error_and_another_shape_is_one() {
        assert!(read("[]").unwrap().batch.is_empty());
        assert!(read("null").is_err());
    }

    #[test]
    fn a_question_says_coin_interval_and_span() {
        let config = HyperliquidConfig { assets: vec![Asset::btc()], ..HyperliquidConfig::default() };
        let seen_until = Some("2026-02-04T07:05:00Z".parse().unwrap());
        let visit = PollContext { seen_until, now: "2026-02-04T08:10:00Z".parse().unwrap() };
        let asked = (candle_feed(&config).questions)(&visit).unwrap();
        let hours = asked.last().unwrap().request.body.as_ref().unwrap();
        assert_eq!(hours["req"]["interval"], "1h");
        assert_eq!((&hours["type"], &hours["req"]["coin"]), (&"candleSnapshot".into(), &"BTC".into()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"[tohlcv]\":\"?[0-9.e-]{0,14}\"?,?){0,6}\\},?){0,3}") {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let wrapped = format!("[{rows}]");
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = parse_candles(bytes, &"candle.btc@hyperliquid:1h".parse().unwrap(), &visit);
            }
        }
    }
}
