//! `identity-secret-removed`: Helm would delete a Secret that something still needs.
//!
//! A Secret of the running manifest that the new one does not render is deleted. Chart 13 renders none by
//! default: on the way from 12 all of them go, while PostgreSQL's volume stays and knows only the passwords
//! that were in them, and workloads told to use `camunda-keycloak` wait for a Secret that Helm has just deleted.
//!
//! Since chart 13; any line when a component is switched off. Documented: "Extract secrets".

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    Judge, Rule,
    credential_source_changed::{self, left_keys},
    heard::Heard,
    wanted,
};
use crate::{
    camunda::{self, Component, Held},
    change::{Change, Facts, ObjectChange, RESOURCE_POLICY, after, secret_data},
    finding::{Action, Finding, Fix, Objects, RuleId, guide},
    fixes::conversion,
    knowledge::credentials::readers::{SecretRef, secret_refs},
    kubernetes::{Kind, Mounts, Object, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::IdentitySecretRemoved,
    summary: "a Secret that is still needed would be deleted",
    guide: guide::EXTRACT_SECRETS,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/identity-secret-removed.md"),
    needs: &[wanted::secrets],
    judge: Judge::Beside {
        others: &[RuleId::CredentialSourceChanged],
        judge,
    },
};

/// Omits values that are replaced by others: the rule about changed sources reports those.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    if !change.of_kind(Kind::Secret).any(ObjectChange::removed) {
        return Vec::new();
    }
    let readers = Readers::of(change);
    let left = match heard.by(credential_source_changed::RULE.id) {
        true => left_keys(change, facts),
        false => BTreeSet::new(),
    };
    let mut reasons = Reasons::new();
    for secret in change.of_kind(Kind::Secret) {
        if !secret.camunda || !secret.removed() {
            continue;
        }
        let Some(live) = facts.get(&secret.object) else {
            continue;
        };
        if facts.keeps(&secret.object) {
            continue;
        }
        let told = |key: &str| {
            let (namespace, name) = (&secret.object.namespace, &secret.object.name);
            left.contains(&(namespace.clone(), name.clone(), key.to_owned()))
        };
        for (key, value) in secret_data(live) {
            if told(key) {
                continue;
            }
            if let Some(reason) = needed(change, facts, &readers, secret, live, key, &value) {
                reasons
                    .entry(&secret.object)
                    .or_default()
                    .push((key.to_owned(), reason));
            }
        }
    }
    finding(change, facts, &reasons).into_iter().collect()
}

/// The Secrets that would be missed, and why each of their keys.
type Reasons<'a> = BTreeMap<&'a ObjectRef, Vec<(String, Reason)>>;

/// Why a key of a Secret is still needed.
enum Reason {
    /// A workload of the new manifest reads it there.
    Read(String),
    /// A database still accepts only this value, whatever its source.
    Held(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Read(reader) => write!(f, "{reader} reads it"),
            Reason::Held(claim) => write!(f, "claim {claim} knows no other"),
        }
    }
}

/// Returns why a key of a Secret is still needed, if it is.
fn needed(
    change: &Change,
    facts: &Facts,
    readers: &Readers<'_>,
    secret: &ObjectChange,
    live: &Object,
    key: &str,
    value: &[u8],
) -> Option<Reason> {
    let line = change.from.as_ref().and_then(|from| from.line);
    let credential = camunda::credential(live, key, secret.charts.as_deref(), line)?;
    if let Some(reader) = readers.of_key(&secret.object, key) {
        return Some(Reason::Read(reader.to_string()));
    }
    if credential.held == Held::Client || readers.read_elsewhere(change, facts, value) {
        return None;
    }
    let claim = holding_claim(change, facts, &secret.object, credential.held)?;
    Some(Reason::Held(claim.to_owned()))
}

