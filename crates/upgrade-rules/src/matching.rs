//! The requests about single objects that rules and mutations judge. The API server asks the guard about no others.

mod conditions;

pub use self::conditions::{CONTROLLERS, label_is};

/// Requests that the API server tells by resource and operation, and by conditions that all must hold.
pub struct Match {
    /// Its name; the webhook's begins with it.
    pub name: &'static str,
    /// The resources and the operations.
    pub rules: &'static [MatchRule],
    /// A name, and the function that returns the CEL expression.
    pub conditions: &'static [Condition],
    /// Whether the objects have a namespace.
    pub namespaced: bool,
    /// When the API server asks.
    pub phase: Phase,
}

/// When the API server asks: it changes an object, then validates it itself, then has it validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the API server refuses changes of immutable fields in words of its own.
    Mutating,
    /// Once the object is what would be stored.
    Validating,
}

/// An API group, its resources and the operations.
pub type MatchRule = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// The name of a condition, and the function that returns its CEL expression.
pub type Condition = (&'static str, fn() -> String);

/// What nobody deletes, and no controller writes.
pub const NOT_BEING_DELETED: Condition = ("not-being-deleted", conditions::not_being_deleted);
const NOT_TIDIED_UP: Condition = ("not-tidied-up", conditions::not_tidied_up);

/// Secrets with a credential that a chart generates or reads.
pub const SECRETS: Match = Match {
    name: "secrets",
    rules: &[("", &["secrets"], &["CREATE", "UPDATE"])],
    conditions: &[
        ("generated-credential", conditions::generated_credential),
        NOT_BEING_DELETED,
    ],
    namespaced: true,
    phase: Phase::Validating,
};

/// Deletions of such Secrets.
pub const SECRET_DELETIONS: Match = Match {
    name: "secret-deletions",
    rules: &[("", &["secrets"], &["DELETE"])],
    conditions: &[
        ("credential", conditions::deleted_credential),
        ("not-a-controller", conditions::not_a_controller),
    ],
    namespaced: true,
    phase: Phase::Validating,
};

/// New StatefulSets of Elasticsearch.
pub const STATEFULSETS: Match = Match {
    name: "statefulsets",
    rules: &[("apps", &["statefulsets"], &["CREATE"])],
    conditions: &[("elasticsearch", conditions::elasticsearch)],
    namespaced: true,
    phase: Phase::Validating,
};

/// New claims that clone one of Elasticsearch's.
pub const CLONES: Match = Match {
    name: "clones",
    rules: &[("", &["persistentvolumeclaims"], &["CREATE"])],
    conditions: &[("clone", conditions::elasticsearch_clone)],
    namespaced: true,
    phase: Phase::Validating,
};

/// Deletions of claims with data.
pub const CLAIM_DELETIONS: Match = Match {
    name: "claim-deletions",
    rules: &[("", &["persistentvolumeclaims"], &["DELETE"])],
    conditions: &[("bound-claim", conditions::bound_claim), NOT_TIDIED_UP],
    namespaced: true,
    phase: Phase::Validating,
};

/// Deletions of the volumes of such claims.
pub const VOLUME_DELETIONS: Match = Match {
    name: "volume-deletions",
    rules: &[("", &["persistentvolumes"], &["DELETE"])],
    conditions: &[("bound-volume", conditions::bound_volume), NOT_TIDIED_UP],
    namespaced: false,
    phase: Phase::Validating,
};

/// Volumes that get another claim.
pub const REBINDINGS: Match = Match {
    name: "rebindings",
    rules: &[("", &["persistentvolumes"], &["UPDATE"])],
    conditions: &[
        ("claim-changed", conditions::claim_changed),
        NOT_BEING_DELETED,
    ],
    namespaced: false,
    phase: Phase::Validating,
};

/// Fewer pods by `kubectl scale`. An edit of the StatefulSet itself is one of [`WORKLOADS`].
pub const SCALES: Match = Match {
    name: "scales",
    rules: &[("apps", &["statefulsets/scale"], &["UPDATE"])],
    conditions: &[("pods-reduced", conditions::pods_reduced)],
    namespaced: true,
    phase: Phase::Validating,
};

/// Changed workloads, and new StatefulSets.
pub const WORKLOADS: Match = Match {
    name: "workloads",
    rules: &[
        ("apps", &["statefulsets"], &["CREATE", "UPDATE"]),
        ("apps", &["deployments"], &["UPDATE"]),
        ("batch", &["jobs"], &["UPDATE"]),
    ],
    conditions: &[
        ("camunda-workload", conditions::camunda_workload),
        ("spec-changed", conditions::spec_changed),
        NOT_BEING_DELETED,
    ],
    namespaced: true,
    phase: Phase::Mutating,
};

/// New claims without a volume.
pub const CLAIMS: Match = Match {
    name: "claims",
    rules: &[("", &["persistentvolumeclaims"], &["CREATE"])],
    conditions: &[("camunda-claim", conditions::camunda_claim)],
    namespaced: true,
    phase: Phase::Mutating,
};

/// Volumes whose claim or reclaim policy changes, or that are to be handed over.
pub const VOLUMES: Match = Match {
    name: "volumes",
    rules: &[("", &["persistentvolumes"], &["CREATE", "UPDATE"])],
    conditions: &[
        ("camunda-volume", conditions::camunda_volume),
        NOT_BEING_DELETED,
    ],
    namespaced: false,
    phase: Phase::Mutating,
};
