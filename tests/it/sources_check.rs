//! `market-stress sources check`: each feed tried once, nothing stored.

use std::time::Duration;

use market_stress::ingest::binance::{BinanceConfig, LiquidationFeed};
use market_stress::ingest::coingecko::{CoinGeckoConfig, snapshot_feed};
use market_stress::ingest::{Entry, Feed, Outcome, ProbeResult, ProbeTimeouts, probe_feed};
use rstest::rstest;

use crate::harness::{Program, Ran};
use crate::upstream::{Desk, Line, Play, Upstream, websocket};

const NOW: &str = "2026-02-04T08:00:05Z";
const ACK: &str = r#"{"result":null,"id":1}"#;
const ORDER: &str = r#"{"e":"forceOrder","E":1770145200000,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"1","p":"72000","ap":"73000","X":"FILLED","l":"1","z":"1","T":1770145200000},"ps":"BTCUSDT","st":1}"#;
const FNG: &str =
    r#"{"data":[{"value":"14","timestamp":"1770163200"},{"value":"17","timestamp":"1770076800"}],"metadata":{"error":null}}"#;
const GLOBAL: &str = r#"{"data":{"total_market_cap":{"usd":2.5e12},"total_volume":{"usd":1e11},"updated_at":1770191990}}"#;
const MARKETS: &str =
    r#"[{"symbol":"btc","current_price":76478.9,"market_cap":1.5e12,"total_volume":9e10,"last_updated":"2026-02-04T07:59:40Z"}]"#;

const PATIENCE: ProbeTimeouts = ProbeTimeouts { to_answer: Duration::from_secs(1), to_speak: None };

async fn tried(feed: Feed, patience: ProbeTimeouts) -> ProbeResult {
    let desk = Desk::at(NOW);
    let trial = probe_feed(&Entry { feed, off: None }, &desk.collector.http, NOW.parse().unwrap(), patience).await;
    assert!(desk.sink.points().is_empty() && desk.sink.orders().is_empty(), "something was recorded");
    assert!(desk.board.all().is_empty(), "something was put on the board");
    trial
}

async fn polled(play: Play) -> ProbeResult {
    let upstream = Upstream::start(move |_| play.clone()).await;
    tried(Feed::Polled(snapshot_feed(&CoinGeckoConfig { url: upstream.url, ..CoinGeckoConfig::default() })), PATIENCE).await
}

async fn streamed(lines: Vec<Line>, patience: ProbeTimeouts) -> ProbeResult {
    let (url, _heard) = websocket(vec![lines]).await;
    // The lists of contracts are asked where nobody listens: the stream does not wait for them.
    let nobody: url::Url = "http://127.0.0.1:9".parse().unwrap();
    let (rest_url, coin_rest_url) = (nobody.clone(), nobody);
    let feed = LiquidationFeed::new(&BinanceConfig { stream_url: url, rest_url, coin_rest_url, ..BinanceConfig::default() });
    tried(Feed::Streamed(Box::new(feed)), patience).await
}

#[tokio::test]
async fn a_feed_that_is_well_shows_its_rows_and_the_newest_of_them() {
    let upstream = Upstream::start(|path| Play::json(if path.starts_with("/global") { GLOBAL } else { MARKETS })).await;
    let config = CoinGeckoConfig { url: upstream.url.clone(), ..CoinGeckoConfig::default() };
    let trial = tried(Feed::Polled(snapshot_feed(&config)), PATIENCE).await;
    assert_eq!((&trial.outcome, trial.rows, trial.refused), (&Outcome::Understood, 5, 0));
    assert_eq!(trial.newest, Some("2026-02-04T07:59:50Z".parse().unwrap()));
    assert_eq!(upstream.asked().len(), 2, "each question once");
}

