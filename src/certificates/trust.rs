//! The webhook configurations, which tell the API server whom to trust.

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::error::Trouble;
use crate::cluster::explain;

const KINDS: [&str; 2] = [
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
];

pub(super) struct Configurations {
    apis: [(&'static str, Api<DynamicObject>); 2],
    name: String,
}

impl Configurations {
    pub(super) fn new(client: &Client, name: String) -> Self {
        let api = |kind| {
            let kind = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
            Api::all_with(client.clone(), &ApiResource::from_gvk(&kind))
        };
        Self {
            apis: KINDS.map(|kind| (kind, api(kind))),
            name,
        }
    }

    /// Makes all existing configurations trust `bundle` (base64). Returns whether they all did already.
    pub(super) async fn trust(&self, bundle: &str) -> Result<bool, Trouble> {
        let mut trusted = true;
        for (kind, api) in &self.apis {
            let read = api.get_opt(&self.name).await;
            let what = || format!("{kind} {}", self.name);
            let read = read.map_err(|error| Trouble::Unread {
                what: what(),
                error: explain(&error),
            })?;
            let Some(patch) = read.and_then(|found| patch(&found, bundle)) else {
                continue;
            };
            trusted = false;
            match api
                .patch(
                    &self.name,
                    &PatchParams::default(),
                    &Patch::Strategic(patch),
                )
                .await
            {
                Ok(_) => tracing::info!(kind, name = self.name, "has the CA to trust now"),
                // Another client is changing it right now; the next look shows the result.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => {
                    return Err(Trouble::Unwritten {
                        what: what(),
                        done: "patched",
                        error: explain(&error),
                    });
                }
            }
        }
        Ok(trusted)
    }
}

/// Returns the patch that makes every webhook trust `bundle`; None if all do.
fn patch(found: &DynamicObject, bundle: &str) -> Option<Value> {
    let webhooks = found.data.get("webhooks")?.as_array()?;
    let trusts = |webhook: &&Value| {
        let held = webhook.pointer("/clientConfig/caBundle");
        held.and_then(Value::as_str) == Some(bundle)
    };
    let others: Vec<_> = webhooks
        .iter()
        .filter(|webhook| !trusts(webhook))
        .map(|webhook| json!({"name": webhook["name"], "clientConfig": {"caBundle": bundle}}))
        .collect();
    (!others.is_empty()).then(|| {
        json!({
            "metadata": {"resourceVersion": found.metadata.resource_version},
            "webhooks": others,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_webhooks_that_trust_something_else_are_changed() {
        let found: DynamicObject = serde_json::from_value(json!({
            "metadata": {"name": "guard", "resourceVersion": "7"},
            "webhooks": [
                {"name": "right", "clientConfig": {"caBundle": "Q0E="}},
                {"name": "empty", "clientConfig": {"url": "https://127.0.0.1"}},
            ],
        }))
        .unwrap();
        assert_eq!(
            patch(&found, "Q0E="),
            Some(json!({
                "metadata": {"resourceVersion": "7"},
                "webhooks": [{"name": "empty", "clientConfig": {"caBundle": "Q0E="}}],
            }))
        );
        assert_eq!(
            patch(
                &DynamicObject {
                    data: json!({}),
                    ..found
                },
                "Q0E="
            ),
            None
        );
    }
}
