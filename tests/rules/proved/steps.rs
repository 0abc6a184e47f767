//! The judge of cures sees what is wrong with a step: each typed command of the real upgrades' cures, with something of it otherwise.

use std::{collections::BTreeSet, sync::Mutex, thread};

use camunda_upgrade_guard::{
    denial::cures,
    finding::{
        Action, Command, Effect, Finding, Flag, Given, Kubectl, Moment, NewSecret, Objects,
        SecretKeys, Source, What,
    },
    proof::prove,
    rules,
};
use serde_json::Value;

use super::{
    cases::{self, Case},
    demands::findings,
};

/// What is otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Otherwise {
    Dropped,
    Name,
    Namespace,
    Key,
    Value,
}

const ALL: [Otherwise; 5] = [
    Otherwise::Dropped,
    Otherwise::Name,
    Otherwise::Namespace,
    Otherwise::Key,
    Otherwise::Value,
];

/// The command with something of it otherwise; none where it has no such thing, no command where it is dropped.
fn otherwise(command: &Command, what: Otherwise) -> Option<Option<Command>> {
    if what == Otherwise::Dropped {
        return Some(None);
    }
    Some(Some(match command {
        Command::Once { there, command } => otherwise(command, what)??.once(there.clone()),
        Command::Decide(command) => otherwise(command, what)??.decide(),
        Command::HelmFlag(flag) => flag_otherwise(flag, what)?.into(),
        Command::Export { variable, value } => match what {
            Otherwise::Name => Command::Export {
                variable: format!("{variable}_X"),
                value: value.clone(),
            },
            other => Command::Export {
                variable: variable.clone(),
                value: source_otherwise(value, other)?,
            },
        },
        Command::Kubectl(_) | Command::NewSecret(_) | Command::SecretKeys(_) => {
            effects_otherwise(command.effects(), what)?
        }
        _ => return None,
    }))
}

fn flag_otherwise(flag: &Flag, what: Otherwise) -> Option<Flag> {
    match (flag, what) {
        (Flag::Value { key, value }, Otherwise::Key) => Some(Flag::Value {
            key: format!("{key}x"),
            value: value.clone(),
        }),
        (Flag::Value { key, value }, Otherwise::Value) => {
            let other = |text: &str| match text {
                "true" => "false".to_owned(),
                "false" => "true".to_owned(),
                text => match text.parse::<u64>() {
                    Ok(number) => number.saturating_sub(1).to_string(),
                    Err(_) => format!("9{text}"),
                },
            };
            let value = match value {
                Given::Typed(text) => Given::Typed(other(text)),
                Given::Text(text) => Given::Text(other(text)),
                Given::Variable(name) => Given::Variable(format!("{name}_X")),
                Given::Word(_) => return None,
            };
            let key = key.clone();
            Some(Flag::Value { key, value })
        }
        (Flag::File(name), Otherwise::Name) => Some(Flag::File(format!("other-{name}"))),
        _ => None,
    }
}

fn source_otherwise(source: &Source, what: Otherwise) -> Option<Source> {
    let Source::Secret {
        namespace,
        name,
        key,
    } = source
    else {
        return None;
    };
    Some(match what {
        Otherwise::Value => Source::secret(namespace, &format!("{name}-x"), key),
        Otherwise::Namespace => Source::secret("elsewhere", name, key),
        Otherwise::Key => Source::secret(namespace, name, &format!("{key}-x")),
        Otherwise::Name | Otherwise::Dropped => return None,
    })
}

