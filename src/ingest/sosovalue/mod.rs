//! SoSoValue (with a key): net flow and assets of all US spot funds on a coin together.

use std::time::Duration;

use reqwest::header::HeaderName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::feed::trading_day_cadence;
use super::runner::{Entry, Feed};
use super::settings::{UpstreamKey, asset, static_url};
use super::wire::{self, Decimal, from_json, optional, row};
use super::{FetchError, History, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};
use crate::domain::{Asset, Metric, Period, SeriesKey, Source, SourceInfo, SourceKind, Timestamp};

/// The coins whose funds are read.
const COINS: [&str; 3] = ["btc", "eth", "sol"];

/// Configuration of the SoSoValue feed, `[ingest.sosovalue]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SoSoValueConfig {
    /// Whether the feed runs when there is a key. Default: true.
    pub enabled: bool,
    /// Base address. Default: `https://openapi.sosovalue.com`.
    pub url: Url,
    /// The key. Default: none.
    pub api_key: UpstreamKey,
}

impl Default for SoSoValueConfig {
    fn default() -> Self {
        Self { enabled: true, url: static_url("https://openapi.sosovalue.com"), api_key: UpstreamKey::default() }
    }
}

/// One trading day, in the words of both versions of the interface.
#[derive(Deserialize)]
struct Day {
    date: wire::Day,
    /// USD.
    #[serde(alias = "totalNetInflow")]
    total_net_inflow: Decimal,
    /// USD.
    #[serde(default, alias = "totalNetAssets", deserialize_with = "optional")]
    total_net_assets: Option<f64>,
}

/// The feed of SoSoValue as configured; it runs only with a key.
#[must_use]
pub fn entries(config: &SoSoValueConfig) -> Vec<Entry> {
    let off = super::settings::off_without_key(config.enabled, &config.api_key, "sosovalue");
    super::settings::entries([Feed::Polled(flow_feed(config))], off)
}

fn flow_feed(config: &SoSoValueConfig) -> PolledFeed {
    let info = SourceInfo {
        source: source(),
        kind: SourceKind::Publisher,
        note: "sums over all funds, of the latest month only; differs from other publishers by tens of millions on some days"
            .to_owned(),
    };
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "sosovalue-etf-flows", info, cadence: trading_day_cadence() },
        schedule: Schedule::every(Duration::from_hours(2)).after(Duration::from_mins(6)),
        cursor_series: COINS.iter().map(|coin| key(Metric::EtfFlow, &asset(coin))).collect(),
        questions: Box::new(move |visit| COINS.iter().map(|coin| question(&config, coin, *visit)).collect()),
        history: Some(History::SingleRequest),
    }
}

fn question(config: &SoSoValueConfig, coin: &'static str, visit: PollContext) -> Result<PollRequest, FetchError> {
    let query = [("symbol", coin.to_ascii_uppercase()), ("country_code", "US".to_owned()), ("limit", "300".to_owned())];
    let request = Request::get(&config.url, "openapi/v1/etfs/summary-history", &query)?
        .with_key(HeaderName::from_static("x-soso-api-key"), config.api_key.expose().unwrap_or_default())
        .unless_unchanged();
    let asset = asset(coin);
    Ok(PollRequest::new(request, move |body| parse_summary(body, &asset, &visit)))
}

/// Reads a history of sums, as a bare list or in either envelope of the interface.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_summary(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let answer: Value = from_json(body)?;
    if let Some(code) = answer.get("code").filter(|code| code.as_i64() != Some(0)) {
        let message = answer.get("msg").or_else(|| answer.get("message")).and_then(Value::as_str).unwrap_or_default().to_owned();
        return Err(ParseError::Upstream { code: code.to_string(), message });
    }
    let data = answer.get("data").unwrap_or(&answer);
    let Value::Array(rows) = data.get("list").unwrap_or(data) else {
        return Err(ParseError::Malformed { expected: "SoSoValue answer", reason: "it has no list of days".to_owned() });
    };
    let mut parsed = Parsed::new(source());
    for value in rows {
        match row::<Day>(value) {
            Ok(day) => {
                let at = Timestamp::from_date(day.date.0);
                let flow = key(Metric::EtfFlow, asset);
                let knowledge = visit.knowledge(at.plus_ms(flow.publication_lag_ms()));
                parsed.push(flow, at, knowledge, day.total_net_inflow.0);
                if let Some(assets) = day.total_net_assets {
                    parsed.push(key(Metric::EtfAssets, asset), at, knowledge, assets);
                }
            }
            Err(reason) => parsed.refuse(key(Metric::EtfFlow, asset).to_string(), visit.now, reason),
        }
    }
    Ok(parsed)
}

fn key(metric: Metric, asset: &Asset) -> SeriesKey {
    SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT)
}

fn source() -> Source {
    super::settings::source("sosovalue")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bare_list_and_both_envelopes_are_read_alike() {
        let visit = PollContext { seen_until: None, now: "2026-02-04".parse().unwrap() };
        for body in [
            r#"[{"date":"2026-02-02","total_net_inflow":5.5,"total_net_assets":9}]"#,
            r#"{"code":0,"data":[{"date":"2026-02-02","total_net_inflow":"5.5","total_net_assets":9}]}"#,
            r#"{"code":0,"msg":null,"data":{"list":[{"date":"2026-02-02","totalNetInflow":5.5,"totalNetAssets":9}]}}"#,
        ] {
            let parsed = parse_summary(body.as_bytes(), &Asset::btc(), &visit).unwrap();
            let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
            assert_eq!(told, ["etf_flow.btc@sosovalue 5.5", "etf_assets.btc@sosovalue 9"], "{body}");
        }
        assert!(parse_summary(br#"{"code":40001,"msg":"no key"}"#, &Asset::btc(), &visit).is_err());
    }

    #[test]
    fn a_day_before_our_time_is_refused_and_the_next_lands() {
        let visit = PollContext { seen_until: None, now: "2026-02-04".parse().unwrap() };
        let body = br#"[{"date":"1013-02-02","total_net_inflow":5.5}, {"date":"2026-02-02","total_net_inflow":5.5}]"#;
        let parsed = parse_summary(body, &Asset::btc(), &visit).unwrap();
        assert_eq!((parsed.batch.len(), parsed.refused.len()), (1, 1));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, date in "[0-9-]{8,12}", value in "[0-9.eE-]{0,8}") {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let wrapped = format!(r#"[{{"date":"{date}","total_net_inflow":"{value}"}}]"#);
            let _ = (parse_summary(&body, &Asset::btc(), &visit), parse_summary(wrapped.as_bytes(), &Asset::btc(), &visit));
        }
    }
}
