//! The process's metrics: one registry, in which each part registers its own families.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Prefix of every metric's name, followed by an underscore.
pub const PREFIX: &str = "camunda_upgrade_guard";

/// Content type of the text from [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The registry and the server's own families; clones share both.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    pub(crate) server: ServerMetrics,
}

impl Metrics {
    /// Creates a registry with the server's families.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let server = ServerMetrics::new();
        server.register(&mut registry);
        Self {
            registry: Arc::new(Mutex::new(registry)),
            server,
        }
    }

    /// Lets another part register its own families, whose names get the prefix.
    pub fn register<T>(&self, families: impl FnOnce(&mut Registry) -> T) -> T {
        families(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Encodes all metrics in the OpenMetrics text format.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        text::encode(&mut page, &registry)?;
        Ok(page)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The server's own families.
#[derive(Clone, Debug)]
pub(crate) struct ServerMetrics {
    pub(crate) connections_open: Gauge,
    pub(crate) connections_limit: Gauge,
    pub(crate) connections: Counter,
    pub(crate) connections_shed: Counter,
    pub(crate) handshake_failures: Counter,
    pub(crate) certificate_expiry: Gauge,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<EndpointLabel, Histogram>,
    certificate_reloads: Family<Outcome, Counter>,
    bodies_refused: Family<Reason, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    endpoint: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabel {
    endpoint: &'static str,
}

/// The label of families that count only outcomes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub(crate) outcome: &'static str,
}

/// Why a body was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// A body of more bytes than a request may have.
pub(crate) const TOO_LARGE: &str = "too_large";
/// A body whose peer sends too slowly.
pub(crate) const TOO_SLOW: &str = "too_slow";
/// A body for which no memory became free.
pub(crate) const NO_MEMORY: &str = "no_memory";

/// Histogram buckets: half a millisecond up to the API server's longest webhook timeout, 30 s.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0, 30.0,
];

const VALIDATE: &str = "validate";
const MUTATE: &str = "mutate";
const CONFIGURATION: &str = "configuration";
const OTHER: &str = "other";

/// Returns the endpoint's label; all unknown paths share one, so that a scanner can't grow the registry.
pub(crate) fn endpoint(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some(VALIDATE) => VALIDATE,
        Some(MUTATE) => MUTATE,
        Some(CONFIGURATION) => CONFIGURATION,
        _ => OTHER,
    }
}

// === impl ServerMetrics ===

impl ServerMetrics {
    fn new() -> Self {
        let metrics = Self {
            connections_open: Gauge::default(),
            connections_limit: Gauge::default(),
            connections: Counter::default(),
            connections_shed: Counter::default(),
            handshake_failures: Counter::default(),
            certificate_expiry: Gauge::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            certificate_reloads: Family::default(),
            bodies_refused: Family::default(),
        };
        // `rate()` misses the first failure of a counter that does not exist before.
        for (endpoint, code) in [(VALIDATE, 200), (MUTATE, 200), (OTHER, 404)] {
            let labels = RequestLabels { endpoint, code };
            drop(metrics.requests.get_or_create(&labels));
            let labels = EndpointLabel { endpoint };
            drop(metrics.request_seconds.get_or_create(&labels));
        }
        for outcome in ["ok", "failed"] {
            drop(
                metrics
                    .certificate_reloads
                    .get_or_create(&Outcome { outcome }),
            );
        }
        for reason in [TOO_LARGE, TOO_SLOW, NO_MEMORY] {
            drop(metrics.bodies_refused.get_or_create(&Reason { reason }));
        }
        metrics
    }

    pub(crate) fn body_refused(&self, reason: &'static str) {
        self.bodies_refused.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn answered(&self, endpoint: &'static str, code: u16, took: Duration) {
        let labels = RequestLabels { endpoint, code };
        self.requests.get_or_create(&labels).inc();
        let labels = EndpointLabel { endpoint };
        self.request_seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    pub(crate) fn reloaded(&self, ok: bool) {
        let outcome = if ok { "ok" } else { "failed" };
        self.certificate_reloads
            .get_or_create(&Outcome { outcome })
            .inc();
    }

    fn register(&self, registry: &mut Registry) {
        registry.register(
            "connections_open",
            "TLS connections open now, those in their handshake included",
            self.connections_open.clone(),
        );
        registry.register(
            "connections_limit",
            "TLS connections that may be open at once",
            self.connections_limit.clone(),
        );
        registry.register(
            "connections",
            "TLS connections accepted",
            self.connections.clone(),
        );
        registry.register(
            "connections_shed",
            "Idle TLS connections closed to let another one in",
            self.connections_shed.clone(),
        );
        registry.register(
            "bodies_refused",
            "Request bodies that were not received to their end, by reason",
            self.bodies_refused.clone(),
        );
        registry.register(
            "handshake_failures",
            "TLS handshakes that failed or took too long",
            self.handshake_failures.clone(),
        );
        registry.register(
            "requests",
            "Requests answered, by endpoint and HTTP status",
            self.requests.clone(),
        );
        registry.register(
            "request_seconds",
            "Time from a request's header to its answer",
            self.request_seconds.clone(),
        );
        registry.register(
            "certificate_reloads",
            "Changes seen in the certificate files, by whether the new pair is served",
            self.certificate_reloads.clone(),
        );
        registry.register(
            "certificate_expiry_timestamp_seconds",
            "When the served certificate expires, in seconds since 1970",
            self.certificate_expiry.clone(),
        );
    }
}
