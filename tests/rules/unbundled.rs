//! From 14 to 15, which brings no databases along: they are kept running without Helm (`CAMUNDA_CORPUS`).

use camunda_upgrade_guard::{
    finding::{Action, Finding},
    object::Kind,
};
use harness::Corpus;

use crate::{live::Upgrade, scene::commands};

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
    let rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, [RULE, RULE], "{findings:#?}");
    let typed: Vec<_> = findings
        .iter()
        .flat_map(commands)
        .filter(|command| command.contains("resource-policy"))
        .collect();
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
    assert_eq!(upgrade.refusing(), [RULE]);
    let upgrade = kept(upgrade, "camunda-postgresql");
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
    let finding = denied(&upgrade).remove(0);
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
