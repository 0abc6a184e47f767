//! The objects of a release that Helm would send.

use serde_json::{Value, json};

use crate::{
    camunda::{HELM_RELEASE, HELM_RELEASE_NAMESPACE},
    change::Operation,
    helm::{
        manifest::{self, Budget, Limits},
        release::Release,
    },
};

/// Helm's way of applying a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// Patches that Helm computes: Helm 3, and Helm 4 for releases made by Helm 3.
    ClientSide,
    /// By server-side apply: Helm 4.
    ServerSide {
        /// Whether Helm first takes over the fields that it applied by patches before.
        takes_over: bool,
    },
}

/// The objects that Helm would send, and how.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    /// Namespace of objects that name none.
    pub namespace: &'a str,
    /// The objects of the new manifest.
    pub planned: Vec<Value>,
    /// The objects of the running manifest.
    pub running: Vec<Value>,
    /// The hooks that run during the operation.
    pub hooks: Vec<SentHook>,
    /// How Helm applies the objects.
    pub apply: Apply,
    /// Whether Helm silently goes on if it may not delete an object.
    pub passes_over: bool,
}

/// A hook's object.
#[derive(Clone, Debug)]
pub struct SentHook {
    /// The object.
    pub object: Value,
    /// Whether Helm deletes the old one first.
    pub recreated: bool,
}

impl<'a> Sent<'a> {
    /// Returns what Helm sends for a pending release that replaces the running one.
    pub fn of(release: &'a Release, running: Option<&Release>, limits: Limits) -> Sent<'a> {
        let objects = |manifest: &str| objects(manifest, limits);
        let operation = Operation::of(release.info.status);
        let hooks = release
            .hooks
            .iter()
            .filter(|hook| operation.is_some_and(|operation| operation.runs(&hook.events)));
        let hooks = hooks.flat_map(|hook| {
            objects(&hook.manifest).into_iter().map(|object| SentHook {
                // Helm never deletes CRDs for a hook.
                recreated: hook.is_recreated() && object["kind"] != "CustomResourceDefinition",
                object,
            })
        });
        let mut planned = objects(&release.manifest);
        for object in &mut planned {
            own(object, release);
        }
        let was_patched = |running: &Release| running.apply_method.as_deref() != Some("ssa");
        Sent {
            namespace: &release.namespace,
            planned,
            running: running.map_or_else(Vec::new, |it| objects(&it.manifest)),
            hooks: hooks.collect(),
            apply: match release.apply_method.as_deref() {
                Some("ssa") => Apply::ServerSide {
                    takes_over: operation != Some(Operation::Upgrade)
                        || running.is_none_or(was_patched),
                },
                _ => Apply::ClientSide,
            },
            passes_over: release.apply_method.is_none(),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Value> {
        let hooks = self.hooks.iter().map(|hook| &hook.object);
        self.planned.iter().chain(&self.running).chain(hooks)
    }

    /// Whether the release creates an object of this kind and name.
    pub(super) fn makes(&self, kind: &str, name: &str) -> bool {
        let hooks = self.hooks.iter().map(|hook| &hook.object);
        let mut made = self.planned.iter().chain(hooks);
        made.any(|object| object["kind"] == kind && object["metadata"]["name"] == name)
    }
}

/// Adds the metadata that Helm adds to all objects of a release.
fn own(object: &mut Value, release: &Release) {
    for (map, key, value) in [
        ("labels", "app.kubernetes.io/managed-by", "Helm"),
        ("annotations", HELM_RELEASE, release.name.as_str()),
        ("annotations", HELM_RELEASE_NAMESPACE, &release.namespace),
    ] {
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
            return;
        };
        let entries = metadata.entry(map).or_insert_with(|| json!({}));
        if entries.is_null() {
            *entries = json!({});
        }
        if let Some(entries) = entries.as_object_mut() {
            entries.insert(key.to_owned(), value.into());
        }
    }
}

/// Parses a manifest's objects; documents that can't be read are skipped here and reported elsewhere.
fn objects(manifest: &str, limits: Limits) -> Vec<Value> {
    let mut budget = Budget::new(limits);
    manifest::split(manifest)
        .filter_map(|document| document.parse_within(&mut budget).ok()?)
        .flat_map(manifest::objects)
        .collect()
}
