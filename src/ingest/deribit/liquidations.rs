use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::config::DeribitConfig;
use super::{info, malformed, source, stamp};
use crate::domain::{Instrument, KnownAtRule, LiquidationOrder, Side};
use crate::ingest::feed::{REFRESH_EVERY, stream_cadence};
use crate::ingest::wire::{Decimal, Millis, from_json, row};
use crate::ingest::{FeedError, HttpClient, Message, ParseError, Parsed, Profile, Session, StreamedFeed};

/// Trades come all the time: this long without one means a broken stream.
const SILENT_AFTER_SECONDS: u64 = 300;

/// Trades of futures and perpetuals that the venue flags as liquidations.
#[derive(Debug)]
pub struct LiquidationFeed {
    profile: Profile,
    config: DeribitConfig,
}

/// One trade.
#[derive(Deserialize)]
struct Trade {
    instrument_name: String,
    /// Milliseconds.
    timestamp: Millis,
    /// USD per coin.
    price: Decimal,
    /// USD on inverse contracts, coins on linear ones.
    amount: Decimal,
    /// What the taker did: `buy` or `sell`.
    direction: String,
    /// Who was liquidated: `M` maker, `T` taker, `MT` both; absent on an ordinary trade.
    #[serde(default)]
    liquidation: Option<String>,
}

impl LiquidationFeed {
    /// The feed as configured.
    #[must_use]
    pub fn new(config: &DeribitConfig) -> Self {
        let profile = Profile { name: "deribit-liquidations", info: info(), cadence: stream_cadence(SILENT_AFTER_SECONDS) };
        Self { profile, config: config.clone() }
    }
}

#[async_trait]
impl StreamedFeed for LiquidationFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The trades of a day can be asked for.
    fn is_filled_in(&self) -> bool {
        true
    }

    async fn session(&self, _http: &HttpClient) -> Result<Session, FeedError> {
        let channel = |asset: &crate::domain::Asset| format!("trades.future.{}.100ms", asset.as_str().to_ascii_uppercase());
        let channels: Vec<_> = self.config.assets.iter().map(channel).collect();
        let call = |id: u32, method: &str, params: Value| {
            serde_json::json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
        };
        Ok(Session {
            url: self.config.stream_url.clone(),
            subscribe: vec![
                call(1, "public/set_heartbeat", serde_json::json!({"interval": 30})),
                call(2, "public/subscribe", serde_json::json!({"channels": channels})),
            ],
            ping: None,
            ping_every: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(SILENT_AFTER_SECONDS),
            renew_after: Duration::from_hours(23),
            refresh_every: REFRESH_EVERY,
            left_out: None,
        })
    }

    fn read(&self, text: &str) -> Result<Message, ParseError> {
        parse_message(text)
    }
}

/// Reads one message: trades (of which only the flagged ones are rows), a heartbeat or a control
/// message.
///
/// # Errors
/// [`ParseError`] when it is none of these.
pub fn parse_message(text: &str) -> Result<Message, ParseError> {
    let message: Value = from_json(text.as_bytes())?;
    if let Some(error) = message.get("error") {
        return Ok(Message::refused(error.get("message")));
    }
    if message.get("result").is_some() {
        return Ok(Message::Control);
    }
    if message.get("method").and_then(Value::as_str) == Some("heartbeat") {
        let wants_answer = message.pointer("/params/type").and_then(Value::as_str) == Some("test_request");
        let answer = r#"{"jsonrpc":"2.0","id":3,"method":"public/test","params":{}}"#;
        return Ok(if wants_answer { Message::Reply(answer.to_owned()) } else { Message::Control });
    }
    let Some(Value::Array(trades)) = message.pointer("/params/data") else {
        return Err(malformed("the message holds no list of trades"));
    };
    let mut parsed = Parsed::new(source());
    read_trades(trades, &mut parsed);
    Ok(Message::Rows(parsed))
}

