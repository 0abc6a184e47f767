//! `claims-orphaned`: a StatefulSet goes, or mounts other claims, while the old ones hold data.
//!
//! Chart 13 switches Identity, Keycloak and its PostgreSQL off by default, 14 Elasticsearch, 15 has no charts of databases
//! any more, and `fullnameOverride` renames everything. Helm deletes the StatefulSet; its claims stay and nobody looks for
//! them. Beyond the guides; Elasticsearch under a new name has a rule of its own.
//!
//! Since chart 13 (components off by default); name overrides on any line.

use super::{
    Judge, Rule, elasticsearch_claims_orphaned, elasticsearch_nodes_reduced, heard::Heard, wanted,
    zeebe_brokers_reduced,
};

use crate::{
    camunda::{Component, Line},
    change::{Change, Facts, ObjectChange},
    finding::{Action, Finding, Fix, Reference, RuleId, capitalised, guide},
    fixes::{conversion, give_up, keep_running::keep_running, move_volumes},
    knowledge::claims::{self, Orphan, Reduced, takes_claims_along},
    kubernetes::{Kind, Mounts, ObjectRef, replicas},
    volume_move::keep_claims,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ClaimsOrphaned,
    summary: "a component's volumes would be left behind",
    guide: guide::LEAVING_BITNAMI,
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/claims-orphaned.md"),
    needs: &[wanted::replaced_claims],
    judge: Judge::Beside {
        others: &[
            RuleId::ElasticsearchClaimsOrphaned,
            RuleId::ElasticsearchNodesReduced,
            RuleId::ZeebeBrokersReduced,
        ],
        judge,
    },
};

/// A finding about the successor of a StatefulSet covers that StatefulSet's claims, too.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda)
        .flat_map(|set| match set.running {
            Some(_) => [
                left_behind(change, facts, heard, set).or_else(|| lowered(facts, heard, set)),
                unmounted(change, facts, set),
                on_purpose(change, facts, set),
            ],
            None => [fewer(change, facts, heard, set), None, None],
        })
        .flatten()
        .collect()
}

/// What somebody has decided to leave behind is told once more before it is.
fn on_purpose(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let namespace = &set.object.namespace;
    let (old, new) = mounts(change, set)?;
    let claims = claims::given_up(facts, namespace, &old, new.as_ref());
    if claims.is_empty() {
        return None;
    }
    let names: Vec<_> = claims.iter().map(|claim| claim.name()).collect();
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!("{} is left behind on purpose", names.join(", ")),
        objects: names
            .iter()
            .map(|name| ObjectRef::new(Kind::PersistentVolumeClaim, namespace, name))
            .collect(),
        why: vec![
            "An annotation of the claim says so. Nothing will mount its data any more.".to_owned(),
        ],
        fixes: Vec::new(),
        guide: UNTOLD,
    })
}

/// What a StatefulSet mounts, and what mounts in its place, if anything does.
fn mounts(change: &Change, set: &ObjectChange) -> Option<(Mounts, Option<Mounts>)> {
    let old = Mounts::of(set.running.as_deref()?);
    let successor = set
        .planned
        .as_deref()
        .or_else(|| claims::successor(change, set)?.planned.as_deref());
    let new = successor.map(Mounts::of);
    Some((old, new))
}

/// The same with the claims that would be left behind.
fn orphans<'a>(
    change: &Change,
    facts: &'a Facts,
    set: &ObjectChange,
) -> Option<(Mounts, Option<Mounts>, Vec<Orphan<'a>>)> {
    let (old, new) = mounts(change, set)?;
    let orphans = claims::orphans(facts, &set.object.namespace, &old, new.as_ref());
    Some((old, new, orphans))
}

const UNTOLD: Reference = Reference::Nowhere(
    "Camunda's guides do not tell of workloads that are renamed or made smaller",
);

/// The section about a StatefulSet that goes, or that mounts other claims.
fn section(set: &ObjectChange, goes: bool) -> Reference {
    match set.component {
        Component::Zeebe | Component::Other => UNTOLD,
        _ if goes => RULE.guide,
        _ => UNTOLD,
    }
}

