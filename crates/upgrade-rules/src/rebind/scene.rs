//! The claims, volumes, StatefulSets and pods of a namespace, and the releases that own them.

use std::collections::BTreeSet;

use super::{ChoiceError, Obstacle, new_ordinal};
use crate::{
    annotations::REBOUND_FROM,
    camunda::release_label,
    change::Facts,
    knowledge::claims::old_claim,
    kubernetes::{Kind, Object, namespace_and_name},
};

/// The input of a plan.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The namespace.
    pub namespace: String,
    /// Claims, StatefulSets and all volumes, and which releases are Camunda's.
    pub facts: Facts,
    /// The pods.
    pub pods: Facts,
    /// The Camunda releases of the namespace.
    pub releases: BTreeSet<String>,
}

/// A claim of elastic's chart.
#[derive(Clone, Copy, Debug)]
pub struct OldClaim<'a> {
    /// The claim.
    pub claim: &'a Object,
    /// The StatefulSet that mounts it, or did.
    pub statefulset: &'a str,
    /// The ordinal of the pod that mounts it.
    pub ordinal: u64,
}

impl Scene {
    /// The claims that elastic's chart made in a release, by their ordinals.
    pub fn old_claims(&self, release: &str) -> Vec<OldClaim<'_>> {
        let mut claims: Vec<_> = self
            .facts
            .claims(&self.namespace)
            .filter(|claim| self.facts.release_of(claim) == Some(release))
            .filter(|claim| {
                let set = self.facts.mounting(claim);
                is_elastics(claim) || set.is_some_and(is_elastics)
            })
            .filter_map(|claim| {
                let (statefulset, ordinal) = old_claim(claim.name())?;
                Some(OldClaim {
                    claim,
                    statefulset,
                    ordinal,
                })
            })
            .collect();
        claims.sort_by_key(|old| old.ordinal);
        claims
    }

    /// The volumes that were claims' of elastic's chart and are meant for others, with the names of the former.
    pub fn rebound(&self) -> impl Iterator<Item = (&Object, &str)> {
        self.facts
            .of_kind(Kind::PersistentVolume)
            .filter_map(|volume| {
                let (namespace, claim) = namespace_and_name(volume.annotation(REBOUND_FROM)?)?;
                old_claim(claim)?;
                (namespace == self.namespace).then_some((volume, claim))
            })
    }

    /// The claim of this namespace that a volume's claimRef names.
    pub fn claim_in<'a>(&self, volume: &'a Object) -> Option<&'a str> {
        let here = volume.str("/spec/claimRef/namespace") == Some(&self.namespace);
        volume.str("/spec/claimRef/name").filter(|_| here)
    }

    /// Whether a release has claims of elastic's chart, or volumes that were taken from such claims.
    pub fn has_old_claims(&self, release: &str, statefulset: &str) -> bool {
        let mut rebound = self.rebound();
        !self.old_claims(release).is_empty()
            || rebound.any(|(volume, _)| {
                let claim = self.claim_in(volume);
                claim.is_some_and(|claim| new_ordinal(statefulset, claim).is_some())
            })
    }

    /// Elastic's StatefulSet of a release.
    ///
    /// # Errors
    /// When it is another release's.
    pub fn statefulset(&self, name: &str, release: &str) -> Result<Option<&Object>, Obstacle> {
        let set = self.facts.named(Kind::StatefulSet, &self.namespace, name);
        match set.and_then(release_label) {
            Some(owner) if owner != release => Err(Obstacle::OtherRelease {
                statefulset: name.to_owned(),
                owner: owner.to_owned(),
                release: release.to_owned(),
            }),
            _ => Ok(set),
        }
    }

    /// The pods that use claims, terminating ones included.
    pub fn pods_using<'a>(&'a self, claims: &[&str]) -> BTreeSet<&'a str> {
        claims
            .iter()
            .flat_map(|claim| self.pods.pods_using(&self.namespace, claim))
            .collect()
    }

    /// Chooses the release: the one that is asked for, else the only one that fits.
    ///
    /// # Errors
    /// When there is none or more than one; `what` is what the fitting ones have, `command` what was typed.
    pub fn choose(
        &self,
        asked: Option<&str>,
        command: &'static str,
        what: &'static str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String, ChoiceError> {
        let namespace = self.namespace.clone();
        if let Some(asked) = asked.map(str::to_owned) {
            return Err(match self.releases.contains(&asked) {
                true if fits(&asked) => return Ok(asked),
                true => ChoiceError::Unfit {
                    namespace,
                    asked,
                    what,
                },
                false if self.releases.is_empty() => ChoiceError::NoReleases(namespace),
                false => ChoiceError::NoRelease {
                    namespace,
                    asked,
                    others: self.releases.iter().cloned().collect(),
                },
            });
        }
        let fitting = self.releases.iter().filter(|release| fits(release));
        let fitting: Vec<_> = fitting.cloned().collect();
        match fitting.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(ChoiceError::NoneFits { namespace, what }),
            _ => Err(ChoiceError::Several {
                namespace,
                what,
                command,
                fitting,
            }),
        }
    }
}

/// Whether an object comes from elastic's chart, in any release.
pub(super) fn is_elastics(object: &Object) -> bool {
    object.label("chart") == Some("elasticsearch")
}

/// The name of elastic's StatefulSet, where all of these claims are of that of `first`.
///
/// # Errors
/// When they are of several.
pub(super) fn one_statefulset<'a>(claims: &[OldClaim<'a>]) -> Result<Option<&'a str>, Obstacle> {
    let Some(first) = claims.first() else {
        return Ok(None);
    };
    let mut others = claims.iter();
    match others.find(|old| old.statefulset != first.statefulset) {
        None => Ok(Some(first.statefulset)),
        Some(other) => {
            let [first, other] = [first, other].map(|old| old.claim.name().to_owned());
            Err(Obstacle::TwoStatefulSets(first, other))
        }
    }
}
