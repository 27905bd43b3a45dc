use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::config::OkxConfig;
use super::contract::{Contract, Contracts, Size, parse_contracts};
use super::info;
use super::margin::Margin;
use crate::domain::{KnownAtRule, LiquidationOrder, Side};
use crate::ingest::feed::{REFRESH_EVERY, stream_cadence};
use crate::ingest::wire::{Decimal, Millis, from_json, row};
use crate::ingest::{FeedError, HttpClient, Message, ParseError, Parsed, Profile, Refreshed, Request, Session, StreamedFeed};

/// The kinds of instruments that are listened to.
const KINDS: [&str; 2] = ["SWAP", "FUTURES"];

/// Liquidations of swaps and futures.
#[derive(Debug)]
pub struct LiquidationFeed {
    profile: Profile,
    config: OkxConfig,
    contracts: RwLock<Contracts>,
}

/// One element of `data` of the channel `liquidation-orders`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Liquidated {
    inst_id: String,
    /// There may be several.
    details: Vec<Value>,
}

/// One liquidation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    /// `long` or `short`; `net` where the account does not tell them apart.
    pos_side: String,
    /// Side of the order: `sell` closed a long.
    side: String,
    /// Size, contracts; may have a fraction.
    sz: Decimal,
    /// Bankruptcy or mark price, in the quote currency.
    bk_px: Decimal,
    /// When, milliseconds; not in order.
    ts: Millis,
}

impl LiquidationFeed {
    /// The feed as configured.
    #[must_use]
    pub fn new(config: &OkxConfig) -> Self {
        let profile =
            Profile { name: "okx-liquidations", info: info(Margin::Usdt), cadence: stream_cadence(config.silent_after_seconds) };
        Self { profile, config: config.clone(), contracts: RwLock::default() }
    }

    /// Learns what the contracts are on and what one is.
    async fn learn_contracts(&self, http: &HttpClient) -> Result<(), FeedError> {
        let mut contracts = Contracts::default();
        for kind in KINDS {
            let query = [("instType", kind.to_owned())];
            let request = Request::get(&self.config.rest_url, "api/v5/public/instruments", &query)?;
            contracts.extend(parse_contracts(&http.fetch(&request).await?)?);
        }
        *self.contracts.write().unwrap_or_else(PoisonError::into_inner) = contracts;
        Ok(())
    }
}

