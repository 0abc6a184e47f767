//! `credential-placeholder`: what a workload would take for its credential only stands where one was to be filled in.
//!
//! A command or a values file was pasted as it stood: `<its value>`, `CHANGE_ME`, or nothing at all. The pods start with
//! it, and no login works.
//!
//! On every line; in no guide.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judge, Rule, at, wanted};
use crate::{
    camunda::Line,
    change::{Change, Facts, Gate, ObjectChange, Operation, secret_data},
    finding::{Action, Command, Finding, Fix, RuleId, guide},
    fixes::{
        carry_over::{self, Content},
        missing_secrets::Contents,
    },
    knowledge::{
        credentials::{
            before, database_of,
            env_source::{self, Source},
            password_roles::predecessor,
            placeholder::Placeholder,
            readers::secret_refs,
            values::{self, Value},
        },
        secrecy::{names_a_place, speaks_of_secret},
    },
    kubernetes::{Kind, Object, ObjectRef},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::CredentialPlaceholder,
    summary: "a credential would be a placeholder that nobody has filled in",
    guide: guide::SECRET_MANAGEMENT,
    release: &[Action::Deny, Action::Warn],
    object: at(&[Action::Warn], &[&matching::SECRETS]),
    page: include_str!("../../../../docs/rules/credential-placeholder.md"),
    needs: &[wanted::secrets],
    judge: Judge::Alone(judge),
};

/// A credential that a workload is to read, and what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found<'a> {
    placeholder: Placeholder,
    workload: &'a ObjectRef,
    variable: String,
    source: Source,
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    match (change.gate, change.operation) {
        (Gate::Object, Operation::Create | Operation::Update) => change
            .of_kind(Kind::Secret)
            .filter_map(|secret| written(facts, secret))
            .collect(),
        (Gate::Release, Operation::Install | Operation::Upgrade | Operation::Rollback) => {
            let (usual, empty): (Vec<_>, Vec<_>) = found(change, facts)
                .into_iter()
                .partition(|found| found.placeholder == Placeholder::Usual);
            let action = match change.operation {
                Operation::Upgrade => Action::Deny,
                _ => Action::Warn,
            };
            [
                finding(change, facts, action, &empty),
                finding(change, facts, Action::Warn, &usual),
            ]
            .into_iter()
            .flatten()
            .collect()
        }
        _ => Vec::new(),
    }
}

fn found<'a>(change: &'a Change, facts: &Facts) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    let mut before = None;
    for workload in change.objects.iter().filter(|object| object.camunda) {
        let Some(planned) = workload.planned.as_deref() else {
            continue;
        };
        for mut read in read(change, facts, workload, planned) {
            let Some(value) = value(change, facts, workload, &read.source) else {
                continue;
            };
            let Some(placeholder) = Placeholder::of(&value) else {
                continue;
            };
            read.placeholder = placeholder;
            let is_said = match placeholder {
                Placeholder::Empty => {
                    is_needed(change, workload, &read) && !was_empty(change, facts, workload, &read)
                }
                _ => {
                    let before = before.get_or_insert_with(|| values_before(change, facts));
                    !before.contains(&value)
                }
            };
            if is_said {
                found.push(read);
            }
        }
    }
    found.sort();
    found.dedup_by(|one, other| one.source == other.source && one.workload == other.workload);
    found
}

