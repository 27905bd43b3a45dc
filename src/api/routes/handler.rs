//! From a request to a question, and from its answer to a response.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use serde::Serialize;

use crate::api::openapi::Shape;
use crate::api::params::as_of::{AsOf, Now};
use crate::api::params::reader::ParamReader;
use crate::api::response::cache::{CacheKey, CachedResponse, compressed};
use crate::api::response::conditional::{cache_control, etag, present_etag, respond};
use crate::api::response::csv_columns::Table;
use crate::api::response::negotiation::{Offer, Representation};
use crate::api::response::problem::ApiError;
use crate::api::response::render::{Links, render};
use crate::api::response::request_memo::Epoch;
use crate::api::routes::endpoint::Endpoint;
use crate::api::state::AppState;
use crate::domain::Timestamp;
use crate::market::{Market, MarketView};
use crate::metrics::{Answer, QueryError, Warning, WarningCode};

/// What every question has beside its own parameters.
pub(in crate::api) struct CommonParams {
    cutoff: AsOf,
    representation: Representation,
}

/// A question that was read from a request.
pub(in crate::api) struct ParsedRequest<Q> {
    /// Its own parameters.
    pub(in crate::api) question: Q,
    /// The market as it was known at the cutoff.
    pub(in crate::api) view: MarketView,
    /// What makes it the same as another.
    pub(in crate::api) key: CacheKey,
    cutoff: AsOf,
    uri: Uri,
    headers: HeaderMap,
}

/// Reads the requests of one endpoint and writes its answers.
pub(in crate::api) struct RequestReader {
    endpoint: Endpoint,
    offer: Offer,
    table: Table,
}

impl CommonParams {
    /// Reads `as_of`, `format`, `time_format` and `sources`.
    pub(in crate::api) fn read(query: &mut ParamReader, present: Now, headers: &HeaderMap, offer: Offer) -> Self {
        let cutoff = AsOf::read(query, present);
        Self { cutoff, representation: Representation::agree(query, headers, offer) }
    }
}

impl<Q> ParsedRequest<Q> {
    /// The path it was asked at, with the prefix.
    pub(in crate::api) fn path(&self) -> String {
        let path = self.uri.path();
        if path.starts_with("/v1/") { path.to_owned() } else { format!("/v1{path}") }
    }
}

impl RequestReader {
    /// The reader of an endpoint whose answers have this shape.
    pub(in crate::api) fn new(endpoint: Endpoint, shape: &Shape) -> Self {
        Self { endpoint, offer: shape.offer, table: shape.table() }
    }

    /// Reads a request that came in the present.
    ///
    /// # Errors
    /// [`ApiError::Parameters`] for what cannot be read, [`ApiError::Future`] for a cutoff ahead of the clock.
    pub(in crate::api) async fn read<Q>(
        &self,
        (market, present): (Arc<Market>, Now),
        request: Request,
        read: impl Fn(&mut ParamReader) -> Q,
    ) -> Result<ParsedRequest<Q>, ApiError> {
        let (mut parts, _) = request.into_parts();
        let mut query = ParamReader::new(self.path_parameters(&mut parts).await, parts.uri.query());
        let question = read(&mut query);
        let CommonParams { cutoff, representation } = CommonParams::read(&mut query, present, &parts.headers, self.offer);
        let parameters = query.finish()?;
        cutoff.check(present)?;
        let key = CacheKey {
            version: market.version(),
            route: self.endpoint.path,
            parameters,
            as_of: cutoff.at,
            as_of_defaulted: cutoff.defaulted,
            store_unreachable_since: cutoff.store_unreachable_since,
            representation,
        };
        Ok(ParsedRequest { question, view: market.at(cutoff.at), key, cutoff, uri: parts.uri, headers: parts.headers })
    }

    /// The response to a question that is answered from memory: a kept one, or what `answer` says.
    ///
    /// # Errors
    /// As [`RequestReader::read`], and what `answer` fails with.
    pub(in crate::api) async fn answer<Q, T: Serialize>(
        &self,
        state: &AppState,
        request: Request,
        read: impl Fn(&mut ParamReader) -> Q,
        answer: impl Fn(&AppState, &MarketView, &ParsedRequest<Q>) -> Result<(Answer<T>, Option<Links>), QueryError>,
    ) -> Result<Response, Arc<ApiError>> {
        let (market, present) = state.present();
        let epoch = Epoch::of(&market, present);
        if let Some(kept) = state.repeated.as_ref().and_then(|repeated| repeated.get(&epoch, &request)) {
            return Ok(respond(&kept, request.headers()));
        }
        let asked = self.read((market, present), request, read).await?;
        let kept = state.cache.get_or_compute(&asked.key, || {
            let (answer, links) = answer(state, &asked.view, &asked)?;
            self.keep(&asked, answer, links.as_ref())
        })?;
        if let Some(repeated) = &state.repeated {
            repeated.insert(&epoch, &asked.uri, &asked.headers, &kept);
        }
        Ok(respond(&kept, &asked.headers))
    }

    /// The response with an answer that is made now.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it cannot be written.
    pub(in crate::api) fn respond<Q, T: Serialize>(
        &self,
        asked: &ParsedRequest<Q>,
        answer: Answer<T>,
        links: &Links,
    ) -> Result<Response, ApiError> {
        Ok(respond(&self.keep(asked, answer, Some(links))?, &asked.headers))
    }

    /// Writes and compresses an answer, and gives it its validator and its lifetime.
    fn keep<Q, T: Serialize>(
        &self,
        asked: &ParsedRequest<Q>,
        mut answer: Answer<T>,
        links: Option<&Links>,
    ) -> Result<CachedResponse, ApiError> {
        let ParsedRequest { key, cutoff, .. } = asked;
        answer.meta.as_of_defaulted = cutoff.defaulted;
        answer.warnings.extend(cutoff.store_unreachable_since.map(store_unreachable_warning));
        let format = key.representation.format;
        let plain = render(&answer, links, key.representation, &self.table)
            .map_err(|error| ApiError::Internal(format!("the answer of {} cannot be written: {error}", key.route)))?;
        let etag = if cutoff.settled || cutoff.store_unreachable_since.is_some() || answer.reads.is_empty() {
            etag(&[&plain])
        } else {
            present_etag(&[key.route, &key.parameters, format.media_type()], key.as_of, &answer.reads)
        };
        Ok(CachedResponse {
            gzip: compressed(&plain),
            plain: plain.into(),
            etag,
            cache_control: cache_control(cutoff.settled, key.as_of, answer.next_expected_at),
            content_type: HeaderValue::from_static(format.content_type()),
            link: links.and_then(Links::header),
        })
    }

    async fn path_parameters(&self, parts: &mut Parts) -> Vec<(String, String)> {
        if !self.endpoint.path.contains('{') {
            return vec![];
        }
        let found = RawPathParams::from_request_parts(parts, &()).await;
        let pairs = found.iter().flat_map(|found| found.iter());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// The warning on an answer from memory alone.
fn store_unreachable_warning(since: Timestamp) -> Warning {
    let detail = format!("the database has been out of reach since {since}: what was recorded after that is missing here");
    Warning { code: WarningCode::StaleInput, detail }
}
