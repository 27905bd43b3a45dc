//! The one list of routes.
//!
//! To add a question:
//! 1. In `routes/<family>.rs` declare an [`Endpoint`](crate::api::routes::endpoint::Endpoint) (its path and
//!    words) and a function that reads its parameters from a [`ParamReader`](crate::api::params::reader::Query) into
//!    the question's struct. What that function reads is what the OpenAPI document lists and what the
//!    service accepts; a parameter of its own is a `const` [`Parameter`](crate::api::params::parameter::Parameter)
//!    or [`Choice`](crate::api::params::parameter::Choice) beside it. `as_of`, `format`, `time_format` and `sources` are
//!    read for every question.
//! 2. Add one line to [`questions`]: the endpoint, the reading function, and the function of
//!    `metrics` that answers `(&MarketView, &SourceOrder, &Question)` with `Result<Answer<T>, QueryError>`.
//!    A `T` that is a list is offered as rows (CSV with one line a row, NDJSON).
//! 3. Run `cargo test --test it http_openapi::write_the_examples -- --ignored`, then the same with
//!    `write_the_document`, and commit `openapi/`: the examples are what the demo answers.
//!
//! Formats, caching, validators, compression, problems and documentation follow from that.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::http::middleware::middleware;
use crate::api::http::{docs_pages, health};
use crate::api::openapi;
use crate::api::params::parameter::clip;
use crate::api::response::problem::ApiError;
use crate::api::routes::endpoint::Routes;
use crate::api::routes::{
    breadth, briefing, correlation, cross_asset, drawdown, etf_flows, funding, liquidations, liquidity, market_cap,
    open_interest, options, price, safe_haven, series, sources, stress, volatility,
};
use crate::api::state::AppState;
use crate::domain::did_you_mean;
use crate::metrics::{self, Caches};

/// The prefix of the present version of the contract. The same questions answer without it.
const PREFIX: &str = "/v1";

/// Every question, and the push, under a prefix.
fn questions(prefix: &'static str, caches: &Arc<Caches>) -> OpenApiRouter<AppState> {
    let of_regimes = Arc::clone(caches);
    let single = Routes::new(prefix)
        .question(price::PRICE, price::price, metrics::price)
        .question(drawdown::DRAWDOWN, drawdown::drawdown, metrics::drawdown)
        .question(drawdown::DRAWDOWN_SERIES, drawdown::drawdown_series, |view, order, (question, max_points)| {
            metrics::drawdown_series(view, order, question, *max_points)
        })
        .list(drawdown::DRAWDOWN_EPISODES, drawdown::EPISODES, drawdown::drawdown_episodes, metrics::drawdown_episodes)
        .question(market_cap::MARKET_CAP, market_cap::market_cap, metrics::market_cap)
        .question(liquidations::LIQUIDATIONS, liquidations::liquidations, metrics::liquidations)
        .question(liquidations::LIQUIDATIONS_SERIES, liquidations::liquidations_series, |view, order, (question, interval)| {
            metrics::liquidations_series(view, order, question, *interval)
        })
        .list(liquidations::LIQUIDATION_DAYS, liquidations::DAYS, liquidations::liquidation_days, metrics::liquidation_days)
        .orders(liquidations::LIQUIDATION_ORDERS)
        .question(etf_flows::ETF_FLOWS, etf_flows::etf_flows, metrics::etf_flows)
        .question(etf_flows::ETF_FLOWS_SERIES, etf_flows::etf_flows_series, |view, order, (question, weekly)| {
            metrics::etf_flows_series(view, order, question, *weekly)
        })
        .question(etf_flows::ETF_FUNDS, etf_flows::etf_funds, metrics::etf_funds)
        .question(open_interest::OPEN_INTEREST, open_interest::open_interest, metrics::open_interest)
        .question(funding::FUNDING, funding::funding, metrics::funding)
        .question(volatility::VOLATILITY, volatility::volatility, move |view, order, question| {
            metrics::volatility(view, order, &of_regimes.regimes, question)
        })
        .question(liquidity::LIQUIDITY, liquidity::liquidity, metrics::liquidity)
        .question(breadth::BREADTH, breadth::breadth, metrics::breadth)
        .list(liquidations::CASCADES, liquidations::CASCADE_ROWS, liquidations::cascades, metrics::liquidation_cascades)
        .list(series::CATALOGUE, series::SERIES, series::catalogue, |view, _, question| metrics::catalogue(view, question))
        .list(series::SERIES_ROWS, series::ROWS, series::rows, series::answer_rows)
        .list(series::REVISIONS, series::CORRECTIONS, series::revisions, |view, _, question| {
            Ok(metrics::revisions(view, question))
        })
        .status(sources::SOURCES, sources::sources, sources::answer_sources);
    summary_routes(cross_market_routes(single, caches), caches).pushes().into_router()
}

