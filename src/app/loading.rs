use std::sync::Arc;
use std::time::Duration;

use crate::app::open_store;
use crate::config::Config;
use crate::market::{self, Market};
use crate::store::{Store, StoreError};

/// Wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Maximum wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Opens the store and loads the market; waits as long as the database is unreachable.
///
/// # Errors
/// [`StoreError`] if a retry cannot help.
pub(super) async fn retry_until_loaded(config: &Config) -> Result<(Arc<dyn Store>, Market), StoreError> {
    let mut wait = FIRST_WAIT;
    loop {
        match load(config).await {
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::warn!(%error, database = %config.database_url, "waiting for the database; trying again in {wait:?}");
            }
            settled => return settled,
        }
        tokio::time::sleep(wait).await;
        wait = (2 * wait).min(LONGEST_WAIT);
    }
}

async fn load(config: &Config) -> Result<(Arc<dyn Store>, Market), StoreError> {
    let store = open_store(config).await?;
    let market = market::load(store.as_ref()).await?;
    Ok((store, market))
}
