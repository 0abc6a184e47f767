//! Puts the volumes of before aside: their claims go, and they stay.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Making, Step};
use crate::{
    camunda::Component,
    change::Facts,
    finding::{Command, Kubectl, Moment, shell},
    kubernetes::{Mounts, Object},
};

/// The claims of the release that runs, and of the older chart, before that chart is back.
pub(super) fn before(making: &Making<'_>, facts: &Facts) -> Step {
    let claims = claims(making, facts);
    let title = match making.replaces_store() {
        true => "Put the volumes of the brokers and of Elasticsearch aside",
        false => "Put the volumes of the brokers aside",
    };
    let mut why = vec![STAY.to_owned()];
    if making.replaces_store() {
        why.push(
            "Elasticsearch starts empty, too: no older program can read what a newer one has written. What others keep in it stays in its volumes."
                .to_owned(),
        );
    }
    step(making, title, &claims, true).because(why)
}

const STAY: &str =
    "The claims are deleted. Their volumes are retained first, and stay with all that is in them.";

/// The brokers' claims; brokers restore into empty volumes only.
pub(super) fn brokers(making: &Making<'_>, facts: &Facts) -> Step {
    let is_new = making.earlier.is_some();
    let title = match is_new {
        true => "Put the brokers' new volumes aside, too",
        false => "Put the brokers' volumes aside",
    };
    let claims = match is_new {
        true => all_of(&making.brokers.mounts).into_iter().collect(),
        false => self::claims(making, facts),
    };
    let why = vec![
        STAY.to_owned(),
        "Brokers restore into empty volumes only.".to_owned(),
    ];
    step(making, title, &claims, !is_new).because(why)
}

/// The names of all claims that are to go before an older chart is back.
pub(super) fn claims(making: &Making<'_>, facts: &Facts) -> BTreeSet<String> {
    let mut components = vec![Component::Zeebe];
    if making.replaces_store() {
        components.push(Component::Elasticsearch);
    }
    let sets = components.into_iter().flat_map(|component| {
        let planned = making.planned(component);
        making.running(component).chain(planned)
    });
    let mounts: Vec<Mounts> = sets.map(Mounts::of).collect();
    let own = mounts.iter().flat_map(all_of);
    let is_mounted = |claim: &&Object| {
        let mut mounts = mounts.iter();
        mounts.any(|mounts| mounts.parse(claim.name()).is_some())
    };
    let live = facts.claims(&making.standing.namespace).filter(is_mounted);
    let live = live.map(|claim| claim.name().to_owned());
    own.chain(live).collect()
}

/// The names of all claims that a StatefulSet mounts.
pub(super) fn all_of(mounts: &Mounts) -> Vec<String> {
    let of = |ordinal| {
        let templates = mounts.templates.iter();
        templates.map(move |template| mounts.claim(template, ordinal))
    };
    (0..mounts.replicas).flat_map(of).collect()
}

fn step(making: &Making<'_>, title: &str, claims: &BTreeSet<String>, decides: bool) -> Step {
    let mut commands = Vec::new();
    if decides {
        commands.push(Command::Manual(format!(
            "Decide: the release goes on without what it has done since backup {}; only the volumes keep that.",
            making.id
        )));
    }
    commands.push(Command::Shell(script(making, claims)));
    Step::new(Moment::Stop, title, commands)
}

fn script(making: &Making<'_>, claims: &BTreeSet<String>) -> String {
    let namespace = making.standing.namespace.as_str();
    let look = "get pvc CLAIM --ignore-not-found -o jsonpath={.spec.volumeName}";
    let look = Kubectl::new(namespace, look.split(' ')).to_string();
    let look = look.replace("CLAIM", "\"$claim\"");
    let retain = json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}}).to_string();
    let delete = Kubectl::new(namespace, ["delete", "pvc"]);
    let claims = shell::command(claims.iter().map(String::as_str));
    let told = shell::quote(&file(making));
    format!(
        r#"(set -euo pipefail
for claim in {claims}; do
  volume=$({look})
  if [ -n "$volume" ]; then
    kubectl patch pv "$volume" -p {retain}
    echo "$volume of claim $claim" >> {told}
  fi
  {delete} "$claim" --ignore-not-found
done)"#,
        retain = shell::quote(&retain),
    )
}

/// The file that keeps the names of the volumes.
fn file(making: &Making<'_>) -> String {
    let (release, id) = (&making.standing.release, making.id);
    format!("{release}-volumes-before-{id}.txt")
}

/// Tells which volumes nobody mounts any more.
pub(super) fn left(making: &Making<'_>) -> Step {
    let file = file(making);
    let tell = shell::command(["cat", &file]);
    let step = Step::new(
        Moment::After,
        "Look which volumes of before can go later",
        [Command::Shell(tell)],
    );
    step.because(vec![
        format!("{file} names the volumes that were put aside; they are retained, and nothing mounts them."),
        "Delete them once nobody misses what they hold: until then they are all that is left of what the backup does not have."
            .to_owned(),
    ])
}
