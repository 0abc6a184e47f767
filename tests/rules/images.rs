//! The rules about images: which versions fit each other, the chart, and the data.

use camunda_upgrade_guard::finding::{Action, Flag};

use crate::scene::{Scene, claim};

fn workload(kind: &str, component: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: {kind}
metadata:
  name: camunda-{component}
  labels: {{app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: {component}}}
spec: {{template: {{spec: {{containers: [{{image: \"{image}\"}}]}}}}}}"
    )
}

fn deployment(component: &str, tag: &str) -> String {
    workload(
        "Deployment",
        component,
        &format!("registry:5000/camunda/{component}:{tag}"),
    )
}

const DIFFER: &str = "component-versions-differ";

/// Zeebe and Operate of these versions, with `more` beside them.
fn release(zeebe: &str, operate: &str) -> [String; 2] {
    [
        workload(
            "StatefulSet",
            "zeebe-broker",
            &format!("camunda/zeebe:{zeebe}"),
        ),
        deployment("operate", operate),
    ]
}

fn with(zeebe: &str, operate: &str) -> Scene {
    let [zeebe, operate] = release(zeebe, operate);
    Scene::upgrade("9.3.7", "9.7.0")
        .planned(&zeebe)
        .planned(&operate)
}

#[test]
fn minors_of_one_release_are_one() {
    let finding = with("8.4.21", "8.3.21").one(DIFFER);
    assert_eq!(
        finding.title,
        "Components of Camunda 8.3 and 8.4 in one release"
    );
    assert!(
        finding
            .why
            .contains(&"  Operate 8.3.21 (Deployment camunda-operate)".to_owned())
    );
    assert!(
        finding.fixes[0]
            .intro
            .contains("than 8.4, that of chart 9.7.0")
    );
    Scene::install("9.7.0")
        .planned(&deployment("identity", "8.5.0"))
        .planned(&deployment("tasklist", "8.4.23"))
        .one(DIFFER);
}

#[test]
fn patches_and_others_numbers_may_differ() {
    with("8.4.21", "8.4.22").passes();
    for other in ["latest", "SNAPSHOT", "8.3-SNAPSHOT", "1.0.0", "x@sha256:00"] {
        with("8.4.21", other).passes();
    }
    with("8.4.21", "8.4.22")
        .planned(&deployment("optimize", "3.11.0"))
        .planned(&deployment("connectors", "0.23.2"))
        .planned(&deployment("restapi", "8.3.0"))
        .running(&deployment("console", "8.5.5"))
        .planned(&deployment("console", "8.5.5"))
        .passes();
}

#[test]
fn what_has_been_running_like_that_passes() {
    let [zeebe, operate] = release("8.4.9", "8.3.21");
    with("8.4.9", "8.3.23")
        .running(&zeebe)
        .running(&operate)
        .passes();
    let [zeebe, operate] = release("8.4.9", "8.4.10");
    with("8.4.9", "8.3.23")
        .running(&zeebe)
        .running(&operate)
        .one(DIFFER);
}

#[test]
fn optimize_fits_its_charts() {
    const RULE: &str = "optimize-pairing";
    let scene =
        |from, to, tag: &str| Scene::upgrade(from, to).planned(&deployment("optimize", tag));
    for (to, tag, fitting) in [
        ("8.2.9", "3.10.1", "3.10.3"),
        ("8.2.34", "3.10.2", "3.10.3"),
        ("8.2.8", "3.10.3", "3.10.2"),
    ] {
        let finding = scene("8.2.3", to, tag).refused(RULE);
        assert_eq!(
            finding.fixes[0].commands,
            [Flag::set_string("optimize.image.tag", fitting).into()]
        );
    }
    for (to, tag) in [
        ("8.2.8", "3.10.2"),
        ("8.2.0", "3.10.0"),
        ("8.2.9", "3.10.3"),
        ("8.2.34", "8.2.14"),
        ("8.2.9", "latest"),
    ] {
        scene("8.2.3", to, tag).passes();
    }
    let running = deployment("optimize", "3.10.2");
    scene("8.2.9", "8.2.34", "3.10.2")
        .running(&running)
        .passes();
    scene("8.2.8", "8.2.34", "3.10.2")
        .running(&running)
        .refused(RULE);
}

const VERSION: &str = "elasticsearch-version";
const ELASTIC: &str = "chart: elasticsearch, release: camunda";
const BITNAMI: &str = "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda";

fn elasticsearch(name: &str, labels: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}, labels: {{{labels}}}}}
spec:
  replicas: 1
  template: {{spec: {{containers: [{{image: \"{image}\"}}]}}}}
  volumeClaimTemplates: [{{metadata: {{name: data}}}}]"
    )
}

fn elastic(tag: &str) -> String {
    let image = format!("docker.elastic.co/elasticsearch/elasticsearch:{tag}");
    elasticsearch("elasticsearch-master", ELASTIC, &image)
}

fn bitnami(tag: &str) -> String {
    let image = format!("bitnami/elasticsearch:{tag}");
    elasticsearch("camunda-elasticsearch-master", BITNAMI, &image)
}

fn elasticsearch_data() -> String {
    claim("data-camunda-elasticsearch-master-0", "Bound", BITNAMI)
}

#[test]
fn elasticsearch_never_goes_back_over_its_data() {
    let scene = Scene::upgrade("8.1.27", "8.2.0")
        .running(&elastic("7.17.18"))
        .planned(&elastic("7.17.1"));
    scene.passes();
    let data = claim("data-elasticsearch-master-0", "Bound", ELASTIC);
    let finding = scene.live(&data).refused(VERSION);
    assert_eq!(
        finding.title,
        "Elasticsearch would go from 7.17.18 to 7.17.1"
    );
    assert_eq!(
        finding.fixes[0].commands[0].text(),
        "--set-string elasticsearch.imageTag=7.17.18"
    );
    // What is live decides, not what the record says.
    let scene = Scene::upgrade("9.3.7", "9.7.0")
        .running(&bitnami("8.9.2"))
        .planned(&bitnami("8.9.2"))
        .live(&elasticsearch_data());
    scene.passes();
    // A failed upgrade whose pods never became ready, then one whose pods did.
    let newer = bitnami("8.12.2-debian-12-r0");
    scene.clone().live(&newer).passes();
    let ready = format!("{newer}\nstatus: {{replicas: 1, updatedReplicas: 1, readyReplicas: 1}}");
    scene.clone().rollback().live(&ready).refused(VERSION);
    let finding = scene.live(&ready).refused(VERSION);
    assert_eq!(
        finding.fixes[0].commands[0].text(),
        "--set-string elasticsearch.image.tag=8.12.2"
    );
}

#[test]
fn a_rollback_of_what_never_ran_finds_the_data_as_it_was() {
    let scene = Scene::upgrade("9.7.0", "9.3.7")
        .running(&bitnami("8.12.2"))
        .planned(&bitnami("8.9.2"))
        .live(&elasticsearch_data());
    scene.refused(VERSION);
    scene.rollback().passes();
}

#[test]
fn a_new_major_is_entered_from_the_last_minor() {
    // The claims were handed over, as the guide says.
    let scene = |from: &str, to: &str| {
        let handed_over = claim("data-elasticsearch-master-0", "Lost", ELASTIC)
            .replace(
                "name: data-elasticsearch-master-0}, capacity",
                "name: data-camunda-elasticsearch-master-0}, capacity",
            )
            .replace("Policy: Delete", "Policy: Retain");
        Scene::upgrade("8.2.34", "8.3.1")
            .running(&elastic(from))
            .planned(&bitnami(to))
            .live(&handed_over)
    };
    scene("7.16.3", "8.7.1").refused(VERSION);
    scene("7.17.27", "8.7.1").passes();
    scene("7.17.27", "8.7.1-debian-11-r0").passes();
    let scene = |from: &str, to: &str| {
        Scene::upgrade("13.12.7", "13.12.7")
            .running(&bitnami(from))
            .planned(&bitnami(to))
            .live(&elasticsearch_data())
    };
    scene("8.17.4", "9.0.1").refused(VERSION);
    scene("8.18.0", "9.0.1").passes();
    scene("8.17.4", "latest").passes();
    scene("8.17.4", "8.17.4").passes();
    let own = scene("8.17.4", "x").planned(&elasticsearch("x", BITNAMI, "registry/search:1.0.0"));
    assert!(
        !own.findings()
            .iter()
            .any(|finding| finding.action == Action::Deny && finding.rule.name() == VERSION)
    );
}
