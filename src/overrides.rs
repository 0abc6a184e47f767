//! Overrides: a user with the right to admits a refused revision, with a reason, for a day at most.
//!
//! An override is a ConfigMap in the release's namespace. Its writer is checked when it is created: afterwards nobody
//! knows any more who that was.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, Unit};

pub use crate::annotations::{OVERRIDE as LABEL, override_name as name};
use crate::{
    cluster::Right,
    finding::{Action, Command, Finding, Fix, HereDocument, Kubectl, RuleId},
    kubernetes::Object,
    rules::Rule,
};

/// The virtual verb and resource that the writer needs a right to.
pub const RIGHT: Right = ("override", "camunda-upgrade-guard", "releases");
/// Longest lifetime of an override.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// Lifetime of an override in printed commands.
const PRINTED: SignedDuration = SignedDuration::from_hours(1);
const KEYS: [&str; 4] = ["revision", "rules", "expires", "reason"];

/// A user's decision to go ahead against a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The release.
    pub release: String,
    /// The only revision that it applies to: the next one needs a new override.
    pub revision: u64,
    /// The rules that only warn under it.
    pub rules: BTreeSet<RuleId>,
    /// The user's reason.
    pub reason: String,
}

/// Reason why a ConfigMap is not a valid override.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverrideError {
    /// The ConfigMap's name is not that of the release's override.
    #[error("the override of release {:?} has to be called {}", .0, name(.0))]
    Name(String),
    /// An unknown key.
    #[error("an override has no key {:?}, only {}", .0, KEYS.join(", "))]
    Key(String),
    /// A missing key.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// `expires` is not a time.
    #[error("expires is {0:?}, no time such as 2026-01-31T12:00:00Z")]
    NoTime(String),
    /// The override has expired.
    #[error("it has expired at {0}")]
    Expired(Timestamp),
    /// `expires` is too far away.
    #[error("it lasts longer than 24 hours")]
    TooLong,
    /// `revision` is not a number.
    #[error("revision is {0:?}, no number")]
    Revision(String),
    /// An unknown rule.
    #[error("there is no rule {0:?}")]
    Rule(String),
}

impl Override {
    /// Parses an override's ConfigMap.
    ///
    /// # Errors
    /// When it is malformed or has expired.
    pub fn read(config_map: &Object, now: Timestamp) -> Result<Override, OverrideError> {
        let release = config_map.label(LABEL).unwrap_or_default();
        if release.is_empty() || config_map.name() != name(release) {
            return Err(OverrideError::Name(release.to_owned()));
        }
        let data = config_map.at("/data").and_then(|data| data.as_object());
        let unknown = data
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
            .find(|key| !KEYS.contains(&key.as_str()));
        if let Some(key) = unknown {
            return Err(OverrideError::Key(key.clone()));
        }
        let text = |key: &'static str| {
            let value = data.and_then(|data| data.get(key)?.as_str());
            value
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .ok_or(OverrideError::Missing(key))
        };
        let revision = text("revision")?;
        let expires = text("expires")?;
        let expires: Timestamp = expires
            .parse()
            .map_err(|_| OverrideError::NoTime(expires.to_owned()))?;
        if expires <= now {
            return Err(OverrideError::Expired(expires));
        }
        if now.duration_until(expires) > LONGEST {
            return Err(OverrideError::TooLong);
        }
        Ok(Override {
            release: release.to_owned(),
            revision: revision
                .parse()
                .map_err(|_| OverrideError::Revision(revision.to_owned()))?,
            rules: text("rules")?
                .split(',')
                .map(rule)
                .collect::<Result<_, _>>()?,
            reason: text("reason")?.to_owned(),
        })
    }

    /// Returns how a rule's finding counts under this override.
    pub(crate) fn counts(&self, rule: RuleId, action: Action) -> Action {
        match self.rules.contains(&rule) {
            true => Action::Warn,
            false => action,
        }
    }

    /// Turns the findings of the overridden rules into warnings.
    pub fn apply(&self, findings: &mut [Finding]) {
        for finding in findings {
            if self.rules.contains(&finding.rule) {
                let because = format!("Overridden ({}): ", self.reason);
                finding.waive(Action::Overridden, &because);
            }
        }
    }
}

fn rule(id: &str) -> Result<RuleId, OverrideError> {
    let id = id.trim();
    let rule = Rule::named(id).map(|rule| rule.id);
    rule.ok_or_else(|| OverrideError::Rule(id.to_owned()))
}

