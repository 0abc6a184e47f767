//! The API server, asked for JSON: typed objects would lose what the guard compares.

use std::{fmt::Write, sync::Arc, time::Duration};

use axum::http;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::{Api, Client, api::PostParams};
use serde_json::Value;

use super::{ReadError, Right, User};
use crate::object::{Kind, Object, ObjectRef};

/// How many objects one page of a list holds.
const PAGE: usize = 500;

/// The pauses before a read is tried again; the reader's deadline ends it all the same.
const RETRIES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(200)];

/// A client of the API server.
#[derive(Clone)]
pub struct LiveCluster {
    client: Client,
}

impl LiveCluster {
    /// Reads through this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Asks for the API server's version, to see whether it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), ReadError> {
        self.client
            .apiserver_version()
            .await
            .map(drop)
            .map_err(|error| explain(&error))
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
        match self.request(&path).await {
            Ok(value) => Ok(Some(Arc::new(Object(value)))),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(explain(&error)),
        }
    }

    pub(super) async fn list(
        &self,
        kind: Kind,
        namespace: &str,
        labels: &[(&str, &str)],
    ) -> Result<Vec<Arc<Object>>, ReadError> {
        if kind.namespaced() && !is_name(namespace)
            || labels.iter().any(|(_, value)| !is_label(value))
        {
            return Ok(Vec::new());
        }
        let selector: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!("{key}%3D{value}"))
            .collect();
        let mut path = format!("{}?limit={PAGE}", collection(kind, namespace));
        if !selector.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(path, "&labelSelector={}", selector.join("%2C"));
        }
        let mut objects = Vec::new();
        let mut next = String::new();
        loop {
            let page = self
                .request(&format!("{path}{next}"))
                .await
                .map_err(|error| explain(&error))?;
            let items = page
                .get("items")
                .and_then(Value::as_array)
                .ok_or(ReadError::Malformed)?;
            objects.extend(items.iter().map(|item| Arc::new(Object(item.clone()))));
            match page.pointer("/metadata/continue").and_then(Value::as_str) {
                Some(token) if !token.is_empty() => next = format!("&continue={token}"),
                _ => return Ok(objects),
            }
        }
    }

    pub(super) async fn may_write(&self, user: &User, namespace: &str) -> Result<bool, ReadError> {
        for (group, resource) in [("", "secrets"), ("apps", "statefulsets")] {
            let attributes = ResourceAttributes {
                group: Some(group.to_owned()),
                resource: Some(resource.to_owned()),
                namespace: Some(namespace.to_owned()),
                verb: Some("update".to_owned()),
                ..ResourceAttributes::default()
            };
            if !self.allows(user, attributes).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) async fn may(
        &self,
        user: &User,
        (verb, group, resource): Right,
        namespace: &str,
        name: &str,
    ) -> Result<bool, ReadError> {
        let attributes = ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            verb: Some(verb.to_owned()),
            ..ResourceAttributes::default()
        };
        self.allows(user, attributes).await
    }

    async fn allows(&self, user: &User, attributes: ResourceAttributes) -> Result<bool, ReadError> {
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
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let answer = reviews
            .create(&PostParams::default(), &review)
            .await
            .map_err(|error| explain(&error))?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    /// Reads, and reads again where the connection broke: a kept one may have been closed at the other end.
    async fn request(&self, path: &str) -> Result<Value, kube::Error> {
        for pause in RETRIES {
            match self.request_once(path).await {
                Err(error) if is_transport(&error) => {
                    tracing::debug!(path, %error, "reading again");
                    tokio::time::sleep(pause).await;
                }
                answer => return answer,
            }
        }
        self.request_once(path).await
    }

    async fn request_once(&self, path: &str) -> Result<Value, kube::Error> {
        let request = http::Request::get(path)
            .body(Vec::new())
            .map_err(kube::Error::HttpError)?;
        self.client.request(request).await
    }
}

fn is_transport(error: &kube::Error) -> bool {
    matches!(error, kube::Error::HyperError(_) | kube::Error::Service(_))
}

fn collection(kind: Kind, namespace: &str) -> String {
    let mut path = match kind.group() {
        "" => format!("/api/{}", kind.version()),
        group => format!("/apis/{group}/{}", kind.version()),
    };
    if kind.namespaced() {
        // Writing to a String cannot fail.
        let _ = write!(path, "/namespaces/{namespace}");
    }
    let _ = write!(path, "/{}", kind.plural());
    path
}

/// Names come from records that anybody may have written; nothing but a name goes into a path.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
}

fn is_namespace(reference: &ObjectRef) -> bool {
    !reference.kind.namespaced() || is_name(&reference.namespace)
}

fn is_label(value: &str) -> bool {
    value.len() <= 63
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

/// The API server's own words, without the body that a decoding error of kube's would quote.
pub(crate) fn explain(error: &kube::Error) -> ReadError {
    match error {
        kube::Error::Api(status) => {
            let message = status.message.clone();
            match status.code {
                401 | 403 => ReadError::Forbidden(message),
                408 | 504 => ReadError::Late(message),
                _ => ReadError::Api(message),
            }
        }
        kube::Error::SerdeError(_) => ReadError::Malformed,
        error if is_transport(error) => ReadError::Unreachable,
        other => ReadError::Api(other.to_string()),
    }
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
        assert_eq!(
            collection(Kind::PersistentVolume, ""),
            "/api/v1/persistentvolumes"
        );
    }
}
