//! An upstream that replays minutes of candles by page and forced orders by websocket, the
//! configuration of a service that collects from it alone, and what a log must hold afterwards.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use market_stress::app;
use market_stress::config::Config;
use market_stress::domain::{Bar, SeriesKey, Timestamp};
use market_stress::ingest::IngestConfig;
use market_stress::store::Store;
use rstest::rstest;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, broadcast};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::harness::{Collected, Engine, Home, Program, RunningClock, clock, contents, wait_until_async};
use crate::upstream::{Play, Upstream};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// Where the candles are asked for.
const CANDLES: &str = "/fapi/v1/klines";

/// The series that is replayed.
const SERIES: &str = "candle.btc@binance-perp:1m";

/// The file of settings in the folder of a program.
const SETTINGS: &str = "market-stress.toml";

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many commits of a log are read at once.
const COMMITS_PER_READ: u32 = 100;

/// A replay of finished minutes.
pub(crate) struct Replay {
    upstream: Upstream,
    stream: Stream,
    /// Pages of minutes that may be answered.
    permits: Arc<Semaphore>,
    /// Starts at the instant at which the replay ends.
    clock: RunningClock,
    first: Timestamp,
    minutes: i64,
}

/// A websocket that says the same to everybody who listens.
pub(crate) struct Stream {
    url: Url,
    words: broadcast::Sender<String>,
    listeners: Arc<AtomicUsize>,
}

impl Replay {
    /// Replays this many minutes to nodes whose clock is at `now`; the last minute has just ended.
    pub(crate) async fn of(minutes: i64, now: &str) -> Self {
        Self::in_parts(minutes, now, Semaphore::MAX_PERMITS).await
    }

    /// The same, but so many pages are answered and no more until more are let through.
    pub(crate) async fn in_parts(minutes: i64, now: &str, pages: usize) -> Self {
        let now: Timestamp = now.parse().unwrap();
        let end = now.floor(MINUTE_MS);
        let first = end.plus_ms(-minutes * MINUTE_MS);
        let permits = Arc::new(Semaphore::new(pages));
        let given = Arc::clone(&permits);
        let upstream = Upstream::start(move |path| page(path, first, end, &given)).await;
        let stream = Stream::start().await;
        Self { upstream, stream, permits, clock: RunningClock::from(now), first, minutes }
    }

    /// Answers so many pages more.
    pub(crate) fn let_through(&self, pages: usize) {
        self.permits.add_permits(pages);
    }

    /// A program that collects from this upstream alone into the store at an address.
    pub(crate) fn program(&self, database_url: String) -> Program {
        let program = Program::with_clock(database_url, self.clock);
        program.write(SETTINGS, self.settings());
        program
    }

    /// The configuration of a node of this process that does the same.
    fn config(&self, database_url: &str) -> Config {
        let program = self.program(database_url.to_owned());
        let variables = vec![("DATABASE_URL".to_owned(), database_url.to_owned())];
        let any_port = serde_json::json!({"listen": "127.0.0.1:0"});
        Config::load(Some(&program.folder.path().join(SETTINGS)), variables, any_port).unwrap()
    }

    /// The settings of a service with no other feed than this upstream.
    fn settings(&self) -> String {
        let mut settings = "[ingest]\nhost_spacing_ms = 0\nrequest_timeout_seconds = 60\n".to_owned();
        let known = serde_json::to_value(IngestConfig::default()).unwrap();
        let feeds = known.as_object().unwrap().iter().filter(|(name, feed)| feed.is_object() && *name != "binance");
        for (name, _) in feeds {
            writeln!(settings, "[ingest.{name}]\nenabled = false").unwrap();
        }
        let days = self.minutes * MINUTE_MS / DAY_MS + 2;
        writeln!(settings, "[ingest.binance]\nassets = [\"btc\"]\nminute_history_days = {days}").unwrap();
        writeln!(settings, "hour_history_days = 1\nday_history_days = 1").unwrap();
        let (rest, stream) = (&self.upstream.url, &self.stream.url);
        writeln!(settings, "rest_url = \"{rest}\"\ncoin_rest_url = \"{rest}\"\nstream_url = \"{stream}\"").unwrap();
        settings
    }

