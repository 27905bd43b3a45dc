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

/// The service with the bundled scenario in a store that is gone when it ends.
#[derive(Debug)]
pub struct Demo {
    service: Service,
    key: Token,
    /// Holds the store; removed when dropped.
    folder: TempDir,
}

impl Demo {
    /// Takes the address and stores the scenario, and a key to push more rows in with. The clock stands
    /// still at `now`, so answers stay the same; feeds are off.
    ///
    /// # Errors
    /// [`ServiceError`] when it cannot listen, or there is no room for the store.
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

    /// The address it answers on.
    ///
    /// # Errors
    /// When the listener was lost.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.service.address()
    }

    /// The key with which rows may be pushed in.
    #[must_use]
    pub const fn key(&self) -> &Token {
        &self.key
    }

    /// Answers until `stop` is cancelled.
    ///
    /// # Errors
    /// [`ServiceError`] when the store was taken away, or the listener fails.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServiceError> {
        let served = Box::pin(self.service.run(stop)).await;
        self.folder.close()?;
        served
    }
}
