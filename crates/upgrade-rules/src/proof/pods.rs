//! The pods that StatefulSets have, whether they were read or not.

use serde_json::json;

use crate::{
    change::Facts,
    kubernetes::{Kind, Mounts, Object, ObjectRef, ordinal},
};

/// The pods that live StatefulSets must have and that were not read.
pub(super) fn assumed(facts: &Facts) -> Vec<(ObjectRef, Object)> {
    /// A StatefulSet may ask for any number of pods.
    const MOST: u64 = 1000;
    let mut assumed = Vec::new();
    for set in facts.of_kind(Kind::StatefulSet) {
        let Some(namespace) = set.namespace() else {
            continue;
        };
        let mounts = Mounts::of(set);
        for ordinal in 0..mounts.replicas.min(MOST) {
            let name = format!("{}-{ordinal}", set.name());
            let reference = ObjectRef::new(Kind::Pod, namespace, &name);
            if facts.get(&reference).is_some() {
                continue;
            }
            let volumes = mounts.templates.iter().map(|template| {
                let claim = mounts.claim(template, ordinal);
                json!({"name": template, "persistentVolumeClaim": {"claimName": claim}})
            });
            let volumes: Vec<_> = volumes.collect();
            let pod = json!({"metadata": {"name": name, "namespace": namespace}, "spec": {"volumes": volumes}});
            assumed.push((reference, Object(pod)));
        }
    }
    assumed
}

/// The number of a StatefulSet's pod.
pub(super) fn of_set(pod: &str, set: &str) -> Option<u64> {
    let start = pod.strip_prefix(set)?;
    start.starts_with('-').then(|| ordinal(pod))?
}
