//! The way back from [`super::over`]: volumes go to their old claims again, as long as the new ones never had them.
//!
//! A claim that has lost its volume is Bound again once the volume's claimRef names it with its uid; seen on a real
//! controller manager. A claim that was deleted meanwhile is made again, on the volume from the start.

use serde_json::{Value, json};

use super::{Blocked, Obstacle, Plan, Scene, new_ordinal};
use crate::{
    annotations::POLICY_BEFORE,
    knowledge::claims::{names_claim, old_claim},
    kubernetes::{Kind, Object},
    volume_move::{
        Move, Step,
        amend::{is_bound, restored, uid},
        retain,
    },
};

/// A moved volume, the old claim that it must return to, and the new one that its claimRef names, if any.
struct Touched<'a> {
    volume: &'a Object,
    old: &'a str,
    new: Option<&'a str>,
}

/// Finds the moved volumes by the old claims that exist and by the annotations on the volumes.
fn touched<'a>(scene: &'a Scene, release: &str, statefulset: &str) -> Vec<Touched<'a>> {
    let claims = scene.old_claims(release);
    let mut found: Vec<_> = claims
        .iter()
        .filter_map(|old| {
            let name = old.claim.name();
            let volume = scene.facts.volume_of(old.claim)?;
            let own = names_claim(volume, &scene.namespace, name);
            let new = scene.claim_in(volume).filter(|_| !own);
            let touched = match new {
                Some(new) => new_ordinal(statefulset, new).is_some(),
                None => own && restored(volume, None).is_some(),
            };
            touched.then_some(Touched {
                volume,
                old: name,
                new,
            })
        })
        .collect();
    // Those whose old claims were deleted, or are others by now.
    for (volume, old) in scene.rebound() {
        let new = scene.claim_in(volume);
        let waits = new.is_some_and(|new| new_ordinal(statefulset, new).is_some());
        let known = |touched: &Touched<'_>| touched.volume.name() == volume.name();
        if waits && !found.iter().any(known) {
            found.push(Touched { volume, old, new });
        }
    }
    found.sort_by_key(|touched| old_claim(touched.old).map(|(_, ordinal)| ordinal));
    found
}

/// Returns the remaining steps that give a release's volumes back.
///
/// # Errors
/// The obstacles; with any of them, nothing must be done.
pub fn plan(scene: &Scene, release: &str, statefulset: &str) -> Result<Plan, Blocked> {
    let mut plan = Plan {
        heading: format!(
            "Release {release}, namespace {}: Elasticsearch's volumes go back to the claims of chart 8.2",
            scene.namespace
        ),
        ..Plan::default()
    };
    let mut against = Vec::new();
    for one in &touched(scene, release, statefulset) {
        if let Some((statefulset, _)) = old_claim(one.old) {
            statefulset.clone_into(&mut plan.statefulset);
        }
        match steps(scene, release, one) {
            Ok(steps) => {
                let (name, old) = (one.volume.name(), one.old);
                let from = one.new.unwrap_or(old);
                plan.about
                    .push(format!("  volume {name}  is {from}'s  to {old}"));
                plan.steps.extend(steps);
            }
            Err(why) => against.push(why),
        }
    }
    // All are retained before one moves, and all move before one is waited for.
    plan.steps.sort_by_key(|step| match step {
        Step::Retain { .. } => 0,
        Step::Remake { .. } => 1,
        Step::HandBack { .. } => 2,
        Step::AwaitBound { .. } => 3,
        _ => 4,
    });
    match against.is_empty() {
        true => Ok(plan),
        false => Err(Blocked(against)),
    }
}

fn steps(scene: &Scene, release: &str, touched: &Touched<'_>) -> Result<Vec<Step>, Obstacle> {
    let Touched { volume, old, new } = touched;
    let name = volume.name().to_owned();
    let claim_named = |claim: &str| {
        scene
            .facts
            .named(Kind::PersistentVolumeClaim, &scene.namespace, claim)
    };
    let claim = claim_named(old);
    if let Some(claim) = claim
        && claim.str("/spec/volumeName") != Some(volume.name())
    {
        let other = claim.str("/spec/volumeName");
        return Err(Obstacle::OtherClaim {
            claim: (*old).to_owned(),
            volume: name,
            other: other.filter(|it| !it.is_empty()).map(str::to_owned),
            namespace: scene.namespace.clone(),
        });
    }
    let mut steps = Vec::new();
    // While the volume is another's, the claim waits for it; with its uid known it is the only one that can have it.
    if claim.is_none() {
        steps.push(Step::Remake {
            claim: remade(scene, release, volume, old),
            name: (*old).to_owned(),
            volume: name.clone(),
        });
    }
    if let Some(new) = new {
        refuse_bound(volume, new, claim_named(new))?;
        steps.extend(retain(volume));
        steps.push(Step::HandBack {
            volume: name.clone(),
            moved: Move {
                namespace: scene.namespace.clone(),
                from: (*new).to_owned(),
                from_uid: None,
                to: (*old).to_owned(),
                to_uid: claim.and_then(Object::uid).map(str::to_owned),
            },
        });
    }
    if !claim.is_some_and(|claim| is_bound(claim, volume)) {
        steps.push(Step::AwaitBound {
            claim: (*old).to_owned(),
            volume: name.clone(),
        });
    }
    if restored(volume, None).is_some() {
        steps.push(Step::Restore {
            volume: name,
            claim: (*old).to_owned(),
            policy: volume.annotation(POLICY_BEFORE).map(str::to_owned),
        });
    }
    Ok(steps)
}

/// Refuses a bound volume: it may have been written to, and the old Elasticsearch can't read the new one's data.
fn refuse_bound(volume: &Object, new: &str, claim: Option<&Object>) -> Result<(), Obstacle> {
    let name = volume.name();
    let took = claim.is_some_and(|claim| claim.str("/spec/volumeName") == Some(name));
    match took || uid(volume).is_some() {
        true => Err(Obstacle::WasBound {
            claim: new.to_owned(),
            volume: name.to_owned(),
        }),
        false => Ok(()),
    }
}

/// The claim as elastic's chart would have made it, on its volume from the start.
fn remade(scene: &Scene, release: &str, volume: &Object, name: &str) -> Value {
    let spec = |pointer: &str| volume.at(pointer).cloned().unwrap_or_default();
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": scene.namespace,
            "labels": {
                "release": release,
                "chart": "elasticsearch",
                "app": old_claim(name).map(|(statefulset, _)| statefulset),
            },
        },
        "spec": {
            "accessModes": spec("/spec/accessModes"),
            // A class that is not named would be the default one.
            "storageClassName": volume.str("/spec/storageClassName").unwrap_or_default(),
            "resources": {"requests": {"storage": spec("/spec/capacity/storage")}},
            "volumeName": volume.name(),
        },
    });
    if let Some(mode) = volume.str("/spec/volumeMode") {
        claim["spec"]["volumeMode"] = mode.into();
    }
    claim
}
