//! A served service and a client that shows every byte: what the HTTP tests share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use market_stress::api::{AppState, Settings, router_with, serve_router};
use market_stress::domain::{
    ApiKey, Bar, Batch, Clock, CommitReport, Delta, FixedClock, KeyId, RecordedOrder, SeriesKey, Source, SourceInfo, StatusBoard,
    TimeRange, Timestamp, Version, Vintage,
};
use market_stress::market::{Market, Publisher};
use market_stress::metrics::SourceOrder;
use market_stress::store::{
    Appended, IdempotencyReservation, LeaderLease, LoadSink, OnRefusal, OrderCursor, OrderFilter, ReservationOutcome, SpansRead,
    Store, StoreError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The instant the clock of a test stands at.
pub(crate) const NOW: &str = "2026-02-04T08:00:00Z";

/// A store that holds orders only, and can be made to go away.
#[derive(Debug, Default)]
pub(crate) struct OrderStore {
    pub(crate) orders: Mutex<Vec<RecordedOrder>>,
    pub(crate) away: AtomicBool,
}

impl OrderStore {
    fn reach(&self) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) { Err(StoreError::Unavailable(sqlx::Error::PoolTimedOut)) } else { Ok(()) }
    }
}

#[async_trait]
impl Store for OrderStore {
    async fn append(&self, _: &Batch, _: Timestamp, _: OnRefusal) -> Result<Appended, StoreError> {
        unimplemented!("the HTTP tests write to the market")
    }

    async fn rehearse(&self, _: &Batch, _: Timestamp, _: OnRefusal) -> Result<CommitReport, StoreError> {
        unimplemented!("the HTTP tests write to the market")
    }

    async fn put_source(&self, _: &SourceInfo) -> Result<(), StoreError> {
        self.reach()
    }

    async fn sources(&self) -> Result<Vec<SourceInfo>, StoreError> {
        self.reach().map(|()| vec![])
    }

    async fn latest_version(&self) -> Result<Version, StoreError> {
        self.reach().map(|()| 0)
    }

    async fn estimated_rows(&self) -> Result<u64, StoreError> {
        self.reach().map(|()| 0)
    }

    async fn load(&self, _: &mut dyn LoadSink) -> Result<Version, StoreError> {
        self.reach().map(|()| 0)
    }

    async fn changes_after(&self, _: Version, _: u32) -> Result<Vec<Delta>, StoreError> {
        self.reach().map(|()| vec![])
    }

    async fn wait_for_change(&self, _: Version, _: Duration) -> Result<(), StoreError> {
        self.reach()
    }

    async fn liquidation_orders(
        &self,
        filter: &OrderFilter,
        after: Option<&OrderCursor>,
        limit: u32,
    ) -> Result<Vec<RecordedOrder>, StoreError> {
        self.reach()?;
        let place = |row: &RecordedOrder| {
            let order = &row.order;
            (std::cmp::Reverse(order.occurred_at), order.source.clone(), order.symbol.clone(), row.ordinal)
        };
        let after = after.map(|c| (std::cmp::Reverse(c.occurred_at), c.source.clone(), c.symbol.clone(), c.ordinal));
        let wanted = |row: &&RecordedOrder| {
            row.known_at <= filter.known_by
                && filter.range.contains(row.order.occurred_at)
                && filter.side.is_none_or(|side| row.order.side == side)
                && after.as_ref().is_none_or(|after| place(row) > *after)
        };
        let mut rows: Vec<RecordedOrder> = self.orders.lock().unwrap().iter().filter(wanted).cloned().collect();
        rows.sort_by_key(place);
        rows.truncate(usize::try_from(limit).unwrap());
        Ok(rows)
    }

    async fn note_read(&self, _: &str, _: &str, _: TimeRange) -> Result<(), StoreError> {
        self.reach()
    }

    async fn backfilled_ranges(&self, _: &str) -> Result<SpansRead, StoreError> {
        self.reach().map(|()| SpansRead::new())
    }

    async fn put_key(&self, _: &ApiKey) -> Result<(), StoreError> {
        unimplemented!("the tests of keys use a real store")
    }

    async fn key(&self, _: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        self.reach().map(|()| None)
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.reach().map(|()| vec![])
    }

    async fn revoke_key(&self, _: &KeyId, _: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        self.reach().map(|()| None)
    }

    async fn note_key_use(&self, _: &KeyId, _: Timestamp) -> Result<(), StoreError> {
        self.reach()
    }

    async fn reserve(&self, _: &IdempotencyReservation, _: Timestamp) -> Result<ReservationOutcome, StoreError> {
        self.reach().map(|()| ReservationOutcome::Granted)
    }

    async fn complete(&self, _: &IdempotencyReservation, _: &str) -> Result<(), StoreError> {
        self.reach()
    }

    async fn release(&self, _: &IdempotencyReservation) -> Result<(), StoreError> {
        self.reach()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.reach()
    }

