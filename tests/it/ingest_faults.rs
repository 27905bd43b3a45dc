//! Faults of the upstreams down to the store: nothing lost that was acknowledged, nothing doubled.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use market_stress::domain::{Batch, Clock, CommitReport, FeedState, SeriesKey, SourceInfo, Timestamp};
use market_stress::ingest::binance::{BinanceConfig, LiquidationFeed};
use market_stress::ingest::coingecko::{CoinGeckoConfig, snapshot_feed};
use market_stress::ingest::{Collector, Entry, Feed, Sink};
use market_stress::store::{OnRefusal, Store, StoreError};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::harness::{Engine, Home, contents, wait_until_async};
use crate::upstream::{Desk, Line, Play, Upstream, websocket};

const NOW: &str = "2026-02-03T19:00:05Z";
const ACK: &str = r#"{"result":null,"id":1}"#;

/// Records into a store, as the service does.
#[derive(Debug)]
struct StoreSink {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Sink for StoreSink {
    async fn record(&self, batch: &Batch) -> Result<CommitReport, StoreError> {
        Ok(self.store.append(batch, self.clock.now(), OnRefusal::Skip).await?.report)
    }

    async fn introduce(&self, info: &SourceInfo) -> Result<(), StoreError> {
        self.store.put_source(info).await
    }

    fn newest(&self, _: &SeriesKey) -> Option<Timestamp> {
        None
    }
}

/// A store with a collector that records into it.
struct Room {
    desk: Desk,
    store: Arc<dyn Store>,
    collector: Collector,
    _home: Home,
}

impl Room {
    async fn new() -> Self {
        let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
        let store = home.open().await;
        let clock = Arc::clone(&desk.clock) as Arc<dyn Clock>;
        let sink = Arc::new(StoreSink { store: Arc::clone(&store), clock });
        let collector = Collector { sink, ..desk.collector.clone() };
        Self { desk, store, collector, _home: home }
    }

    /// Every order in the store, in words, in their order.
    async fn orders(&self) -> Vec<String> {
        let orders = contents(self.store.as_ref()).await.orders;
        orders.iter().map(|row| format!("{} {} {:.0}", row.order.symbol, row.order.occurred_at, row.order.usd)).collect()
    }

    /// Runs the liquidation feed until the store holds `count` orders and the board says that they
    /// came, and says what the store holds.
    async fn collect(&self, feed: LiquidationFeed, count: usize) -> Vec<String> {
        let stop = CancellationToken::new();
        let entry = Entry { feed: Feed::Streamed(Box::new(feed)), off: None };
        let tasks = self.collector.start(vec![entry], &stop);
        let what = format!("{count} orders are stored and the board has the newest");
        wait_until_async(&what, Duration::from_secs(20), async || self.orders().await.len() >= count && self.told().await).await;
        stop.cancel();
        tasks.wait().await;
        self.orders().await
    }

