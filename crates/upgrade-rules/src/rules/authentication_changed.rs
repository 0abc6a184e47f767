//! `authentication-changed`: users and clients would have to log in another way during the upgrade to 13.
//!
//! 12 has Identity and Keycloak switched on by default, 13 has basic authentication: values that name neither change
//! from one to the other in silence. Nobody's login is carried over that way, and Camunda does not support it.
//!
//! Since chart 13. Documented: "Prerequisites" (caution).

use super::{Judge, Rule, wanted};

use crate::{
    camunda::{Application, Component, Feature},
    change::{Change, Facts, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    fixes::{conversion, flag},
    knowledge::{
        authentication::{METHODS, Method},
        secrecy::shown,
    },
    kubernetes::Kind,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::AuthenticationChanged,
    summary: "users and clients would have to log in another way than before",
    guide: guide::PREREQUISITES,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/authentication-changed.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

const IDENTITY: &str = "global.identity.auth.enabled";
/// The values that say where the provider is.
const PROVIDER: [&str; 10] = [
    "orchestration.security.authentication.oidc.issuer",
    "orchestration.security.authentication.oidc.authUrl",
    "orchestration.security.authentication.oidc.jwksUrl",
    "orchestration.security.authentication.oidc.tokenUrl",
    "global.identity.auth.issuer",
    "global.identity.auth.issuerBackendUrl",
    "global.identity.auth.publicIssuerUrl",
    "global.identity.auth.authUrl",
    "global.identity.auth.jwksUrl",
    "global.identity.auth.tokenUrl",
];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let Some((before, after)) = changed(change, facts) else {
        return Vec::new();
    };
    let mut why = vec![format!(
        "In 12 users log in by {before}. The Orchestration Cluster would use {after}. Logins are not carried over, and Camunda does not support the change during this upgrade."
    )];
    why.extend(cause(change, &after));
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: match (&before, &after) {
            (Method::Provider { .. }, Method::Provider { .. }) => {
                "Logins would go to another provider".to_owned()
            }
            _ => format!(
                "Logins would change from {} to {}",
                short(&before),
                short(&after)
            ),
        },
        objects: Vec::new(),
        why,
        fixes: fixes(change, facts, &before, &after),
        guide: RULE.guide,
    }]
}

/// Returns the methods before and after, if some users can't log in any more.
pub(super) fn changed(change: &Change, facts: &Facts) -> Option<(Method, Method)> {
    if !change.gets(Feature::OrchestrationCluster) {
        return None;
    }
    let before = Method::before(change, facts)?;
    let after = Method::after(change, facts)?;
    (!before.is_kept_by(&after)).then_some((before, after))
}

fn short(method: &Method) -> &'static str {
    match method {
        Method::Basic => "basic authentication",
        Method::Provider { keycloak: true, .. } => "Keycloak",
        Method::Provider { .. } => "an OpenID Connect provider",
    }
}

/// The value that made it so, as far as the user's values tell.
fn cause(change: &Change, after: &Method) -> Option<String> {
    let named = METHODS
        .into_iter()
        .find_map(|key| Some((key, change.values.text(key)?)));
    match (named, after) {
        (Some((key, method)), _) => Some(format!(
            "Your values set {key} to {}.",
            shown(key, &method)
        )),
        (None, Method::Basic) if change.values.flag(IDENTITY) == Some(true) => Some(format!(
            "Your values switch {IDENTITY} on, which no longer suffices: they name no method, and the default of 13 is basic."
        )),
        (None, Method::Basic) => Some(
            "Your values name no method: the default of 12 was Identity with Keycloak, that of 13 is basic."
                .to_owned(),
        ),
        (None, Method::Provider { .. }) => None,
    }
}

fn fixes(change: &Change, facts: &Facts, before: &Method, after: &Method) -> Vec<Fix> {
    let own = METHODS
        .into_iter()
        .find(|key| change.values.text(key).is_some());
    let key = own.unwrap_or("global.security.authentication.method");
    match (before, after) {
        (Method::Provider { .. }, Method::Basic) => {
            if conversion::sets(change, facts, METHODS[1]) {
                return conversion::fixes(change, facts);
            }
            let mut flags = vec![
                flag::set(change, key, "oidc"),
                flag::set(change, IDENTITY, "true"),
            ];
            flags.extend(goes(change).map(|key| flag::set(change, key, "true")));
            let intro = format!("Keep {}; add to your helm upgrade:", short(before));
            vec![Fix::new(intro, flags)]
        }
        (Method::Basic, _) => vec![Fix::new(
            "Keep basic authentication; add to your helm upgrade:",
            vec![flag::set(change, key, "basic")],
        )],
        (Method::Provider { .. }, Method::Provider { .. }) => {
            let keys: Vec<_> = PROVIDER
                .into_iter()
                .filter(|key| change.values.text(key).is_some())
                .collect();
            let advice = match keys[..] {
                [] => format!("Keep to {before}: give the values that named it again."),
                _ => format!(
                    "Keep to {before}; these values name another one: {}.",
                    keys.join(", ")
                ),
            };
            vec![Fix::say(advice)]
        }
    }
}

/// The values that switch on what logins need and the new manifest has no more.
fn goes(change: &Change) -> impl Iterator<Item = &'static str> {
    let has = |side| change.application(Application::IDENTITY, side).is_some();
    let identity = has(Side::Running) && !has(Side::Planned);
    let keycloak = change
        .of_kind(Kind::StatefulSet)
        .any(|set| set.camunda && set.component == Component::Keycloak && set.removed());
    let identity = identity.then_some("identity.enabled");
    let keycloak = keycloak.then_some("identityKeycloak.enabled");
    identity.into_iter().chain(keycloak)
}
