//! The HTTP interface: routes, parameters, envelope, formats, problems, caching, limits, pages.
//!
//! Owns everything a client sees on the wire. It computes no metric and writes no SQL. Every route
//! is in [`router`](self::router()); how to add one stands at the top of `router.rs`.

mod http;
mod openapi;
mod params;
mod push;
mod response;
mod routes;
mod state;

pub use http::rate_limit::Quota;
pub use http::serve::{serve, serve_router};
pub use http::starting::wait;
pub use push::{RowStatus, RowVerdict};
pub use response::problem::{ParameterProblem, Problem};
pub use response::problem_code::ProblemCode;
pub use routes::endpoint::{Entry, Question};
pub use routes::router::{document, queries, router, router_with};
pub use state::{AppState, Settings, Shared};
