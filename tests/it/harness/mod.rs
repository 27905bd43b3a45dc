//! Where tests get a log of their own from, on either engine, and what they compare logs with.

pub(crate) mod clock;
mod collected;
pub(crate) mod postgres;
mod program;
mod serving;
mod waiting;

use std::io::Write;
use std::sync::Arc;

use market_stress::store::{Store, StoreUrl, open};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

pub(crate) use self::clock::RunningClock;
pub(crate) use self::collected::{Collected, contents};
pub(crate) use self::program::{Program, Ran};
pub(crate) use self::serving::{Serving, free_address};
pub(crate) use self::waiting::{wait_for, wait_until, wait_until_async};

/// Says a line past the capture of test output.
pub(crate) fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The two engines: a contract test takes each of them in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A place for one test's log, gone when dropped.
pub(crate) struct Home {
    pub(crate) url: StoreUrl,
    kept: Kept,
}

/// What keeps a place alive, and the way in that is not the program's.
enum Kept {
    Folder(tempfile::TempDir),
    Database(postgres::Database),
}

/// Where in its folder a SQLite log lies: a folder deeper, so that opening it has to make one.
const FILE: &str = "deep/log.db";

impl Home {
    /// An empty place, or `None` (said once, loudly) where there is no Postgres.
    pub(crate) async fn new(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                Some(Self { url: StoreUrl::sqlite(folder.path().join(FILE)), kept: Kept::Folder(folder) })
            }
            Engine::Postgres => {
                let database = postgres::Database::new().await?;
                Some(Self { url: database.url.parse().unwrap(), kept: Kept::Database(database) })
            }
        }
    }

    /// Opens the log; each call is like another process.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        open(&self.url).await.unwrap()
    }

    /// The address with its password, as a user gives it to the program.
    pub(crate) fn address(&self) -> String {
        match &self.kept {
            Kept::Folder(folder) => format!("sqlite://{}", folder.path().join(FILE).display()),
            Kept::Database(database) => database.url.clone(),
        }
    }

    /// Does to the database what the program never would.
    pub(crate) async fn execute(&self, sql: &'static str) {
        match &self.kept {
            Kept::Folder(folder) => {
                let options = SqliteConnectOptions::new().filename(folder.path().join(FILE));
                let mut link = options.connect().await.unwrap();
                sqlx::query(sql).execute(&mut link).await.unwrap();
            }
            Kept::Database(database) => {
                let mut link = PgConnection::connect(&database.url).await.unwrap();
                sqlx::query(sql).execute(&mut link).await.unwrap();
            }
        }
    }
}
