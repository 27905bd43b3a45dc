//! The log in Postgres 15 or later: for production, several nodes and replicas.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgListener, PgRow};
use sqlx::query::Query;
use sqlx::{Connection, Executor, PgConnection, Pool, Postgres, SqlStr};
use tokio::sync::watch;

use super::dialect::{Argument, ColumnValues, Commit, Dialect, Rows};
use super::election::Session;
use super::log::{Log, advance, execute, latest_version, sql};
use super::{LeaderLease, StoreError, StoreUrl, fault};
use crate::domain::Version;

static MIGRATOR: Migrator = sqlx::migrate!("migrations/postgres");

/// Maximum connections of one process, including the listener's.
const CONNECTIONS: u32 = 10;

/// Time limit of waiting for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Idle time below which a connection is used without a ping. A ping per query would cost a round trip.
const SKIP_PING_BELOW: Duration = Duration::from_millis(100);

/// Set-up of each session. A process that died within a transaction, with its connection still open, must
/// not block other writers for long. A plan made while a table was empty must not be reused: it scans the
/// whole table, which grows.
const SET_UP: &str = "SET idle_in_transaction_session_timeout = '20s'; SET plan_cache_mode = force_custom_plan";

/// The channel on which commits are announced.
const CHANNEL: &str = "market_stress_commits";

/// Interval of polling for commits if listening is not possible, for example on a standby.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Number of polls before listening is tried again.
const POLLS: u32 = 200;

/// Wait before an unreachable database is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Opens the log in the database given by `options`.
pub(super) async fn open(url: &StoreUrl, options: &PgConnectOptions) -> Result<Log<Postgres>, StoreError> {
    let pool = PoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|link: &mut PgConnection, so_far| {
            Box::pin(async move {
                if so_far.idle_for >= SKIP_PING_BELOW {
                    link.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|link: &mut PgConnection, _| Box::pin(async move { link.execute(SET_UP).await.map(drop) }))
        .connect_with(options.clone().application_name("market-stress"))
        .await
        .map_err(|e| fault::opening(url, e))?;
    let mut link = pool.acquire().await?;
    let is_standby: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut *link).await?;
    let schema = if is_standby {
        check_schema(&mut link).await
    } else {
        // `run` does the same, but its future is not `Send`.
        MIGRATOR.run_direct(None, &mut *link, false).await
    };
    schema.map_err(fault::migrating)?;
    drop(link);
    Ok(Log::new(url.clone(), pool.clone(), pool))
}

/// Compares the schema of a standby with that of this program: it cannot be migrated there.
async fn check_schema(link: &mut PgConnection) -> Result<(), MigrateError> {
    let applied = link.list_applied_migrations(&MIGRATOR.table_name).await?;
    if let Some(unknown) = applied.iter().find(|migration| !MIGRATOR.version_exists(migration.version)) {
        return Err(MigrateError::VersionMissing(unknown.version));
    }
    let latest = applied.last().map_or(0, |migration| migration.version);
    match MIGRATOR.iter().find(|migration| migration.version > latest) {
        Some(missing) => Err(MigrateError::VersionTooNew(missing.version, latest)),
        None => Ok(()),
    }
}

impl Dialect for Postgres {
    /// The writers' advisory lock is the letters "market" in ASCII. Both statements go in one message.
    const BEGIN_WRITE: &'static str = "BEGIN; SELECT pg_advisory_xact_lock(x'6d61726b6574'::BIGINT)";

    const BEGIN_SNAPSHOT: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

    fn any_of(parameter: usize) -> String {
        format!("= ANY(${parameter})")
    }

    /// The range is given too: until the table has statistics, the planner would otherwise read the
    /// whole series instead of looking up each time.
    fn any_instant(column: &str, parameter: usize) -> String {
        let given = format!("(${parameter}::BIGINT[])");
        format!("{column} BETWEEN {given}[1] AND {given}[CARDINALITY{given}] AND {column} {}", Self::any_of(parameter))
    }

    fn rows(link: &mut PgConnection, sql: SqlStr, arguments: Vec<Argument>) -> BoxStream<'_, Result<PgRow, sqlx::Error>> {
        let bind = |query: Query<'static, Self, PgArguments>, argument| match argument {
            Argument::Integer(integer) => query.bind(integer),
            Argument::Real(real) => query.bind(real),
            Argument::Text(text) => query.bind(text),
            Argument::OptionalText(text) => query.bind(text),
            Argument::Several(cells) => bind_array(query, cells),
        };
        arguments.into_iter().fold(sqlx::query(sql), bind).fetch(link)
    }

    fn insert(link: &mut PgConnection, rows: Rows) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let columns = rows.columns.iter().zip(2..);
            // In the select list, arrays are expanded in step without being materialised first, as they are in `FROM`.
            let columns = columns.map(|((_, cells), parameter)| format!("UNNEST(${parameter}::{}[])", type_name(cells)));
            let columns: Vec<String> = columns.collect();
            let text = format!("INSERT INTO {} ({}) SELECT $1, {}", rows.table, rows.names(), columns.join(", "));
            let query = sqlx::query(sql(text)).bind(rows.version);
            rows.columns.into_iter().fold(query, |query, (_, cells)| bind_array(query, cells)).execute(link).await?;
            Ok(())
        })
    }

    /// Uses one statement, because each costs a round trip.
    fn record(link: &mut PgConnection, commit: Commit) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        let sql = "WITH this AS (INSERT INTO batch (version, recorded_at, source, row_count) VALUES ($1, $2, $3, $4)), \
                   touched AS (INSERT INTO batch_series (version, series_id, first_observed_at, last_observed_at) \
                   SELECT $1, UNNEST($5::BIGINT[]), UNNEST($6::BIGINT[]), UNNEST($7::BIGINT[])) \
                   SELECT pg_notify($8, $1::TEXT)";
        let [ids, firsts, lasts] = commit.touched_cells().map(Argument::Several);
        let arguments = vec![
            Argument::Integer(commit.version),
            Argument::Integer(commit.recorded_at.unix_ms()),
            Argument::Text(commit.source),
            Argument::Integer(commit.row_count),
            ids,
            firsts,
            lasts,
            Argument::Text(CHANNEL.to_owned()),
        ];
        Box::pin(execute::<Self>(link, sql, arguments))
    }

    fn follow(pool: Pool<Postgres>, latest: watch::Sender<Version>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            loop {
                if let Err(error) = listen(&pool, &latest).await {
                    tracing::debug!(%error, "cannot listen for commits; polling instead");
                }
                if let Err(error) = poll_for_a_while(&pool, &latest).await {
                    tracing::debug!(%error, "cannot poll for commits");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        })
    }

    fn candidate(pool: &Pool<Postgres>) -> Box<dyn LeaderLease> {
        Box::new(Session::new(pool.clone()))
    }
}

