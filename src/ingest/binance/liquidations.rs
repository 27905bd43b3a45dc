use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::config::BinanceConfig;
use super::contract::Size;
use super::info;
use super::listing::{Listing, parse_listing};
use super::margin::Margin;
use crate::domain::{KnownAtRule, LiquidationOrder, Side, Timestamp};
use crate::ingest::client::join;
use crate::ingest::feed::{REFRESH_EVERY, stream_cadence};
use crate::ingest::wire::{Decimal, Millis, from_json, row};
use crate::ingest::{FeedError, HttpClient, Message, ParseError, Parsed, Profile, Refreshed, Request, Session, StreamedFeed};

/// Every forced order of both margins, as far as the venue publishes them.
const STREAM: &str = "!forceOrder@arr";

/// Forced orders of Binance futures.
#[derive(Debug)]
pub struct LiquidationFeed {
    profile: Profile,
    config: BinanceConfig,
    listing: RwLock<Listing>,
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
        let cadence = stream_cadence(config.silent_after_seconds);
        let profile = Profile { name: "binance-liquidations", info: info(Margin::Usd), cadence };
        Self { profile, config: config.clone(), listing: RwLock::default() }
    }

    /// Learns what the contracts of both margins are on.
    ///
    /// # Errors
    /// The first list that could not be read; the other one is read.
    async fn learn_listings(&self, http: &HttpClient) -> Result<(), FeedError> {
        let learnt = [self.learn_listing(http, Margin::Usd).await, self.learn_listing(http, Margin::Coin).await];
        learnt.into_iter().collect()
    }

    /// Learns what the contracts of a margin are on, and which are not on coins.
    async fn learn_listing(&self, http: &HttpClient, margin: Margin) -> Result<(), FeedError> {
        let request = Request::get(margin.rest_url(&self.config), &margin.path("exchangeInfo"), &[])?;
        let listing = parse_listing(&http.fetch(&request).await?)?;
        self.listing.write().unwrap_or_else(PoisonError::into_inner).extend(listing);
        Ok(())
    }
}

