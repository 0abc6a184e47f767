//! `elasticsearch-nodes-reduced`, and whatever else takes the place of a StatefulSet with more pods.

use camunda_upgrade_guard::{change::Operation, finding::Finding};
use harness::Run;
use serde_json::json;

use crate::scene::{Scene, claim, commands, rules, statefulset};

const RULE: &str = "elasticsearch-nodes-reduced";
const ELASTIC: &str = "chart: elasticsearch, release: camunda, app: elasticsearch-master";
const BITNAMI: &str = "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda, app.kubernetes.io/component: master";
const BROKERS: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker, app.kubernetes.io/instance: camunda";
const POSTGRESQL: &str = "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: camunda";

fn elastic(replicas: u32) -> String {
    statefulset(
        "elasticsearch-master",
        "elasticsearch-master",
        ELASTIC,
        replicas,
    )
}

fn bitnami(replicas: u32) -> String {
    statefulset("camunda-elasticsearch-master", "data", BITNAMI, replicas)
}

fn old(ordinal: u32) -> String {
    format!("elasticsearch-master-elasticsearch-master-{ordinal}")
}

fn new(ordinal: u32) -> String {
    format!("data-camunda-elasticsearch-master-{ordinal}")
}

fn claims(scene: Scene, name: fn(u32) -> String, labels: &str, count: u32) -> Scene {
    (0..count).fold(scene, |scene, ordinal| {
        scene.live(&claim(&name(ordinal), "Bound", labels))
    })
}

/// An upgrade of a Bitnami Elasticsearch with three claims.
fn scaled(from: u32, to: u32) -> Scene {
    let scene = Scene::upgrade("12.13.3", "12.13.3").running(&bitnami(from));
    claims(scene.planned(&bitnami(to)), new, BITNAMI, 3)
}

fn given_up(document: &str) -> String {
    let name = document.split("name: ").nth(1).unwrap();
    let name = name.split([',', '}']).next().unwrap();
    document.replacen(
        "{name",
        &format!("{{annotations: {{camunda-upgrade-guard/allow-orphan: uid-{name}}}, name"),
        1,
    )
}

/// Whether a shell takes what is to be pasted.
#[track_caller]
fn assert_pasted(commands: &[String]) {
    for command in commands {
        // Whoever goes this way takes the comment sign away.
        let command = command.trim_start_matches("# ");
        let run = Run::new("bash").args(["-n"]).input(command.to_owned());
        run.output().unwrap().ok().unwrap();
        assert!(
            !command.ends_with('.') && !command.contains('<'),
            "{command}"
        );
    }
}

#[test]
fn nodes_with_data_are_not_taken_away() {
    let finding = scaled(3, 2)
        .values(
            json!({}),
            json!({"elasticsearch": {"master": {"replicaCount": 2}}}),
        )
        .refused(RULE);
    assert_eq!(finding.title, "Elasticsearch would go from 3 nodes to 2");
    assert_eq!(
        finding.why[1..],
        [
            "  data-camunda-elasticsearch-master-2",
            "Your values set elasticsearch.master.replicaCount to 2.",
        ]
    );
    let typed = commands(&finding);
    assert_eq!(
        typed,
        [
            "--set elasticsearch.master.replicaCount=3",
            "# kubectl -n prod exec camunda-elasticsearch-master-0 -c c -- curl -sf -X PUT http://localhost:9200/_cluster/settings \
             -H 'Content-Type: application/json' \
             -d '{\"persistent\":{\"cluster.routing.allocation.exclude._name\":\"camunda-elasticsearch-master-2\"}}'",
            "# until shards=$(kubectl -n prod exec camunda-elasticsearch-master-0 -c c -- curl -sf 'http://localhost:9200/_cat/shards?h=node') \
             && ! printf '%s\\n' \"$shards\" | grep -qwF -e camunda-elasticsearch-master-2; do sleep 10; done",
            "# kubectl -n prod annotate pvc data-camunda-elasticsearch-master-2 \
             camunda-upgrade-guard/allow-orphan=uid-data-camunda-elasticsearch-master-2",
        ]
    );
    assert_pasted(&typed);
    // Where the half of those that vote go, they give their vote away.
    let finding = scaled(3, 1).refused(RULE);
    let typed = commands(&finding);
    assert!(
        typed.iter().any(|command| command.contains(
            "'http://localhost:9200/_cluster/voting_config_exclusions?node_names=camunda-elasticsearch-master-1,camunda-elasticsearch-master-2'"
        )),
        "{typed:?}"
    );
    assert_pasted(&typed);
}

