use serde_json::{Value, json};

use super::{Plan, Scene, new_claim, new_ordinal, over, relabel, successor, undo};
use crate::{
    knowledge::claims::old_claim,
    kubernetes::{Kind, Object},
};

const SET: &str = "elasticsearch-master";
const NEW_SET: &str = "camunda-elasticsearch-master";
const OLD: [&str; 2] = [
    "elasticsearch-master-elasticsearch-master-0",
    "elasticsearch-master-elasticsearch-master-1",
];
const NEW: [&str; 2] = [
    "data-camunda-elasticsearch-master-0",
    "data-camunda-elasticsearch-master-1",
];
const LABELS: [(&str, &str); 3] = [
    ("release", "camunda"),
    ("chart", "elasticsearch"),
    ("app", SET),
];

fn scene() -> Scene {
    let mut scene = Scene {
        namespace: "prod".to_owned(),
        ..Scene::default()
    };
    scene.facts.insert_release("prod", "camunda");
    scene.releases.insert("camunda".to_owned());
    scene
}

fn put(scene: &mut Scene, kind: Kind, value: Value) {
    scene.facts.insert(kind, Object(value).into());
}

fn claim(scene: &mut Scene, name: &str, labels: &[(&str, &str)], volume: &str) {
    let labels: Value = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let claim = json!({
        "metadata": {"name": name, "namespace": "prod", "uid": format!("uid-{name}"), "labels": labels},
        "spec": {"volumeName": volume}, "status": {"phase": "Bound"},
    });
    put(scene, Kind::PersistentVolumeClaim, claim);
}

fn volume(scene: &mut Scene, name: &str, policy: &str, claim: &str, uid: Option<&str>) {
    let volume = json!({
        "metadata": {"name": name},
        "spec": {"persistentVolumeReclaimPolicy": policy, "capacity": {"storage": "64Gi"},
            "claimRef": {"namespace": "prod", "name": claim, "uid": uid}},
    });
    put(scene, Kind::PersistentVolume, volume);
}

fn statefulset(scene: &mut Scene, replicas: u64, template: &Value, retention: Option<&str>) {
    let set = json!({
        "metadata": {"name": SET, "namespace": "prod", "uid": "set", "labels": {"release": "camunda", "chart": "elasticsearch"}},
        "spec": {"replicas": replicas, "persistentVolumeClaimRetentionPolicy": {"whenScaled": retention},
            "volumeClaimTemplates": [{"metadata": {"name": SET, "labels": template}}]},
    });
    put(scene, Kind::StatefulSet, set);
}

/// 8.2 as it runs.
fn running() -> Scene {
    let mut scene = scene();
    for (name, on) in OLD.into_iter().zip(["pv-0", "pv-1"]) {
        claim(&mut scene, name, &LABELS, on);
        volume(&mut scene, on, "Delete", name, Some(&format!("uid-{name}")));
    }
    statefulset(&mut scene, 2, &json!({"release": "camunda"}), None);
    scene
}

fn pod(scene: &mut Scene, claim: &str) {
    let pod = json!({"metadata": {"name": "elasticsearch-master-0", "namespace": "prod"},
        "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": claim}}]}});
    scene.pods.insert(Kind::Pod, Object(pod).into());
}

