use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use crate::app;
use crate::cli::Failure;
use crate::cli::settings::Settings;
use crate::domain::{Clock, Source};

/// Settings of the service; they take precedence over the environment and the file.
#[derive(Debug, Args, Serialize)]
pub(super) struct Serve {
    /// Address and port to listen on; 0.0.0.0 for every interface.
    #[arg(long, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Order of preference of sources, separated by commas; the first that has data is used.
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_order: Vec<Source>,
    /// Time limit of a query, seconds.
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    request_timeout_seconds: Option<u64>,
    /// Maximum size of a request body, bytes.
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    body_limit_bytes: Option<u64>,
    /// Sustained rate limit of a client address, requests a second; 0 for no limit.
    #[arg(long, value_name = "REQUESTS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit_per_second: Option<u32>,
    /// Burst limit of a client address, requests.
    #[arg(long, value_name = "REQUESTS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit_burst: Option<u32>,
    /// The client's address is the last one in X-Forwarded-For.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    behind_proxy: Option<bool>,
    /// Maximum number of concurrent requests.
    #[arg(long, value_name = "REQUESTS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_in_flight: Option<usize>,
    /// Size of the response cache, bytes; 0 for no cache.
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_bytes: Option<u64>,
    /// Time limit for open requests and feeds to finish on shutdown, seconds.
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_grace_seconds: Option<u64>,
    /// Run no feeds: serve the rows that other processes write into the store.
    #[arg(long)]
    #[serde(skip)]
    no_feeds: bool,
}

impl Serve {
    pub(super) async fn run(&self, settings: &Settings, clock: Arc<dyn Clock>) -> Result<(), Failure> {
        let mut config = settings.load_with(self)?;
        if self.no_feeds {
            config.ingest.enabled = false;
        }
        let stop = app::stop_on_signal().map_err(Failure::Runtime)?;
        Ok(app::serve(config, clock, stop).await?)
    }
}
