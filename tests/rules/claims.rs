//! `elasticsearch-claims-orphaned` and `claims-orphaned`.

use camunda_upgrade_guard::{
    change::Operation,
    finding::{Action, Command, Finding},
};

use serde_json::{Value, json};

use crate::scene::{Scene, claim, statefulset};

const ELASTIC: &str = "chart: elasticsearch, release: camunda, app: elasticsearch-master";
const BITNAMI: &str = "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda, app.kubernetes.io/component: master";
const POSTGRESQL: &str = "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: camunda";
const RULE: &str = "elasticsearch-claims-orphaned";

fn old(ordinal: u32) -> String {
    format!("elasticsearch-master-elasticsearch-master-{ordinal}")
}

fn new(ordinal: u32) -> String {
    format!("data-camunda-elasticsearch-master-{ordinal}")
}

fn without_claims() -> Scene {
    Scene::upgrade("8.2.34", "8.3.1")
        .running(&statefulset(
            "elasticsearch-master",
            "elasticsearch-master",
            ELASTIC,
            2,
        ))
        .planned(&statefulset(
            "camunda-elasticsearch-master",
            "data",
            BITNAMI,
            2,
        ))
}

fn with_claims() -> Scene {
    without_claims()
        .live(&claim(&old(0), "Bound", ELASTIC))
        .live(&claim(&old(1), "Bound", ELASTIC))
}

fn handed_over(scene: Scene, ordinal: u32) -> Scene {
    scene.live(&format!(
        "kind: PersistentVolume\nmetadata: {{name: volume-{}}}\nspec: {{claimRef: {{namespace: prod, name: {}}}}}",
        old(ordinal),
        new(ordinal)
    ))
}

fn cloned(scene: Scene, ordinal: u32, mode: &str) -> Scene {
    scene
        .live(&format!("kind: StorageClass\nmetadata: {{name: standard}}\nvolumeBindingMode: {mode}"))
        .live(&format!(
            "kind: PersistentVolumeClaim\nmetadata: {{name: {}}}\nspec: {{storageClassName: standard, dataSource: {{name: {}}}}}\nstatus: {{phase: Pending}}",
            new(ordinal),
            old(ordinal)
        ))
}

fn commands(finding: &Finding) -> Vec<String> {
    finding
        .fixes
        .iter()
        .flat_map(|fix| &fix.commands)
        .map(Command::text)
        .collect()
}

#[test]
fn claims_with_data_under_another_name() {
    let finding = with_claims().refused(RULE);
    let commands = commands(&finding);
    assert_eq!(
        commands,
        [
            "kubectl -n prod scale statefulset elasticsearch-master --replicas=0",
            "kubectl -n prod wait --for=delete pod elasticsearch-master-0 elasticsearch-master-1 --timeout=5m",
            "kubectl annotate pv volume-elasticsearch-master-elasticsearch-master-0 camunda-upgrade-guard/rebind-to=prod/data-camunda-elasticsearch-master-0",
            "kubectl annotate pv volume-elasticsearch-master-elasticsearch-master-1 camunda-upgrade-guard/rebind-to=prod/data-camunda-elasticsearch-master-1",
        ]
    );
}

#[test]
fn half_prepared_is_not_prepared() {
    let finding = handed_over(with_claims(), 0).refused(RULE);
    assert!(
        !finding.why.iter().any(|line| line.contains(&old(0))),
        "{:?}",
        finding.why
    );
    cloned(handed_over(with_claims(), 0), 1, "Immediate").refused(RULE);
}

/// Whoever cloned does not begin anew: a driver takes its time, and what nobody has cloned is handed over.
#[test]
fn a_clone_that_is_pending_is_waited_for() {
    let wait = |names: &str| {
        format!(
            "kubectl -n prod wait '--for=jsonpath={{.status.phase}}=Bound' {names} --timeout=30m"
        )
    };
    let both = cloned(cloned(with_claims(), 0, "Immediate"), 1, "Immediate").refused(RULE);
    let names = format!("pvc/{} pvc/{}", new(0), new(1));
    assert_eq!(commands(&both), [wait(&names)]);
    assert!(
        both.why.last().unwrap().contains("exist, Pending"),
        "{both:#?}"
    );
    let one = cloned(with_claims(), 0, "Immediate").refused(RULE);
    let commands = commands(&one);
    assert_eq!(commands[0], wait(&format!("pvc/{}", new(0))));
    assert!(
        !commands
            .iter()
            .any(|it| it.contains(&format!("rebind-to=prod/{}", new(0))))
    );
    assert!(
        commands
            .iter()
            .any(|it| it.contains(&format!("rebind-to=prod/{}", new(1))))
    );
}

