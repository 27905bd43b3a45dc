//! Requests that are repeated word for word within a second, as by many clients that poll the same
//! address: they are answered without being read again.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

use crate::api::cutoff::Present;
use crate::api::kept::Kept;
use crate::domain::{Timestamp, Version};
use crate::market::Market;

/// The most requests remembered of one second.
const MOST_REQUESTS: usize = 4_096;
/// The longest request remembered, bytes.
const LONGEST_TARGET: usize = 512;

/// Everything beside the request itself that decides an answer. While it stays the same, the same
/// words get the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Occasion {
    /// The market.
    version: Version,
    /// The cutoff of a question that names none.
    cutoff: Timestamp,
    /// Since when the log has been out of reach, if it is.
    cut_off_since: Option<Timestamp>,
}

/// The answers given on the present occasion, by the words of the request.
#[derive(Debug)]
pub(super) struct Repeated(RwLock<Given>);

#[derive(Debug)]
struct Given {
    occasion: Occasion,
    /// With the `Accept` headers of each, the only ones that decide how an answer is written. Whether
    /// an answer is kept at all, its cache decides.
    answers: HashMap<Box<str>, (Vec<HeaderValue>, Weak<Kept>)>,
}

impl Occasion {
    /// The occasion of a request that comes now.
    #[must_use]
    pub(super) fn of(market: &Market, present: Present) -> Self {
        Self { version: market.version(), cutoff: present.cutoff(), cut_off_since: present.cut_off_since }
    }
}

impl Repeated {
    /// Nothing was asked yet.
    #[must_use]
    pub(super) fn new() -> Self {
        let occasion = Occasion { version: 0, cutoff: Timestamp::MIN, cut_off_since: None };
        Self(RwLock::new(Given { occasion, answers: HashMap::new() }))
    }

    /// What the same request got on the same occasion.
    pub(super) fn recall(&self, occasion: &Occasion, request: &Request) -> Option<Arc<Kept>> {
        let given = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (accepted, kept) = given.answers.get(target(request.uri())?)?;
        let accepts = request.headers().get_all(header::ACCEPT).iter();
        if given.occasion == *occasion && accepts.eq(accepted) { kept.upgrade() } else { None }
    }

    /// Remembers what a request got; an occasion that is over is forgotten.
    pub(super) fn remember(&self, occasion: &Occasion, uri: &Uri, headers: &HeaderMap, kept: &Arc<Kept>) {
        let Some(target) = target(uri).filter(|target| target.len() <= LONGEST_TARGET) else { return };
        let accepts = headers.get_all(header::ACCEPT).iter().cloned().collect();
        let mut given = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if given.occasion != *occasion || given.answers.len() >= MOST_REQUESTS {
            given.occasion = *occasion;
            given.answers.clear();
        }
        given.answers.insert(target.into(), (accepts, Arc::downgrade(kept)));
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
    const OCCASION: Occasion = Occasion { version: 7, cutoff: NOON, cut_off_since: None };

    fn kept() -> Arc<Kept> {
        let none = HeaderValue::from_static("");
        let (etag, cache_control, content_type) = (none.clone(), none.clone(), none);
        Arc::new(Kept { plain: Bytes::from_static(b"{}"), gzip: None, etag, cache_control, content_type, link: None })
    }

    fn request(target: &str, accepts: &[&str]) -> Request {
        let with = |builder: axum::http::request::Builder, accept: &&str| builder.header(header::ACCEPT, *accept);
        accepts.iter().fold(axum::http::Request::get(target), with).body(Body::empty()).unwrap()
    }

    /// Whether a second request is answered with what the first got.
    fn recalled(first: &Request, kept: &Arc<Kept>, occasion: &Occasion, second: &Request) -> bool {
        let repeated = Repeated::new();
        repeated.remember(&OCCASION, first.uri(), first.headers(), kept);
        repeated.recall(occasion, second).is_some_and(|found| Arc::ptr_eq(&found, kept))
    }

    #[test]
    fn the_same_words_get_the_same_answer_on_the_same_occasion_only() {
        let (kept, first) = (kept(), request("/v1/price?asset=btc", &["*/*"]));
        let at =
            |occasion: Occasion, target: &str, accepts: &[&str]| recalled(&first, &kept, &occasion, &request(target, accepts));
        assert!(at(OCCASION, "/v1/price?asset=btc", &["*/*"]));
        assert!(!at(OCCASION, "/v1/price?asset=eth", &["*/*"]));
        assert!(!at(OCCASION, "/v1/price?asset=btc", &["text/csv"]));
        assert!(!at(OCCASION, "/v1/price?asset=btc", &[]));
        assert!(!at(OCCASION, "/v1/price?asset=btc", &["*/*", "text/csv"]));
        assert!(!at(Occasion { version: 8, ..OCCASION }, "/v1/price?asset=btc", &["*/*"]));
        assert!(!at(Occasion { cutoff: NOON.plus_ms(1_000), ..OCCASION }, "/v1/price?asset=btc", &["*/*"]));
        assert!(!at(Occasion { cut_off_since: Some(NOON), ..OCCASION }, "/v1/price?asset=btc", &["*/*"]));
    }

    #[test]
    fn an_answer_its_cache_dropped_is_not_recalled() {
        let repeated = Repeated::new();
        let asked = request("/v1/price", &[]);
        repeated.remember(&OCCASION, asked.uri(), asked.headers(), &kept());
        assert!(repeated.recall(&OCCASION, &asked).is_none());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (repeated, kept) = (Repeated::new(), kept());
        for number in 0..3 * MOST_REQUESTS {
            let asked = request(&format!("/v1/price?asset=a{number}"), &[]);
            repeated.remember(&OCCASION, asked.uri(), asked.headers(), &kept);
            assert!(repeated.recall(&OCCASION, &asked).is_some());
        }
        assert!(repeated.0.read().unwrap().answers.len() <= MOST_REQUESTS);
        let long = request(&format!("/v1/price?asset={}", "a".repeat(LONGEST_TARGET)), &[]);
        repeated.remember(&OCCASION, long.uri(), long.headers(), &kept);
        assert!(repeated.recall(&OCCASION, &long).is_none());
    }
}
