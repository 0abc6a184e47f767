//! `dedicated-elasticsearch`: the applications that become one have their data in different places.
//!
//! 12 let Operate, Tasklist and Zeebe use an Elasticsearch or OpenSearch each. 13's Orchestration Cluster has one: what
//! is in the others stays there, and nothing reads it.
//!
//! Since chart 13. Documented: "8.8 architecture changes".

use std::collections::BTreeSet;

use super::{Judge, Rule, datastore_changed::host, wanted};
use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    knowledge::configuration::Configuration,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::DedicatedElasticsearch,
    summary: "applications with an Elasticsearch or OpenSearch of their own would become one",
    guide: guide::ONE_ELASTICSEARCH,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/dedicated-elasticsearch.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

/// The applications that become one, and where each is told of its data, the first that is set counting.
const STORES: [(Application, &[&str]); 3] = [
    (
        Application::ZEEBE,
        &[
            "zeebe.broker.exporters.opensearch.args.url",
            "zeebe.broker.exporters.elasticsearch.args.url",
        ],
    ),
    (
        Application::OPERATE,
        &[
            "camunda.operate.opensearch.url",
            "camunda.operate.elasticsearch.url",
        ],
    ),
    (
        Application::TASKLIST,
        &[
            "camunda.tasklist.opensearch.url",
            "camunda.tasklist.elasticsearch.url",
        ],
    ),
];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    if !change.gets(Feature::OrchestrationCluster) {
        return Vec::new();
    }
    let stores: Vec<_> = STORES
        .iter()
        .filter_map(|(application, properties)| {
            let workload = change.application(*application, Side::Running)?;
            let found = Configuration::of(change, facts, workload, Side::Running);
            let url = properties.iter().find_map(|property| found.get(property))?;
            Some((workload, *application, host(url, &change.namespace)?))
        })
        .collect();
    let hosts: BTreeSet<_> = stores.iter().map(|(_, _, host)| host).collect();
    if hosts.len() < 2 {
        return Vec::new();
    }
    let mut why = vec![
        "The Orchestration Cluster has one place for all data; what is in the others stays there, and nothing reads it:"
            .to_owned(),
    ];
    why.extend(
        stores
            .iter()
            .map(|(_, application, host)| format!("  {}: {host}", application.name())),
    );
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!(
            "Applications with {} places for their data would become one",
            hosts.len()
        ),
        objects: stores
            .iter()
            .map(|(workload, ..)| workload.object.clone())
            .collect(),
        why,
        fixes: vec![Fix::say(
            "Bring the indices to one of them (snapshot there, restore here), have the applications of the running chart use it, and upgrade then.",
        )],
        guide: RULE.guide,
    }]
}
