//! From which line an upgrade really comes, and the way from there, line by line.

use semver::Version;

use crate::{
    camunda::{Application, Line, NewestPatches, running_line},
    change::{Change, Facts, Operation},
    finding::{Command, Fix, Inputs, Upgrade},
    kubernetes::Kind,
};

/// The start of an upgrade path.
pub(crate) struct Start {
    /// The line.
    pub line: &'static Line,
    /// The source of this knowledge: a chart version, or live images.
    pub told_by: String,
    /// The chart's version, where it is what told.
    pub version: Option<Version>,
    /// Whether the images belong to an older line than the running chart.
    pub behind_chart: bool,
}

/// The highest of the record of what runs and the live images of Zeebe: a failed upgrade has left them behind.
///
/// Returns where the upgrade starts. If all live images are older than the record's chart, nothing of that chart's line ever ran.
pub(crate) fn start(change: &Change, facts: &Facts) -> Option<Start> {
    let recorded = recorded(change);
    if let Some(behind) = behind_chart(change, facts, recorded.as_ref()) {
        return Some(behind);
    }
    let live = change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda)
        .filter_map(|set| {
            let live = facts.get(&set.object)?;
            let (version, line) = running_line(live)?;
            (Application::of(live) == Some(Application::ZEEBE)).then(|| Start {
                line,
                told_by: format!("{}, which runs Camunda {version} already", set.object),
                version: None,
                behind_chart: false,
            })
        });
    // The record comes last: of two that say the same it is the one to name.
    live.chain(recorded)
        .max_by_key(|start| start.line.position())
}

/// Returns the start according to the running release's record.
pub(crate) fn recorded(change: &Change) -> Option<Start> {
    let from = change.from.as_ref()?;
    Some(Start {
        line: from.line?,
        told_by: format!("chart {}", from.version),
        version: from.parsed.clone(),
        behind_chart: false,
    })
}

/// The newest line of the live images, where all of them are older than the recorded chart.
fn behind_chart(change: &Change, facts: &Facts, recorded: Option<&Start>) -> Option<Start> {
    let chart = recorded?.line;
    let live = change
        .objects
        .iter()
        .filter(|object| object.camunda)
        .filter(|object| matches!(object.object.kind, Kind::StatefulSet | Kind::Deployment))
        .filter_map(|object| {
            let live = facts.get(&object.object)?;
            let counts = Application::of(live)?.is_of_line();
            counts.then(|| running_line(live).map(|(_, line)| line))
        });
    let lines = live.collect::<Option<Vec<_>>>()?;
    let newest = lines.into_iter().max_by_key(|line| line.position())?;
    (newest.position() < chart.position()).then(|| Start {
        line: newest,
        told_by: format!(
            "Camunda {}, which all images that run are of,",
            newest.application
        ),
        version: None,
        behind_chart: true,
    })
}

/// A chart version on the way.
pub(crate) struct Hop {
    /// Its line.
    pub line: &'static Line,
    /// The version to go to.
    pub version: String,
}

/// Every version to go through from a version of one line to one of a later line, the target included.
pub(crate) fn hops(
    patches: &NewestPatches,
    line: &'static Line,
    version: Option<&Version>,
    target: &'static Line,
    to: &str,
) -> Vec<Hop> {
    let newest = |line: &'static Line| Hop {
        line,
        version: patches.of(line).version.to_owned(),
    };
    let behind = version.is_some_and(|version| patches.is_after(version, line));
    let (from, last) = (line.position(), target.position());
    let first = behind.then(|| newest(line));
    let between = Line::all().iter().take(last).skip(from + 1).map(newest);
    let target = Hop {
        line: target,
        version: to.to_owned(),
    };
    first.into_iter().chain(between).chain([target]).collect()
}

/// Returns the step that upgrades to another version, with the chart as Camunda's guides call it; only its owner knows the name
/// of an umbrella chart.
pub(crate) fn go_to(change: &Change, intro: impl Into<String>, version: &str) -> Fix {
    let intro = intro.into();
    if change.values.root().is_some() {
        let own =
            format!("{intro} your chart, with camunda-platform {version} among its dependencies.");
        return Fix::say(own);
    }
    Fix::new(intro, [Command::Upgrade(upgrade(change, Some(version)))])
}

/// An upgrade of the same release with the user's own values.
pub(crate) fn upgrade(change: &Change, version: Option<&str>) -> Upgrade {
    Upgrade {
        release: change.release.clone(),
        namespace: change.namespace.clone(),
        version: version.map(str::to_owned),
        install: change.operation == Operation::Install,
        inputs: Inputs::Variables {
            values: change.values.may_be_given(),
        },
        timeout: None,
        flags: Vec::new(),
    }
}
