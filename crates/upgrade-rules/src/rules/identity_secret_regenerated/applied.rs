//! The cures where no Helm is at work: the chart was rendered elsewhere, and its objects are applied one by one.

use std::collections::BTreeSet;

use super::{Regenerated, given};
use crate::{
    camunda::{Held, Line, Supply, is_own, release_label},
    change::{ChartVersion, Facts, RESOURCE_POLICY, chart_version},
    finding::{Command, Fix, Objects},
    fixes::supply::Read,
    fixes::supply::shells,
    kubernetes::Kind,
};

/// Argo CD deletes what a chart renders no more, unless it is told not to.
const NO_PRUNING: (&str, &str) = ("argocd.argoproj.io/sync-options", "Prune=false");

/// The line of the release that runs, as its own StatefulSets tell: Bitnami's Secrets name only Bitnami's charts.
pub(super) fn line(facts: &Facts, namespace: &str, release: &str) -> Option<&'static Line> {
    facts
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.namespace() == Some(namespace))
        .filter(|set| is_own(set) && release_label(set) == Some(release))
        .find_map(|set| ChartVersion::new(&chart_version(set)?).line)
}

pub(super) fn fixes(found: &[Regenerated<'_>]) -> Vec<Fix> {
    let (reads, flags) = given(found);
    let mut fixes = Vec::new();
    let exports: Vec<_> = reads.iter().map(Read::export).collect();
    let shells = shells(&flags);
    if !exports.is_empty() {
        fixes.push(Fix::new(
            "Rendered without a cluster, a chart makes these up anew each time. With helm template, read the old values:",
            exports,
        ));
    }
    fixes.push(Fix::new(
        format!("and add to your helm template{shells}:"),
        flags,
    ));
    let secrets: BTreeSet<_> = found.iter().map(|key| key.secret.name.as_str()).collect();
    fixes.push(Fix::alternative(
        "or, with Argo CD, have it leave their data alone; in the Application:",
        [Command::Manual(ignored(&secrets))],
    ));
    fixes.push(Fix::alternative(
        "or have the chart read what is there and render none; keep it first, or a sync deletes it:",
        by_name(found, &secrets),
    ));
    fixes
}

/// Returns the Argo CD settings that exclude the data of Secrets from comparison and sync.
fn ignored(secrets: &BTreeSet<&str>) -> String {
    let mut lines = vec!["spec:".to_owned(), "  ignoreDifferences:".to_owned()];
    for secret in secrets {
        lines.push("  - kind: Secret".to_owned());
        lines.push(format!("    name: {secret}"));
        lines.push("    jsonPointers: [/data]".to_owned());
    }
    lines.push("  syncPolicy:".to_owned());
    lines.push("    syncOptions: [RespectIgnoreDifferences=true]".to_owned());
    lines.join("\n")
}

fn by_name(found: &[Regenerated<'_>], secrets: &BTreeSet<&str>) -> Vec<Command> {
    let namespace = found
        .first()
        .map_or("", |key| key.secret.namespace.as_str());
    let kept = Objects::new(Kind::Secret, namespace, secrets.iter().copied());
    let keep = kept.annotate_over(&[NO_PRUNING, (RESOURCE_POLICY, "keep")]);
    let mut commands = vec![Command::from(keep)];
    let mut lines = BTreeSet::new();
    for key in found {
        let Supply::Value(value) = &key.credential.supply else {
            continue;
        };
        let secret = &key.secret.name;
        match value.rsplit_once(".auth.") {
            // Of a client, a mapping names the Secret, and a text is the client secret itself.
            _ if key.credential.held == Held::Client => {
                lines.insert(format!("{value}: {{name: {secret}}}"));
                lines.insert(format!("{value}Key: {}", key.credential.key));
            }
            Some((chart, leaf)) => {
                lines.insert(format!("{chart}.auth.existingSecret: {secret}"));
                let named = match leaf {
                    "adminPassword" => "passwordSecretKey",
                    "postgresPassword" => "secretKeys.adminPasswordKey",
                    "password" => "secretKeys.userPasswordKey",
                    _ => continue,
                };
                lines.insert(format!("{chart}.auth.{named}: {}", key.credential.key));
            }
            None => {}
        }
    }
    commands.extend(lines.into_iter().map(Command::Manual));
    commands
}
