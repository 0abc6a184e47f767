//! `identity-secret-regenerated`: a generated credential would get a value that its database does not know.
//!
//! The charts make credentials up where they are not told them and cannot look them up: `helm template` and
//! Argo CD never can, charts up to 8.3.2 quote the name they look up. The old values live on in the volumes of
//! Keycloak's and Web Modeler's PostgreSQL, so every login fails after such an upgrade.
//!
//! Since chart 8.0. Documented: "Upgrading where Identity enabled, Secrets extraction" and, for 12 to 13,
//! "Extract secrets".

mod applied;
mod overwritten;

use std::collections::BTreeSet;

use super::{Judge, Rule, at};

use crate::{
    camunda::{self, Credential, Held, Supply},
    change::{Change, Facts, Gate, ObjectChange, Operation, after, secret_data},
    finding::{Action, Finding, Fix, Flag, RuleId, guide},
    fixes::supply::{OldKey, Read, fresh, shells, supply},
    kubernetes::{Kind, Object, ObjectRef},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::IdentitySecretRegenerated,
    summary: "a generated credential would get a new value",
    guide: guide::SECRETS_EXTRACTION,
    release: &[Action::Deny],
    object: at(&[Action::Deny, Action::Warn], &[&matching::SECRETS]),
    page: include_str!("../../../../docs/rules/identity-secret-regenerated.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// A key whose value would change.
struct Regenerated<'a> {
    secret: &'a ObjectRef,
    credential: Credential,
    old: Vec<u8>,
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let found: Vec<_> = change
        .of_kind(Kind::Secret)
        .filter(|secret| secret.camunda)
        .flat_map(|secret| regenerated(change, facts, secret))
        .collect();
    if found.is_empty() {
        return overwritten::find(change, facts);
    }
    let logs_in = found.iter().all(|key| key.credential.held == Held::Client);
    let action = match change.gate {
        // A refused object can leave an upgrade half applied; a client's secret can be set right afterwards.
        Gate::Object if logs_in => Action::Warn,
        _ => Action::Deny,
    };
    let title = match found.len() {
        1 => "A credential would get a new value".to_owned(),
        count => format!("{count} credentials would get new values"),
    };
    vec![Finding {
        rule: RULE.id,
        action,
        title,
        objects: objects(&found),
        why: why(change, facts, &found),
        fixes: fixes(change, facts, &found),
        guide: RULE.guide,
    }]
}

fn regenerated<'a>(
    change: &Change,
    facts: &Facts,
    secret: &'a ObjectChange,
) -> Vec<Regenerated<'a>> {
    let Some(live) = facts.get(&secret.object) else {
        return Vec::new();
    };
    // Rotation is the business of whoever owns the Secret: External Secrets, Sealed Secrets, ….
    if live.has_controller() {
        return Vec::new();
    }
    let Some(after) = after(secret, change.gate, Some(live)) else {
        return Vec::new();
    };
    let (old, new) = (secret_data(live), secret_data(&after));
    let line = change
        .target_line()
        .or_else(|| applied::line(facts, &change.namespace, &change.release));
    old.into_iter()
        .filter(|(key, old)| !old.is_empty() && new.get(key) != Some(old))
        // A key that the new chart no longer has is not a new value; whether it is missed is another rule's.
        .filter(|(key, _)| new.contains_key(key))
        .filter_map(|(key, old)| {
            let credential = camunda::credential(&after, key, secret.charts.as_deref(), line)?;
            Some(Regenerated {
                secret: &secret.object,
                credential,
                old,
            })
        })
        .collect()
}

