//! `keycloak-major-upgrade`: Keycloak migrates its database to a new major version.
//!
//! It does so when it first starts and there is no way back without a backup. Charts 8.2.0, 8.3.0, 10.0.0, 11.0.0
//! and 12.0.0 bring a new major.
//!
//! Any line. Documented: "v8.3.0", Keycloak.

use super::{Judge, Rule};

use crate::{
    camunda::{Component, program_version},
    change::{Change, Facts, ObjectChange},
    finding::{Action, Command, Finding, Fix, Moment, RuleId, guide},
    fixes::dump,
    kubernetes::{Kind, Object},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::KeycloakMajorUpgrade,
    summary: "Keycloak would migrate its database to a new major version",
    guide: guide::KEYCLOAK_8_3,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/keycloak-major-upgrade.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && set.component == Component::Keycloak)
        .filter_map(|set| finding(change, facts, set))
        .collect()
}

fn finding(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let (from, to) = (major(before(facts, set)?)?, major(set.planned.as_deref()?)?);
    if to <= from {
        return None;
    }
    let mut why = vec![format!(
        "Keycloak {to} migrates its database when it first starts; only a backup leads back to {from}."
    )];
    let fixes = match command(change, facts, &set.object.namespace) {
        Some(dump) => {
            let back_up = Fix::new("Back up Keycloak's database:", [dump]);
            vec![back_up.at(Moment::BackUp)]
        }
        None => {
            why.push("Back up its database, which is outside of the release.".to_owned());
            Vec::new()
        }
    };
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!("Keycloak goes from {from} to {to}"),
        objects: vec![set.object.clone()],
        why,
        fixes,
        guide: RULE.guide,
    })
}

fn before<'a>(facts: &'a Facts, set: &'a ObjectChange) -> Option<&'a Object> {
    let running = set.running.as_deref()?;
    Some(facts.get(&set.object).unwrap_or(running))
}

fn major(keycloak: &Object) -> Option<u64> {
    program_version(keycloak, "keycloak").map(|version| version.major)
}

fn command(change: &Change, facts: &Facts, namespace: &str) -> Option<Command> {
    let database = change.of_kind(Kind::StatefulSet).find(|set| {
        set.camunda
            && set.component == Component::KeycloakPostgresql
            && before(facts, set).is_some()
    })?;
    let from = change
        .from
        .as_ref()
        .map_or("", |from| from.version.as_str());
    let file = format!("{}-{from}.sql", database.object.name);
    Some(dump::once(namespace, &database.object.name, &file))
}