/// Forwards the announcements of other nodes until listening fails.
async fn listen(pool: &Pool<Postgres>, latest: &watch::Sender<Version>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // Commits made before the channel was open, or while it was broken, are not announced again.
        advance(latest, poll(pool).await?);
        while let Some(notification) = listener.try_recv().await? {
            match notification.payload().parse() {
                Ok(version) => advance(latest, version),
                Err(_) => advance(latest, poll(pool).await?),
            }
        }
    }
}

/// Polls for commits until it is time to try listening again.
async fn poll_for_a_while(pool: &Pool<Postgres>, latest: &watch::Sender<Version>) -> Result<(), sqlx::Error> {
    for _ in 0..POLLS {
        advance(latest, poll(pool).await?);
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

async fn poll(pool: &Pool<Postgres>) -> Result<Version, sqlx::Error> {
    latest_version::<Postgres>(&mut *pool.acquire().await?).await
}

fn bind_array(query: Query<'_, Postgres, PgArguments>, cells: ColumnValues) -> Query<'_, Postgres, PgArguments> {
    match cells {
        ColumnValues::Integers(integers) => query.bind(integers),
        ColumnValues::Reals(reals) => query.bind(reals),
        ColumnValues::Texts(texts) => query.bind(texts),
    }
}

const fn type_name(cells: &ColumnValues) -> &'static str {
    match cells {
        ColumnValues::Integers(_) => "BIGINT",
        ColumnValues::Reals(_) => "DOUBLE PRECISION",
        ColumnValues::Texts(_) => "TEXT",
    }
}
