//! A variable that stands twice in a container: `duplicate-environment`.

use camunda_upgrade_guard::finding::Action;
use serde_json::{Value, json};

use crate::scene::Scene;

const RULE: &str = "duplicate-environment";
const SERVER_SIDE: [Option<&str>; 2] = [Some("ssa"), Some("ssa")];

fn identity(containers: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: camunda-identity, labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: identity}}}}
spec: {{replicas: 1, template: {{spec: {{containers: [{containers}]}}}}}}"
    )
}

const ONCE: &str =
    "{name: a, image: camunda/identity:8.10.0, env: [{name: X, value: a}, {name: Y, value: a}]}";
const TWICE: &str = "{name: a, image: camunda/identity:8.10.0, env: [{name: X, value: a}, {name: Y, value: a}, {name: X, value: b}]}";
const APART: &str = "{name: a, image: camunda/identity:8.10.0, env: [{name: X, value: a}]}, {name: b, image: c, env: [{name: X, value: b}]}";

fn scene(before: &str, after: &str) -> Scene {
    Scene::upgrade("14.8.4", "15.0.0")
        .running(&identity(before))
        .planned(&identity(after))
}

#[test]
fn the_api_server_would_refuse_it_half_way() {
    let own = json!({"identity": {"env": [{"name": "X", "value": "b"}]}});
    let scene = scene(ONCE, TWICE)
        .helm(SERVER_SIDE, None)
        .values(own.clone(), own);
    let finding = scene.refused(RULE);
    assert_eq!(
        finding.title,
        "Deployment camunda-identity would have variables twice"
    );
    assert_eq!(finding.why[1], "  Deployment camunda-identity: X");
    assert!(
        finding.fixes[0].intro.contains("(identity.env)"),
        "{:?}",
        finding.fixes
    );
    // It may have been so before, by another Helm.
    self::scene(TWICE, TWICE)
        .helm(SERVER_SIDE, None)
        .refused(RULE);
}

#[test]
fn elsewhere_the_last_one_counts() {
    for methods in [[None, None], [Some("csa"), Some("csa")]] {
        let finding = scene(ONCE, TWICE).helm(methods, None).one(RULE);
        assert_eq!(finding.action, Action::Warn);
        assert!(
            !scene(TWICE, TWICE)
                .helm(methods, None)
                .rules()
                .contains(&RULE)
        );
    }
}

#[test]
fn names_of_two_containers_are_not_one() {
    for after in [ONCE, APART] {
        let scene = scene(ONCE, after).helm(SERVER_SIDE, None);
        assert!(!scene.rules().contains(&RULE), "{after}");
    }
    let back = scene(ONCE, TWICE)
        .helm(SERVER_SIDE, None)
        .values(Value::Null, Value::Null);
    assert!(!back.rollback().rules().contains(&RULE));
}
