//! The first step: the right cluster, charts that are up to date, and what leads back if something goes wrong.

use super::{Means, Step, Unfinished};
use crate::{
    camunda,
    change::{Facts, secret_data},
    finding::{Command, Moment, Objects, shell},
    fixes::retain::retain,
    forecast::InstalledRelease,
    helm::release::record_name,
    knowledge::claims::is_retained,
    kubernetes::{Kind, Mounts},
    volume_move::amend,
};

/// Makes a release ready for its first upgrade, and has the facts say so.
pub(super) fn step(
    standing: &InstalledRelease,
    facts: &mut Facts,
    means: &Means,
    version: &str,
) -> Step {
    let mut charts: Vec<_> = repository(&means.chart).into_iter().collect();
    charts.push(chart(standing, means, version));
    made_ready(standing, facts, means, charts)
}

/// The same where no other chart is wanted.
pub(super) fn as_it_stands(standing: &InstalledRelease, facts: &mut Facts, means: &Means) -> Step {
    made_ready(standing, facts, means, Vec::new())
}

fn made_ready(
    standing: &InstalledRelease,
    facts: &mut Facts,
    means: &Means,
    charts: Vec<Command>,
) -> Step {
    let mut commands: Vec<Command> = vec![program()];
    commands.extend(means.context.as_deref().map(context));
    commands.extend(
        means
            .unfinished
            .into_iter()
            .flat_map(|it| cut_off(standing, it)),
    );
    commands.extend(stands(standing));
    commands.extend(charts);
    commands.push(values(standing));
    commands.extend(retained(standing, facts));
    commands.extend(rescued(standing, facts));
    let step = Step::new(Moment::Before, "Make ready", commands);
    step.because(vec![
        "What goes wrong later is mended with these: the values and credentials of today, and volumes that stay.".to_owned(),
    ])
}

/// A look that ends the step, with these words, where it fails.
fn see(look: &str, otherwise: &str) -> Command {
    let told = shell::quote(otherwise);
    Command::Shell(format!("{look} || {{ echo {told} >&2; false; }}"))
}

/// See that the program is there that looks before each upgrade.
fn program() -> Command {
    let program = shell::PROGRAM;
    let look = format!("command -v {program} >/dev/null");
    see(&look, &format!("{program} is not on the PATH"))
}

fn context(context: &str) -> Command {
    let wanted = shell::quote(context);
    let look = format!("test \"$(kubectl config current-context)\" = {wanted}");
    see(&look, &format!("kubectl is not set to context {context}"))
}

/// Helm refuses every upgrade as long as the record of one says that it is at work.
fn cut_off(standing: &InstalledRelease, unfinished: Unfinished) -> Vec<Command> {
    let Unfinished {
        number,
        status,
        storage,
    } = unfinished;
    if !status.is_pending() {
        return Vec::new();
    }
    let name = record_name(&standing.release, number);
    let record = Objects::new(storage.kind(), &standing.namespace, [name.as_str()]);
    let look = format!(
        "See that no helm is at work on revision {number}, which is {status}: where none is, it was cut off, and its record goes."
    );
    vec![Command::Manual(look), record.delete().into()]
}

/// Charts of a repository are updated; a folder of that name is taken first, as Helm does.
fn repository(chart: &str) -> Option<Command> {
    let (repository, rest) = chart.split_once('/')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_repository = !repository.is_empty() && repository.chars().all(is_name);
    (is_repository && !rest.contains('/')).then(|| {
        Command::Shell(shell::command(["helm", "repo", "update", repository]))
            .once(shell::command(["test", "-e", chart]))
    })
}

/// Sees that the chart of a hop can be had, before anything stops for it.
fn chart(standing: &InstalledRelease, means: &Means, version: &str) -> Command {
    let chart = means.chart.replace("{version}", version);
    let mut words = vec!["helm", "show", "chart", &chart];
    if standing.rendered.values.root().is_none() {
        words.extend(["--version", version]);
    }
    Command::Shell(format!("{} >/dev/null", shell::command(words)))
}

