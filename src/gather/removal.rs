//! Judges the deletion of a claim while Helm applies a record that drops it.

use std::sync::Arc;

use super::{Left, Reader, Records, Running, lookup::STORAGES};
use crate::{
    camunda::{HELM_RELEASE, HELM_RELEASE_NAMESPACE},
    change::{Change, Facts, Gate, Wanted},
    helm::release::{Status, Storage, parse_record_name},
    kubernetes::{Kind, Object, ObjectRef},
    rules::behind_removed_claims,
};

impl Reader {
    /// Returns the part of the pending change that concerns a deleted claim, if Helm is applying a record without
    /// that claim.
    ///
    /// Helm deletes claims last, and half an upgrade is worse than a whole one: so a deletion that was admitted with
    /// the record is judged as it was there. A record that nobody has judged gains nothing by that.
    pub async fn removal(
        &self,
        records: &Records,
        claim: &Object,
        known: &Facts,
    ) -> Option<(Change, Facts)> {
        let release = claim.annotation(HELM_RELEASE)?;
        let namespace = claim.namespace()?;
        if claim.annotation(HELM_RELEASE_NAMESPACE) != Some(namespace) {
            return None;
        }
        for storage in STORAGES {
            let newest = self.newest_record(storage.kind(), namespace, release).await;
            if let Some(newest) = newest.ok()? {
                let (_, revision) = parse_record_name(newest.name())?;
                let revision = (release, revision);
                return self
                    .of_pending(records, storage, claim, revision, known)
                    .await;
            }
        }
        None
    }

    async fn of_pending(
        &self,
        records: &Records,
        storage: Storage,
        claim: &Object,
        (name, revision): (&str, u64),
        known: &Facts,
    ) -> Option<(Change, Facts)> {
        let namespace = claim.namespace()?;
        let record = crate::helm::release::record_name(name, revision);
        let record = ObjectRef::new(storage.kind(), namespace, &record);
        let record = self.get(&record).await.ok()??;
        let status = Status::of(record.label("status")?);
        if !matches!(status, Status::PendingUpgrade | Status::PendingRollback) {
            return None;
        }
        let running = self
            .running(records, storage, namespace, name, revision)
            .await;
        let Running::Release(running, _held) = running else {
            return None;
        };
        let left = match status {
            Status::PendingRollback => self.left(records, storage, namespace, name, revision).await,
            _ => Left::Nothing,
        };
        let data = record.str("/data/release")?;
        let known_documents = Some(Arc::clone(&running));
        let decoding = records.decode(data, storage, namespace, known_documents, &self.guarded);
        let decoded = self.decoding(decoding).await.ok()?;
        let (release, planned) = (&decoded.release, &decoded.rendered);
        if (release.name.as_str(), release.revision) != (name, revision) {
            return None;
        }
        let mut change = Change::of_release(release, planned, Some(&running))?;
        match &left {
            Left::Nothing => {}
            Left::Release(left, _) => change.leaving(left),
            Left::Unknown(_) => return None,
        }
        let deleted = ObjectRef::new(Kind::PersistentVolumeClaim, namespace, claim.name());
        change.find(&deleted).filter(|claim| claim.removed())?;
        narrow(&mut change, &deleted);
        let facts = self.beside(&change, &deleted, known).await;
        // Helm leaves this claim alone, so somebody else deletes it.
        (!facts.keeps(&deleted)).then_some((change, facts))
    }

    /// Reads the live objects of the change; the claim is already known.
    async fn beside(&self, change: &Change, deleted: &ObjectRef, known: &Facts) -> Facts {
        let mut facts = known.clone();
        let live = change.objects.iter().map(|object| object.object.clone());
        let live = live.filter(|object| object != deleted).map(Wanted::One);
        let live: Vec<_> = live.collect();
        self.read_all(&mut facts, live).await;
        let behind = behind_removed_claims(change, &facts);
        self.read_all(&mut facts, behind).await;
        facts
    }
}

/// Reduces a release's change to the deleted claim (first), the claims that stay, and workloads that can mount
/// claims.
fn narrow(change: &mut Change, claim: &ObjectRef) {
    change.gate = Gate::Object;
    // Only in this namespace can the claim be mounted, and only here may the record's writer write.
    change.objects.retain(|object| {
        object.object.namespace == claim.namespace
            && match object.object.kind {
                Kind::PersistentVolumeClaim => object.planned.is_some() || object.object == *claim,
                Kind::Deployment | Kind::StatefulSet | Kind::Job => true,
                _ => false,
            }
    });
    change.objects.sort_by_key(|object| object.object != *claim);
}
