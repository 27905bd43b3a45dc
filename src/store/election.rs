//! Elects the collector among the processes that share a log.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{PgConnection, Pool, Postgres};

use super::{LeaderLease, StoreError};

/// Advisory lock of the collector: the letters "feeds" in ASCII.
const COLLECTOR_LOCK: i64 = 0x66_6565_6473;

/// Time limit of one request. A leader that renews every second gives up after four.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Set-up of a session in which a candidate sends a statement every second. Postgres ends the session and
/// frees the lock after six idle seconds: the process has stopped, or its machine or network failed.
const SET_UP: &str = "SET idle_session_timeout = '6s'";

/// The lock is never taken on a standby, where writes are not possible.
const TRY: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN FALSE ELSE pg_try_advisory_lock($1) END";

/// A candidate among the processes that share a Postgres database. The lock belongs to its own
/// session, so it is freed as soon as the process is gone.
#[derive(Debug)]
pub(super) struct Session {
    pool: Pool<Postgres>,
    link: Option<PgConnection>,
    leads: bool,
}

/// The only candidate: the log is served by one process.
#[derive(Debug)]
pub(super) struct Alone;

impl Session {
    /// Creates a candidate that has not tried to lead.
    pub(super) const fn new(pool: Pool<Postgres>) -> Self {
        Self { pool, link: None, leads: false }
    }

    async fn try_lead(&mut self) -> Result<bool, sqlx::Error> {
        let link = match &mut self.link {
            Some(link) => link,
            none => {
                let mut link = self.pool.acquire().await?.detach();
                sqlx::query(SET_UP).execute(&mut link).await?;
                none.insert(link)
            }
        };
        if self.leads {
            sqlx::query("SELECT 1").execute(link).await?;
        } else {
            self.leads = sqlx::query_scalar(TRY).bind(COLLECTOR_LOCK).fetch_one(link).await?;
        }
        Ok(self.leads)
    }
}

#[async_trait]
impl LeaderLease for Session {
    async fn leads(&mut self) -> Result<bool, StoreError> {
        let result = match tokio::time::timeout(TIMEOUT, self.try_lead()).await {
            Ok(result) => result,
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
        };
        result.map_err(|error| {
            // Dropping the session frees the lock and discards an unfinished statement.
            self.link = None;
            self.leads = false;
            error.into()
        })
    }
}

#[async_trait]
impl LeaderLease for Alone {
    async fn leads(&mut self) -> Result<bool, StoreError> {
        Ok(true)
    }
}
