//! `credential-source-changed`: a database's password would be read from somewhere else, where another one is.
//!
//! A workload can be pointed to another Secret or key, be given a value in place, or get a Secret of its own because it
//! was renamed. The volume of the database knows only the password from before, so every login fails. Charts do so
//! where `existingSecret`, its keys or `fullnameOverride` change, and 13 reads all passwords from `camunda-credentials`.
//!
//! On every line; in no guide.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Judge, Rule, credentials_secret_incomplete, heard::Heard, identity_secret_regenerated, wanted,
};
use crate::{
    camunda::{self, Credential, Supply},
    change::{Change, Facts},
    finding::{Action, Command, Finding, Fix, Flag, RuleId, guide},
    fixes::{
        carry_over::{self, Content, Old},
        supply::{OldKey, shells, supply},
    },
    knowledge::credentials::{
        env_source::Source,
        overwritten,
        password_roles::{Moved, moved},
        readers::secret_refs,
        values::{self, Value},
    },
    kubernetes::{Kind, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::CredentialSourceChanged,
    summary: "a database's password would be read from where another one is",
    guide: guide::SECRET_MANAGEMENT,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/credential-source-changed.md"),
    needs: &[wanted::secrets, wanted::readers],
    judge: Judge::Beside {
        others: &[
            RuleId::CredentialsSecretIncomplete,
            RuleId::IdentitySecretRegenerated,
        ],
        judge,
    },
};

/// Other rules report a missing key, or a correct value that would be lost.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    let changed = changed(change, facts, heard);
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
        guide: RULE.guide,
    }]
}

/// The keys whose values would be given up for others that are there: what becomes of their Secrets is then told here.
pub(super) fn left_keys(change: &Change, facts: &Facts) -> BTreeSet<(String, String, String)> {
    let all = all(change, facts).into_iter();
    let changed = all.filter(|(_, instead)| instead.is_none());
    let keys = changed.map(|(moved, _)| moved).filter_map(|moved| {
        let namespace = moved.workload.namespace.clone();
        match moved.old.source {
            Source::Key { secret, key } => Some((namespace, secret, key)),
            Source::Inline(_) => None,
        }
    });
    keys.collect()
}

fn changed<'a>(change: &'a Change, facts: &'a Facts, heard: &Heard<'_>) -> Vec<Moved<'a>> {
    let left = |rule: RuleId| heard.hears(rule);
    let all = all(change, facts).into_iter();
    all.filter(|(_, instead)| !instead.is_some_and(left))
        .map(|(moved, _)| moved)
        .collect()
}

/// Returns the passwords whose new source holds another value, each with the rule that reports it better, if any.
fn all<'a>(change: &'a Change, facts: &'a Facts) -> Vec<(Moved<'a>, Option<RuleId>)> {
    moved(change, facts)
        .into_iter()
        .filter(|moved| moved.claim.is_some())
        .filter_map(|moved| {
            let instead = other(change, facts, &moved)?;
            Some((moved, instead))
        })
        .collect()
}

fn other(change: &Change, facts: &Facts, moved: &Moved<'_>) -> Option<Option<RuleId>> {
    let namespace = &moved.workload.namespace;
    let old = values::live(facts, namespace, &moved.old.source);
    if !matches!(&old, Value::Known(value) if !value.is_empty()) {
        return None;
    }
    match values::planned(change, facts, namespace, &moved.new.source) {
        Value::Unknown => None,
        Value::Missing if is_optional(change, moved) => Some(None),
        Value::Missing => Some(Some(credentials_secret_incomplete::RULE.id)),
        new if new == old => None,
        _ if values::live(facts, namespace, &moved.new.source) == old => {
            Some(Some(identity_secret_regenerated::RULE.id))
        }
        _ => Some(None),
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
            _ if may_be_written(change, facts, changed, moved) => {
                let (_, keys) = cure.secrets.entry(reference).or_insert((there, Vec::new()));
                let old = Old {
                    workload: moved.before,
                    reading: &moved.old,
                };
                keys.push((key, old));
            }
            _ => cure.back(change, moved),
        }
    }
    cure.fixes()
}

