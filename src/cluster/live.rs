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

use super::{
    Age, Contents, ReadError, Right, User,
    request::{Failure, Payload, request},
};
use crate::kubernetes::is_name;
use crate::kubernetes::{Kind, Object, ObjectRef};

/// Number of objects on one page of a list.
const PAGE: usize = 500;

/// A client of the API server.
#[derive(Clone)]
pub struct LiveCluster {
    pub(super) client: Client,
}

impl LiveCluster {
    /// Creates a cluster that reads through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
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

    pub(super) async fn list(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &[(&str, &str)],
        contents: Contents,
        age: Age,
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        if namespace.is_some_and(|namespace| kind.namespaced() && !is_name(namespace))
            || labels.iter().any(|(_, value)| !is_label(value))
        {
            return Ok(Vec::new());
        }
        let selector: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!("{key}%3D{value}"))
            .collect();
        let collection = match namespace {
            Some(namespace) => collection(kind, namespace),
            None => everywhere(kind),
        };
        let mut path = format!("{collection}?limit={PAGE}");
        if !selector.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(path, "&labelSelector={}", selector.join("%2C"));
        }
        let wanted = match contents {
            Contents::Whole => Payload::NONE,
            Contents::Metadata => Payload::METADATA,
        };
        let mut objects = Vec::new();
        // Further pages are as old as the first one.
        let mut next = match age {
            Age::Newest => String::new(),
            Age::Cached => "&resourceVersion=0".to_owned(),
        };
        loop {
            let path = format!("{path}{next}");
            let mut page = request(&self.client, Method::GET, &path, wanted).await?;
            let items = match page.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => items,
                // An empty list of metadata.
                Some(Value::Null) => Vec::new(),
                _ => return Err(ReadError::Malformed),
            };
            objects.extend(items.into_iter().map(|item| Arc::new(Object(item))));
            match page.pointer("/metadata/continue").and_then(Value::as_str) {
                Some(token) if !token.is_empty() => next = format!("&continue={token}"),
                _ => return Ok(objects),
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
