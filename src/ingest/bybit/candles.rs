use std::time::Duration;

use super::config::BybitConfig;
use super::{SPACING, coins_per_unit, info, list, perpetual, source};
use crate::domain::{Cadence, Period, SeriesKey};
use crate::ingest::candle_row::CandleRow;
use crate::ingest::candles::{CandleLayout, CandlePage, CandlePlan, read_candles};
use crate::ingest::{FetchError, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};

/// The most candles of one answer.
const PAGE: i64 = 1_000;

/// Hourly and daily candles of the USDT perpetuals.
#[must_use]
pub fn candle_feed(config: &BybitConfig) -> PolledFeed {
    let plan = CandlePlan::of_days_and_hours(source(), &config.assets, [config.day_history_days, config.hour_history_days], PAGE);
    let profile = Profile { name: "bybit-candles", info: info(), cadence: Cadence::every(Period::HOUR.ms()) };
    let schedule = Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(6));
    let config = config.clone();
    plan.feed(profile, schedule, SPACING, move |page, visit| question(&config, page, visit))
}

fn question(config: &BybitConfig, page: CandlePage, visit: PollContext) -> Result<PollRequest, FetchError> {
    let interval = if page.series.period == Period::DAY { "D" } else { "60" };
    let query = [
        ("category", "linear".to_owned()),
        ("symbol", perpetual(&page.series.asset)),
        ("interval", interval.to_owned()),
        ("start", page.from.unix_ms().to_string()),
        ("end", page.until.plus_ms(-1).unix_ms().to_string()),
        ("limit", page.count().to_string()),
    ];
    let request = Request::get(&config.rest_url, "v5/market/kline", &query)?;
    Ok(PollRequest::new(request, move |body| parse_klines(body, &page.series, &visit)))
}

/// Reads an answer of `/v5/market/kline` for the USDT perpetual of a coin into candles of `series`, priced by the coin. The running candle, which comes first, is left out.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_klines(body: &[u8], series: &SeriesKey, visit: &PollContext) -> Result<Parsed, ParseError> {
    // Field 5 is in units of the symbol; on inverse contracts it would be in USD.
    let layout = CandleLayout { volume: 5, confirmed: None };
    let rows: Vec<CandleRow> = list(body)?.rows.iter().map(CandleRow::from).collect();
    Ok(read_candles(&rows, layout, coins_per_unit(&series.asset), series, visit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use proptest::prelude::*;

    fn answer(rows: &str) -> String {
        format!(r#"{{"retCode":0,"retMsg":"OK","result":{{"list":[{rows}]}},"time":1770192000000}}"#)
    }

    fn read(body: &str) -> Result<Parsed, ParseError> {
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:10:00Z".parse().unwrap() };
        parse_klines(body.as_bytes(), &"candle.btc@bybit:1h".parse().unwrap(), &visit)
    }

    #[test]
    fn the_newest_candle_comes_first_and_is_still_running() {
        let body = answer(
            r#"["1770192000000","3","3","3","3","1","3"], ["1770188400000","2","4","1","3","5","10"], ["1770184800000","2","1","4","3","5","10"]"#,
        );
        let parsed = read(&body).unwrap();
        let candles = parsed.batch.candles.values().next().unwrap();
        assert_eq!(candles.iter().map(|row| row.observed_at.to_string()).collect::<Vec<_>>(), ["2026-02-04T07:00:00Z"]);
        assert_eq!((candles[0].value.close.to_bits(), candles[0].value.volume), (3.0_f64.to_bits(), Some(5.0)));
        assert_eq!(parsed.refused.len(), 1, "a high below its low");
    }

    #[test]
    fn a_perpetual_of_a_thousand_coins_is_priced_by_the_coin() {
        let body = answer(r#"["1770192000000","3","3","3","3","1","3"], ["1770188400000","20","40","10","30","5","10"]"#);
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:10:00Z".parse().unwrap() };
        let parsed = parse_klines(body.as_bytes(), &"candle.shib@bybit:1h".parse().unwrap(), &visit).unwrap();
        let bar = parsed.batch.candles.values().next().unwrap()[0].value;
        assert_eq!((bar.close.to_bits(), bar.volume), (0.03_f64.to_bits(), Some(5_000.0)));
    }

    #[test]
    fn an_empty_list_is_no_error_and_a_refusal_is_one() {
        assert!(read(&answer("")).unwrap().batch.is_empty());
        let refusal = r#"{"retCode":10001,"retMsg":"params error","result":{},"time":1770192000000}"#;
        assert!(matches!(read(refusal), Err(ParseError::Upstream { .. })));
    }

    #[test]
    fn days_and_hours_are_asked_for_in_the_venues_words() {
        let config = BybitConfig { assets: vec![crate::domain::Asset::btc()], ..BybitConfig::default() };
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:10:00Z".parse().unwrap() };
        let asked = (candle_feed(&config).questions)(&visit).unwrap();
        let queries: Vec<_> = asked.iter().map(|question| question.request.url.query().unwrap_or_default()).collect();
        assert!(queries[0].starts_with("category=linear&symbol=BTCUSDT&interval=D&start="), "{queries:?}");
        assert!(queries.last().unwrap().contains("interval=60"), "{queries:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\[(\"[0-9.e-]{0,15}\",?){0,7}\\],?){0,3}") {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let series = "candle.btc@bybit:1h".parse().unwrap();
            for bytes in [body.as_slice(), answer(&rows).as_bytes()] {
                let _ = parse_klines(bytes, &series, &visit);
            }
        }
    }
}
