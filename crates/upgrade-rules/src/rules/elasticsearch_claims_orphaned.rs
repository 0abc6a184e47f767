//! `elasticsearch-claims-orphaned`: the new Elasticsearch would mount other claims than those with the data.
//!
//! Chart 8.3.0 replaced elastic's chart by Bitnami's, and the claims changed their names from
//! `elasticsearch-master-elasticsearch-master-N` to `data-RELEASE-elasticsearch-master-N`. The upgrade succeeds
//! and starts on empty volumes. Name overrides do the same on any line.
//!
//! Documented: "v8.3.0 (minor), Elasticsearch - Data retention".

use super::{Judge, Rule, at, wanted};

use crate::{
    camunda::{Component, is_elastics, release_label},
    change::{Change, Facts, Gate, ObjectChange, Operation},
    finding::{Action, Finding, RuleId, guide},
    fixes::move_volumes,
    knowledge::claims::{self, Orphan},
    kubernetes::{Kind, Mounts, ordinal},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ElasticsearchClaimsOrphaned,
    summary: "Elasticsearch would start on empty volumes",
    guide: guide::DATA_RETENTION,
    release: &[Action::Deny],
    object: at(&[Action::Deny], &[&matching::STATEFULSETS]),
    page: include_str!("../../../../docs/rules/elasticsearch-claims-orphaned.md"),
    needs: &[wanted::replaced_claims, wanted::left_over_claims],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let found = orphaned(change, facts);
    found
        .iter()
        .filter_map(|found| finding(change, facts, found))
        .collect()
}

/// Claims that hold data and that an Elasticsearch would not mount.
pub(crate) struct Orphaned<'a> {
    /// The StatefulSet that mounts them now.
    pub(crate) old: Option<String>,
    /// The one of the new manifest.
    pub(crate) new: &'a ObjectChange,
    /// The claims.
    pub(crate) orphans: Vec<Orphan<'a>>,
}

/// All such claims of a change.
pub(crate) fn orphaned<'a>(change: &'a Change, facts: &'a Facts) -> Vec<Orphaned<'a>> {
    let elasticsearch = || {
        change
            .of_kind(Kind::StatefulSet)
            .filter(|set| set.camunda && set.component == Component::Elasticsearch)
    };
    if elasticsearch().any(|set| set.running.is_some()) {
        return elasticsearch()
            .filter_map(|set| {
                let old = Mounts::of(set.running.as_deref()?);
                let new = if set.planned.is_some() {
                    set
                } else {
                    claims::successor(change, set)?
                };
                let mounts = new.planned.as_deref().map(Mounts::of);
                let mut orphans =
                    claims::orphans(facts, &set.object.namespace, &old, mounts.as_ref());
                // What no claim template takes the place of can't be handed over; claims-orphaned tells of it.
                orphans.retain(|orphan| orphan.successor.is_some());
                Some(Orphaned {
                    old: Some(old.statefulset),
                    new,
                    orphans,
                })
            })
            .collect();
    }
    // What a StatefulSet mounts can't be changed by an update of it.
    if change.operation == Operation::Update {
        return Vec::new();
    }
    // Nothing runs, or only this object is known: the claims' own labels tell what an earlier chart left.
    let mounts: Vec<_> = elasticsearch()
        .filter_map(|set| set.planned.as_deref().map(Mounts::of))
        .collect();
    let main = |set: &&ObjectChange| {
        let planned = set.planned.as_deref();
        planned.is_some_and(|planned| {
            planned
                .label("app.kubernetes.io/component")
                .is_none_or(|part| part == "master")
        })
    };
    let Some(new) = elasticsearch().find(main) else {
        return Vec::new();
    };
    let orphans = left_over(change, facts, new, &mounts);
    let old = live_statefulset(change, facts, &orphans);
    vec![Orphaned { old, new, orphans }]
}

/// Claims that carry this release's name in elastic's labels and that none of the new StatefulSets mounts.
fn left_over<'a>(
    change: &'a Change,
    facts: &'a Facts,
    new: &ObjectChange,
    mounts: &[Mounts],
) -> Vec<Orphan<'a>> {
    let namespace = &new.object.namespace;
    let Some(target) = new.planned.as_deref().map(Mounts::of) else {
        return Vec::new();
    };
    facts
        .claims(namespace)
        .filter(|claim| is_elastics(claim, &change.release))
        .filter(|claim| {
            !mounts
                .iter()
                .any(|mounts| mounts.parse(claim.name()).is_some())
        })
        .filter_map(|claim| {
            let successor = target.claim(target.templates.first()?, ordinal(claim.name())?);
            claims::orphan(facts, namespace, claim, Some(successor))
        })
        .collect()
}

/// The StatefulSet that still mounts the orphans, if there is one.
fn live_statefulset(change: &Change, facts: &Facts, orphans: &[Orphan<'_>]) -> Option<String> {
    facts
        .mounting(orphans.first()?.claim)
        .filter(|set| release_label(set) == Some(&change.release))
        .map(|set| set.name().to_owned())
}

fn finding(change: &Change, facts: &Facts, found: &Orphaned<'_>) -> Option<Finding> {
    let Orphaned { old, new, orphans } = found;
    let old = old.as_deref();
    let mounts = Mounts::of(new.planned.as_deref()?);
    let template = mounts.templates.first()?;
    if orphans.is_empty() {
        return None;
    }
    let namespace = &new.object.namespace;
    let mut why = vec![format!(
        "StatefulSet {} mounts claims {template}-{}-N. Your data is in:",
        mounts.statefulset, mounts.statefulset
    )];
    why.extend(move_volumes::describe(orphans));
    if change.gate == Gate::Object {
        why.push("Everything else of this change may have been applied already.".to_owned());
    }
    let is_cloned = |orphan: &Orphan<'_>| claims::pending_clone(facts, orphan).is_some();
    let (cloned, others): (Vec<_>, Vec<_>) = orphans.iter().cloned().partition(is_cloned);
    let mut fixes = Vec::new();
    let clones = cloned.iter().filter_map(|it| it.successor.as_deref());
    let clones: Vec<_> = clones.collect();
    if !clones.is_empty() {
        why.push(format!(
            "These clones exist, Pending: {}. Wait until they are Bound.",
            clones.join(", ")
        ));
        fixes.push(move_volumes::wait_for_clones(namespace, &clones));
    }
    if !others.is_empty() {
        let release = &change.release;
        fixes.push(move_volumes::rebind(facts, namespace, old, &others));
        fixes.extend(move_volumes::clone(facts, namespace, release, old, &others));
    }
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Elasticsearch would start on empty volumes".to_owned(),
        objects: vec![new.object.clone()],
        why,
        fixes,
        guide: RULE.guide,
    })
}
