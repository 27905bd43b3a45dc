//! OKX swaps and futures: liquidations by websocket; candles, open interest and funding by REST.
//!
//! Sizes are contracts; what a contract is worth is learnt from the list of instruments before a
//! stream is opened.

mod candles;
mod config;
mod contract;
mod liquidations;
mod margin;
mod positions;

pub use candles::{candle_feed, parse_candles};
pub use config::OkxConfig;
pub use contract::{Contracts, parse_contracts};
pub use liquidations::{LiquidationFeed, parse_message};
pub use margin::Margin;
pub use positions::{
    funding_feed, open_interest_feed, open_interest_history_feed, parse_funding, parse_open_interest, parse_open_interest_history,
};

use serde_json::Value;

use super::ParseError;
use super::runner::{Entry, Feed};
use super::wire::from_json;
use crate::domain::{SourceInfo, SourceKind};

/// The feeds of OKX as configured.
#[must_use]
pub fn entries(config: &OkxConfig) -> Vec<Entry> {
    // The past before the present: it goes on where the recorded rows end.
    let of_margin = [open_interest_history_feed, open_interest_feed, funding_feed];
    let polled = Margin::ALL.into_iter().flat_map(|margin| of_margin.map(|feed| Feed::Polled(feed(config, margin))));
    let first = [Feed::Streamed(Box::new(LiquidationFeed::new(config))), Feed::Polled(candle_feed(config))];
    super::settings::entries(first.into_iter().chain(polled), super::settings::switched_off(config.enabled, "okx"))
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

fn info(margin: Margin) -> SourceInfo {
    let note = match margin {
        Margin::Usdt => {
            "liquidations are a lower bound: the venue says its stream is not the total; open interest is that of the USDT swap"
        }
        Margin::Coin => "open interest is that of the coin-margined swap; its liquidations are counted under okx",
    };
    SourceInfo { source: margin.source(), kind: SourceKind::Venue, note: note.to_owned() }
}
