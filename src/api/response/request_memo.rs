//! Requests that are repeated word for word within a second, as by many clients that poll the same
//! address: they are answered without being read again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::api::params::as_of::Now;
use crate::api::response::cache::CachedResponse;
use crate::api::response::negotiation::Coding;
use crate::domain::{Timestamp, Version};
use crate::market::Market;

/// The most requests remembered of one second.
const MOST_REQUESTS: usize = 4_096;
/// The longest request remembered, bytes.
const LONGEST_TARGET: usize = 512;

/// Everything beside the request itself that decides an answer. While it stays the same, the same
/// words get the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct Epoch {
    /// The market.
    version: Version,
    /// The cutoff of a question that names none.
    cutoff: Timestamp,
    /// Since when the log has been out of reach, if it is.
    store_unreachable_since: Option<Timestamp>,
}

/// The answers given on the present occasion, by the words of the request.
#[derive(Debug)]
pub(in crate::api) struct RequestMemo(RwLock<Given>);

#[derive(Debug)]
struct Given {
    epoch: Epoch,
    /// With the `Accept` headers and the coding of each, which decide how an answer is written. The cache decides whether
    /// an answer is stored at all.
    answers: HashMap<Box<str>, (Vec<HeaderValue>, Coding, Weak<CachedResponse>)>,
}

impl Epoch {
    /// The occasion of a request that comes now.
    #[must_use]
    pub(in crate::api) fn of(market: &Market, present: Now) -> Self {
        Self { version: market.version(), cutoff: present.cutoff(), store_unreachable_since: present.store_unreachable_since }
    }
}

impl RequestMemo {
    /// Nothing was asked yet.
    #[must_use]
    pub(in crate::api) fn new() -> Self {
        let epoch = Epoch { version: 0, cutoff: Timestamp::MIN, store_unreachable_since: None };
        Self(RwLock::new(Given { epoch, answers: HashMap::new() }))
    }

    /// What the same request got on the same occasion.
    pub(in crate::api) fn get(&self, epoch: &Epoch, request: &Request) -> Option<Arc<CachedResponse>> {
        let given = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (accepted, coding, kept) = given.answers.get(target(request.uri())?)?;
        let accepts = request.headers().get_all(header::ACCEPT).iter();
        let is_same = given.epoch == *epoch && accepts.eq(accepted) && Coding::of(request.headers()) == *coding;
        if is_same { kept.upgrade() } else { None }
    }

    /// Remembers what a request got; an occasion that is over is forgotten.
    pub(in crate::api) fn insert(&self, epoch: &Epoch, uri: &Uri, headers: &HeaderMap, kept: &Arc<CachedResponse>) {
        let Some(target) = target(uri).filter(|target| target.len() <= LONGEST_TARGET) else { return };
        let accepts = headers.get_all(header::ACCEPT).iter().cloned().collect();
        let mut given = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if given.epoch != *epoch || given.answers.len() >= MOST_REQUESTS {
            given.epoch = *epoch;
            given.answers.clear();
        }
        given.answers.insert(target.into(), (accepts, Coding::of(headers), Arc::downgrade(kept)));
    }
}

/// Path and query as they were sent.
fn target(uri: &Uri) -> Option<&str> {
    uri.path_and_query().map(PathAndQuery::as_str)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};

    use super::*;

    const NOON: Timestamp = Timestamp::from_unix_seconds(1_770_206_400);
    const EPOCH: Epoch = Epoch { version: 7, cutoff: NOON, store_unreachable_since: None };

    fn kept() -> Arc<CachedResponse> {
        let none = HeaderValue::from_static("");
        let (etag, cache_control, content_type) = (none.clone(), none.clone(), none);
        Arc::new(CachedResponse {
            body: Bytes::from_static(b"{}"),
            coding: Coding::Identity,
            etag,
            cache_control,
            content_type,
            link: None,
        })
    }

    fn request(target: &str, accepts: &[&str]) -> Request {
        let with = |builder: axum::http::request::Builder, accept: &&str| builder.header(header::ACCEPT, *accept);
        accepts.iter().fold(axum::http::Request::get(target), with).body(Body::empty()).unwrap()
    }

    /// Whether a second request is answered with what the first got.
    fn recalled(first: &Request, kept: &Arc<CachedResponse>, epoch: &Epoch, second: &Request) -> bool {
        let repeated = RequestMemo::new();
        repeated.insert(&EPOCH, first.uri(), first.headers(), kept);
        repeated.get(epoch, second).is_some_and(|found| Arc::ptr_eq(&found, kept))
    }

    #[test]
    fn the_same_words_get_the_same_answer_on_the_same_occasion_only() {
        let (kept, first) = (kept(), request("/v1/price?asset=btc", &["*/*"]));
        let at = |epoch: Epoch, target: &str, accepts: &[&str]| recalled(&first, &kept, &epoch, &request(target, accepts));
        assert!(at(EPOCH, "/v1/price?asset=btc", &["*/*"]));
        assert!(!at(EPOCH, "/v1/price?asset=eth", &["*/*"]));
        assert!(!at(EPOCH, "/v1/price?asset=btc", &["text/csv"]));
        assert!(!at(EPOCH, "/v1/price?asset=btc", &[]));
        assert!(!at(EPOCH, "/v1/price?asset=btc", &["*/*", "text/csv"]));
        assert!(!at(Epoch { version: 8, ..EPOCH }, "/v1/price?asset=btc", &["*/*"]));
        assert!(!at(Epoch { cutoff: NOON.plus_ms(1_000), ..EPOCH }, "/v1/price?asset=btc", &["*/*"]));
        assert!(!at(Epoch { store_unreachable_since: Some(NOON), ..EPOCH }, "/v1/price?asset=btc", &["*/*"]));
    }

    #[test]
    fn an_answer_its_cache_dropped_is_not_recalled() {
        let repeated = RequestMemo::new();
        let asked = request("/v1/price", &[]);
        repeated.insert(&EPOCH, asked.uri(), asked.headers(), &kept());
        assert!(repeated.get(&EPOCH, &asked).is_none());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (repeated, kept) = (RequestMemo::new(), kept());
        for number in 0..3 * MOST_REQUESTS {
            let asked = request(&format!("/v1/price?asset=a{number}"), &[]);
            repeated.insert(&EPOCH, asked.uri(), asked.headers(), &kept);
            assert!(repeated.get(&EPOCH, &asked).is_some());
        }
        assert!(repeated.0.read().unwrap().answers.len() <= MOST_REQUESTS);
        let long = request(&format!("/v1/price?asset={}", "a".repeat(LONGEST_TARGET)), &[]);
        repeated.insert(&EPOCH, long.uri(), long.headers(), &kept);
        assert!(repeated.get(&EPOCH, &long).is_none());
    }
}