/// The values of today, where nobody else can read them.
fn values(standing: &InstalledRelease) -> Command {
    let (release, namespace) = (standing.release.as_str(), standing.namespace.as_str());
    let file = format!("{release}-values-{}.yaml", standing.chart.version);
    let part = format!("{file}.part");
    let get = shell::command([
        "helm", "get", "values", release, "-n", namespace, "-o", "yaml",
    ]);
    let moved = shell::command(["mv", &part, &file]);
    let part = shell::quote(&part);
    Command::Shell(format!("(umask 077; {get} > {part} && {moved})")).once_as_file(&file)
}

/// Volumes of the release that would go with their claims.
fn retained(standing: &InstalledRelease, facts: &mut Facts) -> Vec<Command> {
    let namespace = &standing.namespace;
    let objects = standing.rendered.objects.iter().filter(|it| it.camunda);
    let (sets, claims): (Vec<_>, Vec<_>) = objects
        .filter(|it| {
            let kinds = [Kind::StatefulSet, Kind::PersistentVolumeClaim];
            kinds.contains(&it.reference.kind)
        })
        .partition(|it| it.reference.kind == Kind::StatefulSet);
    let mounts: Vec<_> = sets.iter().map(|set| Mounts::of(&set.object)).collect();
    let is_own = |claim: &str| {
        claims.iter().any(|it| it.reference.name == claim)
            || mounts.iter().any(|mounts| mounts.parse(claim).is_some())
    };
    let volumes = facts
        .claims(namespace)
        .filter(|claim| is_own(claim.name()))
        .filter_map(|claim| facts.volume_of(claim))
        .filter(|volume| !is_retained(volume));
    let volumes: Vec<_> = volumes.cloned().collect();
    let mut commands = Vec::new();
    for mut volume in volumes {
        commands.push(retain([volume.name()]).into());
        json_patch::merge(&mut volume.0, &amend::retain());
        facts.insert(Kind::PersistentVolume, volume.into());
    }
    commands
}

/// The generated credentials go into a Secret that `helm uninstall` leaves alone.
fn rescued(standing: &InstalledRelease, facts: &Facts) -> Option<Command> {
    let secrets = standing.rendered.objects.iter().filter(|it| it.camunda);
    let mut live = secrets
        .filter(|it| it.reference.kind == Kind::Secret)
        .filter_map(|it| Some((it, facts.get(&it.reference)?)));
    let is_any = live.any(|(rendered, secret)| {
        secret_data(secret).into_iter().any(|(key, value)| {
            let charts = rendered.charts.as_deref();
            let found = camunda::credential(secret, key, charts, standing.chart.line);
            found.is_some() && !value.is_empty()
        })
    });
    let (release, namespace) = (standing.release.as_str(), standing.namespace.as_str());
    let secret = format!("{release}-rescued");
    let words = [
        shell::PROGRAM,
        "rescue",
        release,
        "-n",
        namespace,
        "--to",
        &secret,
    ];
    is_any.then(|| Command::Shell(shell::command(words)))
}

/// Looks where the release stands before its next upgrade.
pub(super) fn next(standing: &InstalledRelease, means: &Means, version: &str) -> Step {
    let title = format!(
        "See that chart {} is deployed, and that {version} can be had",
        standing.chart.version
    );
    let looks = stands(standing).into_iter();
    let looks = looks.chain([chart(standing, means, version)]);
    Step::new(Moment::Before, title, looks)
}

/// Sees that the release is where the plan takes it to be; an umbrella chart has a version of its own.
fn stands(standing: &InstalledRelease) -> Option<Command> {
    if standing.rendered.values.root().is_some() {
        return None;
    }
    let (release, namespace) = (standing.release.as_str(), standing.namespace.as_str());
    let version = &standing.chart.version;
    // A name may have dots, which would stand for any character.
    let filter = format!("^{}$", release.replace('.', "\\."));
    let list = shell::command([
        "helm",
        "list",
        "-n",
        namespace,
        "--deployed",
        "--filter",
        &filter,
        "-o",
        "json",
    ]);
    let chart = shell::quote(&format!("-{version}\""));
    let told = format!("release {release} is not on chart {version}: plan again from where it is");
    Some(see(&format!("{list} | grep -qF -e {chart}"), &told))
}
