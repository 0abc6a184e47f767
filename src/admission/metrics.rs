//! Metrics of reviews: verdicts by rule and by mutation, and where the time went.

mod releases;

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
};
use strum::VariantArray;

use self::releases::ReleaseFindings;
use super::{Endpoint, review::Request, verdict::Verdict};
use crate::{
    events::{Event, Reason},
    finding::Action,
    gather::{ReadErrors, Spent},
    metrics::{Metrics, Outcome},
    mutations::MUTATIONS,
    rules::RULES,
};

/// Histogram buckets: from the guard's own time for a claim up to the longest webhook timeout.
const SECONDS: [f64; 10] = [
    0.00002, 0.0001, 0.0005, 0.002, 0.01, 0.05, 0.2, 1.0, 4.0, 24.0,
];

const ADMITTED: &str = "admitted";
const REFUSED: &str = "refused";

/// The metric families of the admission endpoints.
#[derive(Clone, Debug)]
pub struct AdmissionMetrics {
    reviews: Family<ReviewLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    release_findings: ReleaseFindings,
    mutations: Family<MutationLabels, Counter>,
    overrides: Family<Outcome, Counter>,
    phases: Phases,
    pub(super) read_errors: ReadErrors,
}

/// Histograms of a review's time, one for each phase.
#[derive(Clone, Debug)]
struct Phases {
    receive: Histogram,
    read: Histogram,
    decode: Histogram,
    judge: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    endpoint: &'static str,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    rule: &'static str,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MutationLabels {
    mutation: &'static str,
}

impl AdmissionMetrics {
    /// Registers the families. Every rule and mutation starts at zero, so that `rate()` sees its first increment.
    pub fn new(metrics: &Metrics) -> Self {
        let seconds: Family<PhaseLabels, Histogram> =
            Family::new_with_constructor(|| Histogram::new(SECONDS));
        let phase = |phase| seconds.get_or_create_owned(&PhaseLabels { phase });
        let own = Self {
            reviews: Family::default(),
            findings: Family::default(),
            release_findings: ReleaseFindings::default(),
            mutations: Family::default(),
            overrides: Family::default(),
            phases: Phases {
                receive: phase("receive"),
                read: phase("read"),
                decode: phase("decode"),
                judge: phase("judge"),
            },
            read_errors: ReadErrors::new(metrics),
        };
        own.begin();
        own.register(metrics, seconds);
        own.release_findings.register(metrics);
        own
    }

    /// Creates every counter with the value zero.
    fn begin(&self) {
        for endpoint in Endpoint::VARIANTS.iter().map(<&str>::from) {
            for verdict in [ADMITTED, REFUSED] {
                let labels = ReviewLabels { endpoint, verdict };
                drop(self.reviews.get_or_create(&labels));
            }
        }
        for rule in RULES.iter().map(|rule| rule.id) {
            for action in Action::ALL.map(Action::name) {
                let labels = FindingLabels {
                    rule: rule.name(),
                    action,
                };
                drop(self.findings.get_or_create(&labels));
            }
        }
        for outcome in Reason::VARIANTS.iter().filter_map(|it| outcome(*it)) {
            drop(self.overrides.get_or_create(&Outcome { outcome }));
        }
        for mutation in MUTATIONS {
            drop(self.mutations.get_or_create(&MutationLabels {
                mutation: mutation.id.name(),
            }));
        }
    }

    fn register(&self, metrics: &Metrics, seconds: Family<PhaseLabels, Histogram>) {
        metrics.register(|registry| {
            registry.register(
                "reviews",
                "Reviews answered, by endpoint and verdict",
                self.reviews.clone(),
            );
            registry.register(
                "findings",
                "What the rules found, by rule and action",
                self.findings.clone(),
            );
            registry.register(
                "mutations",
                "What was set, by mutation",
                self.mutations.clone(),
            );
            registry.register(
                "overrides",
                "Overrides, by whether they were made, refused or used",
                self.overrides.clone(),
            );
            registry.register(
                "phase_seconds",
                "Time of reviews, by what it went into",
                seconds,
            );
        });
    }

    pub(super) fn count(
        &self,
        endpoint: Endpoint,
        request: &Request,
        verdict: &Verdict,
        events: &[Event],
    ) {
        let labels = ReviewLabels {
            endpoint: endpoint.into(),
            verdict: match verdict.allowed() {
                true => ADMITTED,
                false => REFUSED,
            },
        };
        self.reviews.get_or_create(&labels).inc();
        for outcome in events.iter().filter_map(|event| outcome(event.reason)) {
            self.overrides.get_or_create(&Outcome { outcome }).inc();
        }
        for (rule, count) in &verdict.findings {
            let action = count.name();
            self.findings
                .get_or_create(&FindingLabels {
                    rule: rule.name(),
                    action,
                })
                .inc();
        }
        if let Some(release) = &verdict.release {
            let namespace = &request.namespace;
            self.release_findings
                .count(namespace, release, &verdict.findings);
        }
        for (mutation, _) in &verdict.mutations {
            self.mutations
                .get_or_create(&MutationLabels {
                    mutation: mutation.name(),
                })
                .inc();
        }
    }

    /// Records the time of one review. `received` is the time to receive and parse its body, `judged` all the rest.
    pub(super) fn time(&self, received: Duration, judged: Duration, spent: Spent) {
        let rest = judged.saturating_sub(spent.reading + spent.decoding);
        self.phases.receive.observe(received.as_secs_f64());
        self.phases.judge.observe(rest.as_secs_f64());
        for (phase, time) in [
            (&self.phases.read, spent.reading),
            (&self.phases.decode, spent.decoding),
        ] {
            if !time.is_zero() {
                phase.observe(time.as_secs_f64());
            }
        }
    }
}

/// Returns the override's outcome that an Event reports; None for other Events.
fn outcome(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::OverrideCreated => Some("created"),
        Reason::OverrideRefused => Some("refused"),
        Reason::OverrideUsed => Some("used"),
        _ => None,
    }
}
