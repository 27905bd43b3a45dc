//! Polled feeds against an upstream that plays every trick.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use market_stress::domain::{FeedState, Timestamp};
use market_stress::ingest::alternative_me::AlternativeMeConfig;
use market_stress::ingest::binance::{BinanceConfig, Margin, candle_feed};
use market_stress::ingest::coingecko::{CoinGeckoConfig, snapshot_feed};
use market_stress::ingest::farside::{FarsideConfig, entries};
use market_stress::ingest::{Collector, Feed, HostPolicy, HttpClient, HttpSettings, Step};
use rstest::rstest;

use crate::harness::wait_until_async;
use crate::upstream::{Desk, Play, Upstream};

const NOW: &str = "2026-02-04T08:00:05Z";
const GLOBAL: &str = r#"{"data":{"total_market_cap":{"usd":2.5e12},"total_volume":{"usd":1e11},"updated_at":1770191990}}"#;
const MARKETS: &str =
    r#"[{"symbol":"btc","current_price":76478.9,"market_cap":1.5e12,"total_volume":9e10,"last_updated":"2026-02-04T07:59:40Z"}]"#;

fn coingecko(path: &str) -> Play {
    Play::json(if path.starts_with("/global") { GLOBAL } else { MARKETS })
}

fn snapshot(desk: &Desk, upstream: &Upstream) -> Box<dyn Step> {
    let config = CoinGeckoConfig { url: upstream.url.clone(), ..CoinGeckoConfig::default() };
    desk.collector.step(Feed::Polled(snapshot_feed(&config)))
}

#[tokio::test]
async fn a_visit_records_what_the_upstream_says_and_waits_for_the_next_grid_point() {
    let desk = Desk::at(NOW);
    let upstream = Upstream::start(coingecko).await;
    let wait = snapshot(&desk, &upstream).run_once().await;
    assert!((15..=20).contains(&wait.as_secs()), "the next visit is due at 08:00:20, not in {wait:?}");
    let points = desk.sink.points();
    assert_eq!(points.len(), 5);
    let key = ("market_cap.total@coingecko".to_owned(), "2026-02-04T07:59:50Z".to_owned());
    assert_eq!(points[&key].to_bits(), 2.5e12_f64.to_bits());
    let status = desk.board.get("coingecko-market").unwrap();
    assert_eq!(status.last_success_at, Some(NOW.parse().unwrap()));
    assert_eq!(status.last_observation_at, Some("2026-02-04T07:59:50Z".parse().unwrap()));
    assert_eq!(status.state(NOW.parse().unwrap()), FeedState::Fresh);
}

#[rstest]
#[case::timeout(Play::Silence, "did not answer in time")]
#[case::slow_drip(Play::Drip, "did not answer in time")]
#[case::half_json(Play::json(r#"{"data":{"total_mark"#), "not the expected JSON")]
#[case::cut_connection(Play::Cut(GLOBAL.to_owned(), 20), "cannot be reached")]
#[case::html_with_200(Play::html("<html>Just a moment...</html>"), "Just a moment")]
#[case::html_called_json(Play::json("<html>blocked</html>"), "blocks this client")]
#[case::error_inside_200(Play::json(r#"{"status":{"error_code":429,"error_message":"slow down"}}"#), "code 429: slow down")]
#[case::forbidden(Play::status(403, "no robots"), "403: no robots")]
#[case::server_error(Play::status(502, ""), "502: (empty body)")]
#[case::throttled(Play::throttled(429, "77"), "nothing is asked of it for 77 s")]
#[case::banned(Play::throttled(418, "120"), "nothing is asked of it for 120 s")]
#[case::endless_body(Play::json(&" ".repeat(300_000)), "more than 200000 bytes")]
#[tokio::test]
async fn a_fault_is_reported_nothing_is_recorded_and_the_feed_recovers(#[case] fault: Play, #[case] words: &str) {
    let desk = Desk::at(NOW);
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    let broken = Upstream::start(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        fault.clone()
    })
    .await;
    let wait = snapshot(&desk, &broken).run_once().await;
    let status = desk.board.get("coingecko-market").unwrap();
    assert!(status.last_error.as_deref().is_some_and(|error| error.contains(words)), "{:?}", status.last_error);
    assert_eq!(status.consecutive_failures, 1);
    assert!(desk.sink.points().is_empty());
    assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(121), "{wait:?}");
    assert!(visits.load(Ordering::SeqCst) <= 2, "one request a question");

    let well = Upstream::start(coingecko).await;
    snapshot(&desk, &well).run_once().await;
    let status = desk.board.get("coingecko-market").unwrap();
    assert_eq!((status.consecutive_failures, status.last_error), (0, None));
    assert_eq!(desk.sink.points().len(), 5);
}

