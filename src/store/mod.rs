//! Append-only log of observations and of the times at which they were known.
//!
//! Owns the trait [`Store`], its two engines and all SQL. It selects, inserts and orders. It does no
//! arithmetic on values, has no knowledge of metrics, and never updates or deletes a row of the log.
//! The same database has the API keys and the receipts of pushes, which do change.

mod address;
mod append;
mod dialect;
mod election;
mod fault;
mod hold;
mod key_list;
mod log;
mod order_list;
mod orders;
mod past;
mod payload;
mod postgres;
mod read;
mod receipts;
mod reconcile;
mod sqlite;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use self::address::Place;
pub use self::address::StoreUrl;
pub use self::hold::{ServeLock, lock_for_serving};
pub use self::receipts::{IdempotencyReservation, ReservationOutcome};
use crate::domain::{
    ApiKey, Asset, Bar, Batch, CommitReport, Delta, KeyId, RecordedOrder, SeriesKey, Side, Source, SourceInfo, TimeRange,
    Timestamp, Version, Vintage,
};

/// Handling of a batch that contains rejected rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// Write nothing and report the rejected rows.
    Abort,
    /// Write the other rows and report the rejected ones.
    Skip,
}

/// Result of an append.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// Number of rows that were new, unchanged, revised or rejected.
    pub report: CommitReport,
    /// Added rows; `None` if there are none, and then no version was used.
    pub delta: Option<Delta>,
}

/// Failure of a store operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or the connection was lost; a retry may work.
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The database accepts no writes, for example a Postgres standby that was not promoted.
    #[error("the database is read-only, as a standby is; write to the primary")]
    ReadOnly,
    /// The schema is not the one of this program.
    #[error("the database schema could not be brought up to date: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// A later version of this program has migrated the schema.
    #[error(
        "the database has schema {version}, migrated by a newer version of this program; use that version, or another database"
    )]
    NewerSchema {
        /// First migration that this program does not have.
        version: i64,
    },
    /// The database contains a value that this program never writes.
    #[error("{table}.{column} of row {row} contains a value this program does not write; was the database edited by hand?")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Key of the row as text.
        row: String,
    },
    /// The database rejected a statement for another reason: a fault of this program.
    #[error("the database rejected a statement: {0}")]
    StoredValue(#[source] sqlx::Error),
    /// The address cannot be opened by this program.
    #[error("`{url}` is not a store address: {reason}")]
    Address {
        /// Address with its password hidden.
        url: String,
        /// Fault of the address.
        reason: String,
    },
    /// Another process serves the file; only one may.
    #[error(
        "{url} is already served by {holder}: stop that one, use another file with --database-url, or use Postgres, which any \
         number of services may share"
    )]
    Held {
        /// Address of the file.
        url: String,
        /// Process that serves it.
        holder: String,
    },
}

/// Receives the rows of the log while it is loaded, series by series.
///
/// Rows of one series arrive ordered by (`observed_at`, `known_at`), in chunks of bounded size.
pub trait LoadSink: Send {
    /// Receives the next vintages of a series of readings or flows.
    fn readings(&mut self, key: &SeriesKey, rows: Vec<Vintage<f64>>);
    /// Receives the next vintages of a series of candles.
    fn candles(&mut self, key: &SeriesKey, rows: Vec<Vintage<Bar>>);
    /// Receives the next liquidation orders, ordered by (source, symbol, `occurred_at`, ordinal).
    fn orders(&mut self, rows: Vec<RecordedOrder>);
    /// Receives the next commits, ordered by version.
    fn commits(&mut self, rows: Vec<(Version, Timestamp)>);
}

/// Filter of a list of liquidation orders.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderFilter {
    /// Only orders that occurred in this range.
    pub range: TimeRange,
    /// Only orders known at or before this time.
    pub known_by: Timestamp,
    /// Only these venues; empty for all.
    pub sources: Vec<Source>,
    /// Only this asset.
    pub asset: Option<Asset>,
    /// Only positions of this side.
    pub side: Option<Side>,
    /// Only orders of at least this value, USD.
    pub min_usd: Option<f64>,
}

/// Position in the list of orders, newest first, after which a page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCursor {
    /// Time of the last order.
    pub occurred_at: Timestamp,
    /// Venue of the last order.
    pub source: Source,
    /// Instrument of the last order.
    pub symbol: String,
    /// Ordinal of the last order among those of its time.
    pub ordinal: u32,
}

/// Back-filled ranges by strand of a feed, ordered by start.
pub type SpansRead = BTreeMap<String, Vec<TimeRange>>;

