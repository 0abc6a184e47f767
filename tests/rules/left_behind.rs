//! `reinstall-over-old-claims` and `identity-secret-deleted`.

use camunda_upgrade_guard::{
    change::Operation,
    finding::{Action, Command, Finding},
};
use serde_json::json;

use crate::scene::{Scene, claim, secret, statefulset};

const POSTGRESQL: &str = "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: camunda";
const KEYCLOAK: &str = "app.kubernetes.io/name: keycloak, app.kubernetes.io/instance: camunda";
const CLAIM: &str = "data-camunda-postgresql-0";
const REINSTALL: &str = "reinstall-over-old-claims";
const DELETED: &str = "identity-secret-deleted";

fn reads(name: &str, labels: &str, secret: &str, key: &str) -> String {
    let env =
        format!("env: [{{name: P, valueFrom: {{secretKeyRef: {{name: {secret}, key: {key}}}}}}}]");
    statefulset(name, "data", labels, 1).replace("image: x", &format!("image: x, {env}"))
}

fn database(secret: &str) -> String {
    reads("camunda-postgresql", POSTGRESQL, secret, "password")
}

fn passwords() -> String {
    secret(
        "camunda-postgresql",
        POSTGRESQL,
        "password: x, postgres-password: y",
    )
}

fn commands(finding: &Finding) -> Vec<String> {
    let commands = finding.fixes.iter().flat_map(|fix| &fix.commands);
    commands.map(Command::text).collect()
}

fn installed() -> Scene {
    Scene::install("12.13.3")
        .planned(&database("camunda-postgresql"))
        .planned(&passwords())
}

#[test]
fn new_passwords_over_old_data() {
    let old = claim(CLAIM, "Bound", POSTGRESQL);
    let finding = installed().live(&old).refused(REINSTALL);
    let allowed = format!("camunda-upgrade-guard/allow-deletion=uid-{CLAIM}");
    assert_eq!(
        finding.why[1],
        format!("  camunda-postgresql for the data in claim {CLAIM}")
    );
    assert_eq!(
        commands(&finding),
        [
            "kubectl -n prod apply -f camunda-postgresql.yaml",
            "identityKeycloak.postgresql.auth.password: its old password",
            "identityKeycloak.postgresql.auth.postgresPassword: its old password",
            &format!("# kubectl -n prod annotate pvc {CLAIM} {allowed}"),
            "# kubectl -n prod delete pvc data-camunda-postgresql-0 --ignore-not-found",
        ]
    );
    // What is printed is what the guard lets pass, and without the annotation it does not.
    let annotated = old.replacen(
        "uid: uid",
        &format!("annotations: {{{}}}, uid: uid", allowed.replace('=', ": ")),
        1,
    );
    for (claim, rules) in [(&old, &["claim-deleted"][..]), (&annotated, &[])] {
        let scene = Scene::upgrade("12.13.3", "12.13.3").known().live(claim);
        let findings = scene.planned(claim).object_findings(Operation::Delete);
        let found: Vec<_> = findings.iter().map(|finding| finding.rule.name()).collect();
        assert_eq!(found, rules, "{claim}");
    }
    // A Secret that the user should have made.
    Scene::install("13.12.7")
        .planned(&database("camunda-credentials"))
        .live(&old)
        .refused(REINSTALL);
    // Keycloak's administrator is in the same data.
    Scene::install("12.13.3")
        .planned(&statefulset("camunda-postgresql", "data", POSTGRESQL, 1))
        .planned(&reads(
            "camunda-keycloak",
            KEYCLOAK,
            "camunda-keycloak",
            "admin-password",
        ))
        .planned(&secret("camunda-keycloak", KEYCLOAK, "admin-password: x"))
        .live(&old)
        .refused(REINSTALL);
}

#[test]
fn nothing_from_before_or_all_of_it_passes() {
    installed().passes();
    installed()
        .live(&claim(CLAIM, "Pending", POSTGRESQL))
        .passes();
    let old = claim(CLAIM, "Bound", POSTGRESQL);
    installed().live(&old).live(&passwords()).passes();
    let other = claim("data-orders-postgresql-0", "Bound", POSTGRESQL);
    installed().live(&other).passes();
}

#[test]
fn given_passwords_only_warn() {
    let auth = json!({"identityKeycloak": {"postgresql": {"auth": {"password": "x", "postgresPassword": "y"}}}});
    let given = installed()
        .live(&claim(CLAIM, "Bound", POSTGRESQL))
        .values(json!({}), auth);
    let findings = given.findings();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].rule.name(), findings[0].action),
        (REINSTALL, Action::Warn)
    );
    let half = json!({"identityKeycloak": {"postgresql": {"auth": {"password": "x"}}}});
    given.values(json!({}), half).refused(REINSTALL);
}