#[test]
fn nodes_may_stop_come_back_become_more_and_be_drained() {
    scaled(3, 0).passes();
    scaled(0, 3).passes();
    scaled(3, 3).passes();
    scaled(2, 3).passes();
    scaled(3, 4).passes();
    // A claim is left over from a reduction long ago.
    scaled(2, 2).passes();
    // Nothing was ever written.
    Scene::upgrade("12.13.3", "12.13.3")
        .running(&bitnami(3))
        .planned(&bitnami(1))
        .passes();
    // Drained, and said so; the other one was not.
    let drained = |scene: Scene, ordinal| {
        let claim = claim(&new(ordinal), "Bound", BITNAMI);
        scene.live(&given_up(&claim))
    };
    drained(scaled(3, 2), 2).leaves_on_purpose(&new(2));
    // Only once.
    drained(scaled(2, 2), 2).passes();
    let finding = drained(scaled(3, 1), 2).refused(RULE);
    assert_eq!(
        commands(&finding)[0],
        "--set elasticsearch.master.replicaCount=2"
    );
    drained(scaled(3, 2), 1).refused(RULE);
    // On the way back up it is the claims that tell how many there were.
    scaled(0, 2).refused(RULE);
    drained(scaled(0, 2), 2).passes();
}

#[test]
fn a_single_update_takes_no_node_either() {
    let update = |from: u32, to: u32| {
        let findings = scaled(from, to).object_findings(Operation::Update);
        rules(&findings)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(update(3, 2), [RULE]);
    assert_eq!(update(3, 1), [RULE]);
    assert_eq!(update(0, 2), [RULE]);
    for (from, to) in [(3, 0), (0, 3), (2, 2), (2, 3)] {
        assert!(update(from, to).is_empty(), "{from} to {to}");
    }
    // No value sets a single object.
    let findings = scaled(3, 2).object_findings(Operation::Update);
    let typed = commands(&findings[0]);
    assert!(!typed.iter().any(|command| command.starts_with("--set")));
}

#[test]
fn only_nodes_that_run_can_be_drained() {
    for scene in [
        scaled(3, 2).live(&bitnami(0)),
        claims(
            Scene::upgrade("12.13.3", "12.13.3")
                .deleted(&bitnami(3))
                .planned(&bitnami(2)),
            new,
            BITNAMI,
            3,
        ),
        claims(
            Scene::install("12.13.3").planned(&bitnami(2)),
            new,
            BITNAMI,
            3,
        ),
    ] {
        let finding = scene.refused(RULE);
        assert_eq!(
            commands(&finding),
            ["--set elasticsearch.master.replicaCount=3"]
        );
    }
}

#[test]
fn a_role_and_an_umbrella_have_keys_of_their_own() {
    let source =
        "# Source: umbrella/charts/bpm/charts/elasticsearch/templates/data/statefulset.yaml\n";
    let data = |replicas| {
        let labels = BITNAMI.replace("master", "data");
        let set = statefulset("camunda-elasticsearch-data", "data", &labels, replicas);
        source.to_owned() + &set
    };
    let zeebe = "# Source: umbrella/charts/bpm/templates/zeebe/statefulset.yaml\n".to_owned()
        + &statefulset(
            "camunda-zeebe",
            "data",
            &format!("{BROKERS}, helm.sh/chart: camunda-platform-12.13.3"),
            1,
        );
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .umbrella()
        .running(&zeebe)
        .planned(&zeebe)
        .running(&data(3))
        .planned(&data(2));
    let name = |ordinal| format!("data-camunda-elasticsearch-data-{ordinal}");
    let finding = claims(scene, name, BITNAMI, 3).one(RULE);
    let typed = commands(&finding);
    assert_eq!(typed[0], "--set bpm.elasticsearch.data.replicaCount=3");
    // What can't be elected has no vote to give away.
    assert!(!typed.iter().any(|command| command.contains("voting")));
}

/// From elastic's chart, which reads another key, to Bitnami's.
fn replaced(to: u32) -> Scene {
    let values = json!({"elasticsearch": {"replicas": 3}});
    let scene = Scene::upgrade("8.2.34", "8.3.1")
        .values(values.clone(), values)
        .running(&elastic(3))
        .planned(&bitnami(to));
    claims(scene, old, ELASTIC, 3)
}

/// The volume of an old claim as it is once it was handed over, and the claim as it is then.
fn handed_over(scene: Scene, ordinal: u32) -> Scene {
    let lost = claim(&old(ordinal), "Lost", ELASTIC);
    let volume = volume(ordinal);
    scene.live(&lost).live(&volume)
}

fn volume(ordinal: u32) -> String {
    format!(
        "kind: PersistentVolume\nmetadata: {{name: volume-{0}, uid: uid-volume-{ordinal}}}\nspec: {{persistentVolumeReclaimPolicy: Retain, \
         capacity: {{storage: 1Gi}}, claimRef: {{namespace: prod, name: {1}}}}}",
        old(ordinal),
        new(ordinal)
    )
}

fn denied(scene: &Scene) -> Vec<Finding> {
    let mut findings = scene.particular();
    findings.retain(|finding| finding.action == camunda_upgrade_guard::finding::Action::Deny);
    findings
}

#[test]
fn an_ordinal_above_the_new_replicas_is_not_prepared() {
    let findings = denied(&replaced(2));
    assert_eq!(
        rules(&findings),
        [
            "elasticsearch-claims-orphaned",
            RULE,
            "elasticsearch-values-8.3"
        ]
    );
    assert!(
        findings[1].why.contains(
            &"Your values set elasticsearch.replicas to 3; chart 8.3.1 does not read it, its key is elasticsearch.master.replicaCount."
                .to_owned()
        ),
        "{findings:#?}"
    );
    // Of the nodes that run, those of before are drained.
    let typed = commands(&findings[1]);
    assert!(
        typed[1].contains("exec elasticsearch-master-0 -c c"),
        "{typed:?}"
    );
    assert!(typed[1].contains("\"elasticsearch-master-2\""), "{typed:?}");
    assert_pasted(&typed);
    // Everything that was printed was done, but for the number.
    let done = (0..3).fold(replaced(2).live(&elastic(0)), handed_over);
    let findings = denied(&done);
    assert_eq!(rules(&findings), [RULE, "elasticsearch-values-8.3"]);
    assert_eq!(
        commands(&findings[0]),
        ["--set elasticsearch.master.replicaCount=3"]
    );
    assert!(findings[0].why.contains(&format!("  {}", old(2))));
    // With the number all is well.
    (0..3)
        .fold(replaced(3).live(&elastic(0)), handed_over)
        .passes();
    // So it is where the third one was drained first.
    let drained = replaced(2).live(&given_up(&claim(&old(2), "Bound", ELASTIC)));
    let drained = (0..2).fold(drained, handed_over);
    assert_eq!(rules(&denied(&drained)), ["elasticsearch-values-8.3"]);
}

#[test]
fn what_was_tidied_up_is_told_by_the_volumes() {
    let scene = |to| {
        Scene::upgrade("8.2.34", "8.3.1")
            .deleted(&elastic(3))
            .planned(&bitnami(to))
    };
    let tidied = |to| (0..3).fold(scene(to), |scene, ordinal| scene.live(&volume(ordinal)));
    let finding = tidied(2).refused(RULE);
    let told = format!(
        "  volume volume-{}, which waits for claim {}",
        old(2),
        new(2)
    );
    assert!(finding.why.contains(&told), "{finding:#?}");
    tidied(3).passes();
    let annotation = "{annotations: {camunda-upgrade-guard/allow-orphan: uid-volume-2}, name";
    tidied(2)
        .live(&volume(2).replacen("{name", annotation, 1))
        .passes();
    // A volume of a claim that was deleted has its uid.
    let released = volume(2).replace("namespace: prod", "uid: x, namespace: prod");
    tidied(2).live(&released).passes();
    // Without a record the volume tells, too.
    let created = tidied(2).object_findings(Operation::Create);
    assert_eq!(rules(&created), [RULE]);
    assert!(tidied(3).object_findings(Operation::Create).is_empty());
}

#[test]
fn clones_count_as_their_origins_do() {
    let cloned = |to| claims(replaced(to), new, BITNAMI, 3);
    assert!(rules(&denied(&cloned(2))).contains(&RULE));
    cloned(3).passes();
}

/// Whoever goes back after an upgrade that grew must not be kept from it by a pod that never came up.
#[test]
fn a_rollback_takes_only_pods_that_never_started() {
    let pod = |phase: &str| {
        format!(
            "kind: Pod\nmetadata: {{name: camunda-elasticsearch-master-2}}\nstatus: {{phase: {phase}}}"
        )
    };
    let back = || scaled(2, 2).rollback().live(&bitnami(3));
    let finding = back().refused(RULE);
    assert!(
        finding.fixes[0]
            .intro
            .contains("A rollback takes no values")
    );
    back().live(&pod("Running")).refused(RULE);
    back().live(&pod("Pending")).passes();
    // An upgrade is not kept from it by having no pods just now, nor let through.
    scaled(3, 2).live(&pod("Pending")).refused(RULE);
}

/// The same kind: brokers under a new name.
#[test]
fn brokers_under_a_new_name_count_too() {
    let scene = |to| {
        let renamed = statefulset("orders-zeebe", "data", BROKERS, to);
        let running = statefulset("camunda-zeebe", "data", BROKERS, 3);
        let scene = Scene::upgrade("12.13.3", "12.13.3")
            .deleted(&running)
            .live(&running.replace("replicas: 3", "replicas: 0"))
            .planned(&renamed);
        (0..3).fold(scene, |scene, ordinal| {
            let claim = claim(&format!("data-camunda-zeebe-{ordinal}"), "Lost", BROKERS);
            let moved = claim.replace(
                &format!("claimRef: {{namespace: prod, name: data-camunda-zeebe-{ordinal}}}"),
                &format!("claimRef: {{namespace: prod, name: data-orders-zeebe-{ordinal}}}"),
            );
            scene.live(&moved.replace("Policy: Delete", "Policy: Retain"))
        })
    };
    let finding = scene(2).refused("zeebe-brokers-reduced");
    assert_eq!(commands(&finding)[0], "--set zeebe.clusterSize=3");
    scene(3).passes();
}

/// The same kind: what has no rule of its own.
#[test]
fn other_pods_under_a_new_name_count_too() {
    let scene = |to| {
        let renamed = statefulset("orders-db", "data", POSTGRESQL, to);
        let running = statefulset("camunda-postgresql", "data", POSTGRESQL, 2);
        let scene = Scene::upgrade("12.13.3", "12.13.3")
            .deleted(&running)
            .planned(&renamed);
        (0..2).fold(scene, |scene, ordinal| {
            let name = format!("data-camunda-postgresql-{ordinal}");
            let moved = claim(&name, "Lost", POSTGRESQL).replace(
                &format!("claimRef: {{namespace: prod, name: {name}}}"),
                &format!("claimRef: {{namespace: prod, name: data-orders-db-{ordinal}}}"),
            );
            scene.live(&moved.replace("Policy: Delete", "Policy: Retain"))
        })
    };
    let finding = scene(1).refused("claims-orphaned");
    assert_eq!(
        commands(&finding),
        [
            "# kubectl -n prod annotate pvc data-camunda-postgresql-1 camunda-upgrade-guard/allow-orphan=uid-data-camunda-postgresql-1"
        ]
    );
    scene(2).passes();
}
