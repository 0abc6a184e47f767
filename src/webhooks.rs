//! The webhook configurations: which requests the API server brings to the guard.
//!
//! As narrow as the API server can match: an object that no Camunda chart could have made causes no call. A guard
//! that is down must not stop a cluster, so every webhook on namespaced objects exists twice: it fails closed in
//! namespaces labelled [`ENFORCE`] and open in all others. While the guard is up it judges alike in both.

mod conditions;

pub use self::conditions::CONTROLLERS;

use serde_json::{Value, json};

use crate::overrides::LABEL;

/// The label, with the value `true`, of namespaces where guarded writes wait for the guard.
pub const ENFORCE: &str = "camunda-upgrade-guard/enforce";

/// The name of both configurations, and the end of every webhook's name.
pub const NAME: &str = "camunda-upgrade-guard";

/// What cert-manager's CA injector looks for.
const INJECT_CA_FROM: &str = "cert-manager.io/inject-ca-from";

/// Where the API server finds the guard.
#[derive(Clone, Debug)]
pub enum Address {
    /// `https://HOST:PORT`, for a guard outside the cluster.
    Url(String),
    /// A Service.
    Service {
        /// Its namespace, which is never matched: the guard must be able to repair itself.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// Which CA the API server is to trust there.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The base64 of its PEM.
    Bundle(String),
    /// The one of cert-manager's `NAMESPACE/CERTIFICATE`: its CA injector keeps it right.
    Injected(String),
}

/// One webhook before it is doubled.
struct Webhook {
    name: &'static str,
    rules: Value,
    selector: Value,
    conditions: Vec<(&'static str, String)>,
    namespaced: bool,
}

/// The webhook that fails closed everywhere: an override whose writer nobody checked must not come about.
const OVERRIDES: &str = "overrides";

/// Both configurations, for a guard at `address` with certificates of a trusted CA.
pub fn configurations(address: &Address, trust: &Trust) -> [Value; 2] {
    let configuration = |kind: &str, path: &str, webhooks: Vec<Webhook>, mutating: bool| {
        let webhooks: Vec<_> = webhooks
            .iter()
            .flat_map(|webhook| doubled(webhook, address, path, trust, mutating))
            .collect();
        let mut metadata = json!({"name": NAME, "labels": {"app.kubernetes.io/name": NAME}});
        if let Trust::Injected(certificate) = trust {
            metadata["annotations"] = json!({INJECT_CA_FROM: certificate});
        }
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": metadata,
            "webhooks": webhooks,
        })
    };
    [
        configuration(
            "ValidatingWebhookConfiguration",
            "/validate",
            validating(),
            false,
        ),
        configuration("MutatingWebhookConfiguration", "/mutate", mutating(), true),
    ]
}

fn validating() -> Vec<Webhook> {
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
            conditions: vec![("brokers-reduced", conditions::brokers_reduced())],
            namespaced: true,
        },
    ]
}

fn mutating() -> Vec<Webhook> {
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

/// A webhook on namespaced objects once for enforced namespaces and once for the others; a volume has no namespace
/// to choose by, so it fails open.
fn doubled(
    webhook: &Webhook,
    address: &Address,
    path: &str,
    trust: &Trust,
    mutating: bool,
) -> Vec<Value> {
    let variants: &[(&str, &str, &str)] = if webhook.namespaced {
        &[("enforced", "Fail", "In"), ("observed", "Ignore", "NotIn")]
    } else {
        &[("observed", "Ignore", "")]
    };
    variants
        .iter()
        .map(|(variant, policy, operator)| {
            let mut value = json!({
                "name": format!("{}.{variant}.{NAME}", webhook.name),
                "admissionReviewVersions": ["v1"],
                "clientConfig": client_config(address, path, trust),
                "rules": webhook.rules,
                "objectSelector": webhook.selector,
                "matchConditions": webhook.conditions.iter()
                    .map(|(name, expression)| json!({"name": name, "expression": expression}))
                    .collect::<Value>(),
                "matchPolicy": "Equivalent",
                "failurePolicy": if webhook.name == OVERRIDES { "Fail" } else { policy },
                // Events, and none for a dry run.
                "sideEffects": "NoneOnDryRun",
                "timeoutSeconds": 5,
            });
            if webhook.namespaced {
                value["namespaceSelector"] = namespaces(address, operator);
            }
            if mutating {
                value["reinvocationPolicy"] = "Never".into();
            }
            value
        })
        .collect()
}

fn namespaces(address: &Address, operator: &str) -> Value {
    let mut never = vec!["kube-system"];
    if let Address::Service { namespace, .. } = address {
        never.push(namespace);
    }
    json!({"matchExpressions": [
        {"key": ENFORCE, "operator": operator, "values": ["true"]},
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": never},
    ]})
}

fn client_config(address: &Address, path: &str, trust: &Trust) -> Value {
    let mut config = match address {
        Address::Url(url) => json!({"url": format!("{}{path}", url.trim_end_matches('/'))}),
        Address::Service { namespace, name } => json!({
            "service": {"namespace": namespace, "name": name, "path": path, "port": 443},
        }),
    };
    if let Trust::Bundle(bundle) = trust {
        config["caBundle"] = bundle.as_str().into();
    }
    config
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn webhooks() -> Vec<Value> {
        let address = Address::Service {
            namespace: "guard".to_owned(),
            name: "guard".to_owned(),
        };
        configurations(&address, &Trust::Bundle("Q0E=".to_owned()))
            .iter()
            .flat_map(|configuration| {
                configuration["webhooks"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default()
            })
            .collect()
    }

    #[test]
    fn every_namespaced_webhook_fails_closed_only_where_asked() {
        let names: BTreeSet<_> = webhooks()
            .iter()
            .map(|webhook| webhook["name"].to_string())
            .collect();
        assert_eq!(names.len(), webhooks().len(), "names must differ");
        for webhook in webhooks() {
            if webhook["name"]
                .as_str()
                .is_some_and(|name| name.starts_with(OVERRIDES))
            {
                assert_eq!(webhook["failurePolicy"], "Fail");
                continue;
            }
            let selector = webhook["namespaceSelector"]["matchExpressions"][0].clone();
            match webhook["failurePolicy"].as_str() {
                Some("Fail") => assert_eq!(selector["operator"], "In"),
                _ => assert_ne!(selector["operator"], "In"),
            }
        }
    }

    #[test]
    fn the_guards_own_namespace_is_never_matched() {
        for webhook in webhooks() {
            if let Some(never) = webhook.pointer("/namespaceSelector/matchExpressions/1/values") {
                assert_eq!(*never, json!(["kube-system", "guard"]));
            }
        }
    }
}
