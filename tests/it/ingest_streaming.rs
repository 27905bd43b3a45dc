//! Streamed feeds against a websocket that plays every trick.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use market_stress::ingest::binance::{BinanceConfig, LiquidationFeed};
use market_stress::ingest::bybit::{self, BybitConfig};
use market_stress::ingest::{Entry, Feed, FeedError, HttpClient, Message, ParseError, Profile, Refreshed, Session, StreamedFeed};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::harness::wait_until_async;
use crate::upstream::{Desk, Line, Play, Upstream, websocket};

const NOW: &str = "2026-02-03T19:00:05Z";
const ACK: &str = r#"{"result":null,"id":1}"#;

fn order(second: i64, size: &str) -> Line {
    let ms = 1_770_145_200_000 + second * 1_000;
    Line::Say(format!(
        r#"{{"e":"forceOrder","E":{ms},"o":{{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"{size}","p":"72000","ap":"73000","X":"FILLED","l":"{size}","z":"{size}","T":{ms}}},"ps":"BTCUSDT","st":1}}"#
    ))
}

fn say(text: &str) -> Line {
    Line::Say(text.to_owned())
}

fn feed(url: &Url) -> LiquidationFeed {
    // The lists of contracts are asked where nobody listens: the stream does not wait for them.
    let nobody: Url = "http://127.0.0.1:9".parse().unwrap();
    LiquidationFeed::new(&BinanceConfig {
        stream_url: url.clone(),
        rest_url: nobody.clone(),
        coin_rest_url: nobody,
        silent_after_seconds: 1,
        ..BinanceConfig::default()
    })
}

/// The same feed with sessions that are renewed after a moment.
#[derive(Debug)]
struct ShortLived(LiquidationFeed);

#[async_trait]
impl StreamedFeed for ShortLived {
    fn profile(&self) -> &Profile {
        self.0.profile()
    }

    async fn session(&self, http: &HttpClient) -> Result<Session, FeedError> {
        Ok(Session { renew_after: Duration::from_millis(200), ..self.0.session(http).await? })
    }

    fn read(&self, text: &str) -> Result<Message, ParseError> {
        self.0.read(text)
    }
}

