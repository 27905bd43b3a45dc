//! A made-up upstream on loopback: HTTP that answers, fails and dawdles as told, and websockets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt};
use market_stress::domain::{Batch, Clock, CommitReport, FixedClock, SeriesKey, SourceInfo, StatusBoard, Timestamp};
use market_stress::ingest::{Collector, HostPolicy, HttpClient, HttpSettings, SeededJitter, Sink};
use market_stress::store::StoreError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_tungstenite::tungstenite::Message;
use url::Url;

/// How long a row may take to come, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the upstream does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    /// Answers with a status, a content type, more headers and a body.
    Answer(u16, &'static str, Vec<(&'static str, String)>, String),
    /// Announces the whole body, sends the first bytes of it and cuts the connection.
    Cut(String, usize),
    /// Sends one byte, then nothing more.
    Drip,
    /// Never answers.
    Silence,
    /// Takes a permit, waiting for one, and plays the other.
    Permitted(Arc<Semaphore>, Box<Play>),
}

impl Play {
    pub(crate) fn json(body: &str) -> Self {
        Self::Answer(200, "application/json", Vec::new(), body.to_owned())
    }

    pub(crate) fn html(body: &str) -> Self {
        Self::Answer(200, "text/html; charset=utf-8", Vec::new(), body.to_owned())
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Answer(status, "application/json", Vec::new(), body.to_owned())
    }

    pub(crate) fn throttled(status: u16, retry_after: &str) -> Self {
        Self::Answer(status, "application/json", vec![("Retry-After", retry_after.to_owned())], "{}".to_owned())
    }
}

/// An HTTP server that plays.
pub(crate) struct Upstream {
    pub(crate) url: Url,
    /// Each request so far: when it came, and its path and query.
    asked: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Upstream {
    /// Answers each request by its path and query.
    pub(crate) async fn start(play: impl Fn(&str) -> Play + Send + Sync + 'static) -> Self {
        Self::heeding(move |path, _| play(path)).await
    }

    /// Answers each request by its path and query, and by its whole head.
    pub(crate) async fn heeding(play: impl Fn(&str, &str) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (play, log) = (Arc::new(play), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (play, log) = (Arc::clone(&play), Arc::clone(&log));
                tokio::spawn(async move { answer(socket, &*play, &log).await });
            }
        });
        Self { url, asked }
    }

    /// Paths and queries of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, path)| path.clone()).collect()
    }

    /// How long after the one before each request came, from the second on.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.asked.lock().unwrap().windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    }
}

async fn answer(mut socket: TcpStream, play: &(impl Fn(&str, &str) -> Play + Sync), log: &Mutex<Vec<(Instant, String)>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut buffer = [0; 1_024];
        match socket.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => head.extend_from_slice(&buffer[..n]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().push((Instant::now(), path.clone()));
    let mut play = play(&path, &head);
    while let Play::Permitted(permits, then) = play {
        permits.acquire().await.unwrap().forget();
        play = *then;
    }
    match play {
        Play::Answer(status, content_type, headers, body) => {
            let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let text = format!(
                "HTTP/1.1 {status} Played\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{body}",
                body.len(),
                headers.concat()
            );
            let _ = socket.write_all(text.as_bytes()).await;
        }
        Play::Cut(body, bytes) => {
            let text = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = socket.write_all(text.as_bytes()).await;
            let _ = socket.write_all(&body.as_bytes()[..bytes]).await;
        }
        Play::Drip => {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[").await;
            std::future::pending::<()>().await;
        }
        Play::Silence | Play::Permitted(..) => std::future::pending::<()>().await,
    }
}

/// What the upstream does on one websocket connection, in order; then it keeps the line open.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// Waits for a text from the client.
    Hear,
    /// Sends a text.
    Say(String),
    /// Sends the first half of a text and cuts the connection.
    Half(String),
    /// Cuts the connection without a word.
    Hang,
}

/// A websocket server: one list of lines per connection, the last list for all further ones. Every
/// text it hears comes out of the receiver.
pub(crate) async fn websocket(sessions: Vec<Vec<Line>>) -> (Url, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap()).parse().unwrap();
    let (heard, ears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut connection = 0;
        while let Ok((socket, _)) = listener.accept().await {
            let lines = sessions[connection.min(sessions.len() - 1)].clone();
            connection += 1;
            tokio::spawn(speak(socket, lines, heard.clone()));
        }
    });
    (url, ears)
}

