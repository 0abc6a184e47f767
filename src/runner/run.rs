//! Executes the steps of a plan; skips what is already done, and reads again what it has changed.

use std::time::Duration;

use serde_json::Value;

use super::{StepError, read::pods};
use crate::volume_move::{Step, Taken, amend};
use crate::{
    cluster::{Cluster, Effect, LiveCluster, Patch, Unread, WriteError},
    kubernetes::{Kind, Object, ObjectRef, replicas},
};

/// Number of tries of a step on an object that others change at the same time, or revert.
const ATTEMPTS: usize = 8;

/// Executes steps in one namespace.
pub struct Runner {
    live: LiveCluster,
    pub(super) cluster: Cluster,
    namespace: String,
    pub(super) effect: Effect,
    pub(super) patience: Duration,
}

/// The outcome of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The object is as the step wants it.
    Done,
    /// Dry run: the API server would accept the step.
    Tried,
    /// The step can't be tried before earlier steps are really done; the reason.
    Later(&'static str),
    /// Done, with this reservation.
    But(String),
}

impl Runner {
    /// Creates a runner whose waiting steps each wait for at most `patience`.
    pub fn new(live: LiveCluster, namespace: &str, effect: Effect, patience: Duration) -> Self {
        Self {
            cluster: Cluster::Live(live.clone()),
            live,
            namespace: namespace.to_owned(),
            effect,
            patience,
        }
    }

    /// Executes one step.
    ///
    /// # Errors
    /// When it can't be done, or does not stay done.
    pub async fn run(&self, step: &Step) -> Result<Done, StepError> {
        match step {
            Step::Retain { .. } => self.amend(step, |volume| Ok(amend::retained(volume))).await,
            Step::KeepClaims { .. } => self.amend(step, |set| Ok(amend::keeping_claims(set))).await,
            Step::Disown { .. } => self.amend(step, |claim| Ok(amend::disowned(claim))).await,
            Step::Label { labels, .. } => {
                self.amend(step, |claim| Ok(amend::labelled(claim, labels)))
                    .await
            }
            Step::Stop { .. } => self.stop(step).await,
            Step::AwaitPods { claims, .. } => self.await_pods(claims).await,
            Step::HandOver { volume, moved } => {
                let pods = self.pods_using(std::slice::from_ref(&moved.from)).await?;
                let used = !pods.is_empty();
                if used && self.effect == Effect::Stored {
                    let claim = moved.from.clone();
                    return Err(StepError::UsedAgain { claim, pods });
                }
                self.free_for(&moved.to, volume).await?;
                let done = self.amend(step, |volume| amend::handed_over(volume, moved));
                match done.await {
                    // The guard's webhook checks the same, against a cluster in which no earlier step was really
                    // done.
                    Err(_) if used && self.effect == Effect::DryRun => {
                        Ok(Done::Later("it can be tried once the pods are gone"))
                    }
                    done => done,
                }
            }
            Step::HandBack { volume, moved } => {
                let new = self.cluster.need(&self.claim(&moved.from)).await?;
                let took = new.is_some_and(|new| new.str("/spec/volumeName") == Some(volume));
                if took {
                    let (claim, volume) = (moved.from.clone(), volume.clone());
                    return Err(StepError::Bound { claim, volume });
                }
                self.amend(step, |volume| amend::handed_back(volume, moved))
                    .await
            }
            Step::Remake { claim, volume, .. } => self.remake(step, claim, volume).await,
            Step::AwaitBound { claim, volume } => self.await_bound(claim, volume).await,
            Step::Restore { claim, policy, .. } => {
                self.restore(step, claim, policy.as_deref()).await
            }
            Step::DeleteStatefulSet { uid, .. } => self.delete(step, uid).await,
        }
    }

    /// Patches an object until nothing is missing, each time only over the version that was read.
    async fn amend(
        &self,
        step: &Step,
        missing: impl Fn(&Object) -> Result<Option<Value>, Taken>,
    ) -> Result<Done, StepError> {
        let reference = self.object(step)?;
        for _ in 0..ATTEMPTS {
            let Some(object) = self.cluster.need(&reference).await? else {
                return Err(StepError::Gone(reference));
            };
            let mut patch = match missing(&object) {
                Ok(Some(patch)) => patch,
                Ok(None) => return Ok(Done::Done),
                Err(taken) => return Err(StepError::Taken(reference, taken)),
            };
            patch["metadata"]["resourceVersion"] =
                object.at("/metadata/resourceVersion").cloned().into();
            let patched = self
                .live
                .patch(&reference, Patch::Merge(&patch), self.effect)
                .await;
            match patched {
                Ok(_) if self.effect == Effect::DryRun => return Ok(Done::Tried),
                // The next read shows whether it worked.
                Ok(_) | Err(WriteError::Changed(_)) => {}
                Err(error) => return Err(cannot(format!("patch {reference}"), error)),
            }
        }
        Err(StepError::SetBack(reference))
    }

