//! The upgrade itself: `helm upgrade` with the user's files, those that were converted, and what has to be given.

use super::{Act, Part, Step, hop::HopInput};
use crate::{
    finding::{Command, Flag, shell},
    fixes::{conversion, convert::ValuesFile, supply::Read},
};

/// The step with `helm upgrade`.
pub(super) fn step(making: &HopInput<'_>, reads: &[Read], given: &[Flag]) -> Step {
    let to = making.change().to.as_ref();
    let version = to.map_or("", |to| to.version.as_str());
    let mut acts: Vec<_> = reads.iter().map(|read| Act::Run(read.export())).collect();
    if let Some(charts) = umbrella(making) {
        acts.push(Act::Ask(format!(
            "{charts} is a chart of yours: have it depend on camunda-platform {version}, and --chart name it as it is then."
        )));
    }
    let upgrade = Command::Shell(command(making, version, given));
    acts.extend(tested(making).into_iter().chain([upgrade]).map(Act::Run));
    let step = Step::new(Part::Upgrade, format!("Upgrade to chart {version}"), acts);
    let why = match reads.is_empty() {
        true => Vec::new(),
        false => vec![
            "The chart would make these credentials up anew, and the databases and Keycloak know only the old ones."
                .to_owned(),
        ],
    };
    step.because(why)
}

fn command(making: &HopInput<'_>, version: &str, given: &[Flag]) -> String {
    let (release, namespace) = (&making.standing.release, &making.standing.namespace);
    let chart = making.means.chart.replace("{version}", version);
    let mut words = vec!["helm", "upgrade", release, &chart, "-n", namespace];
    if umbrella(making).is_none() {
        words.extend(["--version", version]);
    }
    let mut line = shell::command(words);
    for file in making.files {
        line += &format!(" \\\n  -f {}", shell::quote(file));
    }
    for flag in given {
        line += &format!(" \\\n  {flag}");
    }
    line
}

/// Returns the name of Camunda's chart under an umbrella chart, which has a version of its own.
fn umbrella<'a>(making: &'a HopInput<'_>) -> Option<&'a str> {
    making.standing.rendered.values.root()
}

/// The file with values under the keys that the new chart reads.
pub(super) fn file(making: &HopInput<'_>, file: &ValuesFile) -> Step {
    let mut acts = vec![Act::File {
        name: file.name.clone(),
        write: file.write(before(making, file)),
    }];
    if file.decisions {
        acts.push(Act::Decide(format!(
            "Look into {}: its comments leave something to you to fill in or decide.",
            file.name
        )));
    }
    let old = old_keys(making);
    if !old.is_empty() {
        acts.push(Act::Ask(format!(
            "Take the old keys out of your own values files, some of which the new chart refuses: {}.",
            old.join(", ")
        )));
    }
    let title = format!(
        "Put your values under the keys of the new chart: {}",
        file.name
    );
    Step::new(Part::Prepare, title, acts)
}

/// The values files that are given before this one.
fn before<'a>(making: &'a HopInput<'_>, file: &ValuesFile) -> &'a [String] {
    let position = making.files.iter().position(|name| *name == file.name);
    &making.files[..position.unwrap_or_default()]
}

/// The user's keys that have moved.
fn old_keys(making: &HopInput<'_>) -> Vec<String> {
    let Some(line) = conversion::entered(making.refused) else {
        return Vec::new();
    };
    let own = making.refused.values.own();
    let moves = conversion::moves(own, own, line).list;
    moves.into_iter().map(|moved| moved.old).collect()
}

/// Returns a command that warns if the new chart was tested with other Helm versions than the present one.
fn tested(making: &HopInput<'_>) -> Option<Command> {
    let line = making.change().target_line()?;
    let versions: Vec<_> = line.helm_cli.iter().map(|it| format!("v{it}")).collect();
    (!versions.is_empty()).then(|| {
        Command::Shell(format!(
            "case \"$({LOOK})\" in {}) ;; *) echo 'Line {} was tested with Helm {}, and this is another one.' >&2 ;; esac",
            versions.join("|"),
            line.line,
            line.helm_cli.join(" and ")
        ))
    })
}

/// Prints the version of the Helm that is here.
const LOOK: &str = "helm version --template '{{.Version}}'";

/// A look at Helm where the new chart does not work with an older one.
pub(super) fn helm(making: &HopInput<'_>) -> Option<Step> {
    let line = making.change().target_line()?;
    let major = |version: &String| version.split('.').next()?.parse::<u64>().ok();
    let lowest = line.helm_cli.iter().filter_map(major).min()?;
    if lowest <= 3 {
        return None;
    }
    let look = format!(
        "case \"$({LOOK})\" in v[0-{}].*) echo 'chart {} needs Helm {lowest}' >&2; exit 1 ;; esac",
        lowest - 1,
        line.line
    );
    let title = format!("See that Helm is at least {lowest}");
    Some(Step::new(
        Part::Prepare,
        title,
        vec![Act::Run(Command::Shell(look))],
    ))
}
