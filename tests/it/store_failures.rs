//! What the store says when its database is away, is not one, or is not its own.

use std::sync::Arc;
use std::time::Duration;

use market_stress::domain::{Batch, KnownAtRule, Observation, Timestamp};
use market_stress::store::{OnRefusal, Store, StoreError, StoreUrl, lock_for_serving, open};
use rstest::rstest;

use crate::harness::postgres::{Server, did_not_run};
use crate::harness::{Engine, Home, contents, wait_until_async};

fn one_reading(day: i64) -> Batch {
    let mut batch = Batch::new("test".parse().unwrap());
    let observed_at = Timestamp::from_unix_seconds(1_770_000_000).plus_days(day);
    let row = Observation { observed_at, knowledge: KnownAtRule::OnCommit, value: 1.0 };
    batch.push_reading("price.btc@test".parse().unwrap(), row);
    batch
}

async fn append(store: &dyn Store, day: i64) -> Result<(), StoreError> {
    store.append(&one_reading(day), Timestamp::from_unix_seconds(1_780_000_000), OnRefusal::Abort).await.map(|_| ())
}

#[tokio::test]
async fn a_killed_database_is_unavailable_and_the_same_store_recovers() {
    let mut server = match Server::private() {
        Ok(server) => server,
        Err(reason) => return did_not_run(&reason),
    };
    let database = server.database().await;
    let url: StoreUrl = database.url.parse().unwrap();
    let store = open(&url).await.unwrap();
    append(&*store, 0).await.unwrap();
    server.kill();
    let (appended, alive, version, changes, waited, opened) = tokio::join!(
        append(&*store, 1),
        store.ping(),
        store.latest_version(),
        store.changes_after(0, 1),
        store.wait_for_change(1, Duration::from_secs(1)),
        open(&url),
    );
    let failures = [
        appended.unwrap_err(),
        alive.unwrap_err(),
        version.unwrap_err(),
        changes.unwrap_err(),
        waited.unwrap_err(),
        opened.unwrap_err(),
    ];
    for failure in failures {
        assert!(matches!(failure, StoreError::Unavailable(_)), "{failure:?}");
    }
    server.start_again();
    store.ping().await.unwrap();
    append(&*store, 1).await.unwrap();
    assert_eq!(contents(&*store).await.version, 2);
    // The listener has found its way back too.
    let other = open(&url).await.unwrap();
    let waiting = tokio::spawn(async move { store.wait_for_change(2, Duration::from_hours(1)).await });
    append(&*other, 2).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the commit was missed").unwrap().unwrap();
}

#[tokio::test]
async fn a_standby_is_read_and_followed_but_not_written_to() {
    let started = Server::private().and_then(|primary| primary.standby().map(|standby| (primary, standby)));
    let (primary, standby) = match started {
        Ok(servers) => servers,
        Err(reason) => return did_not_run(&reason),
    };
    let database = primary.database().await;
    let writer = open(&database.url.parse().unwrap()).await.unwrap();
    append(&*writer, 0).await.unwrap();
    let url: StoreUrl = standby.address_of(&database).parse().unwrap();
    let follower = followed(&url).await;
    let has_come = async || follower.latest_version().await.unwrap() == 1;
    wait_until_async("the commit has come over", Duration::from_secs(30), has_come).await;
    let refused = append(&*follower, 1).await.unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly), "{refused:?}");
    assert!(!follower.candidate().leads().await.unwrap(), "nobody can collect there");

    let (waited, appended) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(30), follower.wait_for_change(1, Duration::from_hours(1))),
        append(&*writer, 1)
    );
    appended.unwrap();
    waited.expect("the commit was missed").unwrap();
    assert_eq!(contents(&*follower).await, contents(&*writer).await);
}

