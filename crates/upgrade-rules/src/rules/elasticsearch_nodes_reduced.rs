//! `elasticsearch-nodes-reduced`: nodes that hold shards would be taken away.
//!
//! Camunda's indices have no replicas by default, so each node holds shards that no other has, and two of three masters are
//! the quorum. Up to 8.2 the chart reads `elasticsearch.replicas`, from 8.3 on `elasticsearch.master.replicaCount`: three
//! nodes become two in silence, and a volume that was handed over to the third one is mounted by nothing.
//!
//! Since chart 8.3.0; any line when the number is lowered by hand. Beyond the guides.

use super::{Judge, Rule, at, wanted};

use crate::{
    camunda::{Component, Line, image_name, is_elastics, node_count},
    change::{Change, Facts, Gate, ObjectChange, Wanted},
    finding::{Action, Command, Finding, Fix, Kubectl, RuleId, guide, shell},
    fixes::{count, give_up},
    knowledge::claims::{self, Left, Reduced, old_claim},
    kubernetes::{Kind, Mounts, Object, replicas},
    matching,
    volume_move::keep_claims,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ElasticsearchNodesReduced,
    summary: "Elasticsearch would run with fewer nodes than hold its data",
    guide: guide::ELASTICSEARCH_VALUES,
    release: &[Action::Deny],
    object: at(&[Action::Deny], &[&matching::WORKLOADS, &matching::SCALES]),
    page: include_str!("../../../../docs/rules/elasticsearch-nodes-reduced.md"),
    needs: &[needs, wanted::left_over_claims],
    judge: Judge::Alone(judge),
};

/// The role of Bitnami's master-eligible nodes, and of all of elastic's nodes.
const MASTER: &str = "master";

/// Returns the pods, if a rollback removes some, and all volumes, if only they tell which pods had data.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    let Some(facts) = facts else {
        return Vec::new();
    };
    let mut wanted = Vec::new();
    if claims::goes_back_to_fewer(change, facts) {
        wanted.push(Wanted::All(Kind::Pod, change.namespace.clone()));
    }
    if claims::are_volumes_unknown(change, facts) {
        wanted.push(Wanted::All(Kind::PersistentVolume, String::new()));
    }
    wanted
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && set.component == Component::Elasticsearch)
        .filter_map(|set| finding(change, facts, set))
        .collect()
}

/// Whether an update may remove nodes.
pub(super) fn concerns(old: &Object, new: &Object) -> bool {
    let (old, planned) = (replicas(old), replicas(new));
    Component::of(new, None) == Component::Elasticsearch
        && planned > 0
        && (old == 0 || planned < old)
}

fn finding(change: &Change, facts: &Facts, set: &ObjectChange) -> Option<Finding> {
    let target = set.planned.as_deref()?;
    let reduced = claims::reduced(change, facts, set, &elastics(change, facts, set))?;
    let Reduced {
        before, planned, ..
    } = reduced;
    let name = &set.object.name;
    let mut why = vec![format!(
        "StatefulSet {name} would run {planned} of {before} nodes. Camunda's indices have no replicas by default: what the others hold \
         would be gone, and where half of the nodes that can be elected go at once, so is the cluster. Their data is in:"
    )];
    why.extend(reduced.left.iter().map(|left| told(left)));
    let key = key(change, set, target);
    if let Some(key) = &key {
        let all = Line::all().iter().filter_map(|line| line.nodes.as_deref());
        let all: Vec<_> = all.map(|key| key.replace("$ROLE", role(target))).collect();
        why.extend(count::cause(
            change,
            key,
            all.iter().map(String::as_str),
            planned,
        ));
    }
    let mut fixes: Vec<_> = key
        .map(|key| count::keep(change, change.values.own_key(&key), &key, before))
        .into_iter()
        .collect();
    match drain(facts, set, &reduced, target) {
        Some(drain) => fixes.push(drain),
        None if fixes.is_empty() => fixes.push(Fix::say(format!(
            "Run {before} nodes, and drain one only while they run."
        ))),
        None => {}
    }
    Some(Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: format!("Elasticsearch would go from {before} nodes to {planned}"),
        objects: vec![set.object.clone()],
        why,
        fixes,
        guide: RULE.guide,
    })
}

fn told(left: &Left<'_>) -> String {
    let name = left.object.name();
    match left.kind {
        Kind::PersistentVolume => {
            let claim = left.object.str("/spec/claimRef/name").unwrap_or_default();
            format!("  volume {name}, which waits for claim {claim}")
        }
        _ => format!("  {name}"),
    }
}

