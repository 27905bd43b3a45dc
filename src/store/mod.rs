//! The append-only log of everything that was stated and when it was known.
//!
//! Owns the trait [`Store`], its two engines and all SQL. It selects, inserts and orders; it does no
//! arithmetic on values, knows no metric, and never updates or deletes a row of the log. Beside the
//! log lie the keys with which rows are pushed in and the receipts of pushes; those change.

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

/// What to do with a batch in which single rows must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// Write nothing and report the refusals.
    Abort,
    /// Write the rest and report the refusals.
    Skip,
}

/// What an append did.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// How many rows were new, unchanged, revised, refused.
    pub report: CommitReport,
    /// The rows that were added; `None` where nothing was, and then no version was used up.
    pub delta: Option<Delta>,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or went away; trying again later may work.
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The database takes no writes, as a Postgres standby that was not promoted.
    #[error("the database is read-only, as a standby is; write to the primary")]
    ReadOnly,
    /// The schema is not the one this program was built for.
    #[error("the database schema could not be brought up to date: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// A later version of this program has changed the schema.
    #[error(
        "the database was brought to schema {version} by a newer version of this program; use that version, or another database"
    )]
    NewerSchema {
        /// The first migration that this program does not know.
        version: i64,
    },
    /// The database holds a value that this program never writes.
    #[error("{table}.{column} of row {row} holds a value this program does not write; was the database edited by hand?")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key in words.
        row: String,
    },
    /// The database refused a statement for another reason: a fault of this program.
    #[error("the database refused a statement: {0}")]
    StoredValue(#[source] sqlx::Error),
    /// The address is not one the program can open.
    #[error("`{url}` is not a store address: {reason}")]
    Address {
        /// The address with its password hidden.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process serves the file, and a file is served by one.
    #[error(
        "{url} is already served by {holder}: stop that one, name another file with --database-url, or use Postgres, which any \
         number of services may share"
    )]
    Held {
        /// The address.
        url: String,
        /// The process in words.
        holder: String,
    },
}

/// Takes the rows of the log while it is read back, series by series.
///
/// Rows of one series arrive ordered by (`observed_at`, `known_at`), in chunks of bounded size.
pub trait LoadSink: Send {
    /// The next vintages of a series of readings or flows.
    fn readings(&mut self, key: &SeriesKey, rows: Vec<Vintage<f64>>);
    /// The next vintages of a series of candles.
    fn candles(&mut self, key: &SeriesKey, rows: Vec<Vintage<Bar>>);
    /// The next liquidation orders, ordered by (source, symbol, `occurred_at`, ordinal).
    fn orders(&mut self, rows: Vec<RecordedOrder>);
    /// The next commits, ordered by version.
    fn commits(&mut self, rows: Vec<(Version, Timestamp)>);
}

/// Which liquidation orders to list.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderFilter {
    /// Only orders that occurred in this span.
    pub range: TimeRange,
    /// Only orders known at this instant or before.
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

/// The place in the list of orders, newest first, after which a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCursor {
    /// The last order's instant.
    pub occurred_at: Timestamp,
    /// Its venue.
    pub source: Source,
    /// Its instrument.
    pub symbol: String,
    /// Its place among the orders of that instant.
    pub ordinal: u32,
}

/// Spans of the past that were read in full, by strand of a feed, in the order of their starts.
pub type SpansRead = BTreeMap<String, Vec<TimeRange>>;