    fn candidate(&self) -> Box<dyn LeaderLease> {
        unimplemented!("the HTTP tests run no feeds")
    }
}

/// Asks a served service.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) address: String,
}

/// A service on a port of its own.
pub(crate) struct Service {
    client: Client,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) market: Arc<Publisher>,
    pub(crate) store: Arc<OrderStore>,
    pub(crate) feeds: Arc<StatusBoard>,
    pub(crate) shutdown: CancellationToken,
    serving: Mutex<Option<JoinHandle<std::io::Result<()>>>>,
}

/// What a test serves.
pub(crate) struct Plan {
    pub(crate) commits: Vec<Delta>,
    pub(crate) orders: Vec<RecordedOrder>,
    pub(crate) settings: Settings,
    pub(crate) further: Router<AppState>,
}

impl Default for Plan {
    /// Nothing, with time enough for a debug build on a busy machine.
    fn default() -> Self {
        let settings = Settings { request_timeout: Duration::from_mins(2), ..Settings::default() };
        Self { commits: Vec::new(), orders: Vec::new(), settings, further: Router::new() }
    }
}

impl Plan {
    /// A service with a few days of prices.
    pub(crate) fn with_prices() -> Self {
        Self { commits: vec![prices(1)], ..Self::default() }
    }

    pub(crate) async fn serve(self) -> Service {
        let market = self.commits.iter().fold(Market::default(), |market, delta| market.next(delta));
        let market = Arc::new(Publisher::new(market));
        let clock = Arc::new(FixedClock::new(at(NOW)));
        let store = Arc::new(OrderStore { orders: Mutex::new(self.orders), away: AtomicBool::new(false) });
        let feeds = Arc::new(StatusBoard::new());
        let grace = self.settings.shutdown_grace;
        let state = AppState::new(
            Arc::clone(&market),
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::clone(&clock) as Arc<dyn Clock>,
            SourceOrder::default(),
            Arc::clone(&feeds),
            self.settings,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(serve_router(listener, router_with(state, self.further), grace, shutdown.clone()));
        Service { client: Client { address }, clock, market, store, feeds, shutdown, serving: Mutex::new(Some(serving)) }
    }
}

impl std::ops::Deref for Service {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Service {
    /// Waits until the service has ended.
    pub(crate) async fn ended(&self) {
        let serving = self.serving.lock().unwrap().take().unwrap();
        serving.await.unwrap().unwrap();
    }
}

impl Client {
    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[]).await
    }

    pub(crate) async fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", target, headers).await
    }

    /// Sends a request without a body.
    pub(crate) async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.extend([*name, ": ", *value, "\r\n"]);
        }
        self.send_raw(format!("{request}\r\n").as_bytes()).await
    }

    /// Sends a request with a body.
    pub(crate) async fn post(&self, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let length = body.len().to_string();
        let mut request = format!("POST {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        for (name, value) in headers.iter().chain([&("Content-Length", length.as_str())]) {
            request.extend([*name, ": ", *value, "\r\n"]);
        }
        self.send_raw(&[format!("{request}\r\n").as_bytes(), body].concat()).await
    }

    /// Sends bytes as they are.
    pub(crate) async fn send_raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut reply = vec![];
        stream.read_to_end(&mut reply).await.unwrap();
        Reply::read(&reply)
    }
}

/// A response, taken apart.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    fn read(bytes: &[u8]) -> Self {
        let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a response has a head");
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: bytes[split + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The problem document, once it has been checked for what every problem has.
    pub(crate) fn problem(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.head);
        assert_eq!(self.header("cache-control"), Some("no-store"), "{}", self.head);
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        for text in ["type", "title", "detail", "instance", "code"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{text} is missing: {problem}");
        }
        problem
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn key(text: &str) -> SeriesKey {
    text.parse().unwrap()
}

pub(crate) fn source(text: &str) -> Source {
    text.parse().unwrap()
}

/// A commit without rows, recorded shortly before the clock.
pub(crate) fn commit(version: Version) -> Delta {
    Delta {
        version,
        recorded_at: at("2026-02-04T07:00:00Z"),
        source: source("test"),
        readings: [].into(),
        candles: [].into(),
        orders: vec![],
    }
}

/// Daily bars of bitcoin that end on the day before the clock, closing at 100, 101, ... USD.
pub(crate) fn prices(version: Version) -> Delta {
    let first = at("2026-01-05");
    let bars = (0..30_i32).map(|day| {
        let observed_at = first.plus_days(i64::from(day));
        let close = 100.0 + f64::from(day);
        Vintage { observed_at, known_at: observed_at.plus_days(1), value: bar(close) }
    });
    let candles = [(key("candle.btc@venue:1d"), bars.collect())].into();
    Delta { candles, ..commit(version) }
}

/// A bar that closes at `close`, USD.
pub(crate) fn bar(close: f64) -> Bar {
    Bar::new(close - 1.0, close + 1.0, close - 2.0, close, Some(10.0)).unwrap()
}
