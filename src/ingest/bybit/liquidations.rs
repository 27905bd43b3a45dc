use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::config::BybitConfig;
use super::instruments::{Category, Contract, Contracts, instruments_request, parse_instruments};
use super::subscription::{Narrowing, Subscription, TOPIC};
use super::{info, source};
use crate::domain::{Instrument, KnownAtRule, LiquidationOrder, Side};
use crate::ingest::feed::{REFRESH_EVERY, stream_cadence};
use crate::ingest::wire::{Decimal, Millis, from_json, row};
use crate::ingest::{FeedError, HttpClient, Message, ParseError, Parsed, Profile, Refreshed, Session, StreamedFeed};

/// How much rarer liquidations of the few inverse contracts are.
const INVERSE_RARITY: u64 = 24;

/// Liquidations of the perpetuals of one category.
#[derive(Debug)]
pub struct LiquidationFeed {
    profile: Profile,
    config: BybitConfig,
    category: Category,
    silent_after_seconds: u64,
    contracts: RwLock<Contracts>,
    subscription: Mutex<Subscription>,
}

/// One liquidation.
#[derive(Deserialize)]
struct Liquidation {
    /// When, milliseconds.
    #[serde(rename = "T")]
    time: Millis,
    /// Symbol.
    s: String,
    /// Side of the position: `Buy` was a long.
    #[serde(rename = "S")]
    side: String,
    /// Size: units of the symbol on linear contracts, USD on inverse ones.
    v: Decimal,
    /// Bankruptcy price, USD per unit.
    p: Decimal,
}

impl LiquidationFeed {
    /// The feed as configured.
    #[must_use]
    pub fn new(config: &BybitConfig, category: Category) -> Self {
        let (name, rarity) = match category {
            Category::Linear => ("bybit-liquidations", 1),
            Category::Inverse => ("bybit-inverse-liquidations", INVERSE_RARITY),
        };
        let silent_after_seconds = config.silent_after_seconds.saturating_mul(rarity);
        let profile = Profile { name, info: info(), cadence: stream_cadence(silent_after_seconds) };
        Self {
            profile,
            config: config.clone(),
            category,
            silent_after_seconds,
            contracts: RwLock::default(),
            subscription: Mutex::default(),
        }
    }

    /// Learns every contract to listen to; the list comes in pages.
    async fn learn_contracts(&self, http: &HttpClient) -> Result<Contracts, FeedError> {
        let mut contracts = Contracts::default();
        let mut page = None;
        loop {
            let request = instruments_request(&self.config, self.category, page)?;
            let instruments = parse_instruments(&http.fetch(&request).await?)?;
            contracts.extend(instruments.contracts);
            page = instruments.next_page;
            if page.is_none() {
                self.contracts.write().unwrap_or_else(PoisonError::into_inner).clone_from(&contracts);
                return Ok(contracts);
            }
        }
    }

    /// What becomes of a subscription that was refused in these words: the rest of its batch is asked for again, unless nothing
    /// is left of any.
    fn narrow(&self, text: &str, words: String) -> Message {
        let mut subscription = self.subscription.lock().unwrap_or_else(PoisonError::into_inner);
        let id = from_json::<Value>(text.as_bytes()).ok().and_then(|message| Some(message.get("req_id")?.as_str()?.to_owned()));
        match id.and_then(|id| subscription.narrow(&id, &words)) {
            Some(Narrowing { dropped, resend }) if !subscription.is_empty() => {
                Message::Narrowed { refused: dropped.map(|topic| format!("{topic} is refused: {words}")), resend }
            }
            _ => Message::Refused(words),
        }
    }
}

#[async_trait]
impl StreamedFeed for LiquidationFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    /// There is no topic for all symbols, so every symbol is asked for by name.
    async fn session(&self, http: &HttpClient) -> Result<Session, FeedError> {
        let contracts = self.learn_contracts(http).await?;
        let mut subscription = Subscription::default();
        let (subscribe, no_room) = subscription.add(contracts.symbols());
        *self.subscription.lock().unwrap_or_else(PoisonError::into_inner) = subscription;
        let url = match self.category {
            Category::Linear => &self.config.stream_url,
            Category::Inverse => &self.config.inverse_stream_url,
        };
        Ok(Session {
            url: url.clone(),
            subscribe,
            ping: Some(r#"{"op":"ping"}"#.to_owned()),
            ping_every: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(self.silent_after_seconds),
            renew_after: Duration::from_hours(12),
            refresh_every: REFRESH_EVERY,
            left_out: left_out(no_room),
        })
    }

    async fn refresh(&self, http: &HttpClient) -> Result<Refreshed, FeedError> {
        let contracts = self.learn_contracts(http).await?;
        let mut subscription = self.subscription.lock().unwrap_or_else(PoisonError::into_inner);
        let (subscribe, no_room) = subscription.add(contracts.symbols());
        Ok(Refreshed { subscribe, left_out: left_out(no_room) })
    }

    fn read(&self, text: &str) -> Result<Message, ParseError> {
        match parse_message(text, &self.contracts.read().unwrap_or_else(PoisonError::into_inner))? {
            Message::Refused(words) => Ok(self.narrow(text, words)),
            message => Ok(message),
        }
    }
}

