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
        "the release runs chart {from}, and there is no way back to {to}: what a newer Camunda has written an older one can't read; only a backup leads back, which --restore with its number and --to {to} plans"
    )]
    Backwards {
        /// The running chart.
        from: String,
        /// The target chart.
        to: String,
    },
}

/// The reason why no plan restores a backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The line of the chart is unknown.
    #[error("no line is known that chart {0} is of ({lines})", lines = lines())]
    UnknownLine(String),
    /// No guide describes it.
    #[error(
        "Camunda documents no restore of a whole Camunda {0}: stop its workloads, and have your storage bring the snapshots of all volumes back, Elasticsearch's and the brokers' of the same moment"
    )]
    Undocumented(String),
    /// The data is in a relational database, for which another guide holds.
    #[error(
        "the Orchestration Cluster keeps its data in a relational database, which is restored by its own means before the brokers are: follow {0}"
    )]
    Database(String),
    /// The chart has no brokers.
    #[error("the release has no brokers with chart {0}, and so no backup to restore")]
    NoBrokers(String),
    /// The brokers could not be backed up.
    #[error(
        "with chart {chart} the brokers have no store for backups ({variable} is not set), and so no backup to restore; --to names another chart of the release's history"
    )]
    NoStore {
        /// The chart.
        chart: String,
        /// The variable that names a store.
        variable: String,
    },
}

fn lines() -> String {
    let lines: Vec<_> = Line::all().iter().map(|line| line.line.as_str()).collect();
    format!("known: {}", lines.join(", "))
}
