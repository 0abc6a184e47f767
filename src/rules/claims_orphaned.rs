//! `claims-orphaned`: a StatefulSet goes, or mounts other claims, while the old ones hold data.
//!
//! Chart 13 switches Identity, Keycloak and its PostgreSQL off by default, 14 Elasticsearch, 15 has no charts of databases
//! any more, and `fullnameOverride` renames everything. Helm deletes the StatefulSet; its claims stay and nobody looks for
//! them. Beyond the guides; Elasticsearch under a new name has a rule of its own.
//!
//! Since chart 13 (components off by default); name overrides on any line.

use super::{
    Rule,
    cures::keep_claims::{keep_claims, takes_claims_along},
    cures::{conversion, hand_over, keep_running::keep_running},
};

use crate::{
    camunda::Component,
    change::{Change, ObjectChange},
    claims::{self, ALLOW_ORPHAN, Mounts, Orphan, replicas},
    facts::Facts,
    finding::{Action, Command, Finding, Fix, capitalised},
    object::{Kind, ObjectRef},
    shell,
};

pub(super) const RULE: Rule = Rule {
    id: "claims-orphaned",
    summary: "a component's volumes would be left behind",
    page: include_str!("../../docs/rules/claims-orphaned.md"),
    judge,
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && set.running.is_some())
        .filter_map(|set| left_behind(change, facts, set).or_else(|| lowered(facts, set)))
        .collect()
}

fn left_behind(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let namespace = &set.object.namespace;
    let old = Mounts::of(set.running.as_deref()?);
    let successor = set
        .planned
        .as_deref()
        .or_else(|| claims::successor(change, set)?.planned.as_deref());
    if successor.is_some() && set.component == Component::Elasticsearch {
        return None;
    }
    let new = successor.map(Mounts::of);
    if new.is_none() && facts.keeps(&set.object) {
        return None;
    }
    let orphans = claims::orphans(facts, namespace, &old, new.as_ref());
    if orphans.is_empty() {
        return None;
    }
    let live = facts.get(&set.object);
    let takes_along = live.is_some_and(takes_claims_along);
    let mut why = vec![match &new {
        Some(new) => format!(
            "StatefulSet {} takes the place of {} and mounts other claims. The data is in:",
            new.statefulset, old.statefulset
        ),
        None if takes_along => format!(
            "StatefulSet {} is not in the new manifest, so Helm deletes it, and it takes its claims along (whenDeleted). \
             Its data is in:",
            old.statefulset
        ),
        None => format!(
            "StatefulSet {} is not in the new manifest, so Helm deletes it. Its data stays in:",
            old.statefulset
        ),
    }];
    why.extend(hand_over::describe(&orphans));
    let fixes = match &new {
        Some(_) => vec![hand_over::rebind(
            facts,
            namespace,
            Some(&old.statefulset),
            &orphans,
        )],
        None => {
            let mut fixes = keep_running(change, facts, set);
            if fixes.is_empty() {
                fixes = keep_on(change, facts, set.component);
            }
            fixes.push(leave_behind(facts, namespace, &old.statefulset, &orphans));
            fixes
        }
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "{} would lose its volumes",
            capitalised(set.component.name())
        ),
        objects: vec![set.object.clone()],
        why,
        fixes,
        guide: "",
    })
}

/// What the new chart has switched off is switched on by values that the guard can name only where it knows the chart.
fn keep_on(change: &Change, facts: &Facts, component: Component) -> Vec<Fix> {
    let switches = change
        .target_line()
        .and_then(|line| line.switches.get(&component));
    // What a user switched off no file switches on.
    let is_off = |key: &String| change.values.flag(key) == Some(false);
    if !switches.is_some_and(|keys| keys.iter().any(is_off)) {
        let converted = conversion::fixes(change, facts);
        if !converted.is_empty() {
            return converted;
        }
    }
    let named = switches.map_or(String::new(), |keys| format!(": {}", keys.join(", ")));
    let name = component.name();
    let intro = format!("Keep {name} switched on in the values of the new chart{named}.");
    vec![Fix::new(intro, Vec::new())]
}

/// Giving data up is a decision about one claim, so it names that claim's uid.
fn leave_behind(facts: &Facts, namespace: &str, statefulset: &str, orphans: &[Orphan<'_>]) -> Fix {
    let mut commands = keep_claims(facts, namespace, statefulset);
    commands.extend(orphans.iter().filter_map(|orphan| {
        let annotation = format!("{ALLOW_ORPHAN}={}", orphan.claim.uid()?);
        let words = ["annotate", "pvc", orphan.claim.name(), &annotation];
        Some(Command::Shell(shell::kubectl(namespace, words)))
    }));
    Fix::instead(
        "Or leave the data behind on purpose; claim and volume stay until somebody deletes them:",
        commands,
    )
}

/// Fewer replicas leave the claims of the highest ordinals unused; nothing is lost, but nobody is told.
fn lowered(facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let (running, planned) = (set.running.as_deref()?, set.planned.as_deref()?);
    let old = Mounts::of(running);
    let keep = replicas(planned);
    if keep == 0 || keep >= old.replicas || set.component == Component::Zeebe {
        return None;
    }
    let unused: Vec<_> = facts
        .claims(&set.object.namespace)
        .filter(|claim| claims::holds_data(claim))
        .filter(|claim| {
            old.parse(claim.name())
                .is_some_and(|(_, ordinal)| ordinal >= keep)
        })
        .map(|claim| {
            ObjectRef::new(
                Kind::PersistentVolumeClaim,
                &set.object.namespace,
                claim.name(),
            )
        })
        .collect();
    if unused.is_empty() {
        return None;
    }
    let names: Vec<_> = unused.iter().map(|claim| claim.name.as_str()).collect();
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!(
            "{} goes from {} to {keep} replicas and leaves {} unused",
            old.statefulset,
            old.replicas,
            names.join(", ")
        ),
        objects: unused,
        why: Vec::new(),
        fixes: Vec::new(),
        guide: "",
    })
}
