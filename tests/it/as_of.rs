//! What was answered once is answered for ever: bytes at a past `as_of`, before and after
//! corrections, and after a restart, over HTTP on both engines.

use std::sync::Arc;
use std::time::Duration;

use market_stress::api::{AppState, Settings, router};
use market_stress::domain::{
    Asset, Bar, Batch, Clock, FixedClock, KnownAtRule, LiquidationOrder, Observation, Side, StatusBoard, Timestamp,
};
use market_stress::market::{Publisher, Recorder, load};
use market_stress::metrics::SourceOrder;
use market_stress::store::{OnRefusal, Store};
use tokio::net::TcpListener;

use crate::harness::{Engine, Home};
use crate::http::{Client, Reply, at, key, source};

/// Questions at instants before the corrections; in every format once.
const QUESTIONS: [&str; 16] = [
    "/v1/price?as_of=2026-02-03T12:00:00Z",
    "/v1/drawdown?as_of=2026-02-03T12:00:00Z",
    "/v1/drawdown?as_of=2026-02-03T12:00:00Z&basis=intraday&format=csv",
    "/v1/drawdown/series?as_of=2026-02-03T12:00:00Z&format=ndjson",
    "/v1/drawdown/episodes?as_of=2026-02-03T12:00:00Z",
    "/v1/market-cap?as_of=2026-02-03T12:00:00Z",
    "/v1/liquidations?as_of=2026-02-03T12:00:00Z",
    "/v1/liquidations/series?as_of=2026-02-03T12:00:00Z",
    "/v1/liquidations/days?as_of=2026-02-03T12:00:00Z&window=all",
    "/v1/liquidations/orders?as_of=2026-02-03T12:00:00Z&window=all",
    "/v1/etf-flows?as_of=2026-02-03T12:00:00Z",
    "/v1/etf-flows/series?as_of=2026-02-03T12:00:00Z",
    "/v1/etf-flows/funds?as_of=2026-02-03T12:00:00Z",
    "/v1/series?as_of=2026-02-03T12:00:00Z",
    "/v1/series/candle.btc@venue:6h?as_of=2026-02-03T12:00:00Z&window=all&include_history=true",
    "/v1/revisions?as_of=2026-02-03T12:00:00Z&since=2026-01-01",
];

fn observed<P>(observed_at: Timestamp, period_ms: i64, value: P) -> Observation<P> {
    Observation { observed_at, knowledge: KnownAtRule::AtPublication(observed_at.plus_ms(period_ms)), value }
}

fn order(occurred_at: &str, usd: f64, knowledge: KnownAtRule) -> LiquidationOrder {
    LiquidationOrder {
        source: source("venue"),
        symbol: "BTCUSDT".to_owned(),
        asset: Asset::btc(),
        side: Side::Long,
        occurred_at: at(occurred_at),
        knowledge,
        price_usd: 100.0,
        quantity: usd / 100.0,
        usd,
    }
}

/// Thirty days of everything; `shift` makes the same points say something else.
fn rows(shift: f64) -> Batch {
    let mut batch = Batch::new(source("test"));
    let six_hours = 6 * 3_600_000;
    for step in 0..140_i32 {
        let start = at("2026-01-01").plus_ms(i64::from(step) * six_hours);
        let close = 100.0 + f64::from(step % 17) - f64::from(step) / 4.0 + shift;
        let bar = Bar::new(close, close + 2.0, close - 2.0, close, Some(3.0)).unwrap();
        batch.push_candle(key("candle.btc@venue:6h"), observed(start, six_hours, bar));
        batch.push_reading(key("market_cap.total@gecko"), observed(start, 0, close * 1e9));
        batch.push_reading(key("liquidation.btc.short@venue:6h"), observed(start, six_hours, f64::from(step) + 1.0 + shift));
    }
    for day in 0..30 {
        let trading_day = at("2026-01-02").plus_days(day);
        let lag = key("etf_flow.btc.AAA@farside").publication_lag_ms();
        batch.push_reading(key("etf_flow.btc.AAA@farside"), observed(trading_day, lag, 1e6 + shift));
    }
    batch
}

/// A service over a log, and the pen that writes to both.
struct Desk {
    client: Client,
    recorder: Recorder,
    clock: Arc<FixedClock>,
}

async fn open(store: Arc<dyn Store>, now: &str) -> Desk {
    let market = Arc::new(Publisher::new(load(store.as_ref()).await.unwrap()));
    let clock = Arc::new(FixedClock::new(at(now)));
    let recorder = Recorder::new(Arc::clone(&store), Arc::clone(&market), Arc::clone(&clock) as Arc<dyn Clock>);
    let settings = Settings { allowance: None, request_timeout: Duration::from_mins(2), ..Settings::default() };
    let order = SourceOrder::default();
    let state = AppState::new(market, store, Arc::clone(&clock) as Arc<dyn Clock>, order, Arc::new(StatusBoard::new()), settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client { address: listener.local_addr().unwrap().to_string() };
    let service = router(state).into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Desk { client, recorder, clock }
}

async fn answers(client: &Client) -> Vec<Reply> {
    let mut replies = Vec::new();
    for question in QUESTIONS {
        let reply = client.get(question).await;
        assert_eq!(reply.status, 200, "{question}: {}", reply.text());
        replies.push(reply);
    }
    replies
}

#[track_caller]
fn assert_same(before: &[Reply], after: &[Reply], when: &str) {
    for ((question, before), after) in QUESTIONS.iter().zip(before).zip(after) {
        assert_eq!(before.text(), after.text(), "{question} {when}");
        assert_eq!(before.header("etag"), after.header("etag"), "{question} {when}");
    }
}

async fn on(engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    let desk = open(home.open().await, "2026-02-03T13:00:00Z").await;
    let mut first = rows(0.0);
    first.orders.push(order("2026-02-03T09:00:10Z", 500.0, KnownAtRule::Vintage(at("2026-02-03T09:00:11Z"))));
    let written = desk.recorder.record(&first, OnRefusal::Abort).await.unwrap();
    assert_eq!((written.new, written.revised), (451, 0));
    let before = answers(&desk.client).await;

    desk.clock.set(at("2026-02-04T10:00:00Z"));
    let mut corrections = rows(-0.5);
    corrections.orders.push(order("2026-02-03T09:00:20Z", 900.0, KnownAtRule::OnCommit));
    let corrected = desk.recorder.record(&corrections, OnRefusal::Abort).await.unwrap();
    assert!(corrected.revised >= 300, "{corrected:?}");
    assert_same(&before, &answers(&desk.client).await, "after the corrections");

    let now = "/v1/price?as_of=2026-02-04T10:00:00Z";
    assert_ne!(desk.client.get(now).await.json()["data"]["price_usd"], before[0].json()["data"]["price_usd"]);
    let revisions = desk.client.get("/v1/revisions?since=2026-02-04&limit=1").await;
    assert_eq!(revisions.json()["data"][0]["known_at"], "2026-02-04T10:00:00Z");

    let again = open(home.open().await, "2026-02-05").await;
    assert_same(&before, &answers(&again.client).await, "after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_answer_never_changes_on_sqlite() {
    on(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_answer_never_changes_on_postgres() {
    on(Engine::Postgres).await;
}
