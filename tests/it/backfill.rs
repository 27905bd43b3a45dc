//! Reading the past: resumed after a kill, without holes, within the limits of the upstream.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use market_stress::domain::{Cadence, FeedStatus, SeriesKey, SourceInfo, SourceKind, StatusBoard, TimeRange, Timestamp};
use market_stress::ingest::{
    Backfill, BackfillRange, BackfillSettings, Collector, Entry, Feed, FeedError, FetchError, History, HistorySeries, Pages,
    ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Progress, Request, Schedule,
};
use market_stress::store::Store;
use rstest::rstest;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::harness::{Engine, Home, Program, wait_until_async};
use crate::upstream::{Desk, MemorySink, Play, Upstream};

const NOW: &str = "2026-02-04T08:10:00Z";
const HOUR_MS: i64 = 3_600_000;
const SERIES: &str = "implied_vol.btc@venue:1h";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn parameter(path: &str, name: &str) -> i64 {
    let value = path.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("{path} has no {name}")).parse().unwrap()
}

/// `[start, value]` for each hour of the span that `path` asks for, at most `most` of them.
fn hours(path: &str, most: usize) -> Play {
    let (from, to) = (parameter(path, "from"), parameter(path, "to"));
    let starts = (0..).map(|hour| from.div_euclid(HOUR_MS) * HOUR_MS + hour * HOUR_MS).take_while(|start| *start < to);
    let rows = starts.filter(|start| *start >= from).take(most).map(|start| format!("[{start},{}]", start / HOUR_MS % 100));
    Play::json(&format!("[{}]", rows.collect::<Vec<_>>().join(",")))
}

fn read_hours(body: &[u8], visit: &PollContext) -> Result<Parsed, ParseError> {
    let rows: Vec<(i64, f64)> =
        serde_json::from_slice(body).map_err(|error| ParseError::Malformed { expected: "list", reason: error.to_string() })?;
    let mut parsed = Parsed::new("venue".parse().unwrap());
    let key: SeriesKey = SERIES.parse().unwrap();
    for (start, value) in rows {
        let end = Timestamp::from_unix_ms(start + HOUR_MS);
        if end <= visit.now {
            parsed.push(key.clone(), Timestamp::from_unix_ms(start), visit.knowledge(end), value);
        }
    }
    Ok(parsed)
}

fn ask(url: &Url, from: Timestamp, to: Timestamp, visit: &PollContext) -> Result<PollRequest, FetchError> {
    let query = [("from", from.unix_ms().to_string()), ("to", to.unix_ms().to_string())];
    let visit = *visit;
    Ok(PollRequest::new(Request::get(url, "hours", &query)?, move |body| read_hours(body, &visit)))
}

/// A feed of hourly values whose past is read day by day; answers of 24 hours may have been cut
/// where `cut_at` says so.
fn hourly_feed(url: &Url, cut_at: usize) -> PolledFeed {
    let (visits, past) = (url.clone(), url.clone());
    let info = SourceInfo { source: "venue".parse().unwrap(), kind: SourceKind::Venue, note: "made up".to_owned() };
    let strand = HistorySeries::new(SERIES, 10, 24 * HOUR_MS, move |span: TimeRange, visit: &PollContext| {
        ask(&past, span.from(), span.to(), visit)
    });
    PolledFeed {
        profile: Profile { name: "venue-hours", info, cadence: Cadence::every(HOUR_MS) },
        schedule: Schedule::every(Duration::from_hours(1)),
        cursor_series: vec![SERIES.parse().unwrap()],
        questions: Box::new(move |visit| Ok(vec![ask(&visits, visit.from(HOUR_MS, 24 * HOUR_MS), visit.now, visit)?])),
        history: Some(History::Paged(Pages { strands: vec![strand.cut_at(cut_at)], spacing: Duration::ZERO })),
    }
}

