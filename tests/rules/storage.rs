//! Rules on claims and volumes: what is deleted, handed over, cloned, relabelled.

use camunda_upgrade_guard::{
    change::Operation,
    finding::{Action, Finding},
};
use serde_json::json;

use crate::scene::{Scene, claim, commands, rules, statefulset};

const ELASTIC: &str = "chart: elasticsearch, release: camunda, app: elasticsearch-master";
const UNLABELLED: &str = "app: elasticsearch-master";
const BITNAMI: &str = "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda, app.kubernetes.io/component: master";
const OLD: &str = "elasticsearch-master-elasticsearch-master-0";
const NEW: &str = "data-camunda-elasticsearch-master-0";

fn retained(name: &str, labels: &str) -> String {
    claim(name, "Bound", labels).replace("Policy: Delete", "Policy: Retain")
}

fn annotated(document: &str, uid: &str) -> String {
    let annotation = format!("{{annotations: {{camunda-upgrade-guard/allow-deletion: {uid}}}, ");
    document.replacen("{name", &(annotation + "name"), 1)
}

fn elastic(replicas: u32) -> String {
    statefulset(
        "elasticsearch-master",
        "elasticsearch-master",
        ELASTIC,
        replicas,
    )
}

fn bitnami() -> String {
    statefulset("camunda-elasticsearch-master", "data", BITNAMI, 1)
}

/// The deletion of the first document of these, over what is live.
fn deletion(document: &str, live: &str) -> Vec<Finding> {
    let scene = Scene::upgrade("8.2.34", "8.2.34").known();
    let scene = scene.live(&elastic(1)).live(live).live(document);
    scene.planned(document).object_findings(Operation::Delete)
}

#[test]
fn a_claim_with_data_is_not_deleted() {
    let document = claim(OLD, "Bound", ELASTIC);
    let findings = deletion(&document, "");
    assert_eq!(rules(&findings), ["claim-deleted"]);
    assert_eq!(
        commands(&findings[0]),
        [
            r#"kubectl patch pv volume-elasticsearch-master-elasticsearch-master-0 -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'"#,
            "# kubectl -n prod annotate pvc elasticsearch-master-elasticsearch-master-0 camunda-upgrade-guard/allow-deletion=uid-elasticsearch-master-elasticsearch-master-0",
        ]
    );
    // Known only by what mounts it, as up to 8.0.12.
    assert_eq!(
        rules(&deletion(&claim(OLD, "Bound", UNLABELLED), "")),
        ["claim-deleted"]
    );
    assert_eq!(
        rules(&deletion(&annotated(&document, "of-another"), "")),
        ["claim-deleted"]
    );
}

#[test]
fn what_loses_nothing_may_be_deleted() {
    let bound = claim(OLD, "Bound", ELASTIC);
    for document in [
        claim(OLD, "Lost", ELASTIC),
        claim(OLD, "Pending", ELASTIC),
        retained(OLD, ELASTIC),
        annotated(&bound, &format!("uid-{OLD}")),
        claim("data-other-0", "Bound", "app: other"),
    ] {
        assert!(deletion(&document, "").is_empty(), "{document}");
    }
    let going =
        "kind: Namespace\nmetadata: {name: prod, deletionTimestamp: '2026-01-01T00:00:00Z'}";
    assert!(deletion(&bound, going).is_empty());
    let foreign = Scene::upgrade("8.2.34", "8.2.34").live(&bound);
    assert!(
        foreign
            .planned(&bound)
            .object_findings(Operation::Delete)
            .is_empty()
    );
}

#[test]
fn a_volume_goes_as_little_as_its_claim() {
    let both =
        claim(OLD, "Bound", ELASTIC).replace("{name: volume", "{uid: uid-volume, name: volume");
    let (claim, volume) = both.split_once("---\n").unwrap();
    let findings = deletion(volume, claim);
    assert_eq!(rules(&findings), ["claim-deleted"]);
    let command = commands(&findings[0]).pop().unwrap();
    assert_eq!(
        command,
        format!(
            "# kubectl annotate pv volume-{OLD} camunda-upgrade-guard/allow-deletion=uid-volume"
        )
    );
    let given_up = volume.replacen(
        "{uid",
        "{annotations: {camunda-upgrade-guard/allow-deletion: uid-volume}, uid",
        1,
    );
    assert!(deletion(&given_up, claim).is_empty());
    assert!(deletion(volume, &annotated(claim, &format!("uid-{OLD}"))).is_empty());
    assert!(deletion(&volume.replace("Delete", "Retain"), claim).is_empty());
    assert!(deletion(volume, &claim.replace("Bound", "Lost")).is_empty());
}

fn policy(document: &str, policy: &str) -> String {
    document.replace(
        "  replicas:",
        &format!("  persistentVolumeClaimRetentionPolicy: {{{policy}}}\n  replicas:"),
    )
}

