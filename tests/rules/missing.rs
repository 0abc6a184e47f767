//! `credentials-secret-incomplete` and `connectors-secret-missing`.

use camunda_upgrade_guard::finding::{Action, Command, Finding};

use crate::scene::{Scene, secret};

const INCOMPLETE: &str = "credentials-secret-incomplete";
const CONNECTORS: &str = "connectors-secret-missing";

fn deployment(reads: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: camunda-identity}}\nspec:\n  selector: {{}}\n  template: {{spec: {{containers: [{{name: c, {reads}}}]}}}}"
    )
}

fn key(name: &str, secret: &str, key: &str, more: &str) -> String {
    deployment(&format!(
        "env: [{{name: {name}, valueFrom: {{secretKeyRef: {{name: {secret}, key: {key}{more}}}}}}}]"
    ))
}

fn commands(finding: &Finding) -> Vec<&Command> {
    finding.fixes.iter().flat_map(|fix| &fix.commands).collect()
}

fn upgrade(planned: &str) -> Scene {
    Scene::upgrade("12.13.3", "13.12.7")
        .running(&deployment("image: x"))
        .planned(planned)
}

#[test]
fn a_secret_that_nobody_has_made() {
    let finding = upgrade(&key("TOKEN", "mine", "token", "")).refused(INCOMPLETE);
    assert_eq!(
        finding.why[1],
        "  mine (token) for Deployment camunda-identity"
    );
    assert_eq!(
        commands(&finding),
        [&Command::Manual(
            "kubectl -n prod create secret generic mine --from-literal=token='<its value>'"
                .to_owned()
        )]
    );
    // What nothing holds yet may be anything.
    let fresh = key("TOKEN", "mine", "identity-admin-client-token", "");
    let finding = upgrade(&fresh).refused(INCOMPLETE);
    assert_eq!(
        commands(&finding),
        [&Command::Shell(
            "kubectl -n prod create secret generic mine --from-literal=identity-admin-client-token=\"$(openssl rand -hex 16)\"".to_owned()
        )]
    );
    upgrade(&deployment("envFrom: [{secretRef: {name: mine}}]")).refused(INCOMPLETE);
}

#[test]
fn a_key_that_nobody_has_made() {
    let planned = key("VALUES_KEYCLOAK_SETUP_PASSWORD", "mine", "admin", "");
    let scene = Scene::upgrade("12.13.3", "13.12.7")
        .running(&key("KEYCLOAK_SETUP_PASSWORD", "old", "admin-password", ""))
        .live(&secret("old", "", "admin-password: a"))
        .live(&secret("mine", "", "other: b"))
        .planned(&planned);
    let finding = scene.refused(INCOMPLETE);
    assert_eq!(
        commands(&finding),
        [&Command::Shell(
            "kubectl -n prod patch secret mine -p '{\"data\":{\"admin\":\"'\"$(kubectl -n prod get secret old \
             -o 'jsonpath={.data.admin-password}' | base64 --decode | base64 | tr -d '\\n')\"'\"}}'"
                .to_owned()
        )]
    );
    scene.live(&secret("mine", "", "admin: a")).passes();
}

#[test]
fn what_is_there_or_not_needed_passes() {
    let planned = key("TOKEN", "mine", "token", "");
    upgrade(&planned)
        .live(&secret("mine", "", "token: x"))
        .passes();
    upgrade(&planned)
        .planned(&secret("mine", "", "token: x"))
        .passes();
    upgrade(&key("TOKEN", "mine", "token", ", optional: true")).passes();
    upgrade(&deployment(
        "envFrom: [{secretRef: {name: mine, optional: true}}]",
    ))
    .passes();
    // Missing before, too.
    Scene::upgrade("13.12.7", "13.12.7")
        .running(&planned)
        .planned(&planned)
        .passes();
    // A hook that runs now makes it.
    upgrade(&planned)
        .hook(&["pre-upgrade"], &secret("mine", "", "token: x"))
        .passes();
    Scene::install("13.12.7").planned(&planned).passes();
}

#[test]
fn what_another_controller_makes_only_warns() {
    let planned = key("TOKEN", "mine", "token", "");
    let external = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: x}\nspec: {target: {name: mine}}";
    let findings = upgrade(&planned).planned(external).particular();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].rule, findings[0].action),
        (INCOMPLETE, Action::Warn)
    );
    upgrade(&planned)
        .planned(external)
        .live(&secret("mine", "", "token: x"))
        .passes();
}

/// From 8.1 with Identity, which has a client's Secret.
fn to_8_2(planned: &str) -> Scene {
    let client = secret("camunda-operate-identity-secret", "", "operate-secret: x");
    Scene::upgrade("8.1.27", "8.2.34")
        .running(&client)
        .planned(&client)
        .running(&deployment("image: x"))
        .planned(planned)
}

#[test]
fn connectors_need_their_secret() {
    let name = "camunda-connectors-identity-secret";
    let reads = key("KEYCLOAK_CLIENTS_0_SECRET", name, "connectors-secret", "");
    let finding = to_8_2(&reads).refused(CONNECTORS);
    let texts: Vec<_> = commands(&finding).into_iter().map(Command::text).collect();
    assert_eq!(
        texts,
        [
            "helm template camunda camunda/camunda-platform --namespace prod --version 8.2.34 --show-only \
             charts/identity/templates/connectors-secret.yaml > identity-connectors-secret.yaml",
            "kubectl -n prod apply -f identity-connectors-secret.yaml",
            "kubectl -n prod label secret camunda-connectors-identity-secret app.kubernetes.io/managed-by=Helm --overwrite",
            "kubectl -n prod annotate secret camunda-connectors-identity-secret meta.helm.sh/release-name=camunda \
             meta.helm.sh/release-namespace=prod --overwrite",
        ]
    );
    let there = secret(name, "", "connectors-secret: x");
    to_8_2(&reads).live(&there).passes();
    to_8_2(&reads).planned(&there).passes();

    let findings = to_8_2(&deployment("image: x")).particular();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].rule, findings[0].action),
        (CONNECTORS, Action::Warn)
    );
    // Without Identity, and on other ways.
    Scene::upgrade("8.1.27", "8.2.34").passes();
    Scene::upgrade("8.2.9", "8.2.34").passes();
}
