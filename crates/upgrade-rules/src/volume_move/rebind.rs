//! Option two of the guide: the volumes of elastic's claims go to the claims of Bitnami's chart.
//!
//! Documented: "v8.3.0 (minor), Elasticsearch - Data retention, Option Two".

use super::{
    Plan, Scene, Step,
    amend::{Move, retained, uid},
    new_claim, new_ordinal,
    scene::{OldClaim, one_statefulset},
};
use crate::{
    annotations::REBIND_TO,
    fixes::{hand_over::describe, keep_claims::takes_claims_along},
    knowledge::claims::{Orphan, is_retained, names_claim},
    kubernetes::{Kind, Mounts, Object, replicas},
    mutations::volume_claim_ref::mutate,
};

/// What is left to do to hand the volumes of a release over to the claims of `statefulset`.
///
/// # Errors
/// What stands against it, a sentence each; then none of it is to be done.
pub fn plan(scene: &Scene, release: &str, statefulset: &str) -> Result<Plan, Vec<String>> {
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
                let line = describe(&[orphan]).concat();
                match state(scene, old, volume, &to) {
                    Ok(State::Done) => plan.about.push(format!("{line}  is {to}'s already")),
                    Ok(State::Open) => {
                        plan.about.push(format!("{line}  to {to}"));
                        moves.push((old, volume, to));
                    }
                    Err(why) => against.extend(why),
                }
            }
            Err(why) => plan.notes.push(why),
        }
    }
    plan.about.extend(tidied(scene, &claims, statefulset));
    if !moves.is_empty() {
        match one_statefulset(&claims).and_then(|name| stop(scene, release, name, &moves)) {
            Ok(stop) => plan.steps = steps(scene, &moves, stop),
            Err(why) => against.push(why),
        }
    }
    match against.is_empty() {
        true => Ok(plan),
        false => Err(against),
    }
}

type Moves<'a> = [(&'a OldClaim<'a>, &'a Object, String)];

/// Retained before all else, and verified, so that from then on no mistake of anybody's deletes data.
fn steps(scene: &Scene, moves: &Moves<'_>, stop: Vec<Step>) -> Vec<Step> {
    let mut steps: Vec<_> = moves
        .iter()
        .filter_map(|(_, volume, _)| retain(volume))
        .collect();
    steps.extend(stop);
    for (old, volume, to) in moves {
        steps.push(Step::HandOver {
            volume: volume.name().to_owned(),
            moved: Move {
                namespace: scene.namespace.clone(),
                from: old.claim.name().to_owned(),
                from_uid: uid(volume).map(str::to_owned),
                to: to.clone(),
                to_uid: None,
            },
        });
    }
    steps
}

/// The step that retains a volume, where it is not.
pub fn retain(volume: &Object) -> Option<Step> {
    retained(volume)?;
    let policy = volume.str("/spec/persistentVolumeReclaimPolicy")?;
    Some(Step::Retain {
        volume: volume.name().to_owned(),
        policy: policy.to_owned(),
    })
}

/// How elastic's StatefulSet comes to have no pods.
fn stop(scene: &Scene, release: &str, name: &str, moves: &Moves<'_>) -> Result<Vec<Step>, String> {
    let claims: Vec<_> = moves
        .iter()
        .map(|(old, _, _)| old.claim.name().to_owned())
        .collect();
    let pods = scene.pods_using(&claims);
    let set = scene.statefulset(name, release)?;
    let running = set.map(replicas).filter(|replicas| *replicas > 0);
    let mut steps = set.map_or_else(Vec::new, |set| leave_claims(scene, set));
    match (running, set) {
        (Some(replicas), Some(_)) => steps.push(Step::Stop {
            statefulset: name.to_owned(),
            replicas,
        }),
        (None, None) if !pods.is_empty() => {
            let names: Vec<_> = pods.into_iter().collect();
            return Err(format!(
                "Pods {0} use the claims, and there is no StatefulSet {name} to scale down; delete them: kubectl -n {1} delete pod {2}",
                names.join(", "),
                scene.namespace,
                names.join(" ")
            ));
        }
        _ => {}
    }
    if running.is_some() || !pods.is_empty() {
        steps.push(Step::AwaitPods { claims });
    }
    Ok(steps)
}

