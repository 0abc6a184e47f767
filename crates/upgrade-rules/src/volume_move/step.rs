//! One thing to do, what it says of itself, and the rights that it takes.

use std::fmt;

use serde_json::{Value, json};

use super::amend::{self, Move};
use crate::{
    annotations::REBIND_TO,
    finding::{Command, Fix, Kubectl, Moment, Objects},
    knowledge::claims::claim_ref,
    kubernetes::{Access, Kind, ObjectRef},
};

/// One thing to do to the cluster, or to wait for.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A volume outlives its claim.
    Retain {
        /// The volume.
        volume: String,
        /// Its policy.
        policy: String,
    },
    /// A StatefulSet leaves its claims alone when it is scaled down or deleted.
    KeepClaims {
        /// The StatefulSet.
        statefulset: String,
    },
    /// A claim has no owner with which it would be deleted.
    Disown {
        /// The claim.
        claim: String,
    },
    /// A StatefulSet has no pods.
    Stop {
        /// The StatefulSet.
        statefulset: String,
        /// Its number of replicas.
        replicas: u64,
    },
    /// No pod uses the claims any more.
    AwaitPods {
        /// The claims.
        claims: Vec<String>,
        /// The pods that a StatefulSet has for them.
        pods: Vec<String>,
    },
    /// A volume goes to the new claim.
    HandOver {
        /// The volume.
        volume: String,
        /// The old and the new claim.
        moved: Move,
    },
    /// A volume goes back to the old claim.
    HandBack {
        /// The volume.
        volume: String,
        /// The old and the new claim.
        moved: Move,
    },
    /// A deleted claim exists again, for its volume.
    Remake {
        /// The claim.
        claim: Value,
        /// Its name.
        name: String,
        /// Its volume.
        volume: String,
    },
    /// A claim is Bound.
    AwaitBound {
        /// The claim.
        claim: String,
        /// Its volume.
        volume: String,
    },
    /// A volume has lost the notes of its move.
    Restore {
        /// The volume.
        volume: String,
        /// The claim that it belongs to.
        claim: String,
        /// The policy that it had.
        policy: Option<String>,
    },
    /// A claim has labels.
    Label {
        /// The claim.
        claim: String,
        /// The labels.
        labels: Vec<(String, String)>,
    },
    /// A StatefulSet is deleted, and its pods stay.
    DeleteStatefulSet {
        /// The StatefulSet.
        statefulset: String,
        /// Its uid.
        uid: String,
    },
}

/// Formats the step as a line of a plan or of a log.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Retain { volume, policy } => {
                write!(
                    f,
                    "volume {volume}: reclaim policy Retain in place of {policy}"
                )
            }
            Step::KeepClaims { statefulset } => write!(
                f,
                "StatefulSet {statefulset}: its claims stay when it is scaled down or deleted"
            ),
            Step::Disown { claim } => write!(f, "claim {claim}: no owner that takes it along"),
            Step::Stop {
                statefulset,
                replicas,
            } => write!(
                f,
                "StatefulSet {statefulset}: from {replicas} to 0 pods; Elasticsearch is down from here on"
            ),
            Step::AwaitPods { claims, .. } => {
                write!(f, "wait until no pod uses {}", claims.join(", "))
            }
            Step::HandOver { volume, moved } => write!(
                f,
                "volume {volume}: from claim {} to {}",
                moved.from, moved.to
            ),
            Step::HandBack { volume, moved } => write!(
                f,
                "volume {volume}: back from claim {} to {}",
                moved.from, moved.to
            ),
            Step::Remake { name, volume, .. } => {
                write!(f, "claim {name}: made again, over volume {volume}")
            }
            Step::AwaitBound { claim, volume } => {
                write!(f, "wait until claim {claim} is Bound to volume {volume}")
            }
            Step::Restore { volume, policy, .. } => {
                write!(f, "volume {volume}: {}", restored(policy.as_deref()))
            }
            Step::Label { claim, labels } => write!(f, "claim {claim}: labels {}", listed(labels)),
            Step::DeleteStatefulSet { statefulset, .. } => write!(
                f,
                "StatefulSet {statefulset}: deleted without its pods and claims"
            ),
        }
    }
}

/// Says how a volume is after a move: it has its own policy again, or it only has no note of the claim.
fn restored(policy: Option<&str>) -> String {
    match policy {
        Some(policy) => format!("reclaim policy {policy} again"),
        None => "no note of the claim that it was meant for".to_owned(),
    }
}

/// Writes the labels one after the other, as kubectl takes them.
fn listed(labels: &[(String, String)]) -> String {
    let labels = labels.iter().map(|(key, value)| format!("{key}={value}"));
    labels.collect::<Vec<_>>().join(" ")
}

/// The helper of a person who types the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// The guard: it retains a volume and sets its claimRef for one annotation.
    Guarded,
    /// Nobody: only commands that every API server understands.
    ByHand,
}

