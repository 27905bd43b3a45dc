//! What the service counts about itself, for Prometheus.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the latency buckets, seconds.
const LATENCY_SECONDS: [f64; 12] = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// The counters of the service.
#[derive(Debug)]
pub(in crate::api) struct Telemetry {
    registry: Registry,
    requests: Family<Served, Counter<u64, AtomicU64>>,
    latency: Family<Route, Histogram, fn() -> Histogram>,
    data_version: Gauge<i64, AtomicI64>,
    kept_answers: Gauge<i64, AtomicI64>,
}

impl Telemetry {
    /// Counters at zero.
    #[must_use]
    pub(in crate::api) fn new() -> Self {
        let mut registry = Registry::with_prefix("market_stress");
        let requests = Family::default();
        let latency = Family::new_with_constructor((|| Histogram::new(LATENCY_SECONDS)) as fn() -> Histogram);
        let (data_version, kept_answers) = (Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit("http_request_duration", "Time to answer", Unit::Seconds, latency.clone());
        registry.register("data_version", "The last commit in the market that answers", data_version.clone());
        registry.register("kept_answers", "Rendered answers in memory", kept_answers.clone());
        Self { registry, requests, latency, data_version, kept_answers }
    }

    /// Counts one answered request.
    pub(in crate::api) fn served(&self, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.latency.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Served { route, status }).inc();
    }

    /// Everything counted, in the text format of `OpenMetrics`.
    #[must_use]
    pub(in crate::api) fn exposition(&self, data_version: i64, kept_answers: u64) -> String {
        self.data_version.set(data_version);
        self.kept_answers.set(i64::try_from(kept_answers).unwrap_or(i64::MAX));
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}
