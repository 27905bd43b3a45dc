//! Ingestion of a row: parsed from a publisher's response, stored, published.
//!
//! `cargo bench --bench ingest`, with `-- postgres` or `-- visible` for a part of it. A stream sends a
//! thousand messages a second, and each is timed until it appears in the list of orders. Then the same
//! rows are written by the program and by the engine's own shell (`sqlite3`, `psql`), alternating, into
//! equal tables: in the same batches, one file and one commit each, and all from one file in one commit.
//! A missing shell is reported. Postgres is a private server started from the machine's binaries, with
//! its default settings: commits are durable on both engines. The figures are in `docs/BENCHMARKS.md`.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a bench that panics reports where it stopped")]

#[path = "../tests/it/harness/postgres.rs"]
#[expect(dead_code, reason = "tests also kill servers and make standbys")]
mod postgres;
mod prices;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::SinkExt;
use market_stress::domain::{Batch, Clock, CommitReport, SeriesKey, SourceInfo, StatusBoard, SystemClock, TimeRange, Timestamp};
use market_stress::ingest::binance::{BinanceConfig, LiquidationFeed, parse_klines};
use market_stress::ingest::{Collector, Feed, HttpClient, HttpSettings, PollContext, SeededJitter, Sink};
use market_stress::market::{Publisher, Recorder, load};
use market_stress::store::{OnRefusal, OrderFilter, Store, StoreError, StoreUrl, open};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;

use self::prices::{END, at_minute, price_of};

/// Rows of one round.
const ROWS: i64 = 200_000;
/// Rows of one response, each recorded in one commit.
const BATCHES: [i64; 3] = [1_000, 5_000, 50_000];
/// Rounds of each size.
const ROUNDS: usize = 3;
/// Messages of the stream, and the interval between two.
const MESSAGES: usize = 20_000;
const BETWEEN: Duration = Duration::from_millis(1);
/// Time limit of waiting for the last of them.
const LONGEST: Duration = Duration::from_mins(2);
/// The series of the rows.
const SERIES: &str = "candle.btc@binance-perp:1m";

/// Prints a line; code shared with the tests prints through it too.
fn say(line: &str) {
    println!("{line}");
}

/// One engine: creates an empty log, and the shell command that imports files into another, one commit each.
struct Engine<'a> {
    name: &'static str,
    empty: &'a dyn Fn() -> StoreUrl,
    shell: &'a dyn Fn(&StoreUrl, &[PathBuf]) -> Command,
}

/// Times of one round: the program, and the shell in the same batches and at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Round {
    ours: Duration,
    in_batches: Option<Duration>,
    at_once: Option<Duration>,
}

/// Returns a publisher's response of this many candles, as Binance sends it.
fn answer(first: i64, rows: i64) -> Vec<u8> {
    let row = |minute: i64| {
        let (at, [open, high, low, close]) = (at_minute(minute, ROWS).unix_ms(), bar(minute));
        format!("[{at},\"{open}\",\"{high}\",\"{low}\",\"{close}\",\"12.5\",{},\"0\",1,\"0\",\"0\",\"0\"]", at + 59_999)
    };
    format!("[{}]", (first..first + rows).map(row).collect::<Vec<_>>().join(",")).into_bytes()
}

fn bar(minute: i64) -> [f64; 4] {
    let (open, close) = (price_of(minute), price_of(minute + 1));
    [open, open.max(close) + 5.0, open.min(close) - 5.0, close]
}

/// Parses and records one response after the other; returns the time taken.
fn collect(runtime: &Runtime, recorder: &Recorder, answers: &[Vec<u8>]) -> Duration {
    let series: SeriesKey = SERIES.parse().unwrap();
    let visit = PollContext { seen_until: None, now: END.plus_days(1) };
    let started = Instant::now();
    for answer in answers {
        let parsed = parse_klines(answer, "BTCUSDT", &series, &visit).expect("the answer is a good one");
        let report = runtime.block_on(recorder.record(&parsed.batch, OnRefusal::Skip)).expect("the store takes it");
        assert_eq!((report.new, report.refused.len()), (parsed.batch.len() as u64, 0));
    }
    started.elapsed()
}

/// Writes files of this many of the same rows each, with the columns of the table `candle`.
fn table_files(folder: &Path, size: i64) -> Vec<PathBuf> {
    let file_of = |first: i64| {
        let path = folder.join(format!("candles-{size}-{first}.csv"));
        let mut file = BufWriter::new(File::create(&path).expect("a file in a temporary folder"));
        for minute in first..first + size {
            let (at, [open, high, low, close]) = (at_minute(minute, ROWS).unix_ms(), bar(minute));
            writeln!(file, "1,{at},{},{open},{high},{low},{close},12.5,1", at + 60_000).expect("a row is written");
        }
        file.flush().expect("a file is written");
        path
    };
    (0..ROWS / size).map(|batch| file_of(batch * size)).collect()
}

