//! From 14 to 15, which brings no databases along: they are kept running without Helm (`CAMUNDA_CORPUS`).

use camunda_upgrade_guard::{
    finding::{Action, Finding},
    kubernetes::Kind,
};
use harness::Corpus;

use crate::{
    live::Upgrade,
    scene::{Scene, claim, commands, secret, statefulset},
};

const RULE: &str = "claims-orphaned";
const BUNDLED: [&str; 2] = ["charts/elasticsearch/", "charts/identityKeycloak/"];

fn to_15() -> Option<Upgrade> {
    let corpus = Corpus::find()?;
    let upgrade = Upgrade::between(&corpus, "14.0.0-identity", "14.0.0-identity");
    Some(upgrade.unbundled("15.0.0-alpha4", &BUNDLED))
}

fn kept(upgrade: Upgrade, name: &str) -> Upgrade {
    upgrade.annotated(Kind::StatefulSet, name, "helm.sh/resource-policy", "keep")
}

fn denied(upgrade: &Upgrade) -> Vec<Finding> {
    let mut findings = upgrade.findings();
    findings.retain(|finding| finding.action == Action::Deny);
    findings
}

#[test]
fn a_database_without_a_chart_is_kept_with_all_that_it_needs() {
    let Some(upgrade) = to_15() else { return };
    let findings = denied(&upgrade);
    let rules: Vec<_> = findings.iter().map(|finding| finding.rule.name()).collect();
    assert_eq!(rules, ["component-disappears", RULE, RULE], "{findings:#?}");
    let mut typed: Vec<_> = findings
        .iter()
        .flat_map(commands)
        .filter(|command| command.contains("resource-policy"))
        .collect();
    // Keycloak's and its database's are one.
    typed.sort_unstable();
    typed.dedup();
    assert_eq!(
        typed,
        [
            "kubectl -n camunda annotate configmap/camunda-elasticsearch statefulset/camunda-elasticsearch-master \
             networkpolicy.networking.k8s.io/camunda-elasticsearch-master \
             poddisruptionbudget.policy/camunda-elasticsearch-master serviceaccount/camunda-elasticsearch-master \
             service/camunda-elasticsearch-master-hl service/camunda-elasticsearch helm.sh/resource-policy=keep",
            "kubectl -n camunda annotate configmap/camunda-keycloak-env-vars statefulset/camunda-postgresql \
             statefulset/camunda-keycloak networkpolicy.networking.k8s.io/camunda-postgresql \
             networkpolicy.networking.k8s.io/camunda-keycloak poddisruptionbudget.policy/camunda-postgresql \
             poddisruptionbudget.policy/camunda-keycloak serviceaccount/camunda-postgresql serviceaccount/camunda-keycloak \
             service/camunda-postgresql-hl service/camunda-postgresql service/camunda-keycloak-headless \
             service/camunda-keycloak helm.sh/resource-policy=keep",
        ]
    );
    let text = upgrade.refusal();
    for part in [
        "camunda-elasticsearch:9200",
        "orchestration.data.secondaryStorage and optimize.database.elasticsearch",
        "camunda-keycloak:80",
        "global.identity.keycloak.url and global.identity.keycloak.auth",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("switched on"), "{text}");
}

#[test]
fn what_is_kept_is_the_same_store_as_before() {
    let Some(upgrade) = to_15() else { return };
    let upgrade = kept(upgrade, "camunda-elasticsearch-master");
    assert_eq!(upgrade.refusing(), ["component-disappears", RULE]);
    let upgrade = kept(upgrade, "camunda-postgresql");
    assert_eq!(upgrade.refusing(), ["component-disappears"]);
    let upgrade = kept(upgrade, "camunda-keycloak");
    assert_eq!(upgrade.refusing(), Vec::<&str>::new());
    // Another host is another store all the same.
    let elsewhere = upgrade.planned(
        "http://camunda-elasticsearch:9200",
        "http://search.example.com:9200",
    );
    assert_eq!(elsewhere.refusing(), ["datastore-changed"]);
}

#[test]
fn without_comments_labels_tell_what_belongs_together() {
    let Some(mut upgrade) = to_15() else { return };
    let manifest = upgrade.running["manifest"].as_str().unwrap();
    let bare = manifest
        .lines()
        .filter(|line| !line.starts_with("# Source:"));
    upgrade.running["manifest"] = bare
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .into();
    let text = upgrade.refusal();
    assert!(
        text.contains("service/camunda-elasticsearch helm.sh/resource-policy=keep"),
        "{text}"
    );
    assert!(text.contains("statefulset/camunda-keycloak"), "{text}");
    for others in ["service/camunda-identity", "service/camunda-zeebe"] {
        assert!(!text.contains(others), "{others}: {text}");
    }
}

#[test]
fn what_was_deleted_before_is_not_annotated() {
    let Some(upgrade) = to_15() else { return };
    let finding = denied(&upgrade).remove(1);
    assert!(finding.title.contains("Elasticsearch"), "{finding:#?}");
    let secret = "---\n# Source: camunda-platform/charts/elasticsearch/templates/secrets.yaml\napiVersion: v1\nkind: Secret\n\
                  metadata: {name: camunda-elasticsearch}\n---\n";
    let gone = upgrade.running(
        "---\n# Source: camunda-platform/charts/elasticsearch/templates/configmap.yaml",
        &format!(
            "{secret}# Source: camunda-platform/charts/elasticsearch/templates/configmap.yaml"
        ),
    );
    assert!(!gone.refusal().contains("secret/camunda-elasticsearch"));
    let live = serde_json::json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "camunda-elasticsearch"}});
    assert!(
        gone.with(live)
            .refusal()
            .contains("secret/camunda-elasticsearch")
    );
}

