//! `reinstall-over-old-claims`: a new installation would make up passwords for databases whose data is still there.
//!
//! `helm uninstall` leaves claims behind and deletes the Secrets. The next install makes up new passwords and mounts the
//! old data, which knows only the old ones: PostgreSQL refuses every login.
//!
//! On every line. Documented: "Secrets extraction" ("even after reinstallation").

use std::collections::BTreeMap;

use super::{Judge, Rule, at};
use crate::{
    camunda::{self, Component, Held, Supply},
    change::{Change, Facts, Gate, ObjectChange, Operation, secret_data},
    finding::{Action, Command, Finding, Fix, Kubectl, RuleId, guide},
    fixes::give_up,
    knowledge::credentials::{database_of, readers::secret_refs, values::is_produced},
    kubernetes::{Kind, Mounts, Object, ObjectRef},
    matching,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ReinstallOverOldClaims,
    summary: "an installation would make up passwords for data that is still there",
    guide: guide::SECRETS_EXTRACTION,
    release: &[Action::Deny, Action::Warn],
    object: at(&[Action::Warn], &[&matching::SECRETS]),
    page: include_str!("../../../../docs/rules/reinstall-over-old-claims.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    match (change.gate, change.operation) {
        (Gate::Release, Operation::Install) => installed(change, facts),
        (Gate::Object, Operation::Create) => change
            .of_kind(Kind::Secret)
            .filter_map(|secret| created(change, facts, secret))
            .collect(),
        _ => Vec::new(),
    }
}

/// A Secret whose passwords are made up or given, and the claim whose data knows the old ones.
struct New<'a> {
    claim: &'a Object,
    /// The values that would give the old passwords to the chart; none where the Secret is not the chart's.
    values: Vec<String>,
    given: bool,
}

fn installed(change: &Change, facts: &Facts) -> Vec<Finding> {
    let mut new: BTreeMap<ObjectRef, New<'_>> = BTreeMap::new();
    for set in change.of_kind(Kind::StatefulSet).filter(|set| set.camunda) {
        let (Some(planned), Some(claim)) = (set.planned.as_deref(), old_claim(change, facts, set))
        else {
            continue;
        };
        for read in secret_refs(planned) {
            let secret = ObjectRef::new(Kind::Secret, &set.object.namespace, &read.secret);
            if read.optional || facts.get(&secret).is_some() || facts.unread(&secret) {
                continue;
            }
            if let Some(found) = new_secret(change, &secret, claim) {
                new.insert(secret, found);
            }
        }
    }
    let (given, made_up): (BTreeMap<_, _>, BTreeMap<_, _>) =
        new.into_iter().partition(|(_, new)| new.given);
    let deny = (!made_up.is_empty()).then(|| finding(Action::Deny, &made_up));
    let warn = (!given.is_empty()).then(|| finding(Action::Warn, &given));
    deny.into_iter().chain(warn).collect()
}

/// A Bound claim from before, of a database or of Keycloak's.
fn old_claim<'a>(change: &Change, facts: &'a Facts, set: &ObjectChange) -> Option<&'a Object> {
    let of = |set: &ObjectChange| {
        let mounts = Mounts::of(set.planned.as_deref()?);
        mounts.holding(facts, &set.object.namespace).next()
    };
    match set.component {
        Component::KeycloakPostgresql
        | Component::WebModelerPostgresql
        | Component::IdentityPostgresql => of(set),
        Component::Keycloak => change
            .of_kind(Kind::StatefulSet)
            .filter(|other| other.camunda && other.component == Component::KeycloakPostgresql)
            .filter(|other| other.object.namespace == set.object.namespace)
            .find_map(of),
        _ => None,
    }
}