/// Takes the flagged ones of a list of trades. The newest trade of any kind shows how far it reaches.
pub(super) fn read_trades(trades: &[Value], parsed: &mut Parsed) {
    for value in trades {
        let trade = row::<Trade>(value);
        parsed.covered_until = parsed.covered_until.max(trade.as_ref().ok().map(|trade| trade.timestamp.0));
        match trade.and_then(Trade::read) {
            Ok(orders) => parsed.batch.orders.extend(orders),
            Err(reason) => parsed.refuse("trade", stamp(value, "timestamp"), reason),
        }
    }
}

impl Trade {
    /// One order for each side that was liquidated.
    fn read(self) -> Result<Vec<LiquidationOrder>, String> {
        let Some(flag) = self.liquidation.as_deref() else { return Ok(Vec::new()) };
        let (taker, maker) = match self.direction.as_str() {
            "sell" => (Side::Long, Side::Short),
            "buy" => (Side::Short, Side::Long),
            other => return Err(format!("`{other}` is no direction: buy or sell")),
        };
        let sides: &[Side] = match flag {
            "T" => &[taker],
            "M" => &[maker],
            "MT" => &[taker, maker],
            other => return Err(format!("`{other}` does not say who was liquidated: M, T or MT")),
        };
        let asset = Instrument::from_symbol(&self.instrument_name).ok_or_else(|| "the instrument has no name".to_owned())?.asset;
        if self.price.0 <= 0.0 || self.amount.0 <= 0.0 {
            return Err(format!("nothing was traded: {} at price {}", self.amount.0, self.price.0));
        }
        let linear = self.instrument_name.contains('_');
        let (quantity, usd) =
            if linear { (self.amount.0, self.amount.0 * self.price.0) } else { (self.amount.0 / self.price.0, self.amount.0) };
        let order = |side: &Side| LiquidationOrder {
            source: source(),
            symbol: self.instrument_name.clone(),
            asset: asset.clone(),
            side: *side,
            occurred_at: self.timestamp.0,
            knowledge: KnownAtRule::OnCommit,
            price_usd: self.price.0,
            quantity,
            usd,
        };
        Ok(sides.iter().map(order).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn orders(fields: &str) -> Parsed {
        let text = format!(
            r#"{{"method":"subscription","params":{{"data":[{{"instrument_name":"BTC-PERPETUAL","timestamp":1770145200000,"price":50000.0,"amount":1000,"starbase_match_id":18446744073709551615,{fields}}}]}}}}"#
        );
        match parse_message(&text).unwrap() {
            Message::Rows(parsed) => parsed,
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case(r#""direction":"sell","liquidation":"T""#, &[Side::Long])]
    #[case(r#""direction":"buy","liquidation":"T""#, &[Side::Short])]
    #[case(r#""direction":"buy","liquidation":"M""#, &[Side::Long])]
    #[case(r#""direction":"sell","liquidation":"M""#, &[Side::Short])]
    #[case(r#""direction":"sell","liquidation":"MT""#, &[Side::Long, Side::Short])]
    #[case(r#""direction":"sell""#, &[])]
    fn the_flag_and_the_direction_tell_whose_position_died(#[case] fields: &str, #[case] sides: &[Side]) {
        let parsed = orders(fields);
        assert_eq!(parsed.batch.orders.iter().map(|order| order.side).collect::<Vec<_>>(), sides);
        assert!(parsed.batch.orders.iter().all(|order| order.usd.to_bits() == 1_000.0_f64.to_bits()));
        assert!(parsed.refused.is_empty());
    }

    #[test]
    fn a_test_request_is_answered() {
        let text = r#"{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}"#;
        assert!(matches!(parse_message(text), Ok(Message::Reply(answer)) if answer.contains("public/test")));
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, row in "(\"(price|amount|direction|liquidation|timestamp)\":\"?[0-9a-zA-Z.]{0,9}\"?,?){0,5}") {
            let _ = parse_message(&text);
            let _ = parse_message(&format!(r#"{{"params":{{"data":[{{{row}}}]}}}}"#));
        }
    }
}
