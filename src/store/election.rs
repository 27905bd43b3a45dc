//! Elects the one process that collects, among those that share a log.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{PgConnection, Pool, Postgres};

use super::{LeaderLease, StoreError};

/// The advisory lock of whoever collects: the letters "feeds" in ASCII.
const COLLECTOR_LOCK: i64 = 0x66_6565_6473;

/// How long to wait for a sign of life. A leader that asks every second gives up after four.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a session is set up in which a candidate asks every second. Postgres ends it, and frees the lock,
/// when nothing was heard for six seconds: the process is stopped, its machine or the network is gone.
const SET_UP: &str = "SET idle_session_timeout = '6s'";

/// The lock is never taken on a standby, where nothing can be written.
const TRY: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN FALSE ELSE pg_try_advisory_lock($1) END";

/// A candidate among the processes that share a Postgres database. The session that holds the lock is
/// its own, so that the lock is free as soon as the process is gone.
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
    /// A candidate that has not asked yet.
    pub(super) const fn new(pool: Pool<Postgres>) -> Self {
        Self { pool, link: None, leads: false }
    }

    async fn ask(&mut self) -> Result<bool, sqlx::Error> {
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
        let asked = match tokio::time::timeout(PATIENCE, self.ask()).await {
            Ok(asked) => asked,
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
        };
        asked.map_err(|error| {
            // With the session goes the lock, and what is left of an unanswered question.
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
