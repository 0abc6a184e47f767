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
    let file = format!("{}-{}.sql", set.object.name, old.major);
    let mut parts = to_file(change, set, old, &file);
    parts.extend(start_anew(facts, set, claim, new));
    let script = format!("{PASSWORD}; psql {SERVER} --quiet postgres");
    parts.push(format!("{} < {file}", exec(set, old, &["-i"], &script)));
    Fix::alternative(
        format!(
            "Or move the data to {} (method 2) by this one line, which ends at the first part that fails, and upgrade without that flag. \
             It keeps the dump and the old volume; psql says that the role postgres is there already:",
            new.major
        ),
        [Command::Shell(parts.join(" && ")).commented()],
    )
}

/// Runs a script beside a server.
fn exec(set: &ObjectChange, server: &Server<'_>, how: &[&str], script: &str) -> Kubectl {
    let pod = format!("{}-0", set.object.name);
    let command = [&pod, "-c", server.container, "--", "sh", "-c", script];
    Kubectl::new(&set.object.namespace, [&["exec"], how, &command].concat())
}

fn scale(set: &ObjectChange, kind: Kind, name: &str, count: u64) -> String {
    let objects = Objects::new(kind, &set.object.namespace, [name]);
    objects.scale(count).to_string()
}

/// Dumps the database while nobody writes to it, and sees that the dump is whole.
fn to_file(change: &Change, set: &ObjectChange, old: &Server<'_>, file: &str) -> Vec<String> {
    // A second run must not put the dump of the new server, which has nothing yet, in the place of the old one's.
    let mut parts = vec![format!("[ ! -e {file} ]")];
    let users = users(change, set).into_iter();
    parts.extend(users.map(|(kind, user)| scale(set, kind, user, 0)));
    let script = format!("{PASSWORD}; pg_dumpall {SERVER} --clean --if-exists");
    parts.push(format!("{} > {file}.part", exec(set, old, &[], &script)));
    parts.push(format!(
        "grep -q 'PostgreSQL database cluster dump complete' {file}.part"
    ));
    parts.push(format!("mv {file}.part {file}"));
    parts
}

/// Starts the new version on a new volume; the old one is retained.
fn start_anew(facts: &Facts, set: &ObjectChange, claim: &Object, new: &Server<'_>) -> Vec<String> {
    let (namespace, name) = (&set.object.namespace, set.object.name.as_str());
    let kubectl = |words: &[&str]| Kubectl::new(namespace, words.iter().copied()).to_string();
    let retain = facts.volume_of(claim).and_then(volume_move::retain);
    let live = facts.get(&set.object);
    let stop = live.map(|live| volume_move::stop(facts, namespace, live, &[claim.name()]));
    let steps: Vec<Step> = retain
        .into_iter()
        .chain(stop.into_iter().flatten())
        .collect();
    let steps = volume_move::commands(&steps, namespace, Typed::ByHand);
    let mut parts: Vec<_> = steps.iter().map(Command::text).collect();
    parts.push(kubectl(&["delete", "pvc", claim.name()]));
    let (image, resource) = (
        format!("{}={}", new.container, new.image),
        format!("statefulset/{name}"),
    );
    parts.push(kubectl(&["set", "image", &resource, &image]));
    let planned = set.planned.as_deref();
    let count = planned.map_or(1, |planned| replicas(planned).max(1));
    parts.push(scale(set, Kind::StatefulSet, name, count));
    parts.push(kubectl(&["rollout", "status", &resource, "--timeout=10m"]));
    parts
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
