//! Which keys of a Secret are credentials that a Camunda chart generates.

use semver::Version;

use super::{CredentialFact, Feature, Held, Line};
use crate::kubernetes::Object;

/// A guarded key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The key.
    pub key: String,
    /// What it is for: `tasklist`, `keycloak-admin`, ….
    pub name: String,
    /// Where the old value lives on.
    pub held: Held,
    /// How the value can be given to the chart again.
    pub supply: Supply,
}

/// How a user gives the chart a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// By this value key.
    Value(String),
    /// By keeping the hook that generates it from running.
    WithoutGeneration,
}

/// The credential that `key` of `secret` is, if it is one.
///
/// `charts` is the path of subcharts below the release's chart, where the manifest tells it: it tells apart
/// two PostgreSQLs and gives the value key under any alias. `line` is the line whose value keys are wanted.
pub fn credential(
    secret: &Object,
    key: &str,
    charts: Option<&[String]>,
    line: Option<&Line>,
) -> Option<Credential> {
    let line = line.or_else(|| {
        Line::all()
            .iter()
            .rev()
            .find(|line| !line.credentials.is_empty())
    })?;
    if let Some(generated) = &line.generated_secret
        && let Some(found) = generated.keys.iter().find(|found| found.name == key)
        && secret.annotation("helm.sh/hook").is_some()
    {
        return Some(Credential {
            key: key.to_owned(),
            name: key.to_owned(),
            held: found.held,
            supply: Supply::WithoutGeneration,
        });
    }
    // A line that no longer generates a key may still be asked about a Secret of the line before.
    let fact = find(line, secret, key, charts).or_else(|| {
        Line::all()
            .iter()
            .rev()
            .find_map(|line| find(line, secret, key, charts))
    })?;
    Some(Credential {
        key: key.to_owned(),
        name: fact.name.clone(),
        held: fact.held,
        supply: Supply::Value(value_key(fact, charts)),
    })
}

fn find<'a>(
    line: &'a Line,
    secret: &Object,
    key: &str,
    charts: Option<&[String]>,
) -> Option<&'a CredentialFact> {
    let name = secret.name();
    let candidates = || line.credentials.iter().filter(|fact| fact.key == key);
    let by_name = || {
        candidates()
            .filter(|fact| name.ends_with(&fact.secret))
            .max_by_key(|fact| fact.secret.len())
    };
    match key {
        "postgres-password" | "password" => {
            if !is_postgresql(secret, charts) {
                return None;
            }
            let database = match secret {
                _ if is_identitys(secret, charts) => "identity-postgresql",
                _ if is_web_modelers(secret, charts) => "web-modeler",
                _ => "postgresql",
            };
            candidates().find(|fact| fact.name.starts_with(database))
        }
        _ => by_name().or_else(|| candidates().next()),
    }
}

fn is_postgresql(secret: &Object, charts: Option<&[String]>) -> bool {
    let chart = charts.and_then(<[String]>::last);
    chart.is_some_and(|chart| chart.to_lowercase().ends_with("postgresql"))
        || secret
            .label("app.kubernetes.io/name")
            .is_some_and(|name| name.starts_with("postgresql"))
        || secret.label("helm.sh/chart").is_some_and(|chart| {
            chart.starts_with("postgresql-") || chart.starts_with("webModelerPostgresql-")
        })
}

fn is_identitys(secret: &Object, charts: Option<&[String]>) -> bool {
    match charts {
        Some([.., parent, last]) if last == "postgresql" => parent == "identity",
        Some([.., last]) => last == "identityPostgresql",
        _ => {
            secret.name().ends_with("-identity-postgresql")
                || secret.label("app.kubernetes.io/name") == Some("identity-postgresql")
        }
    }
}

