//! What may be otherwise in an upgrade, or on the cluster before it.

use std::{collections::BTreeMap, sync::Arc};

use camunda_upgrade_guard::{
    change::ObjectChange,
    kubernetes::{Kind, Mounts, Object, ObjectRef},
    rules::secret_refs,
};
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};

use super::cases::Case;

/// A name that a shell would run, were it not quoted.
pub const HOSTILE: &str = "a';injected '$(injected)`injected`\"";

/// One edit.
#[derive(Clone, Debug)]
pub enum Edit {
    /// A StatefulSet has a claim template less.
    TemplateDropped(Index),
    /// A claim template has another name.
    TemplateRenamed(Index),
    /// A StatefulSet has another selector.
    SelectorChanged(Index),
    /// A StatefulSet has this many pods.
    Replicas(Index, u64),
    /// A StatefulSet is not in the new manifest.
    SetDropped(Index),
    /// A StatefulSet has another name.
    SetRenamed(Index, &'static str),
    /// All planned objects have other names.
    FullnameOverridden,
    /// All planned objects are of another namespace.
    NamespaceOverridden,
    /// A live StatefulSet takes its claims along.
    TakesClaimsAlong(Index),
    /// A Secret has other values.
    SecretRegenerated(Index),
    /// A Secret is not in the new manifest.
    SecretDropped(Index),
    /// A key of a planned Secret has another name.
    KeyRenamed(Index),
    /// A password is read from another Secret.
    ReadElsewhere(Index, Elsewhere),
    /// A claim is in this phase.
    Phase(Index, &'static str),
    /// A volume was released by its claim, which is gone.
    Released(Index),
    /// A volume is retained or not.
    Policy(Index, &'static str),
    /// Somebody else's workload reads a Secret.
    ReadByOthers(Index),
    /// Somebody else's workload mounts a claim.
    MountedByOthers(Index),
    /// A controller keeps a Secret.
    Controlled(Index),
    /// A claim that is to be mounted is there, with a volume of its own.
    ClaimTaken(Index),
    /// A Secret that is to be made or filled is there, with other values.
    SecretTaken(Index, bool),
}

/// The Secret that a password is read from.
#[derive(Clone, Copy, Debug)]
pub enum Elsewhere {
    /// It is not there.
    Absent,
    /// It is there, with another value.
    There,
    /// The same, and somebody else reads it.
    Read,
    /// It is not there and has a name that no shell may see.
    Hostile,
}

/// Any of them.
pub fn any_edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    let elsewhere = select(vec![
        Elsewhere::Absent,
        Elsewhere::There,
        Elsewhere::Read,
        Elsewhere::Hostile,
    ]);
    let of_sets = prop_oneof![
        index().prop_map(Edit::TemplateDropped),
        index().prop_map(Edit::TemplateRenamed),
        index().prop_map(Edit::SelectorChanged),
        (index(), 0..4u64).prop_map(|(at, pods)| Edit::Replicas(at, pods)),
        index().prop_map(Edit::SetDropped),
        (index(), select(vec!["renamed", HOSTILE])).prop_map(|(at, to)| Edit::SetRenamed(at, to)),
        Just(Edit::FullnameOverridden),
        Just(Edit::NamespaceOverridden),
        index().prop_map(Edit::TakesClaimsAlong),
    ];
    let of_secrets = prop_oneof![
        index().prop_map(Edit::SecretRegenerated),
        index().prop_map(Edit::SecretDropped),
        index().prop_map(Edit::KeyRenamed),
        (index(), elsewhere).prop_map(|(at, to)| Edit::ReadElsewhere(at, to)),
        index().prop_map(Edit::ReadByOthers),
        index().prop_map(Edit::Controlled),
        (index(), any::<bool>()).prop_map(|(at, read)| Edit::SecretTaken(at, read)),
    ];
    let phases = select(vec!["Pending", "Bound", "Lost"]);
    let policies = select(vec!["Retain", "Delete"]);
    let of_claims = prop_oneof![
        (index(), phases).prop_map(|(at, phase)| Edit::Phase(at, phase)),
        index().prop_map(Edit::Released),
        (index(), policies).prop_map(|(at, policy)| Edit::Policy(at, policy)),
        index().prop_map(Edit::MountedByOthers),
        index().prop_map(Edit::ClaimTaken),
    ];
    prop_oneof![of_sets, of_secrets, of_claims]
}

impl Edit {
    /// Does it, where there is something to do it to.
    pub fn apply(&self, case: &mut Case) {
        match self {
            Edit::TemplateDropped(at) => edit_set(case, at, |set| {
                if let Some(Value::Array(templates)) = set.pointer_mut("/spec/volumeClaimTemplates")
                {
                    templates.pop();
                }
            }),
            Edit::TemplateRenamed(at) => edit_set(case, at, |set| {
                if let Some(name) = set.pointer_mut("/spec/volumeClaimTemplates/0/metadata/name") {
                    *name = "renamed".into();
                }
            }),
            Edit::SelectorChanged(at) => edit_set(case, at, |set| {
                set["spec"]["selector"]["matchLabels"]["other"] = "label".into();
            }),
            Edit::Replicas(at, pods) => edit_set(case, at, |set| {
                set["spec"]["replicas"] = (*pods).into();
            }),
            Edit::SetDropped(at) => drop_planned(case, at, Kind::StatefulSet),
            Edit::SetRenamed(at, to) => {
                let sets = planned(case, Kind::StatefulSet);
                if !sets.is_empty() {
                    let old = case.change.objects[*at.get(&sets)].object.clone();
                    let new = format!("{}-{to}", old.name);
                    rename(case, |it| (*it == old).then(|| new.clone()));
                }
            }
            Edit::FullnameOverridden => rename(case, |it| {
                let rest = it.name.strip_prefix("camunda-")?;
                Some(format!("orders-{rest}"))
            }),
            Edit::NamespaceOverridden => {
                let all = |it: &ObjectRef| Some(ObjectRef::new(it.kind, "elsewhere", &it.name));
                replace(case, all);
            }
            Edit::TakesClaimsAlong(at) => edit_live(case, at, Kind::StatefulSet, |set| {
                set["spec"]["persistentVolumeClaimRetentionPolicy"] =
                    json!({"whenDeleted": "Delete", "whenScaled": "Retain"});
            }),
            Edit::ReadElsewhere(at, to) => read_elsewhere(case, at, *to),
            other => other.apply_to_secrets_and_claims(case),
        }
    }

    fn apply_to_secrets_and_claims(&self, case: &mut Case) {
        match self {
            Edit::SecretRegenerated(at) => edit_planned(case, at, Kind::Secret, |secret| {
                for field in ["data", "stringData"] {
                    let values = secret.get_mut(field).and_then(Value::as_object_mut);
                    for value in values.into_iter().flat_map(|it| it.values_mut()) {
                        *value = "bmV3bHktbWFkZS11cA==".into();
                    }
                }
            }),
            Edit::SecretDropped(at) => drop_planned(case, at, Kind::Secret),
            Edit::KeyRenamed(at) => edit_planned(case, at, Kind::Secret, |secret| {
                for field in ["data", "stringData"] {
                    let Some(Value::Object(values)) = secret.get_mut(field) else {
                        continue;
                    };
                    if let Some(key) = values.keys().next().cloned() {
                        let value = values.remove(&key).unwrap();
                        values.insert(format!("{key}-renamed"), value);
                    }
                }
            }),
            Edit::Phase(at, phase) => edit_live(case, at, Kind::PersistentVolumeClaim, |claim| {
                claim["status"]["phase"] = (*phase).into();
            }),
            Edit::Released(at) => {
                if let Some(volume) = live(case, at, Kind::PersistentVolume) {
                    let claim = case.live.0[&volume]
                        .str("/spec/claimRef/name")
                        .unwrap_or("");
                    let claim = ObjectRef::new(Kind::PersistentVolumeClaim, "camunda", claim);
                    case.live.0.remove(&claim);
                    let volume = case.live.0.get_mut(&volume).unwrap();
                    volume.0["status"] = json!({"phase": "Released"});
                }
            }
            Edit::Policy(at, policy) => edit_live(case, at, Kind::PersistentVolume, |volume| {
                volume["spec"]["persistentVolumeReclaimPolicy"] = (*policy).into();
            }),
            Edit::ReadByOthers(at) => {
                if let Some(secret) = live(case, at, Kind::Secret) {
                    add_reader(case, &secret);
                }
            }
            Edit::MountedByOthers(at) => {
                if let Some(claim) = live(case, at, Kind::PersistentVolumeClaim) {
                    let volume =
                        json!({"name": "v", "persistentVolumeClaim": {"claimName": claim.name}});
                    add_other(
                        case,
                        &claim.namespace,
                        json!({"volumes": [volume], "containers": []}),
                    );
                }
            }
            Edit::Controlled(at) => edit_live(case, at, Kind::Secret, |secret| {
                secret["metadata"]["ownerReferences"] =
                    json!([{"kind": "ExternalSecret", "name": "x", "controller": true}]);
            }),
            Edit::ClaimTaken(at) => take_claim(case, at),
            Edit::SecretTaken(at, read) => take_secret(case, at, *read),
            _ => {}
        }
    }
}

/// The places of the planned objects of a kind.
fn planned(case: &Case, kind: Kind) -> Vec<usize> {
    let objects = case.change.objects.iter().enumerate();
    let planned = objects.filter(|(_, it)| it.object.kind == kind && it.planned.is_some());
    planned.map(|(index, _)| index).collect()
}

fn edit_planned(case: &mut Case, at: &Index, kind: Kind, edit: impl FnOnce(&mut Value)) {
    let places = planned(case, kind);
    if places.is_empty() {
        return;
    }
    let object = &mut case.change.objects[*at.get(&places)];
    let mut planned = Object::clone(object.planned.as_deref().unwrap());
    edit(&mut planned.0);
    object.planned = Some(Arc::new(planned));
}

fn edit_set(case: &mut Case, at: &Index, edit: impl FnOnce(&mut Value)) {
    edit_planned(case, at, Kind::StatefulSet, edit);
}

fn drop_planned(case: &mut Case, at: &Index, kind: Kind) {
    let places = planned(case, kind);
    if places.is_empty() {
        return;
    }
    let place = *at.get(&places);
    case.change.objects[place].planned = None;
    case.change
        .objects
        .retain(|it| it.planned.is_some() || it.running.is_some());
}

/// Plans objects under other references; those from before go.
fn replace(case: &mut Case, to: impl Fn(&ObjectRef) -> Option<ObjectRef>) {
    let mut come = Vec::new();
    for object in &mut case.change.objects {
        let Some(new) = to(&object.object).filter(|_| object.planned.is_some()) else {
            continue;
        };
        let mut planned = Object::clone(object.planned.take().as_deref().unwrap());
        planned.0["metadata"]["name"] = new.name.as_str().into();
        if planned.namespace().is_some() {
            planned.0["metadata"]["namespace"] = new.namespace.as_str().into();
        }
        come.push(ObjectChange {
            object: new,
            planned: Some(Arc::new(planned)),
            running: None,
            ..object.clone()
        });
    }
    case.change.objects.retain(|it| it.running.is_some());
    case.change.objects.extend(come);
}

/// The same with other names, which whatever is planned calls them by.
fn rename(case: &mut Case, to: impl Fn(&ObjectRef) -> Option<String>) {
    let objects = case.change.objects.iter();
    let names: BTreeMap<_, _> = objects
        .filter_map(|it| Some((it.object.name.clone(), to(&it.object)?)))
        .collect();
    replace(case, |it| {
        Some(ObjectRef::new(it.kind, &it.namespace, &to(it)?))
    });
    for object in &mut case.change.objects {
        if let Some(planned) = &object.planned {
            let mut planned = Object::clone(planned);
            call_otherwise(&mut planned.0, &names);
            object.planned = Some(Arc::new(planned));
        }
    }
}

fn call_otherwise(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = names.get(text) {
                new.clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| call_otherwise(it, names)),
        Value::Object(fields) => {
            fields
                .iter_mut()
                .filter(|(field, _)| *field != "labels" && *field != "matchLabels")
                .for_each(|(_, it)| call_otherwise(it, names));
        }
        _ => {}
    }
}

fn live(case: &Case, at: &Index, kind: Kind) -> Option<ObjectRef> {
    let all: Vec<_> = case.live.0.keys().filter(|it| it.kind == kind).collect();
    (!all.is_empty()).then(|| (*at.get(&all)).clone())
}

fn edit_live(case: &mut Case, at: &Index, kind: Kind, edit: impl FnOnce(&mut Value)) {
    if let Some(reference) = live(case, at, kind) {
        edit(&mut case.live.0.get_mut(&reference).unwrap().0);
    }
}

/// A Deployment that is nobody's here.
fn add_other(case: &mut Case, namespace: &str, pods: Value) {
    let name = format!("somebody-elses-{}", case.live.0.len());
    let reference = ObjectRef::new(Kind::Deployment, namespace, &name);
    let deployment = json!({
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": "other"}},
        "spec": {"replicas": 1, "template": {"spec": pods}},
    });
    case.live.0.insert(reference, Object(deployment));
}

fn add_reader(case: &mut Case, secret: &ObjectRef) {
    let from = json!([{"secretRef": {"name": secret.name}}]);
    let pods = json!({"containers": [{"name": "c", "image": "x", "envFrom": from}]});
    add_other(case, &secret.namespace, pods);
}

fn new_secret(case: &mut Case, secret: &ObjectRef, keys: &[String]) {
    let data = keys
        .iter()
        .map(|key| (key.clone(), "c29tZWJvZHktZWxzZXM=".into()));
    let data: serde_json::Map<String, Value> = data.collect();
    let made =
        json!({"metadata": {"name": secret.name, "namespace": secret.namespace}, "data": data});
    case.live.0.insert(secret.clone(), Object(made));
}

fn read_elsewhere(case: &mut Case, at: &Index, to: Elsewhere) {
    let variables: Vec<_> = [Kind::StatefulSet, Kind::Deployment]
        .iter()
        .flat_map(|kind| planned(case, *kind))
        .flat_map(|place| {
            let planned = case.change.objects[place].planned.as_deref().unwrap();
            let count = planned.array("/spec/template/spec/containers/0/env").len();
            (0..count).map(move |variable| (place, variable))
        })
        .filter(|(place, variable)| {
            let planned = case.change.objects[*place].planned.as_deref().unwrap();
            let path =
                format!("/spec/template/spec/containers/0/env/{variable}/valueFrom/secretKeyRef");
            planned.at(&path).is_some()
        })
        .collect();
    if variables.is_empty() {
        return;
    }
    let (place, variable) = *at.get(&variables);
    let object = &mut case.change.objects[place];
    let mut planned = Object::clone(object.planned.as_deref().unwrap());
    let path = format!("/spec/template/spec/containers/0/env/{variable}/valueFrom/secretKeyRef");
    let read = planned.0.pointer_mut(&path).unwrap();
    let name = match to {
        Elsewhere::Hostile => HOSTILE,
        _ => "mine",
    };
    read["name"] = name.into();
    let key = read["key"].as_str().unwrap_or_default().to_owned();
    object.planned = Some(Arc::new(planned));
    let secret = ObjectRef::new(Kind::Secret, &object.object.namespace, name);
    if matches!(to, Elsewhere::There | Elsewhere::Read) {
        new_secret(case, &secret, &[key]);
    }
    if matches!(to, Elsewhere::Read) {
        add_reader(case, &secret);
    }
}

/// A claim that a planned StatefulSet mounts and that is not there yet.
fn take_claim(case: &mut Case, at: &Index) {
    let mut names = Vec::new();
    for place in planned(case, Kind::StatefulSet) {
        let object = &case.change.objects[place];
        let mounts = Mounts::of(object.planned.as_deref().unwrap());
        for template in &mounts.templates {
            for ordinal in 0..mounts.replicas {
                let claim = mounts.claim(template, ordinal);
                let namespace = &object.object.namespace;
                names.push(ObjectRef::new(
                    Kind::PersistentVolumeClaim,
                    namespace,
                    &claim,
                ));
            }
        }
    }
    names.retain(|it| !case.live.0.contains_key(it));
    if names.is_empty() {
        return;
    }
    let claim = at.get(&names).clone();
    let volume = format!("own-{}", claim.name);
    let made = json!({
        "metadata": {"name": claim.name, "namespace": claim.namespace, "uid": "uid-own"},
        "spec": {"volumeName": volume, "storageClassName": "standard"}, "status": {"phase": "Bound"},
    });
    let reference = ObjectRef::new(Kind::PersistentVolume, "", &volume);
    let volume = json!({
        "metadata": {"name": volume},
        "spec": {"claimRef": {"namespace": claim.namespace, "name": claim.name, "uid": "uid-own"},
            "persistentVolumeReclaimPolicy": "Retain"},
    });
    case.live.0.insert(claim, Object(made));
    case.live.0.insert(reference, Object(volume));
}

/// A Secret that something planned reads and that is not there yet.
fn take_secret(case: &mut Case, at: &Index, read: bool) {
    let mut wanted: BTreeMap<ObjectRef, Vec<String>> = BTreeMap::new();
    for object in &case.change.objects {
        let planned = object.planned.as_deref();
        let refs = planned.into_iter().flat_map(secret_refs);
        for read in refs {
            let secret = ObjectRef::new(Kind::Secret, &object.object.namespace, &read.secret);
            if !case.live.0.contains_key(&secret) {
                wanted.entry(secret).or_default().extend(read.key);
            }
        }
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    if wanted.is_empty() {
        return;
    }
    let (secret, keys) = at.get(&wanted).clone();
    new_secret(case, &secret, &keys);
    if read {
        add_reader(case, &secret);
    }
}
