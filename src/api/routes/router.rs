//! The one list of queries, and the router made of it.
//!
//! To add a query:
//! 1. In `metrics/<family>/` write the parameters, the answer and `impl Query for <Name>Query`.
//! 2. In `routes/<family>.rs` write `impl Endpoint for <Name>Query`: path, texts, examples and the function that reads its
//!    parameters from a [`ParamReader`](crate::api::params::reader::ParamReader). What it reads is what the OpenAPI document
//!    lists and what the service accepts. A parameter of its own is a `const`
//!    [`Parameter`](crate::api::params::parameter::Parameter) or [`Choice`](crate::api::params::parameter::Choice) beside it.
//!    `as_of`, `format`, `time_format` and `sources` are read for every query. If rows come in pages, `impl ListEndpoint` too; the
//!    rows are sorted by the position that their [`Paged`](crate::metrics::Paged) gives.
//! 3. Add a line to [`QUERIES`].
//! 4. Run `cargo test --test it http_openapi::write_the_examples -- --ignored`, then the same with `write_the_document`, and
//!    commit `openapi/`: the examples are answers of the demo.
//!
//! Formats, caching, validators, compression, problems, documentation, benches and property tests follow from that.

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::http::middleware::middleware;
use crate::api::http::{docs_pages, health};
use crate::api::params::parameter::clip;
use crate::api::response::problem::ApiError;
use crate::api::routes::endpoint::{Entry, entry, liquidation_orders, list};
use crate::api::routes::liquidations::LIQUIDATION_ORDERS;
use crate::api::state::AppState;
use crate::api::{openapi, push};
use crate::domain::did_you_mean;
use crate::metrics::{
    BreadthQuery, BriefingQuery, CatalogueQuery, CheckQuery, CompareQuery, CorrelationQuery, CorrelationSeriesQuery,
    CrossAssetQuery, DrawdownEpisodesQuery, DrawdownQuery, DrawdownSeriesQuery, EtfFlowsQuery, EtfFlowsSeriesQuery,
    EtfFundsQuery, FundingQuery, LiquidationCascadesQuery, LiquidationDaysQuery, LiquidationsQuery, LiquidationsSeriesQuery,
    LiquidityQuery, MarketCapQuery, OpenInterestQuery, OptionsQuery, PriceQuery, RevisionsQuery, SafeHavenQuery, SeriesRowsQuery,
    SourcesQuery, StressQuery, StressSeriesQuery, VolatilityQuery,
};

/// Prefix of the present version of the contract. The same queries answer without it.
const PREFIX: &str = "/v1";

/// All queries, in the order of the document.
const QUERIES: &[Entry] = &[
    entry::<PriceQuery>(),
    entry::<DrawdownQuery>(),
    entry::<DrawdownSeriesQuery>(),
    list::<DrawdownEpisodesQuery>(),
    entry::<MarketCapQuery>(),
    entry::<LiquidationsQuery>(),
    entry::<LiquidationsSeriesQuery>(),
    list::<LiquidationDaysQuery>(),
    liquidation_orders(LIQUIDATION_ORDERS),
    entry::<EtfFlowsQuery>(),
    entry::<EtfFlowsSeriesQuery>(),
    entry::<EtfFundsQuery>(),
    entry::<OpenInterestQuery>(),
    entry::<FundingQuery>(),
    entry::<VolatilityQuery>(),
    entry::<LiquidityQuery>(),
    entry::<BreadthQuery>(),
    list::<LiquidationCascadesQuery>(),
    list::<CatalogueQuery>(),
    list::<SeriesRowsQuery>(),
    list::<RevisionsQuery>(),
    entry::<SourcesQuery>(),
    entry::<StressQuery>(),
    entry::<StressSeriesQuery>(),
    entry::<CorrelationQuery>(),
    entry::<CorrelationSeriesQuery>(),
    entry::<SafeHavenQuery>(),
    entry::<CrossAssetQuery>(),
    entry::<OptionsQuery>(),
    entry::<BriefingQuery>(),
    entry::<CompareQuery>(),
    entry::<CheckQuery>(),
];

/// All queries of the service.
#[must_use]
pub const fn queries() -> &'static [Entry] {
    QUERIES
}

/// Every query and the push, under a prefix.
fn under(prefix: &str) -> OpenApiRouter<AppState> {
    let add = |router: OpenApiRouter<AppState>, query: &Entry| {
        let (document, route) = query.under(prefix);
        router.routes((document.schemas, document.paths, route))
    };
    let push = push::entry(prefix);
    QUERIES.iter().fold(OpenApiRouter::default(), add).routes((push.schemas, push.paths, post(push::push)))
}

/// Health checks and metrics, for machines.
fn health_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(health::livez)).routes(routes!(health::readyz)).routes(routes!(health::metrics))
}

/// The service, ready to be served. The address of the peer is taken from `ConnectInfo`, which
/// [`serve`](crate::api::serve) provides.
pub fn router(state: AppState) -> Router {
    router_with(state, Router::new())
}

/// The service with further routes behind the same middleware, as tests need them.
pub fn router_with(state: AppState, further: Router<AppState>) -> Router {
    let (documented, paths) = documented();
    let (unprefixed, _) = under("").split_for_parts();
    let document = openapi::document(paths);
    let known: Vec<String> = document.paths.paths.keys().cloned().collect();
    documented
        .merge(unprefixed)
        .merge(docs_pages::pages(&document))
        .merge(further)
        .fallback(move |request: Request| async move { unknown_path(&request, &known) })
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(state.clone(), middleware))
        .with_state(state)
}

/// The OpenAPI document of the service.
#[must_use]
pub fn document() -> OpenApi {
    openapi::document(documented().1)
}

fn documented() -> (Router<AppState>, OpenApi) {
    under(PREFIX).merge(health_routes()).split_for_parts()
}

fn unknown_path(request: &Request, known: &[String]) -> ApiError {
    let path = clip(request.uri().path());
    let hint = did_you_mean(&path, known.iter().map(String::as_str));
    ApiError::UnknownPath { path, hint }
}

async fn method_not_allowed(request: Request) -> ApiError {
    ApiError::MethodNotAllowed { method: request.method().to_string() }
}
