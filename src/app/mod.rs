//! The wiring: store, market, feeds and HTTP interface put together, started and stopped.
//!
//! A service listens before it has data. While the database is away at the start it tries again and
//! again, `/livez` answers and `/readyz` is red; an address or a schema that can never work ends it.

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

/// Opens the store of the configuration; a new one is made ready for use.
///
/// # Errors
/// [`StoreError`] when the address makes no sense or the database is away.
pub async fn open_store(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    let url: StoreUrl = config.database_url.expose().parse()?;
    store::open(&url).await
}

/// Keeps other services off the store of the configuration where one may serve it: a SQLite file.
fn lock_store(config: &Config) -> Result<ServeLock, StoreError> {
    let url: StoreUrl = config.database_url.expose().parse()?;
    store::lock_for_serving(&url)
}
