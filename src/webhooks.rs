//! The webhook configurations: which requests the API server brings to the guard.
//!
//! As narrow as the API server can match: an object that no Camunda chart could have made causes no call. A guard
//! that is down must not stop a cluster, so every webhook on namespaced objects exists twice: it fails closed in
//! namespaces labelled [`ENFORCE`] and open in all others. While the guard is up it judges alike in both.

mod table;

use serde_json::{Value, json};

use self::table::{CONFIGURATION, IGNORED, NAMESPACES, OVERRIDES, Webhook};
use crate::{
    cluster::Right,
    matching::{Match, Phase},
};

/// The label, with the value `true`, of namespaces where guarded writes wait for the guard.
pub const ENFORCE: &str = "camunda-upgrade-guard/enforce";

/// The label, with the value `true`, of namespaces that the guard leaves alone.
pub const IGNORE: &str = "camunda-upgrade-guard/ignore";

/// The virtual verb, group and resource that whoever takes a namespace from the guard must be allowed.
pub const IGNORE_RIGHT: Right = ("ignore", "camunda-upgrade-guard", "namespaces");

/// The name of both configurations, and the end of every webhook's name.
pub const NAME: &str = "camunda-upgrade-guard";

/// The label that every namespace has, with its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// What cert-manager's CA injector looks for.
const INJECT_CA_FROM: &str = "cert-manager.io/inject-ca-from";

/// Where the API server finds the guard.
#[derive(Clone, Debug)]
pub enum Address {
    /// `https://HOST:PORT`, for a guard outside the cluster.
    Url(String),
    /// A Service.
    Service {
        /// Its namespace, of which nothing but the guard's configuration is matched: the guard must be able to repair itself.
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
    /// The guard writes it in, and keeps it right.
    SelfManaged,
}

/// Both configurations, for a guard at `address` with certificates of a trusted CA.
pub fn configurations(address: &Address, trust: &Trust) -> [Value; 2] {
    let configuration = |kind: &str, path: &str, phase: Phase| {
        let webhooks: Vec<_> = table::webhooks(phase)
            .iter()
            .flat_map(|webhook| match webhook.requests.name {
                CONFIGURATION => doubled(webhook, address, "/configuration", trust),
                _ => doubled(webhook, address, path, trust),
            })
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
            Phase::Validating,
        ),
        configuration("MutatingWebhookConfiguration", "/mutate", Phase::Mutating),
    ]
}

/// A webhook on namespaced objects once for enforced namespaces and once for the others; a volume has no namespace
/// to choose by, so it fails open. What takes a namespace from the guard fails closed. The guard's own configuration
/// is in one namespace, if the guard is in the cluster.
fn doubled(webhook: &Webhook, address: &Address, path: &str, trust: &Trust) -> Vec<Value> {
    let Match {
        name,
        namespaced,
        phase,
        ..
    } = *webhook.requests;
    let variants: &[(&str, &str, &str)] = match (name, address) {
        (CONFIGURATION, Address::Url(_)) => &[],
        (CONFIGURATION, Address::Service { .. }) => &[("observed", "Ignore", "")],
        _ if namespaced => &[("enforced", "Fail", "In"), ("observed", "Ignore", "NotIn")],
        (IGNORED, _) => &[("enforced", "Fail", "")],
        _ => &[("observed", "Ignore", "")],
    };
    variants
        .iter()
        .map(|(variant, policy, operator)| {
            let mut value = json!({
                "name": format!("{name}.{variant}.{NAME}"),
                "admissionReviewVersions": ["v1"],
                "clientConfig": client_config(address, path, trust),
                "rules": webhook.rules(),
                "objectSelector": webhook.selector(),
                "matchConditions": webhook.conditions(),
                "matchPolicy": "Equivalent",
                "failurePolicy": if name == OVERRIDES { "Fail" } else { policy },
                // Events, and none for a dry run.
                "sideEffects": "NoneOnDryRun",
                "timeoutSeconds": 5,
            });
            let selected = namespaces(name, namespaced, operator, address);
            if !selected.is_empty() {
                value["namespaceSelector"] = json!({"matchExpressions": selected});
            }
            if phase == Phase::Mutating {
                value["reinvocationPolicy"] = "Never".into();
            }
            value
        })
        .collect()
}

