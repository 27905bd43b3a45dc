//! Liquidation orders: the ones that a batch adds, and their table. Venues assign no ids, so equal
//! orders are counted.

use std::collections::HashMap;

use super::StoreError;
use super::dialect::{ColumnValues, Columns, Rows};
use super::reconcile::{check_instant, plausible};
use crate::domain::{
    Asset, CommitReport, KnownAtRule, LiquidationOrder, Metric, RecordedOrder, RejectedRow, Side, Source, Timestamp, Version,
    finite,
};

/// Maximum length of an instrument's name, bytes.
const SYMBOL_MAX: usize = 64;

/// Returns the valid orders by source, symbol and time, otherwise in the given order.
pub(super) fn validate(orders: &[LiquidationOrder], report: &mut CommitReport) -> Vec<LiquidationOrder> {
    let mut admitted = Vec::with_capacity(orders.len());
    for order in orders {
        match admit_order(order) {
            Ok(order) => admitted.push(order),
            Err(reason) => report.refused.push(RejectedRow {
                subject: format!("{} {}", order.source, order.symbol.escape_default()),
                observed_at: order.occurred_at,
                reason,
            }),
        }
    }
    admitted.sort_by(|a, b| instant_of(a).cmp(&instant_of(b)));
    admitted
}

fn admit_order(order: &LiquidationOrder) -> Result<LiquidationOrder, String> {
    let symbol = &order.symbol;
    if symbol.is_empty() || symbol.len() > SYMBOL_MAX || symbol.chars().any(char::is_control) {
        return Err(format!("the symbol must have 1 to {SYMBOL_MAX} bytes and no control characters"));
    }
    check_instant("occurred_at", order.occurred_at)?;
    if let KnownAtRule::AtPublication(at) | KnownAtRule::Vintage(at) = order.knowledge {
        check_instant("known_at", at)?;
    }
    let number = |value: f64, metric| plausible(finite(value).map_err(|e| e.to_string())?, metric, &order.asset);
    Ok(LiquidationOrder {
        price_usd: number(order.price_usd, Metric::Price)?,
        quantity: number(order.quantity, Metric::OpenInterestNative)?,
        usd: number(order.usd, Metric::Liquidation)?,
        ..order.clone()
    })
}

/// Returns the sort key of an order; orders that share it are distinguished by their ordinal.
fn instant_of(order: &LiquidationOrder) -> (&Source, &str, Timestamp) {
    (&order.source, &order.symbol, order.occurred_at)
}

/// Content of an order as the venue published it; orders with equal content are the same.
#[derive(PartialEq, Eq, Hash)]
struct Content(Asset, Side, [u64; 3]);

impl Content {
    fn of(order: &LiquidationOrder) -> Self {
        Self(order.asset.clone(), order.side, [order.price_usd, order.quantity, order.usd].map(f64::to_bits))
    }
}

/// Returns the orders to add, in the order of their natural key; `report` counts the outcomes.
///
/// `incoming` comes from [`validate`]; `stored` has every stored order of the same times, by natural
/// key. Of equal orders, as many are stored as the batch with the most of them contained.
pub(super) fn reconcile(
    stored: &[RecordedOrder],
    incoming: &[LiquidationOrder],
    now: Timestamp,
    report: &mut CommitReport,
) -> Vec<RecordedOrder> {
    let mut added = Vec::new();
    let mut rest = stored;
    for orders in incoming.chunk_by(|a, b| instant_of(a) == instant_of(b)) {
        let instant = instant_of(&orders[0]);
        rest = &rest[rest.partition_point(|stored| instant_of(&stored.order) < instant)..];
        let known = &rest[..rest.partition_point(|stored| instant_of(&stored.order) == instant)];
        let mut left: HashMap<Content, u64> = HashMap::new();
        for recorded in known {
            *left.entry(Content::of(&recorded.order)).or_default() += 1;
        }
        let mut ordinal = known.last().map_or(0, |last| last.ordinal + 1);
        for order in orders {
            if let Some(count) = left.get_mut(&Content::of(order)).filter(|count| **count > 0) {
                *count -= 1;
                report.unchanged += 1;
            } else {
                added.push(record(order, ordinal, now));
                ordinal += 1;
                report.new += 1;
            }
        }
    }
    added
}

