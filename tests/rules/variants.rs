//! From 12 to 13 where Camunda is set up otherwise than by default: what must not pass, and what must.
//!
//! The records of the corpus are written as the charts render each variant.

mod logins;
mod modeler;
mod stores;
mod tenants;

use camunda_upgrade_guard::finding::{Action, Finding};
use harness::Corpus;
use serde_json::{Value, json};

use crate::{
    conversion::{file, over, unknown},
    live::Upgrade,
    record::Record,
    scene::commands,
};

const FILE: &str = "camunda-13.yaml";

/// The new keys of old passwords, and where they are: Keycloak's and its database's, and those of Web Modeler's.
pub const CARRIED: [(&str, &str, &str); 5] = [
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

/// A release of 12, what 13 makes of its values, and what it should make.
struct Variant {
    corpus: Corpus,
    values: Value,
    running: Record,
    bad: Record,
    good: Record,
    /// What the user has made.
    live: Vec<Value>,
}

impl Variant {
    /// The upgrade on the values of 12.
    fn upgrade(&self) -> Upgrade {
        self.onto(self.bad.clone().values(&self.values))
    }

    fn onto(&self, planned: Record) -> Upgrade {
        let running = self.running.clone().values(&self.values);
        let upgrade = Upgrade::of(running.raw(), planned.raw());
        self.live.iter().cloned().fold(upgrade, Upgrade::with)
    }

    /// The upgrade on the printed values, with the Secret that they name.
    fn onto_good(&self, printed: &Value, carried: &[(&str, &str, &str)]) -> Upgrade {
        let upgrade = self.onto(self.good.clone().values(&over(&self.values, printed)));
        let data: serde_json::Map<_, _> = carried
            .iter()
            .map(|(key, secret, old)| ((*key).to_owned(), json!(upgrade.secret(secret, old))))
            .collect();
        if data.is_empty() {
            return upgrade;
        }
        upgrade.with(json!({"kind": "Secret",
            "metadata": {"name": "camunda-credentials"}, "stringData": data}))
    }

    /// Refused by exactly these rules; returns the values that the refusal prints, all of which 13 knows.
    #[track_caller]
    fn refused(&self, rules: &[&str]) -> Value {
        let upgrade = self.upgrade();
        assert_eq!(upgrade.refusing(), rules, "{}", upgrade.refusal());
        let findings = upgrade.findings();
        let finding = findings.iter().find(|finding| converts(finding));
        let printed = file(finding.unwrap(), FILE);
        let record = self.corpus.record("13.12.7-migration-full").unwrap();
        let chart = &record.raw["chart"]["values"];
        assert_eq!(unknown(&printed, chart), None, "{printed:#}");
        printed
    }

    /// With the printed values and the Secret that they name, nothing is refused; returns what is said.
    #[track_caller]
    fn cured(&self, printed: &Value, carried: &[(&str, &str, &str)]) -> Vec<Finding> {
        let upgrade = self.onto_good(printed, carried);
        assert_eq!(upgrade.refusing(), [""; 0], "{}", upgrade.refusal());
        upgrade.findings()
    }
}

fn converts(finding: &Finding) -> bool {
    commands(finding)
        .iter()
        .any(|text| text.starts_with(&format!("cat > {FILE}")))
}

#[track_caller]
fn assert_warned(findings: &[Finding], rule: &str, expected: bool) {
    let mut of_rule = findings
        .iter()
        .filter(|finding| finding.rule.name() == rule);
    let warned = of_rule.any(|finding| finding.action == Action::Warn);
    assert_eq!(warned, expected, "{rule}: {findings:#?}");
}
