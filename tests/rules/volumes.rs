//! `zeebe-brokers-reduced` and `postgresql-major-upgrade`.

use camunda_upgrade_guard::change::Operation;
use serde_json::json;

use crate::scene::{Scene, claim, commands, rules, statefulset};

const BROKERS: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker, app.kubernetes.io/instance: camunda";
const POSTGRESQL: &str = "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: camunda";

fn brokers(replicas: u32) -> String {
    statefulset("camunda-zeebe", "data", BROKERS, replicas)
}

/// Five brokers' claims, and an upgrade that the StatefulSet goes through.
fn five_claims(scene: Scene) -> Scene {
    (0..5).fold(scene, |scene, ordinal| {
        scene.live(&claim(
            &format!("data-camunda-zeebe-{ordinal}"),
            "Bound",
            BROKERS,
        ))
    })
}

fn scaled(from: u32, to: u32) -> Scene {
    let scene = Scene::upgrade("12.13.3", "13.12.7").running(&brokers(from));
    five_claims(scene.planned(&brokers(to)))
}

#[test]
fn brokers_with_data_are_not_taken_away() {
    let dropped = json!({"zeebe": {"clusterSize": 5}});
    let finding = scaled(5, 3)
        .values(dropped.clone(), dropped.clone())
        .one("zeebe-brokers-reduced");
    assert_eq!(
        finding.why[1..],
        [
            "  data-camunda-zeebe-3",
            "  data-camunda-zeebe-4",
            "Your values set zeebe.clusterSize to 5; chart 13.12.7 does not read it, its key is orchestration.clusterSize.",
        ]
    );
    assert_eq!(
        commands(&finding),
        [
            "--set-string orchestration.clusterSize=5",
            "# kubectl -n prod annotate statefulset camunda-zeebe camunda-upgrade-guard/allow-brokers=3 --overwrite",
        ]
    );
    let because = |planned| {
        let scene = scaled(5, 3).values(dropped.clone(), planned);
        scene.refused("zeebe-brokers-reduced").why.pop().unwrap()
    };
    assert_eq!(
        because(json!({"orchestration": {"clusterSize": 3}})),
        "Your values set orchestration.clusterSize to 3."
    );
    assert_eq!(
        because(json!({})),
        "The running release was given zeebe.clusterSize=5; the new values have no orchestration.clusterSize, so the chart's default counts."
    );
}

#[test]
fn brokers_may_stop_come_back_and_become_more() {
    scaled(5, 0).passes();
    scaled(0, 5).passes();
    scaled(5, 5).passes();
    scaled(3, 5).passes();
    scaled(5, 6).passes();
    // Two claims are left over from a reduction long ago.
    scaled(3, 3).passes();
    // On the way back up it is the claims that tell how many there were.
    scaled(0, 3).refused("zeebe-brokers-reduced");
    Scene::upgrade("12.13.3", "12.13.3")
        .running(&brokers(5))
        .planned(&brokers(3))
        .passes();
}

#[test]
fn the_number_on_the_cluster_counts_not_that_of_an_old_record() {
    // Scaled up by hand, back to what the manifest always said.
    scaled(3, 3)
        .live(&brokers(5))
        .refused("zeebe-brokers-reduced");
    // Deleted for another cure: then the running manifest is all there is.
    let deleted = |from: u32| {
        let scene = Scene::upgrade("12.13.3", "13.12.7").deleted(&brokers(from));
        five_claims(scene.planned(&brokers(3)))
    };
    let finding = deleted(5).refused("zeebe-brokers-reduced");
    assert_eq!(
        commands(&finding),
        ["--set-string orchestration.clusterSize=5"],
        "nothing is there to annotate"
    );
    deleted(3).passes();
    // Installed again over what an earlier release left.
    let again = |number: u32| five_claims(Scene::install("13.12.7").planned(&brokers(number)));
    again(3).refused("zeebe-brokers-reduced");
    again(5).passes();
}

#[test]
fn a_scaling_through_zeebe_first_is_allowed_by_name() {
    let annotated = |number: u32| {
        brokers(5).replacen(
            "labels:",
            &format!("annotations: {{camunda-upgrade-guard/allow-brokers: '{number}'}}\n  labels:"),
            1,
        )
    };
    scaled(5, 3).live(&annotated(3)).passes();
    scaled(5, 4).live(&annotated(3)).passes();
    scaled(5, 2)
        .live(&annotated(3))
        .refused("zeebe-brokers-reduced");
}

