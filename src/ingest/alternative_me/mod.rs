//! alternative.me: the Fear and Greed index, one number a day.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::runner::{Entry, Feed};
use super::settings::static_url;
use super::wire::{Decimal, Seconds, from_json, row};
use super::{FetchError, History, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};
use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, Source, SourceInfo, SourceKind};

const DAY_MS: i64 = Period::DAY.ms();

/// Configuration of the alternative.me feed, `[ingest.alternative_me]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlternativeMeConfig {
    /// Whether the feed runs. Default: true.
    pub enabled: bool,
    /// Base address. Default: `https://api.alternative.me`.
    pub url: Url,
}

impl Default for AlternativeMeConfig {
    fn default() -> Self {
        Self { enabled: true, url: static_url("https://api.alternative.me") }
    }
}

/// One day of the index.
#[derive(Deserialize)]
struct Reading {
    /// 0 (fear) to 100 (greed).
    value: Decimal,
    /// Seconds since 1970, as text; not always at 00:00 UTC.
    timestamp: Seconds,
}

/// The feed of alternative.me as configured.
#[must_use]
pub fn entries(config: &AlternativeMeConfig) -> Vec<Entry> {
    super::settings::entries([Feed::Polled(index_feed(config))], super::settings::switched_off(config.enabled, "alternative_me"))
}

/// The index, published at 00:00 UTC.
fn index_feed(config: &AlternativeMeConfig) -> PolledFeed {
    let info = SourceInfo {
        source: source(),
        kind: SourceKind::Publisher,
        note: "Fear and Greed index by alternative.me; a few days of its history are missing".to_owned(),
    };
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "alternative_me-fear-greed", info, cadence: Cadence::every(DAY_MS) },
        schedule: Schedule::every(Duration::from_hours(6)).busier(0, 2, Duration::from_mins(30)).after(Duration::from_mins(3)),
        cursor_series: vec![key()],
        questions: Box::new(move |visit| question(&config, *visit).map(|question| vec![question])),
        history: Some(History::SingleRequest),
    }
}

/// Everything on the first visit (`limit=0`), then the days since the last one and a few more.
fn question(config: &AlternativeMeConfig, visit: PollContext) -> Result<PollRequest, FetchError> {
    let days = visit.seen_until.map_or(0, |seen| visit.now.ms_since(seen) / DAY_MS + 5);
    let query = [("limit", days.to_string()), ("format", "json".to_owned())];
    let request = Request::get(&config.url, "fng/", &query)?.unless_unchanged();
    Ok(PollRequest::new(request, move |body| parse_index(body, &visit)))
}

/// Reads an answer of `/fng/`; a reading belongs to the UTC day its stamp falls on.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_index(body: &[u8], visit: &PollContext) -> Result<Parsed, ParseError> {
    let answer: Value = from_json(body)?;
    if let Some(message) = answer.pointer("/metadata/error").and_then(Value::as_str) {
        return Err(ParseError::Upstream { code: "unnamed".to_owned(), message: message.to_owned() });
    }
    let Some(Value::Array(rows)) = answer.get("data") else {
        return Err(ParseError::Malformed { expected: "list of readings", reason: "it has no data".to_owned() });
    };
    let mut parsed = Parsed::new(source());
    for value in rows {
        match row::<Reading>(value) {
            Ok(reading) => {
                let day = reading.timestamp.0.day_start();
                parsed.push(key(), day, visit.knowledge(day), reading.value.0);
            }
            Err(reason) => parsed.refuse(key().to_string(), visit.now, reason),
        }
    }
    Ok(parsed)
}

fn key() -> SeriesKey {
    SeriesKey::new(Metric::FearGreed, Asset::total(), source(), Period::INSTANT)
}

fn source() -> Source {
    super::settings::source("alternative_me")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn a_stamp_within_the_day_is_floored_and_a_bad_row_does_not_stop_the_others() {
        let body = br#"{"data":[{"value":"40","timestamp":"1551157200","time_until_update":"68499"},{"value":"x","timestamp":"1"}],"metadata":{"error":null}}"#;
        let visit = PollContext { seen_until: None, now: "2026-02-04".parse().unwrap() };
        let parsed = parse_index(body, &visit).unwrap();
        let rows = &parsed.batch.readings[&key()];
        assert_eq!((rows[0].observed_at.to_string(), rows[0].value), ("2019-02-26T00:00:00Z".to_owned(), 40.0));
        assert_eq!(parsed.refused.len(), 1);
    }

    #[test]
    fn an_error_beside_the_data_is_an_error() {
        let body = br#"{"data":[],"metadata":{"error":"limit must be a number"}}"#;
        let visit = PollContext { seen_until: None, now: Timestamp::default() };
        assert!(matches!(parse_index(body, &visit), Err(ParseError::Upstream { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, stamp in "-?[0-9]{0,30}") {
            let wrapped = format!(r#"{{"data":[{{"value":"1","timestamp":"{stamp}"}}]}}"#);
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let _ = (parse_index(&body, &visit), parse_index(wrapped.as_bytes(), &visit));
        }
    }
}