/// A command with other effects, one for each effect.
fn effects_otherwise(effects: &[Effect], what: Otherwise) -> Option<Command> {
    let first = effects.first()?;
    let (kind, mut namespace) = (first.object.kind, first.object.namespace.as_str());
    let mut names: Vec<_> = effects.iter().map(|it| it.object.name.clone()).collect();
    let mut done = first.what.clone();
    match what {
        Otherwise::Name => names[0].push_str("-x"),
        Otherwise::Namespace if !kind.namespaced() => return None,
        Otherwise::Namespace => namespace = "elsewhere",
        Otherwise::Key => done = key_otherwise(&done)?,
        Otherwise::Value => done = value_otherwise(&done)?,
        Otherwise::Dropped => return None,
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let objects = Objects::new(kind, namespace, names.iter().copied());
    let keys = |keys: &[(String, Option<Source>)]| -> Option<Vec<(String, Source)>> {
        keys.iter()
            .map(|(key, source)| Some((key.clone(), source.clone()?)))
            .collect()
    };
    Some(match &done {
        What::Merged(patch) => objects.merge(patch.clone()).into(),
        What::Patched(patch) => objects.json_patch(patch.clone()).into(),
        What::Scaled(replicas) => objects.scale(*replicas).into(),
        What::Deleted => objects.delete().into(),
        What::DeletedAlone => objects.delete_alone().into(),
        What::AwaitedGone => Kubectl::await_gone(namespace, names).into(),
        What::AwaitedBound => Kubectl::await_bound(namespace, &names).into(),
        What::AwaitedComplete => {
            let mut job = first.object.clone();
            (job.namespace, job.name) = (namespace.to_owned(), names[0].to_owned());
            Kubectl::await_complete(&job, "1h").into()
        }
        What::Made(made) => Command::NewSecret(NewSecret::new(namespace, names[0], keys(made)?)),
        What::Filled(filled) => match &filled[..] {
            [(key, None)] => Command::SecretKeys(SecretKeys::asked(namespace, names[0], key)),
            filled => Command::SecretKeys(SecretKeys::new(namespace, names[0], keys(filled)?)),
        },
    })
}

fn key_otherwise(what: &What) -> Option<What> {
    let renamed = |keys: &[(String, Option<Source>)]| {
        let mut keys = keys.to_vec();
        keys.first_mut()?.0.push_str("-x");
        Some(keys)
    };
    Some(match what {
        What::Made(keys) => What::Made(renamed(keys)?),
        What::Filled(keys) => What::Filled(renamed(keys)?),
        What::Merged(patch) => {
            let mut patch = patch.clone();
            rename_leaves(&mut patch);
            What::Merged(patch)
        }
        _ => return None,
    })
}

fn rename_leaves(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    for (key, mut value) in std::mem::take(fields) {
        match value.is_object() {
            true => {
                rename_leaves(&mut value);
                fields.insert(key, value);
            }
            false => drop(fields.insert(format!("{key}x"), value)),
        }
    }
}

fn value_otherwise(what: &What) -> Option<What> {
    let read_elsewhere = |keys: &[(String, Option<Source>)]| {
        let mut keys = keys.to_vec();
        let (_, source) = keys
            .iter_mut()
            .find(|(_, source)| matches!(source, Some(Source::Secret { .. })))?;
        *source = Some(source_otherwise(source.as_ref()?, Otherwise::Key)?);
        Some(keys)
    };
    Some(match what {
        What::Made(keys) => What::Made(read_elsewhere(keys)?),
        What::Filled(keys) => What::Filled(read_elsewhere(keys)?),
        What::Scaled(pods) => What::Scaled(pods + 1),
        _ => return None,
    })
}

/// The places of a command in findings.
fn places(findings: &[Finding], command: &Command) -> Vec<[usize; 3]> {
    let mut places = Vec::new();
    for (finding, found) in findings.iter().enumerate() {
        for (fix, step) in found.fixes.iter().enumerate() {
            if !step.moment.cures() {
                continue;
            }
            for (at, other) in step.commands.iter().enumerate() {
                if other == command {
                    places.push([finding, fix, at]);
                }
            }
        }
    }
    places
}

/// Findings with a command otherwise, wherever it stands.
fn changed(findings: &[Finding], places: &[[usize; 3]], new: &Option<Command>) -> Vec<Finding> {
    let mut changed = findings.to_vec();
    for [finding, fix, at] in places.iter().rev() {
        let fixes = &mut changed[*finding].fixes;
        match new {
            Some(new) => fixes[*fix].commands[*at] = new.clone(),
            None => {
                fixes[*fix].commands.remove(*at);
            }
        }
        if fixes[*fix].commands.is_empty() {
            fixes.remove(*fix);
        }
    }
    changed
}

/// Whether the cure of a finding has given way to a decision that was none before.
fn is_caught(case: &Case, changed: &[Finding]) -> bool {
    let mut proved = changed.to_vec();
    prove(&case.change, &case.live.facts(), &mut proved);
    let mut pairs = changed.iter().zip(&proved);
    pairs.any(|(before, after)| {
        let decides = |it: &Finding| {
            it.fixes
                .first()
                .is_some_and(|fix| fix.moment == Moment::Decide)
        };
        before.action == Action::Deny && before != after && decides(after)
    })
}

/// What only looks changes nothing, and without its only command a finding promises no cure.
fn promises(findings: &[Finding], places: &[[usize; 3]], command: &Command) -> bool {
    let looks = command.effects().is_empty() && matches!(command, Command::Kubectl(_));
    let has_more = |[finding, ..]: &[usize; 3]| {
        let fixes = findings[*finding].fixes.iter();
        let fixes = fixes.filter(|fix| fix.moment.cures());
        fixes.flat_map(|fix| &fix.commands).count() > 1
    };
    !looks && places.iter().any(has_more)
}

/// Whether a finding says that only the chart tells what its cure does.
fn is_open(finding: &Finding) -> bool {
    finding
        .why
        .iter()
        .any(|why| why.ends_with("and run it again."))
}

/// How many changed steps were seen, how many only the chart itself can prove, and the others.
#[derive(Default)]
struct Tally {
    found: usize,
    open: usize,
    missed: Vec<String>,
}

/// Changes each step that is printed in a case, unless it was changed in another one: most have most of theirs in common.
fn change_each(case: &Case, seen: &Mutex<BTreeSet<String>>, tally: &mut Tally) {
    let proved = findings(case);
    let findings = rules::judge(&case.change, &case.live.facts());
    let printed: Vec<_> = cures(&proved).iter().map(|it| it.finding.rule).collect();
    let is_printed = |it: &&Finding| it.action == Action::Deny && printed.contains(&it.rule);
    let fixes = findings.iter().filter(is_printed).flat_map(|it| &it.fixes);
    let fixes = fixes.filter(|fix| fix.moment.cures());
    for command in fixes.flat_map(|fix| &fix.commands) {
        let places = places(&findings, command);
        for what in ALL {
            let name = format!("{what:?}: {command}");
            let Some(new) = otherwise(command, what) else {
                continue;
            };
            let skips = what == Otherwise::Dropped && !promises(&findings, &places, command);
            if skips || !seen.lock().unwrap().insert(name.clone()) {
                continue;
            }
            if is_caught(case, &changed(&findings, &places, &new)) {
                tally.found += 1;
            } else if places.iter().any(|[at, ..]| is_open(&proved[*at])) {
                tally.open += 1;
            } else {
                tally.missed.push(format!("{}: {name}", case.of));
            }
        }
    }
}

#[test]
fn a_step_that_is_otherwise_is_found() {
    let seen = Mutex::default();
    let half = cases::matrix().len().div_ceil(2).max(1);
    let tallies = thread::scope(|scope| {
        let halves = cases::matrix().chunks(half);
        let threads: Vec<_> = halves
            .map(|cases| {
                scope.spawn(|| {
                    let mut tally = Tally::default();
                    let seen = &seen;
                    cases
                        .iter()
                        .for_each(|case| change_each(case, seen, &mut tally));
                    tally
                })
            })
            .collect();
        let done = threads.into_iter().map(|thread| thread.join().unwrap());
        done.collect::<Vec<_>>()
    });
    let missed: Vec<_> = tallies.iter().flat_map(|tally| &tally.missed).collect();
    assert!(missed.is_empty(), "{} missed: {missed:#?}", missed.len());
    let [found, open] = [
        tallies.iter().map(|tally| tally.found).sum::<usize>(),
        tallies.iter().map(|tally| tally.open).sum(),
    ];
    assert!(found > 200 || half == 1, "{found} found, {open} open");
    assert!(open * 10 < found.max(10), "{found} found, {open} open");
}
