//! The wiring: store, market, feeds and HTTP interface put together, started and stopped.

use std::sync::Arc;

use crate::config::Config;
use crate::store::{self, Store, StoreError, StoreUrl};

/// Opens the store of the configuration; a new one is made ready for use.
///
/// # Errors
/// [`StoreError`] when the address makes no sense or the database is away.
pub async fn open_store(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    let url: StoreUrl = config.database_url.expose().parse()?;
    store::open(&url).await
}
