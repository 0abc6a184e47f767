//! `gateway-renamed`: something still refers to the Zeebe Gateway's ConfigMap or ServiceAccount by its old name.
//!
//! Chart 8.3.1 calls both `RELEASE-zeebe-gateway` instead of `RELEASE-zeebe-gateway-gateway`, and Helm deletes the old
//! ones. What the release itself renders follows; what somebody wrote beside it, or with Kustomize, does not.
//!
//! Chart 8.3.1. Documented: "v8.3.1", Zeebe Gateway.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Judge, Rule};

use crate::{
    camunda::{Application, HELM_RELEASE},
    change::{Change, Facts, RESOURCE_POLICY, Wanted},
    finding::{Action, Finding, Fix, Kubectl, RuleId, guide},
    kubernetes::{Kind, Object, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::GatewayRenamed,
    summary: "something refers to the Zeebe Gateway's ConfigMap or ServiceAccount by its old name",
    guide: guide::ZEEBE_GATEWAY,
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/gateway-renamed.md"),
    needs: &[needs],
    judge: Judge::Alone(judge),
};

/// The end of the old name, of which the new one lacks the second half.
const OLD: &str = "-gateway-gateway";

/// The kinds that may refer to it.
const REFERRING: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::RoleBinding];

/// A name that the new chart no longer uses.
#[derive(Debug)]
struct Renamed {
    /// The namespace.
    namespace: String,
    /// The old name.
    old: String,
    /// The new one.
    new: String,
    /// Whether the gateway runs under a ServiceAccount of the old name.
    account: bool,
}

impl Renamed {
    /// The ConfigMap of the old name.
    fn config_map(&self) -> ObjectRef {
        ObjectRef::new(Kind::ConfigMap, &self.namespace, &self.old)
    }
}

/// Returns the objects that may refer to the old name, and the ConfigMap of that name.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let renamed = renamed_gateway(change).filter(|_| facts.is_none());
    let wanted = renamed
        .into_iter()
        .flat_map(|Renamed { namespace, old, .. }| {
            let map = Wanted::One(ObjectRef::new(Kind::ConfigMap, &namespace, &old));
            let all = REFERRING.map(|kind| Wanted::All(kind, namespace.clone()));
            all.into_iter().chain([map])
        });
    wanted.collect()
}

/// Returns the renamed gateway, found by the ConfigMaps that it mounts before and after.
fn renamed_gateway(change: &Change) -> Option<Renamed> {
    let mut gateways = change
        .of_kind(Kind::Deployment)
        .filter(|gateway| gateway.camunda);
    gateways.find_map(|gateway| {
        let (running, planned) = (gateway.running.as_deref()?, gateway.planned.as_deref()?);
        if Application::of(planned) != Some(Application::GATEWAY) {
            return None;
        }
        let old = config_maps(running).find(|name| name.ends_with(OLD))?;
        let new = old.strip_suffix("-gateway")?;
        (!config_maps(planned).any(|name| name == old)).then(|| Renamed {
            namespace: gateway.object.namespace.clone(),
            old: old.to_owned(),
            new: new.to_owned(),
            account: running.str("/spec/template/spec/serviceAccountName") == Some(old),
        })
    })
}

fn config_maps(workload: &Object) -> impl Iterator<Item = &str> {
    workload
        .array("/spec/template/spec/volumes")
        .iter()
        .filter_map(|volume| volume.pointer("/configMap/name")?.as_str())
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    finding(change, facts).into_iter().collect()
}

fn finding(change: &Change, facts: &Facts) -> Option<Finding> {
    let renamed = renamed_gateway(change)?;
    let Renamed {
        namespace,
        old,
        new,
        ..
    } = &renamed;
    // What Helm leaves alone nobody misses.
    if facts.keeps(&renamed.config_map()) {
        return None;
    }
    let own: BTreeSet<_> = change.objects.iter().map(|object| &object.object).collect();
    let planned = change.objects.iter().filter_map(|object| {
        let refers = object
            .planned
            .as_deref()
            .is_some_and(|planned| refers(planned, old));
        (object.object.namespace == *namespace && refers).then(|| object.object.clone())
    });
    let beside = REFERRING.iter().flat_map(|kind| {
        facts
            .of_kind(*kind)
            .filter(|object| object.namespace() == Some(namespace) && refers(object, old))
            .filter(|object| object.annotation(HELM_RELEASE) != Some(&change.release))
            .map(|object| ObjectRef::new(*kind, namespace, object.name()))
            .filter(|object| !own.contains(object))
    });
    let beside: Vec<_> = beside.collect();
    // What is live and nobody's here is proof; what the release brings along its owner can still put right.
    let (action, fixes) = match beside.is_empty() {
        true => (Action::Warn, Vec::new()),
        false => (Action::Deny, vec![keep(&renamed)]),
    };
    let referring: Vec<_> = planned.chain(beside).collect();
    let names: Vec<_> = referring.iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| Finding {
        rule: RULE.id,
        action,
        title: format!("{old} is called {new} from chart 8.3.1 on"),
        why: vec![format!(
            "Helm deletes the ConfigMap and the ServiceAccount of the old name, to which these refer: {}. Have them refer to the new one.",
            names.join(", ")
        )],
        objects: referring,
        fixes,
        guide: RULE.guide,
    })
}

/// They can refer to the new name only once it is there.
fn keep(renamed: &Renamed) -> Fix {
    let Renamed {
        namespace,
        old,
        account,
        ..
    } = renamed;
    let policy = format!("{RESOURCE_POLICY}=keep");
    let (config_map, service_account) =
        (format!("configmap/{old}"), format!("serviceaccount/{old}"));
    let mut words = vec!["annotate", config_map.as_str()];
    if *account {
        words.push(&service_account);
    }
    words.push(&policy);
    Fix::new(
        "Have Helm leave the old ones where they are, until all that refers to them refers to the new name:",
        [Kubectl::new(namespace, words)],
    )
}

/// Whether a pod template or the subjects of a role binding refer to the name.
fn refers(object: &Object, name: &str) -> bool {
    ["/spec/template/spec", "/subjects"]
        .iter()
        .filter_map(|pointer| object.at(pointer))
        .any(|value| names(value, name))
}

fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(map) => map.values().any(|item| names(item, name)),
        _ => false,
    }
}