/// What finds no room on the connection, in words.
fn left_out(no_room: usize) -> Option<String> {
    (no_room > 0).then(|| format!("{no_room} symbols are left out: one connection does not take more"))
}

/// Reads one message: liquidations, or a control message.
///
/// # Errors
/// [`ParseError`] when it is neither.
pub fn parse_message(text: &str, contracts: &Contracts) -> Result<Message, ParseError> {
    let message: Value = from_json(text.as_bytes())?;
    if let Some(done) = message.get("success").and_then(Value::as_bool) {
        return Ok(if done { Message::Control } else { Message::refused(message.get("ret_msg")) });
    }
    if message.get("op").is_some() {
        return Ok(Message::Control);
    }
    let topic = message.get("topic").and_then(Value::as_str).unwrap_or_default();
    let rows = match message.get("data") {
        Some(Value::Array(rows)) if topic.starts_with(TOPIC) => rows,
        _ => {
            let reason = format!("topic `{topic}` holds no list of liquidations");
            return Err(ParseError::Malformed { expected: "allLiquidation message", reason });
        }
    };
    let mut parsed = Parsed::new(source());
    for value in rows {
        let liquidation = row::<Liquidation>(value);
        let at = liquidation.as_ref().map(|liquidation| liquidation.time.0).unwrap_or_default();
        match liquidation.and_then(|liquidation| liquidation.read(contracts)) {
            Ok(order) => parsed.batch.orders.push(order),
            Err(reason) => parsed.refuse(topic, at, reason),
        }
    }
    Ok(Message::Rows(parsed))
}

impl Liquidation {
    fn read(self, contracts: &Contracts) -> Result<LiquidationOrder, String> {
        let Contract { instrument, is_inverse } = contracts.contract(&self.s)?;
        let Instrument { asset, coins_per_unit } = instrument;
        let side = match self.side.as_str() {
            "Buy" => Side::Long,
            "Sell" => Side::Short,
            other => return Err(format!("`{other}` is no side: Buy or Sell")),
        };
        if self.p.0 <= 0.0 || self.v.0 <= 0.0 {
            return Err(format!("nothing was liquidated: size {} at price {}", self.v.0, self.p.0));
        }
        let price_usd = self.p.0 / coins_per_unit;
        let (quantity, usd) =
            if is_inverse { (self.v.0 / price_usd, self.v.0) } else { (self.v.0 * coins_per_unit, self.p.0 * self.v.0) };
        Ok(LiquidationOrder {
            source: source(),
            symbol: self.s,
            asset,
            side,
            occurred_at: self.time.0,
            knowledge: KnownAtRule::OnCommit,
            price_usd,
            quantity,
            usd,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(text: &str) -> Parsed {
        match parse_message(text, &Contracts::default()).unwrap() {
            Message::Rows(parsed) => parsed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_buy_was_a_long_and_one_bad_row_does_not_stop_the_others() {
        let parsed = rows(
            r#"{"topic":"allLiquidation.BTCUSDT","data":[
                {"T":1770145200000,"s":"BTCUSDT","S":"Buy","v":"2","p":"73000"},
                {"T":1770145200000,"s":"BTCUSDT","S":"?","v":"2","p":"73000"},
                {"T":1770145200000,"s":"1000PEPEUSDT","S":"Sell","v":"10","p":"0.5"}]}"#,
        );
        let told: Vec<_> = parsed.batch.orders.iter().map(|o| (o.asset.as_str(), o.side, o.quantity, o.usd)).collect();
        assert_eq!(told, [("btc", Side::Long, 2.0, 146_000.0), ("pepe", Side::Short, 10_000.0, 5.0)]);
        assert_eq!(parsed.refused.len(), 1);
    }

    #[test]
    fn an_inverse_contract_counts_in_dollars_and_one_in_usdc_in_coins() {
        let parsed = rows(
            r#"{"topic":"allLiquidation.BTCUSD","data":[
                {"T":1770145200000,"s":"BTCUSD","S":"Buy","v":"50000","p":"50000"},
                {"T":1770145200000,"s":"BTCPERP","S":"Sell","v":"2","p":"50000"}]}"#,
        );
        let told: Vec<_> = parsed.batch.orders.iter().map(|o| (o.asset.as_str(), o.side, o.quantity, o.usd)).collect();
        assert_eq!(told, [("btc", Side::Long, 1.0, 50_000.0), ("btc", Side::Short, 2.0, 100_000.0)]);
    }

    #[test]
    fn the_retired_topic_is_not_taken_for_the_present_one() {
        assert!(parse_message(r#"{"topic":"liquidation.BTCUSDT","data":{"side":"Buy"}}"#, &Contracts::default()).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, row in "(\"[TsSvp]\":\"?[0-9A-Za-z.]{0,9}\"?,?){0,5}") {
            let _ = parse_message(&text, &Contracts::default());
            let _ = parse_message(&format!(r#"{{"topic":"allLiquidation.X","data":[{{{row}}}]}}"#), &Contracts::default());
        }
    }
}
