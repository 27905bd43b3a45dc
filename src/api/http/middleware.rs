//! What happens around every request: its id, its line in the log, the client's allowance, the time
//! it may take, panics, the problem document, and the counters. One layer, because layers are the
//! cost that is left when answers come from memory.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use uuid::Uuid;

use crate::api::http::rate_limit::Decision;
use crate::api::response::problem::{ApiError, PendingProblem, panic_text};
use crate::api::state::AppState;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static EXPOSED: HeaderValue =
    HeaderValue::from_static("ETag, Idempotency-Replayed, Link, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id");

/// Answers one request.
pub(in crate::api) async fn middleware(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let left = state.limiter.as_ref().map(|limiter| limiter.take(client(&request, state.settings.behind_proxy)));
    let mut response = run_handler(&state, left, request, next).await;
    if let Some(draft) = PendingProblem::of(&mut response) {
        response = draft.publish(response, uri.path(), id.to_str().unwrap_or_default());
    }
    tracing::debug!(request_id = ?id, %method, %uri, status = response.status().as_u16(), took = ?started.elapsed(), "answered");
    let headers = response.headers_mut();
    headers.insert(&REQUEST_ID, id);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone());
    if let (Some(limiter), Some(left)) = (&state.limiter, &left) {
        limiter.write_headers(left, headers);
        if response.status() == StatusCode::NOT_MODIFIED {
            limiter.refund(left);
        }
    }
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    state.telemetry.served(route, response.status().as_u16(), started.elapsed());
    response
}

/// The response before it has its common headers: a preflight, a refusal, or what the handler says.
async fn run_handler(state: &AppState, left: Option<Decision>, request: Request, next: Next) -> Response {
    if is_preflight(&request) {
        return preflight();
    }
    if let Some(left) = left.filter(|left| !left.granted) {
        return ApiError::RateLimited { retry_after_seconds: left.reset_seconds }.to_response();
    }
    let limit_bytes = state.settings.body_limit_bytes;
    if declared_length(request.headers()).is_some_and(|bytes| bytes > limit_bytes) {
        return ApiError::PayloadTooLarge { limit_bytes }.to_response();
    }
    let in_flight = InFlight::enter(state);
    if in_flight.count > state.settings.max_in_flight {
        return ApiError::Overloaded.to_response();
    }
    let limit = state.settings.request_timeout;
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => ApiError::Internal(panic_text(panic.as_ref())).to_response(),
        Err(_) => ApiError::Timeout { limit_seconds: limit.as_secs() }.to_response(),
    }
}

/// Counts a request as being answered for as long as it lives.
struct InFlight<'a> {
    state: &'a AppState,
    count: usize,
}

impl<'a> InFlight<'a> {
    fn enter(state: &'a AppState) -> Self {
        Self { state, count: state.in_flight.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.state.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The id the client sent, when it is short and plain, or a new one.
pub(in crate::api) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let plain = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=128).contains(&bytes.len()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b))
    };
    headers.get(&REQUEST_ID).filter(plain).cloned().unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        let text = Uuid::new_v4().simple().encode_lower(&mut text);
        HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    })
}

/// The address of the client: the peer's, or behind a proxy the one the proxy states last.
fn client(request: &Request, behind_proxy: bool) -> IpAddr {
    let forwarded = || {
        let value = request.headers().get_all("x-forwarded-for").into_iter().next_back()?.to_str().ok()?;
        value.rsplit(',').next()?.trim().parse().ok()
    };
    let peer = || request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let stated = if behind_proxy { forwarded() } else { None };
    stated.or_else(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a browser asks before it asks from another origin.
fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, OPTIONS, POST"));
    let allowed = "Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Request-Id";
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    response
}
