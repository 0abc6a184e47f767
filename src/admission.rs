//! The admission endpoints: take AdmissionReviews and answer them with verdicts.
//!
//! The API server calls the mutating endpoint, then validates immutable fields itself, then calls the validating
//! one. So a refusal of a changed selector has to come from `/mutate`; everything else comes from `/validate`.

mod configuring;
mod cut_off;
mod metrics;
mod mutate;
mod notices;
mod object_gate;
mod opting_out;
mod overriding;
mod release_gate;
mod review;
mod secret_gate;
mod verdict;

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{self, FromRequest, Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::FutureExt;
use serde::Deserialize;
use strum::{IntoStaticStr, VariantArray};
use tokio::sync::watch;
use tracing::Instrument;

pub use self::metrics::AdmissionMetrics;
use self::{review::Request, verdict::Verdict};
use crate::{
    cluster::Cluster,
    events::Events,
    gather::{Processors, Reader, Records},
    kubernetes::Kind,
    mutations::volume_reclaim_policy::RetainScope,
    policy::Policy,
    server::{BodyError, Whole},
};

/// The API server's default timeout, for a webhook configuration that sets none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers AdmissionReviews.
pub struct Guard {
    cluster: Cluster,
    retain: RetainScope,
    policy: watch::Receiver<Arc<Policy>>,
    records: Arc<Records>,
    processors: Processors,
    metrics: AdmissionMetrics,
    events: Events,
}

/// The endpoint that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
enum Endpoint {
    Mutate,
    Validate,
    Configuration,
}

/// The query parameter in which the API server tells each webhook how long it waits: `?timeout=5s`.
#[derive(Debug, Default, Deserialize)]
struct Timeout {
    timeout: Option<String>,
}

impl Guard {
    /// Creates a guard for a cluster. `retain` applies where the policy does not set it.
    pub fn new(
        cluster: Cluster,
        retain: RetainScope,
        policy: watch::Receiver<Arc<Policy>>,
        metrics: AdmissionMetrics,
        events: Events,
    ) -> Self {
        Self {
            cluster,
            retain,
            policy,
            records: Arc::default(),
            processors: Processors::default(),
            metrics,
            events,
        }
    }

    /// Routes `POST /validate`, `POST /mutate`, and `POST /configuration` for the guard's own.
    pub fn router(self) -> Router {
        Router::new()
            .route(
                "/validate",
                post(|guard, timeout, review| answer(Endpoint::Validate, guard, timeout, review)),
            )
            .route(
                "/mutate",
                post(|guard, timeout, review| answer(Endpoint::Mutate, guard, timeout, review)),
            )
            .route(
                "/configuration",
                post(|guard, timeout, review| {
                    answer(Endpoint::Configuration, guard, timeout, review)
                }),
            )
            .with_state(Arc::new(self))
    }

    async fn judge(
        &self,
        endpoint: Endpoint,
        request: &Request<'_>,
        reader: &Reader,
        policy: &Policy,
    ) -> Verdict {
        if endpoint == Endpoint::Configuration {
            return configuring::judge(request);
        }
        if endpoint == Endpoint::Validate && request.is_record() {
            return release_gate::judge(self, policy, reader, request).await;
        }
        let policy = policy.in_namespace(reader, &request.namespace).await;
        match (endpoint, request.kind()) {
            (Endpoint::Validate, Some(Kind::ConfigMap)) => overriding::judge(reader, request).await,
            (Endpoint::Validate, Some(Kind::Namespace)) => opting_out::judge(reader, request).await,
            (_, Some(Kind::PersistentVolume)) if opting_out::covers(reader, request).await => {
                Verdict::admitted()
            }
            (Endpoint::Mutate, _) => mutate::judge(&policy, self.retain, reader, request).await,
            (Endpoint::Validate | Endpoint::Configuration, _) => {
                object_gate::judge(&self.records, &policy, reader, request).await
            }
        }
    }
}

async fn answer(
    endpoint: Endpoint,
    State(guard): State<Arc<Guard>>,
    Query(timeout): Query<Timeout>,
    request: extract::Request,
) -> Response {
    let begun = Instant::now();
    let bytes = match Whole::from_request(request, &()).await {
        Ok(Whole(bytes)) => bytes,
        Err(error) => return not_received(error),
    };
    let _memory = match guard.records.hold_review(&bytes).await {
        Ok(held) => held,
        Err(error) => return not_received(error),
    };
    let request = match Request::of_review(&bytes) {
        Ok(request) => request,
        Err(error) => {
            tracing::warn!(%error, "a review can't be parsed");
            return reply(&Verdict::unreadable(&error.to_string()), "");
        }
    };
    let received = Instant::now();
    // An error-level span: a log filter must not remove it from lines that are logged.
    let span = tracing::error_span!("review", uid = &*request.uid);
    let errors = guard.metrics.read_errors.clone();
    // One review is judged by one policy, whatever is loaded meanwhile.
    let policy = Arc::clone(&guard.policy.borrow());
    let guarded = Arc::clone(&policy.guarded);
    // The API server has waited since it sent the header.
    let budget = timeout.budget().saturating_sub(received - begun);
    let reader = Reader::new(guard.cluster.clone(), budget, errors, guarded);
    // A panic in a rule is an answer, not a dropped connection: the user would read only "EOF".
    let judged = AssertUnwindSafe(guard.judge(endpoint, &request, &reader, &policy))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let verdict = judged.unwrap_or_else(|_| Verdict::failed(&request));
    span.in_scope(|| verdict.log(endpoint, &request));
    let events = notices::events(endpoint, &request, &verdict);
    guard.metrics.count(endpoint, &request, &verdict, &events);
    let (receiving, judging) = (received - begun, received.elapsed());
    guard.metrics.time(receiving, judging, reader.spent());
    for event in events {
        guard.events.tell(event);
    }
    reply(&verdict, &request.uid)
}

/// Answers a review that was not received to its end. Nothing was judged, so this is no verdict: the API server does as
/// the webhook's `failurePolicy` says.
fn not_received(error: BodyError) -> Response {
    let BodyError::TooLarge { beginning } = &error else {
        return error.into_response();
    };
    let Some(uid) = cut_off::uid(beginning) else {
        return error.into_response();
    };
    let mut response = reply(&Verdict::too_large(&error.to_string()), &uid);
    *response.status_mut() = error.status();
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

fn reply(verdict: &Verdict, uid: &str) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        verdict.to_review(uid),
    )
        .into_response()
}

impl Timeout {
    /// Returns four fifths of the API server's timeout: an answer that comes too late is none.
    fn budget(&self) -> Duration {
        let told = self.timeout.as_deref().and_then(|timeout| {
            let seconds: u64 = timeout.strip_suffix('s')?.parse().ok()?;
            (1..=30)
                .contains(&seconds)
                .then(|| Duration::from_secs(seconds))
        });
        told.unwrap_or(DEFAULT_TIMEOUT) * 4 / 5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_four_fifths_of_what_the_api_server_waits() {
        let budget = |timeout: Option<&str>| {
            Timeout {
                timeout: timeout.map(str::to_owned),
            }
            .budget()
            .as_millis()
        };
        assert_eq!(budget(Some("10s")), 8000);
        for odd in [None, Some(""), Some("0s"), Some("99s"), Some("soon")] {
            assert_eq!(budget(odd), 4000, "{odd:?}");
        }
    }
}
