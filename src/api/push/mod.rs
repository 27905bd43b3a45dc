//! Pushing rows in: `POST /v1/observations`.
//!
//! A push is taken whole or not at all, and every row gets a verdict. Its road: the key and the bytes
//! ([`request`]), the rows ([`crate::files::read_body`]), what they may say ([`admission`]), the claim
//! that does a named push once, the [`Recorder`](crate::market::Recorder), the verdicts ([`verdict`]).
//!
//! This is the one place of the interface that writes.

mod admission;
mod document;
mod failure;
mod request;
mod verdict;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

pub(super) use self::document::entry;
pub(super) use self::failure::PushError;
pub use self::verdict::{RowStatus, RowVerdict};

use self::verdict::{Pushed, RowFault};
use crate::api::params::reader::ParamReader;
use crate::api::response::problem::ApiError;
use crate::api::response::render::json;
use crate::api::state::AppState;
use crate::domain::{ApiKey, Batch, Source, Timestamp};
use crate::files::{ParsedRow, RowError, read_body};
use crate::keys::digest;
use crate::metrics::{Answer, Meta};
use crate::store::{IdempotencyReservation, OnRefusal, ReservationOutcome};

/// A push that was read and may be carried out.
struct Push {
    rows: Vec<ParsedRow>,
    /// What to claim, where the client gave the push a name.
    claim: Option<IdempotencyReservation>,
}

/// The answer to a push, written.
struct Answered {
    text: String,
    /// Whether it was given before.
    is_replayed: bool,
}

/// Takes a push.
pub(super) async fn push(State(state): State<AppState>, request: Request) -> Response {
    match take(&state, request).await {
        Ok(answered) => answered.into_response(),
        Err(error) => error.to_response(),
    }
}

async fn take(state: &AppState, request: Request) -> Result<Answered, ApiError> {
    let (parts, body) = request.into_parts();
    let key = request::holder(state, &parts.headers).await?;
    ParamReader::new(vec![], parts.uri.query()).finish()?;
    let format = request::format(&parts.headers)?;
    let name = request::name(&parts.headers)?;
    let bytes = request::bytes(body, state.settings.body_limit_bytes).await?;
    let rows = read_body(format, &bytes, state.settings.push_rows).map_err(PushError::Body)?;
    let rows = admit(rows, &key, state.clock.now())?;
    let fingerprint = || digest(&[format!("{format:?}").as_bytes(), &bytes]);
    let claim = name.map(|idempotency_key| IdempotencyReservation { key: key.id, idempotency_key, fingerprint: fingerprint() });
    // Once begun, a push is brought to its end even when the client hangs up or the time is over.
    let carrying_out = tokio::spawn(carry_out(state.clone(), Push { rows, claim }));
    carrying_out.await.map_err(|error| ApiError::Internal(format!("a push was not brought to its end: {error}")))?
}

/// The rows, when all of them can be read and the key may push them.
fn admit(rows: Vec<Result<ParsedRow, RowError>>, key: &ApiKey, now: Timestamp) -> Result<Vec<ParsedRow>, PushError> {
    admission::permit(rows.iter().flatten(), key)?;
    let check = |row: Result<ParsedRow, RowError>| {
        let stated = row.map_err(RowFault::from)?;
        admission::check(&stated, now).map(|()| stated)
    };
    let checked: Vec<Result<ParsedRow, RowFault>> = rows.into_iter().map(check).collect();
    if checked.iter().any(Result::is_err) {
        return Err(PushError::Rows(verdict::not_taken(checked.into_iter().map(Result::err))));
    }
    Ok(checked.into_iter().flatten().collect())
}

/// Does a push, or finds out that it was done.
async fn carry_out(state: AppState, push: Push) -> Result<Answered, ApiError> {
    let Some(claim) = &push.claim else { return write(&state, &push.rows).await };
    match state.store.reserve(claim, state.clock.now()).await? {
        ReservationOutcome::InProgress => Err(PushError::InProgress.into()),
        ReservationOutcome::Conflict => Err(PushError::IdempotencyConflict.into()),
        ReservationOutcome::Settled(text) => Ok(Answered { text, is_replayed: true }),
        ReservationOutcome::Granted => {
            let written = write(&state, &push.rows).await;
            let noted = match &written {
                Ok(answered) => state.store.complete(claim, &answered.text).await,
                Err(_) => state.store.release(claim).await,
            };
            // The rows are in or out whether or not this could be noted; the claim runs out by itself.
            if let Err(error) = noted {
                tracing::warn!(%error, key = %claim.key, "what became of a push could not be noted");
            }
            written
        }
    }
}

/// Writes the rows and publishes them.
async fn write(state: &AppState, rows: &[ParsedRow]) -> Result<Answered, ApiError> {
    let appended = state.recorder.append(&batch(rows), OnRefusal::Abort).await?;
    if !appended.report.refused.is_empty() {
        let refusals = &appended.report.refused;
        return Err(PushError::Rows(verdict::not_taken(rows.iter().map(|row| verdict::refusal_of(row, refusals)))).into());
    }
    let market = state.market.load();
    let data_version = appended.delta.as_ref().map_or_else(|| market.version(), |delta| delta.version);
    let verdicts = verdict::taken(rows, appended.delta.as_ref(), &market.at(Timestamp::MAX));
    let text = answer(Pushed::new(&verdicts), state.clock.now(), data_version)?;
    Ok(Answered { text, is_replayed: false })
}

/// The rows as one batch, under the name of their source where they have one in common.
fn batch(rows: &[ParsedRow]) -> Batch {
    let mut batch = Batch::new(Source::import());
    for row in rows {
        row.clone().add_to(&mut batch);
    }
    let mut sources = batch.sources().into_iter();
    if let (Some(only), None) = (sources.next(), sources.next()) {
        batch.source = only;
    }
    batch
}

fn answer(pushed: Pushed, as_of: Timestamp, data_version: i64) -> Result<String, ApiError> {
    let meta = Meta { as_of, as_of_defaulted: true, data_version, window: None, method: None, n_obs: None, coverage: None };
    let (sources, warnings, reads) = (vec![], vec![], vec![]);
    let answer = Answer { data: pushed, meta, sources, warnings, reads, next_expected_at: None, words: None };
    let unwritable = |what: &dyn std::fmt::Display| ApiError::Internal(format!("the answer to a push cannot be written: {what}"));
    let bytes = json(&answer).map_err(|error| unwritable(&error))?;
    String::from_utf8(bytes).map_err(|error| unwritable(&error))
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let mut response = (headers, self.text).into_response();
        if self.is_replayed {
            let replayed = HeaderName::from_static("idempotency-replayed");
            response.headers_mut().insert(replayed, HeaderValue::from_static("true"));
        }
        response
    }
}
