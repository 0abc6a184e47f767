//! `credential-placeholder`, `oidc-client-unknown`, and that nothing printed is one to be filled in.

use camunda_upgrade_guard::{
    change::Operation,
    finding::{Action, Command, Finding},
};
use harness::Corpus;
use serde_json::{Value, json};

use crate::{
    live::Upgrade,
    pasted::{assert_pastable, pasted},
    scene::{Scene, commands, secret},
};

const PLACEHOLDER: &str = "credential-placeholder";
const UNKNOWN: &str = "oidc-client-unknown";

fn deployment(env: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: camunda-identity}}\nspec:\n  selector: {{}}\n  template: {{spec: {{containers: [{{name: c, env: [{env}]}}]}}}}"
    )
}

fn key(secret: &str, more: &str) -> String {
    deployment(&format!(
        "{{name: CAMUNDA_CLIENT_SECRET, valueFrom: {{secretKeyRef: {{name: {secret}, key: token{more}}}}}}}"
    ))
}

/// From Secret `old` to Secret `new`.
fn moved(value: &str) -> Scene {
    Scene::upgrade("12.13.3", "12.13.3")
        .running(&key("old", ""))
        .planned(&key("new", ""))
        .live(&secret("old", "", "token: real"))
        .live(&secret("new", "", &format!("token: {value}")))
}

fn silent(scene: &Scene) {
    let findings = scene.findings();
    let found = findings
        .iter()
        .any(|finding| finding.rule.name() == PLACEHOLDER);
    assert!(!found, "{findings:#?}");
}

#[test]
fn what_was_pasted_unfilled_is_no_credential() {
    for value in ["'<its value>'", "CHANGE_ME", "TODO", "''"] {
        let finding = moved(value).refused(PLACEHOLDER);
        assert!(
            finding.why[1].starts_with("  Secret new (token), which Deployment camunda-identity"),
            "{:?}",
            finding.why
        );
        assert_eq!(
            commands(&finding),
            [
                "(v=$(kubectl -n prod get secret old -o 'jsonpath={.data.token}') \
                 && test -n \"$v\" && kubectl -n prod patch secret new -p '{\"data\":{\"token\":\"'\"$v\"'\"}}')"
            ]
        );
        assert_pastable(&finding);
    }
    let finding = moved("changeme").one(PLACEHOLDER);
    assert_eq!(finding.action, Action::Warn);
    silent(&moved("real"));
    silent(&moved("other"));
    // Development clusters go on as they are.
    silent(&moved("changeme").live(&secret("old", "", "token: changeme")));
    silent(&moved("CHANGE_ME").live(&secret("old", "", "token: CHANGE_ME")));
    silent(&moved("''").live(&secret("old", "", "token: ''")));
}

#[test]
fn what_nothing_needs_may_be_empty() {
    let bare = deployment("");
    let scene = |planned: &str| {
        Scene::upgrade("12.13.3", "12.13.3")
            .running(&bare)
            .planned(planned)
    };
    let todo = secret("new", "", "token: TODO, other: ''");
    silent(&scene(&bare).live(&todo));
    silent(&scene(&key("new", ", optional: true")).live(&todo));
    scene(&key("new", "")).live(&todo).refused(PLACEHOLDER);
    // The chart renders what is not in use.
    silent(&scene(&key("new", "")).planned(&secret("new", "", "token: ''")));
    scene(&key("new", ""))
        .planned(&secret("new", "", "token: TODO"))
        .refused(PLACEHOLDER);
    // In place, and with a whole Secret.
    let inline = deployment("{name: DB_PASSWORD, value: <your password>}");
    let finding = scene(&inline).refused(PLACEHOLDER);
    assert!(
        matches!(&finding.fixes[0].commands[0], Command::Manual(text) if text.contains("DB_PASSWORD")),
        "{finding:#?}"
    );
    silent(&scene(&deployment("{name: DB_PASSWORD, value: ''}")));
    silent(&scene(&deployment(
        "{name: DB_PASSWORD_FILE, value: <TODO>}",
    )));
    let whole = bare.replace("env: []", "envFrom: [{secretRef: {name: new}}]");
    scene(&whole).live(&todo).refused(PLACEHOLDER);
    silent(&scene(&whole).live(&secret("new", "", "token: '', page: <TODO>")));
}