/// The questions that look at several markets at once.
fn cross_market_routes(routes: Routes, caches: &Arc<Caches>) -> Routes {
    let [of_now, of_days, of_chains, of_falls] = [(); 4].map(|()| Arc::clone(caches));
    routes
        .question(stress::STRESS, stress::stress, move |view, order, ()| metrics::stress(view, order, &of_now.stress))
        .question(stress::STRESS_SERIES, stress::stress_series, move |view, order, question| {
            metrics::stress_series(view, order, question, &of_days.stress)
        })
        .question(correlation::CORRELATION, correlation::correlation, metrics::correlation)
        .question(correlation::CORRELATION_SERIES, correlation::correlation_series, |view, order, (question, max_points)| {
            metrics::correlation_series(view, order, question, *max_points)
        })
        .question(safe_haven::SAFE_HAVEN, safe_haven::safe_haven, move |view, order, question| {
            metrics::safe_haven(view, order, &of_falls.havens, question)
        })
        .question(cross_asset::CROSS_ASSET, cross_asset::cross_asset, metrics::cross_asset)
        .question(options::OPTIONS, options::options, move |view, order, question| {
            metrics::options(view, order, &of_chains.premiums, question)
        })
}

/// The questions that gather the figures of all others.
fn summary_routes(routes: Routes, caches: &Arc<Caches>) -> Routes {
    let (told, compared, checked) = (Arc::clone(caches), Arc::clone(caches), Arc::clone(caches));
    routes
        .words(briefing::BRIEFING, &briefing::ROWS, briefing::briefing, move |view, order, question| {
            metrics::briefing(view, order, &told, question)
        })
        .question(briefing::COMPARE, briefing::compare, move |view, order, question| {
            metrics::compare(view, order, &compared, question)
        })
        .question(briefing::CHECK, briefing::check, move |view, order, question| metrics::check(view, order, &checked, question))
}

/// Signs of life, for machines.
fn health_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(health::livez)).routes(routes!(health::readyz)).routes(routes!(health::metrics))
}

/// The service, ready to be served. The address of the peer is taken from `ConnectInfo`, which
/// [`serve`](crate::api::serve) provides.
pub fn router(state: AppState) -> Router {
    router_with(state, Router::new())
}

/// The service with further routes under the same conduct, as tests need them.
pub fn router_with(state: AppState, further: Router<AppState>) -> Router {
    let (documented, paths) = documented(&state.caches);
    let (unprefixed, _) = questions("", &state.caches).split_for_parts();
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
    openapi::document(documented(&Arc::default()).1)
}

fn documented(caches: &Arc<Caches>) -> (Router<AppState>, OpenApi) {
    questions(PREFIX, caches).merge(health_routes()).split_for_parts()
}

fn unknown_path(request: &Request, known: &[String]) -> ApiError {
    let path = clip(request.uri().path());
    let hint = did_you_mean(&path, known.iter().map(String::as_str));
    ApiError::UnknownPath { path, hint }
}

async fn method_not_allowed(request: Request) -> ApiError {
    ApiError::MethodNotAllowed { method: request.method().to_string() }
}
