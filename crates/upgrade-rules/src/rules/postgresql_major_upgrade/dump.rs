//! Method two of the guide with this cluster's names: dump, start anew, restore.

use super::Server;
use crate::{
    annotations::ALLOW_DELETION,
    camunda::Component,
    change::{Change, ObjectChange},
    finding::{Command, Fix, Kubectl},
    kubernetes::{Kind, Object, replicas},
};

/// The administrator's password as the server's own container has it, in a variable or in a file.
const PASSWORD: &str = r#"export PGPASSWORD="${POSTGRES_POSTGRES_PASSWORD:-$(cat "$POSTGRES_POSTGRES_PASSWORD_FILE")}""#;

/// Each step needs somebody who looks whether it succeeded: the claim is deleted half-way.
pub(super) fn and_restore(
    change: &Change,
    set: &ObjectChange,
    claim: &Object,
    old: &Server<'_>,
    new: &Server<'_>,
) -> Fix {
    let (namespace, name) = (&set.object.namespace, set.object.name.as_str());
    let kubectl = |words: &[&str]| Kubectl::new(namespace, words.iter().copied()).to_string();
    let pod = format!("{name}-0");
    let dump = format!("{PASSWORD}; pg_dumpall -U postgres");
    let restore = format!("{PASSWORD}; psql -U postgres");
    let mut steps: Vec<String> = users(change, set)
        .iter()
        .map(|(kind, user)| kubectl(&["scale", kind, user, "--replicas=0"]))
        .collect();
    let exec = |pod: &[&str], script: &str| {
        let command = ["-c", old.container, "--", "sh", "-c", script];
        kubectl(&[&["exec"], pod, &command].concat())
    };
    steps.push(format!("{} > dump.psql", exec(&[&pod], &dump)));
    steps.push(kubectl(&["scale", "statefulset", name, "--replicas=0"]));
    steps.push(kubectl(&[
        "wait",
        "--for=delete",
        "pod",
        &pod,
        "--timeout=5m",
    ]));
    if let Some(uid) = claim.uid() {
        let annotation = format!("{ALLOW_DELETION}={uid}");
        steps.push(kubectl(&["annotate", "pvc", claim.name(), &annotation]));
    }
    steps.push(kubectl(&["delete", "pvc", claim.name()]));
    let image = format!("{}={}", new.container, new.image);
    let resource = format!("statefulset/{name}");
    steps.push(kubectl(&["set", "image", &resource, &image]));
    let count = set
        .planned
        .as_deref()
        .map_or(1, |planned| replicas(planned).max(1));
    let count = format!("--replicas={count}");
    steps.push(kubectl(&["scale", "statefulset", name, &count]));
    steps.push(kubectl(&["rollout", "status", &resource, "--timeout=10m"]));
    steps.push(format!("{} < dump.psql", exec(&["-i", &pod], &restore)));
    let commands = (1..)
        .zip(steps)
        .map(|(number, step)| Command::Manual(format!("{number}. {step}")));
    Fix::instead(
        "Or move the data (method 2), step by step; look into dump.psql before the claim is deleted:",
        commands,
    )
}

/// Returns the workloads of the running release that write to the database.
fn users<'a>(change: &'a Change, set: &ObjectChange) -> Vec<(String, &'a str)> {
    let uses = |other: &ObjectChange| {
        let label = |key: &str| {
            other
                .running
                .as_deref()
                .and_then(|object| object.label(key))
        };
        let part = label("app.kubernetes.io/component");
        match set.component {
            Component::KeycloakPostgresql => {
                other.component == Component::Keycloak || part == Some("identity")
            }
            Component::IdentityPostgresql => part == Some("identity"),
            _ => part == Some("restapi") && label("app.kubernetes.io/name") == Some("web-modeler"),
        }
    };
    change
        .objects
        .iter()
        .filter(|other| matches!(other.object.kind, Kind::Deployment | Kind::StatefulSet))
        .filter(|other| other.camunda && other.running.is_some() && uses(other))
        .map(|other| (other.object.kind.kubectl(), other.object.name.as_str()))
        .collect()
}