/// Whether a key may be written: nobody misses what it holds, and all that will read it want the same old value.
fn may_be_written(
    change: &Change,
    facts: &Facts,
    changed: &[Moved<'_>],
    moved: &Moved<'_>,
) -> bool {
    let Source::Key { secret, key } = &moved.new.source else {
        return false;
    };
    let namespace = &moved.workload.namespace;
    let secret = ObjectRef::new(Kind::Secret, namespace, secret);
    let value = |moved: &Moved<'_>| values::live(facts, namespace, &moved.old.source);
    let Value::Known(old) = value(moved) else {
        return false;
    };
    let mut together = changed.iter().filter(|other| {
        other.workload.namespace == *namespace && other.new.source == moved.new.source
    });
    together.all(|other| value(other) == value(moved))
        && overwritten::owner(change, facts, &secret, key, Some(&old)).is_none()
}

/// How to set a value back that names a Secret or its key.
enum Back {
    /// With this flag.
    Flag(Flag),
    /// By hand: only a person knows the old value.
    ByHand(String),
}

/// The user's values that name where a password would be read from, set back to where it is read now.
fn back(change: &Change, moved: &Moved<'_>) -> Vec<Back> {
    let (
        Source::Key { secret, key },
        Source::Key {
            secret: old_secret,
            key: old_key,
        },
    ) = (&moved.new.source, &moved.old.source)
    else {
        return Vec::new();
    };
    let reference = ObjectRef::new(Kind::Secret, &moved.workload.namespace, old_secret);
    let made_by_chart = change.find(&reference).is_some();
    let before = change.running_values.as_ref();
    let mut found = Vec::new();
    for (name, value) in change.values.leaves() {
        let Some(value) = value.as_str() else {
            continue;
        };
        let was = before.and_then(|values| values.text(&name));
        let names_secret = value == secret && secret != old_secret;
        let names_key = value == key && key != old_key;
        if !(names_secret || names_key) || was.as_deref() == Some(value) {
            continue;
        }
        let old = if names_secret { old_secret } else { old_key };
        let name = change.values.key_in_file(&name);
        let to = match &was {
            // Where the chart makes a Secret of its own, no value names it.
            None if names_secret && made_by_chart => "",
            None => old,
            Some(was) if was == old => old,
            Some(_) => {
                found.push(Back::ByHand(format!("{name}: as it was before")));
                continue;
            }
        };
        found.push(Back::Flag(Flag::set_string(name, to)));
    }
    found
}

/// Returns the credential and the value that sets it, for a key of a rendered Secret; `Some(None)` if no value sets it.
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
    flags: Vec<Flag>,
    back: Vec<Flag>,
    by_hand: Vec<String>,
}

impl<'a> Cure<'a> {
    /// Leaves the new source alone, because others read it, too, and points the password back to its old source.
    fn back(&mut self, change: &Change, moved: &Moved<'_>) {
        let found = back(change, moved);
        if found.is_empty() {
            self.by_hand.push(format!(
                "{} of {}: from {}, as now",
                moved.new.variable,
                moved.workload,
                place(&moved.old.source)
            ));
        }
        for back in found {
            match back {
                Back::Flag(flag) if self.back.contains(&flag) => {}
                Back::Flag(flag) => self.back.push(flag),
                Back::ByHand(line) if self.by_hand.contains(&line) => {}
                Back::ByHand(line) => self.by_hand.push(line),
            }
        }
    }

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
        let (read, flag) = supply(value, credential, old);
        self.exports.push(read.export());
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
            let intro = "Put the old values where they will be read:";
            fixes.push(Fix::new(intro, write));
        }
        if !self.back.is_empty() {
            let intro = "Leave the passwords where they are read now, as others need what is there; add to your helm upgrade, last:";
            fixes.push(Fix::new(intro, self.back));
        }
        if !self.by_hand.is_empty() {
            let lines = self.by_hand.into_iter().map(Command::Manual);
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
