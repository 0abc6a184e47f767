//! The facts needed to judge a single object.

use std::sync::Arc;

use super::{Reader, measure::REVIEW};
use crate::{
    annotations::{REBIND_TO, REBOUND_FROM},
    camunda::{self, Component, release_label},
    change::{Facts, Wanted},
    cluster::{ReadError, Right, User},
    knowledge::{
        claims::{holds_data, is_retained, named_claim, named_class, named_volume, names_claim},
        credentials::password_roles::live_reads,
    },
    kubernetes::{Kind, Mounts, Object, ObjectRef},
    policy::chart_label,
    rules::{self, clone_source},
};

impl Reader {
    /// Whether an object belongs to a Camunda release; asks the API server only if the labels don't tell.
    pub async fn knows_release(&self, facts: &mut Facts, object: &Object) -> bool {
        if let (false, Some((namespace, release))) = (
            camunda::is_own(object),
            object.namespace().zip(release_label(object)),
        ) {
            if self.guards(chart_label(object), namespace, release) {
                facts.insert_release(namespace, release);
            } else {
                self.recognise(facts, namespace, release).await;
            }
        }
        facts.is_guarded(object)
    }

    /// Notes whether a claim belongs to a Camunda release; without a release label, asks the StatefulSet that mounts
    /// it.
    async fn knows_claim(&self, facts: &mut Facts, claim: &Object, namespace: &str) {
        if release_label(claim).is_some() {
            self.knows_release(facts, claim).await;
            return;
        }
        self.list_all(facts, &[Kind::StatefulSet], namespace).await;
        if let Some(mounting) = facts.mounting(claim).cloned() {
            self.knows_release(facts, &mounting).await;
        }
    }

    /// Whether a release is Camunda's, for a record that can't be read; if unknown, true.
    pub async fn is_camunda(&self, namespace: &str, release: &str) -> bool {
        let mut facts = Facts::default();
        self.recognise(&mut facts, namespace, release).await;
        !facts.gaps().is_empty() || facts.has_release(namespace, release)
    }

    /// Whether a user has a right to one object in a namespace.
    ///
    /// # Errors
    /// When the API server can't say.
    pub async fn may(
        &self,
        user: &User,
        right: Right,
        namespace: &str,
        name: &str,
    ) -> Result<bool, ReadError> {
        let may = self.cluster.may(user, right, namespace, name);
        self.within(REVIEW, may).await
    }

    /// Reads Camunda's claims in a namespace with their volumes, the StatefulSets that may mount them, and the claims
    /// of one that is created.
    pub async fn claim_facts(&self, facts: &mut Facts, namespace: &str, created: Option<&Object>) {
        self.list_all(facts, &[Kind::StatefulSet], namespace).await;
        let live = facts.of_kind(Kind::StatefulSet);
        let live = live.filter(|set| Component::of(set, None) != Component::Other);
        let sets: Vec<_> = live.chain(created).map(Mounts::of).collect();
        self.claims_beside(facts, namespace, &sets).await;
        let volumes = facts.claims(namespace).filter_map(named_volume);
        let classes = facts.claims(namespace).filter_map(named_class);
        let references: Vec<_> = volumes.chain(classes).collect();
        self.get_all(facts, references).await;
        self.drivers(facts).await;
    }

    /// Reads the Secrets that the live databases and Keycloaks of a namespace use.
    pub async fn read_by_databases(&self, facts: &mut Facts, namespace: &str) {
        let reads = live_reads(facts, namespace);
        let secrets = reads
            .iter()
            .map(|read| ObjectRef::new(Kind::Secret, namespace, &read.secret));
        let mut secrets: Vec<_> = secrets
            .filter(|secret| facts.get(secret).is_none())
            .collect();
        secrets.sort();
        secrets.dedup();
        self.get_all(facts, secrets).await;
    }

    /// Returns the facts for an update of a StatefulSet: its old state, and its claims and those of Camunda's if the
    /// update concerns them.
    pub async fn statefulset_facts(&self, old: &Object, new: &Object) -> Facts {
        let mut facts = Facts::default();
        facts.insert(Kind::StatefulSet, old.clone().into());
        if let (Some(namespace), true) = (old.namespace(), rules::concern_claims(old, new)) {
            self.claims_beside(&mut facts, namespace, &[old, new].map(Mounts::of))
                .await;
        }
        facts
    }

    /// Reads one object; a failure becomes a gap among the facts.
    pub async fn live(&self, facts: &mut Facts, reference: &ObjectRef) -> Option<Object> {
        self.get_all(facts, [reference.clone()]).await;
        facts.get(reference).cloned()
    }

    /// Reads a volume's claim, the claim it is to be handed to, and the pods that may use them.
    pub async fn volume_facts(&self, volume: &Object) -> Facts {
        let mut facts = Facts::default();
        let Some(claim) = named_claim(volume) else {
            return facts;
        };
        let namespace = claim.namespace.as_str();
        let target = volume.annotation(REBIND_TO);
        let target_claim = target.and_then(|target| target.split_once('/'));
        let target_claim = target_claim
            .map(|(_, name)| ObjectRef::new(Kind::PersistentVolumeClaim, namespace, name));
        let claims = [claim.clone()].into_iter().chain(target_claim);
        self.get_all(&mut facts, claims).await;
        if let Some(claim) = facts.get(&claim).cloned() {
            self.knows_claim(&mut facts, &claim, namespace).await;
        }
        if target.is_some() {
            self.list_all(&mut facts, &[Kind::Pod], namespace).await;
        }
        facts
    }

