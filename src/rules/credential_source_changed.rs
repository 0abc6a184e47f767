//! `credential-source-changed`: a database's password would be read from somewhere else, where another one is.
//!
//! A workload can be pointed to another Secret or key, be given a value in place, or get a Secret of its own because it
//! was renamed. The volume of the database knows only the password from before, so every login fails. Charts do so
//! where `existingSecret`, its keys or `fullnameOverride` change, and 13 reads all passwords from `camunda-credentials`.
//!
//! On every line; in no guide.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Rule,
    cures::carry_over::{self, Content, Old},
    cures::supply::{OldKey, shells, supply},
};
use crate::{
    camunda::{self, Credential, Supply},
    change::{Change, Gate},
    credentials::{
        purposes::{Moved, moved},
        readers::secret_refs,
        sources::Source,
        values::{self, Value},
    },
    facts::Facts,
    finding::{Action, Command, Finding, Fix},
    object::{Kind, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: "credential-source-changed",
    summary: "a database's password would be read from where another one is",
    page: include_str!("../../docs/rules/credential-source-changed.md"),
    judge,
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let changed = changed(change, facts);
    if changed.is_empty() {
        return Vec::new();
    }
    let count = changed
        .iter()
        .map(|moved| &moved.new.source)
        .collect::<BTreeSet<_>>();
    let title = match count.len() {
        1 => "A database's password would be read from where another one is".to_owned(),
        count => format!("{count} passwords of databases would be read from where others are"),
    };
    let claims: BTreeSet<_> = changed.iter().filter_map(|moved| moved.claim).collect();
    let claims: Vec<_> = claims.into_iter().collect();
    let mut why = vec![format!(
        "The data in {} knows only the old ones; every login would fail.",
        claims.join(", ")
    )];
    why.extend(changed.iter().map(|moved| {
        format!(
            "  {} would take {} from {}, not from {}",
            moved.workload,
            moved.new.variable,
            place(&moved.new.source),
            place(&moved.old.source)
        )
    }));
    let objects: BTreeSet<_> = changed.iter().map(|moved| moved.workload.clone()).collect();
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title,
        objects: objects.into_iter().collect(),
        why,
        fixes: fixes(change, facts, &changed),
        guide: "",
    }]
}

/// The keys whose values would be given up for others: what becomes of their Secrets is then told here.
pub(super) fn left_keys(change: &Change, facts: &Facts) -> BTreeSet<(String, String, String)> {
    let keys = changed(change, facts).into_iter().filter_map(|moved| {
        let namespace = moved.workload.namespace.clone();
        match moved.old.source {
            Source::Key { secret, key } => Some((namespace, secret, key)),
            Source::Inline(_) => None,
        }
    });
    keys.collect()
}

fn changed<'a>(change: &'a Change, facts: &'a Facts) -> Vec<Moved<'a>> {
    if change.gate == Gate::Object {
        return Vec::new();
    }
    let mut moved = moved(change, facts);
    moved.retain(|moved| moved.claim.is_some() && is_other(change, facts, moved));
    moved
}

fn is_other(change: &Change, facts: &Facts, moved: &Moved<'_>) -> bool {
    let namespace = &moved.workload.namespace;
    let old = values::live(facts, namespace, &moved.old.source);
    let Value::Known(value) = &old else {
        return false;
    };
    if value.is_empty() {
        return false;
    }
    match values::planned(change, facts, namespace, &moved.new.source) {
        Value::Unknown => false,
        // That a needed key is missing is credentials-secret-incomplete.
        Value::Missing => is_optional(change, moved),
        // Where the right value is there now and would go, that is identity-secret-regenerated.
        new => new != old && values::live(facts, namespace, &moved.new.source) != old,
    }
}

fn is_optional(change: &Change, moved: &Moved<'_>) -> bool {
    let Source::Key { secret, key } = &moved.new.source else {
        return false;
    };
    let workload = change
        .objects
        .iter()
        .find(|object| object.object == *moved.workload);
    let refs = workload.and_then(|workload| Some(secret_refs(workload.planned.as_deref()?)));
    refs.into_iter()
        .flatten()
        .filter(|read| read.reads(secret, key))
        .all(|read| read.optional)
}

fn place(source: &Source) -> String {
    match source {
        Source::Inline(_) => "a value in the manifest".to_owned(),
        Source::Key { secret, key } => format!("Secret {secret} ({key})"),
    }
}

