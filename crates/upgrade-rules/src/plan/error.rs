//! Reasons why no plan can be made.

use crate::camunda::Line;

/// The reason why no plan leads to the requested chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The running chart's line is unknown.
    #[error("the release runs chart {0}, of a line that is not known here ({lines})", lines = lines())]
    UnknownStart(String),
    /// The target chart's line is unknown.
    #[error("no line is known that chart {0} is of ({lines})", lines = lines())]
    UnknownLine(String),
    /// The release already runs the target chart.
    #[error("the release runs chart {0} already")]
    Same(String),
    /// The target is an older patch of the same line.
    #[error(
        "the release runs chart {from}, which is newer than {to}; within a line helm rollback goes back to a revision that was there"
    )]
    OlderPatch {
        /// The running chart.
        from: String,
        /// The target chart.
        to: String,
    },
    /// The target is an earlier line.
    #[error(
        "the release runs chart {from}, and there is no way back to {to}: what a newer Camunda has written an older one can't read; only a backup leads back"
    )]
    Backwards {
        /// The running chart.
        from: String,
        /// The target chart.
        to: String,
    },
}

fn lines() -> String {
    let lines: Vec<_> = Line::all().iter().map(|line| line.line.as_str()).collect();
    format!("known: {}", lines.join(", "))
}