fn left_behind(
    change: &Change,
    facts: &Facts,
    heard: &Heard<'_>,
    set: &ObjectChange,
) -> Option<Finding> {
    let namespace = &set.object.namespace;
    let (old, new, mut orphans) = orphans(change, facts, set)?;
    let next = match set.planned {
        Some(_) => Some(set),
        None => claims::successor(change, set),
    };
    let told = heard.of(elasticsearch_claims_orphaned::RULE.id);
    if next.is_some_and(|next| told.names(&next.object)) {
        return None;
    }
    if new.is_none() && facts.keeps(&set.object) {
        return None;
    }
    // What no claim template takes the place of can't be handed over.
    orphans.retain(|orphan| new.is_none() || orphan.successor.is_some());
    if orphans.is_empty() {
        return None;
    }
    let mut why = vec![reason(facts, set, &old, new.as_ref())];
    why.extend(move_volumes::describe(&orphans));
    let fixes = match &new {
        Some(_) => vec![move_volumes::rebind(
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
        guide: section(set, new.is_none()),
    })
}

/// Explains why no StatefulSet mounts the claims any more.
fn reason(facts: &Facts, set: &ObjectChange, old: &Mounts, new: Option<&Mounts>) -> String {
    let takes_along = facts.get(&set.object).is_some_and(takes_claims_along);
    match new {
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
    }
}

/// Claims of a template that the StatefulSet, or the one that takes its place, does not have any more.
fn unmounted(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let namespace = &set.object.namespace;
    let (old, new, mut orphans) = orphans(change, facts, set)?;
    let new = new?;
    orphans.retain(|orphan| orphan.successor.is_none());
    let names: Vec<_> = orphans.iter().map(|orphan| orphan.claim.name()).collect();
    if names.is_empty() {
        return None;
    }
    let mut gone: Vec<_> = orphans
        .iter()
        .filter_map(|orphan| Some(old.parse(orphan.claim.name())?.0))
        .collect();
    gone.dedup();
    let mut why = vec![format!(
        "StatefulSet {} has no claim template {} any more. The data stays in:",
        new.statefulset,
        gone.join(", ")
    )];
    why.extend(move_volumes::describe(&orphans));
    let key = claim_templates(change, set);
    // Whoever stays on a line has taken out what was added; a new line may only read it under another key.
    let is_own = old
        .templates
        .first()
        .is_some_and(|own| gone.contains(&own.as_str()));
    let denies = is_own || change.lines_crossed().is_some();
    let mut fixes = Vec::new();
    if denies {
        let under = key.map_or_else(String::new, |key| format!(", under {key}"));
        let intro = format!("Keep the claim template in the values of the new chart{under}.");
        fixes.push(Fix::say(intro));
        fixes.push(leave_behind(facts, namespace, &old.statefulset, &orphans));
    }
    Some(Finding {
        rule: RULE.id,
        action: match denies {
            true => Action::Deny,
            false => Action::Warn,
        },
        title: format!("Nothing would mount {} any more", names.join(", ")),
        objects: names
            .iter()
            .map(|name| ObjectRef::new(Kind::PersistentVolumeClaim, namespace, name))
            .collect(),
        why,
        fixes,
        guide: UNTOLD,
    })
}

/// The value that gives the brokers more claims, where the user has set it before.
fn claim_templates(change: &Change, set: &ObjectChange) -> Option<String> {
    const TEMPLATES: &str = "extraVolumeClaimTemplates";
    let key = |line: &Line| {
        Some(format!(
            "{}.{TEMPLATES}",
            line.brokers.count.split_once('.')?.0
        ))
    };
    let (from, to) = change.lines_crossed()?;
    let before = change.running_values.as_ref()?.get(&key(from)?);
    let is_set = set.component == Component::Zeebe && before.is_some();
    is_set.then(|| Some(change.values.key_in_file(&key(to)?)))?
}

/// Reports a StatefulSet with fewer pods than its predecessor: nothing mounts the volumes handed over to the missing pods.
fn fewer(change: &Change, facts: &Facts, heard: &Heard<'_>, set: &ObjectChange) -> Option<Finding> {
    if is_told(heard, set) {
        return None;
    }
    let old = claims::predecessor(change, set)?;
    let Reduced {
        before,
        planned,
        left,
        ..
    } = claims::reduced(change, facts, set, &[])?;
    let name = capitalised(set.component.name());
    let mut why = vec![format!(
        "StatefulSet {} takes the place of {} and would run {planned} of {before} pods. The others' data is in:",
        set.object.name, old.object.name
    )];
    why.extend(left.iter().map(|left| format!("  {}", left.object.name())));
    let annotate = left
        .iter()
        .filter_map(|left| give_up::orphan(left.kind, left.object));
    let annotate = annotate.map(give_up::commented);
    let keep = format!("Have the values of the new chart let it run {before} pods.");
    let leave =
        "Leave moved or unwanted data behind; claim and volume stay until somebody deletes them:";
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("{name} would go from {before} pods to {planned}"),
        objects: vec![set.object.clone()],
        why,
        fixes: vec![Fix::say(keep), Fix::on_purpose(leave, annotate)],
        guide: UNTOLD,
    })
}