fn single() -> Scene {
    Scene::install("12.13.3").planned(&passwords())
}

#[test]
fn a_secret_created_alone_is_only_warned_about() {
    let old = claim(CLAIM, "Bound", POSTGRESQL);
    let findings = single().live(&old).object_findings(Operation::Create);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].rule.name(), findings[0].action),
        (REINSTALL, Action::Warn)
    );
    for harmless in [
        single(),
        single().live(&claim(CLAIM, "Lost", POSTGRESQL)),
        single().live(&claim(
            CLAIM,
            "Bound",
            "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: other",
        )),
        // The database runs: its Secret is restored or renamed.
        single().live(&old).live(&database("camunda-postgresql")),
    ] {
        assert_eq!(harmless.object_findings(Operation::Create), []);
    }
}

#[test]
fn a_secret_that_the_data_needs_is_not_deleted() {
    let old = claim(CLAIM, "Bound", POSTGRESQL);
    for secret in [
        secret(
            "camunda-postgresql",
            &format!("{POSTGRESQL}}}, uid: the-uid, annotations: {{a: b"),
            "password: x",
        ),
        secret(
            "camunda-credentials",
            "}, uid: the-uid, annotations: {a: b",
            "identity-keycloak-admin-password: x",
        ),
    ] {
        let findings = Scene::install("12.13.3")
            .planned(&secret)
            .live(&old)
            .deletion_findings();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(
            (findings[0].rule.name(), findings[0].action),
            (DELETED, Action::Deny)
        );
        let name = &findings[0].objects[0].name;
        assert_eq!(
            commands(&findings[0]),
            [
                format!("kubectl -n prod get secret {name} -o yaml > {name}.yaml"),
                format!(
                    "kubectl -n prod annotate secret {name} camunda-upgrade-guard/allow-deletion=the-uid"
                ),
            ]
        );
    }
    let client = secret("camunda-operate-identity-secret", "", "operate-secret: x");
    let findings = Scene::install("12.13.3")
        .planned(&client)
        .live(&old)
        .deletion_findings();
    assert_eq!(findings[0].action, Action::Warn);
}

#[test]
fn a_secret_that_no_data_needs_is_deleted() {
    let old = claim(CLAIM, "Bound", POSTGRESQL);
    let allowed = passwords().replacen(
        "labels:",
        "uid: u, annotations: {camunda-upgrade-guard/allow-deletion: u}, labels:",
        1,
    );
    let owned = passwords().replacen(
        "labels:",
        "ownerReferences: [{controller: true}], labels:",
        1,
    );
    let going = "kind: Namespace\nmetadata: {name: prod, deletionTimestamp: now}";
    let scene = |secret: &str| Scene::install("12.13.3").planned(secret);
    for harmless in [
        single(),
        single().live(&claim(CLAIM, "Lost", POSTGRESQL)),
        single().live(&old).live(going),
        single().live(&old).live(&database("camunda-credentials")),
        scene(&allowed).live(&old),
        scene(&owned).live(&old),
        scene(&secret("mine", "", "password: x")).live(&old),
    ] {
        assert_eq!(harmless.deletion_findings(), []);
    }
    let other = allowed.replacen("allow-deletion: u", "allow-deletion: another", 1);
    assert_eq!(scene(&other).live(&old).deletion_findings().len(), 1);
    let still_read = single().live(&old).live(&database("camunda-postgresql"));
    assert_eq!(still_read.deletion_findings()[0].action, Action::Deny);
}

#[test]
fn helms_own_deletions() {
    let record = |revision: u32, status: &str| {
        format!(
            "kind: Secret\nmetadata: {{name: sh.helm.release.v1.camunda.v{revision}, labels: {{status: {status}}}}}"
        )
    };
    let scene = |status: &str| {
        single()
            .live(&claim(CLAIM, "Bound", POSTGRESQL))
            .live(&record(9, "superseded"))
            .live(&record(10, status))
            .deletion_findings()
    };
    assert_eq!(scene("deployed")[0].action, Action::Deny);
    let findings = scene("uninstalling");
    assert_eq!(findings[0].action, Action::Warn);
    assert!(findings[0].why[1].contains("kubectl -n prod get secret camunda-postgresql -o yaml"));
    for status in ["pending-upgrade", "pending-rollback", "pending-install"] {
        assert_eq!(scene(status), [], "{status}");
    }
}