/// A Bound claim of the database that holds the credential.
fn holding_claim<'a>(
    change: &Change,
    facts: &'a Facts,
    secret: &ObjectRef,
    held: Held,
) -> Option<&'a str> {
    change
        .of_kind(Kind::StatefulSet)
        // An umbrella's own PostgreSQL looks the same and holds nothing of Keycloak's.
        .filter(|set| set.camunda && set.object.namespace == secret.namespace)
        .filter(|set| match (held, set.running.as_deref()) {
            (_, None) | (Held::Client, _) => false,
            (Held::Keycloak, Some(_)) => set.component == Component::KeycloakPostgresql,
            (Held::Database, Some(running)) => secret_refs(running)
                .iter()
                .any(|read| read.secret == secret.name),
        })
        .filter_map(|set| set.running.as_deref().map(Mounts::of))
        .find_map(|mounts| {
            let mut claims = mounts.holding(facts, &secret.namespace);
            claims.next().map(Object::name)
        })
}

/// The Secrets' keys that the new manifest's workloads read.
struct Readers<'a> {
    reads: Vec<(&'a ObjectRef, SecretRef)>,
}

impl<'a> Readers<'a> {
    fn of(change: &'a Change) -> Self {
        let reads = change
            .objects
            .iter()
            .filter_map(|object| Some((&object.object, secret_refs(object.planned.as_deref()?))))
            .flat_map(|(workload, refs)| refs.into_iter().map(move |read| (workload, read)))
            .collect();
        Self { reads }
    }

    fn of_key(&self, secret: &ObjectRef, key: &str) -> Option<&ObjectRef> {
        self.reads
            .iter()
            .find(|(workload, read)| {
                workload.namespace == secret.namespace && read.reads(&secret.name, key)
            })
            .map(|(workload, _)| *workload)
    }

    /// Whether some workload reads the same value from a Secret that stays or is new.
    fn read_elsewhere(&self, change: &Change, facts: &Facts, value: &[u8]) -> bool {
        self.reads.iter().any(|(workload, read)| {
            let reference = ObjectRef::new(Kind::Secret, &workload.namespace, &read.secret);
            let live = facts.get(&reference);
            let changed = change
                .objects
                .iter()
                .find(|object| object.object == reference);
            let secret = match changed {
                Some(changed) => after(changed, change.gate, live),
                None => live.cloned(),
            };
            secret.is_some_and(|secret| {
                secret_data(&secret)
                    .iter()
                    .any(|(key, other)| read.reads(&read.secret, key) && other == value)
            })
        })
    }
}

fn finding(change: &Change, facts: &Facts, reasons: &Reasons<'_>) -> Option<Finding> {
    let namespace = &reasons.keys().next()?.namespace;
    let (title, them) = match reasons.len() {
        1 => (
            "A Secret that is still needed would be deleted".to_owned(),
            "it",
        ),
        count => (
            format!("Secrets that are still needed would be deleted: {count}"),
            "them",
        ),
    };
    let mut why = vec![format!(
        "The new manifest does not render {them}, so Helm deletes {them}:"
    )];
    for (secret, reasons) in reasons {
        let reasons = reasons.iter();
        why.extend(reasons.map(|(key, reason)| format!("  {} {key}: {reason}", secret.name)));
    }
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title,
        objects: reasons.keys().map(|secret| (*secret).clone()).collect(),
        why,
        fixes: fixes(change, facts, namespace, reasons),
        guide: RULE.guide,
    })
}

/// A value can be carried to where the new chart reads it; what is read where it is has to stay.
fn fixes(change: &Change, facts: &Facts, namespace: &str, reasons: &Reasons<'_>) -> Vec<Fix> {
    let mut fixes = conversion::fixes(change, facts);
    let is_carried = !conversion::secret(change, facts).is_empty();
    if !is_carried {
        fixes.clear();
    }
    let kept: Vec<_> = reasons
        .iter()
        .filter(|(_, reasons)| {
            let read = |(_, reason): &(String, Reason)| matches!(reason, Reason::Read(_));
            !is_carried || reasons.iter().any(read)
        })
        .map(|(secret, _)| secret.name.as_str())
        .collect();
    let intro = match kept.len() {
        0 => return fixes,
        1 => "Tell Helm to leave it where it is:",
        _ => "Tell Helm to leave them where they are:",
    };
    let kept = Objects::new(Kind::Secret, namespace, kept);
    fixes.push(Fix::new(
        intro,
        [kept.annotate(&[(RESOURCE_POLICY, "keep")])],
    ));
    fixes
}
