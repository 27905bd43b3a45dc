use futures_util::future::join_all;

use crate::app::ServiceError;
use crate::domain::Clock;
use crate::ingest::{Entry, HttpClient, IngestConfig, ProbeResult, ProbeTimeouts, probe_feed};

/// Tries each feed once, all of them side by side, and records nothing.
///
/// # Errors
/// [`ServiceError::Client`] when the HTTP client of the feeds cannot be made.
pub async fn try_feeds(
    config: &IngestConfig,
    entries: &[Entry],
    clock: &dyn Clock,
    patience: ProbeTimeouts,
) -> Result<Vec<ProbeResult>, ServiceError> {
    let http = HttpClient::new(&config.http())?;
    Ok(join_all(entries.iter().map(|entry| probe_feed(entry, &http, clock.now(), patience))).await)
}
