//! Requests a second over loopback: the full service, and a bare axum handler that returns the same bytes.
//!
//! `cargo bench --bench http` needs the load generator `wrk` (Debian: `apt-get install wrk`). With
//! `taskset` and two cores, the servers get one core and `wrk` the other. The run takes about two
//! minutes; the figures are in `docs/BENCHMARKS.md`.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::expect_used, reason = "a bench that panics reports where it stopped")]

mod prices;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::routing::get;
use market_stress::api::{self, AppState, Quota, Settings};
use market_stress::config::Config;
use market_stress::domain::{Bar, Delta, StatusBoard, SystemClock, Vintage};
use market_stress::market::{Market, Publisher};
use market_stress::metrics::SourceOrder;
use market_stress::store::{StoreUrl, open};
use market_stress::telemetry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::prices::{END, at_minute, price_of};

/// Points of the queried series: nearly two years of minutes.
const MINUTES: i64 = 1_000_000;
/// Query with a fixed `as_of`, so that the answer stays the same during the measurement.
const SETTLED: &str = "/v1/drawdown?interval=1m&as_of=2026-02-04T08:00:00Z";
/// The same query with the default `as_of`.
const PRESENT: &str = "/v1/drawdown?interval=1m";
/// Rounds of each case; service and bare handler alternate.
const ROUNDS: usize = 5;
/// Duration of each measurement, seconds.
const SECONDS: u32 = 3;
/// Concurrent connections.
const CONNECTIONS: u32 = 32;

/// One kind of request.
struct Case {
    name: &'static str,
    /// Service under test.
    service: SocketAddr,
    target: &'static str,
    header: Option<String>,
    /// Target: minimum ratio to the bare handler.
    aim: Option<f64>,
}

