//! The cluster admin's configuration: how the rules count, and where.

mod error;
mod guarded;
mod reload;
#[cfg(test)]
mod schema;

pub use self::{
    error::{Malformed, PolicyError},
    guarded::{Guarded, chart_label},
    reload::{Source, follow},
};
use std::{borrow::Cow, collections::BTreeMap, fmt, fs, path::Path, sync::Arc};

use serde::{Deserialize, Deserializer, de::Error};

use self::guarded::one;
use crate::{
    camunda::NewestPatches,
    change::{Change, Facts},
    finding::{Action, Finding, RuleId},
    gather::{Announced, Late, Reader},
    mutations::volume_reclaim_policy::RetainScope,
    overrides::Override,
    rules::{self, Counting, Rule},
};

/// The key of the guard's ConfigMap that holds the configuration.
pub const CONFIG_KEY: &str = "config.yaml";

/// The configuration file; for omitted keys the defaults on the rules' pages apply.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Policy {
    /// Whether anything is refused at all.
    #[serde(default)]
    pub mode: Mode,
    /// How each rule counts.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "schema::Rules"))]
    pub rules: BTreeMap<KnownRule, Setting>,
    /// Settings for some releases; the last scope that matches wins.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// Volumes that get the reclaim policy Retain; if omitted, the flag decides.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(test, schemars(schema_with = "schema::retain_volumes"))]
    pub retain_volumes: Option<RetainScope>,
    /// The newest patches of release lines, in place of those that the guard knows.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "schema::newest_patches"))]
    pub newest_patches: NewestPatches,
    /// Releases to guard although nothing in them shows that they are Camunda's.
    #[serde(default, deserialize_with = "shared")]
    #[cfg_attr(test, schemars(with = "Vec<Guarded>"))]
    pub guarded: Arc<[Guarded]>,
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[Guarded]>, D::Error> {
    Vec::deserialize(deserializer).map(Vec::into)
}

/// Deserializes a value that may be omitted, but not left empty.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The guard's mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Refuses changes and sets what has to be set.
    #[default]
    Enforce,
    /// Only reports: refusals become warnings, and nothing is set.
    Audit,
    /// Does not even report.
    Off,
}

/// How a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// Every finding refuses, even one that only warns by default.
    Deny,
    /// Every finding warns and none refuses.
    Warn,
    /// Findings are dropped.
    Off,
}

/// Settings for some releases.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scope {
    /// Patterns of namespace names, with `*` for any text; empty: all.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Labels that the namespace must have, all of them; values are patterns, too.
    #[serde(default)]
    pub namespace_labels: BTreeMap<String, String>,
    /// Patterns of release names; empty: all.
    #[serde(default)]
    pub releases: Vec<String>,
    /// The mode for these releases.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(test, schemars(with = "Mode"))]
    pub mode: Option<Mode>,
    /// How each rule counts for these releases.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "schema::Rules"))]
    pub rules: BTreeMap<KnownRule, Setting>,
}

/// The id of a rule that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownRule(RuleId);

impl<'de> Deserialize<'de> for KnownRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rule = Rule::named(&text);
        rule.map(|rule| KnownRule(rule.id))
            .ok_or_else(|| D::Error::custom(format!("there is no rule {text:?}")))
    }
}

