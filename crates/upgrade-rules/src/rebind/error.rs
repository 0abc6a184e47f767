//! Reasons why volumes can't be moved.

/// The reasons why nothing can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing was changed:\n  {}", lines(.0))]
pub struct Blocked(pub Vec<Obstacle>);

/// One reason why a plan is not to be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// The claims are mounted by more than one StatefulSet.
    #[error("Claims {0} and {1} are of two StatefulSets; which of them is to go on can't be told.")]
    TwoStatefulSets(String, String),
    /// Another release has the StatefulSet.
    #[error("StatefulSet {statefulset} belongs to release {owner}, not to {release}.")]
    OtherRelease {
        /// The StatefulSet.
        statefulset: String,
        /// The release that has it.
        owner: String,
        /// The release that is planned for.
        release: String,
    },
    /// Pods use the claims, and nothing can be scaled down for them to end.
    #[error(
        "Pods {} use the claims, and there is no StatefulSet {statefulset} to scale down; delete them: kubectl -n {namespace} delete pod {}",
        .pods.join(", "), .pods.join(" ")
    )]
    LonePods {
        /// Their names.
        pods: Vec<String>,
        /// The StatefulSet that is gone.
        statefulset: String,
        /// The namespace of all.
        namespace: String,
    },
    /// Another volume waits for the claim that a volume is to go to.
    #[error("Volume {volume} is to be claim {to}'s, and volume {waiting} waits for that already.")]
    Awaited {
        /// The volume that is to move.
        volume: String,
        /// The claim.
        to: String,
        /// The other volume.
        waiting: String,
    },
    /// The claimRef has the uid of a claim that was deleted.
    #[error(
        "Volume {volume} belongs to an earlier claim {claim}, not to the one that is there now."
    )]
    EarlierClaim {
        /// The volume.
        volume: String,
        /// The name of both claims.
        claim: String,
    },
    /// The claimRef names neither claim.
    #[error("Volume {volume} of claim {from} is {now}'s by now, not {to}'s.")]
    Elsewhere {
        /// The volume.
        volume: String,
        /// The claim that it was of.
        from: String,
        /// Its current owner.
        now: String,
        /// The claim that it was to go to.
        to: String,
    },
    /// A guard would not set the claimRef.
    #[error("Volume {volume}: {why}")]
    Guarded {
        /// The volume.
        volume: String,
        /// The guard's words.
        why: String,
    },
    /// The new claim that the volume was bound to is deleted.
    #[error(
        "Volume {volume} was claim {claim}'s, which is gone; it holds what that claim's Elasticsearch wrote last."
    )]
    NewClaimGone {
        /// The volume.
        volume: String,
        /// The new claim.
        claim: String,
    },
    /// The old claim was made anew and is not on the volume.
    #[error(
        "Claim {claim} is another one than that which volume {volume} was taken from: it {}. Delete it first if it holds nothing: kubectl -n {namespace} delete pvc {claim}",
        .other.as_ref().map_or("has no volume yet".to_owned(), |other| format!("is on volume {other}"))
    )]
    OtherClaim {
        /// The old claim.
        claim: String,
        /// The volume that it had.
        volume: String,
        /// The volume that it has.
        other: Option<String>,
        /// Its namespace.
        namespace: String,
    },
    /// The new claim was bound to the volume.
    #[error(
        "Claim {claim} has had volume {volume} already. The new Elasticsearch may have written to it, and the one before can't read that: restore a backup to go back."
    )]
    WasBound {
        /// The new claim.
        claim: String,
        /// The volume.
        volume: String,
    },
}

/// The reason why no release can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// The namespace has no release.
    #[error("namespace {0} has no Camunda release at all; -n names another one")]
    NoReleases(String),
    /// The namespace does not have the release that is asked for.
    #[error("namespace {namespace} has no Camunda release {asked}, only {}", .others.join(", "))]
    NoRelease {
        /// The namespace.
        namespace: String,
        /// The release.
        asked: String,
        /// The releases that it has.
        others: Vec<String>,
    },
    /// The release that is asked for has not what it takes.
    #[error("release {asked} in namespace {namespace} has no {what}")]
    Unfit {
        /// The namespace.
        namespace: String,
        /// The release.
        asked: String,
        /// The required objects, in words.
        what: &'static str,
    },
    /// No release has what it takes.
    #[error("no Camunda release in namespace {namespace} has {what}; -n names another namespace")]
    NoneFits {
        /// The namespace.
        namespace: String,
        /// The required objects, in words.
        what: &'static str,
    },
    /// More than one release has what it takes.
    #[error(
        "{} releases in namespace {namespace} have {what}: {}; say which: camunda-upgrade-guard {command} {}",
        .fitting.len(), .fitting.join(", "), .fitting[0]
    )]
    Several {
        /// The namespace.
        namespace: String,
        /// The required objects, in words.
        what: &'static str,
        /// The command that was typed.
        command: &'static str,
        /// The releases; there are two at least.
        fitting: Vec<String>,
    },
}

fn lines(obstacles: &[Obstacle]) -> String {
    let lines: Vec<_> = obstacles.iter().map(ToString::to_string).collect();
    lines.join("\n  ")
}
