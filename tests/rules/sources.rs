//! `credential-source-changed`.

use camunda_upgrade_guard::finding::Finding;

use serde_json::json;

use crate::{
    pasted::assert_pastable,
    scene::{Scene, claim, secret, statefulset},
};

const POSTGRESQL: &str = "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: camunda";
const KEYCLOAK: &str = "app.kubernetes.io/name: keycloak, app.kubernetes.io/instance: camunda";
const CLAIM: &str = "data-camunda-postgresql-0";
const RULE: &str = "credential-source-changed";

/// A container's fields that read a variable from a Secret.
fn from_key(variable: &str, secret: &str, key: &str) -> String {
    format!(
        "env: [{{name: {variable}, valueFrom: {{secretKeyRef: {{name: {secret}, key: {key}}}}}}}]"
    )
}

fn workload(name: &str, labels: &str, container: &str) -> String {
    statefulset(name, "data", labels, 1).replace("image: x", &format!("image: x, {container}"))
}

fn database(container: &str) -> String {
    workload("camunda-postgresql", POSTGRESQL, container)
}

/// A database that reads its password from Secret `old`, and will read it as told.
fn moved(container: &str) -> Scene {
    Scene::upgrade("12.13.3", "12.13.3")
        .running(&database(&from_key("POSTGRES_PASSWORD", "old", "password")))
        .live(&secret("old", "", "password: before"))
        .live(&claim(CLAIM, "Bound", POSTGRESQL))
        .planned(&database(container))
}

fn to_key(value: &str) -> Scene {
    moved(&from_key("POSTGRES_PASSWORD", "new", "user")).live(&secret("new", "", value))
}

fn commands(finding: &Finding) -> Vec<String> {
    let commands = finding.fixes.iter().flat_map(|fix| &fix.commands);
    commands.map(|command| command.text()).collect()
}

#[test]
fn another_secret_with_another_value() {
    let finding = to_key("user: after").refused(RULE);
    assert_eq!(
        finding.why[0],
        format!("The data in {CLAIM} knows only the old ones; every login would fail.")
    );
    assert_eq!(
        finding.why[1],
        "  StatefulSet camunda-postgresql would take POSTGRES_PASSWORD from Secret new (user), not from Secret old (password)"
    );
    assert_eq!(
        commands(&finding),
        ["POSTGRES_PASSWORD of StatefulSet camunda-postgresql: from Secret old (password), as now"]
    );
    assert!(!format!("{finding:?}").contains("before"), "{finding:?}");
}

#[test]
fn the_same_value_from_elsewhere_passes() {
    to_key("user: before").passes();
    moved("env: [{name: POSTGRES_PASSWORD, value: before}]").passes();
    moved(&from_key("POSTGRESQL_PASSWORD", "old", "password")).passes();
    for (from, path) in [
        ("secret: {secretName: new}", "/run/s/user"),
        (
            "secret: {secretName: new, items: [{key: user, path: p}]}",
            "/run/s/p",
        ),
        (
            "projected: {sources: [{secret: {name: old}}, {secret: {name: new, items: [{key: user, path: p}]}}]}",
            "/run/s/p",
        ),
    ] {
        let scene = |value: &str| {
            let file = format!(
                "env: [{{name: POSTGRES_PASSWORD_FILE, value: {path}}}], volumeMounts: [{{name: s, mountPath: /run/s}}]"
            );
            let planned = database(&file).replace(
                "{spec: {containers",
                &format!("{{spec: {{volumes: [{{name: s, {from}}}], containers"),
            );
            to_key(value).replanned(&planned)
        };
        scene("user: before").passes();
        scene("user: after").refused(RULE);
    }
}

#[test]
fn a_whole_secret_and_a_value_in_place() {
    let whole = |value: &str| {
        moved("envFrom: [{secretRef: {name: new}}]").live(&secret(
            "new",
            "",
            &format!("POSTGRES_PASSWORD: {value}"),
        ))
    };
    whole("before").passes();
    whole("after").refused(RULE);
    let finding = moved("env: [{name: POSTGRES_PASSWORD, value: after}]").refused(RULE);
    assert_eq!(
        commands(&finding),
        ["POSTGRES_PASSWORD of StatefulSet camunda-postgresql: take it from Secret old (password)"]
    );
}

