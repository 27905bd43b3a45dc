//! The HTTP service around the queries: middleware, limits, telemetry, health, documentation pages, serving.

pub(in crate::api) mod compute;
pub(in crate::api) mod docs_pages;
pub(in crate::api) mod health;
pub(in crate::api) mod middleware;
pub(in crate::api) mod rate_limit;
pub(in crate::api) mod serve;
pub(in crate::api) mod starting;
pub(in crate::api) mod telemetry;
