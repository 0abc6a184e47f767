//! Web Modeler becomes Camunda Hub, whose first start migrates the database: `hub-migration`.

use camunda_upgrade_guard::finding::{Action, Moment};
use serde_json::{Value, json};

use crate::scene::{Scene, commands};

const RULE: &str = "hub-migration";

fn restapi(image: &str, replicas: u32, probes: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: camunda-web-modeler-restapi, labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: restapi}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app.kubernetes.io/component: restapi, app.kubernetes.io/name: web-modeler}}}}
  template: {{spec: {{containers: [{{name: a, image: \"{image}\"{probes}}}]}}}}"
    )
}

const MODELER: &str = "camunda/web-modeler-restapi:8.9.4";
const HUB: &str = "camunda/hub:8.10.0";

fn scene(before: (&str, u32), after: (&str, u32)) -> Scene {
    Scene::upgrade("14.8.4", "15.0.0")
        .running(&restapi(before.0, before.1, ""))
        .planned(&restapi(after.0, after.1, ""))
}

fn phase(phase: &str) -> Value {
    json!({"camundaHub": {"upgrade": {"phase": phase}}})
}

#[test]
fn hub_does_not_migrate_what_web_modeler_writes_to() {
    let finding = scene((MODELER, 1), (HUB, 1))
        .defaults(phase("normal"))
        .refused(RULE);
    assert_eq!(
        commands(&finding),
        ["--set camundaHub.upgrade.phase=quiesce"]
    );
    assert_eq!(finding.fixes[0].moment, Moment::With);
    // As the flag has it.
    let quiesced = scene((MODELER, 1), (HUB, 0)).defaults(phase("normal"));
    assert_eq!(quiesced.one(RULE).action, Action::Warn);
}

#[test]
fn a_chart_without_phases_is_seen_through() {
    let finding = scene((MODELER, 1), (HUB, 1))
        .values(Value::Null, phase("quiesce"))
        .refused(RULE);
    assert!(
        finding.why[1].contains("is quiesce, but chart 15.0.0 starts"),
        "{:?}",
        finding.why
    );
    assert_eq!(
        commands(&finding)[..2],
        [
            "kubectl -n prod scale deployment camunda-web-modeler-restapi --replicas=0",
            "kubectl -n prod wait --for=delete pod -l 'app.kubernetes.io/component=restapi,app.kubernetes.io/name=web-modeler' --timeout=5m",
        ]
    );
    // As the commands leave it.
    let stopped = scene((MODELER, 1), (HUB, 1)).live(&restapi(MODELER, 0, ""));
    assert_eq!(stopped.one(RULE).action, Action::Warn);
}

#[test]
fn the_way_through_the_phases_is_open() {
    let migrating = scene((HUB, 0), (HUB, 1)).one(RULE);
    assert_eq!(migrating.action, Action::Warn);
    assert_eq!(migrating.why.len(), 1);
    let probed = Scene::upgrade("15.0.0", "15.0.0")
        .running(&restapi(HUB, 0, ""))
        .planned(&restapi(HUB, 1, ", livenessProbe: {httpGet: {path: /}}"));
    assert!(probed.one(RULE).why[1].contains("livenessProbe"));
    for (before, after) in [((HUB, 1), (HUB, 2)), ((HUB, 2), (HUB, 0))] {
        assert!(
            !scene(before, after).rules().contains(&RULE),
            "{before:?} {after:?}"
        );
    }
}

#[test]
fn an_image_that_is_no_hub_is_refused() {
    for image in [
        "camunda/web-modeler-restapi:8.9.4",
        "r:5000/camunda/hub:8.9.4",
    ] {
        let finding = scene((MODELER, 0), (image, 1)).refused(RULE);
        assert!(finding.title.starts_with(image), "{}", finding.title);
    }
    for image in [HUB, "camunda/hub:latest", "acme/own-hub:1.2.3"] {
        let scene = scene((MODELER, 0), (image, 1));
        assert!(
            !scene
                .findings()
                .iter()
                .any(|it| it.rule.name() == RULE && it.action == Action::Deny),
            "{image}"
        );
    }
    // What runs under a chart of 15 already is not judged again.
    let again = Scene::upgrade("15.0.0", "15.0.0")
        .running(&restapi("camunda/web-modeler-restapi:8.9.4", 1, ""))
        .planned(&restapi("camunda/web-modeler-restapi:8.9.4", 1, ""));
    assert!(!again.rules().contains(&RULE));
}

fn console(image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: camunda-console, labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: console}}}}
spec: {{replicas: 1, template: {{spec: {{containers: [{{name: a, image: \"{image}\"}}]}}}}}}"
    )
}

/// `console.enabled` alone deploys nothing in 15.
#[test]
fn console_lives_on_in_hub_only() {
    let alone = Scene::upgrade("14.8.4", "15.0.0").running(&console("camunda/console:8.9.1"));
    let finding = alone.refused("component-disappears");
    assert!(finding.title.contains("Console"), "{}", finding.title);
    assert!(
        finding.why[1].contains("camundaHub.enabled"),
        "{:?}",
        finding.why
    );
    let hub = alone.planned(&restapi(HUB, 1, ""));
    assert!(!hub.rules().contains(&"component-disappears"));
}
