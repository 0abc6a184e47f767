//! What is found of each real upgrade where nobody has prepared anything (`CAMUNDA_CORPUS`). A change of the rules that
//! changes a verdict on purpose changes it here, too.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{finding::Action, rules};
use harness::Corpus;

use crate::pairs::{PAIRS, upgrade};

/// From and to, what refuses, what warns.
type Verdict = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const VERDICTS: [Verdict; 44] = [
    (
        "8.0.12",
        "8.1.27",
        &["elasticsearch-claim-labels", "identity-secret-regenerated"],
        &["backup-first", "upgrade-path-not-latest-patch"],
    ),
    (
        "8.1.27",
        "8.2.34",
        &["identity-secret-regenerated", "postgresql-major-upgrade"],
        &[
            "backup-first",
            "gateway-authentication-enabled",
            "keycloak-major-upgrade",
            "release-notes",
        ],
    ),
    (
        "8.2.34",
        "8.3.1",
        &[
            "elasticsearch-claims-orphaned",
            "identity-secret-regenerated",
            "immutable-field-changed",
        ],
        &[
            "backup-first",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
            "values-dropped",
        ],
    ),
    (
        "8.2.34-defaults",
        "8.3.1-defaults",
        &[
            "elasticsearch-claims-orphaned",
            "identity-secret-regenerated",
            "immutable-field-changed",
        ],
        &[
            "backup-first",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "8.2.34-three-nodes",
        "8.3.1-three-nodes",
        &[
            "elasticsearch-claims-orphaned",
            "elasticsearch-nodes-reduced",
            "elasticsearch-values-8.3",
            "identity-secret-regenerated",
            "immutable-field-changed",
        ],
        &[
            "backup-first",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "8.2.34-three-nodes",
        "8.3.1-three-nodes-kept",
        &[
            "elasticsearch-claims-orphaned",
            "elasticsearch-nodes-reduced",
            "elasticsearch-values-8.3",
            "immutable-field-changed",
        ],
        &[
            "backup-first",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "8.3.1",
        "9.3.7",
        &["identity-secret-regenerated"],
        &[
            "backup-first",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "9.3.7",
        "10.0.2",
        &["identity-secret-regenerated", "immutable-field-changed"],
        &[
            "backup-first",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "9.3.7",
        "10.0.2-images-of-8.4",
        &["images-of-another-line", "immutable-field-changed"],
        &[
            "backup-first",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "10.0.2",
        "11.0.1",
        &[],
        &[
            "backup-first",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "10.0.2-images-of-8.4",
        "11.0.1-after-images-of-8.4",
        &["upgrade-path-skipped"],
        &[
            "backup-first",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
            "values-dropped",
        ],
    ),
    (
        "10.0.2",
        "12.13.3",
        &["identity-secret-regenerated", "upgrade-path-skipped"],
        &[
            "backup-first",
            "chart-warnings",
            "keycloak-major-upgrade",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "11.0.1",
        "12.13.3-after-11.0.1",
        &[],
        &[
            "backup-first",
            "chart-warnings",
            "keycloak-major-upgrade",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "12.13.3",
        "12.13.3-one-node",
        &["elasticsearch-nodes-reduced"],
        &[],
    ),
    ("12.13.3", "12.13.3-secrets-in-values", &[], &[]),
    (
        "12.13.3-defaults",
        "12.13.3-broker-volumes",
        &["immutable-field-changed"],
        &[],
    ),
    (
        "12.13.3-defaults",
        "12.13.3-numbers",
        &[],
        &["partitions-changed"],
    ),
    (
        "12.13.3-one-partition",
        "12.13.3-three-partitions",
        &[],
        &["partitions-changed"],
    ),
    (
        "12.13.3-without-web-modeler",
        "12.13.3-web-modeler-first",
        &[],
        &["chart-warnings"],
    ),
    (
        "12.13.3",
        "13.12.7-defaults",
        &[
            "authentication-changed",
            "claims-orphaned",
            "component-disappears",
            "data-migration-disabled",
            "identity-secret-removed",
            "importers-disabled",
        ],
        &[
            "backup-first",
            "chart-warnings",
            "identity-migration-disabled",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3",
        "13.12.7-guides-line",
        &[
            "authentication-changed",
            "claims-orphaned",
            "component-disappears",
            "data-migration-disabled",
            "identity-secret-removed",
            "importers-disabled",
        ],
        &[
            "backup-first",
            "chart-warnings",
            "identity-migration-disabled",
            "release-notes",
            "values-dropped",
            "values-ignored",
        ],
    ),
    (
        "12.13.3",
        "13.12.7-reuse-old-secrets",
        &[
            "claims-orphaned",
            "component-disappears",
            "identity-secret-removed",
        ],
        &[
            "backup-first",
            "chart-warnings",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3",
        "13.12.7-identity",
        &[
            "claims-orphaned",
            "component-disappears",
            "credentials-secret-incomplete",
            "data-migration-disabled",
            "identity-secret-removed",
            "importers-disabled",
        ],
        &[
            "backup-first",
            "chart-warnings",
            "identity-migration-disabled",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3",
        "13.12.7-migration-full",
        &["credentials-secret-incomplete", "identity-secret-removed"],
        &["backup-first", "chart-warnings", "release-notes"],
    ),
    (
        "12.13.3-defaults",
        "13.12.7-defaults",
        &[
            "authentication-changed",
            "claims-orphaned",
            "component-disappears",
            "data-migration-disabled",
            "identity-secret-removed",
            "importers-disabled",
        ],
        &[
            "backup-first",
            "chart-warnings",
            "identity-migration-disabled",
            "release-notes",
        ],
    ),
    (
        "12.13.3-defaults",
        "13.12.7-migration",
        &["credentials-secret-incomplete", "identity-secret-removed"],
        &["backup-first", "chart-warnings", "release-notes"],
    ),
    (
        "12.13.3-autogenerated",
        "13.12.7-migration",
        &["credentials-secret-incomplete", "identity-secret-removed"],
        &[
            "backup-first",
            "chart-warnings",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3-five-brokers",
        "13.12.7-five-brokers-dropped",
        &[
            "credentials-secret-incomplete",
            "identity-secret-removed",
            "immutable-field-changed",
            "orchestration-values",
            "zeebe-brokers-reduced",
        ],
        &["backup-first", "chart-warnings", "release-notes"],
    ),
    (
        "12.13.3-numbers",
        "13.12.7-migration",
        &[
            "credentials-secret-incomplete",
            "identity-secret-removed",
            "zeebe-brokers-reduced",
        ],
        &[
            "backup-first",
            "chart-warnings",
            "partitions-changed",
            "release-notes",
            "values-dropped",
        ],
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
        &[
            "backup-first",
            "chart-warnings",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3-secrets-in-values",
        "13.12.7-migration-full",
        &["credentials-secret-incomplete", "identity-secret-removed"],
        &[
            "backup-first",
            "chart-warnings",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3-secrets-in-values",
        "13.12.7-defaults",
        &[
            "authentication-changed",
            "claims-orphaned",
            "component-disappears",
            "data-migration-disabled",
            "identity-secret-removed",
            "importers-disabled",
        ],
        &[
            "backup-first",
            "chart-warnings",
            "identity-migration-disabled",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3-console-web-modeler",
        "13.12.7-console-web-modeler",
        &["credentials-secret-incomplete", "identity-secret-removed"],
        &[
            "backup-first",
            "chart-warnings",
            "release-notes",
            "values-dropped",
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
        &[
            "backup-first",
            "chart-warnings",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3-keycloak-external-database",
        "13.12.7-keycloak-external-database-dropped",
        &["component-disappears", "credentials-secret-incomplete"],
        &["backup-first", "chart-warnings", "release-notes"],
    ),
    (
        "12.13.3-keycloak-external-database",
        "13.12.7-keycloak-external-database",
        &["credentials-secret-incomplete"],
        &["backup-first", "chart-warnings", "release-notes"],
    ),
    (
        "12.13.3-oidc",
        "13.12.7-oidc",
        &["credentials-secret-incomplete"],
        &[
            "backup-first",
            "chart-warnings",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "12.13.3-oidc",
        "13.12.7-oidc-placeholder",
        &["credentials-secret-incomplete", "oidc-client-unknown"],
        &[
            "backup-first",
            "chart-warnings",
            "release-notes",
            "values-dropped",
        ],
    ),
    (
        "13.1.0-web-modeler-persistence",
        "13.12.7-web-modeler-persistence",
        &[],
        &["chart-warnings", "claim-removed"],
    ),
    (
        "13.12.7-identity",
        "13.12.7-defaults",
        &["claims-orphaned", "component-disappears"],
        &["values-dropped"],
    ),
    (
        "13.12.7-guides-line",
        "13.12.7-defaults",
        &[],
        &["values-dropped"],
    ),
    (
        "13.12.7-migration",
        "14.0.0-identity",
        &["migration-unfinished"],
        &[
            "backup-first",
            "pre-release",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "13.12.7-identity",
        "14.0.0-identity",
        &[],
        &[
            "backup-first",
            "pre-release",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
    (
        "13.12.7-optimize-persistence",
        "14.0.0-optimize-persistence",
        &[],
        &[
            "backup-first",
            "claim-removed",
            "pre-release",
            "release-notes",
            "upgrade-path-not-latest-patch",
        ],
    ),
];

#[test]
fn real_upgrades_meet_their_verdicts() {
    let Some(corpus) = Corpus::find() else { return };
    let listed: BTreeSet<_> = VERDICTS.iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(listed, BTreeSet::from(PAIRS));
    let mut others = Vec::new();
    for (from, to, denies, warns) in VERDICTS {
        let (change, facts) = upgrade(&corpus, from, to);
        let findings = rules::judge(&change, &facts);
        let of = |action| -> BTreeSet<_> {
            let found = findings.iter().filter(|it| it.action == action);
            found.map(|it| it.rule.name()).collect()
        };
        let expected = |rules: &[&'static str]| rules.iter().copied().collect::<BTreeSet<_>>();
        let judged = [of(Action::Deny), of(Action::Warn)];
        if judged != [expected(denies), expected(warns)] {
            others.push(format!("{from} to {to}: {judged:?}"));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}
