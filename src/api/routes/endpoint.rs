//! The half of a query that speaks HTTP: path, texts and parameters. One [`Entry`] a query drives the router, the OpenAPI
//! document, benches and tests.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::openapi::{self, Shape};
use crate::api::params::as_of::Now;
use crate::api::params::page::Page;
use crate::api::params::reader::ParamReader;
use crate::api::response::problem::ApiError;
use crate::api::response::render;
use crate::api::routes::handler::{CommonParams, RequestReader};
use crate::api::routes::liquidation_orders;
use crate::api::state::AppState;
use crate::metrics::{Answer, Context, LiquidationOrderRow, Paged, Query, QueryError, QueryId};

/// Name and texts of an endpoint.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Spec {
    /// Path without the prefix, such as `/drawdown/series`.
    pub path: &'static str,
    /// Name in generated clients, such as `get_drawdown_series`.
    pub operation: &'static str,
    /// Group in the document.
    pub tag: &'static str,
    /// The answer in a line.
    pub summary: &'static str,
    /// Notes on the answer; markdown.
    pub about: &'static str,
    /// Section of `docs/METHODOLOGY.md` with the formulas.
    pub section: &'static str,
    /// Query strings that the demo can answer, for documents, benches and tests. The first has no more than it needs.
    /// Parameters of the path are written like the others.
    pub examples: &'static [&'static str],
}

/// A query with an endpoint.
pub(in crate::api) trait Endpoint: Query {
    /// Path and texts.
    const SPEC: Spec;

    /// Reads the parameters. What it reads is what the document lists and what the service accepts.
    fn read(params: &mut ParamReader) -> Self::Params;

    /// Formats and schema of the answers.
    fn shape() -> Shape {
        Shape::single::<Self::Answer>()
    }
}

/// A query whose rows come in pages.
pub(in crate::api) trait ListEndpoint: Endpoint + Query<Answer = Vec<Self::Row>> {
    /// One row.
    type Row: Paged<Self::Params> + Serialize;
    /// Rows on a page if the request names no limit.
    const LIMIT: u32;
}

/// A query with its parameters, to be computed on any market: the form in which benches and tests hold one.
pub trait Question: Send + Sync {
    /// Name and parameters.
    fn id(&self) -> QueryId;

    /// Computes the answer and drops it.
    ///
    /// # Errors
    /// As the query.
    fn compute(&self, cx: &Context<'_>) -> Result<(), QueryError>;

    /// Computes the answer as JSON: `data`, `meta`, `sources`, `warnings`.
    ///
    /// # Errors
    /// As the query.
    fn json(&self, cx: &Context<'_>) -> Result<Vec<u8>, QueryError>;
}

struct Parsed<Q: Query>(Q::Params);

impl<Q: Query> Question for Parsed<Q> {
    fn id(&self) -> QueryId {
        Q::id(&self.0)
    }

    fn compute(&self, cx: &Context<'_>) -> Result<(), QueryError> {
        Q::answer(&self.0, cx).map(|answer| drop(std::hint::black_box(answer)))
    }

    fn json(&self, cx: &Context<'_>) -> Result<Vec<u8>, QueryError> {
        Ok(render::json(&Q::answer(&self.0, cx)?).unwrap_or_default())
    }
}

/// Reads the parameters of a query whose type is not known any more.
type Parse = fn(&mut ParamReader) -> Box<dyn Question>;

/// One line of the list of queries.
#[derive(Clone, Copy)]
pub struct Entry {
    pub(in crate::api) spec: Spec,
    name: &'static str,
    is_list: bool,
    shape: fn() -> Shape,
    declare: fn(&mut ParamReader),
    parse: Option<Parse>,
    route: fn(Arc<RequestReader>) -> MethodRouter<AppState>,
}

/// The entry of a query.
pub(in crate::api) const fn entry<Q: Endpoint>() -> Entry {
    Entry {
        spec: Q::SPEC,
        name: Q::NAME,
        is_list: false,
        shape: Q::shape,
        declare: |params| drop(Q::read(params)),
        parse: Some(|params| Box::new(Parsed::<Q>(Q::read(params)))),
        route: |reader| get(move |State(state), request| respond::<Q>(Arc::clone(&reader), state, request)),
    }
}

/// The entry of a query whose rows come in pages.
pub(in crate::api) const fn list<Q: ListEndpoint>() -> Entry
where
    Vec<Q::Row>: ToSchema,
    <Q::Row as Paged<Q::Params>>::Position: Send + Sync,
{
    Entry {
        is_list: true,
        shape: Shape::pages::<Vec<Q::Row>>,
        declare: |params| drop(read_page::<Q>(params)),
        route: |reader| get(move |State(state), request| respond_page::<Q>(Arc::clone(&reader), state, request)),
        ..entry::<Q>()
    }
}

/// The entry of the single liquidation orders, the one list that is read from the store.
pub(in crate::api) const fn liquidation_orders(spec: Spec) -> Entry {
    Entry {
        spec,
        name: liquidation_orders::NAME,
        is_list: true,
        shape: Shape::pages::<Vec<LiquidationOrderRow>>,
        declare: |params| drop(liquidation_orders::read(params)),
        parse: None,
        route: |reader| {
            get(move |State(state): State<AppState>, request: Request| {
                let reader = Arc::clone(&reader);
                async move { liquidation_orders::answer(&reader, &state, request).await.unwrap_or_else(|error| error.to_response()) }
            })
        },
    }
}

impl Entry {
    /// Path without the prefix.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.spec.path
    }

    /// Stable name of the query.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// True if the rows come in pages.
    #[must_use]
    pub const fn is_list(&self) -> bool {
        self.is_list
    }

    /// Query strings that the demo can answer; parameters of the path are written like the others.
    #[must_use]
    pub const fn examples(&self) -> &'static [&'static str] {
        self.spec.examples
    }