#[test]
fn a_single_update_takes_no_broker_either() {
    let update = |from: u32, to: u32| {
        let findings = scaled(from, to).object_findings(Operation::Update);
        rules(&findings)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(update(5, 4), ["zeebe-brokers-reduced"]);
    assert_eq!(update(0, 4), ["zeebe-brokers-reduced"]);
    assert!(update(5, 0).is_empty());
    assert!(update(0, 5).is_empty());
    assert!(update(3, 3).is_empty());
}

const DATABASE_CLAIM: &str = "data-camunda-postgresql-0";
const SOURCE: &str = "# Source: camunda-platform/charts/identity/charts/keycloak/charts/postgresql/templates/primary/statefulset.yaml\n";

fn database(image: &str) -> String {
    let set = statefulset("camunda-postgresql", "data", POSTGRESQL, 1);
    let container = format!("name: postgresql, image: {image}");
    SOURCE.to_owned() + &set.replace("name: c, image: x", &container)
}

fn imaged(from: &str, to: &str) -> Scene {
    Scene::upgrade("8.1.27", "8.2.34")
        .running(&database(from))
        .planned(&database(to))
        .live(&claim(DATABASE_CLAIM, "Bound", POSTGRESQL))
}

#[test]
fn a_database_does_not_change_its_major_over_its_data() {
    let finding = imaged("bitnami/postgresql:14.5.0", "bitnami/postgresql:15.10.0")
        .running("kind: Deployment\napiVersion: apps/v1\nmetadata: {name: camunda-identity, labels: {app.kubernetes.io/component: identity}}\nspec: {selector: {}}")
        .planned("kind: Deployment\napiVersion: apps/v1\nmetadata: {name: camunda-identity}\nspec: {selector: {}}")
        .refused("postgresql-major-upgrade");
    let commands = commands(&finding);
    assert_eq!(
        commands[0],
        "--set-string identity.keycloak.postgresql.image.tag=14.5.0"
    );
    let [_, whole] = &commands[..] else {
        panic!("{commands:#?}");
    };
    let whole = whole.strip_prefix("# ").unwrap();
    let expected = [
        "[ ! -e camunda-postgresql-14.sql ]",
        "kubectl -n prod scale deployment camunda-identity --replicas=0",
        "kubectl -n prod exec camunda-postgresql-0 -c postgresql -- sh -c ",
        "grep -q 'PostgreSQL database cluster dump complete' camunda-postgresql-14.sql.part",
        "mv camunda-postgresql-14.sql.part camunda-postgresql-14.sql",
        "kubectl patch pv volume-data-camunda-postgresql-0 ",
        "kubectl -n prod scale statefulset camunda-postgresql --replicas=0",
        "kubectl -n prod wait --for=delete pod camunda-postgresql-0 --timeout=5m",
        "kubectl -n prod delete pvc data-camunda-postgresql-0",
        "kubectl -n prod set image statefulset/camunda-postgresql postgresql=bitnami/postgresql:15.10.0",
        "kubectl -n prod scale statefulset camunda-postgresql --replicas=1",
        "kubectl -n prod rollout status statefulset/camunda-postgresql --timeout=10m",
        "kubectl -n prod exec -i camunda-postgresql-0 -c postgresql -- sh -c ",
    ];
    let parts: Vec<_> = whole.split(" && ").collect();
    assert_eq!(parts.len(), expected.len(), "{parts:#?}");
    for (part, expected) in parts.iter().zip(expected) {
        assert!(part.starts_with(expected), "{part}");
    }
    assert!(parts[2].ends_with("> camunda-postgresql-14.sql.part"));
    assert!(parts[12].ends_with("< camunda-postgresql-14.sql"));
}

#[test]
fn a_database_without_data_or_in_the_same_major_passes() {
    imaged(
        "bitnami/postgresql:15.4.0",
        "bitnamilegacy/postgresql:15.10.0-debian-12-r2",
    )
    .passes();
    imaged("bitnami/postgresql:14.5.0", "bitnami/postgresql:14.5.0").passes();
    imaged("bitnami/postgresql:14.5.0", "bitnami/postgresql:15.10.0")
        .live(&claim(DATABASE_CLAIM, "Pending", POSTGRESQL))
        .passes();
    imaged("bitnami/postgresql@sha256:00", "bitnami/postgresql:15.10.0").passes();
    imaged("bitnami/postgresql:14.5.0", "bitnami/postgresql:latest").passes();
    // Method 2 is through: the live image has the new major.
    imaged("bitnami/postgresql:14.5.0", "bitnami/postgresql:15.10.0")
        .live(&database("bitnami/postgresql:15.3.0"))
        .passes();
}

#[test]
fn the_way_back_from_a_failed_upgrade_is_open() {
    // Pinned after an upgrade that was not through; the record that runs is of before.
    imaged("bitnami/postgresql:14.5.0", "bitnami/postgresql:14.5.0")
        .live(&database("bitnami/postgresql:15.10.0"))
        .passes();
    imaged("bitnami/postgresql:15.10.0", "bitnami/postgresql:14.5.0")
        .refused("postgresql-major-upgrade");
}

#[test]
fn a_single_update_of_a_database_is_judged_by_its_claim() {
    let update = |from: &str, to: &str| {
        let scene = imaged(
            &format!("bitnami/postgresql:{from}"),
            &format!("bitnami/postgresql:{to}"),
        );
        scene.object_findings(Operation::Update)
    };
    assert_eq!(
        rules(&update("14.5.0", "15.3.0")),
        ["postgresql-major-upgrade"]
    );
    assert!(update("15.3.0", "14.5.0").is_empty());
    assert!(update("15.3.0", "15.4.0").is_empty());
}
