//! From a request to a query, and from its answer to a response.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use serde::Serialize;

use crate::api::openapi::Shape;
use crate::api::params::as_of::{AsOf, Now};
use crate::api::params::page::PageKey;
use crate::api::params::reader::ParamReader;
use crate::api::response::cache::{CacheKey, CachedResponse, compressed};
use crate::api::response::conditional::{cache_control, etag, present_etag, respond};
use crate::api::response::csv_columns::Table;
use crate::api::response::negotiation::{Offer, Representation};
use crate::api::response::problem::ApiError;
use crate::api::response::render::{Links, render};
use crate::api::response::request_memo::Epoch;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::api::state::AppState;
use crate::domain::Timestamp;
use crate::market::{Market, MarketView};
use crate::metrics::{Answer, Context, QueryId, Warning, WarningCode};

/// The age from which `as_of` is no longer the present, so that feed status is not a part of the answer.
const PRESENT_MS: i64 = 60_000;

/// Parameters that every query has beside its own.
pub(in crate::api) struct CommonParams {
    cutoff: AsOf,
    representation: Representation,
}

/// A query that was read from a request.
pub(in crate::api) struct ParsedRequest<P> {
    /// Its own parameters, and the page of a list.
    pub(in crate::api) params: P,
    /// The market as it was known at `as_of`.
    pub(in crate::api) view: MarketView,
    /// Identity of the response.
    pub(in crate::api) key: CacheKey,
    cutoff: AsOf,
    present: Now,
    uri: Uri,
    headers: HeaderMap,
}

/// Reads the requests of one endpoint and writes its answers.
pub(in crate::api) struct RequestReader {
    spec: Spec,
    offer: Offer,
    table: Table,
}

impl CommonParams {
    /// Reads `as_of`, `format`, `time_format` and `sources`.
    pub(in crate::api) fn read(params: &mut ParamReader, present: Now, headers: &HeaderMap, offer: Offer) -> Self {
        let cutoff = AsOf::read(params, present);
        Self { cutoff, representation: Representation::agree(params, headers, offer) }
    }
}

impl<P> ParsedRequest<P> {
    /// Path of the request, with the prefix.
    pub(in crate::api) fn path(&self) -> String {
        let path = self.uri.path();
        if path.starts_with("/v1/") { path.to_owned() } else { format!("/v1{path}") }
    }

    /// What an answer may depend on.
    fn context<'a>(&'a self, state: &'a AppState) -> Context<'a> {
        let is_present = self.present.clock.ms_since(self.view.as_of()) < PRESENT_MS;
        Context::new(&self.view, &state.source_order, &state.caches, is_present.then_some(&*state.feeds))
    }
}

impl RequestReader {
    /// The reader of an endpoint whose answers have this shape.
    pub(in crate::api) fn new(spec: Spec, shape: &Shape) -> Self {
        Self { spec, offer: shape.offer, table: shape.table() }
    }

    /// Reads a request; `id` names the query that its parameters make.
    ///
    /// # Errors
    /// [`ApiError::Parameters`] if a parameter cannot be read, [`ApiError::Future`] if `as_of` is ahead of the clock.
    pub(in crate::api) async fn read<P>(
        &self,
        (market, present): (Arc<Market>, Now),
        request: Request,
        read: fn(&mut ParamReader) -> P,
        id: impl Fn(&P) -> QueryId,
    ) -> Result<ParsedRequest<P>, ApiError> {
        let (mut parts, _) = request.into_parts();
        let mut reader = ParamReader::new(self.path_parameters(&mut parts).await, parts.uri.query());
        let params = read(&mut reader);
        let CommonParams { cutoff, representation } = CommonParams::read(&mut reader, present, &parts.headers, self.offer);
        let page = reader.finish()?;
        cutoff.check(present)?;
        let key = CacheKey {
            version: market.version(),
            query: id(&params),
            page,
            as_of: cutoff.at,
            as_of_defaulted: cutoff.defaulted,
            store_unreachable_since: cutoff.store_unreachable_since,
            representation,
        };
        Ok(ParsedRequest { params, view: market.at(cutoff.at), key, cutoff, present, uri: parts.uri, headers: parts.headers })
    }

    /// The response to a query that is answered from memory: a cached one, or what `compute` gives. `own` picks the
    /// query's own parameters out of those that were read.
    pub(in crate::api) async fn answer<Q: Endpoint, P, C>(
        &self,
        state: &AppState,
        request: Request,
        read: fn(&mut ParamReader) -> P,
        own: fn(&P) -> &Q::Params,
        compute: C,
    ) -> Response
    where
        C: Fn(&P, &Context<'_>, &str) -> Result<(Answer<Q::Answer>, Option<Links>), ApiError>,
    {
        let respond = async {
            let (market, present) = state.present();
            let epoch = Epoch::of(&market, present);
            if let Some(cached) = state.repeated.as_ref().and_then(|repeated| repeated.get(&epoch, &request)) {
                return Ok(respond(&cached, request.headers()));
            }
            let asked = self.read((market, present), request, read, |params| Q::id(own(params))).await?;
            let make = || {
                let (answer, links) = compute(&asked.params, &asked.context(state), &asked.path())?;
                self.render(&asked, answer, links.as_ref())
            };
            let cached = if Q::CACHEABLE { state.cache.get_or_compute(&asked.key, make)? } else { Arc::new(make()?) };
            if let Some(repeated) = state.repeated.as_ref().filter(|_| Q::CACHEABLE) {
                repeated.insert(&epoch, &asked.uri, &asked.headers, &cached);
            }
            Ok(respond(&cached, &asked.headers))
        };
        respond.await.unwrap_or_else(|error: Arc<ApiError>| error.to_response())
    }

    /// The response with an answer that was just made.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if it cannot be written.
    pub(in crate::api) fn respond<P, T: Serialize>(
        &self,
        asked: &ParsedRequest<P>,
        answer: Answer<T>,
        links: &Links,
    ) -> Result<Response, ApiError> {
        Ok(respond(&self.render(asked, answer, Some(links))?, &asked.headers))
    }

    /// Writes and compresses an answer, and gives it its validator and its lifetime.
    fn render<P, T: Serialize>(
        &self,
        asked: &ParsedRequest<P>,
        mut answer: Answer<T>,
        links: Option<&Links>,
    ) -> Result<CachedResponse, ApiError> {
        let ParsedRequest { key, cutoff, .. } = asked;
        answer.meta.as_of_defaulted = cutoff.defaulted;
        answer.warnings.extend(cutoff.store_unreachable_since.map(store_unreachable_warning));
        let Representation { format, time_format, sources } = key.representation;
        let plain = render(&answer, links, key.representation, &self.table)
            .map_err(|error| ApiError::Internal(format!("the answer of {} cannot be written: {error}", key.query.name())))?;
        let page = key.page.as_ref().map(PageKey::text).unwrap_or_default();
        let etag = if cutoff.settled || cutoff.store_unreachable_since.is_some() || answer.reads.is_empty() {
            etag(&[&plain, page.as_bytes()])
        } else {
            present_etag(&key.query, &[&page, format.media_type(), time_format.name(), sources.name()], key.as_of, &answer.reads)
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
        if !self.spec.path.contains('{') {
            return vec![];
        }
        let found = RawPathParams::from_request_parts(parts, &()).await;
        let pairs = found.iter().flat_map(|found| found.iter());
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// The warning on an answer from memory alone.
fn store_unreachable_warning(since: Timestamp) -> Warning {
    let detail = format!("the database has been unreachable since {since}: rows recorded after that are missing here");
    Warning { code: WarningCode::StaleInput, detail }
}
