//! What was found of which release, for no more releases than a Prometheus can bear.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use crate::{
    finding::{Action, RuleId},
    metrics::Metrics,
};

/// The most releases that are told apart. Names come from outside, and whoever may write a record may make some up.
const MOST: usize = 200;

/// Stands for the namespace and the name of all further ones.
const OTHER: &str = "other";

#[derive(Clone, Debug, Default)]
pub(super) struct ReleaseFindings {
    findings: Family<Labels, Counter>,
    releases: Arc<Mutex<BTreeSet<(String, String)>>>,
}

/// A scrape sets the label `namespace` to that of the guard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    release_namespace: String,
    release: String,
    rule: &'static str,
    action: &'static str,
}

impl ReleaseFindings {
    pub(super) fn register(&self, metrics: &Metrics) {
        metrics.register(|registry| {
            registry.register(
                "release_findings",
                "What the rules found of a release, by rule and action",
                self.findings.clone(),
            );
        });
    }

    pub(super) fn count(&self, namespace: &str, release: &str, findings: &[(RuleId, Action)]) {
        if findings.is_empty() {
            return;
        }
        let (release_namespace, release) = self.told_apart(namespace, release);
        for (rule, action) in findings {
            let labels = Labels {
                release_namespace: release_namespace.clone(),
                release: release.clone(),
                rule: rule.name(),
                action: action.name(),
            };
            self.findings.get_or_create(&labels).inc();
        }
    }

    fn told_apart(&self, namespace: &str, release: &str) -> (String, String) {
        let mut releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (namespace.to_owned(), release.to_owned());
        if releases.contains(&key) {
            return key;
        }
        if releases.len() == MOST {
            return (OTHER.to_owned(), OTHER.to_owned());
        }
        releases.insert(key.clone());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(findings: &ReleaseFindings, release: &str) -> u64 {
        let labels = Labels {
            release_namespace: if release == OTHER { OTHER } else { "camunda" }.to_owned(),
            release: release.to_owned(),
            rule: "backup-first",
            action: "warn",
        };
        findings.findings.get(&labels).map_or(0, |it| it.get())
    }

    #[test]
    fn made_up_releases_share_one_series() {
        let findings = ReleaseFindings::default();
        let found = [(RuleId::BackupFirst, Action::Warn)];
        for number in 0..MOST + 2 {
            findings.count("camunda", &format!("release-{number}"), &found);
        }
        findings.count("camunda", "release-0", &found);
        findings.count("camunda", "nothing-found", &[]);
        assert_eq!(counted(&findings, "release-0"), 2);
        assert_eq!(counted(&findings, &format!("release-{}", MOST - 1)), 1);
        assert_eq!(counted(&findings, &format!("release-{MOST}")), 0);
        assert_eq!(counted(&findings, OTHER), 2);
        assert_eq!(counted(&findings, "nothing-found"), 0);
    }
}
