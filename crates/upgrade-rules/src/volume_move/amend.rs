//! The remaining changes of a step to an object: a JSON merge patch, or nothing if the object is already right.

use serde_json::{Value, json};

use crate::{
    annotations::{POLICY_BEFORE, REBIND_TO, REBOUND_FROM},
    knowledge::claims::{claim_ref, holds_data, is_retained, names_claim, takes_claims_along},
    kubernetes::Object,
};

pub(super) const POLICY: &str = "/spec/persistentVolumeReclaimPolicy";

/// The claim that a volume is taken from, and the claim that it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The namespace of both.
    pub namespace: String,
    /// The claim that its claimRef names.
    pub from: String,
    /// The uid that the claimRef has with it; none where it has none.
    pub from_uid: Option<String>,
    /// The claim that it is to name.
    pub to: String,
    /// The uid that it is to have with it; with none, the claim of that name binds it, whichever it is.
    pub to_uid: Option<String>,
}

/// The error that a volume no longer belongs to the claim that it is to be taken from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is claim {by}'s by now: somebody else changed it meanwhile")]
pub struct Taken {
    /// The claim that has it.
    pub by: String,
}

/// Returns the patch that retains a volume and records its old reclaim policy.
pub fn retained(volume: &Object) -> Option<Value> {
    let policy = volume.str(POLICY).filter(|_| !is_retained(volume))?;
    Some(json!({
        // What somebody has asked a guard for that was not there would be done half-way with one that is.
        "metadata": {"annotations": {POLICY_BEFORE: policy, REBIND_TO: null}},
        "spec": {"persistentVolumeReclaimPolicy": "Retain"},
    }))
}

/// Returns the patch that hands a volume over to the new claim.
///
/// # Errors
/// When it is neither that nor what it was when the plan was made.
pub fn handed_over(volume: &Object, moved: &Move) -> Result<Option<Value>, Taken> {
    if is_at_goal(volume, moved) {
        return Ok(None);
    }
    let mut patch = repointed(volume, moved)?;
    let from = format!("{}/{}", moved.namespace, moved.from);
    patch["metadata"] = json!({"annotations": {REBOUND_FROM: from, REBIND_TO: null}});
    Ok(Some(patch))
}

/// Returns the patch that gives a volume back to the old claim.
///
/// # Errors
/// As for [`handed_over`].
pub fn handed_back(volume: &Object, moved: &Move) -> Result<Option<Value>, Taken> {
    match is_at_goal(volume, moved) {
        true => Ok(None),
        false => repointed(volume, moved).map(Some),
    }
}

fn is_at_goal(volume: &Object, moved: &Move) -> bool {
    names_claim(volume, &moved.namespace, &moved.to)
        && is_retained(volume)
        && (moved.to_uid.is_none() || uid(volume) == moved.to_uid.as_deref())
}

/// The policy goes along, so that at no moment a volume is between two claims without it.
fn repointed(volume: &Object, moved: &Move) -> Result<Value, Taken> {
    let as_planned = names_claim(volume, &moved.namespace, &moved.from)
        && uid(volume) == moved.from_uid.as_deref();
    let half_done = names_claim(volume, &moved.namespace, &moved.to)
        && (uid(volume).is_none() || uid(volume) == moved.to_uid.as_deref());
    let free = volume.at("/spec/claimRef").is_none_or(Value::is_null);
    if !(as_planned || half_done || free) {
        let by = volume.str("/spec/claimRef/name").unwrap_or("nobody");
        return Err(Taken { by: by.to_owned() });
    }
    let mut claim_ref = claim_ref(&moved.namespace, &moved.to);
    claim_ref["uid"] = moved.to_uid.as_deref().into();
    claim_ref["resourceVersion"] = Value::Null;
    Ok(json!({"spec": {"persistentVolumeReclaimPolicy": "Retain", "claimRef": claim_ref}}))
}

/// Returns the patch that removes the notes of a move from a volume, and restores its old policy if it is bound to `owner`.
pub fn restored(volume: &Object, owner: Option<&Object>) -> Option<Value> {
    let before = volume.annotation(POLICY_BEFORE);
    if before.is_none() && volume.annotation(REBOUND_FROM).is_none() {
        return None;
    }
    let before = before.filter(|_| owner.is_some_and(|owner| is_bound(owner, volume)));
    let mut patch = json!({"metadata": {"annotations": {POLICY_BEFORE: null, REBOUND_FROM: null}}});
    if let Some(before) = before {
        patch["spec"] = json!({"persistentVolumeReclaimPolicy": before});
    }
    Some(patch)
}

/// Keeps a volume when its claim goes, as the guide has it.
pub(crate) fn retain() -> Value {
    json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
}

/// Returns the patch that makes a StatefulSet keep its claims; both fields, because deletion may follow scaling to 0.
pub(super) fn leave_claims() -> Value {
    json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"}}})
}

/// Returns the patch that removes a claim's owner: the garbage collector would delete the claim, and its controller lets go late.
pub(super) fn disown() -> Value {
    json!({"metadata": {"ownerReferences": null}})
}

/// Whether claim and volume are bound to each other, and the claim is not being deleted.
pub fn is_bound(claim: &Object, volume: &Object) -> bool {
    let going = claim.at("/metadata/deletionTimestamp");
    holds_data(claim)
        && going.is_none_or(Value::is_null)
        && claim.str("/spec/volumeName") == Some(volume.name())
        && uid(volume).is_some()
        && uid(volume) == claim.uid()
}

