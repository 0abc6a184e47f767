//! `claim-retention-policy`: a StatefulSet is told to take its claims along when it is deleted or scaled down.
//!
//! `persistentVolumeClaimRetentionPolicy` can be switched by any upgrade, and the claims that are there change hands at
//! once. From then on deleting the StatefulSet, which the guides ask for at several versions, deletes the data.
//!
//! Bundled databases since chart 8.3, Elasticsearch since 12. Beyond the guides.

use super::{Judge, Rule, at};

use crate::{
    camunda::bundled,
    change::{Change, Facts, Gate, ObjectChange, Operation, after_spec},
    finding::{Action, Finding, Fix, Flag, Reference, RuleId},
    kubernetes::{Kind, Mounts, Object},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ClaimRetentionPolicy,
    summary: "a StatefulSet would take its claims along when it is deleted",
    guide: Reference::Nowhere("Camunda's guides do not speak of the retention policy of claims"),
    release: &[Action::Deny],
    object: at(&[Action::Deny], &[&matching::WORKLOADS]),
    page: include_str!("../../../../docs/rules/claim-retention-policy.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

const POLICY: &str = "persistentVolumeClaimRetentionPolicy";
const WHENS: [&str; 2] = ["whenDeleted", "whenScaled"];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.gate == Gate::Object && change.operation != Operation::Update {
        return Vec::new();
    }
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda)
        .filter_map(|set| switched_over(change, facts, set))
        .collect()
}

fn switched_over(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let live = facts.get(&set.object);
    let after = match live {
        Some(live) => after_spec(set, change.gate, live, &[POLICY])?,
        None => Object::clone(set.planned.as_deref()?),
    };
    let before = live.or(set.running.as_deref())?;
    let whens = switched(before, &after);
    let mounts = Mounts::of(before);
    let claims: Vec<_> = mounts
        .holding(facts, &set.object.namespace)
        .map(Object::name)
        .collect();
    if whens.is_empty() || claims.is_empty() {
        return None;
    }
    let name = &set.object.name;
    let mut why = vec![format!(
        "{POLICY} of StatefulSet {name} would be Delete ({}): the claims go with it, and the data with them:",
        whens.join(", ")
    )];
    why.extend(claims.iter().map(|claim| format!("  {claim}")));
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("StatefulSet {name} would take its claims along"),
        objects: vec![set.object.clone()],
        why,
        fixes: vec![fix(change, set)],
        guide: RULE.guide,
    })
}

/// Returns the settings that would become `Delete`.
fn switched(before: &Object, after: &Object) -> Vec<&'static str> {
    let deletes =
        |set: &Object, when: &str| set.str(&format!("/spec/{POLICY}/{when}")) == Some("Delete");
    WHENS
        .into_iter()
        .filter(|when| deletes(after, when) && !deletes(before, when))
        .collect()
}

/// Whether an update switches a setting to `Delete`.
pub(super) fn concerns(old: &Object, new: &Object) -> bool {
    !switched(old, new).is_empty()
}

/// The values that say so, turned round.
fn fix(change: &Change, set: &ObjectChange) -> Fix {
    let flags: Vec<_> = change
        .values
        .leaves()
        .iter()
        .filter(|(key, value)| {
            WHENS
                .iter()
                .any(|when| key.ends_with(&format!("{POLICY}.{when}")))
                && value.as_str() == Some("Delete")
        })
        .filter_map(|(key, _)| Some(Flag::set(full_key(change, set, key)?, "Retain")))
        .collect();
    if flags.is_empty() {
        return Fix::say(format!("Leave {POLICY} at Retain, its default."));
    }
    Fix::new("Keep the claims; add to your helm upgrade:", flags)
}

/// A key of the user's values as it is typed, umbrella included, if it is one of this StatefulSet's chart.
fn full_key(change: &Change, set: &ObjectChange, key: &str) -> Option<String> {
    let path = bundled(set.component, change.target_line(), set.charts.as_deref())?;
    let below = |path: &str| key.strip_prefix(path)?.strip_prefix('.').map(str::to_owned);
    let rest = below(&path).or_else(|| below(path.split_once('.')?.1))?;
    Some(format!("{path}.{rest}"))
}
