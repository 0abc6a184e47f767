//! Which of Camunda's own applications a workload is.

use semver::Version;

use super::{Line, image_version, is_own};
use crate::object::Object;

/// Camunda's own applications that some rule tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
}

impl Application {
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
        }
    }
}

/// The version of a workload's image and the line that it belongs to, where its tag is one of Camunda's.
pub fn running_line(workload: &Object) -> Option<(Version, &'static Line)> {
    let version = image_version(workload.image()?)?;
    let line = Line::of_application(&version)?;
    Some((version, line))
}
