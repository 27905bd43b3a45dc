use std::num::NonZero;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::api::http::compute::ComputePool;
use crate::api::http::rate_limit::{Quota, RateLimiter};
use crate::api::http::telemetry::Telemetry;
use crate::api::params::as_of::Now;
use crate::api::response::cache::ResponseCache;
use crate::api::response::request_memo::RequestMemo;
use crate::domain::{Clock, StatusBoard};
use crate::market::{Market, Publisher, Recorder};
use crate::metrics::{Caches, SourceOrder};
use crate::store::Store;

/// What an operator may set about the HTTP interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The longest an answer may take.
    pub request_timeout: Duration,
    /// The longest body a request may have, bytes.
    pub body_limit_bytes: u64,
    /// The most rows one push may have.
    pub push_rows: usize,
    /// How often one key may push; `None` for as often as it likes.
    pub push_allowance: Option<Quota>,
    /// How often one client address may ask; `None` for as often as it likes.
    pub allowance: Option<Quota>,
    /// Whether the client's address is the last one in `X-Forwarded-For`, as behind a proxy.
    pub behind_proxy: bool,
    /// The most requests answered at once; more are turned away.
    pub max_in_flight: usize,
    /// Memory for answers that are kept, bytes.
    pub cache_bytes: u64,
    /// How long requests under way may take to end after a shutdown was asked for.
    pub shutdown_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(10),
            body_limit_bytes: 8 << 20,
            push_rows: 10_000,
            push_allowance: Some(Quota { burst: 50, per_second: 10 }),
            allowance: Some(Quota { burst: 1_000, per_second: 200 }),
            behind_proxy: false,
            max_in_flight: 4_096,
            cache_bytes: 64 << 20,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// What every handler has at hand; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Shared>);

/// What the handlers share.
#[derive(Debug)]
pub struct Shared {
    /// Publishes the market that questions are put to.
    pub(super) market: Arc<Publisher>,
    /// The log, for what is not in memory.
    pub(super) store: Arc<dyn Store>,
    /// Writes what is pushed in.
    pub(super) recorder: Recorder,
    /// Tells what "now" is.
    pub(super) clock: Arc<dyn Clock>,
    /// Which source answers where a question names none.
    pub(super) source_order: SourceOrder,
    /// What is kept between questions.
    pub(super) caches: Arc<Caches>,
    /// How the feeds are.
    pub(super) feeds: Arc<StatusBoard>,
    /// What the operator set.
    pub(super) settings: Settings,
    /// Cached responses, and computations under way.
    pub(super) cache: Arc<ResponseCache>,
    /// Where queries, rendering and compression run.
    pub(super) compute: ComputePool,
    /// What was asked in the same words a moment ago; `None` where no answers are kept.
    pub(super) repeated: Option<RequestMemo>,
    /// Keeps clients to their allowance.
    pub(super) limiter: Option<RateLimiter>,
    /// Keeps keys to their allowance.
    pub(super) push_limiter: Option<RateLimiter>,
    /// What the service counts about itself.
    pub(super) telemetry: Telemetry,
    /// Requests being answered.
    pub(super) in_flight: AtomicUsize,
}

impl AppState {
    /// The state of a service that answers from `market` and, for single orders, from `store`, and
    /// writes what is pushed in to both.
    #[must_use]
    pub fn new(
        market: Arc<Publisher>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        source_order: SourceOrder,
        feeds: Arc<StatusBoard>,
        settings: Settings,
    ) -> Self {
        let cache = Arc::new(ResponseCache::new(settings.cache_bytes));
        let permits = std::thread::available_parallelism().map_or(1, NonZero::get);
        let compute = ComputePool::new(permits, settings.request_timeout / 2);
        let repeated = (settings.cache_bytes > 0).then(RequestMemo::new);
        let limiter = settings.allowance.map(RateLimiter::new);
        let push_limiter = settings.push_allowance.map(RateLimiter::new);
        let recorder = Recorder::new(Arc::clone(&store), Arc::clone(&market), Arc::clone(&clock));
        Self(Arc::new(Shared {
            market,
            store,
            recorder,
            clock,
            source_order,
            caches: Arc::default(),
            feeds,
            settings,
            cache,
            compute,
            repeated,
            limiter,
            push_limiter,
            telemetry: Telemetry::new(),
            in_flight: AtomicUsize::new(0),
        }))
    }

    /// Computes what answers rest on before anybody asks, until it is done or `stop` is cancelled.
    pub(super) fn prepare(&self, stop: &CancellationToken) {
        let (market, present) = self.present();
        self.caches.prepare(&market.at(present.clock), &self.source_order, || !stop.is_cancelled());
    }

    /// Computes anew what a commit changed of the past of the stress index, of all that answers rest on
    /// by far the longest, until it is done or `stop` is cancelled.
    pub(super) fn prepare_stress(&self, stop: &CancellationToken) {
        let (market, present) = self.present();
        self.caches.stress.prepare(&market.at(present.clock), &self.source_order, || !stop.is_cancelled());
    }

    /// The present market and the instant it is.
    #[must_use]
    pub(super) fn present(&self) -> (Arc<Market>, Now) {
        let now = self.clock.now();
        let market = self.market.load();
        let latest_known_at = market.latest_known_at();
        (market, Now { clock: now, latest_known_at, store_unreachable_since: self.market.unreachable_since() })
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
