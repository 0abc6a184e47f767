//! Claims and volumes.

use super::Look;
use crate::{
    camunda::is_elastics,
    finding::{Objects, RuleId},
    fixes::retain::{self},
    knowledge::claims::{Fate, fate, holds_data, is_retained},
    kubernetes::{Kind, Object},
    scan::Problem,
};

impl Look<'_> {
    /// Finds volumes that would be deleted with their claims.
    pub(super) fn deletable_volumes(&self) -> Option<Problem> {
        let bound = self.claims().filter(|claim| holds_data(claim));
        let volumes: Vec<_> = bound
            .filter_map(|claim| Some((claim, self.facts.volume_of(claim)?)))
            .filter(|(_, volume)| !is_retained(volume))
            .collect();
        let why = volumes
            .iter()
            .map(|(claim, volume)| format!("{} of claim {}", volume.name(), claim.name()));
        let title = "Volumes would be deleted with their claims";
        let problem = Problem::risk(RuleId::VolumeNotRetained, title, why.collect())?;
        let names = volumes.iter().map(|(_, volume)| volume.name());
        Some(problem.cured_by(retain::retain(names)))
    }

    /// Finds claims of elastic's chart that no workload mounts.
    pub(super) fn left_over_claims(&self) -> Option<Problem> {
        let release = self.standing.release.as_str();
        let left = self.claims().filter(|claim| {
            is_elastics(claim, release) && holds_data(claim) && self.facts.mounting(claim).is_none()
        });
        let why = left.map(|claim| claim.name().to_owned()).collect();
        let title = "Claims of the old Elasticsearch hold data that nothing mounts";
        Problem::risk(RuleId::ElasticsearchClaimsOrphaned, title, why)
    }

    /// Finds claims that have lost their volumes, unless such a volume may hold data that no pod mounts.
    pub(super) fn lost_claims(&self) -> Option<Problem> {
        let lost: Vec<_> = self
            .lost()
            .filter(|(_, fate)| matches!(fate, Fate::Settled))
            .map(|(claim, _)| claim.name().to_owned())
            .collect();
        let names = lost.iter().map(String::as_str);
        let claims = Objects::new(Kind::PersistentVolumeClaim, &self.standing.namespace, names);
        let delete = claims.delete();
        let problem = Problem::risk(RuleId::AfterUpgrade, "Claims have lost their volumes", lost)?;
        Some(problem.cured_by(delete))
    }

    /// Finds volumes that were taken from claims and that no pod mounts.
    pub(super) fn idle_volumes(&self) -> Option<Problem> {
        let idle = self.lost().filter_map(|(claim, fate)| match fate {
            Fate::Idle(volume) => Some(format!("{} of claim {}", volume.name(), claim.name())),
            Fate::Settled | Fate::Unknown => None,
        });
        let title = "Volumes hold data that no pod mounts";
        Problem::risk(RuleId::AfterUpgrade, title, idle.collect())
    }

    fn lost(&self) -> impl Iterator<Item = (&Object, Fate<'_>)> {
        let is_lost = |claim: &&Object| claim.str("/status/phase") == Some("Lost");
        self.claims()
            .filter(is_lost)
            .map(|claim| (claim, fate(self.facts, claim, self.statefulsets())))
    }

    /// Returns the live StatefulSets and those of the manifest: a stopped one comes back.
    fn statefulsets(&self) -> impl Iterator<Item = &Object> {
        let rendered = self.standing.rendered.objects.iter();
        let rendered = rendered.filter(|object| object.reference.kind == Kind::StatefulSet);
        let live = self.facts.of_kind(Kind::StatefulSet);
        live.chain(rendered.map(|object| &*object.object))
    }
}
