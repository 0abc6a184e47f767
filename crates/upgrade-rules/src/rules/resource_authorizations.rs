//! `resource-authorizations`: the migration of identities would grant more than before.
//!
//! Where 12 checked authorizations for single processes and decisions, the Job carries them over only if it is told so.
//! Else it grants the roles of Operate and Tasklist everything.
//!
//! Since chart 13. Documented: "Resource authorizations".

use super::{Judge, Rule, wanted};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    fixes::flag,
    knowledge::{
        authorizations::{ENABLED, users},
        configuration::Configuration,
    },
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ResourceAuthorizations,
    summary: "the migration of identities would grant more than before",
    guide: guide::RESOURCE_AUTHORIZATIONS,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/resource-authorizations.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

const JOB: &str = "camunda.migration.identity.resource-authorizations-enabled";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let job = change.application(Application::IDENTITY_MIGRATION, Side::Planned);
    let (Some(job), true) = (job, change.gets(Feature::OrchestrationCluster)) else {
        return Vec::new();
    };
    if Configuration::of(change, facts, job, Side::Planned).flag(JOB) == Some(true) {
        return Vec::new();
    }
    let users = users(change, facts);
    if users.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "The migration of identities would grant more than before".to_owned(),
        objects: vec![job.object.clone()],
        why: vec![
            format!(
                "Resource authorizations are on in 12 ({}).",
                users.join(", ")
            ),
            format!(
                "{} is not told to carry them over: users with rights to some processes and decisions would get them to all.",
                job.object
            ),
        ],
        fixes: vec![Fix::new(
            "Carry them over; add to your helm upgrade:",
            vec![flag::set(change, ENABLED, "true")],
        )],
        guide: RULE.guide,
    }]
}
