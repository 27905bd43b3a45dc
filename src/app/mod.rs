//! Wiring: starts and stops the store, market, feeds and HTTP interface.
//!
//! A service listens before it has data. If the database is unreachable at the start, it retries:
//! meanwhile `/livez` succeeds and `/readyz` fails. An unusable address or schema ends it.

mod backfilling;
mod checking;
mod collecting;
mod demo;
mod failure;
mod health;
mod loading;
mod service;
mod signal;

use std::sync::Arc;

use crate::config::Config;
use crate::store::{self, ServeLock, Store, StoreError, StoreUrl};

pub use backfilling::backfills;
pub use checking::try_feeds;
pub use demo::Demo;
pub use failure::ServiceError;
pub use health::probe_livez;
pub use service::{Service, serve};
pub use signal::stop_on_signal;

/// Opens the store of the configuration and creates it if it does not exist.
///
/// # Errors
/// [`StoreError`] if the address is invalid or the database is unreachable.
pub async fn open_store(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    let url: StoreUrl = config.database_url.expose().parse()?;
    store::open(&url).await
}

/// Locks the store of the configuration if only one service may serve it: a SQLite file.
fn lock_store(config: &Config) -> Result<ServeLock, StoreError> {
    let url: StoreUrl = config.database_url.expose().parse()?;
    store::lock_for_serving(&url)
}
