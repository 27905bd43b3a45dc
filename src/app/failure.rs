use std::net::SocketAddr;

use crate::ingest::FetchError;
use crate::keys::NoRandomness;
use crate::scenario::ScenarioError;
use crate::store::StoreError;

/// Why the service ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The store can never work as configured.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The demo's key cannot be drawn.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The bundled scenario is broken.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The HTTP client of the feeds cannot be made.
    #[error(transparent)]
    Client(#[from] FetchError),
    /// The listener failed while serving.
    #[error("the service cannot go on: {0}")]
    Serve(#[from] std::io::Error),
}
