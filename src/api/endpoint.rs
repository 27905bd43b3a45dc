//! How a question becomes a route: one declaration gives the handler and its entry in the OpenAPI document.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;

use crate::api::columns::{Column, columns};
use crate::api::conditional::{cache_control, etag, present_etag, respond};
use crate::api::cutoff::{Cutoff, Present};
use crate::api::kept::{Kept, Key, compressed};
use crate::api::negotiation::Representation;
use crate::api::openapi;
use crate::api::problem::ApiError;
use crate::api::query::Query;
use crate::api::render::render;
use crate::api::state::AppState;
use crate::market::MarketView;
use crate::metrics::{Answer, SourceOrder, Unanswerable};

/// What a route is called and what it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint {
    /// Its path behind the prefix, such as `/drawdown/series`.
    pub path: &'static str,
    /// Its name in generated clients, such as `get_drawdown_series`.
    pub operation: &'static str,
    /// The group it is listed in.
    pub tag: &'static str,
    /// What it answers, in a line.
    pub summary: &'static str,
    /// What a reader must know about the answer; markdown.
    pub about: &'static str,
}

/// The routes under one prefix, each with its entry in the document.
pub(super) struct Routes {
    prefix: &'static str,
    router: OpenApiRouter<AppState>,
}

/// What the handler of one endpoint needs at hand.
struct Handler<R, A> {
    endpoint: Endpoint,
    rows: bool,
    columns: Vec<Column>,
    read: R,
    answer: A,
}

/// What every question has beside its own parameters.
struct Common {
    cutoff: Cutoff,
    representation: Representation,
}

impl Common {
    fn read(query: &mut Query, present: Present, headers: &HeaderMap, rows: bool) -> Self {
        let cutoff = Cutoff::read(query, present);
        Self { cutoff, representation: Representation::agree(query, headers, rows) }
    }
}

impl Routes {
    /// No routes yet.
    #[must_use]
    pub(super) fn new(prefix: &'static str) -> Self {
        Self { prefix, router: OpenApiRouter::default() }
    }

    /// Adds a question: `read` takes its parameters from the query, `answer` computes it. An answer
    /// that is a list is offered as rows.
    #[must_use]
    pub(super) fn question<Q, T, R, A>(mut self, endpoint: Endpoint, read: R, answer: A) -> Self
    where
        Q: Send,
        T: Serialize + ToSchema,
        R: Fn(&mut Query) -> Q + Send + Sync + 'static,
        A: Fn(&MarketView, &SourceOrder, &Q) -> Result<Answer<T>, Unanswerable> + Send + Sync + 'static,
    {
        let mut schemas = vec![];
        T::schemas(&mut schemas);
        schemas.push((T::name().into_owned(), T::schema()));
        let rows = matches!(T::schema(), RefOr::T(Schema::Array(_)));
        let columns = columns(&T::schema(), &schemas).unwrap_or_default();
        let mut sheet = Query::declaring();
        read(&mut sheet);
        Common::read(&mut sheet, Present::NEVER, &HeaderMap::new(), rows);
        let entry = openapi::entry::<T>(self.prefix, &endpoint, sheet.into_sheet(), rows);
        let handler = Arc::new(Handler { endpoint, rows, columns, read, answer });
        let route = get(move |State(state): State<AppState>, request: Request| {
            let handler = Arc::clone(&handler);
            async move { handler.handle(&state, request).await.unwrap_or_else(|error| error.to_response()) }
        });
        self.router = self.router.routes((entry.schemas, entry.paths, route));
        self
    }

    /// The routes and their document.
    #[must_use]
    pub(super) fn into_router(self) -> OpenApiRouter<AppState> {
        self.router
    }
}

impl<R, A> Handler<R, A> {
    async fn handle<Q, T>(&self, state: &AppState, request: Request) -> Result<Response, Arc<ApiError>>
    where
        Q: Send,
        T: Serialize,
        R: Fn(&mut Query) -> Q,
        A: Fn(&MarketView, &SourceOrder, &Q) -> Result<Answer<T>, Unanswerable>,
    {
        let (mut parts, _) = request.into_parts();
        let mut query = Query::new(self.path_parameters(&mut parts).await, parts.uri.query());
        let (market, present) = state.present();
        let question = (self.read)(&mut query);
        let Common { cutoff, representation } = Common::read(&mut query, present, &parts.headers, self.rows);
        let parameters = query.finish()?;
        cutoff.check(present)?;
        let key = Key {
            version: market.version(),
            route: self.endpoint.path,
            parameters,
            as_of: cutoff.at,
            as_of_defaulted: cutoff.defaulted,
            representation,
        };
        let kept = state.cache.get_or_make(&key, || {
            let mut answer = (self.answer)(&market.at(cutoff.at), &state.source_order, &question)?;
            answer.meta.as_of_defaulted = cutoff.defaulted;
            keep(&key, cutoff.settled, &answer, &self.columns)
        })?;
        Ok(respond(&kept, &parts.headers))
    }

    async fn path_parameters(&self, parts: &mut Parts) -> Vec<(String, String)> {
        if !self.endpoint.path.contains('{') {
            return vec![];
        }
        let found = RawPathParams::from_request_parts(parts, &()).await;
        let pairs = found.iter().flat_map(|found| found.iter());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// Writes and compresses an answer, and gives it its validator and its lifetime.
fn keep<T: Serialize>(key: &Key, settled: bool, answer: &Answer<T>, columns: &[Column]) -> Result<Kept, ApiError> {
    let Representation { format, .. } = key.representation;
    let plain = render(answer, None, key.representation, columns)
        .map_err(|error| ApiError::Internal(format!("the answer of {} cannot be written: {error}", key.route)))?;
    let etag = if settled {
        etag(&[&plain])
    } else {
        present_etag(&[key.route, &key.parameters, format.media_type()], key.as_of, &answer.reads)
    };
    Ok(Kept {
        gzip: compressed(&plain),
        plain: plain.into(),
        etag,
        cache_control: cache_control(settled, key.as_of, answer.next_expected_at),
        content_type: HeaderValue::from_static(format.content_type()),
        link: None,
    })
}
