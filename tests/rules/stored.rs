//! Where data is before a change and after it.

use camunda_upgrade_guard::{
    report::Report,
    rules,
    storage::{Fate, Storage, Way},
};

use crate::scene::{Scene, claim, statefulset};

const LABELS: &str = "app.kubernetes.io/component: elasticsearch-master";
const CLAIMS: [&str; 2] = ["data-camunda-es-0", "data-camunda-es-1"];

fn stored(scene: &Scene) -> Storage {
    let (change, facts) = scene.judged();
    Storage::of(&change, &facts)
}

fn set(name: &str, replicas: u32) -> String {
    statefulset(name, "data", LABELS, replicas)
}

/// Two nodes of Elasticsearch that run, with their claims.
fn running() -> Scene {
    let scene = Scene::upgrade("8.3.1", "8.3.2").running(&set("camunda-es", 2));
    CLAIMS
        .iter()
        .fold(scene, |scene, name| scene.live(&claim(name, "Bound", "")))
}

/// One way, as `WORKLOAD/CLAIM`.
fn told(way: Option<&Way>) -> String {
    let Some(way) = way else {
        return "-".to_owned();
    };
    let workload = way.workload.as_ref().map_or("-", |it| it.name.as_str());
    format!("{workload}/{}", way.claim)
}

/// Each store in a line: before, volume, after, fate.
fn lines(scene: &Scene) -> Vec<String> {
    let stores = stored(scene).stores;
    let lines = stores.iter().map(|store| {
        let volume = store.volume.as_ref().map_or("-", |it| it.name.as_str());
        let (before, after) = (told(store.before.as_ref()), told(store.after.as_ref()));
        format!("{before} {volume} {after} {:?}", store.fate)
    });
    lines.collect()
}

#[test]
fn what_stays_mounted_is_kept() {
    let scene = running().planned(&set("camunda-es", 2));
    assert_eq!(
        lines(&scene),
        [
            "camunda-es/data-camunda-es-0 volume-data-camunda-es-0 camunda-es/data-camunda-es-0 Kept",
            "camunda-es/data-camunda-es-1 volume-data-camunda-es-1 camunda-es/data-camunda-es-1 Kept",
        ]
    );
    let store = &stored(&scene).stores[0];
    let volume = store.volume.as_ref().unwrap();
    assert_eq!(volume.size.as_deref(), Some("1Gi"));
    assert_eq!(volume.retained, Some(false));
    assert_eq!(
        store.before.as_ref().unwrap().phase.as_deref(),
        Some("Bound")
    );
}

#[test]
fn another_name_leaves_data_behind_and_starts_empty() {
    assert_eq!(
        lines(&running().planned(&set("camunda-search", 1))),
        [
            "camunda-es/data-camunda-es-0 volume-data-camunda-es-0 -/data-camunda-es-0 LeftBehind",
            "camunda-es/data-camunda-es-1 volume-data-camunda-es-1 -/data-camunda-es-1 LeftBehind",
            "- - camunda-search/data-camunda-search-0 New",
        ]
    );
}

#[test]
fn a_volume_that_waits_for_the_new_claim_is_handed_over() {
    let waiting = "kind: PersistentVolume
metadata: {name: volume-data-camunda-es-0}
spec: {claimRef: {namespace: prod, name: data-camunda-search-0}}";
    let scene = running().planned(&set("camunda-search", 1)).live(waiting);
    assert_eq!(
        lines(&scene)[0],
        "camunda-es/data-camunda-es-0 volume-data-camunda-es-0 camunda-search/data-camunda-search-0 HandedOver"
    );
    assert_eq!(lines(&scene).len(), 2);
}

#[test]
fn fewer_pods_leave_the_last_claims_and_more_take_them_up() {
    let fewer = lines(&running().planned(&set("camunda-es", 1)));
    assert!(
        fewer[0].ends_with("camunda-es/data-camunda-es-0 Kept"),
        "{fewer:?}"
    );
    assert!(
        fewer[1].ends_with("-/data-camunda-es-1 LeftBehind"),
        "{fewer:?}"
    );
    let more = Scene::upgrade("8.3.1", "8.3.2")
        .running(&set("camunda-es", 1))
        .live(&claim(CLAIMS[0], "Bound", ""))
        .live(&claim(CLAIMS[1], "Bound", ""))
        .planned(&set("camunda-es", 3));
    let fates: Vec<_> = stored(&more)
        .stores
        .iter()
        .map(|store| store.fate)
        .collect();
    assert_eq!(fates, [Fate::Kept, Fate::TakenUp, Fate::New]);
}

/// What the StatefulSet is to have counts less than what it has.
#[test]
fn somebody_may_have_scaled_since() {
    let scene = running()
        .live(&set("camunda-es", 1))
        .planned(&set("camunda-es", 1));
    let fates: Vec<_> = stored(&scene)
        .stores
        .iter()
        .map(|store| store.fate)
        .collect();
    assert_eq!(fates, [Fate::Kept, Fate::Unused]);
}

#[test]
fn what_somebody_gives_up_is_told_apart() {
    let given_up = claim(CLAIMS[0], "Bound", "").replacen(
        "labels:",
        "annotations: {camunda-upgrade-guard/allow-orphan: uid-data-camunda-es-0}, labels:",
        1,
    );
    let scene = running().live(&given_up).planned(&set("camunda-es", 0));
    let fates: Vec<_> = stored(&scene)
        .stores
        .iter()
        .map(|store| store.fate)
        .collect();
    assert_eq!(fates, [Fate::GivenUp, Fate::LeftBehind]);
}

