//! Method two of the guide with this cluster's names: dump, start anew, restore.

use super::Server;
use crate::{
    camunda::Component,
    change::{Change, Facts, ObjectChange},
    finding::{Command, Fix, Kubectl, Objects},
    kubernetes::{Kind, Object, replicas},
    volume_move::{self, Step, Typed},
};

/// The administrator's password as the server's own container has it, in a variable or in a file.
const PASSWORD: &str = r#"export PGPASSWORD="${POSTGRES_POSTGRES_PASSWORD:-$(cat "$POSTGRES_POSTGRES_PASSWORD_FILE")}""#;

/// Where the server of the container listens.
const SERVER: &str = "-h 127.0.0.1 -U postgres";

/// One line, whose parts are done only if all before them succeeded: the claim goes once the dump is whole, and its volume stays.
/// It stands behind a comment sign, as the upgrade with the flag of the first method would refuse its outcome.
pub(super) fn and_restore(
    change: &Change,
    facts: &Facts,
    set: &ObjectChange,
    claim: &Object,
    old: &Server<'_>,
    new: &Server<'_>,
) -> Fix {
    let (namespace, name) = (&set.object.namespace, set.object.name.as_str());
    let kubectl = |words: &[&str]| Kubectl::new(namespace, words.iter().copied()).to_string();
    let exec = |words: &[&str], script: &str| {
        let command = ["-c", old.container, "--", "sh", "-c", script];
        kubectl(&[&["exec"], words, &command].concat())
    };
    let scale = |kind, name: &str, count| Objects::new(kind, namespace, [name]).scale(count);
    let (pod, resource) = (format!("{name}-0"), format!("statefulset/{name}"));
    let file = format!("{name}-{}.sql", old.major);
    let dump = exec(
        &[&pod],
        &format!("{PASSWORD}; pg_dumpall {SERVER} --clean --if-exists"),
    );
    let restore = exec(
        &["-i", &pod],
        &format!("{PASSWORD}; psql {SERVER} --quiet postgres"),
    );

    // A second run must not put the dump of the new server, which has nothing yet, in the place of the old one's.
    let mut parts = vec![format!("[ ! -e {file} ]")];
    let users = users(change, set).into_iter();
    parts.extend(users.map(|(kind, user)| scale(kind, user, 0).to_string()));
    parts.push(format!("{dump} > {file}.part"));
    parts.push(format!(
        "grep -q 'PostgreSQL database cluster dump complete' {file}.part"
    ));
    parts.push(format!("mv {file}.part {file}"));
    let retain = facts.volume_of(claim).and_then(volume_move::retain);
    let live = facts.get(&set.object);
    let stop = live.map(|live| volume_move::stop(facts, namespace, live, &[claim.name()]));
    let steps: Vec<Step> = retain
        .into_iter()
        .chain(stop.into_iter().flatten())
        .collect();
    let typed = volume_move::commands(&steps, namespace, Typed::ByHand);
    parts.extend(typed.iter().map(Command::text));
    parts.push(kubectl(&["delete", "pvc", claim.name()]));
    let image = format!("{}={}", new.container, new.image);
    parts.push(kubectl(&["set", "image", &resource, &image]));
    let count = set
        .planned
        .as_deref()
        .map_or(1, |planned| replicas(planned).max(1));
    parts.push(scale(Kind::StatefulSet, name, count).to_string());
    parts.push(kubectl(&["rollout", "status", &resource, "--timeout=10m"]));
    parts.push(format!("{restore} < {file}"));
    Fix::instead(
        format!(
            "Or move the data to {} (method 2) by this one line, which ends at the first part that fails, and upgrade without that flag. \
             It keeps the dump and the old volume; psql says that the role postgres is there already:",
            new.major
        ),
        [Command::Shell(parts.join(" && ")).commented()],
    )
}

/// Returns the workloads of the running release that write to the database.
fn users<'a>(change: &'a Change, set: &ObjectChange) -> Vec<(Kind, &'a str)> {
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
        .map(|other| (other.object.kind, other.object.name.as_str()))
        .collect()
}