/// An append-only log with two clocks. Every method behaves the same on both engines; one contract
/// suite (`tests/it/store_contract`) calls each of them on both.
///
/// Versions are given in commit order without gaps seen by a reader: who has seen version `n` has
/// seen everything up to `n`.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Writes a batch at the instant `now`: everything in one transaction, or nothing.
    ///
    /// For each row, compared with what is stored for the same point:
    /// - the same value as known then: nothing is written, counted `unchanged`;
    /// - a new point: written, counted `new`, with `known_at` from its [`KnownAtRule`](crate::domain::Knowledge);
    /// - another value: a further vintage is written, counted `revised`. A correction is known at
    ///   `now`, or one millisecond after the last vintage where that is later, so that no answer at a
    ///   past `as_of` changes. Only rows that bring their real vintage may fill the past;
    /// - a real vintage that contradicts the one stored for the very same instant: refused;
    /// - a value that is not finite, or out of [`Metric::plausible`](crate::domain::Metric::plausible),
    ///   or an instant outside of [`Timestamp::is_acceptable`]: refused;
    /// - a series whose key could not be read back, a bar that is none ([`Bar::new`]), a bar in a
    ///   series of values or a value in a series of candles: refused.
    ///
    /// Liquidation orders have no ids: as many equal orders of one instant are kept as the fullest
    /// batch held.
    ///
    /// Rows of one batch that speak of the same point are applied one after the other, those with a
    /// real vintage first and by its age. Of two without one that disagree, the second is refused.
    /// A batch that was aborted reports nothing as new or revised.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses; then nothing was written.
    async fn append(&self, batch: &Batch, now: Timestamp, on_refusal: OnRefusal) -> Result<Appended, StoreError>;

    /// Records or replaces what is to be known about a source.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn put_source(&self, info: &SourceInfo) -> Result<(), StoreError>;

    /// Every source recorded so far, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn sources(&self) -> Result<Vec<SourceInfo>, StoreError>;

    /// The number of the last commit; 0 for an empty log.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn latest_version(&self) -> Result<Version, StoreError>;

    /// How many rows the log holds, for progress; may be an estimate.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn estimated_rows(&self) -> Result<u64, StoreError>;

    /// Reads the whole log up to one version into `sink` and returns that version.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses; the sink may then hold a part.
    async fn load(&self, sink: &mut dyn LoadSink) -> Result<Version, StoreError>;

    /// The commits after `version`, oldest first, at most `limit` of them.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn changes_after(&self, version: Version, limit: u32) -> Result<Vec<Delta>, StoreError>;

    /// Waits until a commit after `version` may exist or `patience` is over. Waking without a
    /// commit is allowed; missing one for longer than `patience` is not.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn wait_for_change(&self, version: Version, patience: std::time::Duration) -> Result<(), StoreError>;

    /// Liquidation orders, newest first, then by source, symbol and ordinal, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn liquidation_orders(
        &self,
        filter: &OrderFilter,
        after: Option<&OrderCursor>,
        limit: u32,
    ) -> Result<Vec<RecordedOrder>, StoreError>;

    /// Notes that one strand of a feed's past was read in full over a span, so that a back-fill does
    /// not read it again. Written after the rows themselves.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn note_read(&self, feed: &str, strand: &str, span: TimeRange) -> Result<(), StoreError>;

    /// The spans noted of a feed.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn backfilled_ranges(&self, feed: &str) -> Result<SpansRead, StoreError>;

    /// Keeps a new key.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses, as it does a second key of the same id.
    async fn put_key(&self, key: &ApiKey) -> Result<(), StoreError>;

    /// The key of this id, revoked or not.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Every key there ever was, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Lets a key open nothing from `at` on. One that was revoked before stays as it is. Gives the
    /// key as it is then, or `None` where there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn revoke_key(&self, id: &KeyId, at: Timestamp) -> Result<Option<ApiKey>, StoreError>;

    /// Notes that a key was used at `at`; an earlier instant than the one noted changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn note_key_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError>;

    /// Asks for the right to do what a claim stands for, once: of several that ask at the same time
    /// one is granted it. Receipts older than [`IdempotencyReservation::KEPT_MS`] are forgotten on the way.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn reserve(&self, claim: &IdempotencyReservation, now: Timestamp) -> Result<ReservationOutcome, StoreError>;

    /// Keeps the answer that a granted claim was given; who claims the same again gets it.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn complete(&self, claim: &IdempotencyReservation, answer: &str) -> Result<(), StoreError>;

    /// Gives a granted claim back, as when what it stands for was not done.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away or refuses.
    async fn release(&self, claim: &IdempotencyReservation) -> Result<(), StoreError>;

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError`] when there is none.
    async fn ping(&self) -> Result<(), StoreError>;

    /// A candidate for being the one process that collects, among all that share the log. It has not
    /// asked yet.
    fn candidate(&self) -> Box<dyn LeaderLease>;
}

/// A process that would collect. Of all candidates of a log at most one leads; dropping it lets another
/// one lead.
#[async_trait]
pub trait LeaderLease: Send + std::fmt::Debug {
    /// Whether this process leads: asks to, where it does not yet, and gives a sign of life where it
    /// does. To be asked every second: a leader that has not asked for six is taken for dead. On a
    /// SQLite file, which one process serves ([`hold`]), there is nobody else to ask.
    ///
    /// # Errors
    /// [`StoreError`] when the database is away. A leader must then ask again: another may lead by now.
    async fn leads(&mut self) -> Result<bool, StoreError>;
}

/// Opens the log at `url`, creates it where there is none, and brings its schema up to date.
/// Several programs may do so at once. On a Postgres standby the schema is only compared: the log can
/// be read and followed there, and [`Store::append`] is refused.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database cannot be reached, [`StoreError::Address`] when it
/// cannot be this one, [`StoreError::NewerSchema`] and [`StoreError::Migration`] for its schema.
pub async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, StoreError> {
    match &url.place {
        Place::Sqlite(path) => Ok(Arc::new(sqlite::open(url, path).await?)),
        Place::Postgres(options) => Ok(Arc::new(postgres::open(url, options).await?)),
    }
}
