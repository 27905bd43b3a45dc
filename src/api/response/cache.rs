//! Answers as they are sent, kept so that equal questions are computed, written and compressed once.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderValue;
use flate2::Compression;
use flate2::write::GzEncoder;
use moka::sync::Cache;

use crate::api::params::page::PageKey;
use crate::api::response::negotiation::Representation;
use crate::api::response::problem::ApiError;
use crate::domain::{Timestamp, Version};
use crate::metrics::QueryId;

/// Bodies under this many bytes gain too little to be compressed.
const COMPRESSED_FROM_BYTES: usize = 512;
/// How long an answer is kept. Questions without a fixed cutoff have another key every second.
const TIME_TO_LIVE: Duration = Duration::from_mins(1);

/// What makes two questions the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::api) struct CacheKey {
    /// The market that was asked.
    pub version: Version,
    /// The query with its parameters.
    pub query: QueryId,
    /// The page, where the answer is a list.
    pub page: Option<PageKey>,
    /// The cutoff.
    pub as_of: Timestamp,
    /// Whether the question named it; the answer says so.
    pub as_of_defaulted: bool,
    /// Since when rows may be missing; the answer says so.
    pub store_unreachable_since: Option<Timestamp>,
    /// How the answer is written.
    pub representation: Representation,
}

/// An answer with everything of its response that does not depend on the client.
#[derive(Debug)]
pub(in crate::api) struct CachedResponse {
    /// The body.
    pub plain: Bytes,
    /// The body compressed, where that is worth it.
    pub gzip: Option<Bytes>,
    /// `ETag`.
    pub etag: HeaderValue,
    /// `Cache-Control`.
    pub cache_control: HeaderValue,
    /// `Content-Type`.
    pub content_type: HeaderValue,
    /// `Link`, where there is a next page.
    pub link: Option<HeaderValue>,
}

/// The answers kept, bounded by the bytes they take.
#[derive(Debug, Clone)]
pub(in crate::api) struct ResponseCache(Cache<CacheKey, Arc<CachedResponse>>);

impl CachedResponse {
    fn weight(&self) -> usize {
        const OVERHEAD_BYTES: usize = 512;
        OVERHEAD_BYTES + self.plain.len() + self.gzip.as_ref().map_or(0, Bytes::len)
    }
}

impl ResponseCache {
    /// A cache that takes at most so many bytes.
    #[must_use]
    pub(in crate::api) fn new(most_bytes: u64) -> Self {
        let weigher = |_: &CacheKey, kept: &Arc<CachedResponse>| u32::try_from(kept.weight()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(most_bytes).weigher(weigher).time_to_live(TIME_TO_LIVE).build())
    }

    /// The answer kept under `key`, or the one `make` makes; questions asked at once wait for one
    /// making.
    ///
    /// # Errors
    /// What `make` fails with; failures are not kept.
    pub(in crate::api) fn get_or_compute(
        &self,
        key: &CacheKey,
        make: impl FnOnce() -> Result<CachedResponse, ApiError>,
    ) -> Result<Arc<CachedResponse>, Arc<ApiError>> {
        self.0.try_get_with_by_ref(key, || make().map(Arc::new))
    }

    /// How many answers are kept.
    #[must_use]
    pub(in crate::api) fn len(&self) -> u64 {
        self.0.entry_count()
    }
}

/// The body compressed, unless it is small.
#[must_use]
pub(in crate::api) fn compressed(plain: &[u8]) -> Option<Bytes> {
    if plain.len() < COMPRESSED_FROM_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::default());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}
