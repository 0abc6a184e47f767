//! The requests for one object, as Helm sends them.

use axum::http::{Method, StatusCode};
use kube::Client;
use serde_json::{Value, json};

use super::{
    Item, Place, Task,
    release::{Apply, Sent},
    said, text,
};
use crate::{
    change::RESOURCE_POLICY,
    cluster::{
        ReadError,
        request::{Failure, Payload, request},
        write::APPLY,
    },
    kubernetes::{
        at,
        strategic::{self, Patch},
    },
    webhooks::NAME,
};

const DRY: &str = "dryRun=All&fieldManager=helm";

pub(super) enum Answer {
    Accepted,
    Refused(String),
    /// A refusal that Helm would silently pass over.
    PassedOver(String),
    Unasked(String),
}

/// Reason why an object is not accepted.
enum Trouble {
    Api(Failure),
    /// Another reason: nothing was sent, or only part of the answer counts.
    Other(String),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Api(failure)
    }
}

/// Sends the objects of one release.
pub(super) struct Sender<'a> {
    pub(super) client: &'a Client,
    pub(super) sent: &'a Sent<'a>,
}

impl Sender<'_> {
    pub(super) async fn send(&self, item: &Item<'_>) -> Answer {
        let live = match self.live(&item.place).await {
            Ok(live) => live,
            Err(failure) => return answer(failure),
        };
        let outcome = match (&item.task, live) {
            (Task::Apply(planned, running), live) => {
                let live = live.as_ref();
                self.apply(&item.place, planned, *running, live).await
            }
            (Task::Delete, Some(live)) if !is_kept(&live) => {
                self.delete(&item.place).await.map_err(Trouble::from)
            }
            (Task::Delete, _) => Ok(()),
            (Task::Hook(hook, recreated), live) => {
                self.hook(&item.place, hook, *recreated, live.is_some())
                    .await
            }
        };
        let failure = match outcome {
            Ok(()) => return Answer::Accepted,
            Err(Trouble::Other(why)) => return Answer::Refused(why),
            Err(Trouble::Api(failure)) => failure,
        };
        if is_guards_own(&failure) {
            return Answer::Accepted;
        }
        if let Some(first) = made_first(item, &failure, self.sent) {
            return Answer::Unasked(format!("the release itself makes its {first}"));
        }
        match (&item.task, answer(failure)) {
            (Task::Delete, Answer::Refused(why)) if self.sent.passes_over => {
                Answer::PassedOver(why)
            }
            (_, answer) => answer,
        }
    }

    async fn live(&self, place: &Place) -> Result<Option<Value>, Failure> {
        match request(self.client, Method::GET, &place.path, Payload::NONE).await {
            Ok(live) => Ok(Some(live)),
            Err(failure) if failure.status == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn apply(
        &self,
        place: &Place,
        planned: &Value,
        running: Option<&Value>,
        live: Option<&Value>,
    ) -> Result<(), Trouble> {
        match (self.sent.apply, live) {
            (Apply::ClientSide, None) => Ok(self.create(place, planned, "Warn").await?),
            (Apply::ClientSide, Some(live)) => self.patch(place, planned, running, live).await,
            (Apply::ServerSide { takes_over: true }, Some(live)) if is_patched(live) => {
                self.take_over(place, planned).await?;
                self.patch(place, planned, running, live).await
            }
            (Apply::ServerSide { .. }, _) => Ok(self.server_side(place, planned).await?),
        }
    }

    async fn create(&self, place: &Place, object: &Value, fields: &str) -> Result<(), Failure> {
        let path = format!("{}?{DRY}&fieldValidation={fields}", place.collection);
        self.ask(Method::POST, &path, "application/json", object)
            .await
    }

    async fn server_side(&self, place: &Place, object: &Value) -> Result<(), Failure> {
        let path = format!("{}?{DRY}&fieldValidation=Strict&force=false", place.path);
        self.ask(Method::PATCH, &path, APPLY, object).await
    }

    async fn patch(
        &self,
        place: &Place,
        planned: &Value,
        running: Option<&Value>,
        live: &Value,
    ) -> Result<(), Trouble> {
        // Helm takes over what its running manifest does not have as if that had it as planned.
        let patch = strategic::patch(running.unwrap_or(planned), planned, live);
        let patch =
            patch.map_err(|error| Trouble::Other(format!("Helm can't make its patch: {error}")))?;
        if patch.is_empty() {
            return Ok(());
        }
        let (media_type, patch) = match patch {
            Patch::Strategic(patch) => ("application/strategic-merge-patch+json", patch),
            Patch::Merge(patch) => ("application/merge-patch+json", patch),
        };
        let path = format!("{}?{DRY}", place.path);
        let patch = Value::Object(patch);
        Ok(self.ask(Method::PATCH, &path, media_type, &patch).await?)
    }

    /// Sends a server-side apply for an object that Helm has patched so far. Helm first takes over these fields,
    /// which a dry run can't store: so conflicts with Helm's own earlier manager, and fields that the manifest drops,
    /// are ignored here; the patch covers the rest.
    async fn take_over(&self, place: &Place, planned: &Value) -> Result<(), Trouble> {
        let Err(failure) = self.server_side(place, planned).await else {
            return Ok(());
        };
        match failure.status {
            Some(StatusCode::UNPROCESSABLE_ENTITY) => Ok(()),
            Some(StatusCode::CONFLICT) if !failure.causes.is_empty() => {
                let others = failure
                    .causes
                    .iter()
                    .filter(|cause| !cause.said.starts_with("conflict with \"helm\" using "));
                let others: Vec<_> = others
                    .map(|cause| format!("{}: {}", cause.field, cause.said))
                    .collect();
                match others.is_empty() {
                    true => Ok(()),
                    false => Err(Trouble::Other(others.join(", "))),
                }
            }
            _ => Err(failure.into()),
        }
    }

    async fn delete(&self, place: &Place) -> Result<(), Failure> {
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"],
            "propagationPolicy": "Background"});
        let json = "application/json";
        match self.ask(Method::DELETE, &place.path, json, &options).await {
            Err(failure) if failure.status == Some(StatusCode::NOT_FOUND) => Ok(()),
            answer => answer,
        }
    }

    /// Creates a hook's object, whatever exists. If Helm deletes the old object first, both the deletion and the
    /// creation are sent: admission and validation come before the API server notices that it still exists.
    async fn hook(
        &self,
        place: &Place,
        hook: &Value,
        recreated: bool,
        is_there: bool,
    ) -> Result<(), Trouble> {
        let fields = match self.sent.apply {
            Apply::ClientSide => "Warn",
            Apply::ServerSide { .. } if !is_there || !recreated => {
                return Ok(self.server_side(place, hook).await?);
            }
            Apply::ServerSide { .. } => "Strict",
        };
        if !is_there || !recreated {
            return Ok(self.create(place, hook, fields).await?);
        }
        self.delete(place).await?;
        match self.create(place, hook, fields).await {
            Err(failure) if failure.status == Some(StatusCode::CONFLICT) => Ok(()),
            // The old object frees its quota before the new one needs it.
            Err(failure) if failure.to_string().contains("exceeded quota") => Ok(()),
            answer => Ok(answer?),
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        media_type: &'static str,
        body: &Value,
    ) -> Result<(), Failure> {
        let bytes = body.to_string().into_bytes();
        let payload = Payload::of(media_type, &bytes);
        request(self.client, method, path, payload).await.map(drop)
    }
}

