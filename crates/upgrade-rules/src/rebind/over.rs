//! Option two of the guide: the volumes of elastic's claims go to the claims of Bitnami's chart.
//!
//! Documented: "v8.3.0 (minor), Elasticsearch - Data retention, Option Two".

use super::{
    Blocked, Obstacle, Plan, Scene, new_claim, new_ordinal,
    scene::{OldClaim, one_statefulset},
};
use crate::{
    annotations::REBIND_TO,
    fixes::move_volumes::describe,
    knowledge::claims::{Orphan, is_retained, names_claim},
    kubernetes::{Kind, Object, replicas},
    mutations::volume_claim_ref::mutate,
    volume_move::{self, Step, amend::uid, hand_over},
};

/// Returns the remaining steps that hand a release's volumes over to the claims of `statefulset`.
///
/// # Errors
/// The obstacles; with any of them, nothing must be done.
pub fn plan(scene: &Scene, release: &str, statefulset: &str) -> Result<Plan, Blocked> {
    let namespace = &scene.namespace;
    let mut plan = Plan {
        heading: format!(
            "Release {release}, namespace {namespace}: Elasticsearch's volumes go from the claims of chart 8.2 to those of 8.3 and later"
        ),
        ..Plan::default()
    };
    let mut against = Vec::new();
    let mut moves = Vec::new();
    let claims = scene.old_claims(release);
    for old in &claims {
        let to = new_claim(statefulset, old.ordinal);
        match volume_of(scene, old.claim) {
            Ok(volume) => {
                let orphan = Orphan {
                    claim: old.claim,
                    volume: Some(volume),
                    successor: Some(to.clone()),
                };
                let line = describe(std::slice::from_ref(&orphan)).concat();
                match state(scene, old, volume, &to) {
                    Ok(State::Done) => plan.about.push(format!("{line}  is {to}'s already")),
                    Ok(State::Open) => {
                        plan.about.push(format!("{line}  to {to}"));
                        moves.push(orphan);
                    }
                    Err(why) => against.extend(why),
                }
            }
            Err(why) => plan.notes.push(why.to_string()),
        }
    }
    plan.about.extend(tidied(scene, &claims, statefulset));
    if !moves.is_empty() {
        match stop(scene, release, &claims, &moves) {
            Ok(stop) => plan.steps = hand_over(namespace, stop, &moves),
            Err(why) => against.push(why),
        }
    }
    match against.is_empty() {
        true => Ok(plan),
        false => Err(Blocked(against)),
    }
}

/// Returns the steps that leave elastic's StatefulSet without pods.
fn stop(
    scene: &Scene,
    release: &str,
    claims: &[OldClaim<'_>],
    moves: &[Orphan<'_>],
) -> Result<Vec<Step>, Obstacle> {
    let name = one_statefulset(claims)?.unwrap_or_default();
    let claims: Vec<_> = moves.iter().map(|orphan| orphan.claim.name()).collect();
    let pods = scene.pods_using(&claims);
    let Some(set) = scene.statefulset(name, release)? else {
        return match pods.is_empty() {
            true => Ok(Vec::new()),
            false => Err(Obstacle::LonePods {
                pods: pods.into_iter().map(str::to_owned).collect(),
                statefulset: name.to_owned(),
                namespace: scene.namespace.clone(),
            }),
        };
    };
    let mut steps = volume_move::stop(&scene.facts, &scene.namespace, set, &claims);
    let stopped = replicas(set) == 0 && pods.is_empty();
    steps.retain(|step| !(stopped && step.waits()));
    Ok(steps)
}

/// The reason why a claim has no volume to hand over.
#[derive(Debug, thiserror::Error)]
enum NoVolume {
    #[error("claim {0} never had a volume and is left as it is")]
    Unbound(String),
    #[error("claim {claim}'s volume {volume} is gone; nothing of it is left to hand over")]
    Gone { claim: String, volume: String },
}

/// The volume of an old claim.
///
/// # Errors
/// When there is none to hand over.
fn volume_of<'a>(scene: &'a Scene, claim: &Object) -> Result<&'a Object, NoVolume> {
    let name = claim.name().to_owned();
    let volume = claim.str("/spec/volumeName");
    let Some(volume) = volume.filter(|name| !name.is_empty()) else {
        return Err(NoVolume::Unbound(name));
    };
    let found = scene.facts.named(Kind::PersistentVolume, "", volume);
    found.ok_or_else(|| NoVolume::Gone {
        claim: name,
        volume: volume.to_owned(),
    })
}

