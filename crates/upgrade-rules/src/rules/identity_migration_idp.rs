//! `identity-migration-idp`: the migration of identities would ask an external provider for a token without credentials.
//!
//! With Keycloak the chart makes a client for the Job. Any other provider has to know one already, and the Job has to be
//! given its id and secret; the guide's `idpApplicationId` is in no release of the chart.
//!
//! Since chart 13. Documented: "Step 4: Configure 8.8 values".

use super::{Judge, Rule, wanted};

use crate::{
    camunda::Application,
    change::{Change, Facts, Operation, Side},
    finding::{Action, Finding, Fix, Flag, RuleId, guide},
    fixes::clients,
    knowledge::{configuration::Configuration, secrecy::is_harmless},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::IdentityMigrationIdp,
    summary: "the migration of identities lacks the credentials that your provider asks for",
    guide: guide::CONFIGURE_VALUES,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/identity-migration-idp.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

const CLIENT_ID: &str = "orchestration.migration.identity.clientId";
/// The key of its secret, as the line's data have it.
const CLIENT: &str = "identity-migration-client-secret";
/// The guide's name for the client's id, and where people put it.
const UNREAD: [&str; 2] = [
    "migration.identity.idpApplicationId",
    "orchestration.migration.identity.idpApplicationId",
];
const JOB: &str = "camunda.migration.identity";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let ran = change.application(Application::IDENTITY_MIGRATION, Side::Running);
    let job = change.application(Application::IDENTITY_MIGRATION, Side::Planned);
    let (None, Some(job), Operation::Upgrade) = (ran, job, change.operation) else {
        return Vec::new();
    };
    let configuration = Configuration::of(change, facts, job, Side::Planned);
    let Some(provider) = external(&configuration) else {
        return Vec::new();
    };
    let lacks = |name: &str| !configuration.is_set(&format!("{JOB}.management-identity.{name}"));
    let (no_id, no_secret) = (lacks("client-id"), lacks("client-secret"));
    let missing = match (no_id, no_secret) {
        (false, false) => return Vec::new(),
        (true, true) => "client id and client secret",
        (true, false) => "client id",
        (false, true) => "client secret",
    };
    let mut why = vec![format!(
        "{} would log in to Identity through {provider} without a {missing}, and fail: no roles, tenants and mapping rules in the Orchestration Cluster.",
        job.object
    )];
    why.extend(
        UNREAD
            .into_iter()
            .filter(|key| no_id && change.values.get(key).is_some())
            .map(|key| {
                format!("Your values set {key}, as the guide says; no release of the chart reads it. Its key is {}.", change.values.key_in_file(CLIENT_ID))
            }),
    );
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("The migration of identities has no {missing} for your provider"),
        objects: vec![job.object.clone()],
        why,
        fixes: fixes(change, facts, no_id, no_secret),
        guide: RULE.guide,
    }]
}

/// Returns the provider that the Job asks, unless it is Keycloak.
fn external(configuration: &Configuration) -> Option<String> {
    let property = |name: &str| configuration.get(&format!("{JOB}.{name}"));
    let keycloak = |value: &str| value.eq_ignore_ascii_case("keycloak");
    let mode = property("mode").filter(|mode| !keycloak(mode));
    let issuer = property("management-identity.issuer-type").filter(|kind| !keycloak(kind));
    let kind = issuer.or(mode)?;
    Some(format!("your OpenID Connect provider ({kind})"))
}

fn fixes(change: &Change, facts: &Facts, no_id: bool, no_secret: bool) -> Vec<Fix> {
    let plain = |id: &String| is_harmless(&["clientId"], id);
    let given = UNREAD
        .into_iter()
        .find_map(|key| change.values.text(key))
        .filter(plain)
        .filter(|_| no_id);
    let mut fixes = Vec::new();
    if let Some(id) = &given {
        fixes.push(Fix::new(
            "Give the id under the key that the chart reads; add to your helm upgrade:",
            [Flag::set_string(change.values.key_in_file(CLIENT_ID), id)],
        ));
    }
    let no_id = no_id && given.is_none();
    if let Some(client) = clients::client(change, CLIENT)
        && (no_id || no_secret)
    {
        fixes.extend(clients::cure(change, facts, client, no_id, no_secret));
    }
    fixes
}
