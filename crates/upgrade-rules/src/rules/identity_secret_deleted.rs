//! `identity-secret-deleted`: a password would be gone that a database's data still asks for.
//!
//! Nothing brings a deleted Secret back: the charts make up another password, which the database on its volume does not
//! know. `helm uninstall` deletes the Secrets and leaves the claims, so the next install meets data that it can't open.
//!
//! On every line; in no guide.

use serde_json::Value;

use super::{Judge, Rule, at};
use crate::{
    annotations::ALLOW_DELETION,
    camunda::{Component, Held, release_label},
    change::{Change, Facts, ObjectChange, Operation, secret_data},
    finding::{Action, Command, Finding, Fix, Kubectl, Objects, RuleId, guide, shell},
    helm::release::parse_record_name,
    knowledge::{
        claims::deleted_on_purpose,
        credentials::{database_of, readers::secret_refs},
    },
    kubernetes::{Kind, Object, ObjectRef},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::IdentitySecretDeleted,
    summary: "a Secret that a database's data still needs would be deleted",
    guide: guide::SECRETS_EXTRACTION,
    release: &[],
    object: at(
        &[Action::Deny, Action::Warn],
        &[&matching::SECRET_DELETIONS],
    ),
    page: include_str!("../../../../docs/rules/identity-secret-deleted.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.operation != Operation::Delete {
        return Vec::new();
    }
    change
        .of_kind(Kind::Secret)
        .filter_map(|secret| deleted(change, facts, secret))
        .collect()
}

fn deleted(change: &Change, facts: &Facts, secret: &ObjectChange) -> Option<Finding> {
    let old = secret.running.as_deref()?;
    let namespace = secret.object.namespace.as_str();
    if old.has_controller() || deleted_on_purpose(old) || facts.namespace_terminating(namespace) {
        return None;
    }
    let by_helm = match newest_record(facts, &change.release) {
        // The release gate has judged what an upgrade deletes.
        Some(status) if status.starts_with("pending-") => return None,
        status => status == Some("uninstalling"),
    };
    let mut needed: Vec<(&str, Held, &Object)> = Vec::new();
    for key in secret_data(old).into_keys() {
        let Some((held, database)) = database_of::held(old, key) else {
            continue;
        };
        if replaced(facts, &secret.object, held, database) {
            continue;
        }
        if let Some(claim) = database_of::claim(facts, namespace, &change.release, database) {
            needed.push((key, held, claim));
        }
    }
    let (_, _, claim) = needed.first()?;
    let logs_in = needed.iter().all(|(_, held, _)| *held == Held::Client);
    let keys: Vec<_> = needed.iter().map(|(key, _, _)| *key).collect();
    let mut why = vec![format!(
        "{} of Secret {} in namespace {namespace}: the data in claim {} was made with it and knows no other.",
        keys.join(", "),
        secret.object.name,
        claim.name()
    )];
    if by_helm {
        why.push(format!(
            "Whoever installs over this claim again needs it: save it before an uninstall, with {}",
            save(&secret.object)
        ));
    }
    Some(Finding {
        rule: RULE.id,
        // An uninstall goes on whatever is refused.
        action: if by_helm || logs_in {
            Action::Warn
        } else {
            Action::Deny
        },
        title: format!("Secret {} is still needed", secret.object.name),
        objects: vec![secret.object.clone()],
        why,
        fixes: fixes(&secret.object, old),
        guide: RULE.guide,
    })
}

/// The status of the release's newest record.
fn newest_record<'a>(facts: &'a Facts, release: &str) -> Option<&'a str> {
    let records = facts
        .of_kind(Kind::Secret)
        .chain(facts.of_kind(Kind::ConfigMap));
    let revision = |record: &Object| {
        let (of, revision) = parse_record_name(record.name())?;
        (of == release).then_some(revision)
    };
    let newest = records
        .filter_map(|record| Some((revision(record)?, record)))
        .max_by_key(|(revision, _)| *revision);
    newest?.1.label("status")
}

/// Whether the workload that needs the value runs and reads it from somewhere else.
fn replaced(facts: &Facts, secret: &ObjectRef, held: Held, database: Component) -> bool {
    let reader = match held {
        Held::Keycloak => Component::Keycloak,
        Held::Database => database,
        // Deployments read these.
        Held::Client => return false,
    };
    let mut readers = database_of::sets(facts, &secret.namespace, reader).peekable();
    readers.peek().is_some()
        && readers.all(|set| {
            secret_refs(set)
                .iter()
                .all(|read| read.secret != secret.name)
        })
}

fn save(secret: &ObjectRef) -> String {
    let words = ["get", "secret", &secret.name, "-o", "yaml"];
    let get = Kubectl::new(&secret.namespace, words);
    format!("{get} > {}", shell::quote(&format!("{}.yaml", secret.name)))
}

fn fixes(secret: &ObjectRef, old: &Object) -> Vec<Fix> {
    let mut fixes = vec![Fix::new(
        "Save it first; whoever has the file has the passwords:",
        [Command::Shell(save(secret))],
    )];
    if let Some(uid) = old.at("/metadata/uid").and_then(Value::as_str) {
        let allow = Objects::one(secret).annotate(&[(ALLOW_DELETION, uid)]);
        fixes.push(Fix::new("and say that it may go:", [allow]));
    }
    fixes
}

/// Whether this rule may protect a Secret; decides before anything is read from the cluster.
pub fn may_be_needed(secret: &Object) -> bool {
    secret_data(secret)
        .into_keys()
        .any(|key| database_of::held(secret, key).is_some())
}

/// The release that a Secret is of: its own label tells, or that of a live StatefulSet that reads it.
pub fn release_of<'a>(facts: &'a Facts, secret: &'a Object) -> Option<&'a str> {
    release_label(secret).or_else(|| {
        let reader = facts
            .of_kind(Kind::StatefulSet)
            .filter(|set| set.namespace() == secret.namespace())
            .find(|set| {
                let refs = secret_refs(set);
                refs.iter().any(|read| read.secret == secret.name())
            })?;
        release_label(reader)
    })
}