#[tokio::test]
async fn orders_land_once_whatever_their_order_and_however_often_they_are_repeated() {
    let lines = vec![
        Line::Hear,
        say(ACK),
        order(3, "2"),
        order(1, "1"),
        order(3, "2"),
        say("not json"),
        say(r#"{"e":"forceOrder","o":{"s":"BTCUSDT","S":"SELL","p":"1","ap":"1","z":"0","T":1}}"#),
        order(4, "3"),
        Line::Hang,
    ];
    let (url, mut heard) = websocket(vec![lines]).await;
    let desk = Desk::at(NOW);
    desk.collector.step(Feed::Streamed(Box::new(feed(&url)))).run_once().await;
    assert!(heard.recv().await.unwrap().contains("!forceOrder@arr"));
    let mut orders = desk.sink.orders();
    orders.sort();
    orders.dedup();
    assert_eq!(
        orders,
        [
            "BTCUSDT long 2026-02-03T19:00:01Z 73000.00",
            "BTCUSDT long 2026-02-03T19:00:03Z 146000.00",
            "BTCUSDT long 2026-02-03T19:00:04Z 219000.00",
        ]
    );
    let status = desk.board.get("binance-liquidations").unwrap();
    assert_eq!(status.refused_rows, 2, "{:?}", status.last_refusal);
    assert_eq!(status.last_observation_at, Some("2026-02-03T19:00:04Z".parse().unwrap()));
    assert!(status.last_error.unwrap().contains("broke"));
}

#[tokio::test]
async fn a_stream_that_acknowledges_and_stays_silent_counts_as_broken() {
    let (url, _heard) = websocket(vec![vec![Line::Hear, say(ACK)]]).await;
    let desk = Desk::at(NOW);
    let wait = desk.collector.step(Feed::Streamed(Box::new(feed(&url)))).run_once().await;
    let status = desk.board.get("binance-liquidations").unwrap();
    assert!(status.last_error.unwrap().contains("silent for 1 s"));
    assert_eq!(status.last_success_at, None);
    assert!(wait >= Duration::from_secs(1), "{wait:?}");
}

#[tokio::test]
async fn what_a_broken_stream_may_have_missed_is_written_down_when_it_speaks_again() {
    let broken = vec![Line::Hear, order(1, "1"), Line::Hang];
    let (url, _heard) = websocket(vec![broken.clone(), vec![Line::Hear, say(ACK), Line::Hang], broken]).await;
    let desk = Desk::at(NOW);
    let mut step = desk.collector.step(Feed::Streamed(Box::new(feed(&url))));
    for (now, outages) in [(NOW, 0), ("2026-02-03T19:30:05Z", 0), ("2026-02-03T20:00:05Z", 1)] {
        desk.clock.set(now.parse().unwrap());
        step.run_once().await;
        assert_eq!(desk.sink.points().len(), outages, "at {now}");
    }
    let series = "outage.total.binance-liquidations@binance".to_owned();
    assert_eq!(desk.sink.points().get(&(series, NOW.to_owned())), Some(&1.0), "an hour");
}

#[tokio::test]
async fn a_refused_subscription_is_an_error_with_the_upstreams_words() {
    let refusal = r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#;
    let (url, _heard) = websocket(vec![vec![Line::Hear, say(refusal)]]).await;
    let desk = Desk::at(NOW);
    desk.collector.step(Feed::Streamed(Box::new(feed(&url)))).run_once().await;
    assert!(desk.board.get("binance-liquidations").unwrap().last_error.unwrap().contains("Invalid request"));
}

#[tokio::test]
async fn a_stream_of_a_host_that_blocks_this_client_rests_for_an_hour() {
    let blocked = Upstream::start(|_| Play::status(451, "not here")).await;
    let url = format!("ws://{}", blocked.url.authority()).parse().unwrap();
    let desk = Desk::at(NOW);
    let wait = desk.collector.step(Feed::Streamed(Box::new(feed(&url)))).run_once().await;
    assert!(wait >= Duration::from_hours(1), "{wait:?}");
    let error = desk.board.get("binance-liquidations").unwrap().last_error.unwrap();
    assert!(error.contains("does not serve the country of this address"), "{error}");
}

#[tokio::test]
async fn after_a_cut_the_feed_connects_and_subscribes_again_by_itself() {
    let first = vec![Line::Hear, order(1, "1"), Line::Hang];
    let second = vec![Line::Hear, order(1, "1"), order(2, "2")];
    let (url, mut heard) = websocket(vec![first, second]).await;
    let desk = Desk::at(NOW);
    let stop = CancellationToken::new();
    let entry = Entry { feed: Feed::Streamed(Box::new(feed(&url))), off: None };
    let tasks = desk.collector.start(vec![entry], &stop);
    desk.sink.wait_until("the last order", |sink| sink.orders().iter().any(|order| order.contains("19:00:02Z"))).await;
    assert!(heard.recv().await.unwrap().contains("SUBSCRIBE"));
    assert!(heard.recv().await.unwrap().contains("SUBSCRIBE"));
    let recovered = async || desk.board.get("binance-liquidations").is_some_and(|status| status.consecutive_failures == 0);
    wait_until_async("the board shows that the feed has recovered", Duration::from_secs(20), recovered).await;
    stop.cancel();
    tasks.wait().await;
}

#[tokio::test]
async fn an_old_session_is_replaced_before_the_upstream_cuts_it() {
    let first = vec![Line::Hear, order(1, "1")];
    let second = vec![Line::Hear, order(2, "2")];
    let (url, _heard) = websocket(vec![first, second]).await;
    let desk = Desk::at(NOW);
    let mut step = desk.collector.step(Feed::Streamed(Box::new(ShortLived(feed(&url)))));
    let renewed = desk.sink.wait_until("orders of two sessions", |sink| sink.orders().len() >= 2);
    tokio::select! {
        wait = step.run_once() => panic!("the session ended, next in {wait:?}"),
        () = renewed => {}
    }
    assert_eq!(desk.board.get("binance-liquidations").unwrap().consecutive_failures, 0);
}

const LISTED: &str = r#"{"symbol":"SYMBOL","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BASE"}"#;

/// The list of instruments with these coins.
fn listing(coins: &[&str]) -> Play {
    let row = |coin: &&str| LISTED.replace("SYMBOL", &format!("{coin}USDT")).replace("BASE", coin);
    let rows: Vec<_> = coins.iter().map(row).collect();
    Play::json(&format!(r#"{{"retCode":0,"result":{{"nextPageCursor":"","list":[{}]}},"time":1770145200000}}"#, rows.join(",")))
}

fn bybit(url: &Url, rest_url: &Url) -> bybit::LiquidationFeed {
    let (stream_url, rest_url) = (url.clone(), rest_url.clone());
    bybit::LiquidationFeed::new(&BybitConfig { stream_url, rest_url, ..BybitConfig::default() }, bybit::Category::Linear)
}

#[tokio::test]
async fn a_topic_that_is_refused_is_dropped_and_the_others_record() {
    let refusal =
        r#"{"success":false,"ret_msg":"error:handler not found,topic:allLiquidation.BADUSDT","req_id":"1","op":"subscribe"}"#;
    let order = r#"{"topic":"allLiquidation.BNBUSDT","data":[{"T":1770145200000,"s":"BNBUSDT","S":"Buy","v":"2","p":"860"}]}"#;
    let (url, mut heard) = websocket(vec![vec![Line::Hear, say(refusal), Line::Hear, say(order), Line::Hang]]).await;
    let rest = Upstream::start(|_| listing(&["BAD", "BNB"])).await;
    let desk = Desk::at(NOW);
    desk.collector.step(Feed::Streamed(Box::new(bybit(&url, &rest.url)))).run_once().await;
    assert!(heard.recv().await.unwrap().contains(r#"["allLiquidation.BADUSDT","allLiquidation.BNBUSDT"]"#));
    assert!(heard.recv().await.unwrap().contains(r#"["allLiquidation.BNBUSDT"]"#));
    assert_eq!(desk.sink.orders(), ["BNBUSDT long 2026-02-03T19:00:00Z 1720.00"]);
    let status = desk.board.get("bybit-liquidations").unwrap();
    assert!(status.partial.unwrap().contains("allLiquidation.BADUSDT is refused"));
}

/// The same feed that looks for new listings at once.
#[derive(Debug)]
struct Curious(bybit::LiquidationFeed);

#[async_trait]
impl StreamedFeed for Curious {
    fn profile(&self) -> &Profile {
        self.0.profile()
    }

    async fn session(&self, http: &HttpClient) -> Result<Session, FeedError> {
        Ok(Session { refresh_every: Duration::from_millis(50), ..self.0.session(http).await? })
    }

    async fn refresh(&self, http: &HttpClient) -> Result<Refreshed, FeedError> {
        self.0.refresh(http).await
    }

    fn read(&self, text: &str) -> Result<Message, ParseError> {
        self.0.read(text)
    }
}

#[tokio::test]
async fn what_is_listed_later_is_subscribed_to_in_the_same_session() {
    let order = r#"{"topic":"allLiquidation.NEWUSDT","data":[{"T":1770145200000,"s":"NEWUSDT","S":"Sell","v":"2","p":"5"}]}"#;
    let (url, mut heard) = websocket(vec![vec![Line::Hear, Line::Hear, say(order), Line::Hang]]).await;
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    let rest = Upstream::start(move |_| match counter.fetch_add(1, Ordering::SeqCst) {
        0 => listing(&["BTC"]),
        1 => Play::status(500, ""),
        _ => listing(&["BTC", "NEW"]),
    })
    .await;
    let desk = Desk::at(NOW);
    desk.collector.step(Feed::Streamed(Box::new(Curious(bybit(&url, &rest.url))))).run_once().await;
    assert!(heard.recv().await.unwrap().contains(r#"["allLiquidation.BTCUSDT"]"#));
    assert!(heard.recv().await.unwrap().contains(r#"["allLiquidation.NEWUSDT"]"#), "what was asked for is not asked for again");
    assert_eq!(desk.sink.orders(), ["NEWUSDT short 2026-02-03T19:00:00Z 10.00"]);
}

#[tokio::test]
async fn orders_wait_in_memory_while_the_store_is_away() {
    let (url, _heard) = websocket(vec![vec![Line::Hear, order(1, "1"), order(2, "2")]]).await;
    let desk = Desk::at(NOW);
    desk.sink.fail_times(1);
    let mut step = desk.collector.step(Feed::Streamed(Box::new(feed(&url))));
    for _ in 0..3 {
        if desk.sink.orders().is_empty() {
            step.run_once().await;
        }
    }
    let mut orders = desk.sink.orders();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), 2);
}

#[tokio::test]
async fn a_feed_that_is_off_is_on_the_board_with_the_reason() {
    let desk = Desk::at(NOW);
    let url: Url = "ws://127.0.0.1:9".parse().unwrap();
    let entry = Entry { feed: Feed::Streamed(Box::new(feed(&url))), off: Some("switched off".to_owned()) };
    let tasks = desk.collector.start(vec![entry], &CancellationToken::new());
    tasks.wait().await;
    let status = desk.board.get("binance-liquidations").unwrap();
    assert!(!status.enabled);
    assert_eq!(status.note, "switched off");
}
