//! Reads from the API server as JSON: typed objects would lose fields that the guard compares.

use std::{fmt::Write, sync::Arc};

use axum::http::{Method, StatusCode};
use futures::future::try_join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Client;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{
    Age, Contents, Listing, ReadError, Right, User,
    page::Page,
    request::{Failure, Payload, fetch, request},
};
use crate::kubernetes::is_name;
use crate::kubernetes::{Kind, Object, ObjectRef};

/// Number of objects on one page of a list.
const PAGE: usize = 500;

/// Lists without pages at a time.
const UNPAGED: usize = 2;

/// Bytes of a list without pages: more than 30,000 claims have.
const LARGEST: usize = 64 << 20;

/// A client of the API server.
#[derive(Clone)]
pub struct LiveCluster {
    pub(super) client: Client,
    /// Turns for lists without pages, which take as much memory as there are objects.
    unpaged: Arc<Semaphore>,
}

impl LiveCluster {
    /// Creates a cluster that reads through this client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            unpaged: Arc::new(Semaphore::new(UNPAGED)),
        }
    }

    /// Asks for the API server's version, to see whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), ReadError> {
        let version = request(&self.client, Method::GET, "/version", Payload::NONE).await;
        version.map(drop).map_err(Failure::into)
    }

    pub(super) async fn get(
        &self,
        reference: &ObjectRef,
    ) -> Result<Option<Arc<Object>>, ReadError> {
        if !is_name(&reference.name) || !is_namespace(reference) {
            return Ok(None);
        }
        let path = format!(
            "{}/{}",
            collection(reference.kind, &reference.namespace),
            reference.name
        );
        match request(&self.client, Method::GET, &path, Payload::NONE).await {
            Ok(value) => Ok(Some(Arc::new(Object(value)))),
            Err(failure) if failure.status == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    pub(super) async fn list(&self, list: &Listing<'_>) -> Result<Vec<Arc<Object>>, ReadError> {
        let Some(path) = path_of(list) else {
            return Ok(Vec::new());
        };
        let payload = match list.contents {
            Contents::Whole => Payload::NONE,
            Contents::Metadata => Payload::METADATA,
        };
        // The API server's cache answers without pages.
        let (_turn, payload, mut next) = match list.age {
            Age::Newest => (None, payload, String::new()),
            Age::Cached => {
                let turn = self.unpaged.acquire().await.ok();
                let next = "&resourceVersion=0".to_owned();
                (turn, payload.at_most(LARGEST), next)
            }
        };
        let mut objects = Vec::new();
        loop {
            // Further pages are as old as the first one.
            let path = format!("{path}{next}");
            let answer = fetch(&self.client, Method::GET, &path, payload).await?;
            match Page::read(&answer)?.keep(list.keep, &mut objects).await? {
                Some(token) => next = format!("&continue={token}"),
                None => return Ok(objects),
            }
        }
    }

    pub(super) async fn may_write(&self, user: &User, namespace: &str) -> Result<bool, ReadError> {
        let rights = [
            ("get", "", "secrets"),
            ("update", "", "secrets"),
            ("update", "apps", "statefulsets"),
        ];
        let asked = rights.map(|right| self.allows(user, right, namespace, None));
        let allowed = try_join_all(asked).await?;
        Ok(allowed.into_iter().all(|allowed| allowed))
    }

    pub(super) async fn allows(
        &self,
        user: &User,
        (verb, group, resource): Right,
        namespace: &str,
        name: Option<&str>,
    ) -> Result<bool, ReadError> {
        let attributes = ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            namespace: Some(namespace.to_owned()),
            name: name.map(str::to_owned),
            verb: Some(verb.to_owned()),
            ..ResourceAttributes::default()
        };
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(user.username.clone()),
                uid: Some(user.uid.clone()),
                groups: Some(user.groups.clone()),
                extra: Some(user.extra.clone()),
                resource_attributes: Some(attributes),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        self.reviewed("subjectaccessreviews", &review).await
    }

    /// Sends an access review and returns whether it allows.
    pub(super) async fn reviewed(
        &self,
        reviews: &str,
        review: &impl Serialize,
    ) -> Result<bool, ReadError> {
        let review = serde_json::to_vec(review).map_err(|_| ReadError::Malformed)?;
        let path = format!("/apis/authorization.k8s.io/v1/{reviews}");
        let answer = request(&self.client, Method::POST, &path, Payload::json(&review)).await?;
        let allowed = answer.pointer("/status/allowed").and_then(Value::as_bool);
        allowed.ok_or(ReadError::Malformed)
    }
}

/// Returns the path of a list's first page; `None` if nothing can match.
fn path_of(list: &Listing<'_>) -> Option<String> {
    let in_namespace = list.namespace.filter(|_| list.kind.namespaced());
    if in_namespace.is_some_and(|namespace| !is_name(namespace))
        || list.labels.iter().any(|(_, value)| !is_label(value))
    {
        return None;
    }
    let selector: Vec<_> = list
        .labels
        .iter()
        .map(|(key, value)| format!("{key}%3D{value}"))
        .collect();
    let collection = match list.namespace {
        Some(namespace) => collection(list.kind, namespace),
        None => everywhere(list.kind),
    };
    let mut path = format!("{collection}?limit={PAGE}");
    if !selector.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(path, "&labelSelector={}", selector.join("%2C"));
    }
    Some(path)
}

pub(super) fn collection(kind: Kind, namespace: &str) -> String {
    let (group, plural) = (group_of(kind), kind.plural());
    match kind.namespaced() {
        true => format!("{group}/namespaces/{namespace}/{plural}"),
        false => format!("{group}/{plural}"),
    }
}

fn everywhere(kind: Kind) -> String {
    format!("{}/{}", group_of(kind), kind.plural())
}

fn group_of(kind: Kind) -> String {
    match kind.group() {
        "" => format!("/api/{}", kind.version()),
        group => format!("/apis/{group}/{}", kind.version()),
    }
}

pub(super) fn is_namespace(reference: &ObjectRef) -> bool {
    !reference.kind.namespaced() || is_name(&reference.namespace)
}

fn is_label(value: &str) -> bool {
    value.len() <= 63
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_get_into_a_path() {
        assert!(is_name("sh.helm.release.v1.camunda.v1"));
        for hostile in ["", "../secrets", "a/b", "a?x", "a%2f", "A", ".a", "a b"] {
            assert!(!is_name(hostile), "{hostile}");
        }
        assert!(!is_label("a,b"));
        assert_eq!(
            collection(Kind::StatefulSet, "prod"),
            "/apis/apps/v1/namespaces/prod/statefulsets"
        );
        assert_eq!(everywhere(Kind::StatefulSet), "/apis/apps/v1/statefulsets");
        assert_eq!(
            collection(Kind::PersistentVolume, ""),
            "/api/v1/persistentvolumes"
        );
    }
}
