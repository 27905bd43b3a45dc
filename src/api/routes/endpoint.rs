//! How a question becomes a route: one declaration gives the handler and its entry in the OpenAPI document.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::api::params::as_of::Now;
use crate::api::params::page::Page;
use crate::api::params::reader::ParamReader;
use crate::api::response::problem::ApiError;
use crate::api::response::render::Links;
use crate::api::routes::handler::{CommonParams, ParsedRequest, RequestReader};
use crate::api::routes::liquidation_orders;
use crate::api::state::AppState;
use crate::api::{openapi, push};
use crate::market::MarketView;
use crate::metrics::{Answer, LiquidationOrderRow, Paged, QueryError, SourceOrder};

/// What a route is called and what it is for.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Endpoint {
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
    /// The section of `docs/METHODOLOGY.md` with its formulas.
    pub section: &'static str,
}

/// The routes under one prefix, each with its entry in the document.
pub(in crate::api) struct Routes {
    prefix: &'static str,
    router: OpenApiRouter<AppState>,
}

impl Routes {
    /// No routes yet.
    pub(in crate::api) fn new(prefix: &'static str) -> Self {
        Self { prefix, router: OpenApiRouter::default() }
    }

    /// Adds a question: `read` takes its parameters from the query, `answer` computes it from the
    /// market alone. An answer that is a list is offered as rows.
    pub(in crate::api) fn question<Q, T, R, A>(self, endpoint: Endpoint, read: R, answer: A) -> Self
    where
        Q: Send + 'static,
        T: Serialize + ToSchema + 'static,
        R: Fn(&mut ParamReader) -> Q + Send + Sync + 'static,
        A: Fn(&MarketView, &SourceOrder, &Q) -> Result<Answer<T>, QueryError> + Send + Sync + 'static,
    {
        self.status(endpoint, read, move |state, view, question| answer(view, &state.source_order, question))
    }

    /// Adds a question that is answered in words too; those fields of its answer that are `lists` hold
    /// the rows of the table.
    pub(in crate::api) fn words<Q, T, R, A>(self, endpoint: Endpoint, lists: &'static [&'static str], read: R, answer: A) -> Self
    where
        Q: Send + 'static,
        T: Serialize + ToSchema + 'static,
        R: Fn(&mut ParamReader) -> Q + Send + Sync + 'static,
        A: Fn(&MarketView, &SourceOrder, &Q) -> Result<Answer<T>, QueryError> + Send + Sync + 'static,
    {
        let document = openapi::Shape::words::<T>(lists);
        self.handler(endpoint, document, read, move |state, view, asked: &ParsedRequest<Q>| {
            Ok((answer(view, &state.source_order, &asked.question)?, None))
        })
    }

    /// Adds a question that is about the service as much as about the market.
    pub(in crate::api) fn status<Q, T, R, A>(self, endpoint: Endpoint, read: R, answer: A) -> Self
    where
        Q: Send + 'static,
        T: Serialize + ToSchema + 'static,
        R: Fn(&mut ParamReader) -> Q + Send + Sync + 'static,
        A: Fn(&AppState, &MarketView, &Q) -> Result<Answer<T>, QueryError> + Send + Sync + 'static,
    {
        let document = openapi::Shape::single::<T>();
        self.handler(endpoint, document, read, move |state, view, asked: &ParsedRequest<Q>| {
            Ok((answer(state, view, &asked.question)?, None))
        })
    }

    /// Adds a question whose answer is a list that is shown in pages of `limit` rows.
    pub(in crate::api) fn list<Q, Row, R, A>(self, endpoint: Endpoint, limit: u32, read: R, answer: A) -> Self
    where
        Q: Send + 'static,
        Row: Paged<Q> + Serialize + 'static,
        Row::Position: Send + 'static,
        Vec<Row>: ToSchema,
        R: Fn(&mut ParamReader) -> Q + Send + Sync + 'static,
        A: Fn(&MarketView, &SourceOrder, &Q) -> Result<Answer<Vec<Row>>, QueryError> + Send + Sync + 'static,
    {
        let document = openapi::Shape::pages::<Vec<Row>>();
        let read = move |query: &mut ParamReader| Page::read(query, endpoint.path, limit, &read);
        self.handler(endpoint, document, read, move |state, view, asked: &ParsedRequest<(Q, Page<Row::Position>)>| {
            let (question, page) = &asked.question;
            let mut last = None;
            let answer = answer(view, &state.source_order, question)?.map(|rows| {
                let (rows, position) = page.slice(question, rows);
                last = position;
                rows
            });
            Ok((answer, Some(page.links(&asked.path(), view.as_of(), last.as_ref())?)))
        })
    }

    /// Adds the single liquidation orders, the one list that is not in memory.
    pub(in crate::api) fn orders(mut self, endpoint: Endpoint) -> Self {
        let shape = openapi::Shape::pages::<Vec<LiquidationOrderRow>>();
        let reader = Arc::new(RequestReader::new(endpoint, &shape));
        let entry = self.entry(&endpoint, shape, &liquidation_orders::read);
        let route = get(move |State(state): State<AppState>, request: Request| {
            let reader = Arc::clone(&reader);
            async move { liquidation_orders::answer(&reader, &state, request).await.unwrap_or_else(|error| error.to_response()) }
        });
        self.router = self.router.routes((entry.schemas, entry.paths, route));
        self
    }

    /// Adds the one endpoint that writes.
    pub(in crate::api) fn pushes(mut self) -> Self {
        let entry = push::entry(self.prefix);
        self.router = self.router.routes((entry.schemas, entry.paths, post(push::push)));
        self
    }

    /// The routes and their document.
    pub(in crate::api) fn into_router(self) -> OpenApiRouter<AppState> {
        self.router
    }

    fn handler<Q, T, R, A>(mut self, endpoint: Endpoint, shape: openapi::Shape, read: R, answer: A) -> Self
    where
        Q: Send + 'static,
        T: Serialize + 'static,
        R: Fn(&mut ParamReader) -> Q + Send + Sync + 'static,
        A: Fn(&AppState, &MarketView, &ParsedRequest<Q>) -> Result<(Answer<T>, Option<Links>), ApiError> + Send + Sync + 'static,
    {
        let reader = RequestReader::new(endpoint, &shape);
        let entry = self.entry(&endpoint, shape, &read);
        let handler = Arc::new((reader, read, answer));
        let route = get(move |State(state): State<AppState>, request: Request| {
            let handler = Arc::clone(&handler);
            async move {
                let (reader, read, answer) = &*handler;
                reader.answer(&state, request, read, answer).await.unwrap_or_else(|error| error.to_response())
            }
        });
        self.router = self.router.routes((entry.schemas, entry.paths, route));
        self
    }

    fn entry<Q>(&self, endpoint: &Endpoint, shape: openapi::Shape, read: &impl Fn(&mut ParamReader) -> Q) -> openapi::Entry {
        let mut sheet = ParamReader::for_docs();
        read(&mut sheet);
        CommonParams::read(&mut sheet, Now::NEVER, &HeaderMap::new(), shape.offer);
        openapi::entry(self.prefix, endpoint, sheet.into_docs(), shape)
    }
}