/// The credentials that a workload is to read, as far as it can't do without.
fn read<'a>(
    change: &'a Change,
    facts: &Facts,
    workload: &'a ObjectChange,
    planned: &'a Object,
) -> Vec<Found<'a>> {
    let refs = secret_refs(planned);
    let is_optional = |secret: &str, key: &str| {
        let mut of_key = refs
            .iter()
            .filter(|read| read.reads(secret, key))
            .peekable();
        of_key.peek().is_some() && of_key.all(|read| read.optional)
    };
    let found = |variable: &str, source| Found {
        placeholder: Placeholder::Words,
        workload: &workload.object,
        variable: variable.to_owned(),
        source,
    };
    let mut all: Vec<_> = env_source::readings(planned)
        .into_iter()
        .filter(|reading| match &reading.source {
            Source::Key { secret, key } => {
                let named = speaks_of_secret(&reading.variable) || speaks_of_secret(key);
                named && !is_optional(secret, key)
            }
            Source::Inline(_) => is_credential(&reading.variable),
        })
        .map(|reading| found(&reading.variable, reading.source))
        .collect();
    // What comes in as files, or with a whole Secret.
    for read in refs.iter().filter(|read| !read.optional) {
        let keys = match &read.key {
            Some(key) => vec![key.clone()],
            None => keys_of(change, facts, &workload.object.namespace, &read.secret),
        };
        for key in keys.into_iter().filter(|key| is_credential(key)) {
            let source = Source::Key {
                secret: read.secret.clone(),
                key,
            };
            if all.iter().all(|other| other.source != source) {
                all.push(found("", source));
            }
        }
    }
    all
}

fn is_credential(name: &str) -> bool {
    speaks_of_secret(name) && !names_a_place(name)
}

fn keys_of(change: &Change, facts: &Facts, namespace: &str, secret: &str) -> Vec<String> {
    let reference = ObjectRef::new(Kind::Secret, namespace, secret);
    let planned = change.find(&reference).and_then(|it| it.planned.as_deref());
    let secret = planned.or_else(|| facts.get(&reference));
    secret.map_or_else(Vec::new, |secret| {
        secret_data(secret).into_keys().map(str::to_owned).collect()
    })
}

fn value(
    change: &Change,
    facts: &Facts,
    workload: &ObjectChange,
    source: &Source,
) -> Option<Vec<u8>> {
    match values::planned(change, facts, &workload.object.namespace, source) {
        Value::Known(value) => Some(value),
        _ => None,
    }
}

/// Charts render empty values for what is not in use; a Secret that the user makes has its keys for a reason.
fn is_needed(change: &Change, workload: &ObjectChange, read: &Found<'_>) -> bool {
    let Source::Key { secret, .. } = &read.source else {
        return false;
    };
    let reference = ObjectRef::new(Kind::Secret, &workload.object.namespace, secret);
    let rendered = change
        .find(&reference)
        .is_some_and(|it| it.planned.is_some());
    !read.variable.is_empty() && !rendered
}

/// Whether the same variable, or the same key, was empty before.
fn was_empty(change: &Change, facts: &Facts, workload: &ObjectChange, read: &Found<'_>) -> bool {
    let namespace = &workload.object.namespace;
    let Some((_, old)) = predecessor(change, facts, workload) else {
        return false;
    };
    let same = |reading: &env_source::Reading| {
        reading.variable == read.variable || reading.source == read.source
    };
    let mut before = env_source::readings(old)
        .into_iter()
        .filter(same)
        .peekable();
    before.peek().is_some()
        && before::of_variable(change, facts, namespace, old, &read.variable).is_none()
}

/// The values that the release's workloads read now.
fn values_before(change: &Change, facts: &Facts) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    for workload in change.objects.iter().filter(|object| object.camunda) {
        let Some(old) = facts.get(&workload.object).or(workload.running.as_deref()) else {
            continue;
        };
        for reading in env_source::readings(old) {
            if let Value::Known(value) =
                values::live(facts, &workload.object.namespace, &reading.source)
            {
                all.insert(value);
            }
        }
        for read in secret_refs(old) {
            let secret = facts.named(Kind::Secret, &workload.object.namespace, &read.secret);
            for (key, value) in secret.map(secret_data).unwrap_or_default() {
                if read.reads(&read.secret, key) {
                    all.insert(value);
                }
            }
        }
    }
    all
}