/// Returns `None` if the Secret holds no credential.
fn new_secret<'a>(change: &Change, secret: &ObjectRef, claim: &'a Object) -> Option<New<'a>> {
    let rendered = change
        .of_kind(Kind::Secret)
        .find(|other| other.object == *secret)
        .and_then(|other| Some((other, other.planned.as_deref()?)));
    let Some((other, planned)) = rendered else {
        return Some(New {
            claim,
            values: Vec::new(),
            given: is_produced(change, &secret.namespace, &secret.name),
        });
    };
    let line = change.target_line();
    let credentials: Vec<_> = secret_data(planned)
        .into_keys()
        .filter_map(|key| camunda::credential(planned, key, other.charts.as_deref(), line))
        .filter(|credential| credential.held != Held::Client)
        .map(|credential| credential.supply)
        .collect();
    let values = credentials.iter().filter_map(|supply| match supply {
        Supply::Value(value) => Some(value.clone()),
        Supply::WithoutGeneration => None,
    });
    let values: Vec<_> = values.collect();
    // Under an umbrella chart the first part is Camunda's name there.
    let is_set = |value: &String| {
        let below = value.split_once('.').map_or("", |(_, below)| below);
        change
            .values
            .get(value)
            .or_else(|| change.values.get(below))
            .is_some()
    };
    (!credentials.is_empty()).then(|| New {
        claim,
        given: values.len() == credentials.len() && values.iter().all(is_set),
        values,
    })
}

fn finding(action: Action, new: &BTreeMap<ObjectRef, New<'_>>) -> Finding {
    let title = match action {
        Action::Deny => "The data of an earlier installation knows other passwords",
        _ => "The data of an earlier installation may know other passwords",
    };
    let mut why = vec![match action {
        Action::Deny => "These Secrets are not on the cluster; new passwords would not open the data from before:",
        _ => "Whether the passwords that you give are those from before can't be seen:",
    }
    .to_owned()];
    why.extend(new.iter().map(|(secret, new)| {
        let claim = new.claim.name();
        format!("  {} for the data in claim {claim}", secret.name)
    }));
    Finding {
        rule: RULE.id,
        action,
        title: title.to_owned(),
        objects: new.keys().cloned().collect(),
        why,
        fixes: fixes(new),
        guide: RULE.guide,
    }
}

fn fixes(new: &BTreeMap<ObjectRef, New<'_>>) -> Vec<Fix> {
    let restore = new.keys().map(|secret| {
        let file = format!("{}.yaml", secret.name);
        Command::from(Kubectl::new(&secret.namespace, ["apply", "-f", &file])).decide()
    });
    let give = new.values().flat_map(|new| &new.values);
    let give: Vec<_> = give
        .map(|value| Command::Manual(format!("{value}: its old password")))
        .collect();
    let mut fixes = vec![Fix::new("Restore the Secrets from your backup:", restore)];
    if !give.is_empty() {
        fixes.push(Fix::alternative(
            "or, where you know the passwords, set them in a values file that only you can read:",
            give,
        ));
    }
    let mut claims: Vec<_> = new.values().map(|new| new.claim).collect();
    claims.dedup_by_key(|claim| claim.name());
    fixes.extend(give_up::deleted(&claims));
    fixes
}

/// A Secret on its own: restoring it is the cure, so this only warns.
fn created(change: &Change, facts: &Facts, secret: &ObjectChange) -> Option<Finding> {
    let planned = secret.planned.as_deref()?;
    let namespace = &secret.object.namespace;
    let claim = secret_data(planned).into_keys().find_map(|key| {
        let (held, database) = database_of::held(planned, key)?;
        // Where the database runs this is no new installation.
        let runs = database_of::sets(facts, namespace, database)
            .next()
            .is_some();
        let claim = database_of::claim(facts, namespace, &change.release, database)?;
        (held != Held::Client && !runs).then_some(claim)
    })?;
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!(
            "Secret {} must hold the passwords that the data in claim {} knows",
            secret.object.name,
            claim.name()
        ),
        objects: vec![secret.object.clone()],
        why: vec![
            "The claim is from an earlier installation; with new passwords every login fails."
                .to_owned(),
        ],
        fixes: Vec::new(),
        guide: RULE.guide,
    })
}
