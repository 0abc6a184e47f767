//! Claims that stand in the chart's manifest and not in the next one: Helm deletes them.

use camunda_upgrade_guard::{
    change::{ChartVersion, Rendered},
    finding::{Action, Finding},
    forecast::InstalledRelease,
    helm::release::Release,
    rules,
};
use harness::Corpus;
use serde_json::json;

use crate::{
    live::Upgrade,
    scene::{Scene, claim, commands},
};

const RULE: &str = "claim-removed";
const OLD: &str = "camunda-optimize-data-camunda";
const TMP: &str = "camunda-optimize-data-tmp";
const NEW: &str = "camunda-optimize-data";
const LABELS: &str = "app.kubernetes.io/part-of: camunda-platform";

/// A claim as a manifest has it.
fn wanted(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}, labels: {{{LABELS}}}}}\n\
         spec: {{accessModes: [ReadWriteOnce]}}"
    )
}

/// A workload that mounts these claims, each at a path.
fn workload(kind: &str, mounts: &[(&str, &str)]) -> String {
    let volumes: Vec<_> = (0..)
        .zip(mounts)
        .map(|(index, (source, _)): (usize, _)| match *source {
            "" => json!({"name": format!("v{index}"), "emptyDir": {}}),
            claim => {
                json!({"name": format!("v{index}"), "persistentVolumeClaim": {"claimName": claim}})
            }
        })
        .collect();
    let mounts: Vec<_> = (0..)
        .zip(mounts)
        .map(|(index, (_, path)): (usize, _)| json!({"name": format!("v{index}"), "mountPath": path}))
        .collect();
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": "camunda-optimize", "labels": {
            "app.kubernetes.io/part-of": "camunda-platform", "app.kubernetes.io/component": "optimize"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "optimize"}}, "template": {"spec": {
            "volumes": volumes,
            "containers": [{"name": "optimize", "image": "camunda/optimize:8.8.0", "volumeMounts": mounts}]}}},
    })
    .to_string()
}

fn pod(claim: &str) -> String {
    format!(
        "kind: Pod\nmetadata: {{name: camunda-optimize-1}}\nspec: {{volumes: [{{name: v, persistentVolumeClaim: {{claimName: {claim}}}}}], \
         containers: [{{name: c, volumeMounts: [{{name: v, mountPath: /camunda}}]}}]}}"
    )
}

fn retained(document: &str) -> String {
    document.replace("ReclaimPolicy: Delete", "ReclaimPolicy: Retain")
}

/// 14's Optimize in place of 13's, over a claim that is live like this.
fn renamed(live: &str) -> Scene {
    Scene::upgrade("13.12.7", "14.0.0")
        .deleted(&wanted(OLD))
        .running(&workload("Deployment", &[(OLD, "/camunda")]))
        .planned(&wanted(NEW))
        .planned(&workload("Deployment", &[(NEW, "/tmp"), (NEW, "/camunda")]))
        .live(live)
        .live(&pod(OLD))
}

fn bound() -> String {
    claim(OLD, "Bound", LABELS)
}

/// The findings of this rule.
fn found(scene: &Scene) -> Vec<Finding> {
    let mut findings = scene.findings();
    findings.retain(|finding| finding.rule.name() == RULE);
    findings
}

#[track_caller]
fn warned(scene: &Scene, says: &str) -> Finding {
    let findings = found(scene);
    let [finding] = &findings[..] else {
        panic!("{findings:#?}");
    };
    assert_eq!(finding.action, Action::Warn, "{finding:#?}");
    assert!(finding.why.join(" ").contains(says), "{finding:#?}");
    finding.clone()
}

