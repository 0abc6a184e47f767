//! Tells the claims that a change is about from those of others in the same namespace.

use std::collections::BTreeSet;

use super::mounted_claims;
use crate::{
    camunda::release_label,
    change::Change,
    knowledge::claims::named_claim,
    kubernetes::{Kind, Mounts, Object, ObjectRef},
};

/// What tells the claims of a change, before any of them is read.
#[derive(Clone, Debug, Default)]
pub struct ClaimSearch {
    release: String,
    /// Those that the workloads of both manifests mount.
    mounted: BTreeSet<ObjectRef>,
    /// The StatefulSets of both manifests, with their namespaces.
    sets: Vec<(String, Mounts)>,
}

impl ClaimSearch {
    /// Reads what a change's manifests tell.
    pub fn of(change: &Change) -> ClaimSearch {
        let mut sets = Vec::new();
        for set in change.of_kind(Kind::StatefulSet) {
            for side in set.running.iter().chain(&set.planned) {
                let mounts = (set.object.namespace.clone(), Mounts::of(side));
                if !sets.contains(&mounts) {
                    sets.push(mounts);
                }
            }
        }
        ClaimSearch {
            release: change.release.clone(),
            mounted: mounted_claims(change),
            sets,
        }
    }

    /// Returns the names of the claims in a namespace that the manifests mount, whether they exist or not.
    pub fn mounted(&self, namespace: &str) -> BTreeSet<String> {
        let mounted = self.mounted.iter();
        let mounted = mounted.filter(|claim| claim.namespace == namespace);
        mounted.map(|claim| claim.name.clone()).collect()
    }

    /// Whether the change is about a claim: its label names the release, or a StatefulSet with more pods would mount it.
    pub fn finds(&self, claim: &Object) -> bool {
        release_label(claim) == Some(&self.release)
            || self.is_of_a_set(claim.namespace().unwrap_or_default(), claim.name())
    }

    /// Whether a volume is on such a claim or waits for one.
    pub fn finds_volume(&self, volume: &Object) -> bool {
        named_claim(volume).is_some_and(|claim| {
            self.mounted.contains(&claim) || self.is_of_a_set(&claim.namespace, &claim.name)
        })
    }

    fn is_of_a_set(&self, namespace: &str, claim: &str) -> bool {
        let mut sets = self.sets.iter();
        sets.any(|(of, mounts)| of == namespace && mounts.parse(claim).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::change::Operation;

    fn claim(namespace: &str, name: &str, labels: Value) -> Object {
        Object(json!({"metadata": {"namespace": namespace, "name": name, "labels": labels}}))
    }

    #[test]
    fn a_claim_is_told_by_its_label_or_by_its_statefulset() {
        let set = Object(json!({
            "metadata": {"namespace": "prod", "name": "camunda-zeebe"},
            "spec": {"replicas": 2, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]},
        }));
        let reference = ObjectRef::new(Kind::StatefulSet, "prod", "camunda-zeebe");
        let mut change = Change::of_object(Operation::Update, reference, "camunda", set.clone());
        change.objects[0].running = Some(Arc::new(set));
        let search = ClaimSearch::of(&change);
        let names = ["data-camunda-zeebe-0", "data-camunda-zeebe-1"];
        assert_eq!(search.mounted("prod"), names.map(str::to_owned).into());
        assert_eq!(search.mounted("shop"), BTreeSet::new());
        let of_release = json!({"app.kubernetes.io/instance": "camunda"});
        for (claim, found) in [
            (claim("prod", "data-camunda-zeebe-7", json!({})), true),
            (claim("shop", "data-camunda-zeebe-7", json!({})), false),
            (claim("prod", "data-camunda-zeebe-seven", json!({})), false),
            (claim("prod", "backup", of_release), true),
            (claim("prod", "backup", json!({"release": "camunda"})), true),
            (
                claim("prod", "backup", json!({"release": "camunda-2"})),
                false,
            ),
        ] {
            assert_eq!(search.finds(&claim), found, "{claim:?}");
        }
        for (namespace, name, found) in [
            ("prod", "data-camunda-zeebe-7", true),
            ("prod", "data-others-7", false),
            ("shop", "data-camunda-zeebe-7", false),
        ] {
            let volume = json!({"spec": {"claimRef": {"namespace": namespace, "name": name}}});
            assert_eq!(search.finds_volume(&Object(volume)), found, "{name}");
        }
        assert!(!search.finds_volume(&Object(json!({"spec": {}}))));
    }
}
