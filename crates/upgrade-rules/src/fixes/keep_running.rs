//! A bundled database goes on running where its chart is gone: Helm leaves alone what is told to be kept.

use crate::{
    camunda::Component,
    change::{Change, Dropped, Facts, ObjectChange, RESOURCE_POLICY},
    finding::{Fix, Kubectl, Moment},
    kubernetes::{Kind, Object, ObjectRef},
};

/// Returns the steps that keep a StatefulSet and its chart's other objects when Helm drops them; empty if the new chart can
/// still bundle it.
pub(crate) fn keep_running(change: &Change, facts: &Facts, set: &ObjectChange) -> Vec<Fix> {
    let Some(line) = change.target_line() else {
        return Vec::new();
    };
    if !line.gone.contains_key(&set.component) {
        return Vec::new();
    }
    let group = Group::of(change, set);
    let dropped = group.dropped(change);
    let read = group.removed(change, facts);
    let read: Vec<_> = read.cloned().collect();
    let others: Vec<_> = dropped.iter().map(|other| other.typed()).collect();
    // Without comments and labels nobody knows what belongs to it.
    if read.is_empty() && others.is_empty() {
        return Vec::new();
    }
    let policy = format!("{RESOURCE_POLICY}=keep");
    let namespace = &set.object.namespace;
    let command = Kubectl::annotate_all(namespace, &read, &others, (RESOURCE_POLICY, "keep"));
    let intro = format!(
        "Keep {} running beside the release: Helm leaves alone what carries {policy}, and from then on nobody but you upgrades it:",
        joined(group.components().map(|it| it.name().to_owned()))
    );
    let mut fixes = vec![Fix::new(intro, [command])];
    let addresses = joined(dropped.iter().filter_map(|other| address(other)));
    let keys = group.components().filter_map(|it| line.gone.get(&it));
    let keys = joined(keys.flatten().map(|key| change.values.key_in_file(key)));
    if !addresses.is_empty() && !keys.is_empty() {
        let stays = format!("It stays at {addresses}; the new chart is told so by {keys}.");
        fixes.push(Fix::say(stays).at(Moment::Alternative));
    }
    fixes
}

fn joined(words: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = words.collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.join(""),
    }
}

/// Whether the object may exist: annotating one that is gone fails, and then nothing is done.
fn is_there(facts: &Facts, other: &ObjectChange) -> bool {
    other.object.kind == Kind::ConfigMap
        || facts.get(&other.object).is_some()
        || facts.unread(&other.object)
}

/// The host and port of a Service that clients use.
fn address(dropped: &Dropped) -> Option<String> {
    let object = &dropped.object;
    if object.str("/kind") != Some("Service") || object.str("/spec/clusterIP") == Some("None") {
        return None;
    }
    let port = object.array("/spec/ports").first()?.get("port")?;
    Some(format!("{}:{port}", object.name()))
}

/// The StatefulSets that make no sense without each other, and what was rendered with them.
struct Group<'a> {
    sets: Vec<&'a ObjectChange>,
}

impl<'a> Group<'a> {
    /// Keycloak and its database are of one chart.
    fn of(change: &'a Change, set: &'a ObjectChange) -> Self {
        let keycloak = change.of_kind(Kind::StatefulSet).find(|other| {
            set.component == Component::KeycloakPostgresql
                && other.component == Component::Keycloak
                && other.camunda
                && other.removed()
                && other.object.namespace == set.object.namespace
        });
        Self {
            sets: keycloak.into_iter().chain([set]).collect(),
        }
    }

    fn components(&self) -> impl Iterator<Item = Component> {
        self.sets.iter().map(|set| set.component)
    }

    /// Returns the dropped objects of kinds that no rule reads.
    fn dropped(&self, change: &'a Change) -> Vec<&'a Dropped> {
        let dropped = change.dropped.iter();
        dropped
            .filter(|other| self.has(&other.namespace, other.charts.as_deref(), &other.object))
            .collect()
    }

    /// Returns the removed objects of kinds that rules read.
    fn removed(&self, change: &'a Change, facts: &'a Facts) -> impl Iterator<Item = &'a ObjectRef> {
        let removed = change.objects.iter().filter(|other| other.removed());
        removed
            .filter(|other| {
                let running = other.running.as_deref();
                let charts = other.charts.as_deref();
                running.is_some_and(|running| self.has(&other.object.namespace, charts, running))
            })
            .filter(|other| is_there(facts, other))
            .map(|other| &other.object)
    }

    /// Whether an object belongs to one of the StatefulSets, by its chart or else by its labels.
    fn has(&self, namespace: &str, charts: Option<&[String]>, object: &Object) -> bool {
        self.sets.iter().any(|set| {
            if set.object.namespace != namespace {
                return false;
            }
            let own = set.charts.as_deref().filter(|charts| !charts.is_empty());
            if let (Some(own), Some(charts)) = (own, charts) {
                return charts == own;
            }
            let Some(running) = set.running.as_deref() else {
                return false;
            };
            ["app.kubernetes.io/name", "app.kubernetes.io/instance"]
                .iter()
                .all(|label| {
                    running.label(label).is_some() && running.label(label) == object.label(label)
                })
        })
    }
}