#[test]
fn prepared_either_way_passes() {
    handed_over(handed_over(with_claims(), 0), 1).passes();
    cloned(
        cloned(with_claims(), 0, "WaitForFirstConsumer"),
        1,
        "WaitForFirstConsumer",
    )
    .passes();
    cloned(handed_over(with_claims(), 0), 1, "WaitForFirstConsumer").passes();
    with_claims()
        .live(&claim(&new(0), "Bound", BITNAMI))
        .live(&claim(&new(1), "Bound", BITNAMI))
        .passes();
}

#[test]
fn nothing_to_lose_passes() {
    without_claims().passes();
    without_claims()
        .live(&claim(&old(0), "Pending", ELASTIC))
        .live(&claim(&old(1), "Lost", ELASTIC))
        .passes();
    // An ordinal that nothing mounted before, either.
    without_claims()
        .live(&claim(&old(7), "Bound", ELASTIC))
        .passes();
    // Elasticsearch is external; the claims are somebody else's elastic chart.
    Scene::upgrade("8.2.34", "8.3.1")
        .live(&claim(&old(0), "Bound", ELASTIC))
        .passes();
    // The same claims as before.
    Scene::upgrade("9.3.7", "9.7.0")
        .running(&statefulset(
            "camunda-elasticsearch-master",
            "data",
            BITNAMI,
            2,
        ))
        .planned(&statefulset(
            "camunda-elasticsearch-master",
            "data",
            BITNAMI,
            2,
        ))
        .live(&claim(&new(0), "Bound", BITNAMI))
        .passes();
}

#[test]
fn one_statefulset_alone_is_judged_by_labels() {
    let scene = Scene::install("8.3.1").planned(&statefulset(
        "camunda-elasticsearch-master",
        "data",
        BITNAMI,
        2,
    ));
    let rules = |scene: &Scene| -> Vec<_> {
        scene
            .object_findings(Operation::Create)
            .iter()
            .map(|finding| finding.rule.name())
            .collect()
    };
    assert_eq!(
        rules(&scene.clone().live(&claim(&old(0), "Bound", ELASTIC))),
        [RULE]
    );
    scene
        .clone()
        .live(&claim(&old(0), "Bound", ELASTIC))
        .refused(RULE);
    let foreign = "chart: elasticsearch, release: logging";
    assert!(rules(&scene.clone().live(&claim(&old(0), "Bound", foreign))).is_empty());
    scene.live(&claim(&old(0), "Bound", foreign)).passes();
}

fn postgresql(to: &str) -> Scene {
    let scene = Scene::upgrade("12.13.3", "13.12.7").running(&statefulset(
        "camunda-postgresql",
        "data",
        POSTGRESQL,
        1,
    ));
    if to.is_empty() {
        scene
    } else {
        scene.planned(to)
    }
}

const DATABASE_CLAIM: &str = "data-camunda-postgresql-0";

#[test]
fn a_removed_statefulset_with_data() {
    let finding = postgresql("")
        .live(&claim(DATABASE_CLAIM, "Bound", POSTGRESQL))
        .refused("claims-orphaned");
    let typed = commands(&finding);
    assert!(
        typed
            .iter()
            .any(|command| command.contains("identityKeycloak: {enabled: true}")),
        "{typed:?}"
    );
    assert_eq!(
        typed.last().map(String::as_str),
        Some(
            "# kubectl -n prod annotate pvc data-camunda-postgresql-0 camunda-upgrade-guard/allow-orphan=uid-data-camunda-postgresql-0"
        )
    );
    // Without data there is nothing to lose but what nobody switched off.
    let off = json!({"identityKeycloak": {"enabled": false}});
    let off = postgresql("").values(Value::Null, off);
    off.clone()
        .live(&claim(DATABASE_CLAIM, "Pending", POSTGRESQL))
        .passes();
    off.passes();
    postgresql("").refused("component-disappears");
}

#[test]
fn data_is_left_behind_only_claim_by_claim() {
    let annotated = |uid: &str| {
        claim(DATABASE_CLAIM, "Bound", POSTGRESQL).replacen(
            "labels:",
            &format!("annotations: {{camunda-upgrade-guard/allow-orphan: {uid}}}, labels:"),
            1,
        )
    };
    postgresql("")
        .live(&annotated("uid-data-camunda-postgresql-0"))
        .leaves_on_purpose(DATABASE_CLAIM);
    postgresql("")
        .live(&annotated("of-another-claim"))
        .refused("claims-orphaned");
}

