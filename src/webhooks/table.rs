//! The webhooks, before each is doubled: their rules, selectors and conditions.

use serde_json::{Value, json};

use super::conditions;
use crate::overrides::LABEL;

/// A webhook before it is doubled.
pub(super) struct Webhook {
    pub(super) name: &'static str,
    rules: &'static [Rule],
    selector: Selector,
    conditions: &'static [Condition],
    pub(super) namespaced: bool,
}

/// An API group, its resources and the operations.
type Rule = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// A name, and the function that returns the CEL expression.
type Condition = (&'static str, fn() -> String);

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

/// The webhook that checks who takes a namespace from the guard.
pub(super) const NAMESPACES: &str = "namespaces";

pub(super) const VALIDATING: [Webhook; 11] = [
    Webhook {
        name: "releases",
        rules: &[("", &["secrets", "configmaps"], &["CREATE"])],
        // Helm finds its records by this label, so without it a record is not one.
        selector: Selector::Label("owner", "helm"),
        conditions: &[("release-record", conditions::release_record)],
        namespaced: true,
    },
    Webhook {
        name: OVERRIDES,
        rules: &[("", &["configmaps"], &["CREATE", "UPDATE"])],
        selector: Selector::AnyValue(LABEL),
        conditions: &[],
        namespaced: true,
    },
    Webhook {
        name: "secrets",
        rules: &[("", &["secrets"], &["CREATE", "UPDATE"])],
        selector: Selector::All,
        conditions: &[
            ("generated-credential", conditions::generated_credential),
            ("not-being-deleted", conditions::not_being_deleted),
        ],
        namespaced: true,
    },
    Webhook {
        name: "secret-deletions",
        rules: &[("", &["secrets"], &["DELETE"])],
        selector: Selector::All,
        conditions: &[
            ("credential", conditions::deleted_credential),
            ("not-a-controller", conditions::not_a_controller),
        ],
        namespaced: true,
    },
    Webhook {
        name: "statefulsets",
        rules: &[("apps", &["statefulsets"], &["CREATE"])],
        selector: Selector::All,
        conditions: &[("elasticsearch", conditions::elasticsearch)],
        namespaced: true,
    },
    Webhook {
        name: "clones",
        rules: &[("", &["persistentvolumeclaims"], &["CREATE"])],
        selector: Selector::All,
        conditions: &[("clone", conditions::elasticsearch_clone)],
        namespaced: true,
    },
    Webhook {
        name: "claim-deletions",
        rules: &[("", &["persistentvolumeclaims"], &["DELETE"])],
        selector: Selector::All,
        conditions: &[
            ("bound-claim", conditions::bound_claim),
            ("not-tidied-up", conditions::not_tidied_up),
        ],
        namespaced: true,
    },
    Webhook {
        name: "volume-deletions",
        rules: &[("", &["persistentvolumes"], &["DELETE"])],
        selector: Selector::All,
        conditions: &[
            ("bound-volume", conditions::bound_volume),
            ("not-tidied-up", conditions::not_tidied_up),
        ],
        namespaced: false,
    },
    Webhook {
        name: "rebindings",
        rules: &[("", &["persistentvolumes"], &["UPDATE"])],
        selector: Selector::All,
        conditions: &[
            ("claim-changed", conditions::claim_changed),
            ("not-being-deleted", conditions::not_being_deleted),
        ],
        namespaced: false,
    },
    // An edit of the StatefulSet itself comes in at the mutating endpoint.
    Webhook {
        name: "scales",
        rules: &[("apps", &["statefulsets/scale"], &["UPDATE"])],
        selector: Selector::All,
        conditions: &[("pods-reduced", conditions::pods_reduced)],
        namespaced: true,
    },
    Webhook {
        name: NAMESPACES,
        rules: &[("", &["namespaces"], &["CREATE", "UPDATE"])],
        selector: Selector::All,
        conditions: &[
            ("taken-from-the-guard", conditions::taken_from_the_guard),
            ("not-being-deleted", conditions::not_being_deleted),
        ],
        namespaced: false,
    },
];

pub(super) const MUTATING: [Webhook; 3] = [
    Webhook {
        name: "workloads",
        rules: &[
            ("apps", &["statefulsets"], &["CREATE", "UPDATE"]),
            ("apps", &["deployments"], &["UPDATE"]),
            ("batch", &["jobs"], &["UPDATE"]),
        ],
        selector: Selector::All,
        conditions: &[
            ("camunda-workload", conditions::camunda_workload),
            ("spec-changed", conditions::spec_changed),
            ("not-being-deleted", conditions::not_being_deleted),
        ],
        namespaced: true,
    },
    Webhook {
        name: "claims",
        rules: &[("", &["persistentvolumeclaims"], &["CREATE"])],
        selector: Selector::All,
        conditions: &[("camunda-claim", conditions::camunda_claim)],
        namespaced: true,
    },
    Webhook {
        name: "volumes",
        rules: &[("", &["persistentvolumes"], &["CREATE", "UPDATE"])],
        selector: Selector::All,
        conditions: &[
            ("camunda-volume", conditions::camunda_volume),
            ("not-being-deleted", conditions::not_being_deleted),
        ],
        namespaced: false,
    },
];

impl Webhook {
    pub(super) fn rules(&self) -> Value {
        self.rules
            .iter()
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
        self.conditions
            .iter()
            .map(|(name, expression)| json!({"name": name, "expression": expression()}))
            .collect()
    }
}
