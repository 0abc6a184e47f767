//! The parts of a line's data file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Application, Component, RestoreFact};
use crate::finding::RuleId;

/// The value keys that size Zeebe's brokers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerValues {
    /// The key for their number.
    pub count: String,
    /// The key for the size of their volumes.
    pub size: String,
    /// The key for the number of partitions.
    #[serde(default)]
    pub partitions: Option<String>,
}

/// The application that replaces another one from a line on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Becomes {
    /// The replacing application.
    pub application: Application,
    /// The value that switches it on.
    pub value: String,
}

/// A released chart version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// The chart's version.
    pub version: String,
    /// When it was released, as precisely as is known.
    #[serde(default)]
    pub date: Option<String>,
}

/// A patch that should not be installed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discouraged {
    /// The chart's version.
    pub version: String,
    /// The first version without its bugs.
    pub fixed: String,
}

/// Versions of Optimize that fit only some charts of a line, each list with the newest one last.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizePairing {
    /// The chart version that divides the line's charts.
    pub since: String,
    /// The versions of Optimize that fit only the charts before it.
    pub before: Vec<String>,
    /// The versions of Optimize that fit no chart before it.
    pub after: Vec<String>,
}

/// A section of a guide, and its address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    pub section: String,
    pub address: String,
}

/// Immutable fields of workloads, with their values from a patch on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fixed {
    /// The chart version that changes them.
    pub since: String,
    /// The section of the upgrade guide about it.
    #[serde(default)]
    pub guide: Option<Section>,
    /// The workloads, by [`WorkloadFact::name`].
    pub workloads: Vec<String>,
    /// The labels of the selector and of the pods.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
    /// The labels of the claim template; `$RELEASE` stands for the release's name.
    #[serde(default)]
    pub claim_labels: BTreeMap<String, String>,
}

/// Whether a line still gets patches.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Support {
    /// Supported until this day.
    Until(String),
    /// No longer supported.
    Ended,
    /// Not released yet.
    Preview,
}

/// A workload that the chart renders.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFact {
    /// The part of its name after the release's name; without a leading dash, the whole name.
    pub name: String,
    /// `StatefulSet`, `Deployment` or `Job`.
    pub kind: String,
    /// Its component, if rules follow its claims or credentials.
    #[serde(default)]
    pub component: Option<Component>,
    /// The image of its main container, without the registry.
    pub image: String,
    /// The user id that the chart sets; `None` leaves it to the image.
    #[serde(default)]
    pub user: Option<i64>,
    /// The name of its claim template.
    #[serde(default)]
    pub claim: Option<String>,
    /// The default number of pods, if it has claims.
    #[serde(default)]
    pub replicas: Option<u64>,
    /// The default size of each claim.
    #[serde(default)]
    pub storage: Option<String>,
}

/// A section of the upgrade guide in a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Note {
    /// The chart version that the section applies from.
    pub since: String,
    /// The bundled component that the note is about.
    #[serde(default)]
    pub component: Option<Component>,
    /// The application that the note is about.
    #[serde(default)]
    pub application: Option<Application>,
    /// Whether it depends on the version of Camunda's images rather than on the chart's.
    #[serde(default)]
    pub with_images: bool,
    /// Values of the user's that it is about: each of them is set, and not to false.
    #[serde(default)]
    pub set: Vec<String>,
    /// Values of the user's that it is about: none of them is set.
    #[serde(default)]
    pub unset: Vec<String>,
    /// The text of the section.
    pub text: String,
}

/// A key of a generated Secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialFact {
    /// Its purpose; the environment variable in printed commands is made from it.
    pub name: String,
    /// The end of the Secret's name.
    pub secret: String,
    /// The key in the Secret.
    pub key: String,
    /// The place that still holds the old value.
    pub held: Held,
    /// The chart value that supplies it.
    pub value: String,
}

/// The Secret of `global.secrets.autoGenerated`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratedSecret {
    /// Its default name.
    pub name: String,
    /// Its keys.
    pub keys: Vec<GeneratedKey>,
}

/// A key of [`GeneratedSecret`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratedKey {
    /// The key.
    pub name: String,
    /// The place that still holds the old value.
    pub held: Held,
}

/// A key of a Secret that the user creates.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CarriedKey {
    /// The key.
    pub key: String,
    /// The earlier lines' credential whose value it must hold; `None` if any value will do.
    #[serde(default)]
    pub from: Option<String>,
    /// The application that reads it, if an application does.
    #[serde(default)]
    pub reader: Option<Application>,
    /// The bundled component that reads it, if a bundled chart does.
    #[serde(default)]
    pub component: Option<Component>,
    /// The application that makes it necessary, if that is not the reader.
    #[serde(default)]
    pub with: Option<Application>,
    /// The reader's environment variable; the line before used the same one if it already held the value.
    #[serde(default)]
    pub variable: Option<String>,
    /// The value key that names the Secret.
    #[serde(default)]
    pub secret: String,
    /// The value key that names the key.
    #[serde(default)]
    pub secret_key: String,
    /// Whether the chart uses this Secret and this key by default.
    #[serde(default)]
    pub by_default: bool,
    /// The value key that makes it unnecessary when it is switched off.
    #[serde(default)]
    pub switch: Option<String>,
    /// Whether it is the secret of an OIDC client.
    #[serde(default)]
    pub client: bool,
    /// The value key of the client's id, if the lines before had no such client.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The chart's default for that client id.
    #[serde(default)]
    pub default_client_id: Option<String>,
    /// The owner of that client, in words.
    #[serde(default)]
    pub client_of: Option<String>,
}

