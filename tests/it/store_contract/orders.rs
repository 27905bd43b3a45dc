//! The list of liquidation orders.

use market_stress::domain::{Batch, KnownAtRule, Side, TimeRange};
use market_stress::store::{OrderCursor, OrderFilter, Store};
use rstest::rstest;

use super::{append, at, every_order, lot, order};
use crate::harness::{Engine, Home, contents};

/// Orders of two venues, three instruments and four instants, several at the same one.
async fn fill_orders(store: &dyn Store) {
    let mut batch = Batch::new("test".parse().unwrap());
    for n in 0..48u32 {
        let hour = lot(u64::from(n)) % 4;
        let symbol = ["BTCUSDT", "ETHUSDT", "aeth-X"][usize::try_from(n % 3).unwrap()];
        let mut one = order(&format!("2026-02-03T0{hour}:00:00Z"), symbol, f64::from(n * 50));
        one.source = ["binance-perp", "okx"][usize::try_from(n / 3 % 2).unwrap()].parse().unwrap();
        one.asset = ["btc", "eth", "eth"][usize::try_from(n % 3).unwrap()].parse().unwrap();
        one.knowledge = KnownAtRule::AtPublication(one.occurred_at.plus_ms(i64::from(n % 2)));
        batch.orders.push(one);
    }
    append(store, &batch, "2026-02-04").await;
}

#[rstest]
#[tokio::test]
async fn orders_are_paged_newest_first_without_gap_or_repeat(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values(1, 5, 48)] page: u32,
) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    fill_orders(&*store).await;
    let mut expected = contents(&*store).await.orders;
    expected.sort_by_key(|held| std::cmp::Reverse(held.order.occurred_at));
    let mut listed = Vec::new();
    let mut cursor: Option<OrderCursor> = None;
    loop {
        let rows = store.liquidation_orders(&every_order(), cursor.as_ref(), page).await.unwrap();
        let Some(last) = rows.last() else { break };
        assert!(rows.len() <= usize::try_from(page).unwrap());
        cursor = Some(OrderCursor {
            occurred_at: last.order.occurred_at,
            source: last.order.source.clone(),
            symbol: last.order.symbol.clone(),
            ordinal: last.ordinal,
        });
        listed.extend(rows);
    }
    assert_eq!(listed, expected);
    assert_eq!(listed.len(), 48);
}

#[rstest]
#[case::span(|f: &mut OrderFilter| f.range = TimeRange::new(at("2026-02-03T01:00:00Z"), at("2026-02-03T03:00:00Z")).unwrap())]
#[case::knowledge(|f: &mut OrderFilter| f.known_by = at("2026-02-03T02:00:00Z"))]
#[case::venue(|f: &mut OrderFilter| f.sources = vec!["okx".parse().unwrap(), "bybit".parse().unwrap()])]
#[case::asset(|f: &mut OrderFilter| f.asset = Some("eth".parse().unwrap()))]
#[case::side(|f: &mut OrderFilter| f.side = Some(Side::Long))]
#[case::size(|f: &mut OrderFilter| f.min_usd = Some(1_000.0))]
#[tokio::test]
async fn orders_are_listed_by_what_was_asked(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[case] ask: fn(&mut OrderFilter),
) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    fill_orders(&*store).await;
    let mut filter = every_order();
    ask(&mut filter);
    let listed = store.liquidation_orders(&filter, None, 1_000).await.unwrap();
    let mut expected = contents(&*store).await.orders;
    expected.retain(|held| {
        let order = &held.order;
        filter.range.contains(order.occurred_at)
            && held.known_at <= filter.known_by
            && (filter.sources.is_empty() || filter.sources.contains(&order.source))
            && filter.asset.as_ref().is_none_or(|asset| *asset == order.asset)
            && filter.side.is_none_or(|side| side == order.side)
            && filter.min_usd.is_none_or(|usd| order.usd >= usd)
    });
    expected.sort_by_key(|held| std::cmp::Reverse(held.order.occurred_at));
    assert_eq!(listed, expected);
    assert!(!listed.is_empty() && listed.len() < 48, "{} orders prove nothing", listed.len());
}
