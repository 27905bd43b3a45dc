//! DefiLlama: the value of all stablecoins in circulation, one number a day.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::runner::{Entry, Feed};
use super::settings::static_url;
use super::wire::{Decimal, Seconds, from_json, row};
use super::{History, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};
use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, Source, SourceInfo, SourceKind};

const DAY_MS: i64 = Period::DAY.ms();

/// Configuration of the DefiLlama feed, `[ingest.defillama]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DefiLlamaConfig {
    /// Whether the feed runs. Default: true.
    pub enabled: bool,
    /// Base address of the stablecoin interface. Default: `https://stablecoins.llama.fi`.
    pub url: Url,
}

impl Default for DefiLlamaConfig {
    fn default() -> Self {
        Self { enabled: true, url: static_url("https://stablecoins.llama.fi") }
    }
}

/// One day of `/stablecoincharts/all`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    /// Seconds since 1970; text on this path, a number on others.
    date: Seconds,
    /// USD by what the coins are pegged to.
    #[serde(rename = "totalCirculatingUSD")]
    circulating_usd: BTreeMap<String, Decimal>,
}

/// The feed of DefiLlama as configured.
#[must_use]
pub fn entries(config: &DefiLlamaConfig) -> Vec<Entry> {
    super::settings::entries([Feed::Polled(supply_feed(config))], super::settings::switched_off(config.enabled, "defillama"))
}

/// Every visit reads the whole history: the upstream offers no part of it.
fn supply_feed(config: &DefiLlamaConfig) -> PolledFeed {
    let info = SourceInfo {
        source: source(),
        kind: SourceKind::Aggregator,
        note: "stablecoins that DefiLlama tracks, of every peg, valued in USD".to_owned(),
    };
    let config = config.clone();
    // A day is published when it is over.
    let cadence = Cadence { expected_every_ms: DAY_MS, late_after_ms: 3 * DAY_MS, stale_after_ms: 7 * DAY_MS };
    PolledFeed {
        profile: Profile { name: "defillama-stablecoins", info, cadence },
        schedule: Schedule::every(Duration::from_hours(6)).after(Duration::from_mins(20)),
        cursor_series: vec![key()],
        questions: Box::new(move |visit| {
            let visit = *visit;
            let request = Request::get(&config.url, "stablecoincharts/all", &[])?;
            Ok(vec![PollRequest::new(request, move |body| parse_supply(body, &visit))])
        }),
        history: Some(History::SingleRequest),
    }
}

/// Reads an answer of `/stablecoincharts/all`: the value of all pegs together. The day that is not
/// over yet is left out.
///
/// # Errors
/// [`ParseError`] when the answer has another shape.
pub fn parse_supply(body: &[u8], visit: &PollContext) -> Result<Parsed, ParseError> {
    let Value::Array(rows) = from_json::<Value>(body)? else {
        return Err(ParseError::Malformed { expected: "list of days", reason: "it is no list".to_owned() });
    };
    let mut parsed = Parsed::new(source());
    for value in &rows {
        match row::<Day>(value) {
            Ok(day) => {
                let start = day.date.0.day_start();
                let end = start.plus_days(1);
                if end <= visit.now {
                    let usd = day.circulating_usd.values().map(|usd| usd.0).sum();
                    parsed.push(key(), start, visit.knowledge(end), usd);
                }
            }
            Err(reason) => parsed.refuse(key().to_string(), visit.now, reason),
        }
    }
    Ok(parsed)
}

fn key() -> SeriesKey {
    SeriesKey::new(Metric::StablecoinSupply, Asset::total(), source(), Period::DAY)
}

fn source() -> Source {
    super::settings::source("defillama")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn pegs_are_added_dates_come_as_text_or_number_and_the_running_day_is_left_out() {
        let body = br#"[{"date":"1770076800","totalCirculatingUSD":{"peggedUSD":300,"peggedEUR":2.5}},
            {"date":1770163200,"totalCirculatingUSD":{"peggedUSD":301}},{"date":"1770076800"}]"#;
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:00:00Z".parse().unwrap() };
        let parsed = parse_supply(body, &visit).unwrap();
        let rows = &parsed.batch.readings[&key()];
        assert_eq!(
            rows.iter().map(|row| (row.observed_at.to_string(), row.value)).collect::<Vec<_>>(),
            [("2026-02-03T00:00:00Z".to_owned(), 302.5)]
        );
        assert_eq!(parsed.refused.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, date in "\"?-?[0-9]{0,30}\"?") {
            let wrapped = format!(r#"[{{"date":{date},"totalCirculatingUSD":{{"x":1}}}}]"#);
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let _ = (parse_supply(&body, &visit), parse_supply(wrapped.as_bytes(), &visit));
        }
    }
}
