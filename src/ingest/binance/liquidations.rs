use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::config::BinanceConfig;
use super::instrument::{Instrument, Size};
use crate::domain::{Cadence, Knowledge, LiquidationOrder, Side, Source, SourceInfo, SourceKind, Timestamp};
use crate::ingest::client::join;
use crate::ingest::wire::{Decimal, Millis, from_json, row};
use crate::ingest::{FeedError, HttpClient, Message, ParseError, Parsed, Profile, Session, StreamedFeed};

/// Every forced order of both margins, as far as the venue publishes them.
const STREAM: &str = "!forceOrder@arr";

/// Forced orders of Binance futures.
#[derive(Debug)]
pub struct LiquidationFeed {
    profile: Profile,
    config: BinanceConfig,
}

/// A `forceOrder` event.
#[derive(Deserialize)]
struct ForceOrder {
    /// The order.
    o: Order,
}

/// The order of a `forceOrder` event. `l`, the last fill, may exceed the whole and is not used.
#[derive(Deserialize)]
struct Order {
    /// Symbol.
    s: String,
    /// Side of the order: `SELL` closes a long.
    #[serde(rename = "S")]
    side: String,
    /// Limit price, USDT or USD per unit; worse than what was paid.
    p: Decimal,
    /// Average price of the fills, USDT or USD per unit; 0 where the venue left it out.
    ap: Decimal,
    /// Filled size: units of the symbol on USD-M, contracts on COIN-M.
    z: Decimal,
    /// Time of the trade, milliseconds.
    #[serde(rename = "T")]
    time: Millis,
}

impl LiquidationFeed {
    /// The feed as configured.
    #[must_use]
    pub fn new(config: &BinanceConfig) -> Self {
        let info = SourceInfo {
            source: source(),
            kind: SourceKind::Venue,
            note: "liquidations are a lower bound: the venue publishes at most one order per symbol and second".to_owned(),
        };
        let silent_ms = i64::try_from(config.silent_after_seconds).unwrap_or(i64::MAX / 10_000).saturating_mul(1_000);
        let cadence = Cadence { expected_every_ms: 60_000, late_after_ms: silent_ms, stale_after_ms: 3 * silent_ms };
        Self { profile: Profile { name: "binance-liquidations", info, cadence }, config: config.clone() }
    }
}

#[async_trait]
impl StreamedFeed for LiquidationFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn session(&self, _http: &HttpClient) -> Result<Session, FeedError> {
        let subscribe = serde_json::json!({"method": "SUBSCRIBE", "params": [STREAM], "id": 1});
        Ok(Session {
            url: join(&self.config.stream_url, "ws")?,
            subscribe: vec![subscribe.to_string()],
            ping: None,
            ping_every: Duration::from_mins(1),
            silent_after: Duration::from_secs(self.config.silent_after_seconds),
            // The venue cuts a connection after 24 hours.
            renew_after: Duration::from_hours(23),
        })
    }

    fn read(&self, text: &str) -> Result<Message, ParseError> {
        parse_message(text)
    }
}

/// Reads one message: a forced order, several, or a control message; with or without the envelope
/// of a combined stream.
///
/// # Errors
/// [`ParseError`] when it is none of these.
pub fn parse_message(text: &str) -> Result<Message, ParseError> {
    let message: Value = from_json(text.as_bytes())?;
    if let Some(error) = message.get("error") {
        return Ok(Message::Refused(error.get("msg").and_then(Value::as_str).unwrap_or("unnamed error").to_owned()));
    }
    if message.get("id").is_some() && message.get("result").is_some() {
        return Ok(Message::Control);
    }
    let mut parsed = Parsed::new(source());
    match message.get("data").unwrap_or(&message) {
        Value::Array(events) => events.iter().for_each(|event| take(event, &mut parsed)),
        event if event.get("o").is_some() => take(event, &mut parsed),
        _ => {
            let reason = "it holds no order".to_owned();
            return Err(ParseError::Malformed { expected: "forceOrder message", reason });
        }
    }
    Ok(Message::Rows(parsed))
}

fn take(event: &Value, parsed: &mut Parsed) {
    let order = row::<ForceOrder>(event).map(|event| event.o);
    let (subject, at) = match &order {
        Ok(order) => (order.s.clone(), order.time.0),
        Err(_) => ("forceOrder".to_owned(), Timestamp::default()),
    };
    match order.and_then(Order::read) {
        Ok(order) => parsed.batch.orders.push(order),
        Err(reason) => parsed.refuse(subject, at, reason),
    }
}

impl Order {
    fn read(self) -> Result<LiquidationOrder, String> {
        let instrument = Instrument::parse(&self.s).map_err(|error| error.to_string())?;
        let side = match self.side.as_str() {
            "SELL" => Side::Long,
            "BUY" => Side::Short,
            other => return Err(format!("`{other}` is no order side: SELL or BUY")),
        };
        let price = if self.ap.0 > 0.0 { self.ap.0 } else { self.p.0 };
        if price <= 0.0 || self.z.0 <= 0.0 {
            return Err(format!("nothing was filled: size {} at price {price}", self.z.0));
        }
        let (price_usd, quantity, usd) = match instrument.size {
            Size::Coins(units) => (price / units, self.z.0 * units, price * self.z.0),
            Size::Usd(contract_usd) => (price, self.z.0 * contract_usd / price, self.z.0 * contract_usd),
        };
        Ok(LiquidationOrder {
            source: source(),
            symbol: self.s,
            asset: instrument.asset,
            side,
            occurred_at: self.time.0,
            knowledge: Knowledge::OnCommit,
            price_usd,
            quantity,
            usd,
        })
    }
}

fn source() -> Source {
    crate::ingest::config::source("binance")
}
