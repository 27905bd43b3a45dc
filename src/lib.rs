//! market-stress: how much stress the crypto market is under, how we know, and what was known when.
//!
//! One crate, one folder per room. `docs/ARCHITECTURE.md` lists the allowed dependencies; a test checks them.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod files;
pub mod ingest;
pub mod keys;
pub mod market;
pub mod metrics;
pub mod scenario;
pub mod stats;
pub mod store;
pub mod telemetry;