fn is_web_modelers(secret: &Object, charts: Option<&[String]>) -> bool {
    match charts {
        Some(charts) if !charts.is_empty() => !charts
            .iter()
            .any(|chart| chart.to_lowercase().contains("keycloak")),
        _ => {
            secret.name().ends_with("-postgresql-web-modeler")
                || secret.label("app.kubernetes.io/name") == Some("postgresql-web-modeler")
        }
    }
}

/// A bundled chart's values live under the path of subcharts that it was rendered from, aliases included.
fn value_key(fact: &CredentialFact, charts: Option<&[String]>) -> String {
    match (fact.held, charts, fact.value.rsplit_once(".auth.")) {
        (Held::Keycloak | Held::Database, Some(charts), Some((_, leaf))) if !charts.is_empty() => {
            format!("{}.auth.{leaf}", charts.join("."))
        }
        _ => fact.value.clone(),
    }
}

/// Whether charts of a version find their own Secrets. What comes before a release counts as the release.
pub fn looks_up(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    Line::of(version).is_some()
        && Version::parse(core).is_ok_and(|core| Feature::SecretLookup.is_in(&core))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(name: &str, label: &str) -> Object {
        Object(json!({"metadata": {"name": name, "labels": {"app.kubernetes.io/name": label}}}))
    }

    fn value(secret: &Object, key: &str, charts: &[&str], version: &str) -> Option<String> {
        let charts: Vec<_> = charts.iter().map(|chart| (*chart).to_owned()).collect();
        match credential(secret, key, Some(&charts), Line::of(version))?.supply {
            Supply::Value(value) => Some(value),
            Supply::WithoutGeneration => None,
        }
    }

    #[test]
    fn value_keys_follow_the_line_and_the_subchart() {
        let keycloak = secret("orders-kc", "kc");
        assert_eq!(
            value(
                &keycloak,
                "admin-password",
                &["identity", "keycloak"],
                "8.3.1"
            )
            .as_deref(),
            Some("identity.keycloak.auth.adminPassword")
        );
        assert_eq!(
            value(
                &keycloak,
                "admin-password",
                &["bpm", "identityKeycloak"],
                "12.13.3"
            )
            .as_deref(),
            Some("bpm.identityKeycloak.auth.adminPassword")
        );
        let database = secret("x", "postgresql");
        assert_eq!(
            value(
                &database,
                "password",
                &["identityKeycloak", "postgresql"],
                "12.13.3"
            )
            .as_deref(),
            Some("identityKeycloak.postgresql.auth.password")
        );
        assert_eq!(
            value(&database, "password", &["postgresql"], "12.13.3").as_deref(),
            Some("postgresql.auth.password")
        );
        let client = secret("a-tasklist-identity-secret", "identity");
        assert_eq!(
            value(&client, "tasklist-secret", &[], "9.3.7").as_deref(),
            Some("global.identity.auth.tasklist.existingSecret")
        );
    }

    #[test]
    fn other_keys_are_nobodys_business() {
        let modeler = secret("camunda-web-modeler", "web-modeler");
        assert_eq!(
            credential(&modeler, "pusher-app-secret", None, Line::of("12.13.3")),
            None
        );
        let own = secret("my-app", "my-app");
        assert_eq!(
            credential(&own, "password", None, Line::of("12.13.3")),
            None
        );
    }

    #[test]
    fn one_key_in_two_secrets_is_told_apart_by_name() {
        let inbound = secret("camunda-connectors-auth-credentials", "connectors");
        let found = credential(&inbound, "connectors-secret", None, Line::of("12.13.3")).unwrap();
        assert_eq!(found.name, "connectors-inbound");
    }

    #[test]
    fn lookup_works_from_the_patch_that_brings_it() {
        assert!(!looks_up("8.2.34"));
        assert!(!looks_up("8.3.1"));
        assert!(looks_up("8.3.3"));
        assert!(looks_up("8.3.25"));
        assert!(looks_up("12.13.3"));
        assert!(!looks_up("7.1.0"));
    }
}
