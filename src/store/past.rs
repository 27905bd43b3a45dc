//! Ranges of a feed's history that were read in full: bookmarks of the back-fill, outside of the log.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sqlx::SqlSafeStr;

use super::dialect::{Argument, Columns, Dialect};
use super::log::execute;
use super::{SpansRead, StoreError};
use crate::domain::{TimeRange, Timestamp};

/// Records a range; a longer one from the same start replaces a shorter one.
pub(super) async fn note<D: Dialect>(
    link: &mut D::Connection,
    feed: &str,
    strand: &str,
    span: TimeRange,
) -> Result<(), StoreError> {
    let arguments = vec![
        Argument::Text(feed.to_owned()),
        Argument::Text(strand.to_owned()),
        Argument::Integer(span.from().unix_ms()),
        Argument::Integer(span.to().unix_ms()),
    ];
    let sql = "INSERT INTO span_read (feed, strand, starts_at, ends_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (feed, strand, starts_at) DO UPDATE SET ends_at = excluded.ends_at \
               WHERE excluded.ends_at > span_read.ends_at";
    Ok(execute::<D>(link, sql, arguments).await?)
}

/// Returns the ranges of one feed by strand, ordered by start.
pub(super) async fn read<D: Dialect>(link: &mut D::Connection, feed: &str) -> Result<SpansRead, StoreError> {
    let sql = "SELECT strand, starts_at, ends_at FROM span_read WHERE feed = $1 ORDER BY strand, starts_at".into_sql_str();
    let mut rows = D::rows(link, sql, vec![Argument::Text(feed.to_owned())]);
    let mut spans: SpansRead = BTreeMap::new();
    while let Some(row) = rows.try_next().await? {
        let strand = row.text(0)?;
        let [from, to] = [row.integer(1)?, row.integer(2)?].map(Timestamp::from_unix_ms);
        let span = TimeRange::new(from, to).map_err(|_| StoreError::Inconsistent {
            table: "span_read",
            column: "ends_at",
            row: format!("{feed} {strand} {from}"),
        })?;
        spans.entry(strand).or_default().push(span);
    }
    Ok(spans)
}
