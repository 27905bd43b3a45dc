//! Yahoo's chart pages: daily bars of stock indices, metals, oil, the volatility and the dollar
//! index. Unofficial, without a contract, off unless it is switched on.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::feed::trading_day_cadence;
use super::runner::{Entry, Feed};
use super::settings::{asset, static_url};
use super::wire::{Seconds, from_json, row};
use super::{FetchError, History, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};
use crate::domain::{Asset, Bar, Metric, Observation, Period, SeriesKey, Source, SourceInfo, SourceKind};

const DAY_MS: i64 = Period::DAY.ms();

/// What is read: Yahoo's symbol, our asset, and whether the history is spliced from contracts that
/// replace each other.
const SYMBOLS: [(&str, &str, bool); 7] = [
    ("^GSPC", "sp500", false),
    ("^IXIC", "nasdaq", false),
    ("^VIX", "vix", false),
    ("DX-Y.NYB", "dxy", false),
    ("GC=F", "gold", true),
    ("SI=F", "silver", true),
    ("CL=F", "wti", true),
];

/// Configuration of the Yahoo feed, `[ingest.yahoo]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct YahooConfig {
    /// Whether the feed runs. The pages are unofficial; their terms are yours to check. Default: false.
    pub enabled: bool,
    /// Base address. Default: `https://query1.finance.yahoo.com`.
    pub url: Url,
    /// How many days are read back. Default: 3650.
    pub history_days: u32,
}

impl Default for YahooConfig {
    fn default() -> Self {
        Self { enabled: false, url: static_url("https://query1.finance.yahoo.com"), history_days: 3_650 }
    }
}

/// `chart.result[0]`: parallel lists, one place a bar.
#[derive(Deserialize)]
struct Chart {
    meta: Meta,
    /// Opening of the exchange or midnight in New York, seconds.
    #[serde(default)]
    timestamp: Vec<Seconds>,
    indicators: Indicators,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    /// The exchange's time zone; the `gmtoffset` beside it is only that of today.
    #[serde(default)]
    exchange_timezone_name: String,
}

#[derive(Deserialize)]
struct Indicators {
    quote: Vec<Quote>,
}

/// Prices in the currency of the exchange, single-precision; `null` where there is no bar.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Quote {
    open: Vec<Option<f64>>,
    high: Vec<Option<f64>>,
    low: Vec<Option<f64>>,
    close: Vec<Option<f64>>,
}

/// The feed of Yahoo as configured.
#[must_use]
pub fn entries(config: &YahooConfig) -> Vec<Entry> {
    let off = (!config.enabled).then(|| "unofficial, off unless ingest.yahoo.enabled is set".to_owned());
    super::settings::entries([Feed::Polled(chart_feed(config))], off)
}

fn chart_feed(config: &YahooConfig) -> PolledFeed {
    let info = SourceInfo {
        source: source(),
        kind: SourceKind::Publisher,
        note: "unofficial; gold, silver and oil are front futures whose history jumps where one contract replaces another"
            .to_owned(),
    };
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "yahoo-daily", info, cadence: trading_day_cadence() },
        schedule: Schedule::every(Duration::from_hours(6)).after(Duration::from_mins(15)),
        cursor_series: SYMBOLS.iter().map(|(_, symbol, _)| key(&asset(symbol))).collect(),
        questions: Box::new(move |visit| SYMBOLS.iter().map(|symbol| question(&config, *symbol, *visit)).collect()),
        history: Some(History::SingleRequest),
    }
}

