//! Reads the log: whole, or commit by commit.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sqlx::SqlSafeStr;

use super::dialect::{Argument, Columns, Dialect};
use super::log::{latest_version, sql};
use super::payload::Payload;
use super::{LoadSink, StoreError, orders};
use crate::domain::{Bar, Delta, Metric, SeriesKey, Source, Timestamp, Version, Vintage};

/// Rows passed to a sink at a time.
const ROWS_AT_A_TIME: usize = 8_192;

/// Reads a vintage from a row that has `observed_at`, `known_at` and the value from `place` on.
pub(super) fn vintage<P: Payload>(row: &impl Columns, place: usize) -> Result<Vintage<P>, sqlx::Error> {
    Ok(Vintage {
        observed_at: Timestamp::from_unix_ms(row.integer(place)?),
        known_at: Timestamp::from_unix_ms(row.integer(place + 1)?),
        value: P::read(row, place + 2)?,
    })
}

/// Reads everything inside a snapshot into `sink`.
pub(super) async fn load<D: Dialect>(link: &mut D::Connection, sink: &mut dyn LoadSink) -> Result<Version, StoreError> {
    let version = latest_version::<D>(link).await?;
    for (id, key) in all_series::<D>(link).await? {
        if key.metric == Metric::Candle {
            load_series::<D, Bar>(link, id, &key, sink).await?;
        } else {
            load_series::<D, f64>(link, id, &key, sink).await?;
        }
    }
    load_orders::<D>(link, sink).await?;
    load_commits::<D>(link, sink).await?;
    Ok(version)
}

async fn all_series<D: Dialect>(link: &mut D::Connection) -> Result<Vec<(i64, SeriesKey)>, StoreError> {
    let mut rows = D::rows(link, "SELECT id, key FROM series ORDER BY key".into_sql_str(), Vec::new());
    let mut series = Vec::new();
    while let Some(row) = rows.try_next().await? {
        series.push((row.integer(0)?, series_key(&row, 1)?));
    }
    Ok(series)
}

fn series_key(row: &impl Columns, place: usize) -> Result<SeriesKey, StoreError> {
    let key = row.text(place)?;
    key.parse().map_err(|_| StoreError::Inconsistent { table: "series", column: "key", row: key })
}

async fn load_series<D: Dialect, P: Payload>(
    link: &mut D::Connection,
    id: i64,
    key: &SeriesKey,
    sink: &mut dyn LoadSink,
) -> Result<(), StoreError> {
    let mut rows = D::rows(link, sql(P::TABLE.select_all()), vec![Argument::Integer(id)]);
    let mut piece = Vec::with_capacity(ROWS_AT_A_TIME);
    while let Some(row) = rows.try_next().await? {
        piece.push(vintage(&row, 0)?);
        if piece.len() == ROWS_AT_A_TIME {
            P::deliver(sink, key, std::mem::replace(&mut piece, Vec::with_capacity(ROWS_AT_A_TIME)));
        }
    }
    if !piece.is_empty() {
        P::deliver(sink, key, piece);
    }
    Ok(())
}