#[test]
fn no_data_knows_the_old_password() {
    to_key("user: after")
        .live(&claim(CLAIM, "Pending", POSTGRESQL))
        .passes();
    // Its value is not to be known.
    let external =
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: new}";
    let findings = moved(&from_key("POSTGRES_PASSWORD", "new", "user"))
        .planned(external)
        .findings();
    assert!(
        findings.iter().all(|finding| finding.rule.name() != RULE),
        "{findings:#?}"
    );
}

#[test]
fn what_logs_in_must_know_the_password_too() {
    let keycloak = |secret: &str| {
        workload(
            "camunda-keycloak",
            KEYCLOAK,
            &from_key("KEYCLOAK_DATABASE_PASSWORD", secret, "password"),
        )
    };
    let identity = |variable: &str, secret: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: camunda-identity}}\nspec:\n  selector: {{}}\n  template: {{spec: {{containers: [{{name: c, {}}}]}}}}",
            from_key(variable, secret, "admin-password")
        )
    };
    let scene = |database_secret: &str, admin: &str| {
        Scene::upgrade("12.13.3", "12.13.3")
            .running(&database(""))
            .planned(&database(""))
            .live(&claim(CLAIM, "Bound", POSTGRESQL))
            .running(&keycloak("old"))
            .planned(&keycloak(database_secret))
            .running(&identity("KEYCLOAK_SETUP_PASSWORD", "old"))
            .planned(&identity("VALUES_KEYCLOAK_SETUP_PASSWORD", admin))
            .live(&secret("old", "", "password: a, admin-password: b"))
            .live(&secret("same", "", "password: a, admin-password: b"))
            .live(&secret("other", "", "password: c, admin-password: d"))
    };
    scene("old", "old").passes();
    scene("same", "same").passes();
    for (database, admin, variable) in [
        ("other", "old", "KEYCLOAK_DATABASE_PASSWORD"),
        ("old", "other", "VALUES_KEYCLOAK_SETUP_PASSWORD"),
    ] {
        let finding = scene(database, admin).refused(RULE);
        assert!(finding.why[1].contains(variable), "{:?}", finding.why);
    }
}

/// Its data is handed over, and the new Secret would hold a new random password.
#[test]
fn a_database_under_another_name() {
    let renamed = |value: &str| {
        Scene::upgrade("12.13.3", "12.13.3")
            .running(&database(&from_key("POSTGRES_PASSWORD", "camunda-postgresql", "password")))
            .running(&secret("camunda-postgresql", POSTGRESQL, "password: before"))
            .planned(&workload("new-db", POSTGRESQL, &from_key("POSTGRES_PASSWORD", "new-db", "password")))
            .planned(&secret("new-db", POSTGRESQL, &format!("password: {value}")))
            .live(&claim(CLAIM, "Lost", POSTGRESQL))
            .live("kind: PersistentVolume\nmetadata: {name: v}\nspec: {claimRef: {namespace: prod, name: data-new-db-0}}")
    };
    renamed("before").passes();
    let finding = renamed("after").refused(RULE);
    assert_eq!(
        commands(&finding),
        [
            "export POSTGRESQL_PASSWORD=$(kubectl -n prod get secret camunda-postgresql -o 'jsonpath={.data.password}' | base64 --decode)",
            "--set-string identityKeycloak.postgresql.auth.password=\"$POSTGRESQL_PASSWORD\"",
        ]
    );
}

