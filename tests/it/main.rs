//! Black-box and contract tests: both stores, the HTTP service, the command line.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where it stopped")]

mod as_of;
mod backfill;
mod collectors;
mod harness;
mod house;
mod http;
mod http_bad_input;
mod http_caching;
mod http_conduct;
mod http_formats;
mod http_openapi;
mod http_thin_data;
mod import;
mod ingest_faults;
mod ingest_payloads;
mod ingest_polling;
mod ingest_streaming;
mod kills;
mod properties;
mod real_data;
mod real_markets;
mod real_stress;
mod replay;
mod rust_paths;
mod scenario;
mod service;
mod sources_check;
mod store_contract;
mod store_failures;
mod story;
mod thin_worlds;
mod upstream;
mod walls;