impl fmt::Display for KnownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// When it can't be read, or has an unknown key or value; the error names the line.
    pub fn read(file: &Path) -> Result<Policy, PolicyError> {
        let name = || file.to_owned();
        let text = fs::read_to_string(file).map_err(|error| PolicyError::Read(name(), error))?;
        Policy::parse(&text).map_err(|error| PolicyError::Parse(name(), error))
    }

    /// Parses a policy.
    ///
    /// # Errors
    /// When a key or value is unknown; the error names the key and the line.
    pub fn parse(text: &str) -> Result<Policy, Malformed> {
        if text.trim().is_empty() {
            return Ok(Policy::default());
        }
        let mut key = None;
        let parsed = serde_saphyr::with_deserializer_from_str(text, |deserializer| {
            serde_path_to_error::deserialize(deserializer).map_err(|error| {
                key = Some(error.path().to_string());
                error.into_inner()
            })
        });
        parsed.map_err(|error| Malformed::new(key, error))
    }

    /// Whether the labels of a namespace must be read to know what applies there.
    fn asks_labels(&self, namespace: &str) -> bool {
        let mut scopes = self.scopes.iter();
        !namespace.is_empty()
            && scopes.any(|scope| {
                !scope.namespace_labels.is_empty() && one(&scope.namespaces, namespace)
            })
    }

    /// Returns the policy for a namespace with these labels.
    pub fn among(&self, labels: &BTreeMap<String, String>) -> Policy {
        let mut policy = self.clone();
        policy.scopes.retain_mut(|scope| {
            let wanted = std::mem::take(&mut scope.namespace_labels);
            wanted.iter().all(|(key, pattern)| {
                let value = labels.get(key);
                value.is_some_and(|value| matches(pattern, value))
            })
        });
        policy
    }

    /// Returns the policy for a namespace; reads its labels only if a scope needs them.
    pub async fn in_namespace(&self, reader: &Reader, namespace: &str) -> Cow<'_, Policy> {
        if !self.asks_labels(namespace) {
            return Cow::Borrowed(self);
        }
        let labels = reader.namespace_labels(namespace).await;
        let labels = labels.unwrap_or_else(|error| {
            tracing::warn!(namespace, %error, "labels not read, scopes that ask for them don't count");
            BTreeMap::new()
        });
        Cow::Owned(self.among(&labels))
    }

    /// Returns the mode for a release.
    pub fn mode(&self, namespace: &str, release: &str) -> Mode {
        let scopes = self.scopes.iter().rev();
        let mode = scopes
            .filter(|scope| scope.fits(namespace, release))
            .find_map(|scope| scope.mode);
        mode.unwrap_or(self.mode)
    }

    /// Returns the findings of all rules for a change, as they count for its release.
    pub fn judge(&self, change: &Change, facts: &Facts) -> Vec<Finding> {
        self.judge_past(change, facts, None)
    }

    /// Like [`Policy::judge`], with an override applied.
    pub fn judge_past(
        &self,
        change: &Change,
        facts: &Facts,
        decided: Option<&Override>,
    ) -> Vec<Finding> {
        self.judged(&change.namespace, &change.release, decided, |counts| {
            rules::judge_counting(change, facts, counts)
        })
    }

    /// Like [`Policy::judge_past`], for all parts of a release; `None` once `goes_on` says no.
    pub(crate) fn announced_past(
        &self,
        announced: &Announced,
        decided: Option<&Override>,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Vec<Finding>> {
        let Some((_, change, _)) = announced.parts.first() else {
            return Some(Vec::new());
        };
        let mut ended = true;
        let findings = self.judged(&change.namespace, &change.release, decided, |counts| {
            let findings = announced.judge_while(counts, goes_on);
            ended = findings.is_some();
            findings.unwrap_or_default()
        });
        ended.then_some(findings)
    }

    /// The finding that a change was not judged by the time that the answer is due.
    pub(crate) fn late(&self, change: &Change) -> Vec<Finding> {
        let mut facts = Facts::default();
        facts.insert_gap("the change", Late.to_string());
        let findings = rules::unchecked(change, &facts);
        self.apply(&change.namespace, &change.release, findings)
    }

    /// Like [`Policy::judge_past`], for a claim that a pending record deletes.
    pub(crate) fn removal_past(
        &self,
        change: &Change,
        facts: &Facts,
        decided: Option<&Override>,
    ) -> Vec<Finding> {
        self.judged(&change.namespace, &change.release, decided, |_| {
            rules::removal(change, facts)
        })
    }

    fn judged(
        &self,
        namespace: &str,
        release: &str,
        decided: Option<&Override>,
        find: impl FnOnce(Counting<'_>) -> Vec<Finding>,
    ) -> Vec<Finding> {
        // The mode plays no part here: audit mode reports what would be refused.
        let counts = |rule, action| {
            let action = self.counts(namespace, release, rule, action)?;
            Some(decided.map_or(action, |it| it.counts(rule, action)))
        };
        let mut findings = self.apply(namespace, release, find(&counts));
        if let Some(decided) = decided {
            decided.apply(&mut findings);
        }
        findings
    }

    /// Returns how a rule's finding counts for a release; None drops it.
    fn counts(
        &self,
        namespace: &str,
        release: &str,
        rule: RuleId,
        action: Action,
    ) -> Option<Action> {
        match self.setting(namespace, release, rule) {
            Some(Setting::Off) => None,
            Some(Setting::Deny) => Some(Action::Deny),
            Some(Setting::Warn) => Some(Action::Warn),
            None => Some(action),
        }
    }

    /// Returns the findings as they count for a release.
    pub fn apply(
        &self,
        namespace: &str,
        release: &str,
        mut findings: Vec<Finding>,
    ) -> Vec<Finding> {
        let mode = self.mode(namespace, release);
        if mode == Mode::Off {
            return Vec::new();
        }
        findings.retain_mut(|finding| {
            let Some(action) = self.counts(namespace, release, finding.rule, finding.action) else {
                return false;
            };
            finding.action = action;
            if mode == Mode::Audit {
                finding.waive(Action::Audited, "Would be refused: ");
            }
            true
        });
        findings
    }

    fn setting(&self, namespace: &str, release: &str, rule: RuleId) -> Option<Setting> {
        let rule = KnownRule(rule);
        let scopes = self.scopes.iter().rev();
        scopes
            .filter(|scope| scope.fits(namespace, release))
            .find_map(|scope| scope.rules.get(&rule))
            .or_else(|| self.rules.get(&rule))
            .copied()
    }
}

impl Scope {
    fn fits(&self, namespace: &str, release: &str) -> bool {
        // A scope that needs labels counts only after [`Policy::among`].
        self.namespace_labels.is_empty()
            && one(&self.namespaces, namespace)
            && one(&self.releases, release)
    }
}

/// Whether a name matches a pattern, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len())
                .filter(|at| name.is_char_boundary(*at))
                .any(|at| matches(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests;