fn question(config: &YahooConfig, symbol: (&str, &'static str, bool), visit: PollContext) -> Result<PollRequest, FetchError> {
    let (name, ours, spliced) = symbol;
    let from = visit.from(7 * DAY_MS, i64::from(config.history_days) * DAY_MS);
    let query = [
        ("interval", "1d".to_owned()),
        ("period1", (from.unix_ms() / 1_000).to_string()),
        ("period2", (visit.now.unix_ms() / 1_000).to_string()),
    ];
    let path = format!("v8/finance/chart/{}", name.replace('^', "%5E"));
    let request = Request::get(&config.url, &path, &query)?;
    let asset = asset(ours);
    Ok(PollRequest::new(request, move |body| parse_chart(body, &asset, spliced, &visit)))
}

/// Reads an answer of `/v8/finance/chart/`: bars of the trading days that are over, in the exchange's
/// own calendar.
///
/// The history of a `spliced` future is re-based when its contract changes, so what was read first
/// stays: only days after the last visit are taken.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_chart(body: &[u8], asset: &Asset, spliced: bool, visit: &PollContext) -> Result<Parsed, ParseError> {
    let answer: Value = from_json(body)?;
    let error = answer.pointer("/chart/error").filter(|error| !error.is_null());
    if let Some(error) = error {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        return Err(ParseError::Upstream { code: text("code"), message: text("description") });
    }
    let malformed = |reason: String| ParseError::Malformed { expected: "Yahoo chart", reason };
    let chart = answer.pointer("/chart/result/0").ok_or_else(|| malformed("it has no result".to_owned()))?;
    let chart: Chart = row(chart).map_err(malformed)?;
    // Openings and midnights of American exchanges fall on the same date in UTC; others' may not.
    if !chart.meta.exchange_timezone_name.starts_with("America/") {
        return Err(malformed(format!("the time zone `{}` is not American", chart.meta.exchange_timezone_name)));
    }
    let quote = chart.indicators.quote.first().ok_or_else(|| malformed("it has no quotes".to_owned()))?;
    let mut parsed = Parsed::new(source());
    for (place, stamp) in chart.timestamp.iter().enumerate() {
        let day = stamp.0.day_start();
        let end = day.plus_days(1);
        let taken_before = spliced && visit.seen_until.is_some_and(|seen| end <= seen);
        if end > visit.now || taken_before {
            continue;
        }
        match quote.bar(place) {
            Ok(Some(value)) => {
                parsed.batch.push_candle(key(asset), Observation { observed_at: day, knowledge: visit.knowledge(end), value });
            }
            Ok(None) => {}
            Err(reason) => parsed.refuse(key(asset).to_string(), day, reason),
        }
    }
    Ok(parsed)
}

impl Quote {
    /// The bar at a place; `None` where a price is missing.
    fn bar(&self, place: usize) -> Result<Option<Bar>, String> {
        let price = |list: &[Option<f64>]| list.get(place).copied().flatten().map(without_noise);
        let prices = (price(&self.open), price(&self.high), price(&self.low), price(&self.close));
        let (Some(open), Some(high), Some(low), Some(close)) = prices else { return Ok(None) };
        Bar::new(open, high, low, close, None).map(Some).map_err(|error| error.to_string())
    }
}

/// The shortest decimal that a single-precision number stands for: 5460.47998046875 was 5460.48.
fn without_noise(value: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "the publisher's numbers are single-precision")]
    let single = value as f32;
    single.to_string().parse().unwrap_or(value)
}

fn key(asset: &Asset) -> SeriesKey {
    SeriesKey::new(Metric::Candle, asset.clone(), source(), Period::DAY)
}

fn source() -> Source {
    super::settings::source("yahoo")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use proptest::prelude::*;

    fn chart(zone: &str, stamps: &str, prices: &str) -> String {
        format!(
            r#"{{"chart":{{"error":null,"result":[{{"meta":{{"exchangeTimezoneName":"{zone}"}},"timestamp":[{stamps}],
            "indicators":{{"quote":[{{"open":[{prices}],"high":[{prices}],"low":[{prices}],"close":[{prices}]}}]}}}}]}}}}"#
        )
    }

    fn closes(body: &str, spliced: bool, seen_until: Option<&str>) -> Vec<(String, f64)> {
        let at = |text: &str| text.parse().unwrap();
        let visit = PollContext { seen_until: seen_until.map(at), now: at("2026-02-04T18:00:00Z") };
        let parsed = parse_chart(body.as_bytes(), &asset("gold"), spliced, &visit).unwrap();
        parsed.batch.candles.values().flatten().map(|row| (row.observed_at.date().to_string(), row.value.close)).collect()
    }

    /// Openings in New York of 2026-02-02, 03 and 04, the last of them still trading.
    const STAMPS: &str = "1770042600,1770129000,1770215400";

    #[test]
    fn noise_is_taken_off_empty_bars_are_passed_over_and_the_running_day_too() {
        let body = chart("America/New_York", STAMPS, "5460.47998046875,null,1");
        assert_eq!(closes(&body, false, None), [("2026-02-02".to_owned(), 5_460.48)]);
    }

    #[test]
    fn what_was_read_of_a_spliced_future_stays() {
        let body = chart("America/New_York", STAMPS, "1,2,3");
        assert_eq!(closes(&body, true, Some("2026-02-03T12:00:00Z")), [("2026-02-03".to_owned(), 2.0)]);
    }

    #[test]
    fn an_exchange_elsewhere_is_not_guessed_at() {
        let visit = PollContext { seen_until: None, now: Timestamp::default() };
        assert!(parse_chart(chart("Asia/Tokyo", STAMPS, "1,2,3").as_bytes(), &asset("gold"), false, &visit).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, stamps in "([0-9]{0,12},?){0,4}", prices in "((null|[0-9.-]{1,9}),?){0,4}") {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let wrapped = chart("America/New_York", &stamps, &prices);
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = parse_chart(bytes, &Asset::btc(), true, &visit);
            }
        }
    }
}
