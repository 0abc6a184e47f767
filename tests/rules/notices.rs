//! The rules that only tell: what comes with an upgrade and is easily missed.

use camunda_upgrade_guard::{
    finding::{Action, Finding, Moment},
    rules,
};

use crate::scene::{Scene, claim};

const OWN: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component";

fn warned(scene: &Scene, rule: &str) -> Finding {
    let finding = scene.one(rule);
    assert_eq!(finding.action, Action::Warn);
    finding
}

fn keycloak(tag: &str) -> String {
    stateful(
        "camunda-keycloak",
        "app.kubernetes.io/name: keycloak",
        &format!("bitnami/keycloak:{tag}"),
        "{}",
    )
}

fn stateful(name: &str, labels: &str, image: &str, context: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}, labels: {{{labels}}}}}
spec:
  replicas: 1
  template: {{spec: {{securityContext: {{fsGroup: 1001}}, containers: [{{image: \"{image}\", securityContext: {context}}}]}}}}
  volumeClaimTemplates: [{{metadata: {{name: data}}}}]"
    )
}

#[test]
fn keycloaks_database_is_backed_up_before_a_new_major() {
    const RULE: &str = "keycloak-major-upgrade";
    let scene = |from: &str, to: &str| {
        Scene::upgrade("8.2.34", "8.3.1")
            .running(&keycloak(from))
            .planned(&keycloak(to))
    };
    let finding = warned(&scene("19.0.3-debian-11-r15", "22.0.4"), RULE);
    assert_eq!(finding.title, "Keycloak goes from 19 to 22");
    assert!(finding.fixes.is_empty());
    let postgresql = stateful(
        "camunda-postgresql",
        "app.kubernetes.io/name: postgresql",
        "bitnami/postgresql:15.1.0",
        "{}",
    );
    let finding = warned(
        &scene("19.0.3", "22.0.4")
            .running(&postgresql)
            .planned(&postgresql),
        RULE,
    );
    let command = finding.fixes[0].commands[0].text();
    assert!(
        command.starts_with("(kubectl -n prod exec camunda-postgresql-0 -- sh -c 'PGPASSWORD="),
        "{command}"
    );
    assert_eq!(finding.fixes[0].moment, Moment::BackUp);
    let moved = "mv camunda-postgresql-8.2.34.sql.part camunda-postgresql-8.2.34.sql)";
    assert!(command.ends_with(moved), "{command}");
    for (from, to) in [
        ("22.0.4", "22.0.5"),
        ("22.0.4", "latest"),
        ("26.1.4", "25.0.6"),
    ] {
        scene(from, to).passes();
    }
    // A failed upgrade has brought it there already.
    scene("19.0.3", "22.0.4").live(&keycloak("22.0.4")).passes();
    Scene::upgrade("8.2.34", "8.3.1")
        .planned(&keycloak("22.0.4"))
        .passes();
}

/// Who can ask Helm itself compares all of its version: the majors are the same, and the chart was tested with another one.
#[test]
fn a_helm_that_can_be_asked_is_compared_in_full() {
    const RULE: &str = "helm-cli-version";
    let scene = Scene::upgrade("12.13.2", "12.13.3").helm([None, None], Some("3.20.2, 4.2.4"));
    let found = |version: Option<&str>| {
        let (mut change, facts) = scene.judged();
        change.helm.version = version.map(str::to_owned);
        let mut findings = rules::judge(&change, &facts);
        findings.retain(|finding| finding.rule.name() == RULE);
        findings
    };
    let [finding] = &found(Some("v3.22.0"))[..] else {
        panic!("no finding");
    };
    assert_eq!(finding.action, Action::Warn);
    assert_eq!(finding.title, "Helm 3.22.0 is not the one of the new chart");
    assert_eq!(
        finding.why,
        ["The chart was tested with Helm 3.20.2, 4.2.4."]
    );
    for version in [None, Some("v3.20.2"), Some("4.2.4")] {
        assert_eq!(found(version), [], "{version:?}");
    }
}

#[test]
fn another_helm_is_named_where_the_chart_does_not_know_it() {
    const RULE: &str = "helm-cli-version";
    let scene = Scene::upgrade("12.13.2", "12.13.3");
    let to_four = [None, Some("csa")];
    let finding = warned(&scene.clone().helm(to_four, Some("3.20.2")), RULE);
    assert_eq!(finding.title, "Helm 4 is at work on a release of Helm 3");
    warned(
        &scene.clone().helm([Some("ssa"), None], Some("4.2.3")),
        RULE,
    );
    scene.clone().helm(to_four, Some("3.20.2, 4.2.4")).passes();
    scene.clone().helm(to_four, None).passes();
    Scene::upgrade("12.13.3", "12.13.3")
        .helm(to_four, Some("3.20.2"))
        .passes();
    scene
        .clone()
        .helm(to_four, Some("3.20.2"))
        .rollback()
        .passes();
    scene.clone().helm([None, None], Some("4.2.3")).passes();
    scene
        .helm([Some("csa"), Some("ssa")], Some("3.20.2"))
        .passes();
    Scene::install("12.13.3")
        .helm(to_four, Some("3.20.2"))
        .passes();
}

fn deployment(component: &str, env: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: camunda-{component}, labels: {{{OWN}: {component}}}}}
spec: {{template: {{spec: {{containers: [{{image: x, env: [{env}]}}]}}}}}}"
    )
}

fn gateway(mode: &str) -> String {
    let variable =
        |mode| format!("{{name: ZEEBE_GATEWAY_SECURITY_AUTHENTICATION_MODE, value: {mode}}}");
    let modes: Vec<_> = mode.split_whitespace().map(variable).collect();
    deployment("zeebe-gateway", &modes.join(", "))
}

#[test]
fn clients_of_the_gateway_are_told() {
    const RULE: &str = "gateway-authentication-enabled";
    let scene = |from, to, before: &str, after: &str| {
        Scene::upgrade(from, to)
            .running(&gateway(before))
            .planned(&gateway(after))
    };
    warned(&scene("8.2.2", "8.2.3", "", "identity"), RULE);
    warned(&scene("8.1.27", "8.2.34", "none", "identity"), RULE);
    scene("8.2.2", "8.2.3", "identity", "identity").passes();
    // Of two the last one counts.
    let twice = scene("8.2.2", "8.2.3", "", "identity none");
    assert!(!twice.rules().contains(&RULE));
    scene("8.2.2", "8.2.3", "", "").passes();
    scene("8.2.9", "8.2.34", "", "identity").passes();
    Scene::install("8.2.34")
        .planned(&gateway("identity"))
        .passes();
}

#[test]
fn consoles_role_is_told_once() {
    const RULE: &str = "console-role";
    let console = deployment("console", "");
    let scene = |to| Scene::upgrade("9.3.0", to).planned(&console);
    assert!(warned(&scene("9.3.7"), RULE).why[0].contains("click Assigned roles, select Console"));
    scene("9.3.7").running(&console).passes();
    scene("9.3.7").live(&console).passes();
    Scene::upgrade("9.0.0", "9.2.0").planned(&console).passes();
    Scene::install("9.3.7").planned(&console).passes();
    Scene::upgrade("9.3.0", "9.3.7")
        .planned(&deployment("identity", ""))
        .passes();
}

const ZEEBE: &str = "data-camunda-zeebe-0";

fn zeebe(context: &str) -> String {
    stateful(
        "camunda-zeebe",
        &format!("{OWN}: zeebe-broker"),
        "camunda/zeebe:latest",
        context,
    )
}

fn volume(source: &str) -> String {
    claim(ZEEBE, "Bound", "").replace("capacity:", &format!("{source}, capacity:"))
}

#[test]
fn files_that_stay_with_their_old_owner() {
    const RULE: &str = "user-id-changed";
    let scene = |before: &str, after: &str, source: &str| {
        Scene::upgrade("8.2.34", "8.3.1")
            .running(&zeebe(before))
            .planned(&zeebe(after))
            .live(&volume(source))
    };
    let (root, user, host) = ("{}", "{runAsUser: 1000}", "hostPath: {path: /x}");
    let finding = warned(&scene(root, user, host), RULE);
    assert_eq!(
        finding.title,
        "StatefulSet camunda-zeebe would run as user 1000 instead of 0"
    );
    assert!(
        finding.why[1]
            .contains("claim data-camunda-zeebe-0, volume volume-data-camunda-zeebe-0 (hostPath)")
    );
    let commands: Vec<_> = finding.fixes.iter().flat_map(|fix| &fix.commands).collect();
    let [stop, gone, chown, start] = &commands[..] else {
        panic!("{commands:?}");
    };
    let scale = "kubectl -n prod scale statefulset camunda-zeebe --replicas=";
    assert_eq!(stop.text(), format!("{scale}0"));
    assert!(
        gone.text()
            .contains("wait --for=delete pod camunda-zeebe-0")
    );
    let chown = chown.text();
    assert!(
        chown.starts_with("kubectl -n prod run chown-data-camunda-zeebe-0 --rm -i"),
        "{chown}"
    );
    assert!(
        chown.contains(r#""command":["chown","-R","1000:1000","/data"],"image":"camunda/zeebe"#),
        "{chown}"
    );
    assert_eq!(start.text(), format!("{scale}1"));
    warned(&scene(user, "{runAsUser: 1001}", "nfs: {server: x}"), RULE);

    let driver = "csi: {driver: a.example}";
    let policy = |policy: &str| {
        scene(root, user, driver).live(&format!(
            "kind: CSIDriver\nmetadata: {{name: a.example}}\nspec: {{fsGroupPolicy: {policy}}}"
        ))
    };
    warned(&policy("None"), RULE);
    policy("File").passes();
    scene(root, user, driver).passes();
    scene(user, user, host).passes();
    scene(user, "{runAsUser: 0}", host).passes();
    // The image of 8.3 is not root's, with or without a word in the manifest.
    warned(&scene(root, "{}", host), RULE);
    scene(root, user, "local: {path: /x}").passes();
}

#[test]
fn the_volumes_of_a_predecessor_count() {
    let elastic = stateful(
        "elasticsearch-master",
        "chart: elasticsearch, release: camunda",
        "elasticsearch:7.17.27",
        "{runAsUser: 1000}",
    );
    let bitnami = stateful(
        "camunda-elasticsearch-master",
        "app.kubernetes.io/name: elasticsearch",
        "elasticsearch:8.7.1",
        "{runAsUser: 1001}",
    );
    let handed_over = claim("data-elasticsearch-master-0", "Lost", "").replace(
        "spec: {claimRef: {namespace: prod, name: data-elasticsearch-master-0}",
        "spec: {hostPath: {path: /x}, claimRef: {namespace: prod, name: data-camunda-elasticsearch-master-0}",
    );
    let scene = Scene::upgrade("8.2.34", "8.3.1")
        .running(&elastic)
        .planned(&bitnami)
        .live(&handed_over);
    let finding = warned(&scene, "user-id-changed");
    assert!(
        finding.why[1].contains("claim data-camunda-elasticsearch-master-0"),
        "{:?}",
        finding.why
    );
}

/// The kind: a user of one's own beside what the chart takes its own user for.
#[test]
fn a_chosen_user_has_its_group_chosen_too() {
    const RULE: &str = "user-id-changed";
    let brokers = |context: &str| {
        stateful(
            "camunda-zeebe",
            &format!("{OWN}: zeebe-broker"),
            "camunda/zeebe:8.7.37",
            context,
        )
    };
    let scene = |before: &str, after: &str| {
        Scene::upgrade("12.0.0", "12.13.3")
            .running(&brokers(before))
            .planned(after)
    };
    let chosen = brokers("{runAsUser: 1008}");
    let finding = warned(&scene("{runAsUser: 1001}", &chosen), RULE);
    assert_eq!(
        finding.title,
        "StatefulSet camunda-zeebe would run as user 1008 with volumes of group 1001"
    );
    let commands = finding.fixes[0].commands.iter();
    let typed: Vec<_> = commands.map(|command| command.text()).collect();
    assert_eq!(typed, ["--set zeebe.podSecurityContext.fsGroup=1008"]);
    // With its own group, as it was before, as the chart has it, as root.
    scene(
        "{runAsUser: 1001}",
        &chosen.replace("fsGroup: 1001", "fsGroup: 1008"),
    )
    .passes();
    scene("{runAsUser: 1008}", &chosen).passes();
    scene("{runAsUser: 1001}", &brokers("{runAsUser: 1001}")).passes();
    scene("{runAsUser: 1001}", &brokers("{runAsUser: 0}")).passes();
}