#[tokio::test]
async fn a_refused_connection_makes_the_feed_dead_in_the_end_and_it_recovers_by_itself() {
    let desk = Desk::at(NOW);
    let down = Arc::new(AtomicUsize::new(1));
    let switch = Arc::clone(&down);
    let upstream = Upstream::start(move |path| match switch.load(Ordering::SeqCst) {
        0 => coingecko(path),
        _ => Play::Cut(String::new(), 0),
    })
    .await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}", nobody.local_addr().unwrap()).parse().unwrap();
    drop(nobody);
    let config = CoinGeckoConfig { url: refused, ..CoinGeckoConfig::default() };
    desk.collector.step(Feed::Polled(snapshot_feed(&config))).run_once().await;
    let error = desk.board.get("coingecko-market").unwrap().last_error.unwrap();
    assert!(error.contains("cannot be reached") && error.contains("check the network"), "{error}");

    let mut step = snapshot(&desk, &upstream);
    step.run_once().await;
    let later: Timestamp = "2026-02-04T12:00:00Z".parse().unwrap();
    assert_eq!(desk.board.get("coingecko-market").unwrap().state(later), FeedState::Dead);
    down.store(0, Ordering::SeqCst);
    step.run_once().await;
    let status = desk.board.get("coingecko-market").unwrap();
    assert_eq!(status.state(NOW.parse().unwrap()), FeedState::Fresh);
}

#[tokio::test]
async fn a_throttling_host_is_not_asked_again_before_its_time() {
    let desk = Desk::at(NOW);
    let upstream = Upstream::start(|_| Play::throttled(429, "3600")).await;
    let mut step = snapshot(&desk, &upstream);
    let wait = step.run_once().await;
    assert!(wait >= Duration::from_hours(1), "{wait:?}");
    step.run_once().await;
    assert_eq!(upstream.asked().len(), 1, "the second question of the visit and the second visit were not sent");
    let error = desk.board.get("coingecko-market").unwrap().last_error.unwrap();
    assert!(error.contains("too many requests"), "the reason stays while the host rests: {error}");
}

#[tokio::test]
async fn a_storm_of_server_errors_breaks_the_circuit() {
    let desk = Desk::at(NOW);
    let upstream = Upstream::start(|_| Play::status(503, "")).await;
    let mut step = snapshot(&desk, &upstream);
    for _ in 0..10 {
        step.run_once().await;
    }
    assert_eq!(upstream.asked().len(), 5, "after five failures the host rests");
    assert_eq!(desk.board.get("coingecko-market").unwrap().consecutive_failures, 10);
}

#[tokio::test]
async fn one_question_that_fails_does_not_keep_the_others_from_landing() {
    let desk = Desk::at(NOW);
    let upstream =
        Upstream::start(|path| if path.starts_with("/global") { Play::status(500, "") } else { Play::json(MARKETS) }).await;
    let wait = snapshot(&desk, &upstream).run_once().await;
    assert_eq!(desk.sink.points().len(), 3);
    let status = desk.board.get("coingecko-market").unwrap();
    assert_eq!((status.consecutive_failures, status.state(NOW.parse().unwrap())), (0, FeedState::Partial));
    let lacks = status.partial.unwrap();
    assert!(lacks.starts_with("1 of 2 questions failed, the first: ") && lacks.contains("answered 500"), "{lacks}");
    assert!(wait <= Duration::from_secs(10), "the rest is asked for soon: {wait:?}");
}

