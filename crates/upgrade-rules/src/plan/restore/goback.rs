//! Back to the revision with the chart of the backup: what the guard would refuse of it is overridden for that one revision.

use std::collections::BTreeSet;

use super::{Earlier, Making, Step, aside};
use crate::{
    annotations::{OVERRIDE, override_name},
    camunda::{Component, image_version},
    change::{Change, Facts},
    finding::{Action, Command, Finding, Moment, RuleId, shell},
    kubernetes::{Kind, ObjectRef},
    plan::{back, hop::as_a_step},
    proof, rules,
};

/// Databases that Camunda's backup leaves out, and what migrates them.
const DATABASES: [Component; 4] = [
    Component::Keycloak,
    Component::KeycloakPostgresql,
    Component::IdentityPostgresql,
    Component::WebModelerPostgresql,
];

/// The rollback, after these steps.
pub(super) fn step(making: &Making<'_>, earlier: &Earlier, facts: &Facts, done: &[Step]) -> Step {
    let change = earlier.rollback(making.standing);
    let after = after(making, &change, facts, done);
    let findings = rules::judge(&change, &after);
    let denied = |it: &&Finding| it.action == Action::Deny;
    let (cured, uncured): (Vec<_>, Vec<_>) = findings
        .iter()
        .filter(denied)
        .partition(|finding| is_cured_on_the_cluster(finding));
    let cures = cures(&cured);
    // One cure may be that of several rules.
    let left = rules::judge(&change, &proof::typed(&change, &after, &cures));
    let is_left = |rule| left.iter().filter(denied).any(|it| it.rule == rule);
    let refusals: Vec<_> = uncured.into_iter().filter(|it| is_left(it.rule)).collect();
    let overridden: BTreeSet<_> = refusals.iter().map(|finding| finding.rule).collect();
    let mut commands: Vec<Command> = databases(making);
    let mut why = vec![format!(
        "Revision {} has chart {}, with its values and credentials of then.",
        earlier.revision, making.target.chart.version
    )];
    if overridden.is_empty() {
        commands.extend(cures);
        commands.extend([gate(making, earlier), Command::Shell(roll_back(earlier))]);
    } else {
        why.push("The guard would refuse it, so an override lets this one revision pass, for an hour at most, and is taken away again:".to_owned());
        why.extend(
            refusals
                .iter()
                .map(|it| format!("  {} [{}]", it.title, it.rule)),
        );
        let program = shell::PROGRAM;
        commands.push(Command::Manual(format!(
            "Decide: the override lets pass what stands above, and what its rules keep may be lost; {program} explain RULE says what, and {program} explain override who may make one."
        )));
        commands.extend(cures);
        commands.push(with_override(making, earlier, &overridden));
    }
    let title = format!("Go back to chart {}", making.target.chart.version);
    Step::new(Moment::With, title, commands).because(why)
}

/// What is live once everything is stopped and the claims are gone.
fn after(making: &Making<'_>, change: &Change, facts: &Facts, done: &[Step]) -> Facts {
    let commands = done.iter().flat_map(|step| &step.commands);
    let mut after = proof::typed(change, facts, commands);
    let namespace = making.standing.namespace.as_str();
    let pods = after.of_kind(Kind::Pod);
    let pods = pods.filter(|pod| pod.namespace() == Some(namespace));
    let pods: Vec<_> = pods.map(|it| it.name().to_owned()).collect();
    for pod in pods {
        after.remove(&ObjectRef::new(Kind::Pod, namespace, &pod));
    }
    for claim in aside::claims(making, facts) {
        after.remove(&ObjectRef::new(
            Kind::PersistentVolumeClaim,
            namespace,
            &claim,
        ));
    }
    after
}

