//! The document and its browser, served from the binary.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::response::cache::CachedResponse;
use crate::api::response::conditional::{etag, respond};
use crate::api::response::negotiation::Coding;
use crate::api::state::AppState;

/// `/openapi.json` and `/docs`.
pub(in crate::api) fn pages(document: &OpenApi) -> Router<AppState> {
    let plain = Bytes::from(document.to_json().unwrap_or_default());
    let identity = CachedResponse {
        etag: etag(&[&plain]),
        body: plain,
        coding: Coding::Identity,
        cache_control: HeaderValue::from_static("public, max-age=300"),
        content_type: HeaderValue::from_static("application/json"),
        link: None,
    };
    let codings = Arc::new((identity.compressed(), identity));
    let document = move |request: Request| {
        let (gzip, identity) = &*codings;
        let chosen = if Coding::of(request.headers()) == Coding::Gzip { gzip } else { identity };
        std::future::ready(respond(chosen, request.headers()))
    };
    let browser = SwaggerUi::new("/docs").config(Config::from("/openapi.json").try_it_out_enabled(true));
    Router::from(browser).route("/openapi.json", get(document))
}
