use std::time::Duration;

use super::config::OkxConfig;
use super::margin::Margin;
use super::{info, rows};
use crate::domain::{Cadence, Period, SeriesKey};
use crate::ingest::candle_row::CandleRow;
use crate::ingest::candles::{CandleLayout, CandlePage, CandlePlan, read_candles};
use crate::ingest::{FetchError, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};

/// As many candles as every method answers with.
const PAGE: i64 = 100;
/// How many of the latest candles the live method knows.
const LATEST: i64 = 1_440;
/// Half of the 20 questions that are allowed in two seconds.
const SPACING: Duration = Duration::from_millis(200);

/// Hourly and daily candles of the USDT swaps.
#[must_use]
pub fn candle_feed(config: &OkxConfig) -> PolledFeed {
    let plan = CandlePlan::of_days_and_hours(
        Margin::Usdt.source(),
        &config.assets,
        [config.day_history_days, config.hour_history_days],
        PAGE,
    );
    let profile = Profile { name: "okx-candles", info: info(Margin::Usdt), cadence: Cadence::every(Period::HOUR.ms()) };
    let schedule = Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(8));
    let config = config.clone();
    plan.feed(profile, schedule, SPACING, move |page, visit| question(&config, page, visit))
}

fn question(config: &OkxConfig, page: CandlePage, visit: PollContext) -> Result<PollRequest, FetchError> {
    // A plain `1D` is cut at midnight in Hong Kong.
    let bar = if page.series.period == Period::DAY { "1Dutc" } else { "1H" };
    let is_late = visit.now.ms_since(page.from) / page.series.period.ms() < LATEST;
    let path = if is_late { "api/v5/market/candles" } else { "api/v5/market/history-candles" };
    let query = [
        ("instId", Margin::Usdt.swap(&page.series.asset)),
        ("bar", bar.to_owned()),
        // `after` asks for older rows than that and `before` for newer ones.
        ("after", page.until.unix_ms().to_string()),
        ("before", page.from.plus_ms(-1).unix_ms().to_string()),
        ("limit", PAGE.to_string()),
    ];
    let request = Request::get(&config.rest_url, path, &query)?;
    Ok(PollRequest::new(request, move |body| parse_candles(body, &page.series, &visit)))
}

/// Reads an answer of `/api/v5/market/candles` or `/api/v5/market/history-candles` for a swap into
/// candles of `series`. A candle the venue has not confirmed is left out.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_candles(body: &[u8], series: &SeriesKey, visit: &PollContext) -> Result<Parsed, ParseError> {
    // Field 5 counts contracts, field 6 coins.
    let layout = CandleLayout { volume: 6, confirmed: Some(8) };
    let rows: Vec<CandleRow> = rows(body)?.iter().map(CandleRow::from).collect();
    Ok(read_candles(&rows, layout, 1.0, series, visit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Asset, Timestamp};
    use proptest::prelude::*;

    fn read(rows: &str, now: &str) -> Parsed {
        let body = format!(r#"{{"code":"0","msg":"","data":[{rows}]}}"#);
        let visit = PollContext { seen_until: None, now: now.parse().unwrap() };
        parse_candles(body.as_bytes(), &"candle.btc@okx:1h".parse().unwrap(), &visit).unwrap()
    }

    #[test]
    fn an_unconfirmed_candle_is_not_final_however_old_and_amounts_are_coins() {
        let parsed = read(
            r#"["1770192000000","3","3","3","3","100","1","3","0"], ["1770188400000","2","4","1","3","500","5","10","1"], ["x"]"#,
            "2026-02-05",
        );
        let candles = parsed.batch.candles.values().next().unwrap();
        assert_eq!(candles.iter().map(|row| row.observed_at.to_string()).collect::<Vec<_>>(), ["2026-02-04T07:00:00Z"]);
        assert_eq!(candles[0].value.volume, Some(5.0));
        assert_eq!(parsed.refused.len(), 1);
        assert!(read("", "2026-02-05").batch.is_empty());
    }

    #[test]
    fn a_refusal_inside_a_good_status_is_an_error() {
        let visit = PollContext { seen_until: None, now: Timestamp::default() };
        let body = br#"{"code":"51001","msg":"Instrument ID does not exist","data":[]}"#;
        assert!(matches!(parse_candles(body, &"candle.btc@okx:1h".parse().unwrap(), &visit), Err(ParseError::Upstream { .. })));
    }

    #[test]
    fn days_are_cut_at_utc_and_old_ones_asked_of_the_archive() {
        let config = OkxConfig { assets: vec![Asset::btc()], day_history_days: 2_000, ..OkxConfig::default() };
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:10:00Z".parse().unwrap() };
        let asked = (candle_feed(&config).questions)(&visit).unwrap();
        let days: Vec<_> = asked.iter().map(|it| it.request.url.as_str()).filter(|url| url.contains("bar=1Dutc")).collect();
        assert!(days[0].contains("market/history-candles") && days.last().unwrap().contains("market/candles"), "{days:?}");
        assert!(asked.iter().all(|it| !it.request.url.as_str().contains("bar=1D&")));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\[(\"[0-9.e-]{0,15}\",?){0,9}\\],?){0,3}") {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let wrapped = format!(r#"{{"code":"0","data":[{rows}]}}"#);
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = parse_candles(bytes, &"candle.btc@okx:1h".parse().unwrap(), &visit);
            }
        }
    }
}
