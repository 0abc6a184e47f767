//! Why no plan can be made.

use crate::camunda::Line;

/// Why no plan leads to the chart that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Nothing is known of the line that runs.
    #[error("the release runs chart {0}, of a line that is not known here ({lines})", lines = lines())]
    UnknownStart(String),
    /// Nothing is known of the line to go to.
    #[error("no line is known that chart {0} is of ({lines})", lines = lines())]
    UnknownLine(String),
    /// It is there already.
    #[error("the release runs chart {0} already")]
    Same(String),
    /// It would go back within its line.
    #[error(
        "the release runs chart {from}, which is newer than {to}; within a line helm rollback goes back to a revision that was there"
    )]
    OlderPatch {
        /// What runs.
        from: String,
        /// What was asked for.
        to: String,
    },
    /// It would go back to an earlier line.
    #[error(
        "the release runs chart {from}, and there is no way back to {to}: what a newer Camunda has written an older one can't read; only a backup leads back"
    )]
    Backwards {
        /// What runs.
        from: String,
        /// What was asked for.
        to: String,
    },
}

fn lines() -> String {
    let lines: Vec<_> = Line::all().iter().map(|line| line.line.as_str()).collect();
    format!("known: {}", lines.join(", "))
}