    /// How many pages of minutes were asked for so far.
    pub(crate) fn pages(&self) -> usize {
        self.upstream.asked().iter().filter(|path| path.starts_with(CANDLES) && path.contains("interval=1m")).count()
    }

    /// Whether somebody listens to the forced orders.
    pub(crate) fn is_heard(&self) -> bool {
        self.stream.listeners.load(Ordering::SeqCst) > 0
    }

    /// Tells those who listen of a forced order of its own.
    pub(crate) fn force_order(&self, number: i64) {
        let order = serde_json::json!({"e": "forceOrder", "o": {
            "s": "BTCUSDT", "S": "SELL", "p": "70000", "ap": "70000", "z": "0.5", "T": self.first.unix_ms() + number,
        }});
        // Nobody listens: nobody is told.
        let _ = self.stream.words.send(order.to_string());
    }

    /// The numbers of the forced orders in a log.
    pub(crate) fn orders_in(&self, log: &Collected) -> Vec<i64> {
        log.orders.iter().map(|recorded| self.number_at(recorded.order.occurred_at)).collect()
    }

    /// The number of the forced order of an instant.
    pub(crate) fn number_at(&self, at: Timestamp) -> i64 {
        at.ms_since(self.first)
    }

    /// How many of the replayed minutes a log holds.
    pub(crate) fn minutes_in(log: &Collected) -> usize {
        let rows = log.candles.get(&series()).map_or(&[][..], Vec::as_slice);
        rows.chunk_by(|one, next| one.observed_at == next.observed_at).count()
    }

    /// Waits until a log holds every minute that is replayed, whatever else it holds, and gives it.
    pub(crate) async fn is_collected_in(&self, log: &dyn Store, patience: Duration) -> Collected {
        let replayed = usize::try_from(self.minutes).unwrap();
        let mut collected = Collected::default();
        let collecting = async {
            while Self::minutes_in(&collected) < replayed {
                log.wait_for_change(collected.version, patience).await.unwrap();
                log.changes_after(collected.version, COMMITS_PER_READ)
                    .await
                    .unwrap()
                    .iter()
                    .for_each(|delta| collected.apply(delta));
            }
        };
        let in_time = tokio::time::timeout(patience, collecting).await;
        assert!(in_time.is_ok(), "{} of {replayed} minutes collected within {patience:?}", Self::minutes_in(&collected));
        collected
    }

    /// Compares a log with the replay: each minute once, with its very numbers, and no other.
    pub(crate) fn assert_equals(&self, log: &Collected, story: &str) {
        let rows = &log.candles[&series()];
        let held: Vec<(Timestamp, Bar)> = rows.iter().map(|row| (row.observed_at, row.value)).collect();
        let replayed = (0..self.minutes).map(|minute| self.first.plus_ms(minute * MINUTE_MS)).map(|at| (at, bar_at(at)));
        let replayed: Vec<(Timestamp, Bar)> = replayed.collect();
        assert_eq!(held.len(), replayed.len(), "{story}: rows held and rows replayed");
        let other = held.iter().zip(&replayed).find(|(held, replayed)| held != replayed);
        assert_eq!(other, None, "{story}: a row held beside the one replayed");
    }
}

/// The series that is replayed.
fn series() -> SeriesKey {
    SERIES.parse().unwrap()
}

/// The bar of the minute that begins `at`.
fn bar_at(at: Timestamp) -> Bar {
    let step = f64::from(u16::try_from(at.unix_ms() / MINUTE_MS % 9_973).unwrap());
    let open = 60_000.0 + step;
    Bar::new(open, open + 20.5, open - 10.25, open + 7.75, Some(step + 1.0)).unwrap()
}