async fn load_orders<D: Dialect>(link: &mut D::Connection, sink: &mut dyn LoadSink) -> Result<(), StoreError> {
    let text = format!("SELECT {} FROM liquidation_order ORDER BY source, symbol, occurred_at, ordinal", orders::COLUMNS);
    let mut rows = D::rows(link, sql(text), Vec::new());
    let mut piece = Vec::new();
    while let Some(row) = rows.try_next().await? {
        piece.push(orders::read(&row)?);
        if piece.len() == ROWS_AT_A_TIME {
            sink.orders(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        sink.orders(piece);
    }
    Ok(())
}

async fn load_commits<D: Dialect>(link: &mut D::Connection, sink: &mut dyn LoadSink) -> Result<(), StoreError> {
    let mut rows = D::rows(link, "SELECT version, recorded_at FROM batch ORDER BY version".into_sql_str(), Vec::new());
    let mut piece = Vec::new();
    while let Some(row) = rows.try_next().await? {
        piece.push((row.integer(0)?, Timestamp::from_unix_ms(row.integer(1)?)));
        if piece.len() == ROWS_AT_A_TIME {
            sink.commits(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        sink.commits(piece);
    }
    Ok(())
}

/// Returns the commits after `version` inside a snapshot, oldest first, at most `limit` of them.
pub(super) async fn changes_after<D: Dialect>(
    link: &mut D::Connection,
    version: Version,
    limit: u32,
) -> Result<Vec<Delta>, StoreError> {
    let mut deltas = commits_after::<D>(link, version, limit).await?;
    let Some(last) = deltas.keys().next_back().copied() else {
        return Ok(Vec::new());
    };
    for touched in touched_after::<D>(link, version, last).await? {
        if touched.key.metric == Metric::Candle {
            add_series::<D, Bar>(link, &touched, version, last, &mut deltas).await?;
        } else {
            add_series::<D, f64>(link, &touched, version, last, &mut deltas).await?;
        }
    }
    add_orders::<D>(link, version, last, &mut deltas).await?;
    Ok(deltas.into_values().collect())
}

/// Returns the commits after `version`, still without their rows.
async fn commits_after<D: Dialect>(
    link: &mut D::Connection,
    version: Version,
    limit: u32,
) -> Result<BTreeMap<Version, Delta>, StoreError> {
    let text = "SELECT version, recorded_at, source FROM batch WHERE version > $1 ORDER BY version LIMIT $2";
    let arguments = vec![Argument::Integer(version), Argument::Integer(i64::from(limit))];
    let mut rows = D::rows(link, text.into_sql_str(), arguments);
    let mut deltas = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let version = row.integer(0)?;
        let source: Source = row.text(2)?.parse().map_err(|_| StoreError::Inconsistent {
            table: "batch",
            column: "source",
            row: version.to_string(),
        })?;
        let recorded_at = Timestamp::from_unix_ms(row.integer(1)?);
        let (readings, candles) = (BTreeMap::new(), BTreeMap::new());
        deltas.insert(version, Delta { version, recorded_at, source, readings, candles, orders: Vec::new() });
    }
    Ok(deltas)
}

/// A series that some commits changed, and the range of the changes.
struct ChangedSeries {
    id: i64,
    key: SeriesKey,
    first: i64,
    last: i64,
}

async fn touched_after<D: Dialect>(
    link: &mut D::Connection,
    after: Version,
    last: Version,
) -> Result<Vec<ChangedSeries>, StoreError> {
    let text = "SELECT s.id, s.key, MIN(b.first_observed_at), MAX(b.last_observed_at) \
                FROM batch_series AS b JOIN series AS s ON s.id = b.series_id \
                WHERE b.version > $1 AND b.version <= $2 GROUP BY s.id, s.key";
    let mut rows = D::rows(link, text.into_sql_str(), vec![Argument::Integer(after), Argument::Integer(last)]);
    let mut touched = Vec::new();
    while let Some(row) = rows.try_next().await? {
        touched.push(ChangedSeries {
            id: row.integer(0)?,
            key: series_key(&row, 1)?,
            first: row.integer(2)?,
            last: row.integer(3)?,
        });
    }
    Ok(touched)
}

/// Adds to each commit its vintages of one series.
async fn add_series<D: Dialect, P: Payload>(
    link: &mut D::Connection,
    touched: &ChangedSeries,
    after: Version,
    last: Version,
    deltas: &mut BTreeMap<Version, Delta>,
) -> Result<(), StoreError> {
    let arguments = [touched.id, touched.first, touched.last, after, last].map(Argument::Integer).to_vec();
    let mut rows = D::rows(link, sql(P::TABLE.select_added()), arguments);
    while let Some(row) = rows.try_next().await? {
        let version = row.integer(0)?;
        if let Some(delta) = deltas.get_mut(&version) {
            P::of(delta).entry(touched.key.clone()).or_default().push(vintage(&row, 1)?);
        }
    }
    Ok(())
}

/// Adds to each commit its orders.
async fn add_orders<D: Dialect>(
    link: &mut D::Connection,
    after: Version,
    last: Version,
    deltas: &mut BTreeMap<Version, Delta>,
) -> Result<(), StoreError> {
    let text = format!(
        "SELECT {}, version FROM liquidation_order WHERE version > $1 AND version <= $2 \
         ORDER BY source, symbol, occurred_at, ordinal",
        orders::COLUMNS
    );
    let mut rows = D::rows(link, sql(text), vec![Argument::Integer(after), Argument::Integer(last)]);
    while let Some(row) = rows.try_next().await? {
        if let Some(delta) = deltas.get_mut(&row.integer(orders::WIDTH)?) {
            delta.orders.push(orders::read(&row)?);
        }
    }
    Ok(())
}
