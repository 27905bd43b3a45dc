use futures_util::future::join_all;

use crate::app::ServiceError;
use crate::domain::Clock;
use crate::ingest::{Entry, HttpClient, IngestConfig, ProbeResult, ProbeTimeouts, probe_feed};

/// Polls each feed once, all of them concurrently, and records nothing.
///
/// # Errors
/// [`ServiceError::Client`] if the HTTP client of the feeds cannot be created.
pub async fn try_feeds(
    config: &IngestConfig,
    entries: &[Entry],
    clock: &dyn Clock,
    timeouts: ProbeTimeouts,
) -> Result<Vec<ProbeResult>, ServiceError> {
    let http = HttpClient::new(&config.http())?;
    Ok(join_all(entries.iter().map(|entry| probe_feed(entry, &http, clock.now(), timeouts))).await)
}