impl Step {
    /// Returns the commands that a person types for this step; none for the steps that only the guard's own commands take.
    pub(crate) fn commands(&self, namespace: &str, typed: Typed) -> Vec<Command> {
        let guarded = typed == Typed::Guarded;
        let on = |kind, name: &str| Objects::new(kind, namespace, [name]);
        match self {
            Step::Retain { .. } if guarded => Vec::new(),
            Step::Retain { volume, .. } => {
                vec![
                    on(Kind::PersistentVolume, volume)
                        .patch(amend::retain())
                        .into(),
                ]
            }
            Step::KeepClaims { statefulset } => {
                let set = on(Kind::StatefulSet, statefulset);
                vec![set.merge(amend::leave_claims()).into()]
            }
            Step::Disown { claim } => {
                let claim = on(Kind::PersistentVolumeClaim, claim);
                vec![claim.merge(amend::disown()).into()]
            }
            Step::Stop { statefulset, .. } => {
                vec![on(Kind::StatefulSet, statefulset).scale(0).into()]
            }
            Step::AwaitPods { pods, .. } => {
                let pods = pods.iter().map(String::as_str);
                vec![Kubectl::await_gone(namespace, pods).into()]
            }
            Step::HandOver { volume, moved } if guarded => {
                let to = format!("{}/{}", moved.namespace, moved.to);
                let volume = on(Kind::PersistentVolume, volume);
                vec![volume.annotate(&[(REBIND_TO, &to)]).into()]
            }
            Step::HandOver { volume, moved } => {
                // Of another claim's uid or resourceVersion nothing may stay.
                let claim_ref = claim_ref(&moved.namespace, &moved.to);
                let patch =
                    json!([{"op": "replace", "path": "/spec/claimRef", "value": claim_ref}]);
                let policy = "jsonpath={.spec.persistentVolumeReclaimPolicy}";
                let get = Kubectl::new("", ["get", "pv", volume, "-o", policy]);
                let retained = Command::Shell(format!("test \"$({get})\" = Retain"));
                let volume = on(Kind::PersistentVolume, volume);
                vec![retained, volume.json_patch(patch).into()]
            }
            Step::HandBack { .. }
            | Step::Remake { .. }
            | Step::AwaitBound { .. }
            | Step::Restore { .. } => Vec::new(),
            Step::Label { claim, labels } => {
                let labels: Vec<_> = labels
                    .iter()
                    .map(|(key, value)| (&**key, &**value))
                    .collect();
                vec![on(Kind::PersistentVolumeClaim, claim).label(&labels).into()]
            }
            Step::DeleteStatefulSet { statefulset, .. } => {
                vec![on(Kind::StatefulSet, statefulset).delete_alone().into()]
            }
        }
    }

    /// Whether the step only waits.
    pub fn waits(&self) -> bool {
        matches!(self, Step::AwaitPods { .. } | Step::AwaitBound { .. })
    }

    /// The step as refusals and plans have theirs, with what a person without the guard types for it.
    pub fn fix(&self, namespace: &str) -> Fix {
        let moment = match self {
            step if step.waits() => Moment::Verify,
            Step::Stop { .. } | Step::DeleteStatefulSet { .. } => Moment::Stop,
            Step::Restore { .. } => Moment::After,
            _ => Moment::Before,
        };
        Fix::new(self.to_string(), self.commands(namespace, Typed::ByHand)).at(moment)
    }

    /// Returns the object that it changes or looks at; `None` if it waits for pods.
    pub fn object(&self, namespace: &str) -> Option<ObjectRef> {
        let (kind, name) = match self {
            Step::Retain { volume, .. }
            | Step::HandOver { volume, .. }
            | Step::HandBack { volume, .. }
            | Step::Restore { volume, .. } => (Kind::PersistentVolume, volume),
            Step::KeepClaims { statefulset }
            | Step::Stop { statefulset, .. }
            | Step::DeleteStatefulSet { statefulset, .. } => (Kind::StatefulSet, statefulset),
            Step::Disown { claim } | Step::AwaitBound { claim, .. } | Step::Label { claim, .. } => {
                (Kind::PersistentVolumeClaim, claim)
            }
            Step::Remake { name, .. } => (Kind::PersistentVolumeClaim, name),
            Step::AwaitPods { .. } => return None,
        };
        Some(ObjectRef::new(kind, namespace, name))
    }

    /// Returns the requests that it makes, besides the lists from which the plan was made.
    pub fn accesses(&self, namespace: &str) -> Vec<Access> {
        let Some(object) = self.object(namespace) else {
            return Vec::new();
        };
        let mut accesses = vec![Access::new("get", &object)];
        accesses.extend(match self {
            Step::Stop { .. } => Some(Access::scale("patch", &object)),
            Step::DeleteStatefulSet { .. } => Some(Access::new("delete", &object)),
            Step::Remake { .. } => Some(Access::new("create", &object)),
            Step::AwaitPods { .. } | Step::AwaitBound { .. } => None,
            _ => Some(Access::new("patch", &object)),
        });
        let claim = match self {
            Step::HandOver { moved, .. } | Step::HandBack { moved, .. } => Some(&moved.to),
            Step::Restore { claim, .. } => Some(claim),
            _ => None,
        };
        accesses.extend(claim.map(|claim| {
            let claim = ObjectRef::new(Kind::PersistentVolumeClaim, namespace, claim);
            Access::new("get", &claim)
        }));
        accesses
    }
}
