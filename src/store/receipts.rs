//! Receipts: answers to pushes with an idempotency key, so that the same push sent again returns the
//! same answer without being applied again.

use futures_util::TryStreamExt;
use sqlx::SqlSafeStr;

use super::StoreError;
use super::dialect::{Argument, Columns, Dialect};
use super::log::execute;
use crate::domain::{Digest, KeyId, Timestamp};

/// Reservation of an idempotency key for one push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyReservation {
    /// API key of the push; reservations of two API keys are independent.
    pub key: KeyId,
    /// Idempotency key chosen by the client.
    pub idempotency_key: String,
    /// Digest of the pushed content.
    pub fingerprint: Digest,
}

/// Outcome of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReservationOutcome {
    /// Granted: apply the push, then complete or release the reservation.
    Granted,
    /// Another request with it is in progress.
    InProgress,
    /// It was completed before, with this answer.
    Settled(String),
    /// The client used the same idempotency key for other content.
    Conflict,
}

impl IdempotencyReservation {
    /// Retention of a receipt, milliseconds: a day.
    pub const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

    /// Time after which a reservation that is neither completed nor released expires, milliseconds: its
    /// holder is presumed dead.
    pub const LEASE_MS: i64 = 60_000;

    /// Returns the arguments `$1` to `$3` of every statement about it.
    fn arguments(&self) -> Vec<Argument> {
        vec![
            Argument::Text(self.key.to_string()),
            Argument::Text(self.idempotency_key.clone()),
            Argument::Text(self.fingerprint.to_string()),
        ]
    }
}

pub(super) async fn reserve<D: Dialect>(
    link: &mut D::Connection,
    claim: &IdempotencyReservation,
    now: Timestamp,
) -> Result<ReservationOutcome, StoreError> {
    let expired = Argument::Integer(now.plus_ms(-IdempotencyReservation::KEPT_MS).unix_ms());
    execute::<D>(link, "DELETE FROM push_receipt WHERE claimed_at <= $1", vec![expired]).await?;
    if insert::<D>(link, claim, now).await? {
        return Ok(ReservationOutcome::Granted);
    }
    let sql = "SELECT fingerprint, answer FROM push_receipt WHERE key_id = $1 AND idempotency_key = $2";
    let named = claim.arguments().into_iter().take(2).collect();
    let Some(row) = D::rows(link, sql.into_sql_str(), named).try_next().await? else {
        // Released in the meantime: the next caller is granted it.
        return Ok(ReservationOutcome::InProgress);
    };
    if row.text(0)? != claim.fingerprint.to_string() {
        return Ok(ReservationOutcome::Conflict);
    }
    Ok(row.optional_text(1)?.map_or(ReservationOutcome::InProgress, ReservationOutcome::Settled))
}

/// Inserts the reservation or takes over an expired one; returns true if it did.
async fn insert<D: Dialect>(
    link: &mut D::Connection,
    claim: &IdempotencyReservation,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO push_receipt (key_id, idempotency_key, fingerprint, claimed_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (key_id, idempotency_key) DO UPDATE SET claimed_at = excluded.claimed_at \
               WHERE push_receipt.answer IS NULL AND push_receipt.claimed_at <= $5 \
                 AND push_receipt.fingerprint = excluded.fingerprint \
               RETURNING claimed_at";
    let mut arguments = claim.arguments();
    arguments.extend([now, now.plus_ms(-IdempotencyReservation::LEASE_MS)].map(|at| Argument::Integer(at.unix_ms())));
    Ok(D::rows(link, sql.into_sql_str(), arguments).try_next().await?.is_some())
}

pub(super) async fn complete<D: Dialect>(
    link: &mut D::Connection,
    claim: &IdempotencyReservation,
    answer: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE push_receipt SET answer = $4 \
               WHERE key_id = $1 AND idempotency_key = $2 AND fingerprint = $3 AND answer IS NULL";
    let mut arguments = claim.arguments();
    arguments.push(Argument::Text(answer.to_owned()));
    Ok(execute::<D>(link, sql, arguments).await?)
}

pub(super) async fn release<D: Dialect>(link: &mut D::Connection, claim: &IdempotencyReservation) -> Result<(), StoreError> {
    let sql = "DELETE FROM push_receipt \
               WHERE key_id = $1 AND idempotency_key = $2 AND fingerprint = $3 AND answer IS NULL";
    Ok(execute::<D>(link, sql, claim.arguments()).await?)
}
