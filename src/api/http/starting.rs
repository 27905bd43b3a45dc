use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::http::health::livez;
use crate::api::http::middleware::request_id;
use crate::api::response::problem::{ApiError, PendingProblem};

/// Answers on `listener` while there are no data to answer from, until `ready` is cancelled: `/livez`
/// says that the process is up, everything else is a problem `unavailable`.
///
/// # Errors
/// When the listener fails.
pub async fn wait(listener: TcpListener, ready: CancellationToken) -> std::io::Result<()> {
    let router = Router::new().route("/livez", get(livez)).fallback(starting);
    axum::serve(listener, router).with_graceful_shutdown(ready.cancelled_owned()).await
}

async fn starting(request: Request) -> Response {
    let id = request_id(request.headers());
    let mut response = ApiError::Starting.into_response();
    let Some(draft) = PendingProblem::of(&mut response) else { return response };
    let mut response = draft.publish(response, request.uri().path(), id.to_str().unwrap_or_default());
    response.headers_mut().insert("x-request-id", id);
    response
}