/// Returns the step that overrides these findings; the user fills in the reason.
pub fn printed(
    namespace: &str,
    release: &str,
    revision: u64,
    findings: &[Finding],
    now: Timestamp,
) -> Fix {
    let rules: BTreeSet<_> = findings
        .iter()
        .filter(|finding| finding.action == Action::Deny)
        .map(|finding| finding.rule.name())
        .collect();
    let rules: Vec<_> = rules.into_iter().collect();
    let expires = (now + PRINTED).round(Unit::Second).unwrap_or(now);
    let (verb, group, resource) = RIGHT;
    let name = name(release);
    let create = Kubectl::new(namespace, ["create", "-f", "-"]);
    let document = HereDocument {
        command: create.to_string(),
        text: format!(
            "apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, labels: {{{LABEL}: {release}}}}}
data:
  revision: \"{revision}\"
  rules: {}
  expires: \"{expires}\"
  reason: \"\"",
            rules.join(",")
        ),
    };
    let intro = format!(
        "Whoever may {verb} {resource}.{group} here can go ahead all the same; the reason is logged:"
    );
    Fix::on_purpose(intro, [Command::HereDocument(document)])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-01-31T12:00:00Z".parse().unwrap()
    }

    fn config_map(data: &Value) -> Object {
        Object(json!({
            "metadata": {"name": "camunda-upgrade-guard-override-camunda", "labels": {LABEL: "camunda"}},
            "data": data,
        }))
    }

    fn right() -> Value {
        json!({
            "revision": "2", "rules": "downgrade, values-dropped", "expires": "2026-01-31T13:00:00Z",
            "reason": "the data is a rehearsal's",
        })
    }

    #[test]
    fn a_right_one_has_its_rules_warn() {
        let read = Override::read(&config_map(&right()), now()).unwrap();
        assert_eq!((read.release.as_str(), read.revision), ("camunda", 2));
        let finding = |rule| Finding {
            rule,
            action: Action::Deny,
            title: "Something".to_owned(),
            objects: Vec::new(),
            why: Vec::new(),
            fixes: Vec::new(),
            guide: crate::finding::guide::UPGRADING,
        };
        let mut findings = [
            finding("downgrade".parse().unwrap()),
            finding("claims-orphaned".parse().unwrap()),
        ];
        read.apply(&mut findings);
        assert_eq!(
            findings[0].title,
            "Overridden (the data is a rehearsal's): Something"
        );
        assert_eq!(
            findings.map(|finding| finding.action),
            [Action::Overridden, Action::Deny]
        );
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        for (key, value, because) in [
            ("revision", json!("two"), "no number"),
            ("revision", json!(""), "revision is missing"),
            ("rules", json!("downgrades"), "no rule \"downgrades\""),
            ("expires", json!("tomorrow"), "no time"),
            ("expires", json!("2026-01-31T12:00:00Z"), "expired"),
            (
                "expires",
                json!("2026-02-01T12:00:01Z"),
                "longer than 24 hours",
            ),
            ("reason", json!(" "), "reason is missing"),
            ("release", json!("other"), "no key \"release\""),
        ] {
            let mut data = right();
            data[key] = value;
            let error = Override::read(&config_map(&data), now()).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(because), "{error}");
        }
        let mut other = config_map(&right());
        other.0["metadata"]["labels"][LABEL] = "other".into();
        let error = Override::read(&other, now()).unwrap_err();
        assert_eq!(error, OverrideError::Name("other".to_owned()));
    }

    #[test]
    fn the_documented_one_is_one() {
        let page = include_str!("../docs/override.md");
        let example = page.split("```yaml\n").nth(1).unwrap();
        let example = example.split("```").next().unwrap();
        let parsed = crate::helm::manifest::Document::new(example).parse();
        let read = Override::read(&Object(parsed.unwrap().unwrap()), now()).unwrap();
        assert_eq!(read.release, "camunda");
        for key in KEYS {
            assert!(page.contains(&format!("\n| `{key}` | ")), "{key}");
        }
    }

    #[test]
    fn the_printed_one_lacks_only_the_reason() {
        let way = printed("prod", "camunda", 2, &[], now());
        let document = way.commands[0].here_document().unwrap();
        let read = crate::helm::manifest::Document::new(&document.text)
            .parse()
            .unwrap()
            .unwrap();
        assert_eq!(read["data"]["expires"], "2026-01-31T13:00:00Z");
        assert_eq!(read["metadata"]["labels"][LABEL], "camunda");
    }
}
