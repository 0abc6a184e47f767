//! Sends a whole release to the API server as Helm would, but for nothing to be kept of it.
//!
//! What a chart renders can be refused half-way for reasons that no rule knows: a field that the API does not have, a quota, another
//! webhook. With `dryRun=All` the API server and its webhooks say so before anything is changed.

mod patch;

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use self::patch::three_way;
use super::{
    LiveCluster, ReadError,
    live::is_name,
    request::{Failure, Payload, request},
};
use crate::object::at;

/// How many objects are sent at a time.
const PARALLEL: usize = 8;

/// How Helm applies a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// By patches that Helm computes: Helm 3, and Helm 4 with releases that are Helm 3's.
    ClientSide,
    /// By server-side apply: Helm 4.
    ServerSide,
}

/// What Helm would send.
#[derive(Clone, Debug)]
pub struct Sent<'a> {
    /// Where an object goes that names no namespace.
    pub namespace: &'a str,
    /// The objects of the new manifest.
    pub planned: Vec<Value>,
    /// The objects of the running one.
    pub running: Vec<Value>,
    /// In which way.
    pub apply: Apply,
}

/// An object that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Kind and name.
    pub object: String,
    /// The API server's words.
    pub why: String,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct DryRun {
    /// What was not accepted.
    pub refused: BTreeSet<Refusal>,
    /// What could not be asked, and why.
    pub unasked: BTreeMap<String, String>,
}

/// Where the API serves a kind.
#[derive(Clone, Debug)]
struct Served {
    plural: String,
    namespaced: bool,
}

/// An object on its way.
struct Item<'a> {
    name: String,
    collection: String,
    path: String,
    planned: Option<&'a Value>,
    running: Option<&'a Value>,
    /// Kubernetes' own kinds know how their lists merge.
    own: bool,
}

impl LiveCluster {
    /// Sends all of it with the rights of whoever asks.
    pub async fn dry_run(&self, sent: &Sent<'_>) -> DryRun {
        let mut result = DryRun::default();
        let (kinds, unknown) = self.kinds(sent).await;
        let mut items: BTreeMap<(String, String), Item<'_>> = BTreeMap::new();
        let sides = sent
            .planned
            .iter()
            .map(|object| (object, true))
            .chain(sent.running.iter().map(|object| (object, false)));
        for (object, planned) in sides {
            let described = described(object);
            let of_kind = (text(object, "/apiVersion"), text(object, "/kind"));
            let Some(served) = kinds.get(&of_kind) else {
                if planned {
                    let why = match unknown.get(of_kind.0) {
                        Some(error) => {
                            result.unasked.insert(described, error.clone());
                            continue;
                        }
                        None => format!("the API server does not know {} {}", of_kind.0, of_kind.1),
                    };
                    result.refused.insert(Refusal {
                        object: described,
                        why,
                    });
                }
                continue;
            };
            let namespace = at(object, "/metadata/namespace").and_then(Value::as_str);
            let namespace = namespace.unwrap_or(sent.namespace);
            let name = text(object, "/metadata/name");
            if !is_path_segment(name) || !is_name(namespace) {
                let why = format!("{name:?} is no name");
                result.refused.insert(Refusal {
                    object: described,
                    why,
                });
                continue;
            }
            let collection = collection(of_kind.0, served, namespace);
            let path = format!("{collection}/{name}");
            let item = items
                .entry((path.clone(), described.clone()))
                .or_insert_with(|| Item {
                    name: described,
                    collection,
                    path,
                    planned: None,
                    running: None,
                    own: is_own(of_kind.0),
                });
            match planned {
                true => item.planned = Some(object),
                false => item.running = Some(object),
            }
        }
        let asked = items.values().map(|item| async move {
            let answer = self.send(item, sent.apply).await;
            (item.name.clone(), answer)
        });
        let mut answers = stream::iter(asked).buffer_unordered(PARALLEL);
        while let Some((object, answer)) = answers.next().await {
            match answer {
                Ok(()) => {}
                Err(Failure { status: None, .. }) => {
                    let why = ReadError::Unreachable.to_string();
                    result.unasked.insert(object, why);
                }
                Err(failure) => {
                    let why = ReadError::from(failure).to_string();
                    result.refused.insert(Refusal { object, why });
                }
            }
        }
        result
    }