#[tokio::test]
async fn an_asset_that_the_upstream_refuses_is_named_and_the_others_go_on() {
    let desk = Desk::at(NOW);
    let clock = Arc::clone(&desk.clock);
    let upstream = Upstream::start(move |path| {
        if path.contains("symbol=NOSUCHUSDT") {
            Play::status(400, r#"{"code":-1121,"msg":"Invalid symbol."}"#)
        } else {
            klines(path, market_stress::domain::Clock::now(&*clock))
        }
    })
    .await;
    let assets = ["btc", "nosuch"].map(|name| name.parse().unwrap()).to_vec();
    let config = BinanceConfig { rest_url: upstream.url.clone(), assets, ..BinanceConfig::default() };
    let mut step = desk.collector.step(Feed::Polled(candle_feed(&config, Margin::Usd)));
    step.run_once().await;
    let status = desk.board.get("binance-candles").unwrap();
    assert_eq!(status.state(NOW.parse().unwrap()), FeedState::Partial);
    let lacks = status.partial.unwrap();
    assert!(lacks.contains("questions failed, the first about NOSUCHUSDT: ") && lacks.contains("Invalid symbol"), "{lacks}");

    // The next visit asks for what is new, and not for everything again.
    let asked = upstream.asked().len();
    desk.clock.set("2026-02-04T08:02:05Z".parse().unwrap());
    step.run_once().await;
    assert_eq!(upstream.asked().len() - asked, 2, "{:?}", &upstream.asked()[asked..]);
}

#[tokio::test]
async fn an_asset_that_is_answered_again_lacks_nothing_in_the_end() {
    let desk = Desk::at(NOW);
    let (clock, refused) = (Arc::clone(&desk.clock), Arc::new(AtomicUsize::new(0)));
    let switch = Arc::clone(&refused);
    let upstream = Upstream::start(move |path| {
        if path.contains("ETHUSDT") && switch.load(Ordering::SeqCst) > 0 {
            Play::status(400, r#"{"code":-1003,"msg":"Too many requests."}"#)
        } else {
            klines(path, market_stress::domain::Clock::now(&*clock))
        }
    })
    .await;
    let assets = ["btc", "eth"].map(|name| name.parse().unwrap()).to_vec();
    let config = BinanceConfig { rest_url: upstream.url.clone(), assets, ..BinanceConfig::default() };
    let mut step = desk.collector.step(Feed::Polled(candle_feed(&config, Margin::Usd)));
    let visits = [
        (NOW, 0),
        ("2026-02-04T08:10:05Z", 1),
        ("2026-02-04T08:20:05Z", 1),
        ("2026-02-04T08:30:05Z", 0),
        ("2026-02-04T08:31:05Z", 0),
    ];
    for (now, is_refused) in visits {
        desk.clock.set(now.parse().unwrap());
        refused.store(is_refused, Ordering::SeqCst);
        step.run_once().await;
    }
    let minutes = |asset: &str| {
        let series = format!("candle.{asset}@binance-perp:1m");
        desk.sink.points().keys().filter(|(key, at)| *key == series && at.as_str() >= "2026-02-04T08:00:00Z").count()
    };
    assert_eq!((minutes("btc"), minutes("eth")), (31, 31));
    assert_eq!(desk.board.get("binance-candles").unwrap().partial, None);
}

#[tokio::test]
async fn an_asset_whose_rows_are_all_refused_makes_its_feed_partial() {
    let desk = Desk::at(NOW);
    let clock = Arc::clone(&desk.clock);
    let upstream = Upstream::start(move |path| {
        if path.contains("symbol=ETHUSDT&interval=1m") {
            // A high below the low.
            Play::json(r#"[[1770192000000,"2","1","3","2","1"],[1770192060000,"2","1","3","2","1"]]"#)
        } else {
            klines(path, market_stress::domain::Clock::now(&*clock))
        }
    })
    .await;
    let assets = ["btc", "eth"].map(|name| name.parse().unwrap()).to_vec();
    let config = BinanceConfig { rest_url: upstream.url.clone(), assets, ..BinanceConfig::default() };
    desk.collector.step(Feed::Polled(candle_feed(&config, Margin::Usd))).run_once().await;
    let status = desk.board.get("binance-candles").unwrap();
    let lacks = status.partial.unwrap();
    assert!(lacks.starts_with("all rows of 1 series were refused, such as candle.eth@binance-perp:1m: "), "{lacks}");
}

#[rstest]
#[case::country(Play::status(451, "not here"), "does not serve the country of this address")]
#[case::page(Play::Answer(403, "text/html", Vec::new(), "<html>no</html>".to_owned()), "answered with a page for browsers")]
#[tokio::test]
async fn a_host_that_blocks_this_client_rests_for_an_hour_and_is_told_as_such(#[case] block: Play, #[case] words: &str) {
    let desk = Desk::at(NOW);
    let manners = HostPolicy { spacing: Duration::ZERO, ..HostPolicy::default() };
    let http = HttpClient::new(&HttpSettings { manners, ..HttpSettings::default() }).unwrap();
    let upstream = Upstream::start(move |_| block.clone()).await;
    let config = CoinGeckoConfig { url: upstream.url.clone(), ..CoinGeckoConfig::default() };
    let mut step = Collector { http, ..desk.collector.clone() }.step(Feed::Polled(snapshot_feed(&config)));
    let wait = step.run_once().await;
    assert!(wait >= Duration::from_hours(1), "{wait:?}");
    step.run_once().await;
    assert_eq!(upstream.asked().len(), 1, "the host rests");
    let error = desk.board.get("coingecko-market").unwrap().last_error.unwrap();
    assert!(error.contains(words), "{error}");
}

#[tokio::test]
async fn rows_the_store_could_not_take_are_read_again() {
    let desk = Desk::at(NOW);
    let upstream = Upstream::start(coingecko).await;
    let mut step = snapshot(&desk, &upstream);
    desk.sink.fail_times(2);
    step.run_once().await;
    assert!(desk.board.get("coingecko-market").unwrap().last_error.unwrap().contains("could not be recorded"));
    step.run_once().await;
    assert_eq!(desk.sink.points().len(), 5);
}

/// Candles of `path`'s interval that start at its `startTime`, the last one still running.
fn klines(path: &str, now: Timestamp) -> Play {
    let query = |name: &str| path.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)).unwrap().to_owned();
    let step = match query("interval=").as_str() {
        "1m" => 60_000,
        "1h" => 3_600_000,
        _ => 86_400_000,
    };
    let (start, limit): (i64, usize) = (query("startTime=").parse().unwrap(), query("limit=").parse().unwrap());
    let opens = (0..).map(|i| start + i * step).take_while(|open| *open <= now.unix_ms()).take(limit);
    let rows = opens.map(|open| format!(r#"[{open},"1.0","2.0","0.5","1.5","10",{},"0",1,"0","0","0"]"#, open + step - 1));
    Play::json(&format!("[{}]", rows.collect::<Vec<_>>().join(",")))
}

#[tokio::test]
async fn candles_of_the_last_day_come_first_then_it_goes_on_and_the_running_one_is_left_out() {
    let desk = Desk::at(NOW);
    let clock = Arc::clone(&desk.clock);
    let upstream = Upstream::start(move |path| klines(path, market_stress::domain::Clock::now(&*clock))).await;
    let config = BinanceConfig {
        rest_url: upstream.url.clone(),
        assets: vec!["btc".parse().unwrap()],
        minute_history_days: 2,
        hour_history_days: 1,
        day_history_days: 10,
        ..BinanceConfig::default()
    };
    let feed = || Feed::Polled(candle_feed(&config, Margin::Usd));
    desk.collector.step(feed()).run_once().await;
    assert_eq!(desk.board.get("binance-candles").unwrap().last_error, None);
    let count = |period: &str| desk.sink.points().keys().filter(|(key, _)| key.ends_with(period)).count();
    assert_eq!((count(":1m"), count(":1h"), count(":1d")), (1_440, 24, 3), "the rest is back-filled");
    let key = |at: &str| ("candle.btc@binance-perp:1m".to_owned(), at.to_owned());
    assert!(desk.sink.points().contains_key(&key("2026-02-04T07:59:00Z")));
    assert!(!desk.sink.points().contains_key(&key("2026-02-04T08:00:00Z")), "it is still running");

    // A new process goes on where the recorded rows end: one small page, no history.
    let asked = upstream.asked().len();
    desk.clock.set("2026-02-04T08:02:05Z".parse().unwrap());
    desk.collector.step(feed()).run_once().await;
    assert!(desk.sink.points().contains_key(&key("2026-02-04T08:01:00Z")));
    assert!(upstream.asked().len() - asked <= 3, "{:?}", &upstream.asked()[asked..]);
}

const ETF_PAGE: &str = "<table class=etf><tr><th></th><th>IBIT</th><th>GBTC</th><th>Total</th></tr>\
    <tr><td>02 Feb 2026</td><td>561.8</td><td>-</td><td>561.8</td></tr></table>";
const ETF_PAGE_RESTATED: &str = "<table class=etf><tr><th></th><th>IBIT</th><th>MSBT</th><th>GBTC</th><th>Total</th></tr>\
    <tr><td>02 Feb 2026</td><td>560.0</td><td>1.0</td><td>(5.0)</td><td>556.0</td></tr></table>";

#[tokio::test]
async fn a_restated_day_and_a_new_column_are_recorded_and_a_block_page_changes_nothing() {
    let desk = Desk::at(NOW);
    let visits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&visits);
    let upstream = Upstream::start(move |path| match (path, counter.load(Ordering::SeqCst)) {
        (_, 1) => Play::Answer(403, "text/html", Vec::new(), "<html>blocked</html>".to_owned()),
        (_, 0) => Play::html(ETF_PAGE),
        _ => Play::html(ETF_PAGE_RESTATED),
    })
    .await;
    let config = FarsideConfig { url: upstream.url.clone(), ..FarsideConfig::default() };
    let bitcoin = entries(&config).swap_remove(0).feed;
    let mut step = desk.collector.step(bitcoin);
    let flow = |fund: &str| {
        let key = (format!("etf_flow.btc.{fund}@farside"), "2026-02-02T00:00:00Z".to_owned());
        desk.sink.points().get(&key).copied().map(f64::to_bits)
    };
    step.run_once().await;
    assert_eq!((flow("IBIT"), flow("GBTC")), (Some(561_800_000.0_f64.to_bits()), None));
    assert_eq!(upstream.asked(), ["/bitcoin-etf-flow-all-data/", "/btc/"]);

    visits.store(1, Ordering::SeqCst);
    step.run_once().await;
    assert!(desk.board.get("farside-btc").unwrap().last_error.unwrap().contains("file import"));
    assert_eq!(flow("IBIT"), Some(561_800_000.0_f64.to_bits()));

    visits.store(2, Ordering::SeqCst);
    step.run_once().await;
    let expected = [560_000_000.0_f64, 1_000_000.0, -5_000_000.0].map(|usd| Some(usd.to_bits()));
    assert_eq!([flow("IBIT"), flow("MSBT"), flow("GBTC")], expected);
    assert_eq!(upstream.asked().last().map(String::as_str), Some("/btc/"), "the long page is read once");
}

#[tokio::test]
async fn after_a_storm_of_server_errors_the_feed_goes_on_by_itself() {
    let desk = Desk::at(NOW);
    let manners = HostPolicy {
        spacing: Duration::ZERO,
        failures_to_cooldown: 3,
        cooldown: Duration::from_millis(50),
        ..HostPolicy::default()
    };
    let http = HttpClient::new(&HttpSettings { manners, ..HttpSettings::default() }).unwrap();
    let storm = Arc::new(AtomicUsize::new(7));
    let left = Arc::clone(&storm);
    let upstream = Upstream::start(move |path| {
        let weather = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if weather.is_ok() { Play::status(503, "") } else { coingecko(path) }
    })
    .await;
    let config = CoinGeckoConfig { url: upstream.url.clone(), ..CoinGeckoConfig::default() };
    let mut step = Collector { http, ..desk.collector.clone() }.step(Feed::Polled(snapshot_feed(&config)));
    wait_until_async("a visit succeeds", Duration::from_secs(20), async || {
        step.run_once().await;
        desk.board.get("coingecko-market").is_some_and(|status| status.last_success_at.is_some())
    })
    .await;
    let status = desk.board.get("coingecko-market").unwrap();
    assert_eq!((status.consecutive_failures, status.last_error, storm.load(Ordering::SeqCst)), (0, None, 0));
    assert_eq!(desk.sink.points().len(), 5);
}

#[rstest]
#[case::ahead("2026-02-04T08:50:05Z")]
#[case::behind("2026-02-04T07:20:05Z")]
#[tokio::test]
async fn a_clock_that_goes_wrong_makes_no_running_candle_a_finished_one(#[case] ours: &str) {
    let desk = Desk::at(ours);
    let truth = Arc::new(std::sync::Mutex::new(NOW.parse::<Timestamp>().unwrap()));
    let clock = Arc::clone(&truth);
    let upstream = Upstream::start(move |path| klines(path, *clock.lock().unwrap())).await;
    let config =
        BinanceConfig { rest_url: upstream.url.clone(), assets: vec!["btc".parse().unwrap()], ..BinanceConfig::default() };
    let mut step = desk.collector.step(Feed::Polled(candle_feed(&config, Margin::Usd)));
    step.run_once().await;
    let newest = |period: &str| {
        let points = desk.sink.points();
        points.keys().filter(|(key, _)| key.ends_with(period)).map(|(_, at)| at.clone()).max().unwrap()
    };
    assert!(newest(":1m").as_str() < "2026-02-04T08:00:00Z", "{} is still running", newest(":1m"));
    assert!(newest(":1h").as_str() < "2026-02-04T08:00:00Z", "{} is still running", newest(":1h"));

    // The clock is set right: the feed goes on without a hole.
    for now in ["2026-02-04T08:01:05Z", "2026-02-04T09:00:05Z", "2026-02-04T10:01:05Z"] {
        *truth.lock().unwrap() = now.parse().unwrap();
        desk.clock.set(now.parse().unwrap());
        step.run_once().await;
    }
    assert_eq!((newest(":1m").as_str(), newest(":1h").as_str()), ("2026-02-04T10:00:00Z", "2026-02-04T09:00:00Z"));
    let count = |period: &str, from: &str| {
        desk.sink.points().keys().filter(|(key, at)| key.ends_with(period) && at.as_str() >= from).count()
    };
    assert_eq!((count(":1m", "2026-02-04T07:00:00Z"), count(":1h", "2026-02-04T00:00:00Z")), (181, 10), "there is a hole");
}

const INDEX: &str = r#"{"data":[{"value":"VALUE","timestamp":"1770163200"}],"metadata":{"error":null}}"#;

/// The index as a document with a name for each of its states.
fn document(head: &str, state: &str, body: &str) -> Play {
    let named = format!("\"{state}\"");
    let asked = head.lines().find_map(|line| line.strip_prefix("if-none-match: "));
    if asked == Some(named.as_str()) {
        return Play::Answer(304, "application/json", vec![("ETag", named)], String::new());
    }
    Play::Answer(200, "application/json", vec![("ETag", named)], body.to_owned())
}

#[tokio::test]
async fn a_document_that_has_not_changed_is_not_sent_again_and_that_counts_as_a_success() {
    let desk = Desk::at(NOW);
    let state = Arc::new(std::sync::Mutex::new(("one", INDEX.replace("VALUE", "14"))));
    let present = Arc::clone(&state);
    let heads = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    let upstream = Upstream::heeding(move |_, head| {
        let head = head.to_ascii_lowercase();
        let (name, body) = present.lock().unwrap().clone();
        log.lock().unwrap().push(head.clone());
        document(&head, name, &body)
    })
    .await;
    let config = AlternativeMeConfig { url: upstream.url.clone(), enabled: true };
    let mut step = desk.collector.step(market_stress::ingest::alternative_me::entries(&config).remove(0).feed);
    let value = || desk.sink.points().values().map(|value| format!("{value}")).collect::<Vec<_>>().join(" ");
    step.run_once().await;
    assert_eq!(value(), "14");
    // The first visit asks for everything; those after it ask the same question again.
    for later in ["2026-02-04T08:30:05Z", "2026-02-04T09:00:05Z"] {
        desk.clock.set(later.parse().unwrap());
        step.run_once().await;
        let status = desk.board.get("alternative_me-fear-greed").unwrap();
        assert_eq!((status.last_success_at, status.last_error), (Some(later.parse().unwrap()), None));
    }
    assert!(heads.lock().unwrap()[2].contains("if-none-match: \"one\""), "{:?}", heads.lock().unwrap());

    // An answer that could not be read is given again.
    *state.lock().unwrap() = ("two", "{\"data\":[".to_owned());
    step.run_once().await;
    assert_eq!(desk.board.get("alternative_me-fear-greed").unwrap().consecutive_failures, 1);
    *state.lock().unwrap() = ("two", INDEX.replace("VALUE", "17"));
    step.run_once().await;
    assert_eq!(value(), "17");
    assert!(!heads.lock().unwrap()[4].contains("if-none-match"), "{:?}", heads.lock().unwrap());
}
