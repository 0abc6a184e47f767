//! Upgrades between real releases that differ in one thing, with both Helms: what refuses each, and what is admitted.

use harness::{Denial, Helm, Secrets};

use crate::{
    release::{Release, record},
    stage::guarded_with_corpus,
};

/// From, to, and what refuses it.
const REFUSED: [(&str, &str, &[&str]); 10] = [
    (
        "8.2.34-three-nodes",
        "8.3.1-three-nodes-kept",
        &[
            "elasticsearch-claims-orphaned",
            "elasticsearch-nodes-reduced",
            "elasticsearch-values-8.3",
            "immutable-field-changed",
        ],
    ),
    (
        "9.3.7",
        "10.0.2-images-of-8.4",
        &["images-of-another-line", "immutable-field-changed"],
    ),
    (
        "12.13.3",
        "12.13.3-one-node",
        &["elasticsearch-nodes-reduced"],
    ),
    (
        "12.13.3-defaults",
        "12.13.3-broker-volumes",
        &["immutable-field-changed"],
    ),
    (
        "12.13.3-broker-volumes",
        "13.12.7-migration",
        &[
            "claims-orphaned",
            "credentials-secret-incomplete",
            "identity-secret-removed",
            "immutable-field-changed",
        ],
    ),
    (
        "12.13.3-numbers",
        "13.12.7-migration",
        &[
            "credentials-secret-incomplete",
            "identity-secret-removed",
            "zeebe-brokers-reduced",
        ],
    ),
    (
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
            // Without values of its own an upgrade takes over those of before.
            "orchestration-values",
            "web-modeler-postgresql-renamed",
        ],
    ),
    (
        "12.13.3-console-web-modeler",
        "13.12.7-migration-full",
        &[
            "claims-orphaned",
            "credentials-secret-incomplete",
            "identity-secret-removed",
        ],
    ),
    (
        "12.13.3-keycloak-external-database",
        "13.12.7-keycloak-external-database-dropped",
        &["component-disappears", "credentials-secret-incomplete"],
    ),
    (
        "12.13.3-oidc",
        "13.12.7-oidc-placeholder",
        &["credentials-secret-incomplete", "oidc-client-unknown"],
    ),
];

const ADMITTED: [(&str, &str); 6] = [
    ("10.0.2", "11.0.1"),
    ("11.0.1", "12.13.3-after-11.0.1"),
    ("12.13.3-one-partition", "12.13.3-three-partitions"),
    ("12.13.3-without-web-modeler", "12.13.3-web-modeler-first"),
    ("12.13.3", "12.13.3-secrets-in-values"),
    ("12.13.3-defaults", "12.13.3-numbers"),
];

#[test]
fn what_must_not_pass_is_refused_whatever_helm_asks() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    for (from, to, rules) in REFUSED {
        let release = Release::new(cluster, "camunda");
        release.install_record(Helm::V3, &chart(from));
        release.bind_all();
        let (versions, target) = (release.versions(), chart(to));
        for helm in Helm::BOTH {
            let denial = Denial::of(&release.upgrade_record_as_checked(helm, &target));
            assert_eq!(denial.rules, rules, "{from} to {to}: {}", denial.text);
            assert!(!denial.text.contains("CANARY"), "{}", denial.text);
        }
        assert_eq!(release.versions(), versions, "{from} to {to}");
    }
}

#[test]
fn what_is_as_it_should_be_passes_with_either_helm() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    for (from, to) in ADMITTED {
        for helm in Helm::BOTH {
            let release = Release::new(cluster, "camunda");
            release.install_record(Helm::V3, &chart(from));
            release.bind_all();
            let upgraded = release.upgrade_record_as_checked(helm, &chart(to));
            assert!(upgraded.success(), "{from} to {to}: {}", upgraded.report());
        }
    }
}
