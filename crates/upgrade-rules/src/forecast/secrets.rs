//! The future of the Secrets that a chart generates.

use serde_json::{Value, json};

use super::{Between, with};
use crate::{
    camunda::{self, Held, Supply},
    change::{RenderedObject, secret_data},
    kubernetes::{Kind, Object, json},
};

/// Whether the target chart looks up its generated Secrets on the cluster, so that they stay.
pub(super) fn looked_up(between: &Between<'_>) -> bool {
    camunda::looks_up(&between.chart.version) && generates(between)
}

/// 13 leaves it to the user to make Secrets.
pub(super) fn generates(between: &Between<'_>) -> bool {
    between.to.carried_over.is_empty() && between.from.carried_over.is_empty()
}

/// The Secret as a chart makes it that does not find the one on the cluster: with other values, but for those that are given.
pub(super) fn planned(between: &Between<'_>, object: &RenderedObject) -> Option<RenderedObject> {
    let mut value = object.object.0.clone();
    let (mut generated, mut dropped) = (0, 0);
    for key in secret_data(&object.object).into_keys() {
        let charts = object.charts.as_deref();
        let Some(found) = camunda::credential(&object.object, key, charts, Some(between.to)) else {
            continue;
        };
        generated += 1;
        let given = match &found.supply {
            Supply::Value(key) => between.values.get(between.values.own_key(key)).is_some(),
            Supply::WithoutGeneration => false,
        };
        if between.drops(&found.supply) {
            dropped += 1;
            for field in ["data", "stringData"] {
                if let Some(Value::Object(data)) = value.get_mut(field) {
                    data.remove(key);
                }
            }
        } else if !given {
            json::set(&mut value, ["stringData", key], "made up by the chart");
        }
    }
    let is_gone = generated > 0 && (!generates(between) || dropped == generated);
    (!is_gone).then(|| with(object, Object(value)))
}

impl Between<'_> {
    /// Whether the target chart no longer reads this value, so that it has no such credential.
    fn drops(&self, supply: &Supply) -> bool {
        match supply {
            Supply::Value(key) => {
                let key = self.values.own_key(key);
                self.to.dropped_values.contains_key(key)
            }
            Supply::WithoutGeneration => false,
        }
    }
}

/// The Secrets that stay as they are once the upgrade was given what it would make up.
pub(super) fn kept<'a>(between: &'a Between<'_>) -> impl Iterator<Item = RenderedObject> + use<'a> {
    let objects = between.standing.rendered.objects.iter();
    let secrets = objects.filter(|object| object.reference.kind == Kind::Secret);
    let stays =
        |object: &&RenderedObject| object.hook.is_none() && planned(between, object).is_some();
    secrets.filter(stays).cloned()
}

/// The Secrets of clients that the target chart is the first to have, and wants the user to give it.
pub(super) fn new(between: &Between<'_>) -> Vec<RenderedObject> {
    const CLIENT: &str = "-identity-secret";
    let secrets = || {
        let objects = between.standing.rendered.objects.iter();
        objects.filter(|object| object.reference.kind == Kind::Secret)
    };
    let of_identity =
        |object: &&RenderedObject| object.camunda && object.reference.name.ends_with(CLIENT);
    let Some(other) = secrets().find(of_identity).filter(|_| generates(between)) else {
        return Vec::new();
    };
    let news = between.to.credentials.iter().filter(|fact| {
        let known = || {
            between
                .from
                .credentials
                .iter()
                .any(|old| old.name == fact.name)
        };
        fact.held == Held::Client
            && fact.secret.ends_with(CLIENT)
            && !known()
            && !secrets().any(|object| object.reference.name.ends_with(&fact.secret))
    });
    news.map(|fact| {
        let name = format!("{}{}", between.standing.release, fact.secret);
        let secret = json!({
            "apiVersion": "v1",
            "kind": Kind::Secret.name(),
            "metadata": {"name": name, "labels": other.object.at("/metadata/labels")},
            "stringData": {fact.key.as_str(): "made up by the chart"},
        });
        with(other, Object(secret))
    })
    .collect()
}