#[test]
fn a_statefulset_may_take_its_claims_along_or_be_left_alone() {
    let deleting = set("camunda-es", 2).replace(
        "spec:\n  replicas",
        "spec:\n  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}\n  replicas",
    );
    let scene = running().live(&deleting);
    assert!(
        lines(&scene)
            .iter()
            .all(|line| line.ends_with(" - ClaimDeleted")),
        "{:?}",
        lines(&scene)
    );
    let kept = set("camunda-es", 2).replacen(
        "labels:",
        "annotations: {helm.sh/resource-policy: keep}\n  labels:",
        1,
    );
    let fates: Vec<_> = stored(&running().live(&kept))
        .stores
        .iter()
        .map(|store| store.fate)
        .collect();
    assert_eq!(fates, [Fate::Kept; 2]);
}

#[test]
fn claims_of_a_manifest_go_with_it() {
    let own = "apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: reports}
spec: {volumeName: disk}
status: {phase: Bound}";
    let mounting = "apiVersion: apps/v1
kind: Deployment
metadata: {name: camunda-reports}
spec: {template: {spec: {volumes: [{name: a, persistentVolumeClaim: {claimName: reports}}], containers: [{name: c, image: x}]}}}";
    let before = Scene::upgrade("8.3.1", "8.3.2")
        .running(own)
        .running(mounting);
    assert_eq!(
        lines(&before),
        ["camunda-reports/reports disk - ClaimDeleted"]
    );
    let kept = before.planned(own).planned(mounting);
    assert_eq!(
        lines(&kept),
        ["camunda-reports/reports disk camunda-reports/reports Kept"]
    );
}

#[test]
fn an_install_may_find_what_another_release_left() {
    let scene = Scene::install("8.3.1")
        .live(&claim(CLAIMS[0], "Bound", ""))
        .live(&claim("data-of-others-0", "Bound", ""))
        .planned(&set("camunda-es", 2));
    assert_eq!(
        lines(&scene),
        [
            "-/data-camunda-es-0 volume-data-camunda-es-0 camunda-es/data-camunda-es-0 TakenUp",
            "- - camunda-es/data-camunda-es-1 New",
        ]
    );
}

#[test]
fn a_claim_of_the_release_that_nothing_mounts_is_seen() {
    let label = "app.kubernetes.io/instance: camunda";
    let scene = Scene::upgrade("8.3.1", "8.3.2").live(&claim("old-0", "Lost", label));
    assert_eq!(lines(&scene), ["-/old-0 volume-old-0 -/old-0 Unused"]);
}

/// Two Camundas of one release: what the one does not mount the other may.
#[test]
fn parts_of_a_release_are_put_together() {
    let label = "app.kubernetes.io/instance: camunda";
    let first = Scene::upgrade("8.3.1", "8.3.2")
        .running(&set("a", 1))
        .planned(&set("a", 1))
        .live(&claim("data-a-0", "Bound", label))
        .live(&claim("data-b-0", "Bound", label));
    let second = first.clone().replanned(&set("b", 1));
    let mut both = stored(&first);
    assert_eq!(
        both.stores
            .iter()
            .filter(|it| it.fate == Fate::Unused)
            .count(),
        1
    );
    both.extend(stored(&second));
    let found = both
        .stores
        .iter()
        .find(|store| told(store.before.as_ref()) == "-/data-b-0");
    assert_eq!(found.unwrap().fate, Fate::TakenUp);
    assert_eq!(both.stores.len(), 2);
}

#[test]
fn claims_that_may_not_be_listed_are_said_to_be_unseen() {
    use camunda_upgrade_guard::{change::Wanted, kubernetes::Kind};
    let (change, mut facts) = running().planned(&set("camunda-es", 2)).judged();
    assert!(!Storage::of(&change, &facts).unseen);
    facts.insert_gap(
        Wanted::All(Kind::PersistentVolumeClaim, "prod".to_owned()),
        "forbidden",
    );
    assert!(Storage::of(&change, &facts).unseen);
}

/// What the guard prints against claims that are left behind, done.
#[test]
fn what_a_cure_does_is_seen_afterwards() {
    let label = "app.kubernetes.io/instance: camunda";
    let scene = running().planned(&set("camunda-search", 2));
    let live = |scene: Scene, name: &&str| scene.live(&claim(name, "Bound", label));
    let (change, facts) = CLAIMS.iter().fold(scene, live).judged();
    let report = Report::new(change.clone(), rules::judge(&change, &facts), "");
    let report = report.with_storage([(&change, &facts)]);
    let fates = |storage: &Storage| storage.stores.iter().map(|it| it.fate).collect::<Vec<_>>();
    let (lost, new) = (Fate::LeftBehind, Fate::New);
    assert_eq!(fates(&report.storage), [lost, lost, new, new]);
    assert_eq!(fates(&report.cured), [Fate::HandedOver; 2]);
    let before = told(report.cured.stores[0].before.as_ref());
    assert_eq!(before, "camunda-es/data-camunda-es-0");
}
