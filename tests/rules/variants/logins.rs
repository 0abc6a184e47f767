//! Who lets users and clients in: nobody, somebody else's Keycloak, or another provider.

use harness::Corpus;
use serde_json::json;

use super::{Variant, assert_warned};
use crate::{conversion::over, record::Record};

/// What 12 makes for the clients of its applications.
const CLIENTS: &str = "-identity-secret";

/// 13 on default values with what moves the data of 12.
fn migrating(corpus: &Corpus) -> Record {
    let migration = Record::of(corpus, "13.12.7-migration");
    let jobs = ["orchestration/importer", "orchestration/migration-data"];
    Record::of(corpus, "13.12.7-defaults").with(&migration, &jobs)
}

fn identity_off(corpus: Corpus) -> Variant {
    let running = Record::of(&corpus, "12.13.3-defaults")
        .without(&[
            "identityKeycloak/",
            "templates/identity/",
            "templates/optimize/",
            "camunda/secret-operate",
            "camunda/secret-tasklist",
            "camunda/secret-optimize",
            "camunda/secret-connectors",
            "camunda/secret-zeebe",
            "camunda/configmap-identity-auth",
        ])
        .replace(
            "operate/configmap",
            "active: \"identity-auth\"",
            "active: \"auth\"",
        )
        .replace(
            "tasklist/configmap",
            "active: identity-auth",
            "active: auth",
        )
        .replace("zeebe-gateway/configmap", "mode: identity", "mode: none")
        .without_reads_of(CLIENTS);
    Variant {
        values: json!({
            "global": {"identity": {"auth": {"enabled": false}}},
            "identity": {"enabled": false}, "identityKeycloak": {"enabled": false}, "optimize": {"enabled": false},
            "connectors": {"inbound": {"mode": "disabled"}},
        }),
        running,
        bad: Record::of(&corpus, "13.12.7-defaults"),
        good: migrating(&corpus),
        live: Vec::new(),
        corpus,
    }
}

#[test]
fn without_identity_only_the_data_is_migrated() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = identity_off(corpus);
    let printed = variant.refused(&["importers-disabled", "data-migration-disabled"]);
    assert_eq!(
        printed,
        json!({"orchestration": {
            "migration": {"data": {"enabled": true}},
            "security": {"authentication": {"method": "basic"}},
        }})
    );
    let told = variant.cured(&printed, &[]);
    assert_warned(&told, "authentication-not-explicit", false);
    // Nobody says how to log in.
    let unsaid = json!({"orchestration": {"migration": {"data": {"enabled": true}}}});
    let silent = Variant {
        values: json!({}),
        ..variant
    };
    assert_warned(
        &silent.cured(&unsaid, &[]),
        "authentication-not-explicit",
        true,
    );
}

const KEYCLOAK: &str = "https://keycloak.example.com:443";

/// Everything that 12 has on, and logs in at somebody else's Keycloak.
fn external_keycloak(corpus: Corpus) -> Variant {
    let admin = |record: Record, variable: &str| {
        record.reading(
            "templates/identity/",
            variable,
            "keycloak-admin",
            "password",
        )
    };
    let running = Record::of(&corpus, "12.13.3-defaults")
        .without(&["identityKeycloak/"])
        .replace("", "http://camunda-keycloak:80", KEYCLOAK);
    let good = Record::of(&corpus, "13.12.7-migration")
        .without(&["identityKeycloak/"])
        .replace("", "http://camunda-keycloak", KEYCLOAK);
    Variant {
        values: json!({
            "global": {"identity": {"keycloak": {
                "url": {"protocol": "https", "host": "keycloak.example.com", "port": 443},
                "auth": {"adminUser": "admin", "existingSecret": "keycloak-admin", "existingSecretKey": "password"},
            }}},
            "identityKeycloak": {"enabled": false},
        }),
        running: admin(running, "KEYCLOAK_SETUP_PASSWORD"),
        bad: Record::of(&corpus, "13.12.7-defaults"),
        good: admin(good, "VALUES_KEYCLOAK_SETUP_PASSWORD"),
        live: vec![
            json!({"kind": "Secret", "metadata": {"name": "keycloak-admin"},
            "stringData": {"password": "known to Keycloak"}}),
        ],
        corpus,
    }
}

#[test]
fn an_external_keycloak_stays_one() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = external_keycloak(corpus);
    let printed = variant.refused(&[
        "component-disappears",
        "authentication-changed",
        "importers-disabled",
        "data-migration-disabled",
    ]);
    assert_eq!(printed.get("identityKeycloak"), None, "{printed:#}");
    assert_eq!(printed["identity"]["enabled"], true);
    assert_eq!(printed["optimize"]["enabled"], true);
    assert_eq!(printed["global"]["identity"]["auth"]["enabled"], true);
    assert_eq!(
        printed["global"]["security"]["authentication"]["method"],
        "oidc"
    );
    let migration = &printed["orchestration"]["migration"];
    assert_eq!(migration["identity"]["enabled"], true);
    assert_eq!(migration["data"]["enabled"], true);
    let refusal = variant.upgrade().refusal();
    for (key, there) in [
        ("identity-optimize-client-token", true),
        ("identity-connectors-client-token", true),
        ("identity-orchestration-client-token", true),
        ("identity-migration-client-secret", true),
        ("identity-keycloak", false),
    ] {
        assert_eq!(refusal.contains(key), there, "{key}: {refusal}");
    }
    variant.cured(&printed, &[]);
}