fn steps(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

fn rebinding(scene: &Scene) -> Vec<String> {
    steps(&over::plan(scene, "camunda", NEW_SET).unwrap())
}

#[track_caller]
fn refuses(scene: &Scene, because: &str) {
    let against = over::plan(scene, "camunda", NEW_SET).unwrap_err();
    let text = against.to_string();
    assert!(text.contains(because), "{text}");
}

#[test]
fn volumes_are_retained_before_anything_stops_and_move_when_all_has() {
    let mut scene = running();
    pod(&mut scene, OLD[0]);
    let expected = [
        "volume pv-0: reclaim policy Retain in place of Delete".to_owned(),
        "volume pv-1: reclaim policy Retain in place of Delete".to_owned(),
        "StatefulSet elasticsearch-master: from 2 to 0 pods; Elasticsearch is down from here on"
            .to_owned(),
        format!("wait until no pod uses {}, {}", OLD[0], OLD[1]),
        format!("volume pv-0: from claim {} to {}", OLD[0], NEW[0]),
        format!("volume pv-1: from claim {} to {}", OLD[1], NEW[1]),
    ];
    assert_eq!(rebinding(&scene), expected);

    // What is done is not done again.
    statefulset(&mut scene, 0, &json!({}), None);
    volume(&mut scene, "pv-0", "Retain", NEW[0], None);
    let left = [
        expected[1].clone(),
        format!("wait until no pod uses {}", OLD[1]),
        expected[5].clone(),
    ];
    pod(&mut scene, OLD[1]);
    assert_eq!(rebinding(&scene), left);
    volume(&mut scene, "pv-1", "Retain", NEW[1], None);
    assert_eq!(rebinding(&scene), [""; 0]);
}

#[test]
fn a_statefulset_that_takes_its_claims_along_is_told_not_to_before_it_is_stopped() {
    let mut scene = running();
    statefulset(&mut scene, 2, &json!({}), Some("Delete"));
    let mut owned = scene
        .facts
        .named(Kind::PersistentVolumeClaim, "prod", OLD[1])
        .unwrap()
        .clone();
    owned.0["metadata"]["ownerReferences"] = json!([{"kind": "StatefulSet", "name": SET}]);
    put(&mut scene, Kind::PersistentVolumeClaim, owned.0);
    let steps = rebinding(&scene);
    assert!(steps[2].contains("its claims stay"), "{steps:#?}");
    assert!(
        steps[3].starts_with(&format!("claim {}: no owner", OLD[1])),
        "{steps:#?}"
    );
    assert!(steps[4].contains("from 2 to 0"), "{steps:#?}");
}

#[test]
fn what_would_lose_or_mix_data_is_refused() {
    let mut taken = running();
    claim(&mut taken, NEW[0], &[], "pv-9");
    refuses(&taken, "exists already and is on volume pv-9");

    let mut waiting = running();
    volume(&mut waiting, "pv-9", "Retain", NEW[1], None);
    refuses(&waiting, "volume pv-9 waits for that");

    let mut mismatch = running();
    volume(&mut mismatch, "pv-0", "Retain", NEW[1], None);
    refuses(&mismatch, "volume pv-0 waits for that");
    refuses(
        &mismatch,
        &format!("of claim {} is {}'s by now", OLD[0], NEW[1]),
    );

    let mut elsewhere = running();
    let foreign = json!({"metadata": {"name": "pv-0"}, "spec": {"claimRef": {"namespace": "dev", "name": OLD[0]}}});
    put(&mut elsewhere, Kind::PersistentVolume, foreign);
    refuses(&elsewhere, "is another namespace's by now");

    let mut earlier = running();
    volume(&mut earlier, "pv-0", "Retain", OLD[0], Some("earlier"));
    refuses(&earlier, "belongs to an earlier claim");

    let mut gone = running();
    volume(&mut gone, "pv-0", "Retain", NEW[0], Some("gone"));
    refuses(&gone, "which is gone");

    let mut alone = running();
    alone.facts = {
        let mut facts = scene().facts;
        for kind in [Kind::PersistentVolumeClaim, Kind::PersistentVolume] {
            for object in alone.facts.of_kind(kind) {
                facts.insert(kind, object.clone().into());
            }
        }
        facts
    };
    pod(&mut alone, OLD[0]);
    refuses(&alone, "kubectl -n prod delete pod elasticsearch-master-0");
}

#[test]
fn claims_without_a_volume_are_left_out() {
    let mut scene = running();
    claim(&mut scene, OLD[0], &LABELS, "");
    claim(&mut scene, OLD[1], &LABELS, "pv-gone");
    let plan = over::plan(&scene, "camunda", NEW_SET).unwrap();
    assert_eq!(plan.steps, []);
    assert_eq!(plan.notes.len(), 2, "{plan}");
}

#[test]
fn undo_goes_back_unless_the_new_claim_had_the_volume() {
    let mut scene = running();
    volume(&mut scene, "pv-0", "Retain", NEW[0], None);
    let plan = undo::plan(&scene, "camunda", NEW_SET).unwrap();
    let expected = [
        format!("volume pv-0: back from claim {} to {}", NEW[0], OLD[0]),
        format!("wait until claim {} is Bound to volume pv-0", OLD[0]),
    ];
    assert_eq!(steps(&plan), expected);
    assert_eq!(plan.statefulset, SET);

    volume(&mut scene, "pv-0", "Retain", NEW[0], Some("bound"));
    let against = undo::plan(&scene, "camunda", NEW_SET).unwrap_err();
    assert!(
        against.to_string().contains("has had volume pv-0"),
        "{against:?}"
    );
    volume(&mut scene, "pv-0", "Retain", NEW[0], None);
    claim(&mut scene, NEW[0], &[], "pv-0");
    assert!(undo::plan(&scene, "camunda", NEW_SET).is_err());

    // The StatefulSet was scaled up in between and got a new, empty volume.
    let mut again = running();
    claim(&mut again, OLD[0], &LABELS, "pv-9");
    let handed_over = json!({
        "metadata": {"name": "pv-0", "annotations": {"camunda-upgrade-guard/rebound-from": format!("prod/{}", OLD[0])}},
        "spec": {"persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "prod", "name": NEW[0]}},
    });
    put(&mut again, Kind::PersistentVolume, handed_over);
    let against = undo::plan(&again, "camunda", NEW_SET).unwrap_err();
    assert!(
        against.to_string().contains("is on volume pv-9"),
        "{against:?}"
    );
}

#[test]
fn claims_are_labelled_before_their_statefulset_goes() {
    let labels: Value = LABELS
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut scene = running();
    statefulset(&mut scene, 2, &Value::Null, None);
    claim(&mut scene, OLD[0], &[("app", SET)], "pv-0");
    let label = format!(
        "claim {}: labels release=camunda chart=elasticsearch app=elasticsearch-master",
        OLD[0]
    );
    let expected = [
        "volume pv-0: reclaim policy Retain in place of Delete",
        "volume pv-1: reclaim policy Retain in place of Delete",
        &label,
        "StatefulSet elasticsearch-master: deleted without its pods and claims",
    ];
    assert_eq!(steps(&relabel::plan(&scene, "camunda")), expected);

    statefulset(&mut scene, 2, &labels, None);
    let plan = relabel::plan(&scene, "camunda");
    assert_eq!(steps(&plan), [expected[0], expected[2]]);
    claim(&mut scene, OLD[0], &LABELS, "pv-0");
    assert_eq!(relabel::plan(&scene, "camunda").steps, []);
}

/// Somebody began with the guide's step 3.
#[test]
fn claims_whose_statefulset_is_gone_are_labelled_where_there_is_one_release() {
    let mut scene = scene();
    claim(&mut scene, OLD[0], &[("app", SET)], "pv-0");
    volume(&mut scene, "pv-0", "Retain", OLD[0], None);
    assert!(relabel::concerns(&scene, "camunda"));
    assert_eq!(relabel::plan(&scene, "camunda").steps.len(), 1);
    scene.releases.insert("other".to_owned());
    assert!(!relabel::concerns(&scene, "camunda"));
}

#[test]
fn a_release_is_chosen_only_where_there_is_no_other() {
    let mut scene = scene();
    let choose = |scene: &Scene, asked: Option<&str>, fitting: &[&str]| {
        scene.choose(asked, "rebind", "claims", |release| {
            fitting.contains(&release)
        })
    };
    assert_eq!(choose(&scene, None, &["camunda"]).unwrap(), "camunda");
    assert!(choose(&scene, Some("camunda"), &[]).is_err());
    scene.releases.insert("test".to_owned());
    assert_eq!(choose(&scene, Some("test"), &["test"]).unwrap(), "test");
    let two = choose(&scene, None, &["camunda", "test"])
        .unwrap_err()
        .to_string();
    assert!(
        two.contains("2 releases") && two.contains("camunda, test"),
        "{two}"
    );
    let other = choose(&scene, Some("x"), &["camunda"])
        .unwrap_err()
        .to_string();
    assert!(other.contains("no Camunda release x"), "{other}");
}

#[test]
fn the_new_names_are_those_of_bitnamis_chart() {
    assert_eq!(successor("camunda"), "camunda-elasticsearch-master");
    assert_eq!(successor("my-elasticsearch"), "my-elasticsearch-master");
    assert_eq!(new_claim(NEW_SET, 1), NEW[1]);
    assert_eq!(new_ordinal(NEW_SET, NEW[1]), Some(1));
}

#[test]
fn old_claims_are_told_by_their_names() {
    let found = old_claim("elasticsearch-master-elasticsearch-master-10");
    assert_eq!(found, Some(("elasticsearch-master", 10)));
    assert_eq!(old_claim("es-es-0"), Some(("es", 0)));
    for other in [
        "data-camunda-zeebe-0",
        "elasticsearch-master-0",
        "es-es-",
        "éé-0",
        "-0",
        "0",
        "",
    ] {
        assert_eq!(old_claim(other), None, "{other}");
    }
}
