//! The future of claims in the manifest: another line may rename them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Between, with};
use crate::{
    change::RenderedObject,
    kubernetes::{Kind, Object, ObjectRef},
};

/// Has claims and whatever mounts them go by the names of the new line; of several that become one, one is left.
pub(super) fn rename(between: &Between<'_>, objects: &mut Vec<RenderedObject>) {
    let entered = between.from.entered_to(between.to);
    let renamed: Vec<_> = entered
        .iter()
        .flat_map(|line| &line.renamed_claims)
        .collect();
    if renamed.is_empty() {
        return;
    }
    let mut names: BTreeMap<ObjectRef, String> = BTreeMap::new();
    for object in objects.iter().filter(|object| object.camunda) {
        if object.reference.kind != Kind::PersistentVolumeClaim {
            continue;
        }
        let new = renamed.iter().find_map(|(old, new)| {
            let before = object.reference.name.strip_suffix(old.as_str())?;
            before.ends_with('-').then(|| format!("{before}{new}"))
        });
        names.extend(new.map(|new| (object.reference.clone(), new)));
    }
    let mut seen = Vec::new();
    objects.retain_mut(|object| {
        if let Some(new) = names.get(&object.reference) {
            let mut value = object.object.0.clone();
            value["metadata"]["name"] = new.as_str().into();
            *object = with(object, Object(value));
            let first = !seen.contains(&object.reference);
            seen.push(object.reference.clone());
            return first;
        }
        remount(object, &names);
        true
    });
}

fn remount(object: &mut RenderedObject, names: &BTreeMap<ObjectRef, String>) {
    let mut value = object.object.0.clone();
    let volumes = value.pointer_mut("/spec/template/spec/volumes");
    let mut changed = false;
    for volume in volumes.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(Value::String(claim)) = volume.pointer_mut("/persistentVolumeClaim/claimName") {
            let namespace = &object.reference.namespace;
            let old = ObjectRef::new(Kind::PersistentVolumeClaim, namespace, claim);
            if let Some(new) = names.get(&old) {
                new.clone_into(claim);
                changed = true;
            }
        }
    }
    if changed {
        *object = with(object, Object(value));
    }
}