fn record(order: &LiquidationOrder, ordinal: u32, now: Timestamp) -> RecordedOrder {
    let known_at = match order.knowledge {
        KnownAtRule::OnCommit => now,
        KnownAtRule::AtPublication(at) | KnownAtRule::Vintage(at) => at,
    };
    RecordedOrder { order: LiquidationOrder { knowledge: KnownAtRule::Vintage(known_at), ..order.clone() }, known_at, ordinal }
}

/// Converts orders to rows of their table.
pub(super) fn rows(version: Version, orders: &[RecordedOrder]) -> Rows {
    let integers = |cell: fn(&RecordedOrder) -> i64| ColumnValues::Integers(orders.iter().map(cell).collect());
    let texts = |cell: fn(&LiquidationOrder) -> &str| {
        ColumnValues::Texts(orders.iter().map(|recorded| cell(&recorded.order).to_owned()).collect())
    };
    let reals = |cell: fn(&LiquidationOrder) -> f64| {
        ColumnValues::Reals(orders.iter().map(|recorded| Some(cell(&recorded.order))).collect())
    };
    Rows {
        table: "liquidation_order",
        version,
        columns: vec![
            ("source", texts(|order| order.source.as_str())),
            ("symbol", texts(|order| &order.symbol)),
            ("occurred_at", integers(|recorded| recorded.order.occurred_at.unix_ms())),
            ("ordinal", integers(|recorded| i64::from(recorded.ordinal))),
            ("asset", texts(|order| order.asset.as_str())),
            ("side", texts(|order| order.side.as_str())),
            ("known_at", integers(|recorded| recorded.known_at.unix_ms())),
            ("price_usd", reals(|order| order.price_usd)),
            ("quantity", reals(|order| order.quantity)),
            ("usd", reals(|order| order.usd)),
        ],
    }
}

/// Columns read by [`read`], in its order.
pub(super) const COLUMNS: &str = "source, symbol, occurred_at, ordinal, asset, side, known_at, price_usd, quantity, usd";

/// Number of these columns.
pub(super) const WIDTH: usize = 10;

