//! Distinguishes an unreachable database from one that rejects a statement.

use sqlx::migrate::MigrateError;

use super::StoreError;

/// Postgres error classes of temporary faults, where a retry may work: connection, resources
/// (too many connections, disk or memory full), operator intervention, system error.
const POSTGRES_PASSING: [&str; 4] = ["08", "53", "57", "58"];

/// Postgres error code of a write on a read-only server such as a standby: `read_only_sql_transaction`.
const POSTGRES_READ_ONLY: &str = "25006";

/// SQLite primary error code of a lock held by another process.
const SQLITE_BUSY: u32 = 5;

/// SQLite primary error codes of temporary faults: busy, locked, out of memory, I/O, full, cannot open.
const SQLITE_PASSING: [u32; 6] = [SQLITE_BUSY, 6, 7, 10, 13, 14];

/// SQLite primary error code of a file that is not a database.
const SQLITE_NOT_A_DATABASE: u32 = 26;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_passing(&error) {
            Self::Unavailable(error)
        } else if is_read_only(&error) {
            Self::ReadOnly
        } else {
            Self::StoredValue(error)
        }
    }
}

fn is_read_only(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == POSTGRES_READ_ONLY)
}

fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                POSTGRES_PASSING.iter().any(|class| code.starts_with(class))
            } else {
                sqlite_code(&code).is_some_and(|code| SQLITE_PASSING.contains(&code))
            }
        }
        _ => false,
    }
}

/// Returns true if another process holds a lock of the SQLite file.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
    sqlite_code(&code) == Some(SQLITE_BUSY)
}

/// Returns the primary part of SQLite's extended error code.
fn sqlite_code(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().map(|extended| extended & 0xff)
}

/// Maps a failure to open the database at `url`: a fault of the address unless the database is unreachable.
pub(super) fn opening(url: &impl ToString, error: sqlx::Error) -> StoreError {
    if is_passing(&error) {
        return StoreError::Unavailable(error);
    }
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
    let reason = match sqlite_code(&code) {
        Some(SQLITE_NOT_A_DATABASE) => "the file is not a SQLite database; use another file".to_owned(),
        _ => error.to_string(),
    };
    StoreError::Address { url: url.to_string(), reason }
}

/// Maps a failure to migrate the schema.
pub(super) fn migrating(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(version) => StoreError::NewerSchema { version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) if is_passing(&error) => {
            StoreError::Unavailable(error)
        }
        other => StoreError::Migration(other),
    }
}