    async fn stop(&self, step: &Step) -> Result<Done, StepError> {
        let reference = self.object(step)?;
        let scaled = self.live.scale(&reference, 0, self.effect).await;
        scaled.map_err(|error| cannot(format!("scale {reference} to 0"), error))?;
        if self.effect == Effect::DryRun {
            return Ok(Done::Tried);
        }
        match self.cluster.need(&reference).await? {
            Some(set) if replicas(&set) > 0 => Err(StepError::ScaledBack(reference)),
            _ => Ok(Done::Done),
        }
    }

    async fn remake(&self, step: &Step, claim: &Value, volume: &str) -> Result<Done, StepError> {
        let reference = self.object(step)?;
        match self.live.create(&reference, claim, self.effect).await {
            Ok(_) if self.effect == Effect::DryRun => return Ok(Done::Tried),
            Ok(_) | Err(WriteError::Exists) => {}
            Err(error) => return Err(cannot(format!("create {reference}"), error)),
        }
        match self.cluster.need(&reference).await? {
            Some(made) if made.str("/spec/volumeName") == Some(volume) => Ok(Done::Done),
            _ => Err(StepError::MadeByOthers(reference)),
        }
    }

    async fn restore(
        &self,
        step: &Step,
        claim: &str,
        policy: Option<&str>,
    ) -> Result<Done, StepError> {
        let owner = self.cluster.need(&self.claim(claim)).await?;
        let done = self
            .amend(step, |volume| Ok(amend::restored(volume, owner.as_deref())))
            .await?;
        if done != Done::Done {
            return Ok(done);
        }
        let volume = self.cluster.need(&self.object(step)?).await?;
        let now = volume
            .as_deref()
            .and_then(|volume| volume.str("/spec/persistentVolumeReclaimPolicy"));
        match policy.filter(|policy| now != Some(policy)) {
            Some(policy) => Ok(Done::But(format!(
                "reclaim policy {} stays: {policy} would not be safe, or a guard does not let it be",
                now.unwrap_or("Retain")
            ))),
            None => Ok(Done::Done),
        }
    }

    async fn delete(&self, step: &Step, uid: &str) -> Result<Done, StepError> {
        let reference = self.object(step)?;
        match self.live.delete(&reference, uid, true, self.effect).await {
            Ok(()) if self.effect == Effect::DryRun => return Ok(Done::Tried),
            Ok(()) | Err(WriteError::Missing) => {}
            Err(error) => return Err(cannot(format!("delete {reference}"), error)),
        }
        self.await_gone(reference, uid).await
    }

    /// Checks that no other volume is bound to the claim: one that somebody created meanwhile would start empty or
    /// mix data.
    async fn free_for(&self, claim: &str, volume: &str) -> Result<(), StepError> {
        let read = self.cluster.need(&self.claim(claim)).await?;
        let other = read
            .as_deref()
            .and_then(|claim| claim.str("/spec/volumeName"))
            .filter(|other| !other.is_empty() && *other != volume);
        match other {
            Some(other) => Err(StepError::Occupied {
                claim: claim.to_owned(),
                other: other.to_owned(),
            }),
            None => Ok(()),
        }
    }

    pub(super) async fn pods_using(&self, claims: &[String]) -> Result<Vec<String>, Unread> {
        let pods = pods(&self.cluster, &self.namespace).await?;
        let mut using: Vec<_> = claims
            .iter()
            .flat_map(|claim| pods.pods_using(&self.namespace, claim))
            .map(str::to_owned)
            .collect();
        using.sort();
        using.dedup();
        Ok(using)
    }

    pub(super) fn claim(&self, name: &str) -> ObjectRef {
        ObjectRef::new(Kind::PersistentVolumeClaim, &self.namespace, name)
    }

    fn object(&self, step: &Step) -> Result<ObjectRef, StepError> {
        step.object(&self.namespace).ok_or(StepError::NoObject)
    }
}

fn cannot(what: String, error: WriteError) -> StepError {
    StepError::Write { what, error }
}
