//! `kill -9` at random moments of a replay: nothing recorded is lost, nothing is recorded twice.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use market_stress::ingest::{Jitter, SeededJitter};
use rstest::rstest;
use tokio::sync::Semaphore;

use crate::harness::clock::{NEW_YEAR, NEW_YORK_AUTUMN, ONE_MINUTE_AFTER_A_PAGE_EDGE, SOON_AFTER_A_PAGE_EDGE};
use crate::harness::{Engine, Home, Serving, contents, say, wait_until};
use crate::replay::Replay;

/// How long a page, or all that are left, may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(10);

/// The longest wait before a kill, after the page was asked for that is read, recorded and published then.
const HESITATION: Duration = Duration::from_millis(100);

/// Minutes of a page.
const PAGE: u32 = 1_500;

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_killed_now_and_then_holds_the_replay(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values(ONE_MINUTE_AFTER_A_PAGE_EDGE, NEW_YEAR)] now: &str,
) {
    replay_with_kills(engine, now, 36_000, 5).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: the collector leaves a second between two pages of the past"]
async fn a_collector_that_is_killed_twenty_times_holds_the_replay(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values(SOON_AFTER_A_PAGE_EDGE, NEW_YORK_AUTUMN)] now: &str,
) {
    replay_with_kills(engine, now, 200_000, 20).await;
}

/// Collects a replay of so many minutes up to `now`, killing the collector so many times in the middle of it.
async fn replay_with_kills(engine: Engine, now: &str, minutes: u32, kills: u32) {
    let Some(home) = Home::new(engine).await else { return };
    let seed = RandomState::new().build_hasher().finish();
    let story = format!("{minutes} minutes up to {now} on {engine:?}, {kills} kills, seed {seed}");
    say(&story);
    let chance = SeededJitter::new(seed);
    // However fast the machine is, the replay is not over before the last kill.
    let replay = Replay::in_parts(minutes.into(), now, 0).await;
    let program = replay.program(home.address());
    for _ in 0..kills {
        let (before, pages) = (replay.pages(), some_pages(minutes / kills, &chance));
        replay.let_through(pages);
        let node = Serving::start(&program, &["serve"]);
        // One of them may have gone to the node before, which cannot take it any more.
        wait_until("the last page is asked for", PATIENCE, || replay.pages() - before >= pages);
        std::thread::sleep(HESITATION.mul_f64(chance.next()));
        // Ends it with -9.
        drop(node);
    }
    replay.let_through(Semaphore::MAX_PERMITS / 2);
    let log = home.open().await;
    let held = Replay::minutes_in(&contents(&*log).await);
    assert!((1..usize::try_from(minutes).unwrap()).contains(&held), "{story}: {held} minutes after the last kill");
    let _last = Serving::start(&program, &["serve"]);
    let collected = replay.is_collected_in(&*log, PATIENCE).await;
    replay.assert_equals(&collected, &story);
}

/// Two pages or more, and no more than so many rows fill.
fn some_pages(rows: u32, chance: &dyn Jitter) -> usize {
    let most = rows / PAGE;
    let drawn = f64::from(most - 1) * chance.next();
    2 + (1..most).filter(|pages| f64::from(*pages) <= drawn).count()
}
