//! The webhooks, each before it is doubled: what it is about, and by which conditions.

use serde_json::{Value, json};

use super::conditions;
use crate::overrides::LABEL;

/// One webhook before it is doubled.
pub(super) struct Webhook {
    pub(super) name: &'static str,
    pub(super) rules: Value,
    pub(super) selector: Value,
    pub(super) conditions: Vec<(&'static str, String)>,
    pub(super) namespaced: bool,
}

/// The webhook that fails closed everywhere, ignored namespaces among the rest: an override whose writer nobody checked
/// must not come about.
pub(super) const OVERRIDES: &str = "overrides";

/// The webhook that sees who takes a namespace from the guard.
pub(super) const NAMESPACES: &str = "namespaces";

pub(super) fn validating() -> Vec<Webhook> {
    vec![
        Webhook {
            name: "releases",
            rules: rules(&[("", &["secrets", "configmaps"], &["CREATE"])]),
            // Helm finds its records by this label, so a record without it is none.
            selector: json!({"matchLabels": {"owner": "helm"}}),
            conditions: vec![("release-record", conditions::release_record())],
            namespaced: true,
        },
        Webhook {
            name: OVERRIDES,
            rules: rules(&[("", &["configmaps"], &["CREATE", "UPDATE"])]),
            selector: json!({"matchExpressions": [{"key": LABEL, "operator": "Exists"}]}),
            conditions: Vec::new(),
            namespaced: true,
        },
        Webhook {
            name: "secrets",
            rules: rules(&[("", &["secrets"], &["CREATE", "UPDATE"])]),
            selector: json!({}),
            conditions: vec![
                ("generated-credential", conditions::generated_credential()),
                ("not-being-deleted", conditions::not_being_deleted()),
            ],
            namespaced: true,
        },
        Webhook {
            name: "secret-deletions",
            rules: rules(&[("", &["secrets"], &["DELETE"])]),
            selector: json!({}),
            conditions: vec![
                ("credential", conditions::deleted_credential()),
                ("not-a-controller", conditions::not_a_controller()),
            ],
            namespaced: true,
        },
        Webhook {
            name: "statefulsets",
            rules: rules(&[("apps", &["statefulsets"], &["CREATE"])]),
            selector: json!({}),
            conditions: vec![("elasticsearch", conditions::elasticsearch())],
            namespaced: true,
        },
        Webhook {
            name: "clones",
            rules: rules(&[("", &["persistentvolumeclaims"], &["CREATE"])]),
            selector: json!({}),
            conditions: vec![("clone", conditions::elasticsearch_clone())],
            namespaced: true,
        },
        Webhook {
            name: "claim-deletions",
            rules: rules(&[("", &["persistentvolumeclaims"], &["DELETE"])]),
            selector: json!({}),
            conditions: vec![
                ("bound-claim", conditions::bound_claim()),
                ("not-tidied-up", conditions::not_tidied_up()),
            ],
            namespaced: true,
        },
        Webhook {
            name: "volume-deletions",
            rules: rules(&[("", &["persistentvolumes"], &["DELETE"])]),
            selector: json!({}),
            conditions: vec![
                ("bound-volume", conditions::bound_volume()),
                ("not-tidied-up", conditions::not_tidied_up()),
            ],
            namespaced: false,
        },
        Webhook {
            name: "rebindings",
            rules: rules(&[("", &["persistentvolumes"], &["UPDATE"])]),
            selector: json!({}),
            conditions: vec![
                ("claim-changed", conditions::claim_changed()),
                ("not-being-deleted", conditions::not_being_deleted()),
            ],
            namespaced: false,
        },
        // An edit of the StatefulSet itself comes in at the mutating endpoint.
        Webhook {
            name: "scales",
            rules: rules(&[("apps", &["statefulsets/scale"], &["UPDATE"])]),
            selector: json!({}),
            conditions: vec![("pods-reduced", conditions::pods_reduced())],
            namespaced: true,
        },
        Webhook {
            name: NAMESPACES,
            rules: rules(&[("", &["namespaces"], &["CREATE", "UPDATE"])]),
            selector: json!({}),
            conditions: vec![
                ("taken-from-the-guard", conditions::taken_from_the_guard()),
                ("not-being-deleted", conditions::not_being_deleted()),
            ],
            namespaced: false,
        },
    ]
}

pub(super) fn mutating() -> Vec<Webhook> {
    vec![
        Webhook {
            name: "workloads",
            rules: rules(&[
                ("apps", &["statefulsets"], &["CREATE", "UPDATE"]),
                ("apps", &["deployments"], &["UPDATE"]),
                ("batch", &["jobs"], &["UPDATE"]),
            ]),
            selector: json!({}),
            conditions: vec![
                ("camunda-workload", conditions::camunda_workload()),
                ("spec-changed", conditions::spec_changed()),
                ("not-being-deleted", conditions::not_being_deleted()),
            ],
            namespaced: true,
        },
        Webhook {
            name: "claims",
            rules: rules(&[("", &["persistentvolumeclaims"], &["CREATE"])]),
            selector: json!({}),
            conditions: vec![("camunda-claim", conditions::camunda_claim())],
            namespaced: true,
        },
        Webhook {
            name: "volumes",
            rules: rules(&[("", &["persistentvolumes"], &["CREATE", "UPDATE"])]),
            selector: json!({}),
            conditions: vec![
                ("camunda-volume", conditions::camunda_volume()),
                ("not-being-deleted", conditions::not_being_deleted()),
            ],
            namespaced: false,
        },
    ]
}

fn rules(rules: &[(&str, &[&str], &[&str])]) -> Value {
    rules
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
