//! `authentication-not-explicit`: nobody said how clients of 13 are to log in, so the chart's default decides.
//!
//! Zeebe asked for nothing in 12 where Identity was off; basic authentication was Operate's and Tasklist's alone. In 13
//! it is the whole Orchestration Cluster's by default, and workers without a user's credentials are refused.
//!
//! Since chart 13. Documented: "1.3.1 Basic auth".

use super::{
    Judge, Rule,
    authentication_changed::{self},
    heard::Heard,
    wanted,
};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, Side},
    finding::{Action, Command, Finding, Fix, RuleId, guide},
    fixes::flag,
    knowledge::{
        authentication::{METHODS, Method},
        configuration::Configuration,
    },
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::AuthenticationNotExplicit,
    summary: "clients of Zeebe would have to log in because the values do not say how",
    guide: guide::BASIC,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/authentication-not-explicit.md"),
    needs: &[wanted::configuration],
    judge: Judge::Beside {
        others: &[RuleId::AuthenticationChanged],
        judge,
    },
};

const OPEN: &str = "orchestration.security.authentication.unprotectedApi";

/// Yields to the rule that reports a change of the logins.
fn judge(change: &Change, facts: &Facts, heard: &Heard<'_>) -> Vec<Finding> {
    let named = METHODS
        .into_iter()
        .chain([OPEN, "global.identity.auth.enabled"])
        .any(|key| change.values.get(key).is_some_and(|value| value != ""));
    let changes = heard.by(authentication_changed::RULE.id);
    if !change.gets(Feature::OrchestrationCluster) || named || changes {
        return Vec::new();
    }
    let running = change.application(Application::ZEEBE, Side::Running);
    let planned = change.application(Application::ZEEBE, Side::Planned);
    let (Some(_), Some(planned)) = (running, planned) else {
        return Vec::new();
    };
    let configuration = Configuration::of(change, facts, planned, Side::Planned);
    let open = configuration.flag("camunda.security.authentication.unprotectedApi");
    if open == Some(true) || Method::after(change, facts) != Some(Method::Basic) {
        return Vec::new();
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: "Clients of Zeebe would have to log in, which your values do not say".to_owned(),
        objects: vec![planned.object.clone()],
        why: vec![
            "Zeebe asked for nothing in 12. Your values name no authentication for 13, so its default counts: basic, for all of the Orchestration Cluster.".to_owned(),
            "Workers and clients without a user's name and password would be refused.".to_owned(),
            format!(
                "Set {} to basic and give them a user, or {} to true to leave the API open.",
                change.values.key_in_file(METHODS[0]),
                change.values.key_in_file(OPEN)
            ),
        ],
        fixes: vec![
            Fix::new(
                "Say that it is meant, and give every client a user's name and password:",
                vec![flag::set(change, METHODS[0], "basic")],
            ),
            Fix::alternative(
                "Or leave the API open, as it was:",
                [Command::from(flag::set(change, OPEN, "true")).decide()],
            ),
        ],
        guide: RULE.guide,
    }]
}
