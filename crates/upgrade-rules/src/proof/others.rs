//! What a command would take from others: a value that they read, a claim that they mount, a workload that is theirs.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

use crate::{
    camunda::release_label,
    change::{Change, Facts, secret_data},
    finding::Source,
    knowledge::{
        claims::named_claim,
        configuration::config_maps,
        credentials::{
            env_source,
            overwritten::{self, Owner},
            values::{self, Value as Known},
        },
    },
    kubernetes::{Kind, Mounts, Object, ObjectRef, replicas},
};

/// What would be taken from whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// A key of a Secret.
    Key {
        secret: ObjectRef,
        key: String,
        owner: Owner,
    },
    /// A ConfigMap that a workload reads.
    Configuration { map: ObjectRef, reader: ObjectRef },
    /// The volume of a claim that a workload mounts.
    Claim { claim: ObjectRef, user: ObjectRef },
    /// A workload that is none of the release's.
    Workload(ObjectRef),
}

/// Formats it behind "What would cure this".
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loss::Key { secret, key, owner } => {
                write!(f, "writes over {key} of {secret}, which ")?;
                match owner {
                    Owner::Reader(reader) => write!(f, "{reader} reads"),
                    Owner::Controller => f.write_str("a controller keeps"),
                    Owner::Somebody => f.write_str("Camunda's charts did not make"),
                }
            }
            Loss::Configuration { map, reader } => {
                write!(f, "writes over {map}, which {reader} reads")
            }
            Loss::Claim { claim, user } => {
                write!(f, "takes the volume of {claim}, which {user} mounts")
            }
            Loss::Workload(workload) => {
                write!(f, "changes {workload}, which is not of this release")
            }
        }
    }
}

/// The kinds whose pods read and mount.
const WORKLOADS: [Kind; 3] = [Kind::StatefulSet, Kind::Deployment, Kind::Job];

/// Returns what somebody loses where an object becomes another one, or goes.
pub(super) fn loss(
    change: &Change,
    facts: &Facts,
    reference: &ObjectRef,
    before: &Object,
    after: Option<&Object>,
) -> Option<Loss> {
    match reference.kind {
        Kind::Secret => key(change, facts, reference, before, after),
        Kind::ConfigMap => configuration(facts, reference, before, after),
        Kind::PersistentVolume => {
            let claim = named_claim(before)?;
            let stays = after.and_then(named_claim).as_ref() == Some(&claim);
            let user = user(change, facts, &claim).filter(|_| !stays)?;
            Some(Loss::Claim { claim, user })
        }
        Kind::PersistentVolumeClaim => {
            let user = user(change, facts, reference).filter(|_| after.is_none())?;
            let claim = reference.clone();
            Some(Loss::Claim { claim, user })
        }
        Kind::StatefulSet | Kind::Deployment | Kind::Job => {
            let same = after.is_some_and(|after| after.at("/spec") == before.at("/spec"));
            let own = is_own(change, reference, before);
            (!same && !own).then(|| Loss::Workload(reference.clone()))
        }
        _ => None,
    }
}

fn is_own(change: &Change, reference: &ObjectRef, live: &Object) -> bool {
    change.find(reference).is_some() || release_label(live) == Some(change.release.as_str())
}

fn key(
    change: &Change,
    facts: &Facts,
    secret: &ObjectRef,
    before: &Object,
    after: Option<&Object>,
) -> Option<Loss> {
    let new = after.map(secret_data).unwrap_or_default();
    let old = secret_data(before);
    let changed = old
        .iter()
        .filter(|(key, value)| new.get(*key) != Some(value));
    let keys: BTreeSet<_> = changed.map(|(key, _)| *key).collect();
    keys.into_iter().find_map(|key| {
        let new = new.get(key).map(Vec::as_slice);
        let owner = overwritten::owner(change, facts, secret, key, new)?;
        Some(Loss::Key {
            secret: secret.clone(),
            key: key.to_owned(),
            owner,
        })
    })
}

fn configuration(
    facts: &Facts,
    map: &ObjectRef,
    before: &Object,
    after: Option<&Object>,
) -> Option<Loss> {
    let same = |field: &str| after.is_some_and(|after| after.at(field) == before.at(field));
    if same("/data") && same("/binaryData") {
        return None;
    }
    let reads = |workload: &Object| config_maps(workload).any(|it| it == map.name);
    let reader = find(facts, &map.namespace, reads)?;
    let map = map.clone();
    Some(Loss::Configuration { map, reader })
}

/// The first live workload of a namespace of which something is true.
fn find(facts: &Facts, namespace: &str, is_it: impl Fn(&Object) -> bool) -> Option<ObjectRef> {
    WORKLOADS.into_iter().find_map(|kind| {
        let mut all = facts.of_kind(kind);
        let found = all.find(|it| it.namespace() == Some(namespace) && is_it(it))?;
        Some(ObjectRef::new(kind, namespace, found.name()))
    })
}

/// A workload of somebody else that mounts a claim. The release's own pods are stopped, or the object rules refuse.
fn user(change: &Change, facts: &Facts, claim: &ObjectRef) -> Option<ObjectRef> {
    WORKLOADS.into_iter().find_map(|kind| {
        let mut all = facts.of_kind(kind).filter(|workload| {
            workload.namespace() == Some(claim.namespace.as_str())
                && mounts(kind, workload, &claim.name)
        });
        all.find_map(|workload| {
            let reference = ObjectRef::new(kind, &claim.namespace, workload.name());
            (!is_own(change, &reference, workload)).then_some(reference)
        })
    })
}

fn mounts(kind: Kind, workload: &Object, claim: &str) -> bool {
    let volumes = workload.array("/spec/template/spec/volumes").iter();
    let mut named = volumes.filter_map(|it| it.pointer("/persistentVolumeClaim/claimName"));
    let template = || {
        Mounts::of(workload)
            .parse(claim)
            .map(|(_, ordinal)| ordinal)
    };
    named.any(|name| name.as_str() == Some(claim))
        || kind == Kind::StatefulSet
            && template().is_some_and(|ordinal| ordinal < replicas(workload))
}

/// The value that a source prints.
pub(super) fn printed(facts: &Facts, source: &Source) -> Known {
    match source {
        Source::Secret {
            namespace,
            name,
            key,
        } => {
            let source = env_source::Source::Key {
                secret: name.clone(),
                key: key.clone(),
            };
            values::live(facts, namespace, &source)
        }
        Source::Variable {
            workload,
            container,
            variable,
        } => match in_place(facts, workload, container, variable) {
            Some(value) => Known::Known(value),
            None if facts.unread(workload) => Known::Unknown,
            None => Known::Missing,
        },
        Source::Command(_) => Known::Unknown,
    }
}

fn in_place(
    facts: &Facts,
    workload: &ObjectRef,
    container: &str,
    variable: &str,
) -> Option<Vec<u8>> {
    let live = facts.get(workload)?;
    let is_named =
        |value: &Value, name: &str| value.get("name").and_then(Value::as_str) == Some(name);
    let container = live.containers().find(|it| is_named(it, container))?;
    let env = container.get("env").and_then(Value::as_array)?;
    let found = env.iter().rfind(|it| is_named(it, variable))?;
    Some(found.get("value")?.as_str()?.as_bytes().to_vec())
}
