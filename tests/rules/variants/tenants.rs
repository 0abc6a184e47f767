//! Tenants, which Identity keeps in a database of its own.

use harness::Corpus;
use serde_json::json;

use super::Variant;
use crate::{live::Upgrade, record::Record};

const OWN: &str = "camunda-identity-postgresql";
/// The new keys of old passwords, and where they are.
const CARRIED: [(&str, &str, &str); 5] = [
    super::CARRIED[0],
    super::CARRIED[1],
    super::CARRIED[2],
    (
        "identity-postgresql-admin-password",
        OWN,
        "postgres-password",
    ),
    ("identity-postgresql-user-password", OWN, "password"),
];

/// With Keycloak's PostgreSQL a second time, under Identity's name for its own.
fn with_database(record: Record, secret: Option<(&str, &str)>) -> Record {
    let templates = "charts/identityKeycloak/charts/postgresql/";
    let copy = record
        .clone()
        .replace(templates, templates, "charts/identityPostgresql/")
        .replace(
            "identityPostgresql/",
            "name: postgresql\n",
            "name: identity-postgresql\n",
        )
        .replace("identityPostgresql/", "camunda-postgresql", OWN);
    let copy = match secret {
        Some((from, to)) => copy.replace("identityPostgresql/", from, to),
        None => copy,
    };
    record.with(&copy, &["charts/identityPostgresql/"])
}

/// With tenants where the charts render them.
fn with_tenants(record: Record, database: &str, secret: &str, key: &str) -> Record {
    let source = format!(
        "spring:\n      datasource:\n        url: \"jdbc:postgresql://{database}:5432/identity\"\n        username: identity\n"
    );
    record
        .replace(
            "templates/identity/configmap",
            "    spring:\n",
            &format!("    {source}"),
        )
        .reading(
            "templates/identity/",
            "IDENTITY_DATABASE_PASSWORD",
            secret,
            key,
        )
}

fn tenants(corpus: Corpus, own: bool) -> Variant {
    let (database, secret) = match own {
        true => (OWN, OWN),
        false => ("db.example.com", "tenants"),
    };
    let twelve = Record::of(&corpus, "12.13.3-defaults")
        .replace(
            "zeebe-gateway/configmap",
            "        network:\n",
            "        multitenancy:\n          enabled: true\n        network:\n",
        )
        .replace(
            "templates/identity/configmap",
            "url: \"http://localhost:8080\"\n",
            "url: \"http://localhost:8080\"\n      flags:\n        multi-tenancy: \"true\"\n",
        );
    let thirteen = Record::of(&corpus, "13.12.7-migration")
        .replace(
            "orchestration/configmap-unified",
            "checksEnabled: false",
            "checksEnabled: true",
        )
        .replace(
            "templates/identity/configmap",
            "multi-tenancy: \"false\"",
            "multi-tenancy: \"true\"",
        );
    let bad = Record::of(&corpus, "13.12.7-defaults").replace(
        "orchestration/configmap-unified",
        "checksEnabled: false",
        "checksEnabled: true",
    );
    let (carried, key) = match own {
        true => ("camunda-credentials", "identity-postgresql-user-password"),
        false => (secret, "password"),
    };
    let twelve = with_tenants(twelve, database, secret, "password");
    let thirteen = with_tenants(thirteen, database, carried, key);
    let (twelve, bad, thirteen) = match own {
        true => {
            let made = with_database(twelve.clone(), None);
            let kept = bad.with(&made, &["charts/identityPostgresql/"]);
            let keys = ("identity-keycloak-postgresql", "identity-postgresql");
            (made, kept, with_database(thirteen, Some(keys)))
        }
        false => (twelve, bad, thirteen),
    };
    let values = match own {
        true => {
            json!({"global": {"multitenancy": {"enabled": true}}, "identityPostgresql": {"enabled": true}})
        }
        false => {
            json!({"global": {"multitenancy": {"enabled": true}}, "identity": {"externalDatabase": {"enabled": true,
            "host": "db.example.com", "username": "identity", "database": "identity", "existingSecret": "tenants",
            "existingSecretPasswordKey": "password"}}})
        }
    };
    Variant {
        values,
        running: twelve,
        bad,
        good: thirteen,
        live: vec![json!({"kind": "Secret", "metadata": {"name": "tenants"},
            "stringData": {"password": "known to the database"}})],
        corpus,
    }
}

const ON_DEFAULTS: [&str; 6] = [
    "component-disappears",
    "claims-orphaned",
    "identity-secret-removed",
    "authentication-changed",
    "importers-disabled",
    "data-migration-disabled",
];

#[test]
fn tenants_in_identitys_own_database() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = tenants(corpus, true);
    let printed = variant.refused(&ON_DEFAULTS);
    assert_eq!(
        printed["identityPostgresql"],
        json!({"auth": {"existingSecret": "camunda-credentials", "secretKeys": {
            "adminPasswordKey": "identity-postgresql-admin-password",
            "userPasswordKey": "identity-postgresql-user-password"}}})
    );
    let refusal = variant.upgrade().refusal();
    for (key, secret, old) in &CARRIED[3..] {
        let read = format!("literal {key} secret {secret} {old} &&");
        assert!(refusal.contains(&read), "{read}: {refusal}");
    }
    variant.cured(&printed, &CARRIED);
}

#[test]
fn identitys_database_does_not_go_unseen() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = tenants(corpus, true);
    let forgotten = variant
        .good
        .clone()
        .without(&["charts/identityPostgresql/"]);
    let variant = Variant {
        bad: forgotten,
        values: json!({"identityPostgresql": {"enabled": true}}),
        ..variant
    };
    let upgrade = variant.upgrade();
    let refusal = upgrade.refusal();
    assert!(upgrade.refusing().contains(&"claims-orphaned"), "{refusal}");
    assert!(
        refusal.contains("Identity's PostgreSQL would lose its volumes"),
        "{refusal}"
    );
    assert!(
        !refusal.contains("Keycloak's PostgreSQL would"),
        "{refusal}"
    );
}

#[test]
fn tenants_in_an_external_database() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = tenants(corpus, false);
    let printed = variant.refused(&ON_DEFAULTS);
    assert_eq!(printed.get("identityPostgresql"), None);
    variant.cured(&printed, &CARRIED[..3]);

    let upgrade = |edit: &dyn Fn(Record) -> Record| -> Upgrade {
        let good = edit(variant.good.clone());
        let variant = Variant {
            good,
            corpus: Corpus::find().unwrap(),
            live: variant.live.clone(),
            values: variant.values.clone(),
            running: variant.running.clone(),
            bad: variant.bad.clone(),
        };
        variant.onto_good(&printed, &CARRIED[..3])
    };
    let other = upgrade(&|good| {
        good.replace(
            "templates/identity/configmap",
            "db.example.com",
            "other.example.com",
        )
    });
    assert_eq!(other.refusing(), ["datastore-changed"]);
    for half in [
        "orchestration/configmap-unified",
        "templates/identity/configmap",
    ] {
        let (on, off) = match half.contains("unified") {
            true => ("checksEnabled: true", "checksEnabled: false"),
            false => ("multi-tenancy: \"true\"", "multi-tenancy: \"false\""),
        };
        let half = upgrade(&|good| good.replace(half, on, off));
        assert_eq!(half.refusing(), ["multi-tenancy-half"]);
    }
}
