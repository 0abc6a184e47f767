//! `credentials-secret-incomplete` and `connectors-secret-missing`.

use camunda_upgrade_guard::finding::{Action, Command, Finding};
use harness::Corpus;

use crate::{
    live::Upgrade,
    pasted::{ask, assert_pastable, pasted},
    scene::{Scene, secret},
};

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

fn texts(finding: &Finding) -> Vec<String> {
    commands(finding).into_iter().map(Command::text).collect()
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
        texts(&finding),
        [
            "kubectl -n prod create secret generic mine",
            &ask("prod", "mine", "token"),
        ]
    );
    // What nothing holds yet may be anything.
    let fresh = key("TOKEN", "mine", "identity-admin-client-token", "");
    let finding = upgrade(&fresh).refused(INCOMPLETE);
    assert_eq!(
        texts(&finding),
        ["(v=$(openssl rand -hex 16) && test -n \"$v\" && \
             kubectl -n prod create secret generic mine --from-literal=identity-admin-client-token=\"$v\")"]
    );
    let finding = upgrade(&deployment("envFrom: [{secretRef: {name: mine}}]")).refused(INCOMPLETE);
    assert!(
        matches!(commands(&finding)[..], [Command::Manual(_)]),
        "{finding:#?}"
    );
}

/// What only a person knows is asked for, and nothing is written in its place.
#[test]
fn a_value_that_is_asked_for_is_typed_or_not_written() {
    let finding = upgrade(&key("TOKEN", "mine", "token", "")).refused(INCOMPLETE);
    assert_pastable(&finding);
    let line = commands(&finding)[1].text();
    let typed = pasted(&line, "a'b$c\n");
    assert!(typed.success, "{typed:?}");
    assert_eq!(
        typed.stdout.lines().last(),
        Some("{\"data\":{\"token\":\"YSdiJGM=\"}}")
    );
    // Enter, nobody there, the next line of what was pasted, and what it was to be replaced.
    for wrong in ["\n", "", "kubectl -n prod get pods\n", "<its-value>\n"] {
        let refused = pasted(&line, wrong);
        assert!(!refused.success && refused.stdout.is_empty(), "{refused:?}");
        assert!(
            refused
                .stderr
                .contains("Nothing was written to Secret mine."),
            "{refused:?}"
        );
    }
}

/// A client's secret has another place, and its reader's variable another name.
#[test]
fn what_the_reader_has_now_is_carried_over() {
    let old = "camunda-optimize-identity-secret";
    let scene = |from, variable: &str, new: &str| {
        Scene::upgrade(from, "12.13.3")
            .running(&key(variable, old, "optimize-secret", ""))
            .live(&secret(old, "", "optimize-secret: known"))
            .planned(&key(
                new,
                "camunda-credentials-autogen",
                "optimize-password",
                "",
            ))
    };
    let variable = "CAMUNDA_IDENTITY_CLIENT_SECRET";
    for scene in [
        scene("12.13.3", variable, variable),
        scene("12.13.3", variable, "VALUES_CAMUNDA_IDENTITY_CLIENT_SECRET"),
        scene(
            "12.13.3",
            "KEYCLOAK_CLIENTS_0_SECRET",
            "KEYCLOAK_CLIENTS_0_SECRET",
        ),
    ] {
        let finding = scene.refused(INCOMPLETE);
        let texts = texts(&finding);
        assert_eq!(
            texts,
            [
                "(secret() { v=$(kubectl -n prod get secret \"$1\" -o \"jsonpath={.data.$2}\") && test -n \"$v\" \
                 && printf %s \"$v\" | base64 --decode; }\n\
                 (v=$(secret camunda-optimize-identity-secret optimize-secret) && test -n \"$v\" && \
                 kubectl -n prod create secret generic camunda-credentials-autogen --from-literal=optimize-password=\"$v\"))"
            ]
        );
        assert_pastable(&finding);
        assert!(
            finding.fixes[0]
                .intro
                .contains("Secret camunda-credentials-autogen")
        );
    }
    // In another chart the number may stand for another client, and another variable is another value.
    for scene in [
        scene(
            "12.13.1",
            "KEYCLOAK_CLIENTS_0_SECRET",
            "KEYCLOAK_CLIENTS_0_SECRET",
        ),
        scene("12.13.3", variable, "OTHER_SECRET"),
    ] {
        let finding = scene.one(INCOMPLETE);
        assert!(
            commands(&finding)[1].text().contains("read -rs"),
            "{finding:#?}"
        );
    }
}

/// Nobody is asked for what the Secrets of 12 hold, whichever of them it generates.
#[test]
fn nothing_of_12_is_asked_for() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to) in [
        ("12.13.3-autogenerated", "13.12.7-migration"),
        ("12.13.3-autogenerated", "13.12.7-defaults"),
        ("12.13.3", "13.12.7-migration-full"),
        ("12.13.3", "13.12.7-defaults"),
    ] {
        let refusal = Upgrade::between(&corpus, from, to).refusal();
        assert!(!refusal.contains("read -rs"), "{from} {to}: {refusal}");
        let made = "Make Secret camunda-credentials with the values";
        assert!(refusal.contains(made), "{from} {to}: {refusal}");
    }
}

/// What its controller would take back is given to the controller.
#[test]
fn a_secret_of_a_controller_is_filled_at_its_source() {
    let owned = "kind: Secret\nmetadata: {name: mine, ownerReferences: [{kind: ExternalSecret, controller: true}]}\nstringData: {other: b}";
    let finding = upgrade(&key("TOKEN", "mine", "token", ""))
        .live(owned)
        .refused(INCOMPLETE);
    assert!(
        matches!(commands(&finding)[..], [Command::Manual(_)]),
        "{finding:#?}"
    );
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
        texts(&finding),
        [
            "(v=$(kubectl -n prod get secret old -o 'jsonpath={.data.admin-password}') \
             && test -n \"$v\" && kubectl -n prod patch secret mine -p '{\"data\":{\"admin\":\"'\"$v\"'\"}}')"
        ]
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
        (findings[0].rule.name(), findings[0].action),
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
    let texts = texts(&finding);
    assert_eq!(
        texts,
        [
            "helm template camunda \"$CHART\" --namespace prod --version 8.2.34 --show-only \
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
        (findings[0].rule.name(), findings[0].action),
        (CONNECTORS, Action::Warn)
    );
    // Without Identity, and on other ways.
    Scene::upgrade("8.1.27", "8.2.34").passes();
    Scene::upgrade("8.2.9", "8.2.34").passes();
}
