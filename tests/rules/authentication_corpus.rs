//! The same rules over what real charts render.

use camunda_upgrade_guard::{
    change::{Change, Facts, Rendered},
    finding::Finding,
    helm::release::Release,
    rules,
};
use harness::Corpus;
use serde_json::json;

use crate::scene::commands;

const RULES: [&str; 8] = [
    "ldap-unsupported",
    "authentication-changed",
    "identity-migration-idp",
    "resource-authorizations",
    "multi-tenancy-half",
    "authentication-not-explicit",
    "identity-migration-disabled",
    "tls-outside-orchestration",
];

/// A record with some of its manifest written otherwise.
fn release(corpus: &Corpus, name: &str, status: &str, edits: &[(&str, &str)]) -> Release {
    let mut raw = corpus.record(name).unwrap().raw;
    raw["info"] = json!({"status": status});
    let mut manifest = raw["manifest"].as_str().unwrap().to_owned();
    for (old, new) in edits {
        assert!(manifest.contains(old), "{name} has no {old}");
        manifest = manifest.replace(old, new);
    }
    raw["manifest"] = manifest.into();
    serde_json::from_value(raw).unwrap()
}

fn between(running: &Release, planned: &Release) -> Vec<Finding> {
    let running = Rendered::of(running, None);
    let rendered = Rendered::of(planned, Some(&running));
    let change = Change::of_release(planned, &rendered, Some(&running)).unwrap();
    let mut findings = rules::judge(&change, &Facts::default());
    findings.retain(|finding| RULES.contains(&finding.rule.name()));
    findings
}

fn rules_of(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.name()).collect()
}

#[test]
fn good_upgrades_are_not_worth_a_word() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to) in [
        ("12.13.3", "13.12.7-migration-full"),
        ("12.13.3-defaults", "13.12.7-migration"),
        ("12.13.3-defaults", "13.12.7-reuse-old-secrets"),
        ("12.13.3-five-brokers", "13.12.7-five-brokers-dropped"),
        ("13.12.7-identity", "13.12.7-identity"),
        ("13.12.7-identity", "14.0.0-identity"),
        ("13.12.7-defaults", "13.12.7-defaults"),
        ("12.13.3", "12.13.3"),
        ("10.0.2", "12.13.3"),
    ] {
        let running = release(&corpus, from, "deployed", &[]);
        let planned = release(&corpus, to, "pending-upgrade", &[]);
        assert_eq!(between(&running, &planned), [], "{from} to {to}");
    }
}

#[test]
fn defaults_change_how_people_log_in() {
    let Some(corpus) = Corpus::find() else { return };
    for from in ["12.13.3", "12.13.3-defaults"] {
        for to in ["13.12.7-defaults", "13.12.7-guides-line"] {
            let running = release(&corpus, from, "deployed", &[]);
            let planned = release(&corpus, to, "pending-upgrade", &[]);
            let findings = between(&running, &planned);
            assert_eq!(
                rules_of(&findings),
                ["authentication-changed", "identity-migration-disabled"],
                "{from} to {to}"
            );
            assert!(
                findings[0].why[0].contains("Keycloak at camunda-keycloak/camunda-platform"),
                "{:?}",
                findings[0].why
            );
            let typed = commands(&findings[0]).join("\n");
            for line in ["method: oidc", "identityKeycloak: {enabled: true}"] {
                assert!(typed.contains(line), "{line}: {typed}");
            }
        }
    }
    let running = release(&corpus, "12.13.3-defaults", "deployed", &[]);
    let planned = release(&corpus, "13.12.7-identity", "pending-upgrade", &[]);
    assert_eq!(
        rules_of(&between(&running, &planned)),
        ["identity-migration-disabled"]
    );
}

#[test]
fn without_identity_the_default_only_has_to_be_named() {
    let Some(corpus) = Corpus::find() else { return };
    let basic = [
        ("active: \"identity-auth\"", "active: \"auth\""),
        ("active: identity-auth", "active: auth"),
    ];
    let running = release(&corpus, "12.13.3", "deployed", &basic);
    let planned = release(&corpus, "13.12.7-defaults", "pending-upgrade", &[]);
    assert_eq!(
        rules_of(&between(&running, &planned)),
        ["authentication-not-explicit"]
    );
    let planned = release(&corpus, "13.12.7-migration-full", "pending-upgrade", &[]);
    assert_eq!(
        rules_of(&between(&running, &planned)),
        ["authentication-changed"]
    );
}

#[test]
fn what_12_had_is_found_in_its_manifest() {
    let Some(corpus) = Corpus::find() else { return };
    let to = "13.12.7-migration-full";
    let license = "- name: CAMUNDA_LICENSE_KEY\n";
    let variable = |name: &str, value: &str| {
        format!("- name: {name}\n              value: \"{value}\"\n            {license}")
    };
    let planned = release(&corpus, to, "pending-upgrade", &[]);
    for (name, value, rule) in [
        (
            "RESOURCE_PERMISSIONS_ENABLED",
            "true",
            "resource-authorizations",
        ),
        ("SPRING_PROFILES_ACTIVE", "ldap-auth", "ldap-unsupported"),
        (
            "JDK_JAVA_OPTIONS",
            "-Djavax.net.ssl.trustStore=/ca.jks",
            "tls-outside-orchestration",
        ),
    ] {
        let edits = [(license, variable(name, value))];
        let edits = edits.each_ref().map(|(old, new)| (*old, new.as_str()));
        let running = release(&corpus, "12.13.3", "deployed", &edits);
        assert_eq!(rules_of(&between(&running, &planned)), [rule]);
    }
    let running = release(&corpus, "12.13.3", "deployed", &[]);
    for (old, new, rule) in [
        (
            "checksEnabled: false",
            "checksEnabled: true",
            "multi-tenancy-half",
        ),
        (
            "multi-tenancy: \"false\"",
            "multi-tenancy: \"true\"",
            "multi-tenancy-half",
        ),
        ("mode: KEYCLOAK", "mode: OIDC", ""),
        ("client-id: migration\n", "client-id: \n", ""),
    ] {
        let planned = release(&corpus, to, "pending-upgrade", &[(old, new)]);
        let expected: &[&str] = if rule.is_empty() { &[] } else { &[rule] };
        assert_eq!(rules_of(&between(&running, &planned)), expected, "{new}");
    }
    let planned = release(
        &corpus,
        to,
        "pending-upgrade",
        &[
            ("mode: KEYCLOAK", "mode: OIDC"),
            ("client-id: migration\n", "client-id: \n"),
        ],
    );
    assert_eq!(
        rules_of(&between(&running, &planned)),
        ["identity-migration-idp"]
    );
}
