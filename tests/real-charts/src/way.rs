//! One upgrade: as it is, and by what its refusal has typed.

use std::{fmt, path::Path};

use anyhow::{Context, Result};
use harness::{Cluster, Denial, Helm, Output};

use crate::charts::Chart;

/// What became of an upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It went through.
    Admitted,
    /// These rules refused it.
    Refused(Vec<String>),
    /// The chart or Helm failed by itself, with these words.
    Failed(String),
}

/// What became of the upgrade between two charts.
pub struct Way {
    from: String,
    to: String,
    /// As it is; nothing where the first chart could not be installed.
    unprepared: Outcome,
    /// By the block of the refusal; where the chart fails by itself, by that of `check --chart`.
    typed: Option<Outcome>,
}

/// As much of a failure as a row holds, in characters.
const WORDS: usize = 160;

impl Outcome {
    fn of(output: &Output) -> Self {
        if output.success() {
            return Self::Admitted;
        }
        match Denial::read(output) {
            Ok(denial) => Self::Refused(denial.rules),
            Err(_) => Self::Failed(words(output)),
        }
    }
}

/// The last line of what was said, cut where it gets long.
fn words(output: &Output) -> String {
    let text = output.text();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.find(|line| line.starts_with("Error:"));
    line.unwrap_or("it failed without a word")
        .chars()
        .take(WORDS)
        .collect()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admitted => f.write_str("admitted"),
            Self::Refused(rules) => write!(f, "refused: {}", rules.join(", ")),
            Self::Failed(words) => write!(f, "failed: {}", words.replace('|', "/")),
        }
    }
}

impl Way {
    /// The head of the table.
    pub fn heading() -> &'static str {
        "| from | to | as it is | by what is typed |\n|---|---|---|---|"
    }

    /// Whether it led to an admitted upgrade.
    pub fn ends_well(&self) -> bool {
        *self.typed.as_ref().unwrap_or(&self.unprepared) == Outcome::Admitted
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            to,
            unprepared,
            ..
        } = self;
        write!(f, "| {from} | {to} | {unprepared} | ")?;
        match &self.typed {
            Some(outcome) => write!(f, "{outcome} |"),
            None => f.write_str("– |"),
        }
    }
}

/// Installs one chart and upgrades to the next, in a namespace of its own.
pub fn walk(cluster: &Cluster, guard: &Path, from: &Chart, to: &Chart) -> Result<Way> {
    let namespace = cluster.namespace("way")?;
    let helm = cluster.helm(Helm::V4);
    let flags = from.flags();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let mut way = Way {
        from: from.version.to_string(),
        to: to.version.to_string(),
        unprepared: Outcome::Admitted,
        typed: None,
    };
    let installed = helm.install("camunda", &from.path, &namespace, &flags);
    if !installed.success() {
        way.unprepared = Outcome::Failed(format!("the first one: {}", words(&installed)));
        return Ok(way);
    }
    cluster
        .wait_all_bound(&namespace)
        .context("the claims of the first chart")?;
    let flags = to.flags();
    let words: Vec<_> = flags.iter().map(String::as_str).collect();
    let upgraded = helm.upgrade("camunda", &to.path, &namespace, &words);
    way.unprepared = Outcome::of(&upgraded);
    let shell = cluster.shell(Helm::V4)?;
    shell.install("camunda-upgrade-guard", guard)?;
    let words = format!(
        "'{}' -n {} {}",
        to.path.display(),
        &*namespace,
        flags.join(" ")
    );
    let denial = match &way.unprepared {
        Outcome::Admitted => None,
        Outcome::Refused(_) => Some(Denial::read(&upgraded)?),
        // The webhook sees nothing of what a chart can't render.
        Outcome::Failed(_) => {
            let check = format!("camunda-upgrade-guard check camunda --chart {words}");
            let checked = shell.run(&check)?;
            (checked.code == Some(1)).then(|| Denial::of_check(&checked))
        }
    };
    if let Some(denial) = denial {
        let typed = shell.run(&denial.cure(&format!("helm upgrade camunda {words}")))?;
        way.typed = Some(Outcome::of(&typed));
    }
    Ok(way)
}
