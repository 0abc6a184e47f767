//! `credentials-secret-incomplete`: pods would wait for a Secret, or a key of one, that nobody has made.
//!
//! 13 reads all passwords from `camunda-credentials`, which the user makes, under keys of its own. Without it the pods
//! never start, and a Secret made up on the spot has passwords that the databases do not know: the old ones have to be
//! carried over.
//!
//! Since chart 13; any line where `existingSecret` is set. In no guide.

use super::{Judge, Rule, heard::Heard, wanted};
use crate::{
    change::{Change, Facts, Operation},
    finding::{Action, Command, Finding, Fix, RuleId, guide},
    fixes::{
        carry_over::{self},
        conversion,
        missing_secrets::{Contents, Missing, missing},
    },
    knowledge::credentials::values::{self},
    kubernetes::{Kind, ObjectRef},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::CredentialsSecretIncomplete,
    summary: "pods would wait for a Secret or a key that is not there",
    guide: guide::MISSING_SECRETS,
    release: &[Action::Deny, Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/credentials-secret-incomplete.md"),
    needs: &[wanted::secrets],
    judge: Judge::Beside {
        others: &[RuleId::ConnectorsSecretMissing],
        judge,
    },
};

/// A Secret that another rule has made is not missing twice.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    // On a first install there is nothing to carry over, and its pods start once somebody makes the Secret.
    if change.operation == Operation::Install {
        return Vec::new();
    }
    let (produced, missing): (Missing<'_>, Missing<'_>) = missing(change, facts)
        .into_iter()
        .filter(|(secret, _)| !heard.names(secret))
        .partition(|(secret, _)| values::is_produced(change, &secret.namespace, &secret.name));
    let fixes = fixes(change, facts, missing.clone());
    [
        finding(Action::Deny, &missing, fixes),
        finding(Action::Warn, &produced, Vec::new()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn finding(action: Action, missing: &Missing<'_>, fixes: Vec<Fix>) -> Option<Finding> {
    let first = missing.keys().next()?;
    let names: Vec<_> = missing.keys().map(|secret| secret.name.as_str()).collect();
    let (title, fixes) = match action {
        Action::Deny => (
            format!("Pods would wait for what is not in {}", names.join(", ")),
            fixes,
        ),
        _ => (
            format!("Pods wait until {} is made", names.join(", ")),
            Vec::new(),
        ),
    };
    let mut why = vec![format!(
        "The new manifest reads these in namespace {}, and neither the cluster nor the manifest has them:",
        first.namespace
    )];
    for (secret, keys) in missing {
        why.extend(keys.iter().map(|(key, reader)| match key {
            Some(key) => format!("  {} ({key}) for {reader}", secret.name),
            None => format!("  {} for {reader}", secret.name),
        }));
    }
    if action == Action::Warn {
        why.push(
            "Another object of the manifest has them made; see that it holds the old values."
                .to_owned(),
        );
    }
    Some(Finding {
        rule: RULE.id,
        action,
        title,
        objects: missing.keys().cloned().collect(),
        why,
        fixes,
        guide: RULE.guide,
    })
}

fn fixes(change: &Change, facts: &Facts, mut missing: Missing<'_>) -> Vec<Fix> {
    let mut fixes = Vec::new();
    // What else the values of the new line read from the same Secret is made with it.
    if let Some(line) = conversion::entered(change)
        && let Some(name) = line.secret_of_users()
    {
        let secret = ObjectRef::new(Kind::Secret, &change.namespace, name);
        if missing.remove(&secret).is_some() {
            fixes.extend(conversion::secret(change, facts));
        }
    }
    if missing.is_empty() {
        return fixes;
    }
    let contents = Contents::of(change, facts);
    for (secret, keys) in &missing {
        let known: Vec<_> = keys
            .keys()
            .flatten()
            .map(|key| (key.clone(), contents.content(secret, key)))
            .collect();
        match keys.get(&None).filter(|_| known.is_empty()) {
            Some(reader) => fixes.push(Fix::new(
                format!("Make Secret {}:", secret.name),
                vec![Command::Manual(format!(
                    "{reader} reads all of its keys; only you know which these are."
                ))],
            )),
            None => fixes.extend(carry_over::fill(
                facts,
                &secret.namespace,
                &secret.name,
                &known,
            )),
        }
    }
    fixes
}