/// Whether something on the cluster cures a refusal; a rollback takes no flags and no values.
fn is_cured_on_the_cluster(finding: &Finding) -> bool {
    let fixes = finding.fixes.iter().filter(|fix| fix.moment.cures());
    let mut commands = fixes.flat_map(|fix| &fix.commands).peekable();
    commands.peek().is_some()
        && commands.all(|it| !matches!(it.core(), Command::HelmFlag(_) | Command::Upgrade(_)))
}

fn cures(findings: &[&Finding]) -> Vec<Command> {
    let mut cures: Vec<Command> = Vec::new();
    let fixes = findings.iter().flat_map(|finding| &finding.fixes);
    for fix in fixes.filter(|fix| fix.moment.cures()) {
        for command in &fix.commands {
            let command = match as_a_step(command.clone()) {
                Command::Manual(text) => Command::Manual(format!("{} {text}", fix.intro)),
                command => command,
            };
            if !cures.contains(&command) {
                cures.push(command);
            }
        }
    }
    cures
}

/// Databases whose programs go back: what a newer one has written an older one can't read.
fn databases(making: &Making<'_>) -> Vec<Command> {
    let back = DATABASES.into_iter().filter_map(|component| {
        let (now, then) = (
            making.running(component).next()?,
            making.planned(component)?,
        );
        let [from, to] = [now, then].map(|set| image_version(set.image()?));
        let (from, to) = (from?, to?);
        (from > to).then(|| format!("{} from {from} to {to}", now.name()))
    });
    let back: Vec<_> = back.collect();
    match back.is_empty() {
        true => Vec::new(),
        false => vec![Command::Manual(format!(
            "These go back, and their databases are in no backup of Camunda's: {}. Put the dumps back that were made before the upgrade, by the means of your own.",
            back.join(", ")
        ))],
    }
}

/// Judges the rollback as it is about to be made.
fn gate(making: &Making<'_>, earlier: &Earlier) -> Command {
    let revision = earlier.revision.to_string();
    let (release, namespace) = (&making.standing.release, &making.standing.namespace);
    let words = [
        shell::PROGRAM,
        "check",
        release,
        "-n",
        namespace,
        "--rollback",
        &revision,
    ];
    Command::Shell(shell::command(words))
}

fn roll_back(earlier: &Earlier) -> String {
    back::rolled_back(&earlier.standing, &earlier.revision.to_string())
}

/// The rollback between an override that is made and taken away, whatever happens.
fn with_override(making: &Making<'_>, earlier: &Earlier, rules: &BTreeSet<RuleId>) -> Command {
    let (release, namespace) = (&making.standing.release, &making.standing.namespace);
    let name = override_name(release);
    let rules: Vec<_> = rules.iter().map(|rule| rule.name()).collect();
    let history = [
        "helm", "history", release, "-n", namespace, "--max", "1", "-o", "json",
    ];
    let history = shell::command(history);
    let kubectl = shell::command(["kubectl", "-n", namespace]);
    let reason = format!(
        "backup {} is restored, which chart {} has made",
        making.id, making.target.chart.version
    );
    Command::Shell(format!(
        r#"(set -euo pipefail
newest=$({history} | sed 's/.*"revision":\([0-9]*\).*/\1/')
until=$(($(date +%s) + 3600))
expires=$(date -u -d "@$until" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r "$until" +%Y-%m-%dT%H:%M:%SZ)
{kubectl} create configmap {name} --dry-run=client -o yaml \
  --from-literal=revision="$((newest + 1))" --from-literal=rules={rules} \
  --from-literal=expires="$expires" --from-literal=reason={reason} |
  kubectl label --local -f - -o yaml {label} |
  {kubectl} create -f -
trap {remove} EXIT
{rollback})"#,
        name = shell::quote(&name),
        rules = shell::quote(&rules.join(",")),
        reason = shell::quote(&reason),
        label = shell::quote(&format!("{OVERRIDE}={release}")),
        remove = shell::quote(&format!(
            "{kubectl} delete configmap {name} --ignore-not-found"
        )),
        rollback = roll_back(earlier),
    ))
}
