//! What was decided, by rule and by mutation.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::{Endpoint, verdict::Verdict};
use crate::{finding::Action, metrics::Metrics, mutations::MUTATIONS, rules::RULES};

/// The families of verdicts.
#[derive(Clone, Debug)]
pub struct AdmissionMetrics {
    reviews: Family<ReviewLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    mutations: Family<MutationLabels, Counter>,
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
    /// Registers the families; every rule and mutation is there from the start, so that a rate sees its first time.
    pub fn new(metrics: &Metrics) -> Self {
        let own = Self {
            reviews: Family::default(),
            findings: Family::default(),
            mutations: Family::default(),
        };
        for rule in RULES {
            for action in ["deny", "warn"] {
                drop(own.findings.get_or_create(&FindingLabels {
                    rule: rule.id,
                    action,
                }));
            }
        }
        for mutation in MUTATIONS {
            drop(own.mutations.get_or_create(&MutationLabels { mutation }));
        }
        metrics.register(|registry| {
            registry.register(
                "reviews",
                "Reviews answered, by endpoint and verdict",
                own.reviews.clone(),
            );
            registry.register(
                "findings",
                "What the rules found, by rule and action",
                own.findings.clone(),
            );
            registry.register(
                "mutations",
                "What was set, by mutation",
                own.mutations.clone(),
            );
        });
        own
    }

    pub(super) fn count(&self, endpoint: Endpoint, verdict: &Verdict) {
        let endpoint = match endpoint {
            Endpoint::Mutate => "mutate",
            Endpoint::Validate => "validate",
        };
        let labels = ReviewLabels {
            endpoint,
            verdict: if verdict.allowed() {
                "admitted"
            } else {
                "refused"
            },
        };
        self.reviews.get_or_create(&labels).inc();
        for (rule, action) in &verdict.findings {
            let action = match action {
                Action::Deny => "deny",
                Action::Warn => "warn",
            };
            self.findings
                .get_or_create(&FindingLabels { rule, action })
                .inc();
        }
        for mutation in &verdict.mutations {
            self.mutations
                .get_or_create(&MutationLabels { mutation })
                .inc();
        }
    }
}
