//! The HTTP interface: routes, parameters, envelope, formats, problems, caching, limits, pages.
//!
//! Owns everything a client sees on the wire. It computes no metric and writes no SQL. Every route
//! is in [`router`](self::router()); how to add one stands at the top of `router.rs`.

mod allowance;
mod asked;
mod columns;
mod conditional;
mod conduct;
mod cutoff;
mod endpoint;
mod health;
mod kept;
mod negotiation;
mod openapi;
mod orders;
mod page;
mod pages;
mod parameter;
mod problem;
mod problem_code;
mod push;
mod query;
mod render;
mod repeated;
mod router;
mod routes;
mod serve;
mod state;
mod telemetry;
mod waiting;

pub use allowance::Allowance;
pub use problem::{ParameterProblem, Problem};
pub use problem_code::ProblemCode;
pub use push::{Fate, RowVerdict};
pub use router::{document, router, router_with};
pub use serve::{serve, serve_router};
pub use state::{AppState, Settings, Shared};
pub use waiting::wait;
