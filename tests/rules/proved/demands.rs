//! What is demanded of all that is printed against one upgrade.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::{Change, Facts, secret_data},
    denial::{Block, cures},
    finding::{Action, Finding, Moment},
    kubernetes::{Kind, Mounts, Object, ObjectRef},
    proof::prove,
    rules::{self, secret_refs},
    storage::Storage,
};

use super::cases::Case;
use crate::{
    pairs::Live,
    printed::{
        blank,
        block::{self, Call},
        kubectl, paste,
        stage::Stage,
    },
};

/// What gives something up.
const GIVING_UP: [&str; 4] = [
    "allow-orphan",
    "allow-deletion",
    "allow-brokers",
    "-override-",
];

/// The kinds whose pods read and mount.
const WORKLOADS: [Kind; 3] = [Kind::StatefulSet, Kind::Deployment, Kind::Job];

/// What is found in a case, as it is printed.
pub fn findings(case: &Case) -> Vec<Finding> {
    let facts = case.live.facts();
    let mut findings = rules::judge(&case.change, &facts);
    prove(&case.change, &facts, &mut findings);
    findings
}

/// What is wrong with what is printed, if anything is.
///
/// # Errors
/// The first fault that is found.
pub fn demand(case: &Case, findings: &[Finding]) -> Result<(), String> {
    alternatives(case, findings)?;
    let Some(block) = Block::of(&case.change, findings) else {
        return Ok(());
    };
    let script = &block.script;
    let told = |what: String| format!("{what}\n{script}");
    if let Some(blank) = blank(script) {
        return Err(told(format!("a blank: {blank}")));
    }
    if let Some(word) = GIVING_UP.iter().find(|word| script.contains(**word)) {
        return Err(told(format!("gives up by {word}")));
    }
    let [before, once, twice] = pasted(case, script).map_err(told)?;
    if once.live.0 != twice.live.0 {
        return Err(told("pasted twice is not pasted once".to_owned()));
    }
    overwritten(&before.live, &once.live).map_err(told)?;
    unmounted(&case.change, &before.live, &once.live).map_err(told)?;
    refused_again(&case.change, findings, &once.live.facts()).map_err(told)
}

/// What is live before, after it was pasted and after it was pasted again.
fn pasted(case: &Case, script: &str) -> Result<[Stage; 3], String> {
    let before = Stage::of(&case.live.facts());
    let calls = block::run(&format!("{script}\n{script}"))?;
    let is_upgrade = |call: &Call| call.words[..2] == ["helm", "upgrade"];
    if let Some(call) = calls.iter().find(|call| call.words[0] == "injected") {
        return Err(format!("a name is run: {call:?}"));
    }
    let first = calls.iter().position(is_upgrade).ok_or("no upgrade")?;
    let (first, second) = calls.split_at(first);
    let mut once = before.clone();
    let apply = |stage: &mut Stage, calls: &[Call]| {
        let mut calls = calls.iter().filter(|call| !is_upgrade(call));
        calls.try_for_each(|call| {
            let of = |error| format!("{}: {error}", call.words.join(" "));
            kubectl::apply(stage, call).map_err(of)
        })
    };
    apply(&mut once, first)?;
    let mut twice = once.clone();
    apply(&mut twice, second)?;
    Ok([before, once, twice])
}

/// Another way to the same is gone in the place of the step before it.
fn alternatives(case: &Case, findings: &[Finding]) -> Result<(), String> {
    let start = Stage::of(&case.live.facts());
    for finding in findings.iter().filter(|it| it.action == Action::Deny) {
        for fix in finding.fixes.iter() {
            if fix.moment == Moment::Alternative {
                let pasted = paste(&mut start.clone(), fix, false);
                pasted.map_err(|(line, error)| format!("{}: {error}\n{line}", finding.rule))?;
            }
        }
    }
    Ok(())
}

fn workloads(live: &Live) -> impl Iterator<Item = (&ObjectRef, &Object)> {
    let all = live.0.iter();
    all.filter(|(reference, _)| WORKLOADS.contains(&reference.kind))
}

