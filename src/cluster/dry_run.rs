//! Sends a whole release to the API server as Helm would, but as a dry run: nothing is stored.
//!
//! The API server can refuse a release half-way for reasons that no rule knows: a field that the API does
//! not have, a quota, another webhook. With `dryRun=All` the API server and its webhooks say so before anything is changed.

mod release;
mod said;
mod send;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use futures::{StreamExt, stream};
use serde_json::Value;

pub use self::release::{Apply, Sent, SentHook};
use self::send::{Answer, Sender};
use super::{
    LiveCluster, ReadError,
    request::{Payload, request},
};
use crate::{
    change::{DryRun, Refusal},
    kubernetes::{at, is_name},
};

/// Number of objects that are sent at a time.
const PARALLEL: usize = 8;

/// Resource name and scope under which the API serves a kind.
#[derive(Clone, Debug)]
struct Served {
    plural: String,
    namespaced: bool,
}

/// How the API serves the kinds that are sent.
#[derive(Default)]
struct Kinds<'a> {
    served: BTreeMap<(&'a str, &'a str), Served>,
    /// The API versions whose discovery failed.
    unknown: BTreeMap<&'a str, String>,
}

/// The API path of an object.
struct Place {
    namespace: Option<String>,
    collection: String,
    path: String,
}

/// Helm's action on an object.
enum Task<'a> {
    /// Apply: in the new manifest, and perhaps in the running one.
    Apply(&'a Value, Option<&'a Value>),
    /// Delete: in the running manifest only.
    Delete,
    /// Create: a hook's object; true if Helm deletes the old one first.
    Hook(&'a Value, bool),
}

/// An object to be sent.
struct Item<'a> {
    name: String,
    place: Place,
    task: Task<'a>,
}

fn refuse(result: &mut DryRun, object: String, why: impl Into<String>) {
    result.refused.insert(Refusal {
        object,
        why: why.into(),
        passed_over: false,
    });
}

impl LiveCluster {
    /// Sends all objects with the rights of the client's user.
    pub async fn dry_run(&self, sent: &Sent<'_>) -> DryRun {
        let mut result = DryRun::default();
        let kinds = self.kinds(sent).await;
        let items = items(sent, &kinds, &mut result);
        let sender = Sender {
            client: &self.client,
            sent,
        };
        let sender = &sender;
        let asked = items.iter().map(|item| async move {
            let answer = sender.send(item).await;
            (item.name.clone(), answer)
        });
        let mut answers = stream::iter(asked).buffer_unordered(PARALLEL);
        while let Some((object, answer)) = answers.next().await {
            match answer {
                Answer::Accepted => {}
                Answer::Refused(why) => refuse(&mut result, object, why),
                Answer::PassedOver(why) => {
                    result.refused.insert(Refusal {
                        object,
                        why,
                        passed_over: true,
                    });
                }
                Answer::Unasked(why) => {
                    result.unasked.insert(object, why);
                }
            }
        }
        result
    }

    async fn kinds<'a>(&self, sent: &'a Sent<'_>) -> Kinds<'a> {
        let versions: BTreeSet<_> = sent.all().map(|it| text(it, "/apiVersion")).collect();
        let mut kinds = Kinds::default();
        for version in versions {
            let is_version = |c: char| c.is_ascii_alphanumeric() || "./-".contains(c);
            if version.is_empty() || !version.chars().all(is_version) || version.contains("..") {
                continue;
            }
            let answer = request(&self.client, Method::GET, &root(version), Payload::NONE).await;
            let resources = match answer {
                Ok(resources) => resources,
                Err(failure) if failure.status == Some(StatusCode::NOT_FOUND) => continue,
                Err(failure) => {
                    let why = ReadError::from(failure).to_string();
                    kinds.unknown.insert(version, why);
                    continue;
                }
            };
            let resources = at(&resources, "/resources").and_then(Value::as_array);
            for resource in resources.into_iter().flatten() {
                let (name, kind) = (text(resource, "/name"), text(resource, "/kind"));
                let wanted = sent.all().find(|object| {
                    text(object, "/apiVersion") == version && text(object, "/kind") == kind
                });
                // A slash is that of a subresource.
                let Some(object) = wanted.filter(|_| !name.contains('/')) else {
                    continue;
                };
                let served = Served {
                    plural: name.to_owned(),
                    namespaced: resource.get("namespaced") == Some(&Value::Bool(true)),
                };
                kinds
                    .served
                    .insert((version, text(object, "/kind")), served);
            }
        }
        kinds
    }
}