    /// Whether the board has the newest order of the store, and no failure after it.
    async fn told(&self) -> bool {
        let newest = contents(self.store.as_ref()).await.orders.iter().map(|row| row.order.occurred_at).max();
        let status = self.desk.board.get("binance-liquidations");
        status.is_some_and(|status| status.last_observation_at == newest && status.consecutive_failures == 0)
    }
}

/// The feed of a stream that counts as broken after so many seconds of silence.
fn feed(url: &Url, silent_after_seconds: u64) -> LiquidationFeed {
    let nobody: Url = "http://127.0.0.1:9".parse().unwrap();
    LiquidationFeed::new(&BinanceConfig {
        stream_url: url.clone(),
        rest_url: nobody.clone(),
        coin_rest_url: nobody,
        silent_after_seconds,
        ..BinanceConfig::default()
    })
}

fn text(symbol: &str, second: i64, coins: &str) -> String {
    let ms = 1_770_145_200_000 + second * 1_000;
    format!(
        r#"{{"e":"forceOrder","E":{ms},"o":{{"s":"{symbol}","S":"SELL","o":"LIMIT","f":"IOC","q":"{coins}","p":"72000","ap":"73000","X":"FILLED","l":"{coins}","z":"{coins}","T":{ms}}},"ps":"{symbol}","st":1}}"#
    )
}

fn order(second: i64, coins: &str) -> Line {
    Line::Say(text("BTCUSDT", second, coins))
}

const THREE: [&str; 3] =
    ["BTCUSDT 2026-02-03T19:00:01Z 73000", "BTCUSDT 2026-02-03T19:00:02Z 146000", "BTCUSDT 2026-02-03T19:00:03Z 219000"];

#[tokio::test]
async fn a_socket_cut_in_the_middle_of_a_message_loses_and_doubles_nothing() {
    let room = Room::new().await;
    let acknowledged = || vec![Line::Hear, Line::Say(ACK.to_owned()), order(1, "1")];
    let first = [acknowledged(), vec![Line::Half(text("BTCUSDT", 2, "2"))]].concat();
    let second = [acknowledged(), vec![order(2, "2"), order(3, "3")]].concat();
    let (url, _heard) = websocket(vec![first, second]).await;
    assert_eq!(room.collect(feed(&url, 60), 3).await, THREE);
    let status = room.desk.board.get("binance-liquidations").unwrap();
    // The lists of contracts are asked where nobody listens.
    assert_eq!((status.consecutive_failures, status.state(at("2026-02-03T19:00:03Z"))), (0, FeedState::Partial));
}

#[tokio::test]
async fn a_stream_that_fell_silent_is_connected_again_by_itself() {
    let room = Room::new().await;
    let silent = vec![Line::Hear, Line::Say(ACK.to_owned())];
    let speaking = vec![Line::Hear, Line::Say(ACK.to_owned()), order(1, "1"), order(2, "2"), order(3, "3")];
    let (url, mut heard) = websocket(vec![silent, speaking]).await;
    assert_eq!(room.collect(feed(&url, 3), 3).await, THREE);
    for _ in 0..2 {
        assert!(heard.recv().await.unwrap().contains("SUBSCRIBE"));
    }
    assert_eq!(room.desk.board.get("binance-liquidations").unwrap().consecutive_failures, 0);
}

#[tokio::test]
async fn messages_repeated_and_out_of_order_are_stored_once_after_a_restart_too() {
    let room = Room::new().await;
    let lines = vec![Line::Hear, order(3, "3"), order(1, "1"), order(3, "3"), order(2, "2"), order(1, "1")];
    let (url, _heard) = websocket(vec![lines]).await;
    room.collect(feed(&url, 60), 3).await;
    assert_eq!(room.collect(feed(&url, 60), 3).await, THREE);
}

#[tokio::test]
async fn a_symbol_never_seen_before_lands_and_one_that_is_none_is_refused_alone() {
    let room = Room::new().await;
    let lines = vec![Line::Hear, Line::Say(text("", 1, "1")), Line::Say(text("ZZQUUSDT", 2, "2")), order(3, "3")];
    let (url, _heard) = websocket(vec![lines]).await;
    let orders = room.collect(feed(&url, 60), 2).await;
    assert_eq!(orders, ["BTCUSDT 2026-02-03T19:00:03Z 219000", "ZZQUUSDT 2026-02-03T19:00:02Z 146000"]);
    let stored = contents(room.store.as_ref()).await.orders;
    assert_eq!(stored[1].order.asset.as_str(), "zzqu");
    assert_eq!(room.desk.board.get("binance-liquidations").unwrap().refused_rows, 1);
}

#[tokio::test]
async fn a_value_out_of_all_range_is_refused_and_reported_and_the_rest_lands() {
    let room = Room::new().await;
    let upstream = Upstream::start(|path| {
        Play::json(if path.starts_with("/global") {
            r#"{"data":{"total_market_cap":{"usd":2.5e12},"total_volume":{"usd":1e11},"updated_at":1770145190}}"#
        } else {
            r#"[{"symbol":"btc","current_price":7.6e13,"market_cap":1.5e12,"total_volume":9e10,"last_updated":"2026-02-03T19:00:00Z"}]"#
        })
    })
    .await;
    let config = CoinGeckoConfig { url: upstream.url.clone(), ..CoinGeckoConfig::default() };
    room.collector.step(Feed::Polled(snapshot_feed(&config))).run_once().await;
    let stored = contents(room.store.as_ref()).await.readings;
    let keys: Vec<String> = stored.keys().map(ToString::to_string).collect();
    assert_eq!(
        keys,
        ["market_cap.btc@coingecko", "market_cap.total@coingecko", "volume_24h.btc@coingecko", "volume_24h.total@coingecko"]
    );
    let status = room.desk.board.get("coingecko-market").unwrap();
    assert_eq!((status.refused_rows, status.consecutive_failures), (1, 0));
    let words = status.last_refusal.unwrap();
    assert!(words.contains("price.btc@coingecko") && words.contains("not a plausible price"), "{words}");
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