/// Reads an order from the first columns of a row.
pub(super) fn read(row: &impl Columns) -> Result<RecordedOrder, StoreError> {
    let (source, symbol, occurred_at, ordinal) = (row.text(0)?, row.text(1)?, row.integer(2)?, row.integer(3)?);
    let inconsistent = |column| StoreError::Inconsistent {
        table: "liquidation_order",
        column,
        row: format!("{source} {symbol} {occurred_at} {ordinal}"),
    };
    let known_at = Timestamp::from_unix_ms(row.integer(6)?);
    Ok(RecordedOrder {
        order: LiquidationOrder {
            source: source.parse().map_err(|_| inconsistent("source"))?,
            symbol: symbol.clone(),
            asset: row.text(4)?.parse().map_err(|_| inconsistent("asset"))?,
            side: row.text(5)?.parse().map_err(|_| inconsistent("side"))?,
            occurred_at: Timestamp::from_unix_ms(occurred_at),
            knowledge: KnownAtRule::Vintage(known_at),
            price_usd: row.real(7)?,
            quantity: row.real(8)?,
            usd: row.real(9)?,
        },
        known_at,
        ordinal: ordinal.try_into().map_err(|_| inconsistent("ordinal"))?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(100);

    fn order(symbol: &str, at: i64, usd: f64) -> LiquidationOrder {
        LiquidationOrder {
            source: "okx".parse().unwrap(),
            symbol: symbol.to_owned(),
            asset: Asset::btc(),
            side: Side::Long,
            occurred_at: Timestamp::from_unix_ms(at),
            knowledge: KnownAtRule::OnCommit,
            price_usd: 10.0,
            quantity: usd / 10.0,
            usd,
        }
    }

    fn apply(stored: &[RecordedOrder], orders: &[LiquidationOrder]) -> (Vec<RecordedOrder>, CommitReport) {
        let mut report = CommitReport::default();
        let incoming = validate(orders, &mut report);
        let added = reconcile(stored, &incoming, NOW, &mut report);
        (added, report)
    }

    #[test]
    fn ordinals_continue_after_the_stored_ones() {
        let (stored, _) = apply(&[], &[order("A", 1, 5.0), order("A", 1, 5.0), order("B", 1, 5.0)]);
        let (added, report) = apply(&stored, &[order("A", 1, 5.0), order("A", 1, 6.0), order("B", 2, 5.0)]);
        let places: Vec<_> = added.iter().map(|it| (it.order.symbol.as_str(), it.ordinal, it.order.usd)).collect();
        assert_eq!(places, [("A", 2, 6.0), ("B", 0, 5.0)]);
        assert_eq!((report.new, report.unchanged), (2, 1));
    }

    #[test]
    fn known_at_of_an_order_is_decided() {
        let late = LiquidationOrder { knowledge: KnownAtRule::AtPublication(Timestamp::from_unix_ms(7)), ..order("A", 1, 5.0) };
        let (added, _) = apply(&[], &[order("A", 1, 4.0), late]);
        assert_eq!(added.iter().map(|it| it.known_at.unix_ms()).collect::<Vec<_>>(), [100, 7]);
        assert_eq!(added[1].order.knowledge, KnownAtRule::Vintage(Timestamp::from_unix_ms(7)));
    }

    #[rstest]
    #[case::no_symbol(order("", 1, 5.0), "1 to 64 bytes")]
    #[case::nul_in_symbol(order("A\0", 1, 5.0), "no control characters")]
    #[case::negative(order("A", 1, -5.0), "is not a plausible")]
    #[case::for_nothing(LiquidationOrder { price_usd: 0.0, ..order("A", 1, 5.0) }, "0 is not a plausible price")]
    #[case::not_a_number(order("A", 1, f64::NAN), "not a finite number")]
    #[case::long_ago(order("A", i64::MIN, 5.0), "occurred_at")]
    #[case::known_too_late(
        LiquidationOrder { knowledge: KnownAtRule::Vintage(Timestamp::from_unix_ms(i64::MAX)), ..order("A", 1, 5.0) },
        "known_at"
    )]
    fn invalid_orders_are_rejected_with_a_reason(#[case] order: LiquidationOrder, #[case] reason: &str) {
        let (added, report) = apply(&[], &[order]);
        assert!(added.is_empty());
        assert!(report.refused[0].reason.contains(reason), "{:?}", report.refused);
    }

    fn sizes() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(0..3u8, 0..8)
    }

    proptest! {
        #[test]
        fn each_content_is_stored_as_often_as_in_its_fullest_batch(batches in proptest::collection::vec(sizes(), 1..5)) {
            let mut stored = Vec::new();
            for sizes in &batches {
                let orders: Vec<_> = sizes.iter().map(|usd| order("A", 1, f64::from(*usd))).collect();
                let (added, report) = apply(&stored, &orders);
                prop_assert_eq!(usize::try_from(report.new + report.unchanged).unwrap(), orders.len());
                stored.extend(added);
            }
            for content in 0..3u8 {
                let fullest = batches.iter().map(|sizes| sizes.iter().copied().filter(|size| *size == content).count()).max();
                let count = stored.iter().filter(|it| it.order.usd.to_bits() == f64::from(content).to_bits()).count();
                prop_assert_eq!(Some(count), fullest);
            }
            prop_assert!(stored.iter().zip(0..).all(|(it, ordinal)| it.ordinal == ordinal));
        }
    }
}
