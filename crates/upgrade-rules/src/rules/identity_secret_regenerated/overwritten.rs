//! A key of a Secret of the user's own, which a live database or Keycloak reads.
//!
//! Rotation is its owner's business. But nobody rotates a password to that of another account: that is a command which
//! wrote one password over another.

use std::collections::BTreeSet;

use super::RULE;
use crate::{
    change::{Change, Facts, Gate, ObjectChange, Operation, after, secret_data},
    finding::{Action, Command, Finding, Fix, Reference},
    knowledge::credentials::{
        database_of,
        password_roles::{LiveRead, live_reads},
    },
    kubernetes::{Kind, Object},
};

pub(super) fn find(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.gate != Gate::Object || change.operation != Operation::Update {
        return Vec::new();
    }
    change
        .of_kind(Kind::Secret)
        .filter_map(|secret| overwritten(change, facts, secret))
        .collect()
}

fn overwritten(change: &Change, facts: &Facts, secret: &ObjectChange) -> Option<Finding> {
    let live = facts.get(&secret.object)?;
    if live.has_controller() {
        return None;
    }
    let after = after(secret, change.gate, Some(live))?;
    let (old, new) = (secret_data(live), secret_data(&after));
    let namespace = secret.object.namespace.as_str();
    let reads = live_reads(facts, namespace);
    let mut keys = Vec::new();
    for read in reads
        .iter()
        .filter(|read| read.secret == secret.object.name)
    {
        let (Some(before), Some(value)) = (old.get(&*read.key), new.get(&*read.key)) else {
            continue;
        };
        if before.is_empty() || before == value {
            continue;
        }
        if let Some(claim) =
            database_of::claim(facts, namespace, &change.release, read.account.database)
        {
            keys.push((read, claim, another(facts, &reads, read, value)));
        }
    }
    let (_, claim, _) = keys.first()?;
    let is_mixed_up = keys.iter().any(|(_, _, another)| another.is_some());
    let mut why = vec![format!(
        "The data in claim {} knows the old one, until somebody changes it there, too:",
        claim.name()
    )];
    let lines: BTreeSet<_> = keys
        .iter()
        .map(|(read, _, another)| told(read, *another))
        .collect();
    why.extend(lines);
    Some(Finding {
        rule: RULE.id,
        action: match is_mixed_up {
            true => Action::Deny,
            false => Action::Warn,
        },
        title: match is_mixed_up {
            true => "A password would be written over that of another account".to_owned(),
            false => "A database's password would change in its Secret alone".to_owned(),
        },
        objects: vec![secret.object.clone()],
        why,
        fixes: match is_mixed_up {
            true => vec![write_elsewhere()],
            false => Vec::new(),
        },
        guide: Reference::Nowhere(
            "Camunda's guides speak only of passwords that a chart makes anew",
        ),
    })
}

/// Returns another account whose password is the new value, unless this account has it elsewhere, too.
fn another<'a>(
    facts: &'a Facts,
    reads: &'a [LiveRead<'a>],
    of: &LiveRead<'_>,
    value: &[u8],
) -> Option<&'a LiveRead<'a>> {
    let holds = |read: &&LiveRead<'_>| {
        let is_itself = read.secret == of.secret && read.key == of.key;
        let namespace = of.workload.namespace().unwrap_or_default();
        let secret = facts.named(Kind::Secret, namespace, &read.secret);
        let held = secret.map(secret_data).unwrap_or_default();
        !is_itself && held.get(&*read.key).is_some_and(|held| held == value)
    };
    let holding: Vec<_> = reads.iter().filter(holds).collect();
    let is_same = holding.iter().any(|read| read.account == of.account);
    holding.into_iter().next().filter(|_| !is_same)
}

fn write_elsewhere() -> Fix {
    Fix::new(
        "Leave what is there, and write the value to a key of its own:",
        vec![Command::Manual(
            "another key, or another Secret, which you name in the values of what is to read it"
                .to_owned(),
        )],
    )
}

fn told(read: &LiveRead<'_>, another: Option<&LiveRead<'_>>) -> String {
    let name = Object::name(read.workload);
    let text = format!(
        "  {} ({}), which StatefulSet {name} reads as {}",
        read.secret, read.key, read.variable
    );
    match another {
        Some(other) => format!(
            "{text}, would hold what Secret {} ({}) holds, the {} of StatefulSet {}",
            other.secret,
            other.key,
            other.variable,
            other.workload.name()
        ),
        None => text,
    }
}