    async fn send(&self, item: &Item<'_>, apply: Apply) -> Result<(), Failure> {
        let live = request(&self.client, Method::GET, &item.path, Payload::NONE).await;
        let live = match live {
            Ok(live) => Some(live),
            Err(failure) if failure.status == Some(StatusCode::NOT_FOUND) => None,
            Err(failure) => return Err(failure),
        };
        let dry = "dryRun=All&fieldManager=helm";
        let Some(planned) = item.planned else {
            return match live {
                Some(live) if !is_kept(&live) => {
                    let options =
                        json!({"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]});
                    let bytes = options.to_string().into_bytes();
                    let payload = Payload::json(&bytes);
                    let answer = request(&self.client, Method::DELETE, &item.path, payload).await;
                    answer.map(drop)
                }
                _ => Ok(()),
            };
        };
        let (method, path, media_type, body) = match (apply, live) {
            (Apply::ServerSide, _) => (
                Method::PATCH,
                format!("{}?{dry}&fieldValidation=Strict&force=false", item.path),
                "application/apply-patch+yaml",
                planned.clone(),
            ),
            (Apply::ClientSide, None) => (
                Method::POST,
                format!("{}?{dry}&fieldValidation=Warn", item.collection),
                "application/json",
                planned.clone(),
            ),
            (Apply::ClientSide, Some(live)) => {
                let Some(patch) = three_way(item.running, planned, &live) else {
                    return Ok(());
                };
                let media_type = match item.own {
                    true => "application/strategic-merge-patch+json",
                    false => "application/merge-patch+json",
                };
                let path = format!("{}?{dry}", item.path);
                (Method::PATCH, path, media_type, patch)
            }
        };
        let bytes = body.to_string().into_bytes();
        let payload = Payload::of(media_type, &bytes);
        let answer = request(&self.client, method, &path, payload).await;
        answer.map(drop)
    }

    /// What the API serves of the kinds that are sent, and the groups that could not be asked about.
    async fn kinds<'a>(
        &self,
        sent: &'a Sent<'_>,
    ) -> (
        BTreeMap<(&'a str, &'a str), Served>,
        BTreeMap<&'a str, String>,
    ) {
        let objects = sent.planned.iter().chain(&sent.running);
        let versions: BTreeSet<_> = objects.clone().map(|it| text(it, "/apiVersion")).collect();
        let (mut kinds, mut unknown) = (BTreeMap::new(), BTreeMap::new());
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
                    unknown.insert(version, ReadError::from(failure).to_string());
                    continue;
                }
            };
            let resources = at(&resources, "/resources").and_then(Value::as_array);
            for resource in resources.into_iter().flatten() {
                let (name, kind) = (text(resource, "/name"), text(resource, "/kind"));
                let wanted = objects.clone().find(|object| {
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
                kinds.insert((version, text(object, "/kind")), served);
            }
        }
        (kinds, unknown)
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

/// The groups of Kubernetes' own whose names have dots; others that end alike are somebody's CustomResourceDefinitions.
const OWN: [&str; 13] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Whether a group is Kubernetes' own, not one that somebody has added.
fn is_own(version: &str) -> bool {
    match version.split_once('/') {
        None => true,
        Some((group, _)) => !group.contains('.') || OWN.contains(&group),
    }
}

/// Roles may be called `system:node`, but nothing may lead elsewhere, or take the dry run out of the query.
fn is_path_segment(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":._-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain)
}

fn is_kept(live: &Value) -> bool {
    let annotations = at(live, "/metadata/annotations");
    annotations.and_then(|it| it.get(crate::facts::RESOURCE_POLICY)) == Some(&"keep".into())
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
    fn kubernetes_own_kinds_merge_lists_and_others_do_not() {
        for version in ["v1", "apps/v1", "rbac.authorization.k8s.io/v1"] {
            assert!(is_own(version), "{version}");
        }
        for version in ["monitoring.coreos.com/v1", "snapshot.storage.k8s.io/v1"] {
            assert!(!is_own(version), "{version}");
        }
        assert_eq!(
            (root("v1"), root("apps/v1")),
            ("/api/v1".to_owned(), "/apis/apps/v1".to_owned())
        );
    }
}