/// Response as received.
struct Reply {
    status: u16,
    head: String,
    body: Bytes,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends one request and parses the response.
fn ask(address: SocketAddr, target: &str, header: Option<&str>) -> Reply {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    let header = header.map_or_else(String::new, |header| format!("{header}\r\n"));
    let request = format!("GET {target} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut reply = vec![];
    stream.read_to_end(&mut reply).expect("the server answers");
    let split = reply.windows(4).position(|window| window == b"\r\n\r\n").expect("a reply has a head");
    let head = String::from_utf8_lossy(&reply[..split]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a reply has a status");
    Reply { status, head, body: Bytes::from(reply.split_off(split + 4)) }
}

/// Builds a market with one series of minute bars.
fn market() -> Market {
    let bar = |minute: i64| {
        let (open, close) = (price_of(minute), price_of(minute + 1));
        let value = Bar { open, high: open.max(close) + 5.0, low: open.min(close) - 5.0, close, volume: Some(1.0) };
        Vintage { observed_at: at_minute(minute, MINUTES), known_at: at_minute(minute + 1, MINUTES), value }
    };
    let key = "candle.btc@bench:1m".parse().expect("the key is well formed");
    let source = "bench".parse().expect("the source is well formed");
    let candles = BTreeMap::from([(key, (0..MINUTES).map(bar).collect())]);
    Market::default().next(&Delta {
        version: 1,
        recorded_at: END,
        source,
        readings: BTreeMap::new(),
        candles,
        orders: Vec::new(),
    })
}

/// Serves the market with the full middleware. The rate limit is included: requests are counted, but
/// never rejected.
async fn serve(market: &Arc<Publisher>, folder: &tempfile::TempDir, cache_bytes: u64) -> SocketAddr {
    let store = open(&StoreUrl::sqlite(folder.path().join("log.db"))).await.expect("a store in a temporary folder");
    let allowance = Some(Quota { burst: u32::MAX, per_second: 1_000_000_000 });
    let settings = Settings { allowance, cache_bytes, ..Settings::default() };
    let (order, feeds) = (SourceOrder::default(), Arc::new(StatusBoard::new()));
    let state = AppState::new(Arc::clone(market), store, Arc::new(SystemClock), order, feeds, settings);
    let (listener, address) = listen().await;
    tokio::spawn(api::serve(listener, state, CancellationToken::new()));
    address
}

/// Serves a response as it is, with the two headers that describe its bytes.
async fn serve_bare(reply: &Reply) -> SocketAddr {
    let status = StatusCode::from_u16(reply.status).expect("a status came over the wire");
    let of = |name: HeaderName| Some((name.clone(), HeaderValue::from_str(reply.header(name.as_str())?).ok()?));
    let headers: HeaderMap = [header::CONTENT_TYPE, header::CONTENT_ENCODING].into_iter().filter_map(of).collect();
    let body = reply.body.clone();
    let handler = move || std::future::ready((status, headers.clone(), body.clone()));
    let (listener, address) = listen().await;
    let router = Router::new().route("/v1/drawdown", get(handler));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of loopback is free");
    let address = listener.local_addr().expect("a listener has an address");
    (listener, address)
}

/// Returns true if this process and the load generator can be pinned to separate cores.
fn keep_to_first_core() -> bool {
    let two_cores = std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
    let me = std::process::id().to_string();
    two_cores && Command::new("taskset").args(["-a", "-cp", "0", &me]).output().is_ok_and(|ran| ran.status.success())
}

/// Returns the requests a second that a server answers, as reported by `wrk`.
fn load(pinned: bool, address: SocketAddr, case: &Case, seconds: u32) -> f64 {
    let mut command = if pinned { Command::new("taskset") } else { Command::new("wrk") };
    if pinned {
        command.args(["-c", "1", "wrk"]);
    }
    command.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s")]);
    if let Some(header) = &case.header {
        command.args(["-H", header]);
    }
    let ran = command.arg(format!("http://{address}{}", case.target)).output().expect("wrk runs");
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && !text.contains("Non-2xx") && !text.contains("Socket errors"), "wrk: {text}");
    let line = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).expect("wrk reports requests per second");
    line.trim().parse().expect("wrk reports a number")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Measures one case: service and bare handler alternate; the result is the median of their ratios.
fn measure(pinned: bool, bare: SocketAddr, case: &Case) {
    for address in [case.service, bare] {
        load(pinned, address, case, 1);
    }
    let one = |_| (load(pinned, case.service, case, SECONDS), load(pinned, bare, case, SECONDS));
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(one).collect();
    let ratio = median(rounds.iter().map(|(service, bare)| service / bare).collect());
    let (service, bare): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
    let aim = case.aim.map_or_else(String::new, |aim| format!("  (aim {aim})"));
    println!("g_http  {:<28} {:>8.0} of {:>8.0} requests/s  ratio {ratio:.2}{aim}", case.name, median(service), median(bare));
}

fn main() {
    if Command::new("wrk").arg("-v").output().is_err() {
        println!("g_http  not measured: there is no `wrk` (Debian: apt-get install wrk)");
        return;
    }
    let pinned = keep_to_first_core();
    println!("g_http  {ROUNDS} rounds of {SECONDS} s, {CONNECTIONS} connections, server and wrk on a core each: {pinned}");
    telemetry::start(&Config::default());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be built");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let market = Arc::new(Publisher::new(market()));
    let service = runtime.block_on(serve(&market, &folder, Settings::default().cache_bytes));
    let forgetful = runtime.block_on(serve(&market, &folder, 0));
    let etag = ask(service, SETTLED, None).header("etag").map(|etag| format!("If-None-Match: {etag}"));
    let gzip = Some("Accept-Encoding: gzip".to_owned());
    let case = |name, service, target, header, aim| Case { name, service, target, header, aim };
    let cases = [
        case("identity", service, SETTLED, None, Some(0.6)),
        case("gzip", service, SETTLED, gzip, Some(0.5)),
        case("304", service, SETTLED, etag, Some(0.7)),
        case("identity, as of now", service, PRESENT, None, None),
        case("identity, computed each time", forgetful, SETTLED, None, None),
    ];
    for case in &cases {
        let reply = ask(case.service, case.target, case.header.as_deref());
        println!("g_http  {}: {}, {} bytes, {:?}", case.name, reply.status, reply.body.len(), reply.header("content-encoding"));
        measure(pinned, runtime.block_on(serve_bare(&reply)), case);
    }
    runtime.shutdown_background();
}