fn answer(failure: Failure) -> Answer {
    match failure.status {
        None => Answer::Unasked(ReadError::Unreachable.to_string()),
        Some(_) => Answer::Refused(said::of(failure)),
    }
}

fn is_kept(live: &Value) -> bool {
    let annotations = at(live, "/metadata/annotations");
    annotations.and_then(|it| it.get(RESOURCE_POLICY)) == Some(&"keep".into())
}

/// Whether Helm has changed an object by patches.
fn is_patched(live: &Value) -> bool {
    let managers = at(live, "/metadata/managedFields").and_then(Value::as_array);
    managers.into_iter().flatten().any(|entry| {
        text(entry, "/manager") == "helm"
            && text(entry, "/operation") == "Update"
            && text(entry, "/subresource").is_empty()
    })
}

/// Whether the guard's own webhook refused an object: its rules judge the whole release instead.
fn is_guards_own(failure: &Failure) -> bool {
    let denied = format!("{NAME}\" denied the request");
    failure.to_string().contains(&denied)
}

/// Names the object that this one needs and that the release creates first.
fn made_first(item: &Item<'_>, failure: &Failure, sent: &Sent<'_>) -> Option<String> {
    let (Task::Apply(object, _) | Task::Hook(object, _)) = item.task else {
        return None;
    };
    let namespace = item.place.namespace.as_deref();
    let account = text(object, "/spec/serviceAccountName");
    let (kind, name) = match failure.status? {
        StatusCode::NOT_FOUND => ("Namespace", namespace?),
        StatusCode::FORBIDDEN if failure.to_string().contains("service account") => {
            ("ServiceAccount", account)
        }
        _ => return None,
    };
    sent.makes(kind, name).then(|| format!("{kind} {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_helms_own_patches_are_taken_over() {
        let live = |manager: &str, operation: &str, subresource: &str| {
            json!({"metadata": {"managedFields": [
                {"manager": manager, "operation": operation, "subresource": subresource},
            ]}})
        };
        assert!(is_patched(&live("helm", "Update", "")));
        assert!(!is_patched(&live("helm", "Apply", "")));
        assert!(!is_patched(&live("kubectl", "Update", "")));
        assert!(!is_patched(&live("helm", "Update", "scale")));
    }
}
