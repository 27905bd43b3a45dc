//! The document and its browser, served from the binary.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::response::cache::{CachedResponse, compressed};
use crate::api::response::conditional::{etag, respond};
use crate::api::state::AppState;

/// `/openapi.json` and `/docs`.
pub(in crate::api) fn pages(document: &OpenApi) -> Router<AppState> {
    let plain = Bytes::from(document.to_json().unwrap_or_default());
    let kept = std::sync::Arc::new(CachedResponse {
        etag: etag(&[&plain]),
        gzip: compressed(&plain),
        plain,
        cache_control: HeaderValue::from_static("public, max-age=300"),
        content_type: HeaderValue::from_static("application/json"),
        link: None,
    });
    let document = move |request: Request| {
        let response = respond(&kept, request.headers());
        async move { response }
    };
    let browser = SwaggerUi::new("/docs").config(Config::from("/openapi.json").try_it_out_enabled(true));
    Router::from(browser).route("/openapi.json", get(document))
}