/// A Secret that an application goes on reading only if its values name it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedSecret {
    /// The application.
    pub reader: Application,
    /// The environment variable that takes the Secret, if one does.
    #[serde(default)]
    pub variable: Option<String>,
    /// The volume that mounts the Secret, if one does.
    #[serde(default)]
    pub volume: Option<String>,
    /// The value key of the mapping that names the Secret and its key.
    pub value: String,
}

/// A value whose key changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenamedValue {
    /// The old key, including everything below it; the longest match counts.
    pub from: String,
    /// The new key; `None` if nothing replaces it.
    #[serde(default)]
    pub to: Option<String>,
    /// Whether the chart still reads the old key, too.
    #[serde(default)]
    pub merged: bool,
    /// The rule that moves the value into a file of its own.
    #[serde(default)]
    pub by: Option<RuleId>,
    /// A replacement within the value's text.
    #[serde(default)]
    pub replacing: Option<Replacing>,
}

/// A key of values that the chart refuses, ignores or warns of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueKey {
    /// The key, including everything below it.
    pub key: String,
    /// What the chart does with it.
    pub fate: Fate,
    /// The value at which the chart does so.
    #[serde(default)]
    pub when: When,
    /// The switches of the applications that the key is for; one of them has to be on.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The switches of which none may be on.
    #[serde(default)]
    pub unless: Vec<String>,
    /// What takes its place, a key or in words.
    #[serde(default)]
    pub now: Option<String>,
    /// What a person has to know of it.
    #[serde(default)]
    pub say: Option<String>,
    /// Whether it is the key of a component that the chart does not bundle any more.
    #[serde(default)]
    pub bundled: bool,
    /// The place in the chart, or the document, that says so.
    pub source: String,
}

/// What a chart does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It fails.
    Refused,
    /// It does not read it.
    Ignored,
    /// It reads it, and a later chart will not.
    Deprecated,
    /// It does something else with it than the chart before, and a person decides.
    Asks,
}

/// The value at which a chart minds a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Any value but null.
    Present,
    /// Any that is neither empty nor false.
    #[default]
    Set,
    /// A switch that is true.
    Enabled,
    /// A switch that is false.
    Disabled,
    /// A text.
    Text,
    /// Anything but this, which is the default.
    Not(String),
}

/// Values of which the chart wants one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequiredValues {
    /// Their keys; the first is the one to set.
    pub one_of: Vec<String>,
    /// What a person has to know of it.
    pub say: String,
    /// The place in the chart that says so.
    pub source: String,
}

/// How a chart goes on reading some of the previous line's keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compatibility {
    /// The value key that switches this off.
    pub switch: String,
    /// The keys that the chart merges if `enabled` is true beside them.
    pub merges: Vec<String>,
}

/// A part of a text that differs in this line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacing {
    /// The old part.
    pub text: String,
    /// The new part.
    pub by: String,
}

/// One value that replaces several.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergedValue {
    /// Its key in this line.
    pub to: String,
    /// The old keys.
    pub from: Vec<String>,
    /// Whether a person must adapt the value even if only one old key is set.
    #[serde(default)]
    pub by_hand: bool,
}

/// An environment variable whose name changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenamedVariable {
    /// The value key of the list that users set it in.
    pub values: String,
    /// The old name.
    pub from: String,
    /// The new name; `None` if nothing replaces it.
    #[serde(default)]
    pub to: Option<String>,
}

/// The place that still holds a credential's value when its Secret changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Held {
    /// Keycloak's realm: the secret of a client.
    Client,
    /// Keycloak's database: the password of Keycloak's own administrator.
    Keycloak,
    /// A database's volume: the password of a database user.
    Database,
}

impl WorkloadFact {
    /// Returns the application whose main workload this is.
    pub fn application(&self) -> Option<Application> {
        Application::of_workload(&self.name)
    }
}

/// How Camunda backs up Zeebe together with the indices of its applications.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupFact {
    /// The address of the guide.
    pub guide: String,
    /// The address of the guide for restoring.
    pub restore: String,
    /// The brokers' variable that names their store; without a store they can't be backed up.
    pub store: String,
    /// How exporting is paused meanwhile.
    pub pause: Pause,
    /// Whether it is paused before the applications' indices are backed up, and not only before Zeebe's are.
    #[serde(default)]
    pub pauses_first: bool,
    /// Who backs up the applications' indices.
    pub parts: Vec<Asked>,
    /// Who backs up the brokers, and pauses their exporting.
    pub brokers: Asked,
    /// How a backup is restored.
    #[serde(default)]
    pub restoring: Option<RestoreFact>,
}

/// How exporting is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pause {
    /// Records are exported no more.
    Hard,
    /// Records are exported, and kept.
    Soft,
}

/// An endpoint for backups.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The end of the name of the workload behind it.
    pub workload: String,
    /// The end of the Service's name.
    pub service: String,
    /// The Service's port.
    pub port: u16,
    /// The path.
    pub path: String,
}