/// Opens a standby as soon as the primary's database and schema have come over.
async fn followed(url: &StoreUrl) -> Arc<dyn Store> {
    let arriving = async {
        loop {
            match open(url).await {
                Ok(store) => return store,
                Err(StoreError::Address { .. } | StoreError::Migration(_)) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), arriving).await.expect("the schema never arrived")
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "dear diary, ".repeat(1_000);
    std::fs::write(&path, &text).unwrap();
    let error = open(&StoreUrl::sqlite(&path)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Address { .. }), "{error:?}");
    assert!(error.to_string().contains("is not a SQLite database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("taken"), "").unwrap();
    let error = open(&StoreUrl::sqlite(folder.path().join("taken/log.db"))).await.unwrap_err();
    assert!(error.to_string().contains("folder cannot be created"), "{error}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_a_wrong_address_without_its_password() {
    let Some(home) = Home::new(Engine::Postgres).await else { return };
    let mut url = url::Url::parse(&home.url.to_string()).unwrap();
    url.set_path("no_such_database");
    url.set_password(Some("hunter2")).unwrap();
    let error = open(&url.as_str().parse().unwrap()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Address { .. }), "{error:?}");
    let said = format!("{error} {error:?}");
    assert!(said.contains("no_such_database") && !said.contains("hunter2"), "{said}");
}

#[rstest]
#[tokio::test]
async fn a_schema_of_a_newer_program_is_refused_in_so_many_words(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    let Some(home) = Home::new(engine).await else { return };
    drop(home.open().await);
    home.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (29990101000000, 'later', TRUE, '', 0)",
    )
    .await;
    let error = open(&home.url).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { version: 29_990_101_000_000 }), "{error:?}");
    assert!(error.to_string().contains("newer version of this program"), "{error}");
}

#[rstest]
#[case::series("UPDATE series SET key = 'nonsense'", "series.key of row nonsense")]
#[case::batch("UPDATE batch SET source = 'Not A Source'", "batch.source of row 1")]
#[tokio::test]
async fn a_row_edited_by_hand_is_named(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[case] edit: &'static str,
    #[case] expected: &str,
) {
    let Some(home) = Home::new(engine).await else { return };
    let store = home.open().await;
    append(&*store, 0).await.unwrap();
    home.execute(edit).await;
    let error = store.changes_after(0, 10).await.unwrap_err();
    assert!(matches!(error, StoreError::Inconsistent { .. }), "{error:?}");
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_programs_may_start_on_a_new_database_at_once(#[values(Engine::Sqlite, Engine::Postgres)] engine: Engine) {
    for _ in 0..5 {
        let Some(home) = Home::new(engine).await else { return };
        let url = || home.url.clone();
        let starting: Vec<_> = (0..8)
            .map(|_| {
                tokio::spawn({
                    let url = url();
                    async move { open(&url).await }
                })
            })
            .collect();
        for started in starting {
            assert_eq!(started.await.unwrap().unwrap().latest_version().await.unwrap(), 0);
        }
    }
}

#[test]
fn a_file_is_held_by_one_at_a_time_under_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let url = StoreUrl::sqlite(folder.path().join("new/log.db"));
    let first = lock_for_serving(&url).unwrap();
    let said = lock_for_serving(&url).unwrap_err().to_string();
    assert!(said.contains(&format!("already served by process {}", std::process::id())), "{said}");
    drop(first);

    let file = folder.path().join("new/log.db");
    std::fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, folder.path().join("link.db")).unwrap();
    let _second = lock_for_serving(&url).unwrap();
    let linked = lock_for_serving(&StoreUrl::sqlite(folder.path().join("link.db")));
    assert!(matches!(linked, Err(StoreError::Held { .. })), "{linked:?}");
}

#[test]
fn a_log_on_a_server_is_held_by_many() {
    let url: StoreUrl = "postgres://localhost/log".parse().unwrap();
    let held = [lock_for_serving(&url), lock_for_serving(&url)];
    assert!(held.iter().all(Result::is_ok), "{held:?}");
}

#[test]
fn the_migrations_are_twins_that_say_why() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let names = |engine: &str| {
        let entries = std::fs::read_dir(root.join(engine)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    for engine in ["sqlite", "postgres"] {
        for name in names(engine) {
            let text = std::fs::read_to_string(root.join(engine).join(&name)).unwrap();
            assert!(text.starts_with("-- "), "{engine}/{name} does not say why it is there");
            let (stamp, rest) = name.split_once('_').unwrap();
            assert!(stamp.len() == 14 && stamp.bytes().all(|b| b.is_ascii_digit()), "{name} has no timestamp");
            assert!(rest.contains('_'), "{name} does not say what it does to what");
        }
    }
}
