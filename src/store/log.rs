//! The log in one of the two databases: connection pools and the methods of [`Store`].

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Pool, SqlSafeStr, SqlStr, Transaction};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::append::Append;
use super::dialect::{Argument, Columns, Dialect};
use super::{
    Appended, IdempotencyReservation, LeaderLease, LoadSink, OnRefusal, OrderCursor, OrderFilter, ReservationOutcome, SpansRead,
    Store, StoreError, StoreUrl, key_list, order_list, past, read, receipts,
};
use crate::domain::{
    ApiKey, Batch, CommitReport, Delta, KeyId, RecordedOrder, Source, SourceInfo, SourceKind, TimeRange, Timestamp, Version,
};

/// A log and its connections.
pub(super) struct Log<D: Dialect> {
    url: StoreUrl,
    readers: Pool<D>,
    writers: Pool<D>,
    /// The last commit known to this process.
    latest: watch::Sender<Version>,
    follower: JoinHandle<()>,
}

impl<D: Dialect> Log<D> {
    /// Creates a log over open pools and starts to follow other processes.
    pub(super) fn new(url: StoreUrl, readers: Pool<D>, writers: Pool<D>) -> Self {
        let latest = watch::Sender::new(0);
        let follower = tokio::spawn(D::follow(readers.clone(), latest.clone()));
        Self { url, readers, writers, latest, follower }
    }

    async fn snapshot(&self) -> Result<Transaction<'static, D>, sqlx::Error> {
        self.readers.begin_with(D::BEGIN_SNAPSHOT).await
    }
}

impl<D: Dialect> Drop for Log<D> {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl<D: Dialect> std::fmt::Debug for Log<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Wraps a statement that contains only this program's text; values are always bound.
pub(super) fn sql(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}

/// Runs a statement that returns no rows.
pub(super) async fn execute<D: Dialect>(
    link: &mut D::Connection,
    sql: &'static str,
    arguments: Vec<Argument>,
) -> Result<(), sqlx::Error> {
    D::rows(link, sql.into_sql_str(), arguments).try_for_each(|_| std::future::ready(Ok(()))).await
}

/// Returns the number of the last commit; 0 for an empty log.
pub(super) async fn latest_version<D: Dialect>(link: &mut D::Connection) -> Result<Version, sqlx::Error> {
    one_integer::<D>(link, "SELECT MAX(version) FROM batch").await
}

/// Returns the single integer of a statement; 0 if it has none.
async fn one_integer<D: Dialect>(link: &mut D::Connection, sql: &'static str) -> Result<i64, sqlx::Error> {
    let row = D::rows(link, sql.into_sql_str(), Vec::new()).try_next().await?;
    Ok(row.map(|row| row.optional_integer(0)).transpose()?.flatten().unwrap_or(0))
}

/// Raises `latest` to `version`, never lowers it.
pub(super) fn advance(latest: &watch::Sender<Version>, version: Version) {
    latest.send_if_modified(|latest| {
        let is_later = version > *latest;
        *latest = version.max(*latest);
        is_later
    });
}

#[async_trait]
impl<D: Dialect> Store for Log<D> {
    async fn append(&self, batch: &Batch, now: Timestamp, on_refusal: OnRefusal) -> Result<Appended, StoreError> {
        let mut transaction = self.writers.begin_with(D::BEGIN_WRITE).await?;
        let appended = Append::<D>::begin(&mut transaction, batch, now).await?.run(batch, on_refusal).await?;
        match &appended.delta {
            Some(delta) => {
                transaction.commit().await?;
                advance(&self.latest, delta.version);
            }
            None => transaction.rollback().await?,
        }
        Ok(appended)
    }

    async fn rehearse(&self, batch: &Batch, now: Timestamp, on_refusal: OnRefusal) -> Result<CommitReport, StoreError> {
        let mut transaction = self.writers.begin_with(D::BEGIN_WRITE).await?;
        let appended = Append::<D>::begin(&mut transaction, batch, now).await?.run(batch, on_refusal).await?;
        transaction.rollback().await?;
        Ok(appended.report)
    }

    async fn put_source(&self, info: &SourceInfo) -> Result<(), StoreError> {
        let mut link = self.writers.acquire().await?;
        let arguments = vec![
            Argument::Text(info.source.to_string()),
            Argument::Text(info.kind.as_str().to_owned()),
            Argument::Text(info.note.clone()),
        ];
        let sql = "INSERT INTO source (name, kind, note) VALUES ($1, $2, $3) \
                   ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, note = excluded.note";
        Ok(execute::<D>(&mut link, sql, arguments).await?)
    }

