//! Deribit: the volatility index, the option chain, futures' open interest, funding and flagged
//! liquidation trades.
//!
//! Open interest of inverse futures is in dollars and that of options in coins; volatilities are
//! percent points.

mod config;
mod history;
mod liquidations;
mod summary;
mod trades;

pub use config::DeribitConfig;
pub use history::{funding_feed, parse_dvol, parse_funding, volatility_feed};
pub use liquidations::{LiquidationFeed, parse_message};
pub use summary::{futures_feed, options_feed, parse_futures, parse_options};
pub use trades::{parse_trades, trade_feed};

use serde_json::Value;
use url::Url;

use super::runner::{Entry, Feed};
use super::wire::{Millis, from_json};
use super::{FetchError, ParseError, Request};
use crate::domain::{Source, SourceInfo, SourceKind, Timestamp};

/// The feeds of Deribit as configured.
#[must_use]
pub fn entries(config: &DeribitConfig) -> Vec<Entry> {
    let feeds = [
        Feed::Polled(volatility_feed(config)),
        Feed::Polled(funding_feed(config)),
        Feed::Polled(futures_feed(config)),
        Feed::Polled(options_feed(config)),
        Feed::Streamed(Box::new(LiquidationFeed::new(config))),
        Feed::Polled(trade_feed(config)),
    ];
    super::settings::entries(feeds, super::settings::switched_off(config.enabled, "deribit"))
}

/// A question to a public method.
fn request(base: &Url, method: &str, query: &[(&str, String)]) -> Result<Request, FetchError> {
    Request::get(base, &format!("api/v2/public/{method}"), query)
}

/// The result of an answer, and when it was sent if the envelope says so.
fn result(body: &[u8]) -> Result<(Value, Option<Timestamp>), ParseError> {
    let mut answer: Value = from_json(body)?;
    if let Some(error) = answer.get("error") {
        let code = error.get("code").map(Value::to_string).unwrap_or_default();
        let message = error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Err(ParseError::Upstream { code, message });
    }
    // Microseconds.
    let sent = answer.get("usOut").and_then(Value::as_i64).map(|us| Timestamp::from_unix_ms(us / 1_000));
    match answer.get_mut("result").map(Value::take) {
        Some(result) => Ok((result, sent.filter(|at| at.is_acceptable()))),
        None => Err(malformed("it has no result")),
    }
}

/// The rows of a result that is a list.
fn list(result: Value) -> Result<Vec<Value>, ParseError> {
    match result {
        Value::Array(rows) => Ok(rows),
        _ => Err(malformed("the result is no list")),
    }
}

/// The instant a row carries, for a refusal.
fn stamp(row: &Value, name: &str) -> Timestamp {
    row.get(name).and_then(|at| serde::Deserialize::deserialize(at).ok()).map_or_else(Timestamp::default, |at: Millis| at.0)
}

fn malformed(reason: &str) -> ParseError {
    ParseError::Malformed { expected: "Deribit answer", reason: reason.to_owned() }
}

fn info() -> SourceInfo {
    SourceInfo {
        source: source(),
        kind: SourceKind::Venue,
        note: "open interest is that of inverse perpetuals and futures; the option chain leaves out instruments without open \
               interest"
            .to_owned(),
    }
}

fn source() -> Source {
    super::settings::source("deribit")
}
