//! One collector among many nodes: elected on Postgres, the only one on a SQLite file.

use std::time::Duration;

use market_stress::store::StoreError;
use rstest::rstest;
use sqlx::{Connection, PgConnection};

use crate::harness::clock::{
    JUST_BEFORE_A_PAGE_EDGE, JUST_BEFORE_MIDNIGHT, NEW_YEAR, NEW_YORK_SPRING, ONE_MINUTE_AFTER_A_PAGE_EDGE, PAGE_EDGE,
    SOON_AFTER_A_PAGE_EDGE,
};
use crate::harness::postgres::{Server, did_not_run};
use crate::harness::{Collected, Engine, Home, Program, Serving, contents, wait_until, wait_until_async};
use crate::replay::Replay;

/// How long a dead collector may go unnoticed.
const HANDOVER: Duration = Duration::from_secs(10);

/// How long anything else may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a node does about the feeds.
fn role(node: &Serving) -> Option<String> {
    let (status, body) = node.get("/readyz")?;
    let ready: serde_json::Value = serde_json::from_str(&body).ok()?;
    (status == 200).then(|| ready["role"].as_str().unwrap().to_owned())
}

fn wait_for_role(node: &Serving, expected: &str, patience: Duration) -> Duration {
    wait_until(expected, patience, || role(node).as_deref() == Some(expected))
}

/// Two nodes on one database that collect from the replay; the first to be started leads.
fn two_nodes(url: &str, replay: &Replay) -> [(Program, Serving); 2] {
    ["collector", "standby"].map(|expected| {
        let program = replay.program(url.to_owned());
        let node = Serving::start(&program, &["serve"]);
        wait_for_role(&node, expected, PATIENCE);
        (program, node)
    })
}