fn fixes(change: &Change, facts: &Facts, changed: &[Moved<'_>]) -> Vec<Fix> {
    let mut cure = Cure::default();
    let mut done = BTreeSet::new();
    for moved in changed {
        let namespace = &moved.workload.namespace;
        if !done.insert((namespace, &moved.new.source)) {
            continue;
        }
        let Source::Key { secret, key } = &moved.new.source else {
            cure.by_hand.push(format!(
                "{} of {}: take it from {}",
                moved.new.variable,
                moved.workload,
                place(&moved.old.source)
            ));
            continue;
        };
        let reference = ObjectRef::new(Kind::Secret, namespace, secret);
        let there = facts.get(&reference).is_some();
        // A value that the chart looks up is the one that is there.
        let looked_up = there
            && values::planned(change, facts, namespace, &moved.new.source)
                == values::live(facts, namespace, &moved.new.source);
        match rendered(change, &reference, key) {
            Some(Some((credential, value))) if !looked_up => {
                cure.supply(facts, moved, &credential, &value);
            }
            Some(None) if !looked_up => cure.by_hand.push(format!(
                "{key} of Secret {secret}: the value of {}",
                place(&moved.old.source)
            )),
            _ => {
                let (_, keys) = cure.secrets.entry(reference).or_insert((there, Vec::new()));
                let old = Old {
                    workload: moved.before,
                    reading: &moved.old,
                };
                keys.push((key, old));
            }
        }
    }
    cure.fixes()
}

/// How a key of a Secret that the new manifest renders can be given a value; the inner nothing where it can't.
fn rendered(
    change: &Change,
    reference: &ObjectRef,
    key: &str,
) -> Option<Option<(Credential, String)>> {
    let secret = change
        .of_kind(Kind::Secret)
        .find(|secret| secret.object == *reference)?;
    let planned = secret.planned.as_deref()?;
    let credential =
        camunda::credential(planned, key, secret.charts.as_deref(), change.target_line());
    Some(
        credential.and_then(|credential| match credential.supply.clone() {
            Supply::Value(value) => Some((credential, value)),
            Supply::WithoutGeneration => None,
        }),
    )
}

/// Keys and the old values that they are to hold.
type Keys<'a> = Vec<(&'a str, Old<'a>)>;

#[derive(Default)]
struct Cure<'a> {
    /// Secrets to write to, and whether they are there.
    secrets: BTreeMap<ObjectRef, (bool, Keys<'a>)>,
    exports: Vec<Command>,
    flags: Vec<Command>,
    by_hand: Vec<String>,
}

impl<'a> Cure<'a> {
    fn supply(&mut self, facts: &Facts, moved: &Moved<'_>, credential: &Credential, value: &str) {
        let namespace = &moved.workload.namespace;
        let old = values::live(facts, namespace, &moved.old.source);
        let (Source::Key { secret, key }, Value::Known(old)) = (&moved.old.source, old) else {
            self.by_hand.push(format!(
                "{value}: the value that {} has in place now",
                moved.before
            ));
            return;
        };
        let old = OldKey {
            namespace,
            secret,
            key,
            value: &old,
        };
        let (export, flag) = supply(value, credential, old);
        self.exports.extend(export.map(|read| read.export()));
        self.flags.push(flag);
    }

    fn fixes(self) -> Vec<Fix> {
        let mut fixes = Vec::new();
        let write = self.secrets.into_iter().map(|(secret, (there, keys))| {
            let (namespace, name) = (&secret.namespace, &secret.name);
            if there {
                return carry_over::patch(namespace, name, &keys);
            }
            let contents: Vec<_> = keys
                .iter()
                .map(|(key, old)| (*key, Content::Printed(old.plain())))
                .collect();
            carry_over::create(namespace, name, &contents)
        });
        let write: Vec<_> = write.collect();
        if !write.is_empty() {
            let intro = "Put the old values where they will be read (nothing else may need what is there now):";
            fixes.push(Fix::new(intro, write));
        }
        if !self.by_hand.is_empty() {
            let lines = self.by_hand.into_iter().map(Command::Manual).collect();
            fixes.push(Fix::new("Set in your values:", lines));
        }
        if !self.exports.is_empty() {
            fixes.push(Fix::new("Keep the old values:", self.exports));
        }
        if !self.flags.is_empty() {
            let shells = shells(&self.flags);
            fixes.push(Fix::new(
                format!("and add to your helm upgrade{shells}:"),
                self.flags,
            ));
        }
        fixes
    }
}
