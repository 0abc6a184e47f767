//! What the command line changes on a cluster: one object at a time, and only as it was looked at.

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

/// How a write that keeps something of the object says what is new.
#[derive(Clone, Copy, Debug)]
pub enum Patch<'a> {
    /// A JSON merge patch; with `metadata.resourceVersion` in it, only over that version.
    Merge(&'a Value),
    /// A JSON patch.
    Json(&'a Value),
    /// The whole object by server-side apply, as this field manager.
    Apply(&'a Value, &'a str),
}

/// Whether a write is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// It is stored.
    #[default]
    Stored,
    /// The API server and its webhooks only say what would come of it.
    DryRun,
}

/// Why a write did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// There is no such object.
    #[error("it is not there")]
    Missing,
    /// There is one already.
    #[error("it exists already")]
    Exists,
    /// Somebody else has changed it since it was read.
    #[error("it was changed by somebody else meanwhile")]
    Changed(String),
    /// The API server or one of its webhooks did not accept it.
    #[error("{0}")]
    Refused(String),
    /// The name is none.
    #[error("{0:?} is no name")]
    Name(String),
    /// No answer, or not allowed.
    #[error(transparent)]
    Unanswered(#[from] ReadError),
}

impl LiveCluster {
    /// Creates an object and returns it as it is stored.
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

    /// Changes an object and returns it as it is then.
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
            Patch::Apply(body, manager) => (
                "application/apply-patch+yaml",
                body,
                format!("&fieldManager={manager}"),
            ),
        };
        let path = effect.on(one(reference)) + &query;
        let changed = self.send(Method::PATCH, &path, media_type, body).await;
        changed.map(Object)
    }

    /// Sets how many pods a StatefulSet or Deployment has, by its scale.
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

    /// Deletes an object, but no other one that has got its name meanwhile. `orphan` leaves what it owns.
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
        let propagation = if orphan { "Orphan" } else { "Background" };
        let mut options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": propagation,
        });
        // With a body, the API server does not look at the query: it would be deleted all the same.
        if effect == Effect::DryRun {
            options["dryRun"] = json!(["All"]);
        }
        let path = one(reference);
        let deleted = self.send(Method::DELETE, &path, JSON, &options).await;
        deleted.map(drop)
    }

    async fn send(
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
    fn on(self, path: String) -> String {
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

/// Nothing but a name goes into a path.
fn check(reference: &ObjectRef) -> Result<(), WriteError> {
    match is_name(&reference.name) && is_namespace(reference) {
        true => Ok(()),
        false => Err(WriteError::Name(reference.name.clone())),
    }
}

fn refused(failure: Failure) -> WriteError {
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