/// Keycloak's administrator would have the password of the database, which two workloads read: nothing is written over it.
#[test]
fn what_others_read_is_not_written_over() {
    let env = |admin: (&str, &str)| {
        let from = |variable: &str, (secret, key): (&str, &str)| {
            format!(
                "{{name: {variable}, valueFrom: {{secretKeyRef: {{name: {secret}, key: {key}}}}}}}"
            )
        };
        let database = from(
            "KEYCLOAK_DATABASE_PASSWORD",
            ("camunda-postgresql", "password"),
        );
        let admin = from("KC_BOOTSTRAP_ADMIN_PASSWORD", admin);
        workload(
            "camunda-keycloak",
            KEYCLOAK,
            &format!("env: [{database}, {admin}]"),
        )
    };
    let postgresql = database(&from_key(
        "POSTGRES_PASSWORD",
        "camunda-postgresql",
        "password",
    ));
    let made = secret("camunda-keycloak", KEYCLOAK, "admin-password: a");
    let own = ("camunda-postgresql", "password");
    let scene = |before: (&str, &str), running: serde_json::Value, planned: serde_json::Value| {
        Scene::upgrade("12.13.3", "12.13.3")
            .running(&postgresql)
            .planned(&postgresql)
            .running(&secret(
                "camunda-postgresql",
                POSTGRESQL,
                "password: before",
            ))
            .planned(&secret(
                "camunda-postgresql",
                POSTGRESQL,
                "password: before",
            ))
            .live(&claim(CLAIM, "Bound", POSTGRESQL))
            .running(&env(before))
            .planned(&env(own))
            .values(running, planned)
    };
    let named = |secret: &str, key: &str| json!({"identityKeycloak": {"auth": {"existingSecret": secret, "passwordSecretKey": key}}});
    let bad = named("camunda-postgresql", "password");
    let by_chart = ("camunda-keycloak", "admin-password");
    let finding = scene(by_chart, json!({}), bad.clone())
        .running(&made)
        .refused(RULE);
    assert_eq!(
        commands(&finding),
        [
            "--set-string identityKeycloak.auth.existingSecret=",
            "--set-string identityKeycloak.auth.passwordSecretKey=admin-password",
        ]
    );
    assert_pastable(&finding);
    // With these flags all is as it was.
    scene(by_chart, json!({}), named("", "admin-password"))
        .running(&made)
        .replanned(&postgresql)
        .planned(&secret(
            "camunda-postgresql",
            POSTGRESQL,
            "password: before",
        ))
        .planned(&env(by_chart))
        .planned(&made)
        .passes();
    // It was a Secret of the user's own.
    let finding = scene(("mine", "admin"), named("mine", "admin"), bad.clone())
        .live(&secret("mine", "", "admin: a"))
        .refused(RULE);
    assert_eq!(
        commands(&finding),
        [
            "--set-string identityKeycloak.auth.existingSecret=mine",
            "--set-string identityKeycloak.auth.passwordSecretKey=admin",
        ]
    );
    // What stood there before is no name, and may be a password.
    let finding = scene(("mine", "admin"), named("hunter2", "admin"), bad)
        .live(&secret("mine", "", "admin: a"))
        .refused(RULE);
    assert!(!format!("{finding:?}").contains("hunter2"), "{finding:#?}");
}

/// A key that 13 reads by itself, and nothing reads yet, is Camunda's to be set right.
#[test]
fn what_nobody_reads_yet_is_set_right() {
    let scene = |keycloak: &str| {
        let old = from_key(
            "KEYCLOAK_ADMIN_PASSWORD",
            "camunda-keycloak",
            "admin-password",
        );
        let new = from_key(
            "KC_BOOTSTRAP_ADMIN_PASSWORD",
            "camunda-credentials",
            "identity-keycloak-admin-password",
        );
        Scene::upgrade("13.1.0", "13.12.7")
            .running(&database(""))
            .planned(&database(""))
            .live(&claim(CLAIM, "Bound", POSTGRESQL))
            .running(&workload("camunda-keycloak", KEYCLOAK, &old))
            .planned(&workload("camunda-keycloak", KEYCLOAK, &new))
            .live(&secret("camunda-keycloak", KEYCLOAK, "admin-password: a"))
            .live(&secret(
                "camunda-credentials",
                "",
                "identity-keycloak-admin-password: made-up",
            ))
            .running(keycloak)
            .planned(keycloak)
    };
    let finding = scene("kind: ConfigMap\nmetadata: {name: nothing}").refused(RULE);
    assert!(
        commands(&finding)[0].contains("kubectl -n prod patch secret camunda-credentials"),
        "{finding:#?}"
    );
    assert_pastable(&finding);
    // Somebody else's workload of the same release reads it, whoever that is.
    let reader = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tool}\nspec:\n  selector: {}\n  template: {spec: {containers: [{name: c, env: [{name: X, valueFrom: {secretKeyRef: {name: camunda-credentials, key: identity-keycloak-admin-password}}}]}]}}";
    let finding = scene(reader).refused(RULE);
    assert!(
        commands(&finding)
            .iter()
            .all(|text| !text.contains("patch")),
        "{finding:#?}"
    );
}
