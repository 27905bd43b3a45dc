use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use crate::app;
use crate::cli::Failure;
use crate::cli::settings::Settings;
use crate::domain::{Clock, Source};

/// Settings of the service; each beats the environment and the file.
#[derive(Debug, Args, Serialize)]
pub(super) struct Serve {
    /// Address and port to listen on; 0.0.0.0 for every interface.
    #[arg(long, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Which source answers where several could, first to last, separated by commas.
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_order: Vec<Source>,
    /// How long a question may take, seconds.
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    request_timeout_seconds: Option<u64>,
    /// The largest request body that is read, bytes.
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    body_limit_bytes: Option<u64>,
    /// Requests a client address may send in a second in the long run; 0 for any number.
    #[arg(long, value_name = "REQUESTS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit_per_second: Option<u32>,
    /// Requests a client address may send at once.
    #[arg(long, value_name = "REQUESTS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit_burst: Option<u32>,
    /// Whether the client's address is the last one in X-Forwarded-For.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    behind_proxy: Option<bool>,
    /// The most requests answered at once.
    #[arg(long, value_name = "REQUESTS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_in_flight: Option<usize>,
    /// Memory for answers that are kept, bytes; 0 to keep none.
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_bytes: Option<u64>,
    /// How long open requests and feeds may take to finish at the end, seconds.
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    shutdown_grace_seconds: Option<u64>,
    /// Run no feeds: serve what the store holds and what others write into it.
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
