//! Stops Camunda's workloads, of which none may run while a backup is restored.

use std::collections::BTreeSet;

use super::{Making, Step};
use crate::{
    camunda::Component,
    finding::{Command, Kubectl, Moment, Objects},
    forecast::InstalledRelease,
    kubernetes::{Kind, Mounts, Object, workload::selector},
};

const NONE_MAY_RUN: &str =
    "Nothing of Camunda may run while a backup is restored; databases and Keycloak may.";

/// Stops what runs, Elasticsearch too where its volumes are to be put aside.
pub(super) fn everything(making: &Making<'_>) -> Step {
    let mut stopping = vec![Component::Zeebe];
    if making.replaces_store() {
        stopping.push(Component::Elasticsearch);
    }
    let step = Step::new(
        Moment::Stop,
        "Stop all of Camunda's applications and brokers",
        commands(making.standing, &stopping),
    );
    step.because(vec![NONE_MAY_RUN.to_owned()])
}

/// Stops what the older chart has started for its index templates.
pub(super) fn again(making: &Making<'_>) -> Step {
    let step = Step::new(
        Moment::With,
        "Stop Camunda's applications and brokers again",
        commands(making.target, &[Component::Zeebe]),
    );
    step.because(vec![NONE_MAY_RUN.to_owned()])
}

/// Scales all Deployments and the StatefulSets of some components to 0, and waits until their pods are gone.
fn commands(release: &InstalledRelease, stopping: &[Component]) -> Vec<Command> {
    let namespace = release.namespace.as_str();
    let of_kind = |kind| {
        let objects = release.rendered.objects.iter();
        let objects = objects.filter(move |it| it.camunda && it.hook.is_none());
        objects.filter(move |it| it.reference.kind == kind)
    };
    let deployments: Vec<&Object> = of_kind(Kind::Deployment)
        .map(|it| it.object.as_ref())
        .collect();
    let sets: Vec<&Object> = of_kind(Kind::StatefulSet)
        .filter(|it| stopping.contains(&it.component))
        .map(|it| it.object.as_ref())
        .collect();
    let mut commands: Vec<Command> = Vec::new();
    for (kind, all) in [(Kind::Deployment, &deployments), (Kind::StatefulSet, &sets)] {
        if !all.is_empty() {
            let names = all.iter().map(|it| it.name());
            commands.push(Objects::new(kind, namespace, names).scale(0).into());
        }
    }
    for set in sets {
        commands.push(pods_gone(namespace, set).into());
    }
    for selector in selectors(&deployments) {
        commands.push(Kubectl::await_none_labelled(namespace, &selector, "5m").into());
    }
    commands
}

fn pods_gone(namespace: &str, set: &Object) -> Kubectl {
    let mounts = Mounts::of(set);
    let pods = (0..mounts.replicas.max(1)).map(|it| format!("{}-{it}", mounts.statefulset));
    let pods: Vec<_> = pods.collect();
    Kubectl::await_gone(namespace, pods.iter().map(String::as_str))
}

/// The labels of the pods of Deployments: all in one where the charts tell them apart by their component.
fn selectors(deployments: &[&Object]) -> Vec<String> {
    const INSTANCE: &str = "app.kubernetes.io/instance";
    const COMPONENT: &str = "app.kubernetes.io/component";
    let label = |it: &Object, key: &str| {
        let labels = it.at("/spec/selector/matchLabels")?;
        Some(labels.get(key)?.as_str()?.to_owned())
    };
    let told: Option<BTreeSet<_>> = deployments
        .iter()
        .map(|it| label(it, INSTANCE).zip(label(it, COMPONENT)))
        .collect();
    let told = told.unwrap_or_default();
    let instances: BTreeSet<_> = told.iter().map(|(instance, _)| instance).collect();
    match instances.first() {
        Some(instance) if instances.len() == 1 => {
            let components: Vec<_> = told.iter().map(|(_, it)| it.as_str()).collect();
            vec![format!(
                "{INSTANCE}={instance},{COMPONENT} in ({})",
                components.join(", ")
            )]
        }
        _ => deployments.iter().filter_map(|it| selector(it)).collect(),
    }
}
