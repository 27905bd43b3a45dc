//! Table of the API keys for pushing rows.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;

use super::StoreError;
use super::dialect::{Argument, Columns, Dialect};
use super::log::{execute, sql};
use crate::domain::{ApiKey, KeyId, Source, Timestamp};

/// Columns read by [`read`], in its order.
const COLUMNS: &str = "id, name, digest, sources, may_backfill, created_at, revoked_at, last_used_at";

/// Separator of the sources of a key; no source name contains it.
const SEPARATOR: &str = ",";

pub(super) async fn put<D: Dialect>(link: &mut D::Connection, key: &ApiKey) -> Result<(), StoreError> {
    let sql = "INSERT INTO api_key (id, name, digest, sources, may_backfill, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let sources: Vec<&str> = key.sources.iter().map(Source::as_str).collect();
    let arguments = vec![
        Argument::Text(key.id.to_string()),
        Argument::Text(key.name.clone()),
        Argument::Text(key.digest.to_string()),
        Argument::Text(sources.join(SEPARATOR)),
        Argument::Integer(i64::from(key.may_backfill)),
        Argument::Integer(key.created_at.unix_ms()),
    ];
    Ok(execute::<D>(link, sql, arguments).await?)
}

pub(super) async fn get<D: Dialect>(link: &mut D::Connection, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM api_key WHERE id = $1");
    let row = D::rows(link, sql(text), vec![Argument::Text(id.to_string())]).try_next().await?;
    row.map(|row| read(&row)).transpose()
}

pub(super) async fn all<D: Dialect>(link: &mut D::Connection) -> Result<Vec<ApiKey>, StoreError> {
    let mut rows = D::rows(link, sql(format!("SELECT {COLUMNS} FROM api_key ORDER BY created_at, id")), Vec::new());
    let mut keys = Vec::new();
    while let Some(row) = rows.try_next().await? {
        keys.push(read(&row)?);
    }
    Ok(keys)
}

pub(super) async fn revoke<D: Dialect>(
    link: &mut D::Connection,
    id: &KeyId,
    at: Timestamp,
) -> Result<Option<ApiKey>, StoreError> {
    let sql = "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    execute::<D>(link, sql, vec![Argument::Text(id.to_string()), Argument::Integer(at.unix_ms())]).await?;
    get::<D>(link, id).await
}

pub(super) async fn note_use<D: Dialect>(link: &mut D::Connection, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE api_key SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    Ok(execute::<D>(link, sql, vec![Argument::Text(id.to_string()), Argument::Integer(at.unix_ms())]).await?)
}

fn read(row: &impl Columns) -> Result<ApiKey, StoreError> {
    let id = row.text(0)?;
    let inconsistent = |column| StoreError::Inconsistent { table: "api_key", column, row: id.clone() };
    let sources = row.text(3)?;
    let sources = sources.split(SEPARATOR).filter(|name| !name.is_empty()).map(str::parse).collect::<Result<BTreeSet<_>, _>>();
    Ok(ApiKey {
        id: id.parse().map_err(|_| inconsistent("id"))?,
        name: row.text(1)?,
        digest: row.text(2)?.parse().map_err(|_| inconsistent("digest"))?,
        sources: sources.map_err(|_| inconsistent("sources"))?,
        may_backfill: row.integer(4)? != 0,
        created_at: Timestamp::from_unix_ms(row.integer(5)?),
        revoked_at: row.optional_integer(6)?.map(Timestamp::from_unix_ms),
        last_used_at: row.optional_integer(7)?.map(Timestamp::from_unix_ms),
    })
}