#[test]
fn a_claim_that_the_next_chart_renames_is_not_deleted_with_its_data() {
    let finding = found(&renamed(&bound())).remove(0);
    assert_eq!(finding.action, Action::Deny);
    assert_eq!(
        finding.why[1],
        format!(
            "  {OLD} on volume volume-{OLD} (1Gi), mounted at /camunda by Deployment camunda-optimize; claim {NEW} takes its place, empty"
        )
    );
    assert_eq!(
        commands(&finding),
        [
            "kubectl -n prod scale deployment camunda-optimize --replicas=0",
            "kubectl -n prod wait --for=delete pod camunda-optimize-1 --timeout=5m",
            &format!("kubectl annotate pv volume-{OLD} camunda-upgrade-guard/rebind-to=prod/{NEW}"),
            &format!(
                r#"kubectl patch pv volume-{OLD} -p '{{"spec":{{"persistentVolumeReclaimPolicy":"Retain"}}}}'"#
            ),
            &format!(
                "# kubectl -n prod annotate pvc {OLD} camunda-upgrade-guard/allow-deletion=uid-{OLD}"
            ),
        ]
    );
}

#[test]
fn what_is_retained_handed_over_kept_or_given_up_passes() {
    let finding = warned(&renamed(&retained(&bound())), "stays with the data");
    assert!(
        commands(&finding)[2].contains("rebind-to=prod/"),
        "{finding:#?}"
    );
    let over = bound().replace(
        &format!("namespace: prod, name: {OLD}}}, cap"),
        &format!("namespace: prod, name: {NEW}}}, cap"),
    );
    assert_ne!(over, bound());
    let annotated = |annotation: &str| {
        bound().replacen(
            "uid: uid",
            &format!("annotations: {{{annotation}}}, uid: uid"),
            1,
        )
    };
    for live in [
        over,
        claim(OLD, "Lost", LABELS),
        annotated(&format!("camunda-upgrade-guard/allow-deletion: uid-{OLD}")),
        annotated("helm.sh/resource-policy: keep"),
    ] {
        assert_eq!(found(&renamed(&live)), [], "{live}");
    }
    let another = annotated("camunda-upgrade-guard/allow-deletion: uid-of-another");
    assert_eq!(found(&renamed(&another))[0].action, Action::Deny);
}

#[test]
fn a_claim_that_holds_nothing_of_worth_only_warns() {
    let unmounted = Scene::upgrade("13.1.0", "13.12.7")
        .deleted(&wanted(OLD))
        .running(&workload("Deployment", &[("misspelt", "/camunda")]))
        .planned(&workload("Deployment", &[("", "/camunda")]))
        .live(&bound());
    let finding = warned(&unmounted, "No workload of the release mounts");
    assert_eq!(
        commands(&finding),
        [format!(
            r#"kubectl patch pv volume-{OLD} -p '{{"spec":{{"persistentVolumeReclaimPolicy":"Retain"}}}}'"#
        )]
    );
    warned(&renamed(&claim(OLD, "Pending", LABELS)), "never was Bound");
    let temporary = Scene::upgrade("13.12.7", "14.0.0")
        .deleted(&wanted(TMP))
        .running(&workload("Deployment", &[(TMP, "/tmp/")]))
        .planned(&workload("Deployment", &[(NEW, "/tmp")]))
        .live(&claim(TMP, "Bound", LABELS));
    warned(&temporary, "is only mounted at /tmp by Deployment");
    // Somebody's own pod uses what the chart does not mount.
    let used = found(&unmounted.live(&pod(OLD)));
    assert_eq!(used[0].action, Action::Deny, "{used:#?}");
}

#[test]
fn persistence_that_is_switched_off_or_whose_workload_goes_is_said() {
    for kind in ["Deployment", "StatefulSet"] {
        let scene = Scene::upgrade("13.12.7", "13.12.7")
            .deleted(&wanted(OLD))
            .running(&workload(kind, &[(OLD, "/camunda")]))
            .live(&bound());
        let off = scene.clone().planned(&workload(kind, &[("", "/camunda")]));
        for (scene, says) in [
            (off, "a directory that goes with its pod takes its place"),
            (scene, "nothing takes its place"),
        ] {
            let finding = found(&scene).remove(0);
            assert_eq!(finding.action, Action::Deny);
            assert!(finding.why[1].contains(says), "{finding:#?}");
            let first = commands(&finding)[0].to_owned();
            assert!(first.starts_with("kubectl patch pv "), "{finding:#?}");
        }
    }
}

