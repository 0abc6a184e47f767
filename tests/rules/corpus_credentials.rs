//! What the rules of credentials and values say to the real charts, without a cluster.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::{Change, Rendered, secret_data},
    facts::Facts,
    finding::Finding,
    manifest,
    object::{Kind, Object},
    release::Release,
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

/// The rules that this is about.
const RULES: [&str; 8] = [
    "credential-source-changed",
    "credentials-secret-incomplete",
    "reinstall-over-old-claims",
    "connectors-secret-missing",
    "identity-secret-deleted",
    "elasticsearch-values-8.3",
    "web-modeler-database-url",
    "oidc-env-renamed",
];

/// An upgrade between two records of the corpus, over what the first leaves on a cluster.
struct Upgrade {
    running: Value,
    planned: Value,
    facts: Facts,
}

impl Upgrade {
    fn between(corpus: &Corpus, from: &str, to: &str) -> Upgrade {
        let record = |name: &str, status: &str| {
            let mut raw = corpus.record(name).unwrap().raw;
            raw["info"] = json!({"status": status});
            raw
        };
        let mut upgrade = Upgrade {
            running: record(from, "deployed"),
            planned: record(to, "pending-upgrade"),
            facts: Facts::default(),
        };
        let text = upgrade.running["manifest"].as_str().unwrap().to_owned();
        for document in manifest::split(&text) {
            if let Some(object) = document.parse().unwrap() {
                upgrade = upgrade.with(object);
            }
        }
        upgrade
    }

    /// Adds a live object, and Bound claims for a StatefulSet.
    fn with(mut self, mut object: Value) -> Upgrade {
        let Some(kind) = object["kind"].as_str().and_then(Kind::from_name) else {
            return self;
        };
        object["metadata"]["namespace"] = "camunda".into();
        for claim in object
            .pointer("/spec/volumeClaimTemplates")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            for ordinal in 0..object["spec"]["replicas"].as_u64().unwrap_or(1) {
                let (template, set) = (&claim["metadata"]["name"], &object["metadata"]["name"]);
                let name = format!(
                    "{}-{}-{ordinal}",
                    template.as_str().unwrap(),
                    set.as_str().unwrap()
                );
                let claim = json!({
                    "metadata": {"name": name, "namespace": "camunda", "labels": object["spec"]["selector"]["matchLabels"]},
                    "status": {"phase": "Bound"},
                });
                self.facts
                    .insert(Kind::PersistentVolumeClaim, Object(claim).into());
            }
        }
        self.facts.insert(kind, Object(object).into());
        self
    }

    fn findings(&self) -> Vec<Finding> {
        let release = |raw: &Value| -> Release { serde_json::from_value(raw.clone()).unwrap() };
        let (running, planned) = (release(&self.running), release(&self.planned));
        let running = Rendered::of(&running, None);
        let rendered = Rendered::of(&planned, Some(&running));
        let change = Change::of_release(&planned, &rendered, Some(&running)).unwrap();
        let findings = rules::judge(&change, &self.facts);
        findings
            .into_iter()
            .filter(|finding| RULES.contains(&finding.rule))
            .collect()
    }

    #[track_caller]
    fn finds(&self, rules: &[&str]) -> Vec<Finding> {
        let findings = self.findings();
        let found: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(found, rules, "{findings:#?}");
        self.tells_no_value(&findings);
        findings
    }

    fn tells_no_value(&self, findings: &[Finding]) {
        let text = format!("{findings:?}");
        let secrets = self.facts.of_kind(Kind::Secret);
        let values: BTreeSet<_> = secrets
            .flat_map(|secret| secret_data(secret).into_values())
            .collect();
        for value in values.iter().filter(|value| value.len() > 7) {
            let value = std::str::from_utf8(value).unwrap();
            assert!(!text.contains(value), "{text}");
        }
    }
}

fn credentials(pairs: &[(&str, &str)]) -> Value {
    let data: serde_json::Map<_, _> = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    json!({"kind": "Secret", "metadata": {"name": "camunda-credentials"}, "stringData": data})
}

#[test]
fn upgrades_that_read_what_they_read_before() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to) in [
        ("8.0.12", "8.1.27"),
        ("8.1.27", "8.2.34"),
        ("8.2.34", "8.3.1"),
        ("8.2.34-defaults", "8.3.1-defaults"),
        ("8.3.1", "9.3.7"),
        ("9.3.7", "10.0.2"),
        ("10.0.2", "12.13.3"),
        ("12.13.3", "13.12.7-defaults"),
        ("12.13.3", "13.12.7-guides-line"),
        ("12.13.3", "13.12.7-reuse-old-secrets"),
        ("12.13.3", "12.13.3-autogenerated"),
    ] {
        Upgrade::between(&corpus, from, to).finds(&[]);
    }
    for name in corpus.names().unwrap() {
        Upgrade::between(&corpus, &name, &name).finds(&[]);
    }
}

#[test]
fn the_way_to_13_carries_the_old_passwords_over() {
    let Some(corpus) = Corpus::find() else { return };
    let upgrade = || Upgrade::between(&corpus, "12.13.3", "13.12.7-migration-full");
    let findings = upgrade().finds(&["credentials-secret-incomplete"]);
    let keys = [
        (
            "identity-keycloak-admin-password",
            "camunda-keycloak",
            "admin-password",
        ),
        (
            "identity-keycloak-postgresql-admin-password",
            "camunda-postgresql",
            "postgres-password",
        ),
        (
            "identity-keycloak-postgresql-user-password",
            "camunda-postgresql",
            "password",
        ),
        (
            "web-modeler-postgresql-admin-password",
            "camunda-postgresql-web-modeler",
            "postgres-password",
        ),
        (
            "web-modeler-postgresql-user-password",
            "camunda-postgresql-web-modeler",
            "password",
        ),
    ];
    let create = keys.iter().fold(
        "kubectl -n camunda create secret generic camunda-credentials".to_owned(),
        |line, (key, secret, old)| {
            format!("{line} --from-literal={key}=\"$(kubectl -n camunda get secret {secret} -o 'jsonpath={{.data.{old}}}' | base64 --decode)\"")
        },
    );
    assert_eq!(findings[0].fixes[0].commands.len(), 1);
    assert_eq!(findings[0].fixes[0].commands[0].text(), create);

    let live = |facts: &Facts, secret: &str, key: &str| {
        let secret = facts.named(Kind::Secret, "camunda", secret).unwrap();
        String::from_utf8(secret_data(secret)[key].clone()).unwrap()
    };
    let facts = upgrade().facts;
    let values = keys.map(|(_, secret, key)| live(&facts, secret, key));
    let carried: Vec<_> = keys
        .iter()
        .zip(&values)
        .map(|((key, _, _), value)| (*key, value.as_str()))
        .collect();
    upgrade().with(credentials(&carried)).finds(&[]);
    upgrade()
        .with(credentials(&carried[1..]))
        .finds(&["credentials-secret-incomplete"]);
    let made_up: Vec<_> = carried
        .iter()
        .map(|(key, _)| (*key, "made up on the spot"))
        .collect();
    let findings = upgrade()
        .with(credentials(&made_up))
        .finds(&["credential-source-changed"]);
    assert_eq!(findings[0].objects.len(), 5);
    assert_eq!(findings[0].fixes[0].commands.len(), 1);

    Upgrade::between(&corpus, "12.13.3-defaults", "13.12.7-identity")
        .finds(&["credentials-secret-incomplete"]);
    Upgrade::between(&corpus, "13.12.7-identity", "14.0.0-identity").finds(&[]);
}
