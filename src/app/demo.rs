use std::net::SocketAddr;
use std::sync::Arc;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::app::{Service, ServiceError, open_store};
use crate::config::{Config, DatabaseUrl};
use crate::domain::{ApiKey, Clock, FixedClock, Timestamp};
use crate::keys::Token;
use crate::scenario;
use crate::store::OnRefusal;

/// Service with the bundled scenario in a temporary store.
#[derive(Debug)]
pub struct Demo {
    service: Service,
    key: Token,
    /// Folder of the store; removed when dropped.
    folder: TempDir,
}

impl Demo {
    /// Binds the address and stores the scenario and an API key for pushing further rows. The clock is
    /// fixed at `now`, so answers stay the same; feeds are off.
    ///
    /// # Errors
    /// [`ServiceError`] if it cannot listen, or the store cannot be written.
    pub async fn prepare(mut config: Config, now: Timestamp) -> Result<Self, ServiceError> {
        let folder = tempfile::tempdir()?;
        config.database_url = DatabaseUrl::new(format!("sqlite://{}", folder.path().join("demo.db").display()));
        config.ingest.enabled = false;
        let clock = Arc::new(FixedClock::new(now));
        let service = Service::listen(config.clone(), Arc::clone(&clock) as Arc<dyn Clock>)?;
        let store = open_store(&config).await?;
        for source in scenario::sources()? {
            store.put_source(&source).await?;
        }
        for batch in scenario::batches()? {
            store.append(&batch, now, OnRefusal::Abort).await?;
        }
        let key = Token::draw()?;
        store.put_key(&ApiKey::new(key.id().clone(), "demo", key.digest(), now)).await?;
        Ok(Self { service, key, folder })
    }

    /// Returns the address it serves.
    ///
    /// # Errors
    /// If the listener was lost.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.service.address()
    }

    /// Returns the API key for pushing rows.
    #[must_use]
    pub const fn key(&self) -> &Token {
        &self.key
    }

    /// Serves until `stop` is cancelled.
    ///
    /// # Errors
    /// [`ServiceError`] if the store was removed, or the listener fails.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServiceError> {
        let served = Box::pin(self.service.run(stop)).await;
        self.folder.close()?;
        served
    }
}
