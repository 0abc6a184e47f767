//! Steps that wait for pods, claims or deletions.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Done, Runner, StepError};
use crate::volume_move::amend;
use crate::{
    cluster::Effect,
    kubernetes::{Kind, ObjectRef},
};

/// Pause between two reads of the object that is waited for.
const PAUSE: Duration = Duration::from_millis(500);

impl Runner {
    pub(super) async fn await_pods(&self, claims: &[String]) -> Result<Done, StepError> {
        if self.effect == Effect::DryRun {
            return Ok(Done::Later("nothing was stopped"));
        }
        let deadline = Instant::now() + self.patience;
        loop {
            let pods = self.pods_using(claims).await?;
            if pods.is_empty() {
                return Ok(Done::Done);
            }
            if Instant::now() >= deadline {
                return Err(StepError::StillUsed(pods));
            }
            sleep(PAUSE).await;
        }
    }

    pub(super) async fn await_bound(&self, claim: &str, volume: &str) -> Result<Done, StepError> {
        if self.effect == Effect::DryRun {
            return Ok(Done::Later("nothing was handed back"));
        }
        let volume = ObjectRef::new(Kind::PersistentVolume, "", volume);
        let claim = self.claim(claim);
        let deadline = Instant::now() + self.patience;
        loop {
            let read = self.cluster.need(&claim).await?;
            let owned = self.cluster.need(&volume).await?;
            if let (Some(read), Some(owned)) = (&read, &owned)
                && amend::is_bound(read, owned)
            {
                return Ok(Done::Done);
            }
            if Instant::now() >= deadline {
                let phase = read.as_deref().and_then(|read| read.str("/status/phase"));
                let phase = phase.map(str::to_owned);
                return Err(StepError::NotBound { claim, phase });
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits until an object is gone; the garbage collector releases its dependents first.
    pub(super) async fn await_gone(
        &self,
        reference: ObjectRef,
        uid: &str,
    ) -> Result<Done, StepError> {
        let deadline = Instant::now() + self.patience;
        while let Some(object) = self.cluster.need(&reference).await? {
            if object.uid() != Some(uid) {
                break;
            }
            if Instant::now() >= deadline {
                return Err(StepError::StillThere(reference));
            }
            sleep(PAUSE).await;
        }
        Ok(Done::Done)
    }
}