/// Whether another rule reports fewer pods of this component.
fn is_told(heard: &Heard<'_>, set: &ObjectChange) -> bool {
    match set.component {
        Component::Zeebe => heard.hears(zeebe_brokers_reduced::RULE.id),
        Component::Elasticsearch => heard.hears(elasticsearch_nodes_reduced::RULE.id),
        _ => false,
    }
}

/// Switches a component on again that the new chart switched off; its values are known only for known charts.
fn keep_on(change: &Change, facts: &Facts, component: Component) -> Vec<Fix> {
    let switches = change
        .target_line()
        .and_then(|line| line.switches.get(&component));
    // No file switches on what a user switched off.
    let is_off = |key: &String| change.values.flag(key) == Some(false);
    if !switches.is_some_and(|keys| keys.iter().any(is_off)) {
        let converted = match switches {
            Some(keys) => conversion::setting(change, facts, keys.iter().map(String::as_str)),
            None => conversion::fixes(change, facts),
        };
        if !converted.is_empty() {
            return converted;
        }
    }
    let named = switches.map_or(String::new(), |keys| format!(": {}", keys.join(", ")));
    let name = component.name();
    let intro = format!("Keep {name} switched on in the values of the new chart{named}.");
    vec![Fix::say(intro)]
}

/// The step that leaves behind what a StatefulSet holds; nothing where nothing is in it.
pub(super) fn given_up(facts: &Facts, set: &ObjectChange) -> Option<Fix> {
    let old = Mounts::of(set.running.as_deref()?);
    let namespace = &set.object.namespace;
    let orphans = claims::orphans(facts, namespace, &old, None);
    (!orphans.is_empty()).then(|| leave_behind(facts, namespace, &old.statefulset, &orphans))
}

/// Giving data up is a decision about one claim, so it names that claim's uid.
fn leave_behind(facts: &Facts, namespace: &str, statefulset: &str, orphans: &[Orphan<'_>]) -> Fix {
    let mut commands = keep_claims(facts, namespace, statefulset);
    let annotate = orphans
        .iter()
        .filter_map(|orphan| give_up::orphan(Kind::PersistentVolumeClaim, orphan.claim));
    commands.extend(annotate.map(give_up::commented));
    Fix::on_purpose(
        "Leave moved or unwanted data behind; claim and volume stay until somebody deletes them:",
        commands,
    )
}

/// Fewer replicas leave the claims of the highest ordinals unused; nothing is lost, but nobody is told.
fn lowered(facts: &Facts, heard: &Heard<'_>, set: &ObjectChange) -> Option<Finding> {
    let (running, planned) = (set.running.as_deref()?, set.planned.as_deref()?);
    let old = Mounts::of(running);
    let keep = replicas(planned);
    if keep == 0 || keep >= old.replicas || is_told(heard, set) {
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
        guide: UNTOLD,
    })
}