const MODELER: &str =
    "app.kubernetes.io/name: postgresql-web-modeler, app.kubernetes.io/instance: camunda";

/// A document of an umbrella chart that has Camunda's as `bpm`, and a database of its own.
fn from(charts: &str, document: &str) -> String {
    format!("# Source: umbrella/charts/{charts}/templates/x.yaml\n{document}")
}

fn service(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, labels: {{{MODELER}}}}}\nspec: {{ports: [{{port: 5432}}]}}"
    )
}

fn under_an_umbrella(to: &'static str) -> Scene {
    let own = |version: &str| {
        let labels = format!(
            "app.kubernetes.io/part-of: camunda-platform, helm.sh/chart: camunda-platform-{version}"
        );
        from("bpm", &secret("labelled", &labels, ""))
    };
    let modeler = "bpm/charts/webModelerPostgresql";
    Scene::upgrade("14.8.4", to)
        .umbrella()
        .running(&own("14.8.4"))
        .planned(&own(to))
        .running(&from(modeler, &statefulset("modeler", "data", MODELER, 1)))
        .running(&from(modeler, &secret("modeler-secret", MODELER, "")))
        .deleted(&from(modeler, &service("modeler-service")))
        .deleted(&from(modeler, &service("stays")))
        .planned(&from(modeler, &service("stays")))
        .deleted(&from("postgresql", &service("theirs")))
        .live(&claim("data-modeler-0", "Bound", MODELER))
}

#[test]
fn an_umbrella_keeps_only_what_was_of_the_database() {
    let finding = under_an_umbrella("15.0.0-alpha4").one(RULE);
    assert_eq!(
        commands(&finding)[0],
        "kubectl -n prod annotate statefulset/modeler secret/modeler-secret service/modeler-service \
         helm.sh/resource-policy=keep"
    );
    let told = "It stays at modeler-service:5432; the new chart is told so by bpm.webModeler.restapi.externalDatabase.";
    assert_eq!(finding.fixes[1].intro, told);
}

#[test]
fn what_a_chart_can_still_bring_along_is_switched_on() {
    let finding = under_an_umbrella("14.8.5").one(RULE);
    let typed = commands(&finding).join("\n");
    assert!(!typed.contains("resource-policy"), "{typed}");
    assert!(
        finding.fixes[0]
            .intro
            .contains("webModelerPostgresql.enabled"),
        "{finding:#?}"
    );
}

#[test]
fn what_another_takes_the_place_of_is_not_kept_by_an_annotation() {
    let kept = statefulset("old", "data", MODELER, 1).replace(
        "name: old\n",
        "name: old\n  annotations: {helm.sh/resource-policy: keep}\n",
    );
    Scene::upgrade("14.8.4", "14.8.5")
        .running(&kept)
        .planned(&statefulset("new", "data", MODELER, 1))
        .live(&claim("data-old-0", "Bound", MODELER))
        .refused(RULE);
}

/// Somebody moved what is in these claims, and says so there.
fn moved(mut upgrade: Upgrade, claims: &[&str]) -> Upgrade {
    for claim in claims {
        let uid = upgrade.live(Kind::PersistentVolumeClaim, claim)["metadata"]["uid"].clone();
        let uid = uid.as_str().unwrap().to_owned();
        upgrade = upgrade.annotated(
            Kind::PersistentVolumeClaim,
            claim,
            "camunda-upgrade-guard/allow-orphan",
            &uid,
        );
    }
    upgrade
}

const SEARCH: [&str; 3] = [
    "data-camunda-elasticsearch-master-0",
    "data-camunda-elasticsearch-master-1",
    "data-camunda-elasticsearch-master-2",
];

/// As the chart and the values are once Elasticsearch is outside.
fn search_outside(upgrade: Upgrade) -> Upgrade {
    let url = "http://search.example.com:9200";
    let mut upgrade = upgrade.planned("http://camunda-elasticsearch:9200", url);
    let storage = serde_json::json!({"type": "elasticsearch", "elasticsearch": {"url": url}});
    upgrade.planned["config"]["orchestration"]["data"]["secondaryStorage"] = storage;
    upgrade
}

#[test]
fn a_store_that_was_moved_is_named() {
    let Some(upgrade) = to_15() else { return };
    let upgrade = kept(kept(upgrade, "camunda-postgresql"), "camunda-keycloak");
    let moved = moved(upgrade, &SEARCH);
    // The brokers are still led to the Service that goes.
    let refusing = moved.refusing();
    assert!(refusing.contains(&"datastore-changed"), "{refusing:?}");
    let text = moved.refusal();
    let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("by orchestration.data.secondaryStorage or optimize.database.elasticsearch"),
        "{told}"
    );
    let named = search_outside(moved);
    assert_eq!(named.refusing(), [""; 0], "{}", named.refusal());
}

/// Everything is outside: one annotation a claim, and the values that name what runs there.
#[test]
fn all_that_was_moved_may_go() {
    let Some(upgrade) = to_15() else { return };
    let upgrade = search_outside(moved(upgrade, &SEARCH));
    let half = moved(upgrade, &["data-camunda-postgresql-0"]);
    assert_eq!(
        half.refusing(),
        ["component-disappears"],
        "{}",
        half.refusal()
    );
    let mut all = half;
    let url = serde_json::json!({"protocol": "https", "host": "login.example.com", "port": "443"});
    all.planned["config"]["global"]["identity"]["keycloak"]["url"] = url;
    assert_eq!(all.refusing(), [""; 0], "{}", all.refusal());
}
