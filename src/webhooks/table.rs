//! The webhooks, before each is doubled: those that rules and mutations need, and five of the guard's own.

use serde_json::{Value, json};

use crate::{
    helm::release::RECORD_PREFIX,
    matching::{Condition, Match, NOT_BEING_DELETED, Phase, label_is},
    mutations::MUTATIONS,
    overrides::LABEL,
    rules::RULES,
    webhooks::{ENFORCE, IGNORE, NAME},
};

/// A webhook before it is doubled.
pub(super) struct Webhook {
    pub(super) requests: &'static Match,
    selector: Selector,
}

/// Selects a webhook's objects by label.
enum Selector {
    All,
    /// Those with this label and value.
    Label(&'static str, &'static str),
    /// Those that have this label, whatever its value.
    AnyValue(&'static str),
}

/// The webhook that fails closed everywhere, even in ignored namespaces: no override may exist whose writer was not
/// checked.
pub(super) const OVERRIDES: &str = "overrides";

/// The webhook that checks who sets the label that has the guard ignore a namespace. It fails closed: to keep the guard busy must
/// not be a way around it.
pub(super) const IGNORED: &str = "ignored-namespaces";

/// The webhook that checks who removes the label of a namespace that waits for the guard. It fails open: without a guard, removing
/// that label is how writes go on.
pub(super) const NAMESPACES: &str = "namespaces";

/// The webhook that reads the guard's own configuration. It fails open: a guard that is gone must not keep itself from being
/// repaired.
pub(super) const CONFIGURATION: &str = "configuration";

/// Namespaces and their subresources: labels can be set through each.
const OF_NAMESPACES: &[&str] = &["namespaces", "namespaces/status", "namespaces/finalize"];

/// The guard's own: records, which all rules judge, and what takes something from the guard.
const OWN: [Webhook; 5] = [
    Webhook {
        requests: &Match {
            name: "releases",
            rules: &[("", &["secrets", "configmaps"], &["CREATE"])],
            conditions: &[("release-record", release_record)],
            namespaced: true,
            phase: Phase::Validating,
        },
        // Helm finds its records by this label, so without it a record is not one.
        selector: Selector::Label("owner", "helm"),
    },
    Webhook {
        requests: &Match {
            name: OVERRIDES,
            rules: &[("", &["configmaps"], &["CREATE", "UPDATE"])],
            conditions: &[],
            namespaced: true,
            phase: Phase::Validating,
        },
        selector: Selector::AnyValue(LABEL),
    },
    Webhook {
        requests: &Match {
            name: IGNORED,
            rules: &[("", OF_NAMESPACES, &["CREATE", "UPDATE"])],
            conditions: &[("ignored", is_to_be_ignored), NOT_BEING_DELETED],
            namespaced: false,
            phase: Phase::Validating,
        },
        selector: Selector::All,
    },
    Webhook {
        requests: &Match {
            name: NAMESPACES,
            rules: &[("", OF_NAMESPACES, &["UPDATE"])],
            conditions: &[("no-longer-waits", is_to_wait_no_longer), NOT_BEING_DELETED],
            namespaced: false,
            phase: Phase::Validating,
        },
        selector: Selector::All,
    },
    Webhook {
        requests: &Match {
            name: CONFIGURATION,
            rules: &[("", &["configmaps"], &["CREATE", "UPDATE"])],
            conditions: &[
                ("the-guards-own", is_the_guards_own),
                ("changed", has_other_data),
            ],
            namespaced: true,
            phase: Phase::Validating,
        },
        selector: Selector::All,
    },
];

fn release_record() -> String {
    format!("object.metadata.name.startsWith('{RECORD_PREFIX}')")
}

fn is_the_guards_own() -> String {
    format!("request.name == '{NAME}'")
}

/// Matches a ConfigMap whose data is new: what has long been there stops nobody who writes a label.
fn has_other_data() -> String {
    "request.operation == 'CREATE' || !has(object.data) || !has(oldObject.data) || object.data != oldObject.data".to_owned()
}

/// Matches a namespace that is being set to be ignored.
fn is_to_be_ignored() -> String {
    let is = |object: &str| label_is(object, IGNORE, "true");
    format!(
        "{} && (request.operation == 'CREATE' || !({}))",
        is("object"),
        is("oldObject")
    )
}

/// Matches a namespace that is no longer to wait for the guard.
fn is_to_wait_no_longer() -> String {
    let is = |object: &str| label_is(object, ENFORCE, "true");
    format!("{} && !({})", is("oldObject"), is("object"))
}

/// Returns the webhooks of a phase: the guard's own, then those of the rules and the mutations, each once.
pub(super) fn webhooks(phase: Phase) -> Vec<Webhook> {
    let of_rules = RULES.iter().filter_map(|rule| rule.object.as_ref());
    let of_rules = of_rules.flat_map(|object| object.matches);
    let of_mutations = MUTATIONS.iter().flat_map(|mutation| mutation.matches);
    let mut webhooks: Vec<_> = OWN.into_iter().collect();
    webhooks.extend(of_rules.chain(of_mutations).map(|requests| Webhook {
        requests,
        selector: Selector::All,
    }));
    let mut names = Vec::new();
    webhooks.retain(|webhook| {
        let name = webhook.requests.name;
        let new = !names.contains(&name);
        names.push(name);
        new && webhook.requests.phase == phase
    });
    webhooks
}

impl Webhook {
    pub(super) fn rules(&self) -> Value {
        let rules = self.requests.rules.iter();
        rules
            .map(|(group, resources, operations)| {
                json!({
                    "apiGroups": [group],
                    "apiVersions": ["v1"],
                    "resources": resources,
                    "operations": operations,
                    "scope": "*",
                })
            })
            .collect()
    }

    pub(super) fn selector(&self) -> Value {
        match self.selector {
            Selector::All => json!({}),
            Selector::Label(key, value) => json!({"matchLabels": {key: value}}),
            Selector::AnyValue(key) => {
                json!({"matchExpressions": [{"key": key, "operator": "Exists"}]})
            }
        }
    }

    pub(super) fn conditions(&self) -> Value {
        let conditions = self.requests.conditions.iter();
        conditions
            .map(|(name, expression): &Condition| json!({"name": name, "expression": expression()}))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::NOT_CHECKED;

    #[test]
    fn every_rule_that_judges_objects_gets_them() {
        let judging = RULES.iter().filter(|rule| rule.object.is_some());
        let blind: Vec<_> = judging
            .filter(|rule| rule.object.as_ref().is_some_and(|at| at.matches.is_empty()))
            .map(|rule| rule.id)
            .collect();
        // What could not be read can be missed wherever another rule judges.
        assert_eq!(blind, [NOT_CHECKED]);
        assert!(
            MUTATIONS
                .iter()
                .all(|mutation| !mutation.matches.is_empty())
        );
    }
}
