//! `gateway-authentication-enabled`: clients of the Zeebe Gateway have to authenticate from now on.
//!
//! Since chart 8.2.3 it asks for a token of Identity's by default. Workers and clients that have no credentials are
//! refused as soon as its pods are replaced.
//!
//! Chart 8.2.3. Documented: "v8.2.3".

use super::{Judge, Rule};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts},
    finding::{Action, Finding, RuleId, guide},
    kubernetes::{Kind, Object},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::GatewayAuthenticationEnabled,
    summary: "clients of the Zeebe Gateway would have to authenticate",
    guide: guide::V8_2_3,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/gateway-authentication-enabled.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if !change.gets(Feature::GatewayAuthentication) {
        return Vec::new();
    }
    change
        .of_kind(Kind::Deployment)
        .filter(|object| object.camunda)
        .filter(|object| object.planned.as_deref().is_some_and(authenticates))
        .filter(|object| {
            let before = facts.get(&object.object).or(object.running.as_deref());
            before.is_some_and(|before| !authenticates(before))
        })
        .map(|object| Finding {
            rule: RULE.id,
            action: Action::Warn,
            title: "Clients of the Zeebe Gateway have to authenticate from now on".to_owned(),
            objects: vec![object.object.clone()],
            why: vec![
                "Since chart 8.2.3 the gateway asks for a token of Identity's: create a client in Identity, give it access to the Zeebe API, and hand its credentials to your workers and clients."
                    .to_owned(),
            ],
            fixes: Vec::new(),
            guide: RULE.guide,
        })
        .collect()
}

fn authenticates(workload: &Object) -> bool {
    Application::of(workload) == Some(Application::GATEWAY)
        && workload.env("ZEEBE_GATEWAY_SECURITY_AUTHENTICATION_MODE") == Some("identity")
}
