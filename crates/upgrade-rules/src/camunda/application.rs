//! Which of Camunda's own applications a workload is.

use semver::Version;
use serde::Deserialize;

use super::{Line, image_version, is_own};
use crate::kubernetes::Object;

/// Camunda's own applications that some rule tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Application {
    /// Zeebe's brokers; from 13 on the Orchestration Cluster.
    Zeebe,
    /// The Zeebe Gateway, up to 12.
    Gateway,
    /// Operate, up to 12.
    Operate,
    /// Tasklist, up to 12.
    Tasklist,
    /// Identity.
    Identity,
    /// Optimize.
    Optimize,
    /// Console.
    Console,
    /// Connectors.
    Connectors,
    /// Web Modeler: its REST API.
    WebModeler,
    /// Operate's and Tasklist's importers on their own, in 13.
    Importer,
    /// The Job that moves process data to 13's indices.
    DataMigration,
    /// The Job that moves Identity's entities to the Orchestration Cluster, in 13.
    IdentityMigration,
}

impl Application {
    /// Those that stay as they were from line to line unless a value switches them.
    pub const SWITCHED: [Application; 5] = [
        Application::Identity,
        Application::Optimize,
        Application::Connectors,
        Application::Console,
        Application::WebModeler,
    ];

    /// Those whose minor version is that of their line; the others have numbers of their own.
    pub const OF_ONE_MINOR: [Application; 5] = [
        Application::Zeebe,
        Application::Gateway,
        Application::Operate,
        Application::Tasklist,
        Application::Identity,
    ];

    /// What a workload of Camunda's own is, by its label.
    pub fn of(workload: &Object) -> Option<Application> {
        if !is_own(workload) {
            return None;
        }
        match workload.label("app.kubernetes.io/component")? {
            "zeebe-broker" => Some(Application::Zeebe),
            "zeebe-gateway" => Some(Application::Gateway),
            "operate" => Some(Application::Operate),
            "tasklist" => Some(Application::Tasklist),
            "identity" => Some(Application::Identity),
            "optimize" => Some(Application::Optimize),
            "console" => Some(Application::Console),
            "connectors" => Some(Application::Connectors),
            "restapi" => Some(Application::WebModeler),
            importer if importer.ends_with("-importer") => Some(Application::Importer),
            migration if migration.ends_with("-migration") => migration_of(workload),
            _ => None,
        }
    }

    /// Whether a workload belongs to this application without being its main one.
    pub fn has_part(self, workload: &Object) -> bool {
        let part = workload.label("app.kubernetes.io/component");
        is_own(workload)
            && self == Application::WebModeler
            && matches!(part, Some("webapp" | "websockets"))
    }

    /// The value that switches it on or off, where it has had the same one ever since.
    pub fn switch(self) -> Option<&'static str> {
        match self {
            Application::Operate => Some("operate.enabled"),
            Application::Tasklist => Some("tasklist.enabled"),
            Application::Identity => Some("identity.enabled"),
            Application::Optimize => Some("optimize.enabled"),
            Application::Console => Some("console.enabled"),
            Application::Connectors => Some("connectors.enabled"),
            Application::WebModeler => Some("webModeler.enabled"),
            Application::Importer | Application::DataMigration => {
                Some("orchestration.migration.data.enabled")
            }
            Application::IdentityMigration => Some("orchestration.migration.identity.enabled"),
            _ => None,
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Application::Zeebe => "Zeebe",
            Application::Gateway => "Zeebe Gateway",
            Application::Operate => "Operate",
            Application::Tasklist => "Tasklist",
            Application::Identity => "Identity",
            Application::Optimize => "Optimize",
            Application::Console => "Console",
            Application::Connectors => "Connectors",
            Application::WebModeler => "Web Modeler",
            Application::Importer => "the importer",
            Application::DataMigration => "the data migration",
            Application::IdentityMigration => "the identity migration",
        }
    }
}

/// Both Jobs have one label; the program that they run tells them apart.
fn migration_of(job: &Object) -> Option<Application> {
    let program = job.str("/spec/template/spec/containers/0/command/0");
    let program = program.unwrap_or_default().rsplit('/').next()?;
    match program {
        "data-migration" | "process-migration" => Some(Application::DataMigration),
        "identity-migration" => Some(Application::IdentityMigration),
        _ if job.name().ends_with("-identity") => Some(Application::IdentityMigration),
        _ if job.name().ends_with("-data") => Some(Application::DataMigration),
        _ => None,
    }
}

/// The version of a workload's image and the line that it belongs to, where its tag is one of Camunda's.
pub fn running_line(workload: &Object) -> Option<(Version, &'static Line)> {
    let version = image_version(workload.image()?)?;
    let line = Line::of_application(&version)?;
    Some((version, line))
}
