//! A cure is judged before it is printed: its effects are applied to what is live, each through the rules on single objects, and the
//! change is judged again. What does not stand that is taken out, and the finding says what is to be decided instead.
//!
//! Only what the types tell is foretold: what calls of kubectl do to objects. What a chart renders from other values, and what a
//! script does, is judged when it comes.

use std::sync::Arc;

use crate::{
    annotations::REBIND_TO,
    change::{Change, Facts, Operation},
    finding::{Action, Command, Effect, Finding, Fix, Moment, RuleId, What, refuses},
    kubernetes::{Kind, Object, ObjectRef},
    mutations::volume_claim_ref,
    rules,
};

/// Takes the cures that the guard itself would refuse, or that cure nothing, out of findings.
pub fn prove(change: &Change, facts: &Facts, findings: &mut [Finding]) {
    if !refuses(findings) {
        return;
    }
    let mut after = facts.clone();
    // The gates that the commands pass ask whether their objects are of a release of Camunda.
    after.insert_release(change.namespace.as_str(), change.release.as_str());
    for finding in findings.iter_mut().filter(|it| it.action == Action::Deny) {
        let mut trial = after.clone();
        match cured(change, &mut trial, finding) {
            Ok(()) => after = trial,
            Err(rule) => decide(
                finding,
                &format!("What would cure this is refused by {rule}."),
            ),
        }
    }
    let on_the_cluster = |finding: &&mut Finding| cures_on_the_cluster(finding);
    let mut cured = findings.iter_mut().filter(on_the_cluster).peekable();
    if cured.peek().is_none() {
        return;
    }
    let left = rules::judge(change, &after);
    for finding in cured {
        let mut left = left.iter().filter(|left| left.action == Action::Deny);
        if left.any(|left| left.rule == finding.rule && left.objects == finding.objects) {
            decide(finding, "What is known to cure this does not do so here.");
        }
    }
}

/// Returns what is live once these commands are typed: what they do by calls of kubectl that the guard admits.
pub fn typed<'a>(
    change: &Change,
    facts: &Facts,
    commands: impl IntoIterator<Item = &'a Command>,
) -> Facts {
    let mut after = facts.clone();
    after.insert_release(change.namespace.as_str(), change.release.as_str());
    for effect in commands.into_iter().flat_map(Command::effects) {
        // What is refused changes nothing.
        let _ = apply(change, &mut after, effect);
    }
    after
}

/// Puts a decision in the place of a finding's cures.
fn decide(finding: &mut Finding, because: &str) {
    finding.fixes.retain(|fix| !fix.moment.cures());
    let rule = finding.rule;
    finding.fixes.insert(
        0,
        Fix::say(format!(
            "{because} Decide what is to be done; camunda-upgrade-guard explain {rule} says what there is."
        )),
    );
}

/// The commands that cure a finding before the upgrade.
fn commands(finding: &Finding) -> impl Iterator<Item = &Command> {
    let fixes = finding.fixes.iter();
    let before = fixes.filter(|fix| matches!(fix.moment, Moment::Before | Moment::BackUp));
    before.flat_map(|fix| &fix.commands)
}

/// Whether calls of kubectl are all that a finding's cure takes, at least one of which changes something.
fn cures_on_the_cluster(finding: &Finding) -> bool {
    let mut fixes = finding.fixes.iter().filter(|fix| fix.moment.cures());
    finding.action == Action::Deny
        && fixes.all(|fix| fix.moment == Moment::Before && !fix.decides())
        && commands(finding).all(|command| matches!(command, Command::Kubectl(_)))
        && commands(finding).any(|command| !command.effects().is_empty())
}

/// Applies the cures of a finding.
fn cured(change: &Change, facts: &mut Facts, finding: &Finding) -> Result<(), RuleId> {
    for effect in commands(finding).flat_map(Command::effects) {
        apply(change, facts, effect)?;
    }
    Ok(())
}

/// Applies an effect as the API server would behind a guard. What was not read stays unknown.
fn apply(change: &Change, facts: &mut Facts, effect: &Effect) -> Result<(), RuleId> {
    let Some(live) = facts.get(&effect.object) else {
        return Ok(());
    };
    let (reference, release) = (effect.object.clone(), change.release.as_str());
    let mut object = live.clone();
    match &effect.what {
        What::Deleted | What::DeletedAlone => {
            let deletion = Change::of_deletion(reference.clone(), release, object.clone());
            admitted(&deletion, facts)?;
            facts.remove(&reference);
            if effect.what == What::Deleted {
                end_pods(facts, &object);
            }
            return Ok(());
        }
        What::Scaled(replicas) => object.0["spec"]["replicas"] = (*replicas).into(),
        What::Merged(patch) => json_patch::merge(&mut object.0, patch),
        What::Patched(patch) => {
            let patch = serde_json::from_value(patch.clone());
            if patch.is_ok_and(|patch: json_patch::Patch| {
                json_patch::patch(&mut object.0, &patch).is_err()
            }) {
                return Ok(());
            }
        }
    }
    if reference.kind == Kind::PersistentVolume && object.annotation(REBIND_TO).is_some() {
        match volume_claim_ref::mutate(&object, facts) {
            Ok(Some(mutated)) => object = mutated.object,
            Ok(None) => {}
            Err(finding) => return Err(finding.rule),
        }
    }
    let update = Change::of_object(
        Operation::Update,
        reference.clone(),
        release,
        object.clone(),
    );
    admitted(&update, facts)?;
    if effect.what == What::Scaled(0) {
        end_pods(facts, &object);
    }
    facts.insert(reference.kind, Arc::new(object));
    Ok(())
}

fn admitted(change: &Change, facts: &Facts) -> Result<(), RuleId> {
    let findings = rules::judge(change, facts);
    // What can't be judged yet is judged when the command comes.
    let is_refusal = |it: &&Finding| it.action == Action::Deny && it.rule != rules::NOT_CHECKED;
    let refusal = findings.iter().find(is_refusal);
    refusal.map_or(Ok(()), |refusal| Err(refusal.rule))
}

/// The pods of a StatefulSet that nobody keeps at work.
fn end_pods(facts: &mut Facts, set: &Object) {
    let start = format!("{}-", set.name());
    let is_of_set = |pod: &&Object| {
        let number = pod.name().strip_prefix(&start);
        pod.namespace() == set.namespace()
            && number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let pods = facts.of_kind(Kind::Pod).filter(is_of_set);
    let pods: Vec<_> = pods
        .map(|pod| {
            let namespace = pod.namespace().unwrap_or_default();
            ObjectRef::new(Kind::Pod, namespace, pod.name())
        })
        .collect();
    for pod in pods {
        facts.remove(&pod);
    }
}