/// Collects what to send, each object once. Helm identifies objects by group, kind and name, whatever their version.
fn items<'a>(sent: &'a Sent<'_>, kinds: &Kinds<'_>, result: &mut DryRun) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    let mut push = |object: &Value, task: Task<'a>| {
        let name = described(object);
        match kinds.place(object, sent.namespace) {
            Ok(place) => items.push(Item { name, place, task }),
            // A kind that is no longer served has no objects left to delete.
            Err(_) if matches!(task, Task::Delete) => {}
            Err(Unplaced::Unasked(why)) => {
                result.unasked.insert(name, why);
            }
            Err(Unplaced::Refused(why)) => refuse(result, name, why),
        }
    };
    let running: BTreeMap<_, _> = sent
        .running
        .iter()
        .map(|object| (identity(object, sent.namespace), object))
        .collect();
    let mut planned = BTreeSet::new();
    for object in &sent.planned {
        let identity = identity(object, sent.namespace);
        push(object, Task::Apply(object, running.get(&identity).copied()));
        planned.insert(identity);
    }
    for (identity, object) in &running {
        if !planned.contains(identity) {
            push(object, Task::Delete);
        }
    }
    for hook in &sent.hooks {
        push(&hook.object, Task::Hook(&hook.object, hook.recreated));
    }
    items
}

fn identity<'a>(object: &'a Value, namespace: &'a str) -> (&'a str, &'a str, &'a str, &'a str) {
    let version = text(object, "/apiVersion");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let own = at(object, "/metadata/namespace").and_then(Value::as_str);
    (
        group,
        text(object, "/kind"),
        own.unwrap_or(namespace),
        text(object, "/metadata/name"),
    )
}

enum Unplaced {
    Unasked(String),
    Refused(String),
}

impl Kinds<'_> {
    fn place(&self, object: &Value, namespace: &str) -> Result<Place, Unplaced> {
        let (version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
        let Some(served) = self.served.get(&(version, kind)) else {
            return Err(match self.unknown.get(version) {
                Some(error) => Unplaced::Unasked(error.clone()),
                None => Unplaced::Refused(format!("the API server does not know {version} {kind}")),
            });
        };
        let own = at(object, "/metadata/namespace").and_then(Value::as_str);
        let namespace = own.unwrap_or(namespace);
        let name = text(object, "/metadata/name");
        if !is_path_segment(name) || !is_name(namespace) {
            return Err(Unplaced::Refused(format!("{name:?} is no name")));
        }
        let collection = collection(version, served, namespace);
        let path = format!("{collection}/{name}");
        Ok(Place {
            namespace: served.namespaced.then(|| namespace.to_owned()),
            collection,
            path,
        })
    }
}

fn root(version: &str) -> String {
    match version.contains('/') {
        true => format!("/apis/{version}"),
        false => format!("/api/{version}"),
    }
}

fn collection(version: &str, served: &Served, namespace: &str) -> String {
    let (root, plural) = (root(version), &served.plural);
    match served.namespaced {
        true => format!("{root}/namespaces/{namespace}/{plural}"),
        false => format!("{root}/{plural}"),
    }
}

/// Whether a name is safe in a path: roles may be called `system:node`, but no name may lead to another path or cut
/// off the query with the dry run.
fn is_path_segment(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":._-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain)
}

fn described(object: &Value) -> String {
    format!(
        "{} {}",
        text(object, "/kind"),
        text(object, "/metadata/name")
    )
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["camunda-zeebe", "system:node", "v1.apps", "A_b"] {
            assert!(is_path_segment(name), "{name}");
        }
        for name in [
            "",
            "..",
            "a/../b",
            "a:?force=true",
            "a#b",
            "a%2fb",
            "a b",
            ":a",
        ] {
            assert!(!is_path_segment(name), "{name}");
        }
    }

    #[test]
    fn the_core_group_has_a_path_of_its_own() {
        assert_eq!(
            (root("v1"), root("apps/v1")),
            ("/api/v1".to_owned(), "/apis/apps/v1".to_owned())
        );
    }

    /// A kind that moved to another version is patched, not deleted and made anew.
    #[test]
    fn objects_are_told_apart_as_helm_does() {
        let object = |version: &str, namespace: &str| {
            let metadata = serde_json::json!({"name": "a", "namespace": namespace});
            serde_json::json!({"apiVersion": version, "kind": "CronJob", "metadata": metadata})
        };
        let (old, new) = (object("batch/v1beta1", "n"), object("batch/v1", "n"));
        assert_eq!(identity(&old, "n"), identity(&new, "n"));
        assert_ne!(identity(&old, "n"), identity(&object("batch/v1", "m"), "n"));
    }
}