    async fn sources(&self) -> Result<Vec<SourceInfo>, StoreError> {
        let mut link = self.readers.acquire().await?;
        let sql = "SELECT name, kind, note FROM source ORDER BY name".into_sql_str();
        let mut rows = D::rows(&mut link, sql, Vec::new());
        let mut sources = Vec::new();
        while let Some(row) = rows.try_next().await? {
            sources.push(read_source(&row)?);
        }
        Ok(sources)
    }

    async fn latest_version(&self) -> Result<Version, StoreError> {
        let mut link = self.readers.acquire().await?;
        Ok(latest_version::<D>(&mut link).await?)
    }

    async fn estimated_rows(&self) -> Result<u64, StoreError> {
        let mut link = self.readers.acquire().await?;
        let rows = one_integer::<D>(&mut link, "SELECT CAST(SUM(row_count) AS BIGINT) FROM batch").await?;
        Ok(rows.unsigned_abs())
    }

    async fn load(&self, sink: &mut dyn LoadSink) -> Result<Version, StoreError> {
        read::load::<D>(&mut *self.snapshot().await?, sink).await
    }

    async fn changes_after(&self, version: Version, limit: u32) -> Result<Vec<Delta>, StoreError> {
        read::changes_after::<D>(&mut *self.snapshot().await?, version, limit).await
    }

    async fn wait_for_change(&self, version: Version, patience: Duration) -> Result<(), StoreError> {
        let mut latest = self.latest.subscribe();
        advance(&self.latest, self.latest_version().await?);
        // A time-out and the end of the sender have the same meaning: check again.
        let _ = tokio::time::timeout(patience, latest.wait_for(|latest| *latest > version)).await;
        Ok(())
    }

    async fn liquidation_orders(
        &self,
        filter: &OrderFilter,
        after: Option<&OrderCursor>,
        limit: u32,
    ) -> Result<Vec<RecordedOrder>, StoreError> {
        let mut link = self.readers.acquire().await?;
        order_list::liquidation_orders::<D>(&mut link, filter, after, limit).await
    }

    async fn note_read(&self, feed: &str, strand: &str, span: TimeRange) -> Result<(), StoreError> {
        past::note::<D>(&mut *self.writers.acquire().await?, feed, strand, span).await
    }

    async fn backfilled_ranges(&self, feed: &str) -> Result<SpansRead, StoreError> {
        past::read::<D>(&mut *self.readers.acquire().await?, feed).await
    }

    async fn put_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        key_list::put::<D>(&mut *self.writers.acquire().await?, key).await
    }

    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        key_list::get::<D>(&mut *self.readers.acquire().await?, id).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        key_list::all::<D>(&mut *self.readers.acquire().await?).await
    }

    async fn revoke_key(&self, id: &KeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        key_list::revoke::<D>(&mut *self.writers.acquire().await?, id, at).await
    }

    async fn note_key_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        key_list::note_use::<D>(&mut *self.writers.acquire().await?, id, at).await
    }

    async fn reserve(&self, claim: &IdempotencyReservation, now: Timestamp) -> Result<ReservationOutcome, StoreError> {
        receipts::reserve::<D>(&mut *self.writers.acquire().await?, claim, now).await
    }

    async fn complete(&self, claim: &IdempotencyReservation, answer: &str) -> Result<(), StoreError> {
        receipts::complete::<D>(&mut *self.writers.acquire().await?, claim, answer).await
    }

    async fn release(&self, claim: &IdempotencyReservation) -> Result<(), StoreError> {
        receipts::release::<D>(&mut *self.writers.acquire().await?, claim).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let mut link = self.readers.acquire().await?;
        Ok(execute::<D>(&mut link, "SELECT 1", Vec::new()).await?)
    }

    fn candidate(&self) -> Box<dyn LeaderLease> {
        D::candidate(&self.writers)
    }
}

fn read_source(row: &impl Columns) -> Result<SourceInfo, StoreError> {
    let name = row.text(0)?;
    let inconsistent = |column| StoreError::Inconsistent { table: "source", column, row: name.clone() };
    let kind = row.text(1)?;
    Ok(SourceInfo {
        source: name.parse::<Source>().map_err(|_| inconsistent("name"))?,
        kind: kind.parse::<SourceKind>().map_err(|_| inconsistent("kind"))?,
        note: row.text(2)?,
    })
}
