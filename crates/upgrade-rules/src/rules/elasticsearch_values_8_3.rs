//! `elasticsearch-values-8.3`: Elasticsearch would start with another size, image or retention than the user set.
//!
//! 8.3 replaces elastic's chart by Bitnami's, and reads none of its keys: they stop having an effect in silence. An image
//! of elastic's does not run in Bitnami's chart at all, and the old host has no Service any more.
//!
//! Since chart 8.3.0. Documented: "v8.3.0, Elasticsearch, values file".

use serde_json::Value;

use super::{Judge, Rule};

use crate::{
    camunda::{Component, Feature, Line},
    change::{Change, Facts},
    finding::{Action, Finding, RuleId, guide},
    fixes::convert::{Converted, ValuesFile},
    helm::values::Values,
    kubernetes::{self, Kind},
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ElasticsearchValues83,
    summary: "8.3 no longer reads how Elasticsearch is set up in your values",
    guide: guide::ELASTICSEARCH_VALUES,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/elasticsearch-values-8.3.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

/// The image from the upgrade guide; the chart's default in 8.3.0 and 8.3.1 is a version that Camunda does not support.
const IMAGE: (&str, &str) = ("bitnami/elasticsearch", "8.8.2");
/// elastic's registry.
const ELASTICS: &str = "docker.elastic.co/";
/// The Service of elastic's chart.
const OLD_HOST: &str = "elasticsearch-master";
const NEW_HOST: &str = "{{ .Release.Name }}-elasticsearch";
/// The application, the old key of how many days its indices stay, and the old default.
const RETENTION: [(&str, &str, u64); 3] = [
    ("zeebe", "zeebeIndexTTL", 1),
    ("operate", "operateIndexTTL", 30),
    ("tasklist", "tasklistIndexTTL", 30),
];
const COMPONENTS: [&str; 3] = ["zeebe.retention", "operate.retention", "tasklist.retention"];

/// The file that takes the place of what 8.3 does not read.
const FILE: &str = "elasticsearch-8.3.yaml";

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    let old = lost(change);
    if old.is_empty() {
        return Vec::new();
    }
    let mut why = vec!["These keys of your values have no effect any more:".to_owned()];
    why.extend(old.iter().map(|(key, new)| format!("  {key}: now {new}")));
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Elasticsearch is set up in your values under keys that 8.3 does not read"
            .to_owned(),
        objects: Vec::new(),
        why,
        fixes: converted(&change.values).fixes(change, FILE),
        guide: RULE.guide,
    }]
}

/// The file with the converted values, if there is something to convert.
pub(super) fn file(change: &Change) -> Option<ValuesFile> {
    whole(change)?.file(change, FILE)
}

/// All values that are converted.
pub(super) fn whole(change: &Change) -> Option<Converted> {
    (!lost(change).is_empty()).then(|| converted(&change.values))
}

fn lost(change: &Change) -> Vec<(String, &'static str)> {
    match !change.gets(Feature::BitnamiElasticsearch) {
        true => Vec::new(),
        false => {
            let mut old = old_keys(&change.values);
            old.extend(replicas(change));
            old
        }
    }
}

/// The number of nodes, where others would run.
fn replicas(change: &Change) -> Option<(String, &'static str)> {
    const OLD: &str = "elasticsearch.replicas";
    const NEW: &str = "elasticsearch.master.replicaCount";
    let values = &change.values;
    let external = values.flag("elasticsearch.enabled") == Some(false);
    let number = values
        .text(OLD)
        .filter(|_| !external && values.get(NEW).is_none())?;
    let mut sets = change.of_kind(Kind::StatefulSet);
    let planned = sets.find_map(|set| {
        let planned = set.planned.as_deref()?;
        let is_it = set.camunda && set.component == Component::Elasticsearch;
        let role = planned.label("app.kubernetes.io/component");
        (is_it && role.is_none_or(|role| role == "master")).then(|| kubernetes::replicas(planned))
    });
    (planned.is_some_and(|planned| planned.to_string() != number)).then(|| (OLD.to_owned(), NEW))
}

/// The user's keys that would be lost, and what takes their place.
fn old_keys(values: &Values) -> Vec<(String, &'static str)> {
    let mut old = Vec::new();
    let external = values.flag("elasticsearch.enabled") == Some(false);
    let set = |key: &str| values.get(key).is_some();
    if !external {
        // Whoever gives the new form after the old one has both.
        let image = values.get("elasticsearch.image");
        if image.is_some_and(Value::is_string) {
            old.push((
                "elasticsearch.image".to_owned(),
                "elasticsearch.image.repository",
            ));
        }
        if set("elasticsearch.imageTag") && !set("elasticsearch.image.tag") {
            old.push((
                "elasticsearch.imageTag".to_owned(),
                "elasticsearch.image.tag",
            ));
        }
        if set("elasticsearch.volumeClaimTemplate") && !set("elasticsearch.master.persistence") {
            old.push((
                "elasticsearch.volumeClaimTemplate".to_owned(),
                "elasticsearch.master.persistence",
            ));
        }
        if values.text("global.elasticsearch.host").as_deref() == Some(OLD_HOST) {
            old.push((
                "global.elasticsearch.host".to_owned(),
                "\"{{ .Release.Name }}-elasticsearch\"",
            ));
        }
    }
    if let Some(policy) = retention(values)
        && !COMPONENTS.iter().any(|key| set(key))
    {
        old.push((
            policy.to_owned(),
            "retention of zeebe, operate and tasklist",
        ));
    }
    old
}

/// The key of a retention policy that is switched on.
fn retention(values: &Values) -> Option<&'static str> {
    ["retentionPolicy", "elasticsearch.retentionPolicy"]
        .into_iter()
        .find(|key| values.flag(&format!("{key}.enabled")) == Some(true))
}

fn converted(values: &Values) -> Converted {
    let mut new = Converted::default();
    let external = values.flag("elasticsearch.enabled") == Some(false);
    if !external {
        let renamed = Line::all().iter().flat_map(|line| &line.renamed_values);
        new.rename(
            values,
            renamed.filter(|renamed| renamed.by == Some(RULE.id)),
        );
        let image = values.get("elasticsearch.image").and_then(Value::as_str);
        let tag = values.get("elasticsearch.imageTag").is_some();
        if image.is_some() || tag {
            if let Some(registry) = image.and_then(own_registry) {
                new.set("elasticsearch.image.registry", registry.into());
            }
            new.set("elasticsearch.image.repository", IMAGE.0.into());
            new.set("elasticsearch.image.tag", IMAGE.1.into());
        }
        if values.text("global.elasticsearch.host").as_deref() == Some(OLD_HOST) {
            new.set("global.elasticsearch.host", NEW_HOST.into());
        }
    }
    if let Some(policy) = retention(values) {
        for (component, days, default) in RETENTION {
            let days = values
                .text(&format!("{policy}.{days}"))
                .unwrap_or_else(|| default.to_string());
            new.set(&format!("{component}.retention.enabled"), true.into());
            new.set(
                &format!("{component}.retention.minimumAge"),
                format!("{days}d").into(),
            );
        }
    }
    new
}

/// The registry of an image that is not elastic's own: a mirror that will have Bitnami's, too.
fn own_registry(image: &str) -> Option<&str> {
    if image.starts_with(ELASTICS) {
        return None;
    }
    let (registry, _) = image.split_once('/')?;
    (registry.contains(['.', ':']) || registry == "localhost").then_some(registry)
}
