//! Responses: representations, rendering, caching, validators and problems.

pub(in crate::api) mod cache;
pub(in crate::api) mod conditional;
pub(in crate::api) mod csv_columns;
pub(in crate::api) mod negotiation;
pub(in crate::api) mod problem;
pub(in crate::api) mod problem_code;
pub(in crate::api) mod render;
pub(in crate::api) mod request_memo;