#[test]
fn an_install_is_only_told() {
    let scene = Scene::install("13.12.7")
        .planned(&key("new", ""))
        .live(&secret("new", "", "token: TODO"));
    assert_eq!(scene.one(PLACEHOLDER).action, Action::Warn);
    assert_eq!(scene.particular().len(), 1, "{:#?}", scene.particular());
}

#[test]
fn a_secret_on_its_own_is_told_before_anything_reads_it() {
    let written = |value: &str| {
        let name = "camunda-credentials";
        let text = secret(
            name,
            "",
            &format!("identity-orchestration-client-token: {value}"),
        );
        Scene::upgrade("12.13.3", "13.12.7").planned(&text)
    };
    for operation in [Operation::Create, Operation::Update] {
        let findings = written("'<its value>'").object_findings(operation);
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(
            (findings[0].rule.name(), findings[0].action),
            (PLACEHOLDER, Action::Warn)
        );
        assert_eq!(written("real").object_findings(operation), []);
        let own = Scene::upgrade("12.13.3", "13.12.7").planned(&secret("own", "", "token: TODO"));
        assert_eq!(own.object_findings(operation), []);
    }
}

/// What the user has made of Secrets in the releases with a provider of their own.
fn provider(corpus: &Corpus, to: &str, more: &[&str]) -> Upgrade {
    let keys = [
        "connectors",
        "identity",
        "operate",
        "optimize",
        "tasklist",
        "zeebe",
        "migration",
    ];
    let data: serde_json::Map<_, _> = keys
        .iter()
        .chain(more)
        .map(|key| {
            (
                format!("{key}-secret"),
                json!(format!("of the client {key}")),
            )
        })
        .collect();
    let secret = |name: &str, data: Value| json!({"kind": "Secret", "metadata": {"name": name}, "stringData": data});
    Upgrade::between(corpus, "12.13.3-oidc", to)
        .with(secret("oidc-credentials", Value::Object(data)))
        .with(secret(
            "identity-database",
            json!({"password": "of Identity's database"}),
        ))
}

