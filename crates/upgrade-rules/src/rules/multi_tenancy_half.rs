//! `multi-tenancy-half`: tenants would be known in one of the two places that have to know them.
//!
//! From 13 on the Orchestration Cluster checks tenants itself, and Identity has a switch of its own for the others.
//!
//! Since chart 13. Documented: "1.1 Camunda Helm chart values file changes".

use super::{Judge, Rule, wanted};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, ObjectChange, Side},
    finding::{Action, Command, Finding, Fix, RuleId, guide},
    fixes::flag,
    knowledge::configuration::Configuration,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::MultiTenancyHalf,
    summary: "tenants would be known in one of the two places that have to know them",
    guide: guide::VALUES,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/multi-tenancy-half.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

const CLUSTER: &str = "orchestration.multitenancy.checks.enabled";
const IDENTITY: &str = "identity.multitenancy.enabled";

/// Whether the Orchestration Cluster and Identity know tenants.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tenants {
    cluster: bool,
    identity: bool,
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if !is_one_cluster(change, Side::Planned) {
        return Vec::new();
    }
    let Some((planned, cluster, identity)) = tenants(change, facts, Side::Planned) else {
        return Vec::new();
    };
    if planned.cluster == planned.identity {
        return Vec::new();
    }
    // It has been running like that.
    if is_one_cluster(change, Side::Running)
        && tenants(change, facts, Side::Running).is_some_and(|(running, ..)| running == planned)
    {
        return Vec::new();
    }
    let (knows, other, effect) = match planned.cluster {
        true => (
            "the Orchestration Cluster",
            "Identity",
            "Optimize would not keep their data apart",
        ),
        false => (
            "Identity",
            "the Orchestration Cluster",
            "it would not check whose a process or a task is",
        ),
    };
    let mut why = vec![format!(
        "Tenants are switched on for {knows} and off for {other}: {effect}."
    )];
    let database =
        Configuration::of(change, facts, identity, Side::Planned).is_set("spring.datasource.url");
    if planned.cluster && !database {
        why.push(
            "Identity keeps tenants in a database of its own, and without one the chart leaves its switch off."
                .to_owned(),
        );
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("Tenants would be known to {knows}, and not to {other}"),
        objects: vec![cluster.object.clone(), identity.object.clone()],
        why,
        fixes: fixes(change, planned, database),
        guide: RULE.guide,
    }]
}

fn is_one_cluster(change: &Change, side: Side) -> bool {
    let chart = match side {
        Side::Running => &change.from,
        Side::Planned => &change.to,
    };
    let version = chart.as_ref().and_then(|chart| chart.parsed.as_ref());
    version.is_some_and(|version| Feature::OrchestrationCluster.is_in(version))
}

/// Returns which of them know tenants, if both the Orchestration Cluster and Identity exist.
fn tenants<'a>(
    change: &'a Change,
    facts: &Facts,
    side: Side,
) -> Option<(Tenants, &'a ObjectChange, &'a ObjectChange)> {
    let cluster = change.application(Application::ZEEBE, side)?;
    let identity = change.application(Application::IDENTITY, side)?;
    let configuration = |workload| Configuration::of(change, facts, workload, side);
    let checks = configuration(cluster).flag("camunda.security.multiTenancy.checksEnabled");
    let switches = configuration(identity);
    // The chart's file gives the first a value; the second is what it stands for without one.
    let switch = ["identity.flags.multi-tenancy", "MULTITENANCY_ENABLED"]
        .into_iter()
        .find_map(|switch| switches.flag(switch));
    let tenants = Tenants {
        cluster: checks.unwrap_or_default(),
        identity: switch.unwrap_or_default(),
    };
    Some((tenants, cluster, identity))
}

fn fixes(change: &Change, planned: Tenants, database: bool) -> Vec<Fix> {
    if !planned.cluster {
        return vec![Fix::new(
            "Switch it on for the Orchestration Cluster too; add to your helm upgrade:",
            vec![flag::set(change, CLUSTER, "true")],
        )];
    }
    if database {
        return vec![Fix::new(
            "Switch it on for Identity too; add to your helm upgrade:",
            vec![flag::set(change, IDENTITY, "true")],
        )];
    }
    vec![Fix::new(
        "Give Identity a database (identity.externalDatabase, or the chart's own by the first flag) and switch tenants on there; add to your helm upgrade:",
        vec![
            Command::from(flag::set(change, "identityPostgresql.enabled", "true")).decide(),
            Command::from(flag::set(change, IDENTITY, "true")).decide(),
        ],
    )]
}
