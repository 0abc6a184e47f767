//! `ldap-unsupported`: users log in by LDAP, which 13 does not know.
//!
//! Operate and Tasklist could ask an LDAP server themselves up to 12. The Orchestration Cluster can't, and there is no
//! way to migrate. An LDAP server behind Keycloak is Keycloak's business and stays.
//!
//! Since chart 13. Documented: "1.3.4 LDAP".

use super::{Judge, Rule, wanted};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, ObjectChange, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    knowledge::{authentication::has, configuration::Configuration},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::LdapUnsupported,
    summary: "users log in by LDAP, which 13 does not know",
    guide: guide::LDAP,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/ldap-unsupported.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if !change.gets(Feature::OrchestrationCluster) {
        return Vec::new();
    }
    let users: Vec<_> = [
        (Application::OPERATE, "camunda.operate.ldap"),
        (Application::TASKLIST, "camunda.tasklist.ldap"),
    ]
    .into_iter()
    .filter_map(|(application, settings)| {
        let workload = change.application(application, Side::Running)?;
        asks(change, facts, workload, settings).then_some((application, workload))
    })
    .collect();
    if users.is_empty() {
        return Vec::new();
    }
    let mut why = vec!["These ask an LDAP server who may log in:".to_owned()];
    why.extend(
        users.iter().map(|(application, workload)| {
            format!("  {} ({})", application.name(), workload.object)
        }),
    );
    why.push(
        "The Orchestration Cluster of 13 can't, and nothing migrates these logins: nobody could log in."
            .to_owned(),
    );
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Users log in by LDAP, which 13 does not know".to_owned(),
        objects: users
            .iter()
            .map(|(_, workload)| workload.object.clone())
            .collect(),
        why,
        fixes: vec![Fix::say(
            "There is no migration path: stay on 12 and contact Camunda Consulting. Logging in by Identity is a change to make on 12, in an upgrade of its own.",
        )],
        guide: RULE.guide,
    }]
}

/// The profile decides; settings without it do nothing.
fn asks(change: &Change, facts: &Facts, workload: &ObjectChange, settings: &str) -> bool {
    let configuration = Configuration::of(change, facts, workload, Side::Running);
    match configuration.get("spring.profiles.active") {
        Some(profiles) => has(profiles, "ldap-auth"),
        None => configuration.sets_below(settings),
    }
}