#[test]
fn a_provider_knows_no_client_that_nobody_registered() {
    let Some(corpus) = Corpus::find() else { return };
    let upgrade = provider(&corpus, "13.12.7-oidc-placeholder", &[]);
    assert_eq!(upgrade.refusing(), [UNKNOWN], "{}", upgrade.refusal());
    let findings = upgrade.findings();
    let finding = findings
        .iter()
        .find(|it| it.rule.name() == UNKNOWN)
        .unwrap();
    assert!(
        finding.why[0].contains("would log in as orchestration"),
        "{:?}",
        finding.why
    );
    assert_pastable(finding);
    let typed = commands(finding);
    for text in [
        "kubectl -n camunda create secret generic camunda-credentials",
        "--set-string orchestration.security.authentication.oidc.secret.existingSecret=camunda-credentials",
        "--set-string orchestration.security.authentication.oidc.secret.existingSecretKey=identity-orchestration-client-token",
    ] {
        assert!(typed.iter().any(|it| it == text), "{typed:#?}");
    }
    // Who only pastes gets no further: the id is not made up.
    let flags: Vec<_> = typed
        .iter()
        .filter(|text| text.starts_with("--set"))
        .collect();
    let helm = format!(
        "set -e; true {}",
        flags
            .iter()
            .map(|it| it.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    );
    let refused = pasted(&helm, "");
    assert!(!refused.success, "{refused:?}");
    assert!(
        refused.stderr.contains("ORCHESTRATION_CLIENT_ID"),
        "{refused:?}"
    );
    let known = pasted(&format!("ORCHESTRATION_CLIENT_ID=acme; {helm}"), "");
    assert!(known.success, "{known:?}");

    let good = provider(&corpus, "13.12.7-oidc", &["orchestration"]);
    assert_eq!(good.refusing(), [""; 0], "{}", good.refusal());
    let said = format!("{:?}", good.findings());
    assert!(!said.contains("camunda-identity-postgresql"), "{said}");
    // Its own id under the default's name is the user's choice; a secret it needs all the same.
    let mut chosen = provider(&corpus, "13.12.7-oidc-placeholder", &[]);
    let oidc = &mut chosen.planned["config"]["orchestration"]["security"]["authentication"]["oidc"];
    *oidc = json!({"clientId": "orchestration"});
    let findings = chosen.findings();
    let finding = findings
        .iter()
        .find(|it| it.rule.name() == UNKNOWN)
        .unwrap();
    assert!(
        finding.title.contains("no client secret"),
        "{}",
        finding.title
    );
    let by_key = provider(&corpus, "13.12.7-oidc-placeholder", &[]).planned(
        "client-id: \"orchestration\"",
        "client-id: acme\n            client-authentication-method: private_key_jwt",
    );
    assert_eq!(by_key.refusing(), [""; 0], "{}", by_key.refusal());
}

#[test]
fn nothing_is_asked_of_who_has_keycloak_or_no_provider() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to) in [
        ("12.13.3-defaults", "13.12.7-migration"),
        ("12.13.3", "13.12.7-migration-full"),
        (
            "12.13.3-keycloak-external-database",
            "13.12.7-keycloak-external-database",
        ),
        ("13.12.7-oidc", "13.12.7-oidc-placeholder"),
    ] {
        let findings = Upgrade::between(&corpus, from, to).findings();
        let found = findings.iter().any(|it| it.rule.name() == UNKNOWN);
        assert!(!found, "{from} {to}: {findings:#?}");
    }
    for name in corpus.names().unwrap() {
        let findings = Upgrade::between(&corpus, &name, &name).findings();
        let found = findings.iter().any(|it| it.rule.name() == PLACEHOLDER);
        assert!(!found, "{name}: {findings:#?}");
    }
}

/// Both new clients, their ids and their secrets, and the file, at once.
#[test]
fn a_provider_is_asked_for_everything_in_one_round() {
    let Some(corpus) = Corpus::find() else { return };
    let upgrade = provider(&corpus, "13.12.7-defaults", &[]);
    let findings = upgrade.findings();
    let refused = findings.iter().filter(|it| it.action == Action::Deny);
    refused.clone().for_each(assert_pastable);
    let converting: Vec<&Finding> = refused
        .filter(|it| commands(it).iter().any(|text| text.starts_with("cat > ")))
        .collect();
    assert!(!converting.is_empty(), "{findings:#?}");
    for finding in converting {
        let typed = commands(finding).join("\n");
        for part in [
            "Register a client for the Orchestration Cluster and set ORCHESTRATION_CLIENT_ID to its id; its secret goes into Secret camunda-credentials, key identity-orchestration-client-token.",
            "Register a client for the migration of identities and set MIGRATION_CLIENT_ID to its id; its secret goes into Secret camunda-credentials, key identity-migration-client-secret.",
            "printf %s 'identity-orchestration-client-token: '",
            "printf %s 'identity-migration-client-secret: '",
            "--set-string orchestration.security.authentication.oidc.clientId=\"${ORCHESTRATION_CLIENT_ID:?",
            "--set-string orchestration.migration.identity.clientId=\"${MIGRATION_CLIENT_ID:?",
        ] {
            assert!(typed.contains(part), "{part}: {typed}");
        }
        let file = typed.find("cat > ").unwrap();
        assert!(typed.find("Register").unwrap() < file, "{typed}");
        assert!(
            !typed[file..].contains("make it at your provider"),
            "{typed}"
        );
    }
}