fn by_shell(mut shell: Command) -> Option<Duration> {
    let started = Instant::now();
    let ran = shell.output().ok()?;
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(started.elapsed())
}

async fn recorder(store: &Arc<dyn Store>) -> Recorder {
    let market = load(store.as_ref()).await.expect("an empty log is read");
    Recorder::new(Arc::clone(store), Arc::new(Publisher::new(market)), Arc::new(SystemClock))
}

fn measure(runtime: &Runtime, engine: &Engine<'_>, folder: &Path) {
    if !is_wanted(&format!("ingest {}", engine.name)) {
        return;
    }
    let whole = table_files(folder, ROWS);
    for size in BATCHES {
        let answers: Vec<Vec<u8>> = (0..ROWS / size).map(|batch| answer(batch * size, size)).collect();
        let files = table_files(folder, size);
        let shell = |files: &[PathBuf]| {
            let log = (engine.empty)();
            drop(runtime.block_on(open(&log)).expect("an empty log"));
            by_shell((engine.shell)(&log, files))
        };
        let round = |_| {
            let log = (engine.empty)();
            let recorder = runtime.block_on(async { recorder(&open(&log).await.expect("a log")).await });
            Round { ours: collect(runtime, &recorder, &answers), in_batches: shell(&files), at_once: shell(&whole) }
        };
        let rounds: Vec<Round> = (0..ROUNDS).map(round).collect();
        tell(engine.name, size, &rounds);
    }
}

fn tell(engine: &str, size: i64, rounds: &[Round]) {
    let ours = median(rounds.iter().map(|round| per_second(round.ours)));
    let ratios = |what: &str, of: fn(&Round) -> Option<Duration>| {
        let both: Option<Vec<(Duration, Duration)>> = rounds.iter().map(|round| Some((round.ours, of(round)?))).collect();
        both.map_or_else(
            || format!("no shell {what} to compare with"),
            |both| {
                let shell = median(both.iter().map(|(_, shell)| per_second(*shell)));
                let ratio = median(both.iter().map(|(ours, shell)| shell.as_secs_f64() / ours.as_secs_f64()));
                format!("its shell {what} {shell:.0} rows/s: ratio {ratio:.2}")
            },
        )
    };
    let (in_batches, at_once) = (ratios("in the same", |round| round.in_batches), ratios("at once", |round| round.at_once));
    say(&format!("i_ingest  {engine:<9} batches of {size:>6}: {ours:.0} rows/s, {in_batches}, {at_once}"));
}