enum State {
    Open,
    Done,
}

/// Returns whether a volume is handed over already, as the webhook would judge; fails if another volume waits for the claim.
fn state(
    scene: &Scene,
    old: &OldClaim<'_>,
    volume: &Object,
    to: &str,
) -> Result<State, Vec<Obstacle>> {
    let mut volumes = scene.facts.of_kind(Kind::PersistentVolume);
    let waiting = volumes.find(|other| {
        let waits = other.name() != volume.name() && uid(other).is_none();
        waits && names_claim(other, &scene.namespace, to)
    });
    if let Some(waiting) = waiting {
        return Err(vec![Obstacle::Awaited {
            volume: volume.name().to_owned(),
            to: to.to_owned(),
            waiting: waiting.name().to_owned(),
        }]);
    }
    match names_claim(volume, &scene.namespace, to) {
        true => arrived(scene, volume, to).map_err(|obstacle| vec![obstacle]),
        false => ready(scene, old, volume, to).map(|()| State::Open),
    }
}

/// Asks, of a volume whose claimRef does not name the new claim, what a guard would ask.
fn ready(
    scene: &Scene,
    old: &OldClaim<'_>,
    volume: &Object,
    to: &str,
) -> Result<(), Vec<Obstacle>> {
    let (namespace, from) = (&scene.namespace, old.claim.name());
    let name = || volume.name().to_owned();
    let own = names_claim(volume, namespace, from);
    if own && uid(volume).is_some() && uid(volume) != old.claim.uid() {
        return Err(vec![Obstacle::EarlierClaim {
            volume: name(),
            claim: from.to_owned(),
        }]);
    }
    let free = volume
        .at("/spec/claimRef")
        .is_none_or(serde_json::Value::is_null);
    if !free && !own {
        let now = scene.claim_in(volume).unwrap_or("another namespace");
        return Err(vec![Obstacle::Elsewhere {
            volume: name(),
            from: from.to_owned(),
            now: now.to_owned(),
            to: to.to_owned(),
        }]);
    }
    let mut asked = volume.clone();
    asked.0["metadata"]["annotations"][REBIND_TO] = format!("{namespace}/{to}").into();
    if free {
        asked.0["spec"]["claimRef"] = serde_json::json!({"namespace": namespace, "name": from});
    }
    let guarded = |why: String| Obstacle::Guarded {
        volume: name(),
        why,
    };
    match mutate(&asked, &scene.facts) {
        Ok(_) => Ok(()),
        Err(finding) => Err(finding.why.into_iter().map(guarded).collect()),
    }
}

/// A volume whose claimRef names the new claim.
fn arrived(scene: &Scene, volume: &Object, to: &str) -> Result<State, Obstacle> {
    let claim = scene
        .facts
        .named(Kind::PersistentVolumeClaim, &scene.namespace, to);
    match uid(volume) {
        Some(uid) if claim.and_then(Object::uid) != Some(uid) => Err(Obstacle::NewClaimGone {
            volume: volume.name().to_owned(),
            claim: to.to_owned(),
        }),
        // The claim has it, and what becomes of it then is its owner's business.
        Some(_) => Ok(State::Done),
        None if is_retained(volume) => Ok(State::Done),
        None => Ok(State::Open),
    }
}

/// The volumes whose old claims are deleted already.
fn tidied(scene: &Scene, claims: &[OldClaim<'_>], statefulset: &str) -> Vec<String> {
    scene
        .rebound()
        .filter(|(_, from)| !claims.iter().any(|old| old.claim.name() == *from))
        .filter_map(|(volume, from)| {
            let to = scene.claim_in(volume)?;
            new_ordinal(statefulset, to)?;
            let name = volume.name();
            Some(format!("  {from}  on volume {name}  is {to}'s already"))
        })
        .collect()
}