#[test]
fn claims_are_not_tied_to_their_statefulset() {
    const RULE: &str = "claim-retention-policy";
    let scene = |from: &str, to: &str| {
        Scene::upgrade("12.13.3", "12.13.3")
            .running(&policy(&bitnami(), from))
            .planned(&policy(&bitnami(), to))
            .live(&claim(NEW, "Bound", BITNAMI))
    };
    for switched in ["whenDeleted: Delete", "whenScaled: Delete"] {
        scene("", switched).refused(RULE);
        let update = scene("whenDeleted: Retain", switched);
        assert_eq!(rules(&update.object_findings(Operation::Update)), [RULE]);
        scene(switched, switched).passes();
        assert!(
            scene(switched, switched)
                .object_findings(Operation::Update)
                .is_empty()
        );
        // Nothing to lose yet.
        scene("", switched)
            .live(&claim(NEW, "Pending", BITNAMI))
            .passes();
    }
    scene(
        "whenDeleted: Delete",
        "whenDeleted: Retain, whenScaled: Retain",
    )
    .passes();
    let values = json!({"elasticsearch": {"master": {"persistentVolumeClaimRetentionPolicy":
        {"enabled": true, "whenDeleted": "Delete"}}}});
    let finding = scene("", "whenDeleted: Delete")
        .values(json!({}), values)
        .refused(RULE);
    assert_eq!(
        commands(&finding),
        ["--set elasticsearch.master.persistentVolumeClaimRetentionPolicy.whenDeleted=Retain"]
    );
}

fn handed_over(policy: &str) -> String {
    format!(
        "kind: PersistentVolume\nmetadata: {{name: volume-{OLD}}}\nspec: {{persistentVolumeReclaimPolicy: {policy}, \
         claimRef: {{namespace: prod, name: {NEW}}}}}"
    )
}

#[test]
fn a_volume_that_changes_hands_is_retained() {
    let scene = Scene::upgrade("8.2.34", "8.3.1")
        .running(&elastic(1))
        .planned(&bitnami())
        .live(&claim(OLD, "Bound", ELASTIC));
    let finding = scene
        .clone()
        .live(&handed_over("Delete"))
        .refused("volume-not-retained");
    let volume = format!("volume-{OLD}");
    assert_eq!(
        commands(&finding),
        [
            format!(
                r#"kubectl patch pv {volume} -p '{{"spec":{{"persistentVolumeReclaimPolicy":"Retain"}}}}'"#
            ),
            format!(
                "kubectl get pv {volume} -o 'custom-columns=NAME:.metadata.name,POLICY:.spec.persistentVolumeReclaimPolicy'"
            ),
        ]
    );
    scene.live(&handed_over("Retain")).passes();
}

#[test]
fn volumes_that_go_with_a_removed_statefulset_are_retained() {
    let left = |name: &str| {
        claim(name, "Bound", BITNAMI).replacen(
            "{name",
            &format!("{{annotations: {{camunda-upgrade-guard/allow-orphan: uid-{name}}}, name"),
            1,
        )
    };
    let scene = |when: &str| {
        Scene::upgrade("13.12.7", "14.8.4")
            .running(&policy(&bitnami(), &format!("whenDeleted: {when}")))
    };
    scene("Delete")
        .live(&left(NEW))
        .refused("volume-not-retained");
    scene("Retain").live(&left(NEW)).leaves_on_purpose(NEW);
    scene("Delete")
        .live(&left(NEW).replace("Policy: Delete", "Policy: Retain"))
        .leaves_on_purpose(NEW);
    // Whether to give it up at all comes first.
    scene("Delete")
        .live(&claim(NEW, "Bound", BITNAMI))
        .refused("claims-orphaned");
}