fn signal(node: &Serving, signal: &str) {
    let sent = std::process::Command::new("kill").args([signal, &node.child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Whether a visit of the candle feed, which asks for the last day, has come to its end on this node.
fn has_visited(node: &Serving) -> bool {
    let Some((200, body)) = node.get("/v1/sources") else { return false };
    let sources: serde_json::Value = serde_json::from_str(&body).unwrap();
    let feeds = sources["data"].as_array().unwrap();
    feeds.iter().any(|feed| feed["feed"] == "binance-candles" && !feed["last_success_at"].is_null())
}

/// What the log at an address holds.
async fn log_at(url: &str) -> Collected {
    contents(&*market_stress::store::open(&url.parse().unwrap()).await.unwrap()).await
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_collector_is_followed_by_the_other_node_and_nothing_is_lost(
    #[values(JUST_BEFORE_A_PAGE_EDGE, NEW_YEAR)] now: &str,
) {
    let Some(home) = Home::new(Engine::Postgres).await else { return };
    let replay = Replay::in_parts(20_000, now, 5).await;
    let [(_, mut first), (_, second)] = two_nodes(&home.address(), &replay);
    wait_until("it waits in the middle of the replay", PATIENCE, || replay.pages() >= 6);
    first.child.kill().unwrap();
    let took = wait_for_role(&second, "collector", HANDOVER);
    replay.let_through(1_000);
    let log = home.open().await;
    let collected = replay.is_collected_in(&*log, 2 * PATIENCE).await;
    replay.assert_equals(&collected, &format!("taken over after {took:?}"));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_hangs_is_taken_for_dead_and_stands_by_when_it_wakes(
    #[values(ONE_MINUTE_AFTER_A_PAGE_EDGE, JUST_BEFORE_MIDNIGHT)] now: &str,
) {
    let Some(home) = Home::new(Engine::Postgres).await else { return };
    let replay = Replay::of(100, now).await;
    let [(_, first), (_, second)] = two_nodes(&home.address(), &replay);
    wait_until("the first node has visited the feed", PATIENCE, || has_visited(&first));
    signal(&first, "-STOP");
    wait_for_role(&second, "collector", HANDOVER);
    wait_until("the second node has visited the feed", PATIENCE, || has_visited(&second));
    signal(&first, "-CONT");
    wait_for_role(&first, "standby", PATIENCE);
    let collected = replay.is_collected_in(&*home.open().await, PATIENCE).await;
    replay.assert_equals(&collected, "two nodes collected it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_told_to_stop_hands_over() {
    let Some(home) = Home::new(Engine::Postgres).await else { return };
    let replay = Replay::of(100, PAGE_EDGE).await;
    let [(_, first), (_, second)] = two_nodes(&home.address(), &replay);
    let (code, said) = first.stop("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("this node collects"), "{said}");
    wait_for_role(&second, "collector", HANDOVER);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_postgres_under_both_nodes_loses_nothing_and_reads_go_on(
    #[values(PAGE_EDGE, SOON_AFTER_A_PAGE_EDGE, NEW_YORK_SPRING)] now: &str,
) {
    let mut server = match Server::private() {
        Ok(server) => server,
        Err(reason) => return did_not_run(&reason),
    };
    let database = server.database().await;
    let replay = Replay::of(1_500, now).await;
    let [(_, first), (_, second)] = two_nodes(&database.url, &replay);
    let nodes = [first, second];
    wait_until("the first node has visited the feed", PATIENCE, || has_visited(&nodes[0]));
    wait_until("the stream is open", PATIENCE, || replay.is_heard());

    server.kill();
    (0..50).for_each(|number| replay.force_order(number));
    for node in &nodes {
        wait_until("the node has noticed", PATIENCE, || node.get("/readyz").is_some_and(|(status, _)| status == 503));
        let age = age_of_minutes(node);
        wait_until("the answer is older", PATIENCE, || age_of_minutes(node) > age);
    }
    server.start_again();

    wait_until_async("what was heard while the database was away is recorded", PATIENCE, async || {
        replay.orders_in(&log_at(&database.url).await) == (0..50).collect::<Vec<i64>>()
    })
    .await;
    // Whoever collects now hears on.
    let mut number = 50;
    wait_until("orders are recorded again", PATIENCE, || {
        replay.force_order(number);
        number += 1;
        nodes.iter().any(|node| newest_order(node, &replay).is_some_and(|newest| newest >= 50))
            && nodes.iter().filter(|node| role(node).as_deref() == Some("collector")).count() == 1
    });
    // What was left of the past to be back-filled comes too.
    let store = market_stress::store::open(&database.url.parse().unwrap()).await.unwrap();
    let log = replay.is_collected_in(&*store, PATIENCE).await;
    let orders = replay.orders_in(&log);
    assert!(orders.windows(2).all(|pair| pair[0] < pair[1]), "an order is doubled: {orders:?}");
    replay.assert_equals(&log, "after the restart");
}

/// The number of the newest forced order that a node tells of. The first are older than a day.
fn newest_order(node: &Serving, replay: &Replay) -> Option<i64> {
    let orders = data_of(node, "/v1/liquidations/orders?window=3d&limit=1");
    Some(replay.number_at(orders["data"][0]["at"].as_str()?.parse().unwrap()))
}

/// How old the minutes are that a node answers with, seconds. A price of them is known only where a whole day is.
fn age_of_minutes(node: &Serving) -> i64 {
    data_of(node, "/v1/series?metric=candle")["sources"][0]["age_seconds"].as_i64().unwrap()
}

fn data_of(node: &Serving, path: &str) -> serde_json::Value {
    let (status, body) = node.get(path).unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn of_two_candidates_one_leads_until_it_is_gone() {
    let Some(home) = Home::new(Engine::Postgres).await else { return };
    let (one, other) = (home.open().await, home.open().await);
    let (mut one, mut other) = (one.candidate(), other.candidate());
    for _ in 0..2 {
        assert_eq!((one.leads().await.unwrap(), other.leads().await.unwrap()), (true, false));
    }
    drop(one);
    wait_until_async("the lead is given up", HANDOVER, async || other.leads().await.unwrap()).await;
}

#[tokio::test]
async fn a_leader_whose_session_is_ended_is_told_and_asks_anew() {
    let Some(home) = Home::new(Engine::Postgres).await else { return };
    let (one, other) = (home.open().await, home.open().await);
    let (mut one, mut other) = (one.candidate(), other.candidate());
    assert!(one.leads().await.unwrap());
    let mut link = PgConnection::connect(&home.address()).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert!(sqlx::query_scalar::<_, bool>(end).fetch_one(&mut link).await.unwrap());
    assert!(other.leads().await.unwrap());
    let lost = one.leads().await.unwrap_err();
    assert!(matches!(lost, StoreError::Unavailable(_)), "{lost:?}");
    assert!(!one.leads().await.unwrap());
}

#[test]
fn a_second_service_on_a_file_is_told_who_serves_it_and_commands_are_not_kept_out() {
    let program = Program::new();
    let mut first = Serving::start(&program, &["serve", "--no-feeds"]);
    first.wait_for("/readyz", 200);
    let second = program.run(&["serve", "--no-feeds", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, 1, "{}", second.stderr);
    let expected = format!("is already served by process {}: stop that one", first.child.id());
    assert!(second.stderr.contains(&expected), "{}", second.stderr);

    program.write("fear_greed-total-alternative_me-1d.csv", "observed_at,value\n2026-02-03,14\n");
    program.succeed(&["import", "series", "fear_greed-total-alternative_me-1d.csv"]);
    wait_until("the import is seen", PATIENCE, || data_of(&first, "/v1/series")["data"].as_array().unwrap().len() == 1);

    first.child.kill().unwrap();
    first.child.wait().unwrap();
    Serving::start(&program, &["serve", "--no-feeds"]).wait_for("/readyz", 200);
}