#[test]
fn a_renamed_statefulset_with_data() {
    let renamed = postgresql(&statefulset("orders-db", "data", POSTGRESQL, 1)).live(&claim(
        DATABASE_CLAIM,
        "Bound",
        POSTGRESQL,
    ));
    let finding = renamed.refused("claims-orphaned");
    assert!(
        commands(&finding)
            .iter()
            .any(|command| command.ends_with("rebind-to=prod/data-orders-db-0"))
    );
    renamed
        .live(&format!("kind: PersistentVolume\nmetadata: {{name: volume-{DATABASE_CLAIM}}}\nspec: {{claimRef: {{namespace: prod, name: data-orders-db-0}}}}"))
        .passes();
}

/// What only copies the data of another one: nothing is lost, but nobody is told.
#[test]
fn fewer_replicas_of_what_has_no_rule_only_warn() {
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .running(&statefulset("camunda-postgresql", "data", POSTGRESQL, 3))
        .planned(&statefulset("camunda-postgresql", "data", POSTGRESQL, 2));
    scene.passes();
    let third = claim("data-camunda-postgresql-2", "Bound", POSTGRESQL);
    let findings = scene.live(&third).findings();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].action, Action::Warn);
}

const BROKERS: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker, app.kubernetes.io/instance: camunda";

/// Brokers with a second claim template, and as they are without it.
fn exports(from: &'static str, to: &'static str) -> Scene {
    let one = statefulset("camunda-zeebe", "data", BROKERS, 1);
    let two = format!(
        "{one}\n  - metadata: {{name: exports}}\n    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 16Gi}}}}}}"
    );
    // The API server does not let the templates change: somebody has deleted the StatefulSet.
    Scene::upgrade(from, to)
        .deleted(&two)
        .planned(&one)
        .live(&claim("data-camunda-zeebe-0", "Bound", BROKERS))
        .live(&claim("exports-camunda-zeebe-0", "Bound", BROKERS))
}

/// The kind: a claim template of a StatefulSet that stays is taken out.
#[test]
fn claims_of_a_template_that_is_gone_are_named() {
    const NAME: &str = "exports-camunda-zeebe-0";
    let findings = exports("12.13.3", "12.13.3").particular();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].rule.name(), findings[0].action),
        ("claims-orphaned", Action::Warn)
    );
    assert!(findings[0].title.contains(NAME), "{findings:#?}");
    // A new line may only have another key for it.
    let set = serde_json::json!({"zeebe": {"extraVolumeClaimTemplates": [{"metadata": {"name": "exports"}}]}});
    let crossing = exports("12.13.3", "13.12.7").values(set, serde_json::json!({}));
    let finding = crossing.one("claims-orphaned");
    assert_eq!(finding.action, Action::Deny);
    assert!(
        finding.fixes[0]
            .intro
            .contains("under orchestration.extraVolumeClaimTemplates"),
        "{finding:#?}"
    );
    assert_eq!(
        commands(&finding),
        [
            "# kubectl -n prod annotate pvc exports-camunda-zeebe-0 camunda-upgrade-guard/allow-orphan=uid-exports-camunda-zeebe-0"
        ]
    );
    // Given up, or never used.
    let given_up = claim(NAME, "Bound", BROKERS).replacen(
        "{name",
        &format!("{{annotations: {{camunda-upgrade-guard/allow-orphan: uid-{NAME}}}, name"),
        1,
    );
    exports("12.13.3", "12.13.3")
        .live(&given_up)
        .leaves_on_purpose(NAME);
    exports("12.13.3", "12.13.3")
        .live(&claim(NAME, "Pending", BROKERS))
        .passes();
}

/// The kind: persistence is switched off.
#[test]
fn a_component_that_has_no_claims_any_more_loses_its_volumes() {
    let set = statefulset("camunda-postgresql", "data", POSTGRESQL, 1);
    let (without, _) = set.split_once("  volumeClaimTemplates").unwrap();
    let finding = Scene::upgrade("12.13.3", "12.13.3")
        .deleted(&set)
        .planned(without)
        .live(&claim(DATABASE_CLAIM, "Bound", POSTGRESQL))
        .refused("claims-orphaned");
    assert_eq!(
        finding.title,
        format!("Nothing would mount {DATABASE_CLAIM} any more")
    );
    let set = statefulset("camunda-elasticsearch-master", "data", BITNAMI, 1);
    let (without, _) = set.split_once("  volumeClaimTemplates").unwrap();
    Scene::upgrade("12.13.3", "12.13.3")
        .deleted(&set)
        .planned(without)
        .live(&claim(&new(0), "Bound", BITNAMI))
        .refused("claims-orphaned");
}