/// An answer of `/fapi/v1/klines`. The minute that begins at `end` is running; there is nothing else.
fn page(path: &str, first: Timestamp, end: Timestamp, permits: &Arc<Semaphore>) -> Play {
    let url = Url::parse(&format!("http://upstream{path}")).unwrap();
    match url.path() {
        CANDLES => {}
        "/fapi/v1/exchangeInfo" | "/dapi/v1/exchangeInfo" => return Play::json(r#"{"symbols": []}"#),
        _ => return Play::json("[]"),
    }
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let number = |name: &str| parameter(name).and_then(|text| text.parse::<i64>().ok());
    let (Some("1m"), Some(start), Some(limit)) = (parameter("interval").as_deref(), number("startTime"), number("limit")) else {
        return Play::json("[]");
    };
    let span = start.max(first.unix_ms())..(start + limit * MINUTE_MS).min(end.unix_ms() + 1);
    let rows: Vec<_> = span.step_by(60_000).map(|at| row(Timestamp::from_unix_ms(at))).collect();
    let answer = Play::json(&serde_json::Value::Array(rows).to_string());
    Play::Permitted(Arc::clone(permits), Box::new(answer))
}

fn row(at: Timestamp) -> serde_json::Value {
    let bar = bar_at(at);
    let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string());
    serde_json::json!([at.unix_ms(), open, high, low, close, bar.volume.unwrap().to_string(), at.unix_ms() + MINUTE_MS - 1])
}

impl Stream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (words, _) = broadcast::channel(1_000);
        let listeners = Arc::new(AtomicUsize::new(0));
        let (said, count) = (words.clone(), Arc::clone(&listeners));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(speak(socket, said.subscribe(), Arc::clone(&count)));
            }
        });
        Self { url, words, listeners }
    }
}

async fn speak(socket: tokio::net::TcpStream, mut words: broadcast::Receiver<String>, listeners: Arc<AtomicUsize>) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(socket).await else { return };
    listeners.fetch_add(1, Ordering::SeqCst);
    loop {
        tokio::select! {
            Ok(text) = words.recv() => if socket.send(Message::text(text)).await.is_err() { break },
            heard = socket.next() => if !matches!(heard, Some(Ok(_))) { break },
        }
    }
    listeners.fetch_sub(1, Ordering::SeqCst);
}

/// A node in this process collects the replay, and hears forced orders meanwhile: more of them than some
/// of the instants leave minutes for the newest page.
#[rstest]
#[tokio::test]
async fn a_replay_is_collected_whatever_the_instant_it_ends_at(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values(
        clock::PAGE_EDGE,
        clock::ONE_MINUTE_AFTER_A_PAGE_EDGE,
        clock::SOON_AFTER_A_PAGE_EDGE,
        clock::JUST_BEFORE_A_PAGE_EDGE,
        clock::JUST_BEFORE_MIDNIGHT,
        clock::NEW_YEAR,
        clock::NEW_YORK_SPRING,
        clock::NEW_YORK_AUTUMN
    )]
    now: &str,
) {
    let Some(home) = Home::new(engine).await else { return };
    let replay = Replay::of(1_500, now).await;
    let stop = CancellationToken::new();
    let node = tokio::spawn(app::serve(replay.config(&home.address()), Arc::new(replay.clock), stop.clone()));
    wait_until_async("the stream is open", PATIENCE, async || replay.is_heard()).await;
    (0..50).for_each(|number| replay.force_order(number));
    let log = home.open().await;
    let orders_in = async || replay.orders_in(&contents(&*log).await);
    wait_until_async("every order is recorded", PATIENCE, async || orders_in().await == (0..50).collect::<Vec<i64>>()).await;
    let collected = replay.is_collected_in(&*log, PATIENCE).await;
    replay.assert_equals(&collected, &format!("up to {now} on {engine:?}"));
    stop.cancel();
    node.await.unwrap().unwrap();
}