    /// The query of a query string without `as_of` and format; `None` for the query that is read from the store.
    ///
    /// # Errors
    /// The rejected parameters in words.
    pub fn question(&self, query_string: &str) -> Result<Option<Box<dyn Question>>, String> {
        let Some(parse) = self.parse else { return Ok(None) };
        let mut params = ParamReader::new(vec![], Some(query_string));
        let question = parse(&mut params);
        params.finish().map_err(|error| error.to_string())?;
        Ok(Some(question))
    }

    /// The route and its operation in the document, under a prefix.
    pub(in crate::api) fn under(&self, prefix: &str) -> (openapi::Entry, MethodRouter<AppState>) {
        let shape = (self.shape)();
        let mut params = ParamReader::for_docs();
        (self.declare)(&mut params);
        CommonParams::read(&mut params, Now::NEVER, &HeaderMap::new(), shape.offer);
        let reader = Arc::new(RequestReader::new(self.spec, &shape));
        (openapi::entry(prefix, &self.spec, params.into_docs(), shape), (self.route)(reader))
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

async fn respond<Q: Endpoint>(reader: Arc<RequestReader>, state: AppState, request: Request) -> Response {
    let compute = |params: &Q::Params, cx: &Context<'_>, _: &str| Ok((Q::answer(params, cx)?, None));
    reader.answer::<Q, _, _>(&state, request, Q::read, |params| params, compute).await
}

async fn respond_page<Q: ListEndpoint>(reader: Arc<RequestReader>, state: AppState, request: Request) -> Response
where
    <Q::Row as Paged<Q::Params>>::Position: Send + Sync,
{
    let compute = |(params, page): &PageOf<Q>, cx: &Context<'_>, path: &str| -> Result<(Answer<Vec<Q::Row>>, _), ApiError> {
        let mut last = None;
        let answer = Q::answer(params, cx)?.map(|rows| {
            let (rows, position) = page.slice(params, rows);
            last = position;
            rows
        });
        Ok((answer, Some(page.links(path, cx.view.as_of(), last.as_ref())?)))
    };
    reader.answer::<Q, _, _>(&state, request, read_page::<Q>, |(params, _)| params, compute).await
}

type PageOf<Q> = (<Q as Query>::Params, Page<<<Q as ListEndpoint>::Row as Paged<<Q as Query>::Params>>::Position>);

fn read_page<Q: ListEndpoint>(params: &mut ParamReader) -> PageOf<Q> {
    Page::read(params, Q::SPEC.path, Q::LIMIT, Q::read)
}
