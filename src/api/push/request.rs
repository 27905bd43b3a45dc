//! Reads the parts of a push: who sends it, in which format, under which name, and its bytes.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, header};
use futures_util::TryStreamExt;

use crate::api::params::parameter::clip;
use crate::api::push::PushError;
use crate::api::response::problem::ApiError;
use crate::api::state::AppState;
use crate::domain::{ApiKey, Timestamp};
use crate::files::BodyFormat;
use crate::keys::Token;

/// The header that names a push.
pub(super) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The longest name of a push, bytes.
const LONGEST_NAME: usize = 255;

/// How far apart the uses of a key are noted, milliseconds: a busy key is not written all the time.
const NOTE_EVERY_MS: i64 = 60_000;

/// The media types that are read.
pub(super) const MEDIA_TYPES: [(&str, BodyFormat); 3] =
    [("application/json", BodyFormat::Json), ("application/x-ndjson", BodyFormat::Ndjson), ("text/csv", BodyFormat::Csv)];

/// The key that a request was sent with, its use counted and noted.
///
/// # Errors
/// [`PushError`] without a key that opens anything, or when it is used too often; [`ApiError::Store`].
pub(super) async fn holder(state: &AppState, headers: &HeaderMap) -> Result<ApiKey, ApiError> {
    let token = token(headers)?;
    let key = state.store.key(token.id()).await?;
    let key = key.filter(|key| token.fits(key) && key.revoked_at.is_none()).ok_or(PushError::UnknownKey)?;
    if let Some(left) = state.push_limiter.as_ref().map(|limiter| limiter.take_for(&key.id))
        && !left.granted
    {
        return Err(PushError::RateLimited { retry_after_seconds: left.reset_seconds }.into());
    }
    let now = state.clock.now();
    if key.last_used_at.is_none_or(|at: Timestamp| now.ms_since(at) >= NOTE_EVERY_MS) {
        state.store.note_key_use(&key.id, now).await?;
    }
    Ok(key)
}

fn token(headers: &HeaderMap) -> Result<Token, PushError> {
    let text = single(headers, &header::AUTHORIZATION).map_err(|_| PushError::NoKey)?.ok_or(PushError::NoKey)?;
    let (scheme, token) = text.split_once(' ').ok_or(PushError::NoKey)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(PushError::NoKey);
    }
    token.trim().parse().map_err(|_| PushError::UnknownKey)
}

/// The format of the body.
///
/// # Errors
/// [`PushError::MediaType`] for one that is not read, or that is compressed.
pub(super) fn format(headers: &HeaderMap) -> Result<BodyFormat, PushError> {
    let coding = headers.get(header::CONTENT_ENCODING).map(|coding| coding.to_str().unwrap_or("unknown"));
    if let Some(coding) = coding.filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(PushError::MediaType { found: format!("the coding `{}`", clip(coding)) });
    }
    let Ok(Some(text)) = single(headers, &header::CONTENT_TYPE) else {
        return Err(PushError::MediaType { found: "a body without a `Content-Type`".to_owned() });
    };
    let media_type = text.split(';').next().unwrap_or_default().trim();
    let known = MEDIA_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(media_type));
    known.map(|(_, format)| *format).ok_or_else(|| PushError::MediaType { found: format!("`{}`", clip(media_type)) })
}

/// The name of the push, where it has one.
///
/// # Errors
/// [`PushError::Header`] for one that cannot be kept.
pub(super) fn name(headers: &HeaderMap) -> Result<Option<String>, PushError> {
    let refuse = |reason| PushError::Header { name: IDEMPOTENCY_KEY, reason };
    let header = HeaderName::from_static("idempotency-key");
    let Some(text) = single(headers, &header).map_err(refuse)? else { return Ok(None) };
    if text.is_empty() || text.len() > LONGEST_NAME {
        return Err(refuse("has 1 to 255 characters, such as a UUID"));
    }
    Ok(Some(text.to_owned()))
}

/// The one text of a header; `None` where it was not sent.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, &'static str> {
    let mut values = headers.get_all(name).into_iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err("is given more than once");
    }
    first.map(|value| value.to_str().map_err(|_| "holds characters that are no visible ASCII")).transpose()
}

/// The bytes of a body, as long as they are not too many.
///
/// # Errors
/// [`ApiError::PayloadTooLarge`], or [`PushError::Truncated`] when the client stops half-way.
pub(super) async fn bytes(body: Body, limit_bytes: u64) -> Result<Vec<u8>, ApiError> {
    let limit = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    loop {
        let chunk: Option<Bytes> = chunks.try_next().await.map_err(|_| PushError::Truncated)?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        if bytes.len() + chunk.len() > limit {
            return Err(ApiError::PayloadTooLarge { limit_bytes });
        }
        bytes.extend_from_slice(&chunk);
    }
}
