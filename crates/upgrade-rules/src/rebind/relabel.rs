//! The steps of 8.0.13: Elasticsearch's claims get labels, and its StatefulSet is made anew by the upgrade.
//!
//! The guide deletes the StatefulSet with its pods. Here they stay and serve until the upgrade, whose StatefulSet takes
//! them over by their labels.
//!
//! Documented: "v8.0.13", steps 1 to 3.

use super::{Plan, Scene, scene::is_elastics};
use crate::{
    camunda::release_label,
    knowledge::claims::{holds_data, old_claim},
    kubernetes::{Kind, Mounts, Object, at},
    volume_move::{self, amend::labelled},
};

/// Whether a release has claims of elastic's chart, with labels or without.
pub fn concerns(scene: &Scene, release: &str) -> bool {
    statefulset(scene, release).is_some() || !left(scene, release).is_empty()
}

/// Returns the remaining steps for a release.
pub fn plan(scene: &Scene, release: &str) -> Plan {
    let set = statefulset(scene, release);
    let claims = claims(scene, release, set);
    let name = set
        .map(Object::name)
        .or_else(|| Some(old_claim(claims.first()?.name())?.0));
    let mut plan = Plan {
        heading: format!(
            "Release {release}, namespace {}: Elasticsearch's claims get the labels of chart 8.0.13 and later",
            scene.namespace
        ),
        ..Plan::default()
    };
    let Some(name) = name else {
        return plan;
    };
    let labels = [
        ("release", release),
        ("chart", "elasticsearch"),
        ("app", name),
    ];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let outdated = set.filter(|set| !has(set, &labels));
    // Until the StatefulSet is there anew, a claim could go and take its volume along.
    let unsettled = outdated.is_some() || set.is_none();
    let mut to_settle = Vec::new();
    for claim in &claims {
        let missing = labelled(claim, &labels).is_some();
        let volume = scene.facts.volume_of(claim);
        let on = volume.map_or("none", Object::name);
        let state = if missing { "unlabelled" } else { "labelled" };
        plan.about
            .push(format!("  {}  on volume {on}  {state}", claim.name()));
        if missing || unsettled {
            to_settle.push(*claim);
        }
    }
    if outdated.is_some() {
        plan.about.push(format!(
            "  StatefulSet {name} has a claim template without them, which Kubernetes does not let change"
        ));
    }
    let (facts, namespace) = (&scene.facts, &scene.namespace);
    plan.steps = volume_move::relabel(facts, namespace, &to_settle, &labels, outdated);
    plan
}

/// Elastic's StatefulSet of a release.
fn statefulset<'a>(scene: &'a Scene, release: &str) -> Option<&'a Object> {
    scene
        .facts
        .of_kind(Kind::StatefulSet)
        .find(|set| is_elastics(set) && release_label(set) == Some(release))
}

/// The claims with data of the StatefulSet, or those that are left of it.
fn claims<'a>(scene: &'a Scene, release: &str, set: Option<&Object>) -> Vec<&'a Object> {
    match set {
        Some(set) => Mounts::of(set)
            .holding(&scene.facts, &scene.namespace)
            .collect(),
        None => left(scene, release),
    }
}

/// Returns the claims with data of a deleted StatefulSet: labelled ones and, if the namespace has only one release, unlabelled
/// ones of up to 8.0.12 that only have the name of the StatefulSet.
fn left<'a>(scene: &'a Scene, release: &str) -> Vec<&'a Object> {
    let labelled = scene.old_claims(release).into_iter().map(|old| old.claim);
    let unlabelled = scene
        .facts
        .claims(&scene.namespace)
        .filter(|_| scene.releases.len() == 1)
        .filter(|claim| scene.facts.release_of(claim).is_none())
        .filter(|claim| {
            let of = old_claim(claim.name());
            of.is_some_and(|(statefulset, _)| claim.label("app") == Some(statefulset))
        });
    labelled
        .chain(unlabelled)
        .filter(|claim| holds_data(claim))
        .collect()
}

/// Whether the StatefulSet's claim template has the labels.
fn has(set: &Object, labels: &[(String, String)]) -> bool {
    let template = set.at("/spec/volumeClaimTemplates/0");
    let label = |key: &str| {
        let labels = template.and_then(|template| at(template, "/metadata/labels"))?;
        labels.get(key)?.as_str()
    };
    labels
        .iter()
        .all(|(key, value)| label(key) == Some(value.as_str()))
}