#[async_trait]
impl StreamedFeed for LiquidationFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn session(&self, http: &HttpClient) -> Result<Session, FeedError> {
        self.learn_contracts(http).await?;
        let channels = KINDS.map(|kind| serde_json::json!({"channel": "liquidation-orders", "instType": kind}));
        Ok(Session {
            url: self.config.stream_url.clone(),
            subscribe: vec![serde_json::json!({"op": "subscribe", "args": channels}).to_string()],
            ping: Some("ping".to_owned()),
            ping_every: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(self.config.silent_after_seconds),
            renew_after: Duration::from_hours(12),
            refresh_every: REFRESH_EVERY,
            left_out: None,
        })
    }

    async fn refresh(&self, http: &HttpClient) -> Result<Refreshed, FeedError> {
        self.learn_contracts(http).await?;
        Ok(Refreshed::default())
    }

    fn read(&self, text: &str) -> Result<Message, ParseError> {
        parse_message(text, &self.contracts.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads one message: liquidations, or a control message.
///
/// # Errors
/// [`ParseError`] when it is neither.
pub fn parse_message(text: &str, contracts: &Contracts) -> Result<Message, ParseError> {
    if text == "pong" {
        return Ok(Message::Control);
    }
    let message: Value = from_json(text.as_bytes())?;
    if let Some(event) = message.get("event").and_then(Value::as_str) {
        // A notice announces that the connection is about to be closed.
        let ends = matches!(event, "error" | "notice");
        return Ok(if ends { Message::refused(message.get("msg")) } else { Message::Control });
    }
    let channel = message.pointer("/arg/channel").and_then(Value::as_str).unwrap_or_default();
    let data = match message.get("data") {
        Some(Value::Array(data)) if channel == "liquidation-orders" => data,
        _ => {
            let reason = format!("channel `{channel}` holds no list of liquidations");
            return Err(ParseError::Malformed { expected: "liquidation-orders message", reason });
        }
    };
    let mut parsed = Parsed::new(Margin::Usdt.source());
    for value in data {
        match row::<Liquidated>(value) {
            Ok(liquidated) if contracts.is_other(&liquidated.inst_id) => {}
            Ok(liquidated) => liquidated.details.iter().for_each(|detail| {
                let detail = row::<Detail>(detail);
                let at = detail.as_ref().map(|detail| detail.ts.0).unwrap_or_default();
                match detail.and_then(|detail| detail.read(&liquidated.inst_id, contracts)) {
                    Ok(order) => parsed.batch.orders.push(order),
                    Err(reason) => parsed.refuse(&liquidated.inst_id, at, reason),
                }
            }),
            Err(reason) => parsed.refuse(channel, crate::domain::Timestamp::default(), reason),
        }
    }
    Ok(Message::Rows(parsed))
}

impl Detail {
    fn read(self, symbol: &str, contracts: &Contracts) -> Result<LiquidationOrder, String> {
        let side = match (self.pos_side.as_str(), self.side.as_str()) {
            ("long", _) | ("net", "sell") => Side::Long,
            ("short", _) | ("net", "buy") => Side::Short,
            (position, order) => return Err(format!("`{position}` and `{order}` tell no side of a position")),
        };
        let contract = contracts.contract(symbol).ok_or_else(|| "the size of its contract is not known".to_owned())?;
        let Contract { asset, size } = contract.clone();
        let price_usd = self.bk_px.0;
        if price_usd <= 0.0 || self.sz.0 <= 0.0 {
            return Err(format!("nothing was liquidated: {} contracts at price {price_usd}", self.sz.0));
        }
        let (quantity, usd) = match size {
            Size::Coins(coins) => (self.sz.0 * coins, self.sz.0 * coins * price_usd),
            Size::Usd(usd) => (self.sz.0 * usd / price_usd, self.sz.0 * usd),
        };
        Ok(LiquidationOrder {
            source: Margin::Usdt.source(),
            symbol: symbol.to_owned(),
            asset,
            side,
            occurred_at: self.ts.0,
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

    fn contracts() -> Contracts {
        let body = br#"{"code":"0","data":[
            {"instId":"BTC-USDT-SWAP","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC"},
            {"instId":"BTC-USD-SWAP","ctVal":"100","ctMult":"1","ctValCcy":"USD"},
            {"instId":"TUSD-USDT-SWAP","instFamily":"TUSD-USDT","instCategory":"1","ctVal":"1","ctMult":"1","ctValCcy":"TUSD"},
            {"instId":"AAPL-USDT-SWAP","instFamily":"AAPL-USDT","instCategory":"3","ctVal":"0.1","ctMult":"1","ctValCcy":"AAPL"},
            {"instId":"SPOT","ctVal":"","ctMult":"","ctValCcy":""}]}"#;
        parse_contracts(body).unwrap()
    }

    fn message(instrument: &str, details: &str) -> Parsed {
        let text =
            format!(r#"{{"arg":{{"channel":"liquidation-orders"}},"data":[{{"instId":"{instrument}","details":[{details}]}}]}}"#);
        match parse_message(&text, &contracts()).unwrap() {
            Message::Rows(parsed) => parsed,
            other => panic!("{other:?}"),
        }
    }

    fn detail(position: &str, order: &str, size: &str) -> String {
        format!(r#"{{"posSide":"{position}","side":"{order}","sz":"{size}","bkPx":"50000","ts":"1770145200000"}}"#)
    }

    #[test]
    fn contracts_become_coins_or_dollars_and_every_detail_counts() {
        let linear = message("BTC-USDT-SWAP", &[detail("net", "sell", "3.5"), detail("short", "buy", "1")].join(","));
        let told: Vec<_> = linear.batch.orders.iter().map(|o| (o.side, o.usd.round())).collect();
        assert_eq!(told, [(Side::Long, 1_750.0), (Side::Short, 500.0)]);
        let inverse = message("BTC-USD-SWAP", &detail("long", "sell", "5"));
        assert_eq!((inverse.batch.orders[0].usd.round(), inverse.batch.orders[0].quantity), (500.0, 0.01));
    }

    #[test]
    fn a_swap_on_a_stock_is_passed_over_and_is_no_bad_row() {
        let parsed = message("AAPL-USDT-SWAP", &detail("long", "sell", "5"));
        assert_eq!((parsed.batch.len(), parsed.refused.len()), (0, 0));
        let coin = message("TUSD-USDT-SWAP", &detail("long", "sell", "5"));
        assert_eq!(coin.batch.orders[0].asset.as_str(), "tusd", "what the list says, not what the name ends in");
    }

    #[test]
    fn an_instrument_never_seen_before_is_refused_with_the_reason() {
        let parsed = message("NEW-USDT-SWAP", &detail("long", "sell", "5"));
        assert!(parsed.batch.is_empty());
        assert!(parsed.refused[0].reason.contains("contract is not known"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, row in "(\"(posSide|side|sz|bkPx|ts)\":\"[0-9a-z.]{0,9}\",?){0,5}") {
            let _ = parse_message(&text, &contracts());
            let _ = message("BTC-USDT-SWAP", "{}");
            let _ = parse_message(&format!(r#"{{"arg":{{"channel":"liquidation-orders"}},"data":[{{"instId":"X","details":[{{{row}}}]}}]}}"#), &contracts());
            let _ = parse_contracts(text.as_bytes());
        }
    }
}
