//! The live state after an upgrade was prepared, and after it is done.

use serde_json::{Value, json};

use super::Forecast;
use crate::{
    camunda,
    change::{Change, Facts, secret_data},
    fixes::conversion,
    kubernetes::{Kind, Object, ObjectRef, json},
    rules::{Orphaned, orphaned},
};

/// Has the Secret there that the new values name, with what the old ones hold.
pub(super) fn prepare(facts: &mut Facts, change: &Change) {
    let Some((name, keys)) = conversion::secret_keys(change, facts) else {
        return;
    };
    let line = change.target_line();
    let mut data = serde_json::Map::new();
    for key in keys {
        let carried = line.and_then(|line| line.carried_over.iter().find(|it| it.key == key));
        let old = carried
            .and_then(|carried| carried.from.as_deref())
            .and_then(|from| old(facts, change, from));
        let value = old.unwrap_or_else(|| b"-".to_vec());
        data.insert(key, String::from_utf8_lossy(&value).into());
    }
    let secret = json!({
        "metadata": {"name": name, "namespace": change.namespace},
        "stringData": data,
    });
    facts.insert(Kind::Secret, Object(secret).into());
}

/// The value of a credential that the running chart made.
fn old(facts: &Facts, change: &Change, name: &str) -> Option<Vec<u8>> {
    let line = change.from.as_ref().and_then(|from| from.line);
    let secrets = change.of_kind(Kind::Secret).filter(|secret| secret.camunda);
    secrets
        .filter_map(|secret| Some((secret, facts.get(&secret.object)?)))
        .find_map(|(secret, live)| {
            let is_it = |key: &str| {
                let charts = secret.charts.as_deref();
                let found = camunda::credential(live, key, charts, line);
                found.is_some_and(|found| found.name == name)
            };
            let mut data = secret_data(live).into_iter();
            data.find(|(key, _)| is_it(key)).map(|(_, value)| value)
        })
}

/// Has everything live as the upgrade leaves it: volumes handed over, pods ready, Jobs complete.
pub fn settle(facts: &mut Facts, forecast: &Forecast) {
    let change = &forecast.change;
    let handed_over: Vec<_> = orphaned(change, facts)
        .iter()
        .flat_map(|found| claims(facts, found))
        .collect();
    for (old, claim) in handed_over {
        facts.remove(&old);
        facts.insert(Kind::PersistentVolumeClaim, claim.into());
    }
    for object in &change.objects {
        if object.removed() {
            facts.remove(&object.object);
        }
    }
    for object in &forecast.planned.objects {
        let reference = &object.reference;
        let mut live = object.object.0.clone();
        json::set(
            &mut live,
            ["metadata", "namespace"],
            reference.namespace.as_str(),
        );
        match reference.kind {
            Kind::StatefulSet | Kind::Deployment => {}
            Kind::Secret if facts.get(reference).is_none() => {}
            Kind::Job => json::set(&mut live, ["status"], complete()),
            _ => continue,
        }
        facts.insert(reference.kind, Object(live).into());
    }
}

fn complete() -> Value {
    json!({"conditions": [{"type": "Complete", "status": "True"}]})
}

/// The claims that the new StatefulSet makes, each bound to the volume of an old one.
fn claims(facts: &Facts, found: &Orphaned<'_>) -> Vec<(ObjectRef, Object)> {
    let namespace = &found.new.object.namespace;
    let labels = found
        .new
        .planned
        .as_deref()
        .and_then(|planned| planned.at("/spec/selector/matchLabels"));
    let claim = |old: &Object, successor: &str| {
        let mut claim = old.0.clone();
        json::set(&mut claim, ["metadata", "name"], successor);
        json::set(
            &mut claim,
            ["metadata", "labels"],
            labels.cloned().unwrap_or_default(),
        );
        Object(claim)
    };
    found
        .orphans
        .iter()
        .filter_map(|orphan| {
            let old = ObjectRef::new(Kind::PersistentVolumeClaim, namespace, orphan.claim.name());
            let live = facts.get(&old)?;
            Some((old, claim(live, orphan.successor.as_deref()?)))
        })
        .collect()
}