#[rstest]
#[case::silence(Play::Silence, false, "did not answer in time")]
#[case::cut(Play::Cut(GLOBAL.to_owned(), 20), false, "cannot be reached")]
#[case::blocked(Play::status(403, "no robots"), true, "403: no robots")]
#[case::throttled(Play::throttled(429, "77"), true, "too many requests")]
#[case::block_page(Play::html("<html>Just a moment...</html>"), true, "Just a moment")]
#[case::half_json(Play::json(r#"{"data":{"total_mark"#), true, "not the expected JSON")]
#[case::refusal(Play::json(r#"{"status":{"error_code":429,"error_message":"slow down"}}"#), true, "slow down")]
#[tokio::test]
async fn a_fault_is_named_and_so_is_whether_the_upstream_was_heard_at_all(
    #[case] play: Play,
    #[case] reachable: bool,
    #[case] words: &str,
) {
    let trial = polled(play).await;
    assert!(trial.has_failed());
    match trial.outcome {
        Outcome::Unusable(error) if reachable => assert!(error.contains(words), "{error}"),
        Outcome::Unreachable(error) if !reachable => assert!(error.contains(words), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_of_which_every_row_is_refused_is_a_failure() {
    let upstream = Upstream::start(|_| Play::json(r#"[["soon","1","2","0.5","1.5","10"]]"#)).await;
    let config = BinanceConfig { rest_url: upstream.url, ..BinanceConfig::default() };
    let trial = tried(
        Feed::Polled(market_stress::ingest::binance::candle_feed(&config, market_stress::ingest::binance::Margin::Usd)),
        PATIENCE,
    )
    .await;
    assert!(matches!(&trial.outcome, Outcome::Unusable(error) if error.contains("every row was refused")), "{trial:?}");
}

#[tokio::test]
async fn a_stream_is_well_when_it_is_acknowledged_and_has_to_speak_only_when_that_is_asked() {
    let acknowledged = vec![Line::Hear, Line::Say(ACK.to_owned())];
    assert_eq!(streamed(acknowledged.clone(), PATIENCE).await.outcome, Outcome::Understood);

    let to_speak = ProbeTimeouts { to_speak: Some(Duration::from_secs(1)), ..PATIENCE };
    let silent = streamed(acknowledged, to_speak).await;
    assert!(matches!(&silent.outcome, Outcome::Unusable(error) if error.contains("silent for 1 s")), "{silent:?}");

    let speaking = vec![Line::Hear, Line::Say(ACK.to_owned()), Line::Say(ORDER.to_owned())];
    let spoken = streamed(speaking, to_speak).await;
    assert_eq!((&spoken.outcome, spoken.rows), (&Outcome::Understood, 1));
    assert_eq!(spoken.newest, Some("2026-02-03T19:00:00Z".parse().unwrap()));
}

#[rstest]
#[case::no_acknowledgement(vec![Line::Hear], true, "silent for 1 s")]
#[case::refused(vec![Line::Hear, Line::Say(r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#.to_owned())], true, "Invalid request")]
#[case::cut(vec![Line::Hear, Line::Hang], false, "broke")]
#[case::nonsense(vec![Line::Hear, Line::Say("hello".to_owned())], true, "not the expected JSON")]
#[tokio::test]
async fn a_stream_that_is_not_acknowledged_has_failed(#[case] lines: Vec<Line>, #[case] reachable: bool, #[case] words: &str) {
    let trial = streamed(lines, PATIENCE).await;
    match trial.outcome {
        Outcome::Unusable(error) if reachable => assert!(error.contains(words), "{error}"),
        Outcome::Unreachable(error) if !reachable => assert!(error.contains(words), "{error}"),
        other => panic!("{other:?}"),
    }
}

/// Runs the program beside the upstream that plays in this process.
async fn run(upstream: &Upstream, arguments: &'static [&'static str]) -> Ran {
    let url = upstream.url.clone();
    tokio::task::spawn_blocking(move || {
        let program = Program::new();
        let config = format!("[ingest.alternative_me]\nurl = \"{url}\"\n[ingest.coingecko]\nurl = \"{url}\"\n");
        program.write("market-stress.toml", config);
        let ran = program.run(arguments);
        assert!(!program.folder.path().join("store.db").exists(), "a store was made");
        ran
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_table_has_a_line_for_each_feed_and_the_exit_code_says_whether_one_failed() {
    let upstream = Upstream::start(|path| if path.starts_with("/fng/") { Play::json(FNG) } else { Play::status(500, "") }).await;
    let well = run(&upstream, &["sources", "check", "--source", "alternative_me,yahoo"]).await;
    assert_eq!(well.code, 0, "{}", well.stderr);
    let lines: Vec<&str> = well.stdout.lines().collect();
    assert!(lines[0].starts_with("FEED") && lines[0].ends_with("ERROR"), "{}", well.stdout);
    let words = lines[1].split_whitespace().collect::<Vec<_>>();
    assert_eq!(words, ["alternative_me-fear-greed", "ok", "yes", "yes", "2", "0", "2026-02-04T00:00:00Z"]);
    assert!(lines[2].starts_with("yahoo-daily") && lines[2].contains("off") && lines[2].contains("ingest.yahoo.enabled"));

    let ill = run(&upstream, &["sources", "check", "--source", "alternative_me,coingecko-market", "--json"]).await;
    assert_eq!(ill.code, 1);
    assert_eq!(ill.stderr, "error: 1 of 2 feeds failed; see the table\n");
    let told: serde_json::Value = serde_json::from_str(&ill.stdout).unwrap();
    assert_eq!((&told[0]["state"], &told[0]["rows"]), (&"ok".into(), &2.into()));
    assert_eq!((&told[1]["state"], &told[1]["reachable"], &told[1]["parsed"]), (&"failed".into(), &true.into(), &false.into()));
    assert!(told[1]["error"].as_str().unwrap().contains("500"));
}

#[tokio::test]
async fn an_unknown_source_is_refused_with_the_nearest_name() {
    let upstream = Upstream::start(|_| Play::Silence).await;
    let ran = run(&upstream, &["sources", "check", "--source", "binanse"]).await;
    assert_eq!(ran.code, 2);
    assert_eq!(ran.stderr, "error: unknown feed or source `binanse`; did you mean `binance`?\n");
    assert!(upstream.asked().is_empty());
}
