//! Signs of life: whether the process is up, whether it is ready, and what it counts about itself.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::response::problem::{ApiError, Problem};
use crate::api::response::render::json;
use crate::api::state::AppState;
use crate::domain::{Role, Timestamp, Version};

/// The process is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::api) struct Live {
    /// Always `live`.
    pub status: &'static str,
}

/// The service can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::api) struct Ready {
    /// Always `ready`; a service that is not answers 503.
    pub status: &'static str,
    /// What this node does about the feeds: it runs them, stands by while another node does, or never
    /// runs any.
    pub role: Role,
    /// The last commit in the market that answers.
    pub data_version: Version,
    /// When the newest row was known; null while there is none.
    pub latest_known_at: Option<Timestamp>,
}

/// Says that the process is up.
#[utoipa::path(get, path = "/livez", tag = "service", operation_id = "get_livez", summary = "Is the process up?",
    responses((status = 200, description = "It is.", body = Live)))]
pub(in crate::api) async fn livez() -> Response {
    plain_json(&Live { status: "live" })
}

/// Says whether the store can be reached and the data are loaded. A late feed is no reason to say no.
///
/// # Errors
/// [`ApiError::Store`] when the store gives no sign of life.
#[utoipa::path(get, path = "/readyz", tag = "service", operation_id = "get_readyz", summary = "Can the service answer?",
    responses((status = 200, description = "It can: the store is reachable and the data are loaded.", body = Ready),
        (status = 503, description = "It cannot.", body = Problem, content_type = "application/problem+json")))]
pub(in crate::api) async fn readyz(State(state): State<AppState>) -> Result<Response, ApiError> {
    state.store.ping().await?;
    let market = state.market.load();
    Ok(plain_json(&Ready {
        status: "ready",
        role: state.feeds.role(),
        data_version: market.version(),
        latest_known_at: market.latest_known_at(),
    }))
}

/// What the service counts about itself.
#[utoipa::path(get, path = "/metrics", tag = "service", operation_id = "get_metrics", summary = "The service's own telemetry",
    responses((status = 200, description = "OpenMetrics text.", body = String, content_type = "application/openmetrics-text")))]
pub(in crate::api) async fn metrics(State(state): State<AppState>) -> Response {
    let text = state.telemetry.exposition(state.market.load().version(), state.cache.len());
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], text).into_response()
}

fn plain_json<T: Serialize>(value: &T) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, json(value).unwrap_or_default()).into_response()
}