fn objects(found: &[Regenerated<'_>]) -> Vec<ObjectRef> {
    let unique: BTreeSet<_> = found.iter().map(|key| key.secret.clone()).collect();
    unique.into_iter().collect()
}

fn why(change: &Change, facts: &Facts, found: &[Regenerated<'_>]) -> Vec<String> {
    let namespace = found
        .first()
        .map_or("", |key| key.secret.namespace.as_str());
    let claims: Vec<_> = facts
        .claims(namespace)
        .filter(|claim| is_database_claim(claim, &change.release))
        .map(Object::name)
        .collect();
    let keeps = if claims.is_empty() {
        "Keycloak and its database keep the old ones; every login would fail.".to_owned()
    } else {
        format!(
            "The old ones live on in {}; every login would fail.",
            claims.join(", ")
        )
    };
    let mut why = vec![keeps];
    why.extend(
        found
            .iter()
            .map(|key| format!("  {} ({})", key.secret.name, key.credential.key)),
    );
    why
}

fn is_database_claim(claim: &Object, release: &str) -> bool {
    camunda::release_label(claim) == Some(release)
        && claim
            .label("app.kubernetes.io/name")
            .is_some_and(|name| name.starts_with("postgresql"))
}

/// Returns the commands and flags that give the chart the old values, which it would otherwise generate.
fn given(found: &[Regenerated<'_>]) -> (Vec<Read>, Vec<Flag>) {
    let mut reads = Vec::new();
    let mut flags = Vec::new();
    for key in found {
        match &key.credential.supply {
            Supply::WithoutGeneration => {
                flags.push(Flag::set("global.secrets.autoGenerated", "false"));
            }
            Supply::Value(value) => {
                let old = OldKey {
                    namespace: &key.secret.namespace,
                    secret: &key.secret.name,
                    key: &key.credential.key,
                    value: &key.old,
                };
                let (read, flag) = supply(value, &key.credential, old);
                reads.push(read);
                flags.push(flag);
            }
        }
    }
    flags.dedup();
    (reads, flags)
}

/// Whether an update of a Secret that no chart names may change a value that a database or Keycloak reads; decides before
/// anything is read from the cluster.
pub fn may_be_overwritten(old: &Object, new: &Object) -> bool {
    let (before, after) = (secret_data(old), secret_data(new));
    let changed = |(key, value): (&&str, &Vec<u8>)| {
        !value.is_empty() && after.get(*key).is_some_and(|now| now != value)
    };
    !old.has_controller() && before.iter().any(changed)
}

/// Returns everything that an upgrade must be given to keep all credentials, including those that are new in the target chart.
pub(crate) fn credential_flags(change: &Change, facts: &Facts) -> (Vec<Read>, Vec<Flag>) {
    let secrets = change.of_kind(Kind::Secret).filter(|secret| secret.camunda);
    let found: Vec<_> = secrets
        .flat_map(|secret| regenerated(change, facts, secret))
        .collect();
    let (mut reads, mut flags) = given(&found);
    let (fresh, given) = new(change, facts);
    reads.extend(fresh);
    flags.extend(given);
    (reads, flags)
}

fn fixes(change: &Change, facts: &Facts, found: &[Regenerated<'_>]) -> Vec<Fix> {
    if change.gate == Gate::Object {
        return applied::fixes(found);
    }
    let (mut reads, mut flags) = given(found);
    let (fresh, demanded) = demanded(change, facts);
    let (read, because) = match demanded.is_empty() {
        true => ("Read the old values:", ""),
        false => (
            "Read the old values, and make up those that are new:",
            " (the last because the new chart wants a value even where its component is off)",
        ),
    };
    reads.extend(fresh);
    let mut keep = Vec::new();
    if !reads.is_empty() {
        keep.push(Fix::new(read, reads.iter().map(Read::export)));
    }
    flags.extend(demanded);
    let add = if keep.is_empty() {
        "Keep them: add"
    } else {
        "and add"
    };
    let verb = if change.operation == Operation::Install {
        "install"
    } else {
        "upgrade"
    };
    let shells = shells(&flags);
    keep.push(Fix::new(
        format!("{add} to your helm {verb}{shells}{because}:"),
        flags,
    ));
    keep
}

/// The flags without which the new chart fails, as it makes nothing up.
pub(crate) fn demanded_flags(change: &Change, facts: &Facts) -> Vec<Flag> {
    demanded(change, facts).1
}

/// Keys that are new in the target and that a chart up to 8.3.2 refuses to make up on an upgrade.
fn demanded(change: &Change, facts: &Facts) -> (Vec<Read>, Vec<Flag>) {
    let demands = change.operation == Operation::Upgrade
        && change
            .to
            .as_ref()
            .is_some_and(|to| to.line.is_some() && !camunda::looks_up(&to.version));
    match demands {
        true => new(change, facts),
        false => Default::default(),
    }
}

/// Clients that no line before had; nothing knows their secrets yet.
fn new(change: &Change, facts: &Facts) -> (Vec<Read>, Vec<Flag>) {
    change
        .of_kind(Kind::Secret)
        .filter(|secret| secret.camunda && facts.get(&secret.object).is_none())
        .filter_map(|secret| {
            let planned = secret.planned.as_deref()?;
            let charts = secret.charts.as_deref();
            secret_data(planned).keys().find_map(|key| {
                match camunda::credential(planned, key, charts, change.target_line())? {
                    credential if credential.held == Held::Client => match &credential.supply {
                        Supply::Value(value) => Some(fresh(value, &credential)),
                        Supply::WithoutGeneration => None,
                    },
                    _ => None,
                }
            })
        })
        .unzip()
}
