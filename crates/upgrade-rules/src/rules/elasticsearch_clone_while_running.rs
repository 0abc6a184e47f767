//! `elasticsearch-clone-while-running`: a clone of a claim that is written to is no copy of anything.
//!
//! The guide clones Elasticsearch's claims for the chart of 8.3.0, and has its StatefulSet scaled to 0 before. A clone
//! that was taken too early holds half-written files, and misses what came after it.
//!
//! Documented: "v8.3.0 (minor), Elasticsearch - Data retention, Option One".

use super::{Judge, Rule, at};

use crate::{
    camunda::Component,
    change::{Change, Facts, ObjectChange, Operation},
    finding::{Action, Finding, Fix, Kubectl, Objects, RuleId, guide},
    kubernetes::{Kind, Object, ordinal, replicas},
    matching,
    volume_move::keep_claims,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ElasticsearchCloneWhileRunning,
    summary: "Elasticsearch's claims would be cloned while it writes to them",
    guide: guide::OPTION_ONE,
    release: &[],
    object: at(&[Action::Deny], &[&matching::CLONES]),
    page: include_str!("../../../../docs/rules/elasticsearch-clone-while-running.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.operation != Operation::Create {
        return Vec::new();
    }
    change
        .of_kind(Kind::PersistentVolumeClaim)
        .filter_map(|claim| cloned(facts, claim))
        .collect()
}

/// The claim that another is to be a clone of.
pub fn source(claim: &Object) -> Option<&str> {
    ["/spec/dataSource", "/spec/dataSourceRef"]
        .iter()
        .filter(|at| claim.str(&format!("{at}/kind")) == Some("PersistentVolumeClaim"))
        .find_map(|at| claim.str(&format!("{at}/name")))
}

fn cloned(facts: &Facts, created: &ObjectChange) -> Option<Finding> {
    let namespace = &created.object.namespace;
    let name = created.object.name.as_str();
    let source = source(created.planned.as_deref()?)?;
    if !is_data_claim(name) || ordinal(name) != ordinal(source) {
        return None;
    }
    let claim = facts.named(Kind::PersistentVolumeClaim, namespace, source)?;
    let set = facts.mounting(claim);
    let elasticsearch = |object| Component::of(object, None) == Component::Elasticsearch;
    if !(elasticsearch(claim) || set.is_some_and(elasticsearch)) || !facts.is_guarded(claim) {
        return None;
    }
    let mut pods: Vec<String> = facts
        .pods_using(namespace, source)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let mut commands = Vec::new();
    if let Some(set) = set.filter(|set| replicas(set) > 0) {
        pods.extend((0..replicas(set)).map(|ordinal| format!("{}-{ordinal}", set.name())));
        commands.extend(keep_claims(facts, namespace, set.name()));
        let set = Objects::new(Kind::StatefulSet, namespace, [set.name()]);
        commands.push(set.scale(0).into());
    }
    if pods.is_empty() {
        return None;
    }
    pods.sort();
    pods.dedup();
    let pods = pods.iter().map(String::as_str);
    commands.push(Kubectl::await_gone(namespace, pods).into());
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "A clone of Elasticsearch's data would be inconsistent".to_owned(),
        objects: vec![created.object.clone()],
        why: vec![format!(
            "Claim {name} is to be a clone of {source} while Elasticsearch runs; what is written after it is lost."
        )],
        fixes: vec![Fix::new("Stop Elasticsearch first:", commands)],
        guide: RULE.guide,
    })
}

/// The name that Bitnami's Elasticsearch will look for; a backup has another.
fn is_data_claim(name: &str) -> bool {
    name.strip_prefix("data-")
        .and_then(|rest| rest.rsplit_once('-'))
        .is_some_and(|(set, _)| set.ends_with("-master") || set.ends_with("-data"))
}
