//! What the guard knows about Camunda 8's charts.
//!
//! [`Line`] is data: one file per release line under `lines/`, so that a new line is a new file. It tells the
//! [`Application`]s that come with it and the [`Feature`]s that rules ask for.
//! [`Component`] and [`credential`] recognise a chart's objects whatever the release is called and whatever
//! its names were overridden with.

mod application;
mod component;
mod credential;
mod fact;
mod feature;
mod image;
mod line;
pub mod name;
mod newest;
mod restoring;
mod values;

pub use self::{
    application::{Application, ApplicationFact, running_line},
    component::Component,
    credential::{Credential, Supply, credential, looks_up},
    fact::{
        Asked, BackupFact, Becomes, CarriedKey, CredentialFact, Fate, Fixed, Held, MergedValue,
        NamedSecret, Note, Pause, RenamedValue, RenamedVariable, Support, ValueKey, When,
        WorkloadFact,
    },
    feature::Feature,
    image::{image_name, image_version, pre_release, program_version, tag},
    line::Line,
    newest::{Newest, NewestPatches},
    restoring::{RestoreFact, Startup},
    values::{broker_count, bundled, claim_size, node_count},
};

/// The name of Camunda's chart.
pub const CHART: &str = "camunda-platform";

/// The label and value that all of Camunda's own objects carry.
pub const PART_OF: (&str, &str) = ("app.kubernetes.io/part-of", CHART);

/// The label that names the release on Camunda's and on Bitnami's objects.
pub const INSTANCE: &str = "app.kubernetes.io/instance";

/// The annotation by which Helm names the release of an object.
pub const HELM_RELEASE: &str = "meta.helm.sh/release-name";

/// The annotation by which Helm names the namespace of an object's release.
pub const HELM_RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

use crate::kubernetes::Object;

/// Returns the release named by an object's labels; elastic's chart (up to 8.2) uses the label `release`.
pub fn release_label(object: &Object) -> Option<&str> {
    object
        .label(INSTANCE)
        .or_else(|| object.label("release"))
        .filter(|release| !release.is_empty())
}

/// Whether a claim comes from elastic's chart (up to 8.2) in this release.
pub fn is_elastics(claim: &Object, release: &str) -> bool {
    claim.label("chart") == Some("elasticsearch") && release_label(claim) == Some(release)
}

/// Whether an object is one of Camunda's own (not of a bundled database or Keycloak chart).
pub fn is_own(object: &Object) -> bool {
    object.label(PART_OF.0) == Some(PART_OF.1)
}
