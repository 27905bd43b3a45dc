//! Black-box and contract tests: both stores, the HTTP service, the command line.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it stopped")]

mod house;
mod rust_paths;
mod walls;
