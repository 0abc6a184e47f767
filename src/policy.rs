//! What a cluster admin sets: how the rules count, and where.

mod follow;

pub use self::follow::follow;
use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Deserializer, de::Error};

use crate::{
    finding::{AUDITED, Action, Finding},
    mutations::volume_reclaim_policy::RetainScope,
    rules::RULES,
};

/// The file's content; what it leaves out is as the rules' pages say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Policy {
    /// Whether anything is refused at all.
    #[serde(default)]
    pub mode: Mode,
    /// How rules count.
    #[serde(default)]
    pub rules: BTreeMap<RuleId, Setting>,
    /// What counts for some releases only; the last that fits wins.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// Whose volumes get the reclaim policy Retain; the flag counts where it is left out.
    #[serde(default)]
    pub retain_volumes: Option<RetainScope>,
}

/// Whether the guard acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It refuses, and sets what has to be set.
    #[default]
    Enforce,
    /// It only reports: what it would refuse is a warning, and nothing is set.
    Audit,
}

/// How a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// All that it finds refuses, also what it only warns of by itself.
    Deny,
    /// What it finds is told, and nothing refused for it.
    Warn,
    /// It says nothing.
    Off,
}

/// The settings of some releases.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scope {
    /// Names of namespaces, `*` standing for anything; none is all.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Names of releases, likewise.
    #[serde(default)]
    pub releases: Vec<String>,
    /// Whether anything is refused here.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// How rules count here.
    #[serde(default)]
    pub rules: BTreeMap<RuleId, Setting>,
}

/// The id of a rule that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(&'static str);

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rule = RULES.iter().find(|rule| rule.id == text);
        rule.map(|rule| RuleId(rule.id))
            .ok_or_else(|| D::Error::custom(format!("there is no rule {text:?}")))
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Policy {
    /// Reads a file.
    ///
    /// # Errors
    /// When it can't be read, or a key or value is not known, with its line.
    pub fn read(file: &Path) -> anyhow::Result<Policy> {
        let name = file.display();
        let text = fs::read_to_string(file).with_context(|| format!("can't read {name}"))?;
        Policy::parse(&text).map_err(|error| anyhow!("{name} is no configuration: {error}"))
    }

    /// Parses a file's text.
    ///
    /// # Errors
    /// When a key or value is not known, with its line.
    pub fn parse(text: &str) -> Result<Policy, String> {
        if text.trim().is_empty() {
            return Ok(Policy::default());
        }
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    /// Whether nothing is refused and set for a release.
    pub fn audits(&self, namespace: &str, release: &str) -> bool {
        let scopes = self.scopes.iter().rev();
        let mode = scopes
            .filter(|scope| scope.fits(namespace, release))
            .find_map(|scope| scope.mode);
        mode.unwrap_or(self.mode) == Mode::Audit
    }

    /// What the rules found, as it counts for a release.
    pub fn apply(
        &self,
        namespace: &str,
        release: &str,
        mut findings: Vec<Finding>,
    ) -> Vec<Finding> {
        let audits = self.audits(namespace, release);
        findings.retain_mut(|finding| {
            match self.setting(namespace, release, finding.rule) {
                Some(Setting::Off) => return false,
                Some(Setting::Deny) => finding.action = Action::Deny,
                Some(Setting::Warn) => finding.action = Action::Warn,
                None => {}
            }
            if audits && finding.action == Action::Deny {
                finding.action = Action::Warn;
                finding.title.insert_str(0, AUDITED);
            }
            true
        });
        findings
    }

    fn setting(&self, namespace: &str, release: &str, rule: &'static str) -> Option<Setting> {
        let rule = RuleId(rule);
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
        let one = |patterns: &[String], name: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name))
        };
        one(&self.namespaces, namespace) && one(&self.releases, release)
    }
}

/// Whether a name is what a pattern says, `*` standing for anything.
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
mod tests {
    use super::*;

    fn finding(rule: &'static str, action: Action) -> Finding {
        Finding {
            rule,
            action,
            title: "Something".to_owned(),
            objects: Vec::new(),
            why: Vec::new(),
            fixes: Vec::new(),
            guide: "",
        }
    }

    fn actions(policy: &str, namespace: &str, release: &str) -> Vec<(&'static str, Action)> {
        let policy = Policy::parse(policy).unwrap();
        let found = vec![
            finding("downgrade", Action::Deny),
            finding("backup-first", Action::Warn),
        ];
        let counted = policy.apply(namespace, release, found);
        counted
            .iter()
            .map(|finding| (finding.rule, finding.action))
            .collect()
    }

    #[test]
    fn a_rule_counts_as_it_is_set() {
        assert_eq!(
            actions("", "prod", "camunda"),
            [("downgrade", Action::Deny), ("backup-first", Action::Warn)]
        );
        let file = "rules: {downgrade: warn, backup-first: off}";
        assert_eq!(
            actions(file, "prod", "camunda"),
            [("downgrade", Action::Warn)]
        );
        let file = "rules: {backup-first: deny}";
        assert_eq!(actions(file, "prod", "camunda")[1].1, Action::Deny);
    }

    #[test]
    fn the_last_scope_that_fits_wins() {
        let file = "
mode: audit
scopes:
- {namespaces: [prod-*], mode: enforce}
- {namespaces: ['*-eu'], releases: [camunda], rules: {downgrade: off}}
- {namespaces: [prod-eu], rules: {downgrade: warn}}
";
        assert_eq!(actions(file, "dev", "camunda")[0].1, Action::Warn);
        assert_eq!(actions(file, "prod-us", "camunda")[0].1, Action::Deny);
        assert_eq!(
            actions(file, "dev-eu", "camunda"),
            [("backup-first", Action::Warn)]
        );
        assert_eq!(actions(file, "dev-eu", "other")[0].1, Action::Warn);
        assert_eq!(
            actions(file, "prod-eu", "camunda")[0],
            ("downgrade", Action::Warn)
        );
    }

    #[test]
    fn what_is_not_known_is_named_with_its_line() {
        for (file, key, line) in [
            ("mode: audit\nrule: {}\n", "rule", "line 2"),
            ("rules:\n  downgrades: off\n", "downgrades", "line 2"),
            ("rules:\n  downgrade: never\n", "never", "line 2"),
            ("mode: loud\n", "loud", "line 1"),
        ] {
            let error = Policy::parse(file).unwrap_err();
            assert!(
                error.contains(key) && error.contains(line),
                "{file}: {error}"
            );
        }
    }

    #[test]
    fn a_pattern_is_a_name_with_stars() {
        for (pattern, name, fits) in [
            ("prod", "prod", true),
            ("prod", "prod-1", false),
            ("prod-*", "prod-1", true),
            ("*-eu", "prod-eu", true),
            ("*d-*", "prod-eu", true),
            ("*", "", true),
            ("a*b", "ab", true),
            ("a*b", "abc", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