#[expect(clippy::cast_precision_loss, reason = "a row count is small")]
fn per_second(took: Duration) -> f64 {
    ROWS as f64 / took.as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Records, reads the newest order as `/v1/liquidations/orders` does, and notes the delay since each was sent.
#[derive(Debug)]
struct Timing {
    recorder: Recorder,
    store: Arc<dyn Store>,
    sent_at: Arc<Mutex<Vec<Instant>>>,
    took: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Sink for Timing {
    async fn record(&self, batch: &Batch) -> Result<CommitReport, StoreError> {
        let report = self.recorder.record(batch, OnRefusal::Skip).await?;
        let range = TimeRange::new(END, END.plus_days(1)).unwrap();
        let (known_by, sources) = (SystemClock.now().plus_days(1), vec![]);
        let filter = OrderFilter { range, known_by, sources, asset: None, side: None, min_usd: None };
        assert_eq!(self.store.liquidation_orders(&filter, None, 1).await?.len(), 1);
        let sent_at = self.sent_at.lock().unwrap();
        let number = |at: Timestamp| usize::try_from(at.ms_since(END)).unwrap();
        self.took.lock().unwrap().extend(batch.orders.iter().map(|order| sent_at[number(order.occurred_at)].elapsed()));
        Ok(report)
    }

    async fn introduce(&self, _info: &SourceInfo) -> Result<(), StoreError> {
        Ok(())
    }

    fn newest(&self, _series: &SeriesKey) -> Option<Timestamp> {
        None
    }
}

/// Sends the messages one after the other and notes the times.
async fn send(listener: TcpListener, sent_at: Arc<Mutex<Vec<Instant>>>) {
    let (socket, _) = listener.accept().await.expect("the feed connects");
    let mut socket = tokio_tungstenite::accept_async(socket).await.expect("the feed uses websockets");
    let mut beat = tokio::time::interval(BETWEEN);
    for number in 0..MESSAGES {
        beat.tick().await;
        let at = END.unix_ms() + i64::try_from(number).unwrap();
        let text =
            format!(r#"{{"e":"forceOrder","o":{{"s":"BTCUSDT","S":"SELL","p":"70000","ap":"70000","z":"0.5","T":{at}}}}}"#);
        sent_at.lock().unwrap().push(Instant::now());
        socket.send(Message::text(text)).await.expect("the feed listens");
    }
    std::future::pending::<()>().await;
}

async fn listen(engine: &str, url: &StoreUrl) {
    if !is_wanted(&format!("visible {engine}")) {
        return;
    }
    let store = open(url).await.expect("an empty log");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let sent_at = Arc::new(Mutex::new(Vec::with_capacity(MESSAGES)));
    let sending = tokio::spawn(send(listener, Arc::clone(&sent_at)));
    let recorder = recorder(&store).await;
    let timing = Arc::new(Timing { recorder, store, sent_at, took: Mutex::default() });
    let collector = Collector {
        http: HttpClient::new(&HttpSettings::default()).expect("a client"),
        sink: Arc::clone(&timing) as Arc<dyn Sink>,
        clock: Arc::new(SystemClock),
        board: Arc::new(StatusBoard::new()),
        jitter: Arc::new(SeededJitter::new(1)),
        past: None,
    };
    let config = BinanceConfig {
        // No server: the stream does not wait for the list of contracts.
        rest_url: "http://127.0.0.1:9".parse().unwrap(),
        coin_rest_url: "http://127.0.0.1:9".parse().unwrap(),
        stream_url: format!("ws://{address}").parse().unwrap(),
        ..BinanceConfig::default()
    };
    let mut step = collector.step(Feed::Streamed(Box::new(LiquidationFeed::new(&config))));
    let running = tokio::spawn(async move { step.run_once().await });
    let all_received = async {
        while timing.took.lock().unwrap().len() < MESSAGES {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let received = tokio::time::timeout(LONGEST, all_received).await;
    assert!(received.is_ok(), "of {MESSAGES} messages only {} came", timing.took.lock().unwrap().len());
    sending.abort();
    running.abort();
    let mut took = timing.took.lock().unwrap().clone();
    took.sort();
    let (half, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    say(&format!("j_visible {engine:<9} 1000 messages/s: median {half:.1?}, p99 {p99:.1?}"));
}

fn sqlite(runtime: &Runtime, folder: &Path) {
    let made = std::cell::Cell::new(0);
    let empty = || {
        made.set(made.get() + 1);
        StoreUrl::sqlite(folder.join(format!("log{}.db", made.get())))
    };
    let shell = |url: &StoreUrl, files: &[PathBuf]| {
        let mut shell = Command::new("sqlite3");
        // The log that was just opened there may still be closing; its commits are as durable as ours.
        shell.arg(url.to_string().replace("sqlite://", "")).args([".timeout 10000", "PRAGMA synchronous=FULL", ".mode csv"]);
        shell.args(files.iter().map(|file| format!(".import {} candle", file.display())));
        shell
    };
    runtime.block_on(listen("sqlite", &empty()));
    measure(runtime, &Engine { name: "sqlite", empty: &empty, shell: &shell }, folder);
}

fn postgres(runtime: &Runtime, folder: &Path) {
    let server = match postgres::Server::private_with("") {
        Ok(server) => server,
        Err(reason) => return postgres::did_not_run(&reason),
    };
    let empty = || -> StoreUrl { runtime.block_on(server.database()).url.parse().expect("the server has an address") };
    let shell = |url: &StoreUrl, files: &[PathBuf]| {
        let mut shell = Command::new("psql");
        shell.args([&url.to_string(), "-q"]);
        shell.args(files.iter().flat_map(|file| ["-c".to_owned(), format!("\\copy candle FROM '{}' CSV", file.display())]));
        shell
    };
    // The stream first: a server is still writing a load out long after it accepted it.
    runtime.block_on(listen("postgres", &empty()));
    measure(runtime, &Engine { name: "postgres", empty: &empty, shell: &shell }, folder);
}

/// Returns true if a measurement is selected on the command line: all if none is named.
fn is_wanted(name: &str) -> bool {
    let mut names = std::env::args().skip(1).filter(|name_part| !name_part.starts_with('-')).peekable();
    names.peek().is_none() || names.any(|name_part| name.contains(&name_part))
}

fn main() {
    let runtime = Runtime::new().expect("a runtime can be built");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    sqlite(&runtime, folder.path());
    postgres(&runtime, folder.path());
}
