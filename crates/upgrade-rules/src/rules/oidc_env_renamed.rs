//! `oidc-env-renamed`: variables that a user set would not be read any more.
//!
//! 9 speaks OpenID Connect with any provider, and its applications read other variables than those of Keycloak's
//! configuration and of Web Modeler before. What a user sets under an old name stops having an effect in silence.
//!
//! Since chart 9.0.0. Documented: "v9.0.0, Identity".

use serde_json::Value;

use super::{Judge, Rule};

use crate::{
    camunda::{Line, RenamedVariable},
    change::{Change, Facts},
    finding::{Action, Command, Finding, Fix, RuleId, guide},
    helm::values::Values,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::OidcEnvRenamed,
    summary: "9 no longer reads variables that your values set",
    guide: guide::V9_0_0_IDENTITY,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/oidc-env-renamed.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    let entered = change.lines_entered().iter();
    entered.flat_map(|line| finding(change, line)).collect()
}

fn finding(change: &Change, line: &Line) -> Option<Finding> {
    let lines: Vec<_> = line
        .renamed_variables
        .iter()
        .filter(|renamed| is_set(&change.values, renamed))
        .map(|renamed| match &renamed.to {
            Some(to) => format!("{}: {} is now {to}", renamed.values, renamed.from),
            None => format!("{}: {} is gone", renamed.values, renamed.from),
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let why = format!(
        "Your values set them and nothing reads them any more: {}.",
        lines.join("; ")
    );
    let edit = lines.into_iter().map(Command::Manual);
    Some(Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: format!("Environment variables have other names in {}", line.line),
        objects: Vec::new(),
        why: vec![why],
        fixes: vec![Fix::new("Rename them in your values:", edit)],
        guide: RULE.guide,
    })
}

/// Whether a variable is set only under its old name, for an application that is not switched off.
fn is_set(values: &Values, renamed: &RenamedVariable) -> bool {
    let component = renamed.values.split('.').next().unwrap_or_default();
    if values.flag(&format!("{component}.enabled")) == Some(false) {
        return false;
    }
    let has = |name: &str| {
        let list = values.get(&renamed.values).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .any(|variable| variable.get("name").and_then(Value::as_str) == Some(name))
    };
    has(&renamed.from) && !renamed.to.as_deref().is_some_and(has)
}
