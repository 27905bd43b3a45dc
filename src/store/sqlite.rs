//! The log in a SQLite file: the embedded default.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{Pool, SqlStr, Sqlite, SqliteConnection};
use tokio::sync::watch;

use super::dialect::{Argument, ColumnValues, Commit, Dialect, Rows};
use super::election::Alone;
use super::log::{Log, advance, execute, latest_version, sql};
use super::{LeaderLease, StoreError, StoreUrl, fault};
use crate::domain::Version;

static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

/// Maximum concurrent read connections.
const READERS: u32 = 4;

/// Time limit of waiting for another writing process: a large import locks the file for a while.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);

/// Interval of checks for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// SQLite's limit of values bound to one statement.
const VALUES_PER_STATEMENT: usize = 32_766;

/// Opens or creates the log in the file at `path`.
pub(super) async fn open(url: &StoreUrl, path: &Path) -> Result<Log<Sqlite>, StoreError> {
    if let Some(folder) = path.parent() {
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(|e| StoreError::Address { url: url.to_string(), reason: format!("its folder cannot be created: {e}") })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // A large import leaves a large journal; it is truncated to this many bytes.
        .pragma("journal_size_limit", "67108864")
        .busy_timeout(BUSY_TIMEOUT);
    let pool = |connections| PoolOptions::new().max_connections(connections).acquire_timeout(BUSY_TIMEOUT);
    let writers = connect(&pool(1), &options).await.map_err(|e| fault::opening(url, e))?;
    // One transaction around all migrations prevents other processes from migrating too. (`run` does the
    // same, but its future is not `Send`.)
    let mut transaction = writers.begin_with(Sqlite::BEGIN_WRITE).await?;
    MIGRATOR.run_direct(None, &mut *transaction, false).await.map_err(fault::migrating)?;
    transaction.commit().await?;
    let readers = pool(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Log::new(url.clone(), readers, writers))
}

/// Opens the connection that writes. SQLite's busy time-out covers every lock except the one that turns a
/// new file into one with a write-ahead log. If several programs start with the same new file, this
/// function waits for that lock.
async fn connect(pool: &PoolOptions<Sqlite>, options: &SqliteConnectOptions) -> Result<Pool<Sqlite>, sqlx::Error> {
    let until_free = async {
        loop {
            match pool.clone().connect_with(options.clone()).await {
                Err(error) if fault::is_busy(&error) => tokio::time::sleep(POLL_INTERVAL).await,
                opened => return opened,
            }
        }
    };
    tokio::time::timeout(BUSY_TIMEOUT, until_free).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

impl Dialect for Sqlite {
    /// Takes the file's write lock at once, so that a transaction never fails half-way.
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";

    const BEGIN_SNAPSHOT: &'static str = "BEGIN";

    fn any_of(parameter: usize) -> String {
        format!("IN (SELECT value FROM json_each(${parameter}))")
    }

    fn any_instant(column: &str, parameter: usize) -> String {
        format!("{column} {}", Self::any_of(parameter))
    }

    fn rows(link: &mut SqliteConnection, sql: SqlStr, arguments: Vec<Argument>) -> BoxStream<'_, Result<SqliteRow, sqlx::Error>> {
        let bind = |query: Query<'static, Self, SqliteArguments>, argument| match argument {
            Argument::Integer(integer) => query.bind(integer),
            Argument::Real(real) => query.bind(real),
            Argument::Text(text) => query.bind(text),
            Argument::OptionalText(text) => query.bind(text),
            Argument::Several(cells) => query.bind(json_array(&cells)),
        };
        arguments.into_iter().fold(sqlx::query(sql), bind).fetch(link)
    }

    fn insert(link: &mut SqliteConnection, rows: Rows) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let width = 1 + rows.columns.len();
            let full = VALUES_PER_STATEMENT / width;
            for first in (0..rows.len()).step_by(full) {
                let count = full.min(rows.len() - first);
                let values = vec![format!("({})", vec!["?"; width].join(", ")); count].join(", ");
                let text = format!("INSERT INTO {} ({}) VALUES {values}", rows.table, rows.names());
                // Only the full statement is likely to recur; caching the others would cost memory.
                bind_rows(sqlx::query(sql(text)), &rows, first..first + count)
                    .persistent(count == full)
                    .execute(&mut *link)
                    .await?;
            }
            Ok(())
        })
    }

    /// Other processes poll.
    fn record(link: &mut SqliteConnection, commit: Commit) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let [ids, firsts, lasts] = commit.touched_cells();
            let arguments = vec![
                Argument::Integer(commit.version),
                Argument::Integer(commit.recorded_at.unix_ms()),
                Argument::Text(commit.source),
                Argument::Integer(commit.row_count),
            ];
            let sql = "INSERT INTO batch (version, recorded_at, source, row_count) VALUES ($1, $2, $3, $4)";
            execute::<Self>(link, sql, arguments).await?;
            let columns = vec![("series_id", ids), ("first_observed_at", firsts), ("last_observed_at", lasts)];
            Self::insert(link, Rows { table: "batch_series", version: commit.version, columns }).await
        })
    }

    fn follow(pool: Pool<Sqlite>, latest: watch::Sender<Version>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            loop {
                tokio::time::sleep(POLL_INTERVAL).await;
                // There is no subscriber, so the version is not needed.
                if latest.receiver_count() == 0 {
                    continue;
                }
                match poll(&pool).await {
                    Ok(version) => advance(&latest, version),
                    Err(error) => tracing::debug!(%error, "cannot poll for commits of other processes"),
                }
            }
        })
    }

    fn candidate(_pool: &Pool<Sqlite>) -> Box<dyn LeaderLease> {
        Box::new(Alone)
    }
}

async fn poll(pool: &Pool<Sqlite>) -> Result<Version, sqlx::Error> {
    latest_version::<Sqlite>(&mut *pool.acquire().await?).await
}

/// Binds some rows in order.
fn bind_rows<'q>(
    mut query: Query<'q, Sqlite, SqliteArguments>,
    rows: &Rows,
    some: Range<usize>,
) -> Query<'q, Sqlite, SqliteArguments> {
    for row in some {
        query = query.bind(rows.version);
        for (_, cells) in &rows.columns {
            query = match cells {
                ColumnValues::Integers(integers) => query.bind(integers[row]),
                ColumnValues::Reals(reals) => query.bind(reals[row]),
                ColumnValues::Texts(texts) => query.bind(texts[row].clone()),
            };
        }
    }
    query
}

/// Returns the values as a JSON array for SQLite's `json_each`.
fn json_array(cells: &ColumnValues) -> String {
    match cells {
        ColumnValues::Integers(integers) => serde_json::json!(integers),
        ColumnValues::Reals(reals) => serde_json::json!(reals),
        ColumnValues::Texts(texts) => serde_json::json!(texts),
    }
    .to_string()
}
