//! Checks of the result of a parser for arbitrary bytes.
//!
//! Each target passes its input to every parser of one provider. A parser may reject it. Accepted rows
//! must be valid for the store, which also rejects values that are finite but implausible.

use market_stress::domain::{Asset, Bar, KnownAtRule, LiquidationOrder, SeriesKey, Timestamp};
use market_stress::ingest::{Message, ParseError, Parsed, Visit};

/// Returns the coin of the requests.
#[must_use]
pub fn btc() -> Asset {
    Asset::btc()
}

/// Returns a first poll, late enough for most times to be earlier.
#[must_use]
pub fn visit() -> Visit {
    Visit { seen_until: None, now: Timestamp::from_unix_seconds(1_900_000_000) }
}

/// Returns the series of a metric, for parsers that receive one.
#[must_use]
pub fn series(key: &str) -> SeriesKey {
    key.parse().expect("a series key")
}

/// Decodes the input as the text of a message, as the socket does.
pub fn message(body: &[u8], parse: impl Fn(&str) -> Result<Message, ParseError>) {
    if let Ok(Message::Rows(parsed)) = parse(&String::from_utf8_lossy(body)) {
        rows(Ok(parsed));
    }
}

/// Checks that every row has an accepted time, a finite number, and a valid series.
pub fn rows(parsed: Result<Parsed, ParseError>) {
    let Ok(parsed) = parsed else { return };
    for (key, rows) in &parsed.batch.readings {
        named(key);
        for row in rows {
            instants(row.observed_at, row.knowledge);
            assert!(!row.value.is_nan(), "{key} is not a number");
        }
    }
    for (key, rows) in &parsed.batch.candles {
        named(key);
        for row in rows {
            instants(row.observed_at, row.knowledge);
            let Bar { open, high, low, close, volume } = row.value;
            assert!(Bar::new(open, high, low, close, volume).is_ok(), "{key}: {:?}", row.value);
        }
    }
    parsed.batch.orders.iter().for_each(order);
}

/// Checks a liquidation: its side is known by type, its numbers are positive and consistent.
fn order(order: &LiquidationOrder) {
    instants(order.occurred_at, order.knowledge);
    let LiquidationOrder { price_usd, quantity, usd, symbol, .. } = order;
    assert!(*price_usd >= 0.0 && *quantity >= 0.0 && *usd >= 0.0, "{symbol}: {price_usd} {quantity} {usd}");
    let agree = price_usd * quantity;
    let ordinary = [*price_usd, *quantity, *usd, agree].iter().all(|figure| (1e-300..1e300).contains(figure));
    assert!(!ordinary || (agree / usd - 1.0).abs() < 1e-6, "{symbol}: {price_usd} x {quantity} is not {usd}");
}

fn instants(observed_at: Timestamp, knowledge: KnownAtRule) {
    assert!(observed_at.is_acceptable(), "{observed_at:?}");
    if let KnownAtRule::AtPublication(at) | KnownAtRule::Vintage(at) = knowledge {
        assert!(at.is_acceptable(), "{at:?}");
    }
}

fn named(key: &SeriesKey) {
    assert_eq!(key.to_string().parse().as_ref(), Ok(key));
}
