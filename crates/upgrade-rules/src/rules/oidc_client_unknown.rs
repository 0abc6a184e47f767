//! `oidc-client-unknown`: the Orchestration Cluster would log in at your provider as a client that nobody has registered there.
//!
//! 13 makes one application of Zeebe, Operate and Tasklist, with a client of its own. With Keycloak, Identity sets it up;
//! at any other provider somebody has to, and the chart goes on with `orchestration` and no secret until it is told better.
//!
//! Since chart 13. Documented: "1.3.2 OIDC" (8.7 to 8.8).

use super::{Judge, Rule, wanted};
use crate::{
    camunda::{Application, CarriedKey, Feature},
    change::{Change, Facts, Operation, Side},
    finding::{Action, Finding, RuleId, guide},
    fixes::clients,
    knowledge::{authentication::Method, configuration::Configuration},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::OidcClientUnknown,
    summary: "the Orchestration Cluster would log in as a client that your provider does not know",
    guide: guide::OIDC,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/oidc-client-unknown.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

/// The key of the client's secret, as the line's data have it.
const CLIENT: &str = "identity-orchestration-client-token";
const OIDC: &str = "camunda.security.authentication.oidc";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if change.operation != Operation::Upgrade || !change.gets(Feature::OrchestrationCluster) {
        return Vec::new();
    }
    let logs_in = matches!(Method::after(change, facts), Some(Method::Provider { .. }));
    let workload = change.application(Application::ZEEBE, Side::Planned);
    let client = clients::client(change, CLIENT);
    let (true, Some(workload), Some(client)) = (logs_in, workload, client) else {
        return Vec::new();
    };
    if !clients::is_external(change, facts) {
        return Vec::new();
    }
    let configuration = Configuration::of(change, facts, workload, Side::Planned);
    let property = |name: &str| configuration.get(&format!("{OIDC}.{name}"));
    let no_id = lacks_id(change, &configuration, client);
    // Some log in by a key in place of a secret.
    let by_secret = property("client-authentication-method")
        .is_none_or(|method| method.to_lowercase().starts_with("client_secret"));
    let no_secret = by_secret && !configuration.is_set(&format!("{OIDC}.client-secret"));
    let missing = match (no_id, no_secret) {
        (false, false) => return Vec::new(),
        (true, true) => "client of its own",
        (true, false) => "client id of its own",
        (false, true) => "client secret",
    };
    let id = property("client-id").filter(|_| no_id);
    let mut why = vec![match id {
        Some(id) => format!(
            "{} would log in as {id}, the chart's default, which your provider knows only if somebody has registered it: no login would work.",
            workload.object
        ),
        None => format!(
            "{} would log in at your provider without a {missing}: no login would work.",
            workload.object
        ),
    }];
    if no_id && no_secret {
        why.push("It has no client secret either.".to_owned());
    }
    if let Some(url) = property("redirect-uri").filter(|url| is_local(url)) {
        why.push(format!(
            "The provider would send users back to {url}: set orchestration.security.authentication.oidc.redirectUrl to where they reach the Orchestration Cluster."
        ));
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("The Orchestration Cluster has no {missing} at your provider"),
        objects: vec![workload.object.clone()],
        why,
        fixes: clients::cure(change, facts, client, no_id, no_secret),
        guide: RULE.guide,
    }]
}

/// Whether the client has no id, or only the chart's default.
fn lacks_id(change: &Change, configuration: &Configuration, client: &CarriedKey) -> bool {
    let name = format!("{OIDC}.client-id");
    let chosen = client
        .client_id
        .as_deref()
        .is_some_and(|key| change.values.text(key).is_some());
    let id = configuration.get(&name);
    let is_default = id.is_some() && id == client.default_client_id.as_deref();
    !configuration.is_set(&name) || is_default && !chosen
}

fn is_local(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.starts_with("localhost") || host.starts_with("127.0.0.1")
}
