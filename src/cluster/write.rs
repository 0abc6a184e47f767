//! Writes by the command line: one object at a time, and only over the version that was read.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    LiveCluster, ReadError,
    live::{collection, is_namespace},
    request::{Failure, Payload, request},
};
use crate::kubernetes::{Object, ObjectRef, is_name};

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
pub(super) const APPLY: &str = "application/apply-patch+yaml";

/// The content of a write that changes an existing object.
#[derive(Clone, Copy, Debug)]
pub enum Patch<'a> {
    /// A JSON merge patch; with `metadata.resourceVersion` in it, it applies only to that version.
    Merge(&'a Value),
    /// A JSON patch.
    Json(&'a Value),
    /// The whole object by server-side apply, as this field manager.
    Apply(&'a Value, &'a str),
}

/// Whether a write is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// The write is stored.
    #[default]
    Stored,
    /// The API server and its webhooks only say what the result would be.
    DryRun,
}

/// Reason why a write failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// No such object.
    #[error("it is not there")]
    Missing,
    /// The object exists already.
    #[error("it exists already")]
    Exists,
    /// Somebody else changed the object since it was read.
    #[error("it was changed by somebody else meanwhile")]
    Changed(String),
    /// The API server or one of its webhooks refused the write.
    #[error("{0}")]
    Refused(String),
    /// An invalid name.
    #[error("{0:?} is no name")]
    Name(String),
    /// No answer, or a right is missing.
    #[error(transparent)]
    Unanswered(#[from] ReadError),
}

impl LiveCluster {
    /// Creates an object and returns it as stored.
    ///
    /// # Errors
    /// When it is there already, not allowed or not accepted.
    pub async fn create(
        &self,
        reference: &ObjectRef,
        object: &Value,
        effect: Effect,
    ) -> Result<Object, WriteError> {
        check(reference)?;
        let path = effect.on(collection(reference.kind, &reference.namespace));
        let made = self.send(Method::POST, &path, JSON, object).await;
        made.map(Object)
    }

    /// Patches an object and returns the result.
    ///
    /// # Errors
    /// When it is not there, was changed meanwhile, or the change is not allowed or not accepted.
    pub async fn patch(
        &self,
        reference: &ObjectRef,
        patch: Patch<'_>,
        effect: Effect,
    ) -> Result<Object, WriteError> {
        check(reference)?;
        let (media_type, body, query) = match patch {
            Patch::Merge(body) => (MERGE, body, String::new()),
            Patch::Json(body) => ("application/json-patch+json", body, String::new()),
            Patch::Apply(body, manager) => (APPLY, body, format!("&fieldManager={manager}")),
        };
        let path = effect.on(one(reference)) + &query;
        let changed = self.send(Method::PATCH, &path, media_type, body).await;
        changed.map(Object)
    }

    /// Sets the number of pods of a StatefulSet or Deployment through its scale subresource.
    ///
    /// # Errors
    /// As for [`LiveCluster::patch`].
    pub async fn scale(
        &self,
        reference: &ObjectRef,
        replicas: u64,
        effect: Effect,
    ) -> Result<(), WriteError> {
        check(reference)?;
        let path = effect.on(format!("{}/scale", one(reference)));
        let scale = json!({"spec": {"replicas": replicas}});
        let scaled = self.send(Method::PATCH, &path, MERGE, &scale).await;
        scaled.map(drop)
    }

    /// Deletes the object with this uid, not another one that has got its name meanwhile. `orphan` keeps its
    /// dependents.
    ///
    /// # Errors
    /// When it is not there, is another one by now, or deleting it is not allowed or not accepted.
    pub async fn delete(
        &self,
        reference: &ObjectRef,
        uid: &str,
        orphan: bool,
        effect: Effect,
    ) -> Result<(), WriteError> {
        check(reference)?;
        self.delete_at(&one(reference), uid, orphan, effect).await
    }

    pub(super) async fn delete_at(
        &self,
        path: &str,
        uid: &str,
        orphan: bool,
        effect: Effect,
    ) -> Result<(), WriteError> {
        let propagation = if orphan { "Orphan" } else { "Background" };
        let mut options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": propagation,
        });
        // With a body, the API server ignores the query, so without this the object would really be deleted.
        if effect == Effect::DryRun {
            options["dryRun"] = json!(["All"]);
        }
        let deleted = self.send(Method::DELETE, path, JSON, &options).await;
        deleted.map(drop)
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        media_type: &'static str,
        body: &Value,
    ) -> Result<Value, WriteError> {
        let bytes = body.to_string().into_bytes();
        let payload = Payload::of(media_type, &bytes);
        let answer = request(&self.client, method, path, payload).await;
        answer.map_err(refused)
    }
}

impl Effect {
    pub(super) fn on(self, path: String) -> String {
        match self {
            Effect::Stored => format!("{path}?fieldValidation=Strict"),
            Effect::DryRun => format!("{path}?dryRun=All&fieldValidation=Strict"),
        }
    }
}

fn one(reference: &ObjectRef) -> String {
    let collection = collection(reference.kind, &reference.namespace);
    format!("{collection}/{}", reference.name)
}

/// Refuses names that must not go into a path.
fn check(reference: &ObjectRef) -> Result<(), WriteError> {
    match is_name(&reference.name) && is_namespace(reference) {
        true => Ok(()),
        false => Err(WriteError::Name(reference.name.clone())),
    }
}

pub(super) fn refused(failure: Failure) -> WriteError {
    let status = failure.status;
    let error = ReadError::from(failure);
    match status {
        Some(StatusCode::NOT_FOUND) => WriteError::Missing,
        Some(StatusCode::CONFLICT) if error.to_string().contains("already exists") => {
            WriteError::Exists
        }
        Some(StatusCode::CONFLICT) => WriteError::Changed(error.to_string()),
        _ => match error {
            ReadError::Api(said) => WriteError::Refused(said),
            other => WriteError::Unanswered(other),
        },
    }
}