    /// Reads the other half of a claim and its volume, and whether deleting one of them loses a release's data.
    pub async fn deletion_facts(&self, deleted: &Object, kind: Kind) -> Facts {
        let mut facts = Facts::default();
        facts.insert(kind, deleted.clone().into());
        let other = match kind {
            Kind::PersistentVolume => named_claim(deleted),
            Kind::PersistentVolumeClaim => named_volume(deleted),
            _ => None,
        };
        self.get_all(&mut facts, other).await;
        let volume = facts.of_kind(Kind::PersistentVolume).next();
        let claim = facts.of_kind(Kind::PersistentVolumeClaim).next().cloned();
        if let (Some(volume), Some(claim)) = (volume, claim)
            && !is_retained(volume)
            && holds_data(&claim)
            && let Some(namespace) = claim.namespace()
        {
            self.knows_claim(&mut facts, &claim, namespace).await;
            let namespace = ObjectRef::new(Kind::Namespace, "", namespace);
            self.get_all(&mut facts, [namespace]).await;
        }
        facts
    }

    /// Reads, for a changed claimRef, the volume's old state, both claims, and the pods that may use them.
    pub async fn rebind_facts(&self, before: &Object, after: &Object) -> Facts {
        let mut facts = self.volume_facts(before).await;
        facts.insert(Kind::PersistentVolume, before.clone().into());
        let text = |volume: &Object, field: &str| {
            let pointer = format!("/spec/claimRef/{field}");
            volume.str(&pointer).unwrap_or_default().to_owned()
        };
        let (old, new) = (text(before, "namespace"), text(after, "namespace"));
        let target = ObjectRef::new(Kind::PersistentVolumeClaim, &new, &text(after, "name"));
        self.get_all(&mut facts, [target].into_iter().filter(|_| !new.is_empty()))
            .await;
        self.list_all(&mut facts, &[Kind::Pod], &old).await;
        facts
    }

    /// Reads the source claim of a clone, what mounts it, and the pods that may use it.
    pub async fn clone_facts(&self, clone: &Object, namespace: &str) -> Facts {
        let mut facts = Facts::default();
        let source = clone_source(clone)
            .map(|source| ObjectRef::new(Kind::PersistentVolumeClaim, namespace, source));
        let Some(source) = source else {
            return facts;
        };
        let Some(claim) = self.live(&mut facts, &source).await else {
            return facts;
        };
        self.list_all(&mut facts, &[Kind::StatefulSet, Kind::Pod], namespace)
            .await;
        self.knows_claim(&mut facts, &claim, namespace).await;
        facts
    }

    /// Reads the volumes that wait for a claim.
    ///
    /// A handed-over volume is still named by its former claim, so the claims of the namespace lead to it. Who handed it
    /// over has seen that claim on its volume, so the API server's cache shows it; the volume itself is read by its name.
    /// With Elasticsearch, the guide may have had the old claim deleted: only then are all volumes of the cluster read.
    pub async fn volumes_for(&self, claim: &Object, namespace: &str) -> Facts {
        let mut read = Facts::default();
        let claims = match self.of_ordinal(claim, namespace).await {
            Ok(claims) => claims,
            Err(error) => {
                let all = Wanted::All(Kind::PersistentVolumeClaim, namespace.to_owned());
                read.insert_gap(all, error.to_string());
                Vec::new()
            }
        };
        let (bound, unbound): (Vec<_>, Vec<_>) = claims
            .iter()
            .partition(|other| named_volume(other).is_some());
        // They may have been bound a moment ago. A claim that is bound stays on its volume.
        let reference = |other: &Arc<Object>| {
            ObjectRef::new(Kind::PersistentVolumeClaim, namespace, other.name())
        };
        let unbound: Vec<_> = unbound.into_iter().map(reference).collect();
        self.get_all(&mut read, unbound).await;
        let bound_since = read.claims(namespace).filter_map(named_volume);
        let handed_over = bound.into_iter().filter_map(|it| named_volume(it));
        let volumes: Vec<_> = handed_over.chain(bound_since).collect();
        self.get_all(&mut read, volumes).await;
        let waits = |volume: &&Object| names_claim(volume, namespace, claim.name());
        let elasticsearch = Component::of(claim, None) == Component::Elasticsearch;
        if elasticsearch && read.of_kind(Kind::PersistentVolume).find(waits).is_none() {
            self.waiting_for(&mut read, claim, namespace).await;
        }
        let by_hand = read
            .of_kind(Kind::PersistentVolume)
            .filter(waits)
            .any(|volume| volume.annotation(REBOUND_FROM).is_none());
        if by_hand {
            self.knows_release(&mut read, claim).await;
        }
        read
    }

    /// Reads the namespace itself.
    pub async fn namespace_facts(&self, namespace: &str) -> Facts {
        let mut facts = Facts::default();
        self.get_all(&mut facts, [ObjectRef::new(Kind::Namespace, "", namespace)])
            .await;
        facts
    }
}
