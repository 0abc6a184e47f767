//! `console-role`: nobody may open Console when it first comes.
//!
//! The default user does not get Console's role by itself, and sees "401 jwt audience invalid" instead.
//!
//! Chart 9.3.0. Documented: "v9.3.0".

use super::{Judge, Rule};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, Operation},
    finding::{Action, Finding, RuleId, guide},
    kubernetes::{Kind, Object},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ConsoleRole,
    summary: "Console comes for the first time, and nobody has its role",
    guide: guide::CONSOLE,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/console-role.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let to = change.to.as_ref().and_then(|to| to.parsed.as_ref());
    if change.operation != Operation::Upgrade
        || change.from.is_none()
        || to.is_none_or(|to| !Feature::ConsoleRole.is_in(to))
    {
        return Vec::new();
    }
    let is_console =
        |object: Option<&Object>| object.and_then(Application::of) == Some(Application::CONSOLE);
    let consoles = || {
        change
            .of_kind(Kind::Deployment)
            .filter(|object| object.camunda)
    };
    let before = consoles().any(|object| {
        is_console(object.running.as_deref()) || is_console(facts.get(&object.object))
    });
    let new = consoles().find(|object| is_console(object.planned.as_deref()));
    let Some(new) = new.filter(|_| !before) else {
        return Vec::new();
    };
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: "Console comes for the first time, and nobody has its role".to_owned(),
        objects: vec![new.object.clone()],
        why: vec![
            "Whoever opens it sees \"401 jwt audience invalid\" until the role is given: log in to Identity, click Users, select the user, click Assigned roles, select Console, click Add."
                .to_owned(),
        ],
        fixes: Vec::new(),
        guide: RULE.guide,
    }]
}
