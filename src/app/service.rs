use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::{self, AppState, Quota, Settings};
use crate::app::collecting::FeedRunner;
use crate::app::{ServiceError, loading, lock_store};
use crate::config::Config;
use crate::domain::{Clock, StatusBoard};
use crate::market::{Market, Publisher, follow};
use crate::metrics::SourceOrder;
use crate::store::Store;

/// Time limit for responses sent while loading, once the service is ready.
const HANDOVER: Duration = Duration::from_secs(1);

/// A service that listens and has no data yet.
#[derive(Debug)]
pub struct Service {
    config: Config,
    clock: Arc<dyn Clock>,
    listener: std::net::TcpListener,
}

/// Runs the service of the configuration until `stop` is cancelled.
///
/// # Errors
/// [`ServiceError`] if it cannot listen, or its store cannot work as configured.
pub async fn serve(config: Config, clock: Arc<dyn Clock>, stop: CancellationToken) -> Result<(), ServiceError> {
    Box::pin(Service::listen(config, clock)?.run(stop)).await
}

impl Service {
    /// Binds the address that it will serve.
    ///
    /// # Errors
    /// [`ServiceError::Listen`] if the address is in use or not local.
    pub fn listen(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let address = config.listen;
        let listener = bind(address).map_err(|source| ServiceError::Listen { address, source })?;
        Ok(Self { config, clock, listener })
    }

    /// Returns the address it serves, with the port chosen by the system if the configuration has port 0.
    ///
    /// # Errors
    /// If the listener was lost.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Loads the data, starts the feeds and serves until `stop` is cancelled.
    ///
    /// # Errors
    /// [`ServiceError`] if the store cannot work as configured or another service has locked it, or if the
    /// listener fails.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServiceError> {
        let address = self.address()?;
        let _lock = lock_store(&self.config)?;
        tracing::info!(%address, database = %self.config.database_url, "listening; loading the data");
        let Some((store, market)) = Box::pin(self.load(&stop)).await? else { return Ok(()) };
        let publisher = Arc::new(Publisher::new(market));
        let board = Arc::new(StatusBoard::new());
        let (clock, feeds) = (Arc::clone(&self.clock), Arc::clone(&board));
        let collecting = FeedRunner::new(&self.config, Arc::clone(&store), Arc::clone(&publisher), clock, feeds)?;
        let collecting = tokio::spawn(collecting.run(stop.clone()));
        let following = tokio::spawn(follow(Arc::clone(&store), Arc::clone(&publisher), Arc::clone(&self.clock)));
        let order = SourceOrder::new(self.config.source_order.clone());
        let state = AppState::new(publisher, store, self.clock, order, board, settings(&self.config));
        tracing::info!(%address, "ready");
        let listener = TcpListener::from_std(self.listener)?;
        let served = api::serve(listener, state, stop.clone()).await;
        stop.cancel();
        following.abort();
        // The feed runner waits for its feeds and no longer; a task that panicked needs no wait.
        let _ = collecting.await;
        tracing::info!("stopped");
        Ok(served?)
    }

    /// Loads the data while a copy of the listener answers that the service is starting. `None` if it
    /// was stopped before.
    async fn load(&self, stop: &CancellationToken) -> Result<Option<(Arc<dyn Store>, Market)>, ServiceError> {
        let loaded = stop.child_token();
        let listener = TcpListener::from_std(self.listener.try_clone()?)?;
        let waiting = tokio::spawn(api::wait(listener, loaded.clone()));
        let loading = stop.run_until_cancelled(loading::retry_until_loaded(&self.config)).await.transpose();
        loaded.cancel();
        // A client that never finishes its request must not delay the service.
        let _ = tokio::time::timeout(HANDOVER, waiting).await;
        Ok(loading?)
    }
}

fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn settings(config: &Config) -> Settings {
    let allowance = |burst, per_second| (per_second > 0).then_some(Quota { burst, per_second });
    Settings {
        request_timeout: config.request_timeout(),
        body_limit_bytes: config.body_limit_bytes,
        allowance: allowance(config.rate_limit_burst, config.rate_limit_per_second),
        push_rows: config.push_rows,
        push_allowance: allowance(config.push_rate_limit_burst, config.push_rate_limit_per_second),
        behind_proxy: config.behind_proxy,
        max_in_flight: config.max_in_flight,
        cache_bytes: config.cache_bytes,
        shutdown_grace: config.shutdown_grace(),
    }
}