async fn speak(socket: TcpStream, lines: Vec<Line>, heard: mpsc::UnboundedSender<String>) {
    let mut socket = tokio_tungstenite::accept_async(socket).await.unwrap();
    for line in lines {
        match line {
            Line::Hear => match socket.next().await {
                Some(Ok(Message::Text(text))) => drop(heard.send(text.to_string())),
                _ => return,
            },
            Line::Say(text) => {
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            Line::Half(text) => {
                let length = u16::try_from(text.len()).unwrap().to_be_bytes();
                // The head of a final text frame, its length in two bytes, and half of what it announces.
                let frame = [&[0x81, 126], &length[..], &text.as_bytes()[..text.len() / 2]].concat();
                let _ = socket.get_mut().write_all(&frame).await;
                return;
            }
            Line::Hang => return,
        }
    }
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            let _ = heard.send(text.to_string());
        }
    }
}

/// A sink that keeps batches in memory and can be told to fail.
#[derive(Debug, Default)]
pub(crate) struct MemorySink {
    batches: Mutex<Vec<Batch>>,
    failures_left: Mutex<u32>,
    recorded: tokio::sync::Notify,
}

impl MemorySink {
    pub(crate) fn fail_times(&self, times: u32) {
        *self.failures_left.lock().unwrap() = times;
    }

    /// Every reading and candle close recorded, by series and instant, the last one winning.
    pub(crate) fn points(&self) -> BTreeMap<(String, String), f64> {
        let mut points = BTreeMap::new();
        for batch in self.batches.lock().unwrap().iter() {
            for (key, rows) in &batch.readings {
                points.extend(rows.iter().map(|row| ((key.to_string(), row.observed_at.to_string()), row.value)));
            }
            for (key, rows) in &batch.candles {
                points.extend(rows.iter().map(|row| ((key.to_string(), row.observed_at.to_string()), row.value.close)));
            }
        }
        points
    }

    /// Every order recorded, in words, repetitions included.
    pub(crate) fn orders(&self) -> Vec<String> {
        let batches = self.batches.lock().unwrap();
        let orders = batches.iter().flat_map(|batch| &batch.orders);
        orders.map(|o| format!("{} {} {} {:.2}", o.symbol, o.side.as_str(), o.occurred_at, o.usd)).collect()
    }

    /// Waits until `done` holds after a commit.
    pub(crate) async fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let waiting = async {
            loop {
                let next = self.recorded.notified();
                if done(self) {
                    return;
                }
                next.await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(in_time.is_ok(), "not within {PATIENCE:?}: {what}; instead: {:?} {:?}", self.points(), self.orders());
    }
}

#[async_trait]
impl Sink for MemorySink {
    async fn record(&self, batch: &Batch) -> Result<CommitReport, StoreError> {
        {
            let mut failures_left = self.failures_left.lock().unwrap();
            if *failures_left > 0 {
                *failures_left -= 1;
                return Err(StoreError::Address { url: "memory".to_owned(), reason: "told to fail".to_owned() });
            }
        }
        self.batches.lock().unwrap().push(batch.clone());
        self.recorded.notify_waiters();
        Ok(CommitReport { new: batch.len() as u64, ..CommitReport::default() })
    }

    async fn introduce(&self, _info: &SourceInfo) -> Result<(), StoreError> {
        Ok(())
    }

    fn newest(&self, series: &SeriesKey) -> Option<Timestamp> {
        let batches = self.batches.lock().unwrap();
        let readings = batches.iter().filter_map(|batch| batch.readings.get(series)).flatten().map(|row| row.observed_at);
        let candles = batches.iter().filter_map(|batch| batch.candles.get(series)).flatten().map(|row| row.observed_at);
        readings.chain(candles).max()
    }
}

/// A collector with short patience that records into memory, its clock standing at `now`.
pub(crate) struct Desk {
    pub(crate) collector: Collector,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) board: Arc<StatusBoard>,
}

impl Desk {
    pub(crate) fn at(now: &str) -> Self {
        let settings = HttpSettings {
            timeout: Duration::from_millis(500),
            connect_timeout: Duration::from_millis(500),
            body_limit_bytes: 200_000,
            manners: HostPolicy { spacing: Duration::ZERO, blocked_rest: Duration::ZERO, ..HostPolicy::default() },
            ..HttpSettings::default()
        };
        let sink = Arc::new(MemorySink::default());
        let clock = Arc::new(FixedClock::new(now.parse().unwrap()));
        let board = Arc::new(StatusBoard::new());
        let collector = Collector {
            http: HttpClient::new(&settings).unwrap(),
            sink: Arc::clone(&sink) as Arc<dyn Sink>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            board: Arc::clone(&board),
            jitter: Arc::new(SeededJitter::new(1)),
            past: None,
        };
        Self { collector, sink, clock, board }
    }
}