#[test]
fn claims_that_take_over_data_are_as_large() {
    let scene = |size: &str, to: &str| {
        Scene::upgrade("8.2.34", "8.3.1")
            .running(&elastic(1).replace("storage: 1Gi", &format!("storage: {size}")))
            .planned(&bitnami().replace("storage: 1Gi", &format!("storage: {to}")))
            .live(&claim(OLD, "Bound", ELASTIC).replace("storage: 1Gi", "storage: 200Gi"))
    };
    let values = json!({"elasticsearch": {"volumeClaimTemplate": {"resources": {"requests": {"storage": "200Gi"}}}}});
    let findings = scene("200Gi", "64Gi")
        .values(values.clone(), values)
        .particular();
    assert_eq!(
        rules(&findings),
        [
            "elasticsearch-claims-orphaned",
            "storage-shrunk",
            "elasticsearch-values-8.3"
        ]
    );
    assert_eq!(
        commands(&findings[1]),
        ["--set elasticsearch.master.persistence.size=200Gi"]
    );
    assert!(
        findings[1].why[2].contains("volumeClaimTemplate.resources.requests.storage to 200Gi"),
        "{:?}",
        findings[1].why
    );
    // As much as the template always asked for; somebody expanded the volume, and its copy would be too small.
    let findings = scene("64Gi", "65536Mi").particular();
    assert_eq!(
        rules(&findings),
        ["elasticsearch-claims-orphaned", "storage-shrunk"]
    );
    assert_eq!(
        commands(&findings[1]),
        ["--set elasticsearch.master.persistence.size=200Gi"]
    );
    scene("64Gi", "200Gi").refused("elasticsearch-claims-orphaned");
    scene("64Gi", "300Gi").refused("elasticsearch-claims-orphaned");
    // Handed over: the volume keeps its size.
    let with_size = |size: &str| {
        let volume = handed_over("Retain");
        volume.replace(
            "spec: {",
            &format!("spec: {{capacity: {{storage: {size}}}, "),
        )
    };
    scene("200Gi", "64Gi").live(&with_size("64Gi")).passes();
    let findings = scene("200Gi", "64Gi")
        .live(&with_size("200Gi"))
        .particular();
    assert_eq!(rules(&findings), ["storage-shrunk"]);
    assert_eq!(findings[0].action, Action::Warn);
    assert_eq!(
        findings[0].why[1],
        format!("  {NEW} asks for 64Gi and will have the 200Gi of volume volume-{OLD}")
    );
    // One claim of which nobody knows the size keeps nothing from being said of the others.
    let second = OLD.replace("-0", "-1");
    let unknown = claim(OLD, "Bound", ELASTIC).replace("capacity: {storage: 1Gi}, ", "");
    let large = claim(&second, "Bound", ELASTIC).replace("storage: 1Gi", "storage: 200Gi");
    let two = |document: String| document.replace("replicas: 1", "replicas: 2");
    let finding = Scene::upgrade("8.2.34", "8.3.1")
        .running(&two(elastic(1)))
        .planned(&two(bitnami()))
        .live(&unknown)
        .live(&large)
        .one("storage-shrunk");
    assert!(finding.why[1].contains(&second), "{finding:#?}");
    // A claim that is there has its size already.
    let there = claim(NEW, "Bound", BITNAMI);
    scene("200Gi", "64Gi").live(&there).passes();
    // The same claims, expanded by hand.
    Scene::upgrade("9.3.7", "9.7.0")
        .running(&bitnami())
        .planned(&bitnami())
        .live(&claim(NEW, "Bound", BITNAMI).replace("storage: 1Gi", "storage: 9Gi"))
        .passes();
}

/// The chart of 8.0.13 gives the claims labels.
fn labelled_template() -> String {
    elastic(1).replace(
        "{name: elasticsearch-master}\n    spec",
        &format!("{{name: elasticsearch-master, labels: {{{ELASTIC}}}}}\n    spec"),
    )
}

#[test]
fn claims_get_the_labels_of_the_new_elasticsearch() {
    const RULE: &str = "elasticsearch-claim-labels";
    let scene = || Scene::upgrade("8.0.12", "8.1.27").planned(&labelled_template());
    let finding = scene()
        .running(&elastic(1))
        .live(&claim(OLD, "Bound", UNLABELLED))
        .refused(RULE);
    let retain = format!(
        r#"kubectl patch pv volume-{OLD} -p '{{"spec":{{"persistentVolumeReclaimPolicy":"Retain"}}}}'"#
    );
    let label = format!(
        "kubectl -n prod label pvc {OLD} app=elasticsearch-master chart=elasticsearch release=camunda --overwrite"
    );
    assert_eq!(
        commands(&finding),
        [
            retain.as_str(),
            &label,
            "kubectl -n prod delete statefulset elasticsearch-master --cascade=orphan --ignore-not-found",
        ]
    );
    // Deleted already: the labels are still missing.
    let finding = scene()
        .deleted(&elastic(1))
        .live(&claim(OLD, "Bound", UNLABELLED))
        .refused(RULE);
    assert_eq!(commands(&finding), [retain.as_str(), &label]);
    // Labelled and retained: what is left is the StatefulSet, and then nothing.
    scene()
        .running(&elastic(1))
        .live(&retained(OLD, ELASTIC))
        .refused("immutable-field-changed");
    scene()
        .deleted(&elastic(1))
        .live(&retained(OLD, ELASTIC))
        .passes();
    scene()
        .deleted(&elastic(1))
        .live(&claim(OLD, "Bound", ELASTIC))
        .refused("volume-not-retained");
    scene()
        .deleted(&elastic(1))
        .live(&claim(OLD, "Pending", UNLABELLED))
        .passes();
    // From 8.0.13 on nobody asks again.
    Scene::upgrade("8.0.13", "8.1.27")
        .running(&labelled_template())
        .planned(&labelled_template())
        .live(&claim(OLD, "Bound", UNLABELLED))
        .passes();
}