/// The nearest good case: the claim stays, whatever is mounted.
#[test]
fn a_claim_that_stays_in_the_manifest_is_nobodys_business() {
    let scene = Scene::upgrade("13.12.7", "13.12.7")
        .running(&workload("Deployment", &[(OLD, "/camunda")]))
        .deleted(&wanted(OLD))
        .planned(&wanted(OLD))
        .planned(&workload("Deployment", &[(OLD, "/camunda")]))
        .live(&bound());
    scene.passes();
}

#[test]
fn a_rollback_takes_away_what_the_upgrade_has_brought() {
    let back = Scene::upgrade("14.0.0", "13.12.7")
        .rollback()
        .deleted(&wanted(NEW))
        .running(&workload("Deployment", &[(NEW, "/camunda")]))
        .planned(&wanted(OLD))
        .planned(&workload("Deployment", &[(OLD, "/camunda")]))
        .live(&claim(NEW, "Bound", LABELS));
    let finding = found(&back).remove(0);
    assert_eq!(finding.action, Action::Deny);
    assert!(finding.why[1].contains(&format!("claim {OLD} takes its place")));
}

/// Helm compares a rollback with the revision that failed, which was never deployed.
#[test]
fn a_rollback_over_a_failed_revision_takes_its_claims_away_too() {
    let failed: Release = serde_json::from_value(json!({
        "name": "camunda", "namespace": "prod", "version": 3, "info": {"status": "failed"},
        "chart": {"metadata": {"name": "camunda-platform", "version": "14.0.0"}},
        "manifest": format!("---\n{}", wanted(NEW)),
    }))
    .unwrap();
    let over = |status: &str| {
        let live: serde_json::Value =
            serde_json::from_str(&workload("Deployment", &[(NEW, "/camunda")])).unwrap();
        let mut live = live;
        live["status"] = serde_json::from_str(status).unwrap();
        let scene = Scene::upgrade("13.12.7", "13.12.7")
            .rollback()
            .deleted(&wanted(OLD))
            .deleted(&workload("Deployment", &[(OLD, "/camunda")]))
            .planned(&wanted(OLD))
            .planned(&workload("Deployment", &[(OLD, "/camunda")]))
            .live(&bound())
            .live(&live.to_string())
            .live(&claim(NEW, "Bound", LABELS));
        let (mut change, facts) = scene.judged();
        change.leaving(&Rendered::of(&failed, None));
        let mut findings = rules::judge(&change, &facts);
        findings.retain(|finding| finding.rule.name() == RULE);
        findings
    };
    // `--atomic` goes back at once.
    let never = over(r#"{"replicas": 1, "updatedReplicas": 1}"#);
    assert_eq!(never[0].action, Action::Warn, "{never:#?}");
    let ran = over(r#"{"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}"#);
    assert_eq!(ran[0].action, Action::Deny, "{ran:#?}");
}

/// A claim of the manifest and its volume, as they are live.
fn live(upgrade: Upgrade, name: &str, policy: &str) -> Upgrade {
    let volume = format!("volume-{name}");
    upgrade
        .with(
            json!({"kind": "PersistentVolumeClaim", "status": {"phase": "Bound"},
            "metadata": {"name": name, "uid": format!("uid-{name}"),
                "labels": {"app.kubernetes.io/part-of": "camunda-platform"}},
            "spec": {"volumeName": volume}}),
        )
        .with(
            json!({"kind": "PersistentVolume", "metadata": {"name": volume},
            "spec": {"persistentVolumeReclaimPolicy": policy, "capacity": {"storage": "10Gi"},
                "claimRef": {"namespace": "camunda", "name": name}}}),
        )
}

#[test]
fn optimizes_claims_become_one_in_14() {
    let Some(corpus) = Corpus::find() else { return };
    let between = || {
        let (from, to) = (
            "13.12.7-optimize-persistence",
            "14.0.0-optimize-persistence",
        );
        Upgrade::between(&corpus, from, to)
    };
    let names =
        ["tmp", "camunda"].map(|end| format!("camunda-camunda-platform-optimize-data-{end}"));
    let with = |policy: &str| {
        let upgrade = names
            .iter()
            .fold(between(), |it, name| live(it, name, policy));
        let mut findings = upgrade.findings();
        findings.retain(|finding| finding.rule.name() == RULE);
        (upgrade.refusing(), findings)
    };
    let (refusing, findings) = with("Delete");
    assert_eq!(refusing, [RULE]);
    let [deny, warn] = &findings[..] else {
        panic!("{findings:#?}")
    };
    assert_eq!((deny.action, warn.action), (Action::Deny, Action::Warn));
    assert!(deny.why[1].contains(&names[1]) && warn.why[0].contains(&names[0]));
    let rebind = "rebind-to=camunda/camunda-camunda-platform-optimize-data";
    assert!(
        commands(deny).iter().any(|it| it.ends_with(rebind)),
        "{deny:#?}"
    );
    let (refusing, findings) = with("Retain");
    assert_eq!(refusing, [""; 0]);
    assert_eq!(findings.len(), 1, "{findings:#?}");
}

#[test]
fn web_modelers_misspelt_claim_goes_with_a_word() {
    let Some(corpus) = Corpus::find() else { return };
    let (from, to) = (
        "13.1.0-web-modeler-persistence",
        "13.12.7-web-modeler-persistence",
    );
    let name = "camunda-camunda-platform-webmodeler-data";
    let upgrade = live(Upgrade::between(&corpus, from, to), name, "Delete");
    assert!(!upgrade.refusing().contains(&RULE), "{}", upgrade.refusal());
    let findings = upgrade.findings();
    let warned = findings
        .iter()
        .find(|finding| finding.rule.name() == RULE)
        .unwrap();
    assert!(warned.why[0].contains("No workload of the release mounts"));
}

/// `plan` and `scan` judge what the lines' data foretell.
#[test]
fn optimizes_claims_are_foretold() {
    let Some(corpus) = Corpus::find() else { return };
    let names =
        ["tmp", "camunda"].map(|end| format!("camunda-camunda-platform-optimize-data-{end}"));
    let foretold = |from: &str| {
        let upgrade = Upgrade::between(&corpus, from, "14.0.0-optimize-persistence");
        let upgrade = names
            .iter()
            .fold(upgrade, |it, name| live(it, name, "Delete"));
        let release: Release = serde_json::from_value(upgrade.running.clone()).unwrap();
        let rendered = Rendered::of(&release, None);
        let values = rendered.values.clone();
        let standing = InstalledRelease::of("camunda", "camunda", rendered).unwrap();
        let forecast = standing
            .upgraded(&ChartVersion::new("14.0.0"), &values)
            .unwrap();
        let mut findings = rules::judge(&forecast.change, &upgrade.facts);
        findings.retain(|finding| finding.rule.name() == RULE);
        findings
    };
    let findings = foretold("13.12.7-optimize-persistence");
    let [deny, warn] = &findings[..] else {
        panic!("{findings:#?}")
    };
    assert!(deny.why[1].contains(&names[1]) && warn.why[0].contains(&names[0]));
    let place = "claim camunda-camunda-platform-optimize-data takes its place";
    assert!(deny.why[1].contains(place), "{deny:#?}");
    assert_eq!(foretold("13.12.7-identity"), []);
}
