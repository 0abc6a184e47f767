//! Secrets that the old chart named by default, or under values that the new one refuses.

use serde_json::Value;

use super::super::convert::Converted;
use crate::{
    camunda::{Line, NamedSecret},
    change::{Change, Side},
    kubernetes::Object,
};

/// Names what the applications read now, where the new manifest does not give it to them.
pub(super) fn name(change: &Change, line: &Line, values: &mut Converted) {
    for named in &line.named_secrets {
        let workload = |side| change.application(named.reader, side)?.on(side);
        let Some((secret, key)) = workload(Side::Running).and_then(|it| named.reference(it)) else {
            continue;
        };
        let given = workload(Side::Planned).is_some_and(|workload| named.is_given(workload));
        let set = ["existingSecret", "inlineSecret"].iter().any(|key| {
            let key = format!("{}.{key}", named.value);
            change.values.text(&key).is_some()
        });
        if given || set {
            continue;
        }
        values.set(&format!("{}.existingSecret", named.value), secret.into());
        values.set(&format!("{}.existingSecretKey", named.value), key.into());
    }
}

impl NamedSecret {
    /// The Secret and the key that a workload reads.
    fn reference<'a>(&self, workload: &'a Object) -> Option<(&'a str, &'a str)> {
        if let Some(volume) = self.volume(workload) {
            let secret = volume.pointer("/secret/secretName")?.as_str()?;
            return Some((secret, volume.pointer("/secret/items/0/key")?.as_str()?));
        }
        let variable = self.variable.as_deref()?;
        let variables = workload
            .containers()
            .filter_map(|container| container.get("env")?.as_array())
            .flatten();
        let is_named = |it: &&Value| it.get("name").and_then(Value::as_str) == Some(variable);
        let named = variables.filter(is_named).last()?;
        let from = named.pointer("/valueFrom/secretKeyRef")?;
        Some((from.get("name")?.as_str()?, from.get("key")?.as_str()?))
    }

    fn is_given(&self, workload: &Object) -> bool {
        let variable = self.variable.as_deref();
        variable.is_some_and(|variable| workload.has_env(variable))
            || self.volume(workload).is_some()
    }

    fn volume<'a>(&self, workload: &'a Object) -> Option<&'a Value> {
        let name = self.volume.as_deref()?;
        let mut volumes = workload.array("/spec/template/spec/volumes").iter();
        volumes.find(|volume| volume.get("name").and_then(Value::as_str) == Some(name))
    }
}
