//! Responses as they are sent, cached so that equal queries are computed and rendered once.

use std::collections::HashMap;
use std::future::Future;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderValue;
use flate2::Compression;
use flate2::write::GzEncoder;
use moka::sync::Cache;
use tokio::sync::watch;

use crate::api::params::page::PageKey;
use crate::api::response::negotiation::{Coding, Representation};
use crate::api::response::problem::ApiError;
use crate::domain::{Timestamp, Version};
use crate::metrics::QueryId;

/// Bodies under this many bytes gain too little from compression.
const COMPRESSED_FROM_BYTES: usize = 512;
/// Lifetime of a cached response. Queries without a fixed `as_of` have another key every second.
const TIME_TO_LIVE: Duration = Duration::from_mins(1);
/// A body over this part of the cache is not cached: it would evict all others.
const LARGEST_PART: u64 = 8;

/// Identity of a response.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::api) struct CacheKey {
    /// The snapshot.
    pub version: Version,
    /// The query with its parameters.
    pub query: QueryId,
    /// The page, if the answer is a list.
    pub page: Option<PageKey>,
    /// The cutoff.
    pub as_of: Timestamp,
    /// True if the request named no `as_of`; the answer states it.
    pub as_of_defaulted: bool,
    /// Time since which rows may be missing; the answer states it.
    pub store_unreachable_since: Option<Timestamp>,
    /// Format of the body.
    pub representation: Representation,
    /// Content coding of the body.
    pub coding: Coding,
}

/// A response without what depends on the client.
#[derive(Debug, Clone)]
pub(in crate::api) struct CachedResponse {
    /// The body.
    pub body: Bytes,
    /// Its content coding.
    pub coding: Coding,
    /// `ETag`.
    pub etag: HeaderValue,
    /// `Cache-Control`.
    pub cache_control: HeaderValue,
    /// `Content-Type`.
    pub content_type: HeaderValue,
    /// `Link`, if there is a next page.
    pub link: Option<HeaderValue>,
}

/// A response, or why there is none; shared by all requests that waited for it.
pub(in crate::api) type Outcome = Result<Arc<CachedResponse>, Arc<ApiError>>;

/// The cached responses, bounded by their bytes, and the computations under way.
#[derive(Debug)]
pub(in crate::api) struct ResponseCache {
    cached: Cache<CacheKey, Arc<CachedResponse>>,
    largest_bytes: u64,
    flights: Mutex<HashMap<CacheKey, Flight>>,
}

/// A computation that several requests may wait for.
#[derive(Debug)]
struct Flight {
    outcome: watch::Receiver<Option<Outcome>>,
    waiters: Weak<()>,
}

/// The requests that wait for a computation.
#[derive(Debug, Clone)]
pub(in crate::api) struct Waiters(Weak<()>);

impl Waiters {
    /// True once every request has left or timed out, so that the computation can stop.
    pub(in crate::api) fn are_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl CachedResponse {
    fn weight(&self) -> usize {
        const OVERHEAD_BYTES: usize = 512;
        OVERHEAD_BYTES + self.body.len()
    }

    /// The same response compressed; unchanged if the body is small.
    pub(in crate::api) fn compressed(&self) -> Self {
        let body = compressed(&self.body);
        let coding = if body.is_some() { Coding::Gzip } else { self.coding };
        Self { body: body.unwrap_or_else(|| self.body.clone()), coding, ..self.clone() }
    }
}

impl ResponseCache {
    /// A cache of at most `max_bytes`.
    #[must_use]
    pub(in crate::api) fn new(max_bytes: u64) -> Self {
        let weigher = |_: &CacheKey, cached: &Arc<CachedResponse>| u32::try_from(cached.weight()).unwrap_or(u32::MAX);
        let cached = Cache::builder().max_capacity(max_bytes).weigher(weigher).time_to_live(TIME_TO_LIVE).build();
        Self { cached, largest_bytes: max_bytes / LARGEST_PART, flights: Mutex::default() }
    }

    /// The cached response of a key.
    pub(in crate::api) fn get(&self, key: &CacheKey) -> Option<Arc<CachedResponse>> {
        self.cached.get(key)
    }

    /// Caches a response, unless it is too large.
    pub(in crate::api) fn insert(&self, key: &CacheKey, response: CachedResponse) -> Arc<CachedResponse> {
        let response = Arc::new(response);
        if response.weight() as u64 <= self.largest_bytes {
            self.cached.insert(key.clone(), Arc::clone(&response));
        }
        response
    }

    /// The cached response of a key, or that of the computation `start` begins. Requests for the same key share one
    /// computation. It runs in a task of its own, so a client that leaves does not cancel it for the others.
    pub(in crate::api) async fn get_or_compute<F>(self: &Arc<Self>, key: &CacheKey, start: impl FnOnce(Waiters) -> F) -> Outcome
    where
        F: Future<Output = Result<CachedResponse, ApiError>> + Send + 'static,
    {
        if let Some(found) = self.get(key) {
            return Ok(found);
        }
        let (mut outcome, waiter) = self.join_or_start(key, start);
        let found = outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        drop(waiter);
        found
            .ok()
            .flatten()
            .unwrap_or_else(|| Err(Arc::new(ApiError::Internal("a computation ended without a result".to_owned()))))
    }

    /// Number of cached responses.
    #[must_use]
    pub(in crate::api) fn len(&self) -> u64 {
        self.cached.entry_count()
    }

    fn join_or_start<F>(
        self: &Arc<Self>,
        key: &CacheKey,
        start: impl FnOnce(Waiters) -> F,
    ) -> (watch::Receiver<Option<Outcome>>, Arc<()>)
    where
        F: Future<Output = Result<CachedResponse, ApiError>> + Send + 'static,
    {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((outcome, waiter)) =
            flights.get(key).and_then(|flight| Some((flight.outcome.clone(), flight.waiters.upgrade()?)))
        {
            return (outcome, waiter);
        }
        let waiter = Arc::new(());
        let waiters = Arc::downgrade(&waiter);
        let (sender, outcome) = watch::channel(None);
        flights.insert(key.clone(), Flight { outcome: outcome.clone(), waiters: waiters.clone() });
        let computing = start(Waiters(waiters.clone()));
        let (cache, key) = (Arc::clone(self), key.clone());
        tokio::spawn(async move {
            let landed = computing.await.map(|response| cache.insert(&key, response)).map_err(Arc::new);
            cache.land(&key, &waiters);
            sender.send_replace(Some(landed));
        });
        (outcome, waiter)
    }

    /// Forgets a computation that has ended, unless another one of the same key has taken its place.
    fn land(&self, key: &CacheKey, waiters: &Weak<()>) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if flights.get(key).is_some_and(|flight| flight.waiters.ptr_eq(waiters)) {
            flights.remove(key);
        }
    }
}

/// The body compressed, unless it is small.
fn compressed(plain: &[u8]) -> Option<Bytes> {
    if plain.len() < COMPRESSED_FROM_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::default());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}
