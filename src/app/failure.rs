use std::net::SocketAddr;

use crate::ingest::FetchError;
use crate::keys::NoRandomness;
use crate::scenario::ScenarioError;
use crate::store::StoreError;

/// Reason why the service stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address is in use or not local.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// Address.
        address: SocketAddr,
        /// Cause.
        source: std::io::Error,
    },
    /// The store cannot work as configured.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The demo's key cannot be created.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The bundled scenario is broken.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The HTTP client of the feeds cannot be created.
    #[error(transparent)]
    Client(#[from] FetchError),
    /// The listener failed while serving.
    #[error("the service stopped: {0}")]
    Serve(#[from] std::io::Error),
}
