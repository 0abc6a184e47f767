//! How long applications keep archived data.

use crate::{
    camunda::Application,
    change::{Change, Facts, Side},
    knowledge::configuration::Configuration,
};

/// The applications that delete what is archived, and after how long.
pub(crate) fn retention(change: &Change, facts: &Facts) -> Vec<(Application, String)> {
    const OF: [(Application, &str); 2] = [
        (Application::OPERATE, "camunda.operate.archiver"),
        (Application::TASKLIST, "camunda.tasklist.archiver"),
    ];
    OF.iter()
        .filter_map(|(application, archiver)| {
            let workload = change.application(*application, Side::Running)?;
            let found = Configuration::of(change, facts, workload, Side::Running);
            if found.flag(&format!("{archiver}.ilmEnabled")) != Some(true) {
                return None;
            }
            let age = found.get(&format!("{archiver}.ilmMinAgeForDeleteArchivedIndices"));
            Some((*application, age.unwrap_or("30d").to_owned()))
        })
        .collect()
}

/// Whether the new manifest's Orchestration Cluster deletes archived data.
pub(crate) fn has_one(change: &Change, facts: &Facts) -> bool {
    let cluster = change.application(Application::ZEEBE, Side::Planned);
    cluster.is_some_and(|cluster| {
        let found = Configuration::of(change, facts, cluster, Side::Planned);
        [
            "camunda.database.retention.enabled",
            "camunda.operate.archiver.ilmEnabled",
        ]
        .iter()
        .any(|property| found.flag(property) == Some(true))
    })
}
