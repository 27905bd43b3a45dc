//! Tables of the two kinds of values.

use std::collections::BTreeMap;

use super::LoadSink;
use super::dialect::{ColumnValues, Columns, Dialect, Rows};
use super::reconcile::StoredValue;
use crate::domain::{Bar, Delta, SeriesKey, Version, Vintage};

/// A table of vintages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// Value columns, separated by commas.
    pub(super) numbers: &'static str,
}

impl Table {
    /// Returns the query for every vintage of series `$1`, in order.
    pub(super) fn select_all(&self) -> String {
        format!(
            "SELECT observed_at, known_at, {} FROM {} WHERE series_id = $1 ORDER BY observed_at, known_at",
            self.numbers, self.name
        )
    }

    /// Returns the query for the vintages of series `$1` at the times `$2`, in order.
    pub(super) fn select_points<D: Dialect>(&self) -> String {
        format!(
            "SELECT observed_at, known_at, {} FROM {} WHERE series_id = $1 AND {} ORDER BY observed_at, known_at",
            self.numbers,
            self.name,
            D::any_instant("observed_at", 2)
        )
    }

    /// Returns the query for the vintages of series `$1` from `$2` to `$3` added by commits after `$4` and up to `$5`, in order.
    pub(super) fn select_added(&self) -> String {
        format!(
            "SELECT version, observed_at, known_at, {} FROM {} WHERE series_id = $1 AND observed_at BETWEEN $2 AND $3 \
             AND version > $4 AND version <= $5 ORDER BY observed_at, known_at",
            self.numbers, self.name
        )
    }
}

/// A value with its table.
pub(super) trait Payload: StoredValue {
    /// Table of its vintages.
    const TABLE: Table;

    /// Returns the value columns of these vintages.
    fn columns(rows: &[Vintage<Self>]) -> Vec<(&'static str, ColumnValues)>;

    /// Reads the value from the columns of a row, starting at `place`.
    fn read(row: &impl Columns, place: usize) -> Result<Self, sqlx::Error>;

    /// Returns the part of a delta with values of this kind.
    fn of(delta: &mut Delta) -> &mut BTreeMap<SeriesKey, Vec<Vintage<Self>>>;

    /// Passes vintages to a sink.
    fn deliver(sink: &mut dyn LoadSink, key: &SeriesKey, rows: Vec<Vintage<Self>>);
}

/// Converts vintages of one series to rows of their table.
pub(super) fn rows<P: Payload>(series_id: i64, version: Version, vintages: &[Vintage<P>]) -> Rows {
    let integers = |cell: fn(&Vintage<P>) -> i64| ColumnValues::Integers(vintages.iter().map(cell).collect());
    let mut columns = vec![
        ("series_id", ColumnValues::Integers(vec![series_id; vintages.len()])),
        ("observed_at", integers(|vintage| vintage.observed_at.unix_ms())),
        ("known_at", integers(|vintage| vintage.known_at.unix_ms())),
    ];
    columns.extend(P::columns(vintages));
    Rows { table: P::TABLE.name, version, columns }
}

impl Payload for f64 {
    const TABLE: Table = Table { name: "observation", numbers: "value" };

    fn columns(rows: &[Vintage<Self>]) -> Vec<(&'static str, ColumnValues)> {
        vec![("value", ColumnValues::Reals(rows.iter().map(|row| Some(row.value)).collect()))]
    }

    fn read(row: &impl Columns, place: usize) -> Result<Self, sqlx::Error> {
        row.real(place)
    }

    fn of(delta: &mut Delta) -> &mut BTreeMap<SeriesKey, Vec<Vintage<Self>>> {
        &mut delta.readings
    }

    fn deliver(sink: &mut dyn LoadSink, key: &SeriesKey, rows: Vec<Vintage<Self>>) {
        sink.readings(key, rows);
    }
}

impl Payload for Bar {
    const TABLE: Table = Table { name: "candle", numbers: "open, high, low, close, volume" };

    fn columns(rows: &[Vintage<Self>]) -> Vec<(&'static str, ColumnValues)> {
        let column = |number: fn(&Self) -> Option<f64>| ColumnValues::Reals(rows.iter().map(|row| number(&row.value)).collect());
        vec![
            ("open", column(|bar| Some(bar.open))),
            ("high", column(|bar| Some(bar.high))),
            ("low", column(|bar| Some(bar.low))),
            ("close", column(|bar| Some(bar.close))),
            ("volume", column(|bar| bar.volume)),
        ]
    }

    fn read(row: &impl Columns, place: usize) -> Result<Self, sqlx::Error> {
        Ok(Self {
            open: row.real(place)?,
            high: row.real(place + 1)?,
            low: row.real(place + 2)?,
            close: row.real(place + 3)?,
            volume: row.optional_real(place + 4)?,
        })
    }

    fn of(delta: &mut Delta) -> &mut BTreeMap<SeriesKey, Vec<Vintage<Self>>> {
        &mut delta.candles
    }

    fn deliver(sink: &mut dyn LoadSink, key: &SeriesKey, rows: Vec<Vintage<Self>>) {
        sink.candles(key, rows);
    }
}
