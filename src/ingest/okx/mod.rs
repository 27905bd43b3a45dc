//! OKX swaps and futures: liquidations by websocket, open interest and funding by REST.
//!
//! Sizes are contracts; what a contract is worth is learnt from the list of instruments before a
//! stream is opened.

mod config;
mod contract;
mod liquidations;
mod rest;

pub use config::OkxConfig;
pub use contract::{Contracts, parse_contracts};
pub use liquidations::{LiquidationFeed, parse_message};
pub use rest::{funding_feed, open_interest_feed, parse_funding, parse_open_interest};

use serde_json::Value;

use super::ParseError;
use super::runner::{Entry, Feed};
use super::wire::from_json;
use crate::domain::{Source, SourceInfo, SourceKind};

/// The feeds of OKX as configured.
#[must_use]
pub fn entries(config: &OkxConfig) -> Vec<Entry> {
    let off = (!config.enabled).then(|| "switched off by ingest.okx.enabled".to_owned());
    let feeds = [
        Feed::Streamed(Box::new(LiquidationFeed::new(config))),
        Feed::Polled(open_interest_feed(config)),
        Feed::Polled(funding_feed(config)),
    ];
    feeds.into_iter().map(|feed| Entry { feed, off: off.clone() }).collect()
}

/// The rows of an answer; the code inside tells whether there are any, not the HTTP status.
fn rows(body: &[u8]) -> Result<Vec<Value>, ParseError> {
    let answer: Value = from_json(body)?;
    match answer.get("code").and_then(Value::as_str) {
        Some("0") => {}
        Some(code) => {
            let message = answer.get("msg").and_then(Value::as_str).unwrap_or_default().to_owned();
            return Err(ParseError::Upstream { code: code.to_owned(), message });
        }
        None => return Err(malformed("it has no code")),
    }
    match answer.get("data") {
        Some(Value::Array(rows)) => Ok(rows.clone()),
        _ => Err(malformed("it has no list of data")),
    }
}

fn malformed(reason: &str) -> ParseError {
    ParseError::Malformed { expected: "OKX answer", reason: reason.to_owned() }
}

fn info() -> SourceInfo {
    SourceInfo {
        source: source(),
        kind: SourceKind::Venue,
        note: "liquidations are a lower bound: the venue says its stream is not the total; open interest is that of all swaps"
            .to_owned(),
    }
}

fn source() -> Source {
    super::config::source("okx")
}