/// Append-only log with two clocks. Every method behaves the same on both engines: one contract
/// suite (`tests/it/store_contract`) calls each of them on both.
///
/// Versions follow the order of commits without visible gaps: a reader that has seen version `n`
/// has seen everything up to `n`.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Writes a batch at the time `now`: everything in one transaction, or nothing.
    ///
    /// Each row is compared with the stored vintages of the same point:
    /// - same value as known then: nothing is written, counted `unchanged`;
    /// - new point: written, counted `new`, with `known_at` from its [`KnownAtRule`](crate::domain::KnownAtRule);
    /// - another value: a further vintage is written, counted `revised`. A revision is known at `now`, or
    ///   one millisecond after the last vintage if that is later, so that no answer for an earlier
    ///   `as_of` changes. Only rows with their real vintage may be inserted into history;
    /// - a real vintage that contradicts the one stored for the same `known_at`: rejected;
    /// - a value that is not finite or outside [`Metric::plausible`](crate::domain::Metric::plausible),
    ///   or a time outside [`Timestamp::is_acceptable`]: rejected;
    /// - a series whose key could not be read back, an invalid bar ([`Bar::new`]), a bar in a series of
    ///   values or a value in a series of candles: rejected.
    ///
    /// Liquidation orders have no ids. Of equal orders of one time, as many are stored as the batch
    /// with the most of them contained.
    ///
    /// Rows of one batch for the same point are applied one after the other: first those with a real
    /// vintage, oldest first. Of two rows without one that disagree, the second is rejected.
    /// An aborted batch reports nothing as new or revised.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement; then nothing was written.
    async fn append(&self, batch: &Batch, now: Timestamp, on_refusal: OnRefusal) -> Result<Appended, StoreError>;

    /// Reports what [`append`](Self::append) would do with a batch, and writes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn rehearse(&self, batch: &Batch, now: Timestamp, on_refusal: OnRefusal) -> Result<CommitReport, StoreError>;

    /// Records or replaces what is to be known about a source.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn put_source(&self, info: &SourceInfo) -> Result<(), StoreError>;

    /// Returns every recorded source, ordered by name.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn sources(&self) -> Result<Vec<SourceInfo>, StoreError>;

    /// Returns the number of the last commit; 0 for an empty log.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn latest_version(&self) -> Result<Version, StoreError>;

    /// Returns the number of rows in the log, for progress; may be an estimate.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn estimated_rows(&self) -> Result<u64, StoreError>;

    /// Reads the whole log up to one version into `sink` and returns that version.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement; the sink may then have a part.
    async fn load(&self, sink: &mut dyn LoadSink) -> Result<Version, StoreError>;

    /// Returns the commits after `version`, oldest first, at most `limit` of them.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn changes_after(&self, version: Version, limit: u32) -> Result<Vec<Delta>, StoreError>;

    /// Waits until a commit after `version` may exist or `patience` has passed. It may return
    /// without a commit, but never misses one for longer than `patience`.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn wait_for_change(&self, version: Version, patience: std::time::Duration) -> Result<(), StoreError>;

    /// Returns liquidation orders, newest first, then by source, symbol and ordinal, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn liquidation_orders(
        &self,
        filter: &OrderFilter,
        after: Option<&OrderCursor>,
        limit: u32,
    ) -> Result<Vec<RecordedOrder>, StoreError>;

    /// Records that one strand of a feed's history was read in full over a range, so that a back-fill
    /// does not read it again. Called after the rows were written.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn note_read(&self, feed: &str, strand: &str, span: TimeRange) -> Result<(), StoreError>;

    /// Returns the back-filled ranges of a feed.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn backfilled_ranges(&self, feed: &str) -> Result<SpansRead, StoreError>;

    /// Stores a new API key.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement, such as a second key of one id.
    async fn put_key(&self, key: &ApiKey) -> Result<(), StoreError>;

    /// Returns the key of this id, revoked or not.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Returns all keys, revoked ones included, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Revokes a key at `at`; a key that is already revoked stays unchanged. Returns the key after
    /// that, or `None` if there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn revoke_key(&self, id: &KeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError>;

    /// Records that a key was used at `at`; a time before the recorded one changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn note_key_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError>;

    /// Reserves an idempotency key: of several concurrent callers, one is granted it. Also deletes
    /// receipts older than [`IdempotencyReservation::KEPT_MS`].
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn reserve(&self, claim: &IdempotencyReservation, now: Timestamp) -> Result<ReservationOutcome, StoreError>;

    /// Stores the answer of a granted reservation; later callers with the same one receive it.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn complete(&self, claim: &IdempotencyReservation, answer: &str) -> Result<(), StoreError>;

    /// Releases a granted reservation, for example after its work failed.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable or rejects a statement.
    async fn release(&self, claim: &IdempotencyReservation) -> Result<(), StoreError>;

    /// Checks that the database answers.
    ///
    /// # Errors
    /// [`StoreError`] if it does not.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Returns a candidate for the role of collector among the processes that share the log. It has
    /// not tried to lead yet.
    fn candidate(&self) -> Box<dyn LeaderLease>;
}

/// A candidate for the role of collector. At most one candidate of a log leads; dropping it lets
/// another one lead.
#[async_trait]
pub trait LeaderLease: Send + std::fmt::Debug {
    /// Returns true if this process leads: tries to take the lease, or renews it. Must be called every
    /// second, because a lease expires after six seconds without a call. A SQLite file is served by one
    /// process ([`lock_for_serving`]), so its only candidate always leads.
    ///
    /// # Errors
    /// [`StoreError`] if the database is unreachable. A leader must then call again: another may lead by now.
    async fn leads(&mut self) -> Result<bool, StoreError>;
}

/// Opens the log at `url`, creates it if it does not exist, and migrates its schema. Several programs
/// may do so at once. On a Postgres standby the schema is only compared: the log can be read and
/// followed there, and [`Store::append`] is rejected.
///
/// # Errors
/// [`StoreError::Unavailable`] if the database cannot be reached, [`StoreError::Address`] if the address
/// is wrong, [`StoreError::NewerSchema`] and [`StoreError::Migration`] for its schema.
pub async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, StoreError> {
    match &url.place {
        Place::Sqlite(path) => Ok(Arc::new(sqlite::open(url, path).await?)),
        Place::Postgres(options) => Ok(Arc::new(postgres::open(url, options).await?)),
    }
}