/// A StatefulSet leaves its claims alone when it is scaled down or deleted.
pub fn keeping_claims(statefulset: &Object) -> Option<Value> {
    takes_claims_along(statefulset).then(leave_claims)
}

/// Returns the patch that removes owners with which a claim would be deleted.
pub fn disowned(claim: &Object) -> Option<Value> {
    let is_owned = !claim.array("/metadata/ownerReferences").is_empty();
    is_owned.then(disown)
}

/// A claim has these labels.
pub fn labelled(claim: &Object, labels: &[(String, String)]) -> Option<Value> {
    let missing: serde_json::Map<_, _> = labels
        .iter()
        .filter(|(key, value)| claim.label(key) != Some(value))
        .map(|(key, value)| (key.clone(), value.as_str().into()))
        .collect();
    (!missing.is_empty()).then(|| json!({"metadata": {"labels": missing}}))
}

/// The uid in a volume's claimRef.
pub fn uid(volume: &Object) -> Option<&str> {
    volume
        .str("/spec/claimRef/uid")
        .filter(|uid| !uid.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(policy: &str, claim: &str, uid: Option<&str>) -> Object {
        Object(json!({
            "metadata": {"name": "pv", "annotations": {"other": "stays"}},
            "spec": {"persistentVolumeReclaimPolicy": policy,
                "claimRef": {"namespace": "prod", "name": claim, "uid": uid, "resourceVersion": "7"}},
        }))
    }

    fn over() -> Move {
        Move {
            namespace: "prod".to_owned(),
            from: "old-0".to_owned(),
            from_uid: Some("u".to_owned()),
            to: "new-0".to_owned(),
            to_uid: None,
        }
    }

    fn back() -> Move {
        Move {
            namespace: "prod".to_owned(),
            from: "new-0".to_owned(),
            from_uid: None,
            to: "old-0".to_owned(),
            to_uid: Some("u".to_owned()),
        }
    }

    /// As the API server does it.
    fn merged(object: &Object, patch: &Value) -> Object {
        let mut value = object.0.clone();
        json_patch::merge(&mut value, patch);
        Object(value)
    }

    #[test]
    fn each_step_finds_nothing_more_to_do_in_its_own_result() {
        let old = volume("Delete", "old-0", Some("u"));
        let kept = merged(&old, &retained(&old).unwrap());
        assert_eq!(kept.str(POLICY), Some("Retain"));
        assert_eq!(retained(&kept), None);

        let new = merged(&kept, &handed_over(&kept, &over()).unwrap().unwrap());
        assert_eq!(
            new.at("/spec/claimRef"),
            Some(&claim_ref("prod", "new-0")),
            "neither uid nor resourceVersion"
        );
        assert_eq!(handed_over(&new, &over()), Ok(None));

        let again = merged(&new, &handed_back(&new, &back()).unwrap().unwrap());
        assert_eq!(uid(&again), Some("u"));
        assert_eq!(handed_back(&again, &back()), Ok(None));

        let owner = Object(json!({
            "metadata": {"name": "old-0", "uid": "u"},
            "spec": {"volumeName": "pv"}, "status": {"phase": "Bound"},
        }));
        let as_ever = merged(&again, &restored(&again, Some(&owner)).unwrap());
        assert_eq!(as_ever.at("/metadata"), old.at("/metadata"));
        assert_eq!(as_ever.str(POLICY), Some("Delete"));
        assert_eq!(restored(&as_ever, Some(&owner)), None);
    }

    /// The data would go with a claim that is not there, is another one or is going.
    #[test]
    fn the_old_policy_comes_back_only_over_a_claim_that_is_bound() {
        let mut volume = volume("Retain", "old-0", Some("u"));
        volume.0["metadata"]["annotations"][POLICY_BEFORE] = "Delete".into();
        let claim = |uid: &str, phase: &str, going: Option<&str>| {
            Object(json!({
                "metadata": {"name": "old-0", "uid": uid, "deletionTimestamp": going},
                "spec": {"volumeName": "pv"}, "status": {"phase": phase},
            }))
        };
        let policy = |owner: Option<&Object>| {
            let patch = restored(&volume, owner).unwrap();
            patch.pointer(POLICY).cloned()
        };
        assert_eq!(
            policy(Some(&claim("u", "Bound", None))),
            Some("Delete".into())
        );
        assert_eq!(policy(None), None);
        for other in [
            claim("v", "Bound", None),
            claim("u", "Lost", None),
            claim("u", "Bound", Some("2026-01-01T00:00:00Z")),
        ] {
            assert_eq!(policy(Some(&other)), None);
        }
    }

    #[test]
    fn a_volume_that_somebody_took_meanwhile_is_left_alone() {
        for (claim, uid) in [
            ("other-0", Some("u")),
            ("old-0", Some("another")),
            ("new-0", Some("bound")),
        ] {
            let taken = volume("Delete", claim, uid);
            assert!(handed_over(&taken, &over()).is_err(), "{claim} {uid:?}");
        }
        let bound = volume("Retain", "new-0", Some("bound"));
        assert!(handed_back(&bound, &back()).is_err());
    }

    #[test]
    fn a_policy_that_was_set_back_is_set_again_with_the_claim() {
        let set_back = volume("Delete", "new-0", None);
        let patch = handed_over(&set_back, &over()).unwrap().unwrap();
        let now = merged(&set_back, &patch);
        assert_eq!(now.str(POLICY), Some("Retain"));
        assert_eq!(handed_over(&now, &over()), Ok(None));
    }
}