const POD: &str = "kind: Pod\nmetadata: {name: elasticsearch-master-0}\n\
    spec: {volumes: [{persistentVolumeClaim: {claimName: elasticsearch-master-elasticsearch-master-0}}]}";

/// A volume's claimRef, edited by hand.
fn repointed(to: &str, policy: &str, live: &str) -> Vec<Finding> {
    let volume = |claim_ref: &str| {
        format!(
            "kind: PersistentVolume\nmetadata: {{name: volume-{OLD}}}\nspec: {{persistentVolumeReclaimPolicy: {policy}, claimRef: {claim_ref}}}"
        )
    };
    let old = format!("{{namespace: prod, name: {OLD}, uid: uid-{OLD}}}");
    Scene::upgrade("8.2.34", "8.2.34")
        .known()
        .live(&claim(OLD, "Bound", ELASTIC))
        .live(&volume(&old))
        .live(live)
        .planned(&volume(to))
        .object_findings(Operation::Update)
}

#[test]
fn a_volume_is_handed_over_by_hand_only_when_that_loses_nothing() {
    const RULE: &str = "volume-rebind-while-running";
    let to = format!("{{namespace: prod, name: {NEW}}}");
    let with_uid = |uid: &str| format!("{{namespace: prod, name: {NEW}, uid: {uid}}}");
    assert!(repointed(&to, "Retain", "").is_empty());
    let findings = repointed(&to, "Retain", POD);
    assert_eq!(rules(&findings), [RULE]);
    assert_eq!(
        commands(&findings[0]),
        [
            "kubectl -n prod scale statefulset elasticsearch-master --replicas=0",
            "kubectl -n prod wait --for=delete pod elasticsearch-master-0 --timeout=5m",
        ]
    );
    assert_eq!(rules(&repointed("null", "Retain", POD)), [RULE]);
    for (claim_ref, policy) in [
        (to.clone(), "Delete"),
        (with_uid(&format!("uid-{OLD}")), "Retain"),
        (with_uid(&format!("uid-{OLD}")), "Delete"),
        (
            format!("{{namespace: prod, name: {NEW}, resourceVersion: '7'}}"),
            "Retain",
        ),
    ] {
        let findings = repointed(&claim_ref, policy, "");
        assert_eq!(rules(&findings), [RULE], "{claim_ref} {policy}");
        assert_eq!(
            commands(&findings[0]),
            [format!(
                "kubectl annotate pv volume-{OLD} camunda-upgrade-guard/rebind-to=prod/{NEW}"
            )]
        );
    }
    // The new claim's own uid.
    let there = claim(NEW, "Pending", BITNAMI);
    assert!(repointed(&with_uid(&format!("uid-{NEW}")), "Retain", &there).is_empty());
    // The binder writes the uid; the claim stays the same.
    let same = format!("{{namespace: prod, name: {OLD}, uid: other}}");
    assert!(repointed(&same, "Delete", POD).is_empty());
    assert!(repointed("null", "Retain", "").is_empty());
}

fn cloned(name: &str, source: &str, replicas: u32, live: &str) -> Vec<Finding> {
    let clone = format!(
        "kind: PersistentVolumeClaim\nmetadata: {{name: {name}}}\nspec: {{dataSource: {{kind: PersistentVolumeClaim, name: {source}}}}}"
    );
    Scene::upgrade("8.2.34", "8.2.34")
        .known()
        .live(&elastic(replicas))
        .live(&claim(OLD, "Bound", ELASTIC))
        .live(&claim("data-other-0", "Bound", "app: other"))
        .live(live)
        .planned(&clone)
        .object_findings(Operation::Create)
}

#[test]
fn elasticsearch_is_not_cloned_while_it_writes() {
    const RULE: &str = "elasticsearch-clone-while-running";
    let findings = cloned(NEW, OLD, 2, "");
    assert_eq!(rules(&findings), [RULE]);
    assert_eq!(
        commands(&findings[0]),
        [
            "kubectl -n prod scale statefulset elasticsearch-master --replicas=0",
            "kubectl -n prod wait --for=delete pod elasticsearch-master-0 elasticsearch-master-1 --timeout=5m",
        ]
    );
    // Scaled, and its pod is still about to go.
    assert_eq!(rules(&cloned(NEW, OLD, 0, POD)), [RULE]);
    assert!(cloned(NEW, OLD, 0, "").is_empty());
    // A backup, another ordinal, somebody else's claim.
    assert!(cloned("backup-elasticsearch-0", OLD, 2, "").is_empty());
    assert!(cloned("data-camunda-elasticsearch-master-1", OLD, 2, "").is_empty());
    assert!(cloned(NEW, "data-other-0", 2, "").is_empty());
}
