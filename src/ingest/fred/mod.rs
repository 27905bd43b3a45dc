//! FRED (with a free key): daily closes of stock indices, the volatility index and oil.

use std::time::Duration;

use chrono::{Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::runner::{Entry, Feed};
use super::settings::{UpstreamKey, asset, static_url};
use super::wire::{Day, from_json, row};
use super::{FetchError, History, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};
use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, Source, SourceInfo, SourceKind, Timestamp};

const DAY_MS: i64 = Period::DAY.ms();

/// The series that are read: FRED's id, our asset, and the business days until it is published.
const SERIES: [(&str, &str, u32); 4] =
    [("SP500", "sp500", 1), ("NASDAQCOM", "nasdaq", 1), ("VIXCLS", "vix", 1), ("DCOILWTICO", "wti", 5)];

/// Configuration of the FRED feed, `[ingest.fred]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FredConfig {
    /// Whether the feed runs when there is a key. Default: true.
    pub enabled: bool,
    /// Base address. Default: `https://api.stlouisfed.org`.
    pub url: Url,
    /// The key, free of charge. Default: none.
    pub api_key: UpstreamKey,
    /// How many days are read back; stock indices reach back ten years. Default: 3650.
    pub history_days: u32,
}

impl Default for FredConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            url: static_url("https://api.stlouisfed.org"),
            api_key: UpstreamKey::default(),
            history_days: 3_650,
        }
    }
}

/// A row of `/fred/series/observations`.
#[derive(Deserialize)]
struct Reading {
    /// Trading day.
    date: Day,
    /// A number as text, or `.` on a holiday.
    value: String,
}

/// The feed of FRED as configured; it runs only with a key.
#[must_use]
pub fn entries(config: &FredConfig) -> Vec<Entry> {
    let off = super::settings::off_without_key(config.enabled, &config.api_key, "fred");
    super::settings::entries([Feed::Polled(closes_feed(config))], off)
}

fn closes_feed(config: &FredConfig) -> PolledFeed {
    let info = SourceInfo {
        source: source(),
        kind: SourceKind::Publisher,
        note: "daily closes, published on the next business day and oil within a week".to_owned(),
    };
    let cadence = Cadence { expected_every_ms: DAY_MS, late_after_ms: 6 * DAY_MS, stale_after_ms: 10 * DAY_MS };
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "fred-closes", info, cadence },
        schedule: Schedule::every(Duration::from_hours(6)).after(Duration::from_mins(10)),
        cursor_series: SERIES.iter().map(|(_, symbol, _)| key(&asset(symbol))).collect(),
        questions: Box::new(move |visit| SERIES.iter().map(|series| question(&config, *series, *visit)).collect()),
        history: Some(History::SingleRequest),
    }
}

fn question(config: &FredConfig, series: (&str, &'static str, u32), visit: PollContext) -> Result<PollRequest, FetchError> {
    let (id, symbol, lag_days) = series;
    let from = visit.from(14 * DAY_MS, i64::from(config.history_days) * DAY_MS);
    let query = [
        ("series_id", id.to_owned()),
        ("api_key", config.api_key.expose().unwrap_or_default().to_owned()),
        ("file_type", "json".to_owned()),
        ("observation_start", from.date().to_string()),
    ];
    let request = Request::get(&config.url, "fred/series/observations", &query)?.unless_unchanged();
    let asset = asset(symbol);
    Ok(PollRequest::new(request, move |body| parse_observations(body, &asset, lag_days, &visit)))
}

/// Reads an answer of `/fred/series/observations` into closes of `asset`, each known `lag_days`
/// business days later at 13:00 UTC where nobody saw it appear. Holidays give no row.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_observations(body: &[u8], asset: &Asset, lag_days: u32, visit: &PollContext) -> Result<Parsed, ParseError> {
    let answer: Value = from_json(body)?;
    if let Some(code) = answer.get("error_code") {
        let message = answer.get("error_message").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Err(ParseError::Upstream { code: code.to_string(), message });
    }
    let Some(Value::Array(rows)) = answer.get("observations") else {
        return Err(ParseError::Malformed { expected: "FRED answer", reason: "it has no observations".to_owned() });
    };
    let mut parsed = Parsed::new(source());
    for value in rows {
        let reading = row::<Reading>(value).and_then(|reading| {
            let close = if matches!(reading.value.as_str(), "." | "") { None } else { Some(number(&reading.value)?) };
            Ok((reading.date.0, close))
        });
        match reading {
            Ok((date, Some(close))) => {
                let published = Timestamp::from_date(business_days_after(date, lag_days)).plus_ms(13 * Period::HOUR.ms());
                parsed.push(key(asset), Timestamp::from_date(date), visit.knowledge(published), close);
            }
            Ok((_, None)) => {}
            Err(reason) => parsed.refuse(key(asset).to_string(), visit.now, reason),
        }
    }
    Ok(parsed)
}

fn number(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(|| format!("`{text}` is no number"))
}

/// The day so many business days later; holidays are not known here and count as business days.
fn business_days_after(date: NaiveDate, days: u32) -> NaiveDate {
    let weekdays = date.iter_days().skip(1).filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
    weekdays.take(days as usize).last().unwrap_or(date)
}

fn key(asset: &Asset) -> SeriesKey {
    SeriesKey::new(Metric::Price, asset.clone(), source(), Period::INSTANT)
}

fn source() -> Source {
    super::settings::source("fred")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::KnownAtRule;
    use proptest::prelude::*;

    #[test]
    fn holidays_give_no_row_and_a_friday_is_known_on_monday() {
        let body = br#"{"observations":[{"date":"2026-01-30","value":"6900.5"},{"date":"2026-02-02","value":"."},{"date":"2026-02-03","value":"x"}]}"#;
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:00:00Z".parse().unwrap() };
        let parsed = parse_observations(body, &asset("sp500"), 1, &visit).unwrap();
        let rows = &parsed.batch.readings[&"price.sp500@fred".parse().unwrap()];
        assert_eq!((rows.len(), parsed.refused.len()), (1, 1));
        assert_eq!(rows[0].knowledge, KnownAtRule::AtPublication("2026-02-02T13:00:00Z".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, date in "[0-9-]{8,12}", value in "[0-9.eE-]{0,8}") {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let wrapped = format!(r#"{{"observations":[{{"date":"{date}","value":"{value}"}}]}}"#);
            let _ = (parse_observations(&body, &Asset::btc(), 1, &visit), parse_observations(wrapped.as_bytes(), &Asset::btc(), 1, &visit));
        }
    }
}
