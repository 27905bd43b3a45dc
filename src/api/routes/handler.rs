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
use crate::api::response::cache::{CacheKey, CachedResponse, Waiters};
use crate::api::response::conditional::{cache_control, etag, holds, present_etag, respond};
use crate::api::response::csv_columns::Table;
use crate::api::response::negotiation::{Coding, Offer, Representation};
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

/// Bodies up to this size are compressed where the request is served, larger ones in the compute pool.
const COMPRESSED_IN_PLACE_BYTES: usize = 16 * 1_024;

/// Computes the answer to parsed parameters at a path, with the links of its page.
pub(in crate::api) type Compute<P, T> = fn(&P, &Context<'_>, &str) -> Result<(Answer<T>, Option<Links>), ApiError>;

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
            coding: Coding::Identity,
        };
        Ok(ParsedRequest { params, view: market.at(cutoff.at), key, cutoff, present, uri: parts.uri, headers: parts.headers })
    }

    /// The response to a query that is answered from memory: a cached one, or what `compute` gives. `own` picks the
    /// query's own parameters out of those that were read.
    pub(in crate::api) async fn answer<Q: Endpoint, P: Send + Sync + 'static>(
        self: &Arc<Self>,
        state: &AppState,
        request: Request,
        read: fn(&mut ParamReader) -> P,
        own: fn(&P) -> &Q::Params,
        compute: Compute<P, Q::Answer>,
    ) -> Response {
        let respond = async {
            let (market, present) = state.present();
            let epoch = Epoch::of(&market, present);
            if let Some(cached) = state.repeated.as_ref().and_then(|repeated| repeated.get(&epoch, &request)) {
                return Ok(respond(&cached, request.headers()));
            }
            let asked = Arc::new(self.read((market, present), request, read, |params| Q::id(own(params))).await?);
            let plain = if !Q::CACHEABLE {
                Arc::new(self.in_pool(state, &asked, compute, || false).await?)
            } else if let Some(found) = state.cache.get(&asked.key) {
                found
            } else if Q::is_light(own(&asked.params), &asked.view) {
                state.cache.insert(&asked.key, self.compute(state, &asked, compute, &|| false)?)
            } else {
                let start = |waiters: Waiters| {
                    let (reader, state, asked) = (Arc::clone(self), state.clone(), Arc::clone(&asked));
                    async move { reader.in_pool(&state, &asked, compute, move || waiters.are_gone()).await }
                };
                state.cache.get_or_compute(&asked.key, start).await?
            };
            let cached = encoded(state, &asked.key, plain, &asked.headers).await?;
            if let Some(repeated) = state.repeated.as_ref().filter(|_| Q::CACHEABLE) {
                repeated.insert(&epoch, &asked.uri, &asked.headers, &cached);
            }
            Ok(respond(&cached, &asked.headers))
        };
        respond.await.unwrap_or_else(|error: Arc<ApiError>| error.to_response())
    }

    /// Computes and renders an answer in the compute pool; it ends at its next checkpoint once `stop` returns true.
    async fn in_pool<P: Send + Sync + 'static, T: Serialize + 'static>(
        self: &Arc<Self>,
        state: &AppState,
        asked: &Arc<ParsedRequest<P>>,
        compute: Compute<P, T>,
        stop: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<CachedResponse, ApiError> {
        let (reader, shared, asked) = (Arc::clone(self), state.clone(), Arc::clone(asked));
        state.compute.run(move || reader.compute(&shared, &asked, compute, &stop)).await?
    }

    /// Computes and renders an answer on this thread.
    fn compute<P, T: Serialize>(
        &self,
        state: &AppState,
        asked: &ParsedRequest<P>,
        compute: Compute<P, T>,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<CachedResponse, ApiError> {
        let cx = asked.context(state).stopped_by(stop);
        let (answer, links) = compute(&asked.params, &cx, &asked.path())?;
        cx.checkpoint()?;
        self.render(asked, answer, links.as_ref())
    }

    /// The response with an answer that was just made.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if it cannot be written.
    pub(in crate::api) async fn respond<P: Send + Sync + 'static, T: Serialize + Send + 'static>(
        self: &Arc<Self>,
        state: &AppState,
        asked: ParsedRequest<P>,
        answer: Answer<T>,
        links: Links,
    ) -> Result<Response, ApiError> {
        let (reader, asked) = (Arc::clone(self), Arc::new(asked));
        let rendering = Arc::clone(&asked);
        let plain = state.compute.run(move || reader.render(&rendering, answer, Some(&links))).await??;
        let coded = encoded(state, &asked.key, Arc::new(plain), &asked.headers).await?;
        Ok(respond(&coded, &asked.headers))
    }

    /// Renders an answer, and gives it its validator and its lifetime.
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
            body: plain.into(),
            coding: Coding::Identity,
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

/// The response in the coding that the client accepts, made when it is first asked for. Nothing is compressed for a client
/// that holds the response already.
async fn encoded(
    state: &AppState,
    key: &CacheKey,
    plain: Arc<CachedResponse>,
    request: &HeaderMap,
) -> Result<Arc<CachedResponse>, ApiError> {
    if Coding::of(request) == Coding::Identity || holds(request, &plain.etag) {
        return Ok(plain);
    }
    let key = CacheKey { coding: Coding::Gzip, ..key.clone() };
    if let Some(found) = state.cache.get(&key) {
        return Ok(found);
    }
    let compressed = if plain.body.len() <= COMPRESSED_IN_PLACE_BYTES {
        plain.compressed()
    } else {
        state.compute.run(move || plain.compressed()).await?
    };
    Ok(state.cache.insert(&key, compressed))
}

/// The warning on an answer from memory alone.
fn store_unreachable_warning(since: Timestamp) -> Warning {
    let detail = format!("the database has been unreachable since {since}: rows recorded after that are missing here");
    Warning { code: WarningCode::StaleInput, detail }
}