fn backfill(desk: &Desk, url: &Url, cut_at: usize, store: &Arc<dyn Store>) -> Backfill {
    desk.collector.backfill(Arc::new(hourly_feed(url, cut_at)), Arc::clone(store))
}

fn stretch(since: &str, until: &str) -> BackfillRange {
    BackfillRange { since: Some(at(since)), until: Some(at(until)), most_days: None }
}

/// Every hour from `from` to before `to` is there.
fn assert_whole(sink: &MemorySink, from: &str, to: &str) {
    let points = sink.points();
    let hours = (at(from).unix_ms()..at(to).unix_ms()).step_by(usize::try_from(HOUR_MS).unwrap());
    let missing: Vec<_> = hours
        .map(|ms| Timestamp::from_unix_ms(ms).to_string())
        .filter(|hour| !points.contains_key(&(SERIES.to_owned(), hour.clone())))
        .collect();
    assert!(missing.is_empty(), "{} hours are missing, the first is {}", missing.len(), missing[0]);
}

#[tokio::test]
async fn a_hole_in_the_middle_is_found_and_nothing_else_is_read_again() {
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let store = home.open().await;
    let upstream = Upstream::start(|path| hours(path, 1_000)).await;
    let past = backfill(&desk, &upstream.url, usize::MAX, &store);
    for (since, until) in [("2026-01-20", "2026-01-25"), ("2026-01-10", "2026-01-15")] {
        let progress = past.run(&stretch(since, until), &|_| {}).await.unwrap();
        assert_eq!((progress.pages, progress.pages_read, progress.rows_new), (5, 5, 120));
    }
    let asked = upstream.asked().len();
    let told = Mutex::new(Vec::new());
    let listener = |progress: &Progress| told.lock().unwrap().push(*progress);
    let progress = past.run(&stretch("2026-01-10", "2026-01-25"), &listener).await.unwrap();
    assert_eq!(progress.pages, 5, "the days from 15 to 20 January");
    assert_eq!(upstream.asked().len() - asked, 5);
    assert_whole(&desk.sink, "2026-01-10", "2026-01-25");
    let told = told.into_inner().unwrap();
    assert_eq!(told.iter().map(|progress| progress.pages_read).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert!(told[5].is_finished() && told[0].since == Some(at("2026-01-10")));

    past.run(&stretch("2026-01-10", "2026-01-25"), &|_| {}).await.unwrap();
    assert_eq!(upstream.asked().len() - asked, 5, "nothing is missing any more");
}

#[tokio::test]
async fn the_newest_pages_come_first_and_the_last_hour_is_read_again_for_it_was_not_final() {
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let store = home.open().await;
    let upstream = Upstream::start(|path| hours(path, 1_000)).await;
    let past = backfill(&desk, &upstream.url, usize::MAX, &store);
    let progress = past.run(&BackfillRange::default(), &|_| {}).await.unwrap();
    assert_eq!((progress.since, progress.pages), (Some(at("2026-01-25")), 11), "ten days and the present one");
    let starts: Vec<_> = upstream.asked().iter().map(|path| parameter(path, "from")).collect();
    assert!(starts.windows(2).all(|pair| pair[1] < pair[0]), "{starts:?}");
    assert_whole(&desk.sink, "2026-01-25", "2026-02-04T08:00:00Z");

    desk.clock.set(at("2026-02-04T10:00:00Z"));
    assert_eq!(past.run(&BackfillRange::default(), &|_| {}).await.unwrap().pages, 1);
    assert_whole(&desk.sink, "2026-02-04", "2026-02-04T09:00:00Z");
    let shallow = BackfillRange { most_days: Some(2), ..BackfillRange::default() };
    assert_eq!(past.run(&shallow, &|_| {}).await.unwrap().since, Some(at("2026-02-02")));
}

#[tokio::test]
async fn an_answer_that_was_cut_is_asked_again_in_halves() {
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let store = home.open().await;
    let upstream = Upstream::start(|path| hours(path, 10)).await;
    let past = backfill(&desk, &upstream.url, 10, &store);
    let progress = past.run(&stretch("2026-01-10", "2026-01-12"), &|_| {}).await.unwrap();
    assert_eq!((progress.pages_read, progress.rows_new), (8, 48), "six hours a question");
    assert_whole(&desk.sink, "2026-01-10", "2026-01-12");
}

#[tokio::test]
async fn a_host_that_throttles_is_left_alone_as_long_as_it_asks_and_nothing_is_lost() {
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let store = home.open().await;
    let questions = AtomicUsize::new(0);
    let upstream = Upstream::start(move |path| match questions.fetch_add(1, Ordering::SeqCst) {
        1 => Play::throttled(429, "3"),
        _ => hours(path, 1_000),
    })
    .await;
    let past = backfill(&desk, &upstream.url, usize::MAX, &store);
    let progress = past.run(&stretch("2026-01-10", "2026-01-14"), &|_| {}).await.unwrap();
    assert!(progress.is_finished());
    assert_whole(&desk.sink, "2026-01-10", "2026-01-14");
    let pauses = upstream.pauses();
    assert_eq!(pauses.len() + 1, 5, "four pages, one of them twice");
    assert!(pauses[1] >= Duration::from_secs(3), "{pauses:?}");
}

#[tokio::test]
async fn pages_are_asked_for_no_faster_than_the_upstream_allows() {
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let upstream = Upstream::start(|path| hours(path, 1_000)).await;
    let spacing = Duration::from_millis(150);
    let mut feed = hourly_feed(&upstream.url, usize::MAX);
    if let Some(History::Paged(pages)) = &mut feed.history {
        pages.spacing = spacing;
    }
    let past = desk.collector.backfill(Arc::new(feed), home.open().await);
    past.run(&stretch("2026-01-10", "2026-01-14"), &|_| {}).await.unwrap();
    let pauses = upstream.pauses();
    assert_eq!(pauses.len() + 1, 4);
    assert!(pauses.iter().all(|pause| *pause >= spacing), "{pauses:?}");
}

#[tokio::test]
async fn a_ban_ends_the_run_at_once_and_what_was_read_stays_read() {
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let store = home.open().await;
    let questions = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&questions);
    let upstream = Upstream::start(move |path| match count.fetch_add(1, Ordering::SeqCst) {
        2 => Play::throttled(418, "7200"),
        _ => hours(path, 1_000),
    })
    .await;
    let error = backfill(&desk, &upstream.url, usize::MAX, &store).run(&stretch("2026-01-10", "2026-01-15"), &|_| {}).await;
    assert!(matches!(error, Err(FeedError::Fetch(FetchError::Throttled { status: 418, .. }))), "{error:?}");
    assert_eq!(questions.load(Ordering::SeqCst), 3);

    // Another process, after the ban.
    let later = Desk::at(NOW);
    let progress = backfill(&later, &upstream.url, usize::MAX, &store).run(&stretch("2026-01-10", "2026-01-15"), &|_| {}).await;
    assert_eq!(progress.unwrap().pages, 3);
}