/// Returns what a webhook selects namespaces by.
fn namespaces(name: &str, namespaced: bool, operator: &str, address: &Address) -> Vec<Value> {
    let mut selected = Vec::new();
    if name == CONFIGURATION {
        if let Address::Service { namespace, .. } = address {
            selected.push(json!({"key": NAMESPACE_NAME, "operator": "In", "values": [namespace]}));
        }
        return selected;
    }
    if namespaced {
        selected.push(json!({"key": ENFORCE, "operator": operator, "values": ["true"]}));
    }
    if namespaced || [IGNORED, NAMESPACES].contains(&name) {
        selected.push(never_matched(address));
    }
    if namespaced && name != OVERRIDES {
        selected.push(json!({"key": IGNORE, "operator": "NotIn", "values": ["true"]}));
    }
    selected
}

fn never_matched(address: &Address) -> Value {
    let mut never = vec!["kube-system"];
    if let Address::Service { namespace, .. } = address {
        never.push(namespace);
    }
    json!({"key": NAMESPACE_NAME, "operator": "NotIn", "values": never})
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
        webhooks_at(&Address::Service {
            namespace: "guard".to_owned(),
            name: "guard".to_owned(),
        })
    }

    fn webhooks_at(address: &Address) -> Vec<Value> {
        configurations(address, &Trust::Bundle("Q0E=".to_owned()))
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
                .is_some_and(|name| name.starts_with(OVERRIDES) || name.starts_with(IGNORED))
            {
                assert_eq!(webhook["failurePolicy"], "Fail");
                continue;
            }
            let selector = webhook["namespaceSelector"]["matchExpressions"][0].clone();
            match webhook["failurePolicy"].as_str() {
                Some("Fail") => assert_eq!(selector["operator"], "In"),
                _ => assert!(selector["key"] != ENFORCE || selector["operator"] != "In"),
            }
        }
    }

    fn selects(webhook: &Value, expression: &Value) -> bool {
        let expressions = webhook.pointer("/namespaceSelector/matchExpressions");
        let mut expressions = expressions.and_then(Value::as_array).into_iter().flatten();
        expressions.any(|it| it == expression)
    }

    #[test]
    fn of_the_guards_own_namespace_only_the_configuration_is_matched() {
        let own = json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "guard"]});
        let (configuration, others): (Vec<_>, _) = webhooks().into_iter().partition(|webhook| {
            let name = webhook["name"].as_str().unwrap_or_default();
            name.starts_with(CONFIGURATION)
        });
        let [configuration] = &configuration[..] else {
            panic!("{configuration:?}");
        };
        assert_eq!(configuration["failurePolicy"], "Ignore");
        let path = "/clientConfig/service/path";
        assert_eq!(configuration.pointer(path).unwrap(), "/configuration");
        let only = json!([{"key": NAMESPACE_NAME, "operator": "In", "values": ["guard"]}]);
        let selected = "/namespaceSelector/matchExpressions";
        assert_eq!(configuration.pointer(selected).unwrap(), &only);
        for webhook in others {
            let of_volumes = webhook["rules"][0]["resources"] == json!(["persistentvolumes"]);
            assert_ne!(selects(&webhook, &own), of_volumes, "{webhook}");
        }
    }

    /// Its configuration is a file that the API server knows nothing of.
    #[test]
    fn a_guard_outside_the_cluster_has_no_config_map() {
        let address = Address::Url("https://guard.test".to_owned());
        let outside = webhooks_at(&address);
        let named = |webhook: &&Value| webhook["name"].as_str().unwrap().starts_with(CONFIGURATION);
        assert_eq!(outside.iter().filter(named).count(), 0);
        assert_eq!(outside.len(), webhooks().len() - 1);
    }

    #[test]
    fn an_ignored_namespace_is_matched_only_for_overrides() {
        let ignored = json!({"key": IGNORE, "operator": "NotIn", "values": ["true"]});
        for webhook in webhooks() {
            let name = webhook["name"].as_str().unwrap();
            let matched = [
                OVERRIDES,
                IGNORED,
                NAMESPACES,
                CONFIGURATION,
                "volume",
                "rebindings",
            ];
            let matched = matched.iter().any(|start| name.starts_with(start));
            assert_ne!(selects(&webhook, &ignored), matched, "{name}");
        }
    }
}