const PROVIDER: &str = "https://login.example.com/oauth2";

/// Everything that 12 has on, and logs in at a provider of OpenID Connect that is no Keycloak.
fn provider(corpus: Corpus) -> Variant {
    let mut running = Record::of(&corpus, "12.13.3-defaults")
        .without(&[
            "identityKeycloak/",
            "camunda/secret-operate",
            "camunda/secret-tasklist",
            "camunda/secret-optimize",
            "camunda/secret-connectors",
            "camunda/secret-zeebe",
        ])
        .replace(
            "",
            "http://camunda-keycloak:80/auth/realms/camunda-platform",
            PROVIDER,
        )
        .replace(
            "",
            "http://localhost:18080/auth/realms/camunda-platform",
            PROVIDER,
        )
        .replace("", "\"KEYCLOAK\"", "\"GENERIC\"")
        .replace("templates/identity/", "active: keycloak", "active: oidc");
    for client in ["operate", "tasklist", "optimize", "connectors", "zeebe"] {
        running = running.replace("", &format!("camunda-{client}-identity-secret"), "clients");
    }
    let good = Record::of(&corpus, "13.12.7-migration")
        .without(&["identityKeycloak/"])
        .replace(
            "",
            "http://camunda-keycloak/auth/realms/camunda-platform",
            PROVIDER,
        )
        .replace(
            "",
            "http://localhost:18080/auth/realms/camunda-platform",
            PROVIDER,
        )
        .replace("", "\"KEYCLOAK\"", "\"GENERIC\"")
        .replace("migration-identity", "mode: KEYCLOAK", "mode: OIDC")
        .replace(
            "migration-identity",
            "issuer-type: KEYCLOAK",
            "issuer-type: GENERIC",
        )
        .replace("templates/identity/", "active: keycloak", "active: oidc")
        .without_reads_of("camunda-credentials")
        .reading(
            "migration-identity-job",
            "VALUES_CAMUNDA_IDENTITY_CLIENT_SECRET",
            "migration",
            "secret",
        );
    let client = |name: &str| {
        json!({"clientId": name, "existingSecret": {"name": "clients"},
        "existingSecretKey": format!("{name}-secret")})
    };
    let names = ["operate", "tasklist", "optimize", "connectors", "zeebe"];
    let data: serde_json::Map<_, _> = names
        .iter()
        .map(|name| (format!("{name}-secret"), json!(format!("known for {name}"))))
        .collect();
    let mut auth = json!({"type": "GENERIC", "issuer": PROVIDER, "issuerBackendUrl": PROVIDER,
        "tokenUrl": format!("{PROVIDER}/token"), "jwksUrl": format!("{PROVIDER}/certs")});
    for name in names {
        auth[name] = client(name);
    }
    Variant {
        values: json!({"global": {"identity": {"auth": auth}}, "identityKeycloak": {"enabled": false}}),
        running,
        bad: Record::of(&corpus, "13.12.7-defaults"),
        good,
        live: vec![
            json!({"kind": "Secret", "metadata": {"name": "clients"}, "stringData": data}),
            json!({"kind": "Secret", "metadata": {"name": "migration"}, "stringData": {"secret": "known for migration"}}),
        ],
        corpus,
    }
}

#[test]
fn a_provider_has_to_know_the_new_clients() {
    let Some(corpus) = Corpus::find() else { return };
    let variant = provider(corpus);
    let printed = variant.refused(&[
        "component-disappears",
        "authentication-changed",
        "importers-disabled",
        "data-migration-disabled",
    ]);
    assert_eq!(printed.get("identityKeycloak"), None, "{printed:#}");
    let optimize = &printed["global"]["identity"]["auth"]["optimize"]["secret"];
    assert_eq!(
        *optimize,
        json!({"existingSecret": "clients", "existingSecretKey": "optimize-secret"})
    );
    let connectors = &printed["connectors"]["security"]["authentication"]["oidc"];
    assert_eq!(connectors["secret"]["existingSecret"], "clients");
    let refusal = variant.upgrade().refusal();
    for asked in [
        "identity-orchestration-client-token",
        "identity-migration-client-secret",
        "--set-string orchestration.security.authentication.oidc.clientId=\"${ORCHESTRATION_CLIENT_ID:?",
        "--set-string orchestration.migration.identity.clientId=\"${MIGRATION_CLIENT_ID:?",
    ] {
        assert!(refusal.contains(asked), "{asked}: {refusal}");
    }
    assert!(!refusal.contains("openssl"), "{refusal}");
    let unnamed = variant.onto(
        variant
            .good
            .clone()
            .values(&over(&variant.values, &printed)),
    );
    assert_eq!(unnamed.refusing(), ["oidc-client-unknown"]);
    // What the flags set, here to an id that the provider has on purpose.
    let id = json!({"orchestration": {"security": {"authentication": {"oidc": {"clientId": "orchestration"}}}}});
    let printed = over(&printed, &id);
    variant.cured(&printed, &[]);

    let without_id = variant.good.clone().replace(
        "migration-identity",
        "client-id: migration\n",
        "client-id: \n",
    );
    let without_secret = variant.good.clone().without_reads_of("migration");
    for good in [without_id, without_secret] {
        let upgrade = variant.onto(good.values(&over(&variant.values, &printed)));
        assert_eq!(upgrade.refusing(), ["identity-migration-idp"]);
    }
}
