//! Policy reports: objects of kinds that the guard judges nothing by, so that only these requests know them.

use axum::http::Method;
use serde_json::Value;

use super::{
    Effect, LiveCluster,
    request::{Payload, request},
    write::{APPLY, WriteError, refused},
};
use crate::kubernetes::is_name;

/// A collection of the API, such as `openreports.io/v1alpha1` and `reports`.
#[derive(Clone, Copy, Debug)]
pub struct Collection {
    /// Group and version.
    pub version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Plural of the kind.
    pub plural: &'static str,
}

impl Collection {
    fn path(self, namespace: Option<&str>) -> String {
        let Collection {
            version, plural, ..
        } = self;
        match namespace {
            Some(namespace) => format!("/apis/{version}/namespaces/{namespace}/{plural}"),
            None => format!("/apis/{version}/{plural}"),
        }
    }
}

impl LiveCluster {
    /// Returns namespace and uid of each report of this name that carries a label.
    ///
    /// # Errors
    /// When they can't be listed; [`WriteError::Missing`] if the cluster has no such kind.
    pub async fn reports(
        &self,
        collection: Collection,
        namespace: Option<&str>,
        name: &str,
        (label, value): (&str, &str),
    ) -> Result<Vec<(String, String)>, WriteError> {
        let path = collection.path(namespace);
        let path = format!("{path}?labelSelector={label}%3D{value}");
        let list = request(&self.client, Method::GET, &path, Payload::METADATA).await;
        let list = list.map_err(refused)?;
        let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        let of_name = items.iter().filter(|it| it["metadata"]["name"] == name);
        let told = of_name.filter_map(|it| {
            let text = |key: &str| it["metadata"][key].as_str().map(str::to_owned);
            Some((text("namespace")?, text("uid")?))
        });
        Ok(told.collect())
    }

    /// Makes a report what it is to be, by server-side apply as this field manager.
    ///
    /// # Errors
    /// When it is not allowed or not accepted.
    pub async fn apply_report(
        &self,
        collection: Collection,
        (namespace, name): (&str, &str),
        report: &Value,
        manager: &str,
    ) -> Result<(), WriteError> {
        let path = Effect::Stored.on(one(collection, namespace, name)?);
        let path = format!("{path}&fieldManager={manager}&force=true");
        let applied = self.send(Method::PATCH, &path, APPLY, report).await;
        applied.map(drop)
    }

    /// Deletes the report with this uid; one that is gone already is deleted.
    ///
    /// # Errors
    /// When it is not allowed.
    pub async fn delete_report(
        &self,
        collection: Collection,
        (namespace, name): (&str, &str),
        uid: &str,
    ) -> Result<(), WriteError> {
        let path = one(collection, namespace, name)?;
        match self.delete_at(&path, uid, false, Effect::Stored).await {
            Err(WriteError::Missing) => Ok(()),
            answer => answer,
        }
    }
}

/// The path of one report; names that must not go into a path are refused.
fn one(collection: Collection, namespace: &str, name: &str) -> Result<String, WriteError> {
    match is_name(namespace) && is_name(name) {
        true => Ok(format!("{}/{name}", collection.path(Some(namespace)))),
        false => Err(WriteError::Name(format!("{namespace}/{name}"))),
    }
}
