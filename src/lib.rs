//! market-stress: how much stress the crypto market is under, how we know, and what was known when.
//!
//! One crate, one room per folder; `docs/ARCHITECTURE.md` draws who may know whom, and a test guards it.

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