/// Returns the mounts of elastic's chart in this release, if neither a manifest nor a StatefulSet tells any more.
fn elastics(change: &Change, facts: &Facts, set: &ObjectChange) -> Vec<Mounts> {
    if claims::predecessor(change, set).is_some() || facts.get(&set.object).is_some() {
        return Vec::new();
    }
    let mut names: Vec<_> = facts
        .claims(&set.object.namespace)
        .filter(|claim| is_elastics(claim, &change.release))
        .filter_map(|claim| Some(old_claim(claim.name())?.0))
        .collect();
    names.sort_unstable();
    names.dedup();
    let mounts = names.into_iter().map(|name| Mounts {
        statefulset: name.to_owned(),
        templates: vec![name.to_owned()],
        replicas: 0,
    });
    mounts.collect()
}

fn role(set: &Object) -> &str {
    set.label("app.kubernetes.io/component").unwrap_or(MASTER)
}

/// The value that sets how many nodes there are, as `--set` has it; a single object is set by no value.
fn key(change: &Change, set: &ObjectChange, target: &Object) -> Option<String> {
    if change.gate != Gate::Release {
        return None;
    }
    let key = node_count(role(target), change.target_line(), set.charts.as_deref())?;
    Some(change.values.key_in_file(change.values.own_key(&key)))
}

/// Returns the step that drains nodes first; only running nodes can be drained.
fn drain(facts: &Facts, set: &ObjectChange, reduced: &Reduced<'_>, target: &Object) -> Option<Fix> {
    let live = reduced
        .live
        .filter(|live| replicas(live) >= reduced.before)?;
    let namespace = &set.object.namespace;
    let mut pods: Vec<_> = reduced
        .left
        .iter()
        .map(|left| format!("{}-{}", live.name(), left.ordinal))
        .collect();
    pods.dedup();
    let pod = format!("{}-0", live.name());
    let exec = ["exec", &pod, "-c", container(live)?, "--", "curl", "-sf"];
    let call = |words: &[&str]| Kubectl::new(namespace, exec.into_iter().chain(words.to_vec()));
    let excluded = serde_json::json!({
        "persistent": {"cluster.routing.allocation.exclude._name": pods.join(",")},
    });
    let settings = [
        "-X",
        "PUT",
        "http://localhost:9200/_cluster/settings",
        "-H",
        "Content-Type: application/json",
        "-d",
        &excluded.to_string(),
    ];
    let mut commands = vec![Command::from(call(&settings))];
    // A node's name may be the end of no other's, and the start of some.
    let names = pods.iter().map(|pod| format!(" -e {}", shell::quote(pod)));
    commands.push(Command::Shell(format!(
        "until shards=$({}) && ! printf '%s\\n' \"$shards\" | grep -qwF{}; do sleep 10; done",
        call(&["http://localhost:9200/_cat/shards?h=node"]),
        names.collect::<String>()
    )));
    // The cluster itself copes with less than half of those that vote.
    let gone = pods.len() as u64;
    if role(target) == MASTER && gone * 2 >= reduced.before {
        let exclusions = format!(
            "http://localhost:9200/_cluster/voting_config_exclusions?node_names={}",
            pods.join(",")
        );
        commands.push(call(&["-X", "POST", &exclusions]).into());
    }
    commands.extend(keep_claims(facts, namespace, live.name()));
    for left in &reduced.left {
        commands.push(give_up::orphan(left.kind, left.object)?.into());
    }
    // Nobody takes a node out by pasting all that stands here.
    let commands = commands.into_iter().map(give_up::commented);
    Some(Fix::on_purpose(
        format!(
            "Take {} out: have Elasticsearch move all shards away, wait until none is left, and say so. See camunda-upgrade-guard explain {} for what to undo afterwards:",
            pods.join(" and "),
            RULE.id
        ),
        commands,
    ))
}

fn container(set: &Object) -> Option<&str> {
    let containers = set.array("/spec/template/spec/containers");
    let is_elasticsearch = |container: &&serde_json::Value| {
        let image = container.get("image").and_then(serde_json::Value::as_str);
        image.is_some_and(|image| image_name(image) == "elasticsearch")
    };
    let elasticsearch = containers.iter().find(is_elasticsearch);
    elasticsearch.or(containers.first())?.get("name")?.as_str()
}
