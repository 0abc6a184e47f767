//! Web Modeler with its own database or somebody else's, and Console.

use harness::Corpus;
use serde_json::{Value, json};

use super::{CARRIED, Variant};
use crate::{conversion::over, record::Record};

fn config(corpus: &Corpus) -> Value {
    corpus.record("12.13.3").unwrap().raw["config"].clone()
}

/// With its bundled database; the values of the record have it.
fn bundled(corpus: Corpus) -> Variant {
    Variant {
        values: config(&corpus),
        running: Record::of(&corpus, "12.13.3"),
        bad: Record::of(&corpus, "13.12.7-defaults"),
        good: Record::of(&corpus, "13.12.7-migration-full"),
        live: Vec::new(),
        corpus,
    }
}

/// With a database of the user's.
fn external(corpus: Corpus) -> Variant {
    let inside = "camunda-postgresql-web-modeler:5432";
    let outside = |name, database: &[&str]| {
        Record::of(&corpus, name)
            .without(database)
            .replace(
                "web-modeler/configmap-restapi",
                inside,
                "db.example.com:5432",
            )
            .reading(
                "deployment-restapi",
                "SPRING_DATASOURCE_PASSWORD",
                "modeler",
                "database-password",
            )
    };
    let mut values = config(&corpus);
    values.as_object_mut().unwrap().remove("postgresql");
    values["webModeler"]["restapi"]["externalDatabase"] = json!({
        "url": "jdbc:postgresql://db.example.com:5432/web-modeler", "user": "modeler", "existingSecret": "modeler",
    });
    Variant {
        values,
        running: outside("12.13.3", &["platform/charts/postgresql/"]),
        bad: Record::of(&corpus, "13.12.7-defaults"),
        good: outside(
            "13.12.7-migration-full",
            &["platform/charts/webModelerPostgresql/"],
        ),
        live: vec![json!({"kind": "Secret", "metadata": {"name": "modeler"},
            "stringData": {"database-password": "known to the database"}})],
        corpus,
    }
}

#[test]
fn web_modelers_own_database_comes_along() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = bundled(corpus);
    let printed = variant.refused(&[
        "component-disappears",
        "web-modeler-postgresql-renamed",
        "claims-orphaned",
        "claims-orphaned",
        "identity-secret-removed",
        "authentication-changed",
        "importers-disabled",
        "data-migration-disabled",
    ]);
    assert_eq!(
        printed["webModelerPostgresql"],
        json!({"enabled": true, "auth": {"existingSecret": "camunda-credentials", "secretKeys": {
            "adminPasswordKey": "web-modeler-postgresql-admin-password",
            "userPasswordKey": "web-modeler-postgresql-user-password"}}})
    );
    variant.cured(&printed, &CARRIED);
}

#[test]
fn web_modelers_external_database_stays_one() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = external(corpus);
    let printed = variant.refused(&[
        "component-disappears",
        "claims-orphaned",
        "identity-secret-removed",
        "authentication-changed",
        "importers-disabled",
        "data-migration-disabled",
    ]);
    assert_eq!(printed.get("webModelerPostgresql"), None, "{printed:#}");
    assert_eq!(printed.get("webModeler"), None, "{printed:#}");
    variant.cured(&printed, &CARRIED[..3]);

    // The chart's own comes up where nothing names the other.
    let mut forgotten = variant.values.clone();
    let restapi = forgotten["webModeler"]["restapi"].as_object_mut().unwrap();
    restapi.remove("externalDatabase");
    let mut carried = CARRIED;
    carried[3].1 = "camunda-postgresql";
    carried[4].1 = "camunda-postgresql";
    let mut upgrade = variant.onto_good(&printed, &carried);
    let own = Record::of(&variant.corpus, "13.12.7-migration-full");
    upgrade.plan(own.values(&over(&forgotten, &printed)).raw());
    let refusing = upgrade.refusing();
    assert!(
        refusing.contains(&"datastore-changed"),
        "{}",
        upgrade.refusal()
    );
}

#[test]
fn console_and_web_modeler_are_named_where_they_would_go() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = bundled(corpus);
    let refusal = Variant {
        values: json!({}),
        ..variant
    }
    .upgrade()
    .refusal();
    assert!(
        refusal.contains("Console (Deployment camunda-console): console.enabled"),
        "{refusal}"
    );
    assert!(
        refusal
            .contains("Web Modeler (Deployment camunda-web-modeler-restapi): webModeler.enabled"),
        "{refusal}"
    );
}
