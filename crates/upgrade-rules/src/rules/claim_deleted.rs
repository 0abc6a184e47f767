//! `claim-deleted`: deleting a claim, or its volume, would delete the data with it.
//!
//! With reclaim policy `Delete`, which is what most storage classes give, a volume goes with its claim. The guides have
//! users delete claims that are `Lost`; one letter beside them is one that is Bound.
//!
//! Any line. Documented: "v8.3.0 (minor), Elasticsearch - Data retention" and "v8.2.0 (Minor), Keycloak, Method 2".

use super::{Judge, Rule, at};

use crate::{
    change::{Change, Facts, Operation},
    finding::{Action, Finding, Fix, RuleId, guide},
    fixes::{
        give_up,
        retain::{self},
    },
    knowledge::claims::{deleted_on_purpose, holds_data, is_retained},
    kubernetes::{Kind, Object},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ClaimDeleted,
    summary: "a claim or volume would be deleted, and its data with it",
    guide: guide::DATA_RETENTION,
    release: &[],
    object: at(
        &[Action::Deny],
        &[&matching::CLAIM_DELETIONS, &matching::VOLUME_DELETIONS],
    ),
    page: include_str!("../../../../docs/rules/claim-deleted.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.operation != Operation::Delete {
        return Vec::new();
    }
    let claims = change
        .of_kind(Kind::PersistentVolumeClaim)
        .filter_map(|deleted| {
            let claim = deleted.running.as_deref()?;
            let volume = facts.volume_of(claim)?;
            lost(facts, deleted.object.kind, claim, claim, volume)
        });
    let volumes = change
        .of_kind(Kind::PersistentVolume)
        .filter_map(|deleted| {
            let volume = deleted.running.as_deref()?;
            let claim = facts.claim_of(volume)?;
            lost(facts, deleted.object.kind, volume, claim, volume)
        });
    claims.chain(volumes).collect()
}

/// Reports the data that is lost with `deleted`, which is the claim or the volume.
fn lost(
    facts: &Facts,
    kind: Kind,
    deleted: &Object,
    claim: &Object,
    volume: &Object,
) -> Option<Finding> {
    let namespace = claim.namespace()?;
    if !holds_data(claim)
        || is_retained(volume)
        || deleted_on_purpose(claim)
        || deleted_on_purpose(volume)
        || facts.namespace_terminating(namespace)
        || !facts.is_guarded(claim)
    {
        return None;
    }
    let (volume_name, size) = (
        volume.name(),
        volume
            .str("/spec/capacity/storage")
            .unwrap_or("unknown size"),
    );
    let retain = retain::retain([volume_name]);
    let give_up = give_up::allow(kind, deleted)?;
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("The data of claim {} would be deleted", claim.name()),
        objects: vec![crate::kubernetes::ObjectRef::new(
            kind,
            namespace,
            deleted.name(),
        )],
        why: vec![format!(
            "Claim {} is Bound to volume {volume_name} ({size}), whose policy is {}: the volume goes with its claim.",
            claim.name(),
            volume
                .str("/spec/persistentVolumeReclaimPolicy")
                .unwrap_or("unknown")
        )],
        fixes: vec![
            Fix::new("Keep the volume:", [retain]),
            Fix::on_purpose(
                "Let data go that is saved elsewhere or not wanted any more; nothing brings it back:",
                vec![give_up],
            ),
        ],
        guide: RULE.guide,
    })
}
