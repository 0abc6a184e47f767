//! What the length of a downtime depends on: how many pods start again, and how large their volumes are.

use crate::{
    change::{Change, ObjectChange, Side},
    kubernetes::{Kind, replicas, workload::is_stopped},
};

/// Returns what starts again with an upgrade, a few words each: `camunda-zeebe (3 pods, 32Gi each)`.
pub(super) fn starting(change: &Change) -> Vec<String> {
    let starts = |kind| {
        let workloads = change.of_kind(kind);
        workloads.filter(|it| it.camunda && !it.on(Side::Planned).is_none_or(is_stopped))
    };
    let mut all: Vec<_> = starts(Kind::StatefulSet).filter_map(pods).collect();
    match starts(Kind::Deployment).count() {
        0 => {}
        1 => all.push("one Deployment".to_owned()),
        count => all.push(format!("{count} Deployments")),
    }
    all
}

fn pods(set: &ObjectChange) -> Option<String> {
    let planned = set.planned.as_deref()?;
    let pods = match replicas(planned) {
        1 => "1 pod".to_owned(),
        count => format!("{count} pods"),
    };
    let templates = planned.array("/spec/volumeClaimTemplates");
    let mut sizes = templates.iter().filter_map(|template| {
        template
            .pointer("/spec/resources/requests/storage")?
            .as_str()
    });
    let size = sizes
        .next()
        .map_or(String::new(), |size| format!(", {size} each"));
    Some(format!("{} ({pods}{size})", set.object.name))
}