#[async_trait]
impl StreamedFeed for LiquidationFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    async fn session(&self, http: &HttpClient) -> Result<Session, FeedError> {
        // Liquidations cannot be read later, so the stream does not wait for the lists.
        let unread = self.learn_listings(http).await.err();
        let left_out = unread.map(|error| format!("contracts on stocks may be counted, their list could not be read: {error}"));
        let subscribe = serde_json::json!({"method": "SUBSCRIBE", "params": [STREAM], "id": 1});
        Ok(Session {
            url: join(&self.config.stream_url, "ws")?,
            subscribe: vec![subscribe.to_string()],
            ping: None,
            ping_every: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(self.config.silent_after_seconds),
            // The venue cuts a connection after 24 hours.
            renew_after: Duration::from_hours(12),
            refresh_every: REFRESH_EVERY,
            left_out,
        })
    }

    async fn refresh(&self, http: &HttpClient) -> Result<Refreshed, FeedError> {
        self.learn_listings(http).await?;
        Ok(Refreshed::default())
    }

    fn read(&self, text: &str) -> Result<Message, ParseError> {
        parse_message(text, &self.listing.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads one message: a forced order, several, or a control message; with or without the envelope
/// of a combined stream. Orders on something else than coins are passed over.
///
/// # Errors
/// [`ParseError`] when it is none of these.
pub fn parse_message(text: &str, listing: &Listing) -> Result<Message, ParseError> {
    let message: Value = from_json(text.as_bytes())?;
    if let Some(error) = message.get("error") {
        return Ok(Message::refused(error.get("msg")));
    }
    if message.get("id").is_some() && message.get("result").is_some() {
        return Ok(Message::Control);
    }
    let mut parsed = Parsed::new(Margin::Usd.source());
    match message.get("data").unwrap_or(&message) {
        Value::Array(events) => events.iter().for_each(|event| take(event, listing, &mut parsed)),
        event if event.get("o").is_some() => take(event, listing, &mut parsed),
        _ => {
            let reason = "it holds no order".to_owned();
            return Err(ParseError::Malformed { expected: "forceOrder message", reason });
        }
    }
    Ok(Message::Rows(parsed))
}

fn take(event: &Value, listing: &Listing, parsed: &mut Parsed) {
    let order = row::<ForceOrder>(event).map(|event| event.o);
    if order.as_ref().is_ok_and(|order| listing.is_other(&order.s)) {
        return;
    }
    let (subject, at) = match &order {
        Ok(order) => (order.s.clone(), order.time.0),
        Err(_) => ("forceOrder".to_owned(), Timestamp::default()),
    };
    match order.and_then(|order| order.read(listing)) {
        Ok(order) => parsed.batch.orders.push(order),
        Err(reason) => parsed.refuse(subject, at, reason),
    }
}

impl Order {
    fn read(self, listing: &Listing) -> Result<LiquidationOrder, String> {
        let contract = listing.contract(&self.s).map_err(|error| error.to_string())?;
        let side = match self.side.as_str() {
            "SELL" => Side::Long,
            "BUY" => Side::Short,
            other => return Err(format!("`{other}` is no order side: SELL or BUY")),
        };
        let price = if self.ap.0 > 0.0 { self.ap.0 } else { self.p.0 };
        if price <= 0.0 || self.z.0 <= 0.0 {
            return Err(format!("nothing was filled: size {} at price {price}", self.z.0));
        }
        let (price_usd, quantity, usd) = match contract.size {
            Size::Coins(units) => (price / units, self.z.0 * units, price * self.z.0),
            Size::Usd(contract_usd) => (price, self.z.0 * contract_usd / price, self.z.0 * contract_usd),
        };
        Ok(LiquidationOrder {
            source: Margin::Usd.source(),
            symbol: self.s,
            asset: contract.asset,
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
    use rstest::rstest;

    fn event(symbol: &str, fields: &str) -> String {
        format!(r#"{{"e":"forceOrder","E":1770145200001,"o":{{"s":"{symbol}",{fields},"T":1770145200000}}}}"#)
    }

    fn orders(text: &str) -> (Vec<LiquidationOrder>, usize) {
        let listing = br#"{"symbols":[{"symbol":"TSLAUSDT","contractType":"TRADIFI_PERPETUAL"}]}"#;
        match parse_message(text, &parse_listing(listing).unwrap()).unwrap() {
            Message::Rows(parsed) => (parsed.batch.orders, parsed.refused.len()),
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case::coins("BTCUSDT", r#""S":"SELL","p":"72000","ap":"73000","z":"2""#, Side::Long, 73_000.0, 2.0, 146_000.0)]
    #[case::no_average("BTCUSDT", r#""S":"BUY","p":"72000","ap":"0","z":"2""#, Side::Short, 72_000.0, 2.0, 144_000.0)]
    #[case::thousands("1000SHIBUSDT", r#""S":"SELL","p":"0.02","ap":"0.02","z":"500""#, Side::Long, 0.000_02, 500_000.0, 10.0)]
    #[case::contracts("BTCUSD_PERP", r#""S":"SELL","p":"50000","ap":"50000","z":"3""#, Side::Long, 50_000.0, 0.006, 300.0)]
    #[case::ends_in_b(
        "BNBUSD_PERP",
        r#""S":"SELL","p":"860","ap":"860","z":"50""#,
        Side::Long,
        860.0,
        0.581_395_348_837_209_3,
        500.0
    )]
    #[case::small_contracts("ETHUSD_260925", r#""S":"BUY","p":"2000","ap":"2000","z":"4""#, Side::Short, 2_000.0, 0.02, 40.0)]
    fn an_order_says_which_position_died_and_what_it_was_worth(
        #[case] symbol: &str,
        #[case] fields: &str,
        #[case] side: Side,
        #[case] price_usd: f64,
        #[case] quantity: f64,
        #[case] usd: f64,
    ) {
        let (orders, refused) = orders(&event(symbol, fields));
        assert_eq!((orders.len(), refused), (1, 0));
        let order = &orders[0];
        assert_eq!(order.side, side);
        for (given, expected) in [(order.price_usd, price_usd), (order.quantity, quantity), (order.usd, usd)] {
            assert!((given / expected - 1.0).abs() < 1e-12, "{given} is not {expected}");
        }
    }

    #[rstest]
    #[case::unfilled("BTCUSDT", r#""S":"SELL","p":"72000","ap":"0","z":"0""#)]
    #[case::side("BTCUSDT", r#""S":"HOLD","p":"72000","ap":"73000","z":"2""#)]
    #[case::symbol("ETHBTC", r#""S":"SELL","p":"1","ap":"1","z":"2""#)]
    #[case::number("BTCUSDT", r#""S":"SELL","p":"1","ap":"NaN","z":"2""#)]
    fn an_order_that_makes_no_sense_is_refused(#[case] symbol: &str, #[case] fields: &str) {
        let (orders, refused) = orders(&event(symbol, fields));
        assert_eq!((orders.len(), refused), (0, 1));
    }

    #[test]
    fn one_bad_order_of_a_list_does_not_stop_the_others() {
        let good = event("BTCUSDT", r#""S":"SELL","p":"72000","ap":"73000","z":"2""#);
        let (orders, refused) = orders(&format!(r#"{{"stream":"!forceOrder@arr","data":[{good},{{"o":1}},{good}]}}"#));
        assert_eq!((orders.len(), refused), (2, 1));
    }

    #[test]
    fn an_order_on_a_stock_is_passed_over_and_is_no_bad_row() {
        let fields = r#""S":"SELL","p":"400","ap":"400","z":"2""#;
        let list = [event("TSLAUSDT", fields), event("LISTEDTODAYUSDT", fields)].join(",");
        let (orders, refused) = orders(&format!("{{\"data\":[{list}]}}"));
        assert_eq!(orders.iter().map(|order| order.symbol.as_str()).collect::<Vec<_>>(), ["LISTEDTODAYUSDT"]);
        assert_eq!(refused, 0);
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, fields in "(\"[a-zA-Z]{1,2}\":(\"?[0-9a-zA-Z_.-]{0,12}\"?|[{}]),?){0,8}") {
            let listing = Listing::default();
            let _ = parse_message(&text, &listing);
            let _ = parse_message(&format!(r#"{{"o":{{{fields}}}}}"#), &listing);
        }
    }
}