#[tokio::test]
async fn a_page_with_refused_rows_is_not_noted_as_read() {
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let store = home.open().await;
    let upstream = Upstream::start(|path| hours(path, 1_000)).await;
    let mut feed = hourly_feed(&upstream.url, usize::MAX);
    let url = upstream.url.clone();
    let strand = HistorySeries::new(SERIES, 10, 24 * HOUR_MS, move |span: TimeRange, visit: &PollContext| {
        let (question, now) = (ask(&url, span.from(), span.to(), visit)?, visit.now);
        Ok(PollRequest::new(question.request, move |body| {
            let mut parsed = (question.read)(body)?;
            parsed.refuse("row", now, "it came out of order");
            Ok(parsed)
        }))
    });
    feed.history = Some(History::Paged(Pages { strands: vec![strand], spacing: Duration::ZERO }));
    let past = desk.collector.backfill(Arc::new(feed), Arc::clone(&store));
    let progress = past.run(&stretch("2026-01-10", "2026-01-12"), &|_| {}).await.unwrap();
    assert_eq!((progress.rows_new, progress.rows_refused), (48, 2));
    assert!(store.backfilled_ranges("venue-hours").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_past_that_one_answer_holds_is_read_as_on_a_first_visit() {
    const DAYS: &str =
        r#"{"data":[{"value":"14","timestamp":"1770163200"},{"value":"17","timestamp":"1517443200"}],"metadata":{"error":null}}"#;
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let upstream = Upstream::start(|_| Play::json(DAYS)).await;
    let config = market_stress::ingest::alternative_me::AlternativeMeConfig { url: upstream.url.clone(), enabled: true };
    let Feed::Polled(feed) = market_stress::ingest::alternative_me::entries(&config).remove(0).feed else { panic!("a stream") };
    let progress =
        desk.collector.backfill(Arc::new(feed), home.open().await).run(&BackfillRange::default(), &|_| {}).await.unwrap();
    assert_eq!((progress.pages_read, progress.rows_new), (1, 2));
    assert!(upstream.asked()[0].contains("limit=0"), "{:?}", upstream.asked());
}

/// A process that collects until the past has been read, then stops; gives the feed's last status.
async fn collect_until_read(desk: &Desk, url: &Url, store: &Arc<dyn Store>) -> FeedStatus {
    let board = Arc::new(StatusBoard::new());
    let mut collector = Collector { board: Arc::clone(&board), ..desk.collector.clone() };
    collector.past = Some(BackfillSettings { store: Arc::clone(store), most_days: 5 });
    let stop = CancellationToken::new();
    let entry = Entry { feed: Feed::Polled(hourly_feed(url, usize::MAX)), off: None };
    let tasks = collector.start(vec![entry], &stop);
    let read = || board.get("venue-hours").and_then(|status| status.backfill).is_some_and(|it| it.pages_read == it.pages);
    wait_until_async("the board says that the past is read", Duration::from_secs(20), async || read()).await;
    stop.cancel();
    tasks.wait().await;
    board.get("venue-hours").unwrap()
}

#[tokio::test]
async fn a_service_reads_the_past_by_itself_tells_how_far_it_is_and_goes_on_after_a_restart() {
    let (desk, home) = (Desk::at(NOW), Home::new(Engine::Sqlite).await.unwrap());
    let store = home.open().await;
    let upstream = Upstream::start(|path| hours(path, 1_000)).await;
    let status = collect_until_read(&desk, &upstream.url, &store).await;
    assert_whole(&desk.sink, "2026-01-30", "2026-02-04T08:00:00Z");
    assert_eq!(status.consecutive_failures, 0);
    let told = status.backfill.unwrap();
    assert_eq!((told.since, told.pages, told.last_error), (Some(at("2026-01-30")), 6, None));

    let asked = upstream.asked().len();
    desk.clock.set(at("2026-02-04T09:10:00Z"));
    let status = collect_until_read(&desk, &upstream.url, &store).await;
    assert_eq!(status.backfill.unwrap().pages, 1, "only the present day may lack something");
    assert!(upstream.asked().len() - asked <= 2, "that page and a visit");
}

#[tokio::test]
async fn without_a_past_a_first_visit_asks_for_the_last_day_alone() {
    let desk = Desk::at(NOW);
    let upstream = Upstream::start(|path| hours(path, 1_000)).await;
    desk.collector.step(Feed::Polled(hourly_feed(&upstream.url, usize::MAX))).run_once().await;
    assert_eq!(upstream.asked().len(), 1);
    assert_eq!(parameter(&upstream.asked()[0], "from"), at("2026-02-03T08:10:00Z").unix_ms());
    assert_eq!(desk.board.get("venue-hours").unwrap().backfill, None);
}

/// Hourly candles of Deribit's volatility index.
fn dvol(path: &str) -> Play {
    let (from, to) = (parameter(path, "start_timestamp"), parameter(path, "end_timestamp"));
    let first = (from + HOUR_MS - 1).div_euclid(HOUR_MS);
    let starts = (first..=to.div_euclid(HOUR_MS)).map(|hour| hour * HOUR_MS);
    let rows = starts.map(|ms| format!("[{ms},40.0,60.0,30.0,{}.5]", 40 + ms / HOUR_MS % 10));
    Play::json(&format!(
        r#"{{"jsonrpc":"2.0","result":{{"data":[{}],"continuation":null}}}}"#,
        rows.collect::<Vec<_>>().join(",")
    ))
}

const YEAR: [&str; 7] = ["backfill", "--source", "deribit-volatility", "--since", "2024-01-01", "--until", "2025-01-01"];

fn program(address: String, upstream: &Upstream) -> Program {
    let program = Program::on(address);
    let config = format!("[ingest.deribit]\nrest_url = \"{}\"\nassets = [\"btc\"]\n", upstream.url);
    program.write("market-stress.toml", config);
    program
}

/// Starts the program and kills it the moment the upstream has been asked `questions` times.
fn kill_after(program: &Program, questions: usize, asked: &mpsc::Receiver<()>) {
    while asked.try_recv().is_ok() {}
    let mut child = program.command(&YEAR).stdin(Stdio::null()).spawn().unwrap();
    for _ in 0..questions {
        asked.recv_timeout(Duration::from_secs(30)).expect("the program asked too few questions");
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "it was done before it was killed");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_at_any_moment_and_resumed_leaves_what_an_unbroken_one_leaves(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let (Some(whole), Some(broken)) = (Home::new(engine).await, Home::new(engine).await) else { return };
    let (tell, asked) = mpsc::channel();
    let tell = Mutex::new(tell);
    let upstream = Upstream::start(move |path| {
        let _ = tell.lock().unwrap().send(());
        dvol(path)
    })
    .await;
    tokio::task::block_in_place(|| {
        let unbroken = program(whole.address(), &upstream);
        let ran = unbroken.run(&YEAR);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(ran.stdout, "deribit-volatility: read 13 of 13 pages since 2024-01-01T00:00:00Z, new 8784, refused 0\n");
        assert!(ran.stderr.contains("deribit-volatility: 13 of 13 pages, 8784 rows"), "{}", ran.stderr);
        let pages = upstream.asked().len();

        let killed = program(broken.address(), &upstream);
        let moments = [1, 1, 2, 3, 4];
        for questions in moments {
            kill_after(&killed, questions, &asked);
        }
        let report: serde_json::Value = serde_json::from_str(&killed.succeed(&[&YEAR[..], &["--json"]].concat())).unwrap();
        assert_eq!(report[0]["pages"], report[0]["pages_read"]);
        let series = ["export", "series"];
        assert!(killed.succeed(&series) == unbroken.succeed(&series), "the stores differ");
        let again = upstream.asked().len() - pages;
        assert!(again <= pages + moments.len(), "{again} questions for {pages} pages: what was read was read again");
    });
}

#[rstest]
#[case::no_instant(&["--since", "yesterday"], "`yesterday` is not an RFC 3339 time such as 2026-02-04T08:00:00Z")]
#[case::upside_down(&["--since", "2026-01-02", "--until", "2026-01-01"], "--since 2026-01-02T00:00:00Z is not before 2026-01-01T00:00:00Z")]
#[case::future(&["--since", "2999-01-01"], "choose an earlier start")]
#[case::unknown(&["--source", "deribt"], "did you mean `deribit`?")]
#[case::no_past(&["--source", "coingecko-market"], "none of these feeds is enabled and has a history")]
fn what_makes_no_sense_is_refused_before_anything_is_asked(#[case] arguments: &[&str], #[case] words: &str) {
    let ran = Program::new().run(&[&["backfill"], arguments].concat());
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}
