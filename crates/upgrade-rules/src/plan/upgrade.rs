//! The upgrade itself: `helm upgrade` with the user's files, those that were converted, and what has to be given.

use super::{Step, hop::HopInput};
use crate::{
    finding::{Command, Flag, Inputs, Moment, Upgrade, shell},
    fixes::{conversion, convert::ValuesFile, supply::Read},
};

/// The step with `helm upgrade`.
pub(super) fn step(making: &HopInput<'_>, reads: &[Read], given: &[Flag]) -> Step {
    let to = making.change().to.as_ref();
    let version = to.map_or("", |to| to.version.as_str());
    let mut commands: Vec<_> = reads.iter().map(Read::export).collect();
    if let Some(charts) = umbrella(making) {
        commands.push(Command::Ask(format!(
            "{charts} is a chart of yours: have it depend on camunda-platform {version}, and --chart name it as it is then."
        )));
    }
    let upgrade = upgrade(making, version, given);
    commands.extend(tested(making));
    commands.push(gate(&upgrade));
    commands.push(Command::Upgrade(upgrade));
    let title = format!("Upgrade to chart {version}");
    let step = Step::new(Moment::With, title, commands);
    let why = match reads.is_empty() {
        true => Vec::new(),
        false => vec![
            "The chart would make these credentials up anew, and the databases and Keycloak know only the old ones."
                .to_owned(),
        ],
    };
    step.because(why)
}

/// Migrations of data may take long where Helm waits for them.
const TIMEOUT: &str = "60m";

fn upgrade(making: &HopInput<'_>, version: &str, given: &[Flag]) -> Upgrade {
    let is_own = umbrella(making).is_some();
    let crosses = making.change().lines_crossed().is_some();
    Upgrade {
        release: making.standing.release.clone(),
        namespace: making.standing.namespace.clone(),
        version: (!is_own).then(|| version.to_owned()),
        install: false,
        inputs: Inputs::Named {
            chart: making.means.chart.replace("{version}", version),
            files: making.files.to_vec(),
        },
        timeout: crosses.then_some(TIMEOUT),
        flags: given.to_vec(),
    }
}

/// Judges the upgrade as it is about to be made, by its own chart.
pub(super) fn gate(upgrade: &Upgrade) -> Command {
    let mut line = shell::command([shell::PROGRAM, "check", &upgrade.release]);
    if let Inputs::Named { chart, files } = &upgrade.inputs {
        line += &format!(" --chart {}", shell::quote(chart));
        if let Some(version) = &upgrade.version {
            line += &format!(" --version {}", shell::quote(version));
        }
        line += &format!(" -n {}", shell::quote(&upgrade.namespace));
        for file in files {
            line += &format!(" \\\n  -f {}", shell::quote(file));
        }
    }
    let mut flags = upgrade.flags.iter().map(|flag| format!(" \\\n  {flag}"));
    if let Some(first) = flags.next() {
        line += " \\\n  --";
        line += &first;
        line.extend(flags);
    }
    Command::Shell(line)
}

/// Returns the name of Camunda's chart under an umbrella chart, which has a version of its own.
fn umbrella<'a>(making: &'a HopInput<'_>) -> Option<&'a str> {
    making.standing.rendered.values.root()
}

/// The file with values under the keys that the new chart reads.
pub(super) fn file(making: &HopInput<'_>, file: &ValuesFile) -> Step {
    let write = file.write(before(making, file));
    let mut commands = vec![write.once_as_file(&file.name)];
    if file.decisions {
        commands.push(Command::Manual(format!(
            "Look into {}: its comments leave something to you to fill in or decide.",
            file.name
        )));
    }
    let old = old_keys(making);
    if !old.is_empty() {
        commands.push(Command::Manual(format!(
            "Take the old keys out of your own values files, some of which the new chart refuses: {}.",
            old.join(", ")
        )));
    }
    let title = format!(
        "Put your values under the keys of the new chart: {}",
        file.name
    );
    Step::new(Moment::Before, title, commands)
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
            "v=$({LOOK})\ncase $v in {}) ;; *) echo 'Line {} was tested with Helm {}, and this is another one.' >&2 ;; esac",
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
        "v=$({LOOK})\ncase $v in v[0-{}].*) echo 'chart {} needs Helm {lowest}' >&2; exit 1 ;; esac",
        lowest - 1,
        line.line
    );
    let title = format!("See that Helm is at least {lowest}");
    Some(Step::new(Moment::Before, title, [Command::Shell(look)]))
}
