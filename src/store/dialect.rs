//! Differences between the two databases. All other SQL is shared.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use sqlx::{ColumnIndex, Database, Decode, Pool, Row, SqlStr, Type};
use tokio::sync::watch;

use super::LeaderLease;
use crate::domain::{Timestamp, Version};

/// A value bound to a statement's `$n`.
#[derive(Debug, Clone)]
pub(super) enum Argument {
    Integer(i64),
    Real(f64),
    Text(String),
    OptionalText(Option<String>),
    /// Several values in one parameter, for [`Dialect::any_of`].
    Several(ColumnValues),
}

/// Values of one column, in row order.
#[derive(Debug, Clone)]
pub(super) enum ColumnValues {
    Integers(Vec<i64>),
    Reals(Vec<Option<f64>>),
    Texts(Vec<String>),
}

/// Rows to insert, column by column. All columns have the same length.
#[derive(Debug)]
pub(super) struct Rows {
    /// Target table.
    pub(super) table: &'static str,
    /// Commit that adds them: the `version` of each row.
    pub(super) version: Version,
    /// The other columns by name.
    pub(super) columns: Vec<(&'static str, ColumnValues)>,
}

/// A series changed by a commit.
#[derive(Debug)]
pub(super) struct ChangedSeries {
    pub(super) series_id: i64,
    /// First `observed_at` with a new vintage.
    pub(super) first: Timestamp,
    /// Last `observed_at` with a new vintage.
    pub(super) last: Timestamp,
}

/// A commit without its rows.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) version: Version,
    pub(super) recorded_at: Timestamp,
    /// Writer of the batch.
    pub(super) source: String,
    pub(super) row_count: i64,
    pub(super) touched: Vec<ChangedSeries>,
}

impl Commit {
    /// Returns the changed series as columns: ids, first times, last times.
    pub(super) fn touched_cells(&self) -> [ColumnValues; 3] {
        let cells = |cell: fn(&ChangedSeries) -> i64| ColumnValues::Integers(self.touched.iter().map(cell).collect());
        [cells(|touched| touched.series_id), cells(|touched| touched.first.unix_ms()), cells(|touched| touched.last.unix_ms())]
    }
}

impl ColumnValues {
    /// Appends values of the same kind.
    fn append(&mut self, more: Self) {
        match (self, more) {
            (Self::Integers(cells), Self::Integers(more)) => cells.extend(more),
            (Self::Reals(cells), Self::Reals(more)) => cells.extend(more),
            (Self::Texts(cells), Self::Texts(more)) => cells.extend(more),
            (cells, more) => debug_assert!(false, "a column has values of one kind: {cells:?}, {more:?}"),
        }
    }
}

impl Rows {
    /// Appends rows of the same table and commit.
    pub(super) fn append(&mut self, more: Self) {
        for ((_, cells), (_, more)) in self.columns.iter_mut().zip(more.columns) {
            cells.append(more);
        }
    }

    /// Returns the names of the columns, `version` first, separated by commas.
    pub(super) fn names(&self) -> String {
        std::iter::once("version").chain(self.columns.iter().map(|(name, _)| *name)).collect::<Vec<_>>().join(", ")
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| match cells {
            ColumnValues::Integers(integers) => integers.len(),
            ColumnValues::Reals(reals) => reals.len(),
            ColumnValues::Texts(texts) => texts.len(),
        })
    }
}

/// Reads the columns of a row by position.
pub(super) trait Columns: Send {
    fn integer(&self, place: usize) -> Result<i64, sqlx::Error>;
    fn optional_integer(&self, place: usize) -> Result<Option<i64>, sqlx::Error>;
    fn real(&self, place: usize) -> Result<f64, sqlx::Error>;
    fn optional_real(&self, place: usize) -> Result<Option<f64>, sqlx::Error>;
    fn text(&self, place: usize) -> Result<String, sqlx::Error>;
    fn optional_text(&self, place: usize) -> Result<Option<String>, sqlx::Error>;
}

impl<R: Row> Columns for R
where
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> f64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
{
    fn integer(&self, place: usize) -> Result<i64, sqlx::Error> {
        self.try_get(place)
    }

    fn optional_integer(&self, place: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(place)
    }

    fn real(&self, place: usize) -> Result<f64, sqlx::Error> {
        self.try_get(place)
    }

    fn optional_real(&self, place: usize) -> Result<Option<f64>, sqlx::Error> {
        self.try_get(place)
    }

    fn text(&self, place: usize) -> Result<String, sqlx::Error> {
        self.try_get(place)
    }

    fn optional_text(&self, place: usize) -> Result<Option<String>, sqlx::Error> {
        self.try_get(place)
    }
}

/// One of the two databases.
pub(super) trait Dialect: Database<Row: Columns> + Debug {
    /// Begins a write transaction once no other is open, so that versions follow the order of commits.
    const BEGIN_WRITE: &'static str;

    /// Begins a transaction that reads one consistent state.
    const BEGIN_SNAPSHOT: &'static str;

    /// Returns the condition that a column is one of the values bound to `$parameter`.
    fn any_of(parameter: usize) -> String;

    /// Returns the condition that a column is one of the times bound to `$parameter`, earliest first.
    fn any_instant(column: &str, parameter: usize) -> String;

    /// Runs a statement and streams its rows.
    fn rows(link: &mut Self::Connection, sql: SqlStr, arguments: Vec<Argument>) -> BoxStream<'_, Result<Self::Row, sqlx::Error>>;

    /// Inserts rows, many in a statement.
    fn insert(link: &mut Self::Connection, rows: Rows) -> BoxFuture<'_, Result<(), sqlx::Error>>;

    /// Inserts a commit with the series it changed, and notifies the other processes once the
    /// transaction is committed.
    fn record(link: &mut Self::Connection, commit: Commit) -> BoxFuture<'_, Result<(), sqlx::Error>>;

    /// Sends the number of the last commit to `latest` whenever another process may have committed.
    /// Never returns.
    fn follow(pool: Pool<Self>, latest: watch::Sender<Version>) -> BoxFuture<'static, ()>;

    /// Returns a candidate for the role of collector.
    fn candidate(pool: &Pool<Self>) -> Box<dyn LeaderLease>;
}