/// A value that something read is there as it was.
fn overwritten(before: &Live, after: &Live) -> Result<(), String> {
    for (secret, old) in before.0.iter().filter(|(it, _)| it.kind == Kind::Secret) {
        let new = after.0.get(secret).ok_or(format!("{secret} is gone"))?;
        let (old, new) = (secret_data(old), secret_data(new));
        for (key, value) in old.iter().filter(|(_, value)| !value.is_empty()) {
            if new.get(key) == Some(value) {
                continue;
            }
            let reads = |(reference, workload): &(&ObjectRef, &Object)| {
                let mut refs = secret_refs(workload).into_iter();
                reference.namespace == secret.namespace
                    && refs.any(|read| read.reads(&secret.name, key))
            };
            if let Some((reader, _)) = workloads(before).find(reads) {
                return Err(format!(
                    "{key} of {secret} is overwritten, {reader} reads it"
                ));
            }
        }
    }
    Ok(())
}

/// The claims that a workload's pods have.
fn claims(reference: &ObjectRef, workload: &Object) -> BTreeSet<String> {
    let volumes = workload.array("/spec/template/spec/volumes").iter();
    let named = volumes.filter_map(|it| it.pointer("/persistentVolumeClaim/claimName")?.as_str());
    let mut claims: BTreeSet<_> = named.map(str::to_owned).collect();
    if reference.kind == Kind::StatefulSet {
        let mounts = Mounts::of(workload);
        for ordinal in 0..mounts.replicas {
            let templates = mounts.templates.iter();
            claims.extend(templates.map(|template| mounts.claim(template, ordinal)));
        }
    }
    claims
}

/// No data is out of reach that was not before, and what others have they keep.
fn unmounted(change: &Change, before: &Live, after: &Live) -> Result<(), String> {
    let (old, new) = (before.facts(), after.facts());
    let lost = |storage: Storage| -> BTreeSet<_> {
        let stores = storage.stores.into_iter();
        let lost = stores.filter(|store| store.fate.is_loss());
        let volume = lost.filter_map(|store| Some(store.volume?.name));
        volume.collect()
    };
    let (first, then) = (
        lost(Storage::of(change, &old)),
        lost(Storage::prepared(change, &old, &new)),
    );
    if let Some(volume) = then.difference(&first).next() {
        return Err(format!("volume {volume} is left behind by what is typed"));
    }
    let own: BTreeSet<_> = change.objects.iter().map(|it| &it.object).collect();
    for (reference, workload) in workloads(before).filter(|(it, _)| !own.contains(it)) {
        if after.0.get(reference) != Some(workload) {
            return Err(format!("{reference} is somebody else's"));
        }
        for claim in claims(reference, workload) {
            let volume = |facts: &Facts| {
                let claim = facts.named(Kind::PersistentVolumeClaim, &reference.namespace, &claim);
                let volume = claim.and_then(|it| Some((facts.volume_of(it)?, it)));
                volume.map(|(volume, claim)| {
                    let named = volume.str("/spec/claimRef/name") == Some(claim.name());
                    (volume.name().to_owned(), named)
                })
            };
            if volume(&old) != volume(&new) {
                return Err(format!("{reference} loses the volume of {claim}"));
            }
        }
    }
    Ok(())
}

/// What is cured on the cluster alone is cured.
fn refused_again(change: &Change, findings: &[Finding], after: &Facts) -> Result<(), String> {
    let left = rules::judge(change, after);
    let left: Vec<_> = left.iter().filter(|it| it.action == Action::Deny).collect();
    for finding in cures(findings).into_iter().map(|cure| cure.finding) {
        let mut fixes = finding.fixes.iter().filter(|fix| fix.moment.cures());
        // A Job that is waited for is complete then, which nothing here can bring about.
        let foretold = finding.action == Action::Deny
            && finding.rule.name() != "migration-unfinished"
            && fixes.clone().count() > 0
            && fixes.all(|fix| fix.moment == Moment::Before && !fix.decides());
        let again = |it: &&Finding| it.rule == finding.rule && it.objects == finding.objects;
        if foretold && left.iter().any(again) {
            return Err(format!("{} is refused again", finding.rule));
        }
    }
    Ok(())
}