fn finding(change: &Change, facts: &Facts, action: Action, found: &[Found<'_>]) -> Option<Finding> {
    let first = found.first()?;
    let places: BTreeSet<_> = found.iter().map(|found| &found.source).collect();
    let title = match places.len() {
        1 => "A credential is a placeholder".to_owned(),
        count => format!("{count} credentials are placeholders"),
    };
    let ends = match first.placeholder {
        Placeholder::Usual => {
            "Whoever guesses them is let in; a development cluster may want that:"
        }
        _ => "They were to be filled in, and no login works with them:",
    };
    let mut why = vec![ends.to_owned()];
    why.extend(found.iter().map(|found| {
        let holds = match found.placeholder {
            Placeholder::Empty => "is empty",
            _ => "holds a placeholder",
        };
        match &found.source {
            Source::Key { secret, key } => {
                format!(
                    "  Secret {secret} ({key}), which {} would read, {holds}",
                    found.workload
                )
            }
            Source::Inline(_) => {
                format!("  {} of {} {holds}", found.variable, found.workload)
            }
        }
    }));
    let objects: BTreeSet<_> = found.iter().map(|found| found.workload.clone()).collect();
    Some(Finding {
        rule: RULE.id,
        action,
        title,
        objects: objects.into_iter().collect(),
        why,
        fixes: match first.placeholder {
            Placeholder::Usual => Vec::new(),
            _ => fixes(change, facts, found),
        },
        guide: RULE.guide,
    })
}

fn fixes(change: &Change, facts: &Facts, found: &[Found<'_>]) -> Vec<Fix> {
    let mut secrets: BTreeMap<ObjectRef, BTreeMap<String, Content>> = BTreeMap::new();
    let mut by_hand = BTreeSet::new();
    let contents = Contents::of(change, facts);
    for found in found {
        let namespace = &found.workload.namespace;
        let Source::Key { secret, key } = &found.source else {
            by_hand.insert(format!(
                "what {} of {} is to be",
                found.variable, found.workload
            ));
            continue;
        };
        let reference = ObjectRef::new(Kind::Secret, namespace, secret);
        if change
            .find(&reference)
            .is_some_and(|it| it.planned.is_some())
        {
            by_hand.insert(format!("what Secret {secret} is to hold as {key}"));
            continue;
        }
        let content = contents.content(&reference, key);
        secrets
            .entry(reference)
            .or_default()
            .insert(key.clone(), content);
    }
    let mut fixes = Vec::new();
    for (secret, keys) in secrets {
        let keys: Vec<_> = keys.into_iter().collect();
        fixes.extend(carry_over::fill(
            facts,
            &secret.namespace,
            &secret.name,
            &keys,
        ));
    }
    if !by_hand.is_empty() {
        let lines = by_hand.into_iter().map(Command::Manual);
        fixes.push(Fix::new("Set in your values:", lines));
    }
    fixes
}

/// A Secret on its own: who is to read it is not known yet, so this only warns.
fn written(facts: &Facts, secret: &ObjectChange) -> Option<Finding> {
    let planned = secret.planned.as_deref()?;
    let old = facts
        .get(&secret.object)
        .map(secret_data)
        .unwrap_or_default();
    let keys: Vec<_> = secret_data(planned)
        .into_iter()
        .filter(|(key, value)| old.get(key) != Some(value) && may_be_read(planned, key))
        .filter(|(_, value)| {
            Placeholder::of(value).is_some_and(|found| found != Placeholder::Empty)
        })
        .map(|(key, _)| key)
        .collect();
    if keys.is_empty() {
        return None;
    }
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!("Secret {} holds a placeholder", secret.object.name),
        objects: vec![secret.object.clone()],
        why: vec![format!(
            "{} was to be filled in; an upgrade to a chart that reads it is refused.",
            keys.join(", ")
        )],
        fixes: Vec::new(),
        guide: RULE.guide,
    })
}

/// Whether a key is a credential that some line's chart reads.
fn may_be_read(secret: &Object, key: &str) -> bool {
    is_carried_key(key) || database_of::held(secret, key).is_some()
}

fn is_carried_key(key: &str) -> bool {
    let mut carried = Line::all().iter().flat_map(|line| &line.carried_over);
    carried.any(|carried| carried.key == key)
}

/// Whether a Secret has a key that some line's chart reads from the user's Secret.
pub fn is_carried(secret: &Object) -> bool {
    secret_data(secret).into_keys().any(is_carried_key)
}
