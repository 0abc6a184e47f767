//! The Secrets from which a line's workloads read the previous line's credentials.

use serde_json::{Value, json};

use super::{Between, secrets::generates, with, workloads::environment};
use crate::{
    camunda::{Application, CarriedKey},
    change::RenderedObject,
    knowledge::credentials::{env_source::file_key, readers::SecretRef},
    kubernetes::{Kind, Object, is_key, is_name},
};

/// The new Secret and key of an old key: `None` if it does not move, `Some(None)` if nothing holds it any more.
type Moved = Option<Option<(String, String)>>;

/// Makes a workload read the user's Secret instead of the chart's: the previous line's credentials under their new keys, and new
/// credentials. Credentials that no longer exist are no longer read.
pub(super) fn rewire(between: &Between<'_>, object: &mut RenderedObject) {
    let reads = [Kind::StatefulSet, Kind::Deployment, Kind::Job].contains(&object.reference.kind);
    if !reads || !object.camunda || generates(between) {
        return;
    }
    let mut value = object.object.0.clone();
    reread(&object.object, &mut value, |secret, key| {
        between.moved(secret, key)
    });
    unmount(&mut value, |secret| between.goes(secret));
    for carried in &between.to.carried_over {
        let reads = carried.reader.is_some() && Application::of(&object.object) == carried.reader;
        if let Some(variable) = carried.variable.as_deref().filter(|_| reads)
            && let Some((secret, key)) = between.place(carried)
            && let Some(Value::Array(variables)) = environment(&mut value)
        {
            variables.push(from_key(variable, &secret, &key));
        }
    }
    *object = with(object, Object(value));
}

impl Between<'_> {
    /// The Secret and key that the values name for what is carried over, or that the chart names by itself.
    fn place(&self, carried: &CarriedKey) -> Option<(String, String)> {
        let made = self.to.generated_secret.as_ref()?;
        // What can be no name may be the secret itself.
        let named = self.values.text(&carried.secret).filter(|it| is_name(it));
        let secret = named.or_else(|| carried.by_default.then(|| made.name.clone()))?;
        let key = self
            .values
            .text(&carried.secret_key)
            .filter(|it| is_key(it));
        Some((secret, key.unwrap_or_else(|| carried.key.clone())))
    }

    fn moved(&self, secret: &str, key: &str) -> Moved {
        if !self.renders(secret) {
            return None;
        }
        let mut old = self.from.credentials.iter();
        let old = old.find(|old| secret.ends_with(&old.secret) && key == old.key)?;
        let mut carried = self.to.carried_over.iter();
        let carried = carried.find(|carried| carried.from.as_ref() == Some(&old.name));
        Some(carried.and_then(|carried| self.place(carried)))
    }

    /// Whether the previous line generates this Secret and the new line does not.
    fn goes(&self, secret: &str) -> bool {
        let mut old = self.from.credentials.iter();
        self.renders(secret) && old.any(|old| secret.ends_with(&old.secret))
    }

    fn renders(&self, secret: &str) -> bool {
        let mut objects = self.standing.rendered.objects.iter();
        objects.any(|it| it.reference.kind == Kind::Secret && it.reference.name == secret)
    }
}

/// Has every variable, and every file that a variable names, come from where it is now.
fn reread(workload: &Object, value: &mut Value, moved: impl Fn(&str, &str) -> Moved) {
    for containers in ["containers", "initContainers"] {
        let pointer = format!("/spec/template/spec/{containers}");
        let Some(Value::Array(containers)) = value.pointer_mut(&pointer) else {
            continue;
        };
        for container in containers {
            let before = container.clone();
            let Some(Value::Array(variables)) = container.get_mut("env") else {
                continue;
            };
            variables.retain_mut(|variable| {
                let Some((name, secret, key)) = read(workload, &before, variable) else {
                    return true;
                };
                match moved(&secret, &key) {
                    None => true,
                    Some(None) => false,
                    Some(Some((secret, key))) => {
                        *variable = from_key(&name, &secret, &key);
                        true
                    }
                }
            });
        }
    }
}

/// The name of a variable, without what says that it names a file, and the key of a Secret that it is from.
fn read(
    workload: &Object,
    container: &Value,
    variable: &Value,
) -> Option<(String, String, String)> {
    const FILE: &str = "_FILE";
    let name = variable.get("name")?.as_str()?;
    if let Some(from) = variable.pointer("/valueFrom/secretKeyRef") {
        let text = |key: &str| Some(from.get(key)?.as_str()?.to_owned());
        return Some((name.to_owned(), text("name")?, text("key")?));
    }
    let name = name.strip_suffix(FILE)?;
    let file = file_key(workload, container, variable.get("value")?.as_str()?)?;
    let SecretRef { secret, key, .. } = file;
    Some((name.to_owned(), secret, key?))
}

fn from_key(variable: &str, secret: &str, key: &str) -> Value {
    json!({"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
}

/// Takes the volumes of Secrets out that are gone.
fn unmount(value: &mut Value, goes: impl Fn(&str) -> bool) {
    let Some(Value::Array(volumes)) = value.pointer_mut("/spec/template/spec/volumes") else {
        return;
    };
    let names = |value: &Value, pointer: &str| {
        let secret = value.pointer(pointer).and_then(Value::as_str);
        secret.is_some_and(&goes)
    };
    volumes.retain(|volume| !names(volume, "/secret/secretName"));
    for volume in volumes {
        if let Some(Value::Array(sources)) = volume.pointer_mut("/projected/sources") {
            sources.retain(|source| !names(source, "/secret/name"));
        }
    }
}
