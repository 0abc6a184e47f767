//! Upgrades between real releases that differ in one thing and are admitted; those that are refused are in
//! `tests/rules/corpus_verdicts`, but for one that is made of values that Helm takes over.

use harness::{Denial, Helm, Secrets};

use crate::{
    release::{Release, record},
    stage::guarded_with_corpus,
};

/// Without values of its own an upgrade takes over those of before, which no record of the corpus shows.
const TAKEN_OVER: (&str, &str, &[&str]) = (
    "12.13.3-secrets-in-values",
    "13.12.7-defaults",
    &[
        "authentication-changed",
        "claims-orphaned",
        "claims-orphaned",
        "component-disappears",
        "data-migration-disabled",
        "identity-secret-removed",
        "importers-disabled",
        "orchestration-values",
        "web-modeler-postgresql-renamed",
    ],
);

/// And by which Helm.
const ADMITTED: [(&str, &str, Helm); 6] = [
    ("10.0.2", "11.0.1", Helm::V4),
    ("11.0.1", "12.13.3-after-11.0.1", Helm::V3),
    (
        "12.13.3-one-partition",
        "12.13.3-three-partitions",
        Helm::V4,
    ),
    (
        "12.13.3-without-web-modeler",
        "12.13.3-web-modeler-first",
        Helm::V3,
    ),
    ("12.13.3", "12.13.3-secrets-in-values", Helm::V4),
    ("12.13.3-defaults", "12.13.3-numbers", Helm::V3),
];

#[test]
fn values_that_are_taken_over_are_judged_whatever_helm_asks() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    let (from, to, rules) = TAKEN_OVER;
    let release = Release::new(cluster, "camunda");
    release.install_record(Helm::V3, &chart(from));
    release.bind_all();
    let (versions, target) = (release.versions(), chart(to));
    for helm in Helm::BOTH {
        let denial = Denial::of(&release.upgrade_record_as_checked(helm, &target));
        assert_eq!(denial.rules, rules, "{}", denial.text);
        assert!(!denial.text.contains("CANARY"), "{}", denial.text);
    }
    assert_eq!(release.versions(), versions);
}

#[test]
fn what_is_as_it_should_be_passes() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    for (from, to, helm) in ADMITTED {
        let release = Release::new(cluster, "camunda");
        release.install_record(Helm::V3, &chart(from));
        release.bind_all();
        let upgraded = release.upgrade_record_as_checked(helm, &chart(to));
        assert!(upgraded.success(), "{from} to {to}: {}", upgraded.report());
    }
}