/// The steps that keep a StatefulSet from taking its claims along.
pub(super) fn leave_claims(scene: &Scene, set: &Object) -> Vec<Step> {
    let mounts = Mounts::of(set);
    let owned = scene
        .facts
        .claims(&scene.namespace)
        .filter(|claim| mounts.parse(claim.name()).is_some())
        .filter(|claim| !claim.array("/metadata/ownerReferences").is_empty());
    let keep = takes_claims_along(set).then(|| Step::KeepClaims {
        statefulset: set.name().to_owned(),
    });
    let disown = owned.map(|claim| Step::Disown {
        claim: claim.name().to_owned(),
    });
    keep.into_iter().chain(disown).collect()
}

/// The volume of an old claim.
///
/// # Errors
/// When there is none to hand over.
fn volume_of<'a>(scene: &'a Scene, claim: &Object) -> Result<&'a Object, String> {
    let name = claim.name();
    let Some(volume) = claim
        .str("/spec/volumeName")
        .filter(|name| !name.is_empty())
    else {
        return Err(format!(
            "claim {name} never had a volume and is left as it is"
        ));
    };
    let found = scene.facts.named(Kind::PersistentVolume, "", volume);
    found.ok_or_else(|| {
        format!("claim {name}'s volume {volume} is gone; nothing of it is left to hand over")
    })
}

enum State {
    Open,
    Done,
}

/// How far a volume is on its way, as the webhook would see it, and what only a look at all volumes tells.
fn state(
    scene: &Scene,
    old: &OldClaim<'_>,
    volume: &Object,
    to: &str,
) -> Result<State, Vec<String>> {
    let namespace = &scene.namespace;
    let (name, from) = (volume.name(), old.claim.name());
    let other = scene
        .facts
        .of_kind(Kind::PersistentVolume)
        .filter(|other| other.name() != name && uid(other).is_none())
        .find(|other| names_claim(other, namespace, to));
    if let Some(other) = other {
        return Err(vec![format!(
            "Volume {name} is to be claim {to}'s, and volume {} waits for that already.",
            other.name()
        )]);
    }
    if names_claim(volume, namespace, to) {
        return arrived(scene, volume, to).map_err(|why| vec![why]);
    }
    let stale = names_claim(volume, namespace, from)
        && uid(volume).is_some()
        && uid(volume) != old.claim.uid();
    if stale {
        return Err(vec![format!(
            "Volume {name} belongs to an earlier claim {from}, not to the one that is there now."
        )]);
    }
    let free = volume
        .at("/spec/claimRef")
        .is_none_or(serde_json::Value::is_null);
    if !free && !names_claim(volume, namespace, from) {
        let of = scene.claim_in(volume).unwrap_or("another namespace");
        return Err(vec![format!(
            "Volume {name} of claim {from} is {of}'s by now, not {to}'s."
        )]);
    }
    // The questions that a guard asks, in its words.
    let mut asked = volume.clone();
    asked.0["metadata"]["annotations"][REBIND_TO] = format!("{namespace}/{to}").into();
    if free {
        asked.0["spec"]["claimRef"] = serde_json::json!({"namespace": namespace, "name": from});
    }
    match mutate(&asked, &scene.facts) {
        Ok(_) => Ok(State::Open),
        Err(finding) => Err(finding
            .why
            .iter()
            .map(|why| format!("Volume {name}: {why}"))
            .collect()),
    }
}

/// A volume whose claimRef names the new claim.
fn arrived(scene: &Scene, volume: &Object, to: &str) -> Result<State, String> {
    let claim = scene
        .facts
        .named(Kind::PersistentVolumeClaim, &scene.namespace, to);
    let name = volume.name();
    match uid(volume) {
        Some(uid) if claim.and_then(Object::uid) != Some(uid) => Err(format!(
            "Volume {name} was claim {to}'s, which is gone; it holds what that claim's Elasticsearch wrote last."
        )),
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
