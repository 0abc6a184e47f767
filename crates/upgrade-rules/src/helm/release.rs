//! Helm's release record: what an upgrade is going to do, written down before it does anything.

mod bounded;
mod decode;

use std::fmt;

use serde::{
    Deserialize, Serialize,
    de::{IntoDeserializer, value::StrDeserializer},
};
use serde_json::value::RawValue;

pub use self::decode::{DecodeError, Limits, Packed, Storage, decode};
use crate::kubernetes::Object;

/// The prefix of every record's name: `sh.helm.release.v1.NAME.vREVISION`.
pub const RECORD_PREFIX: &str = "sh.helm.release.v1.";

/// The type of a Secret that holds a record.
pub const RECORD_TYPE: &str = "helm.sh/release.v1";

/// One revision of a release.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Release {
    /// The release's name.
    pub name: String,
    /// The default namespace of its objects; Flux keeps the record in another one.
    #[serde(default)]
    pub namespace: String,
    /// The revision, from 1.
    #[serde(rename = "version")]
    pub revision: u64,
    /// Status and description.
    #[serde(default)]
    pub info: Info,
    /// The chart it comes from.
    pub chart: Chart,
    /// The rendered objects, without hooks.
    #[serde(default)]
    pub manifest: String,
    /// The hooks, which Helm keeps apart.
    #[serde(default, deserialize_with = "bounded::list_or_null")]
    pub hooks: Vec<Hook>,
    /// The user's values, as they stand in the record.
    #[serde(default)]
    pub config: Option<Box<RawValue>>,
    /// `ssa` or `csa` where Helm 4 wrote the record; Helm 3 knows only one way.
    #[serde(default)]
    pub apply_method: Option<String>,
}

/// A revision's state.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Info {
    /// The status, as in `helm status`.
    #[serde(default)]
    pub status: Status,
}

/// The states that a revision goes through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Written before an install begins.
    PendingInstall,
    /// Written before an upgrade begins.
    PendingUpgrade,
    /// Written before a rollback begins.
    PendingRollback,
    /// The revision that runs.
    Deployed,
    /// A revision that ran before.
    Superseded,
    /// A revision that failed.
    Failed,
    /// On its way out.
    Uninstalling,
    /// Gone, history kept.
    Uninstalled,
    /// Anything else.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Release {
    /// Returns the total length of its texts, in bytes.
    pub fn bytes(&self) -> usize {
        let hooks: usize = self.hooks.iter().map(|hook| hook.manifest.len()).sum();
        let config = self.config.as_ref().map_or(0, |config| config.get().len());
        let carried = [&self.chart.schema, &self.chart.values];
        let carried: usize = carried
            .into_iter()
            .flatten()
            .map(|carried| carried.get().len())
            .sum();
        self.manifest.len() + hooks + config + carried
    }
}

impl Status {
    /// The state that a record's label names.
    pub fn of(label: &str) -> Status {
        let label: StrDeserializer<'_, serde::de::value::Error> = label.into_deserializer();
        Status::deserialize(label).unwrap_or_default()
    }

    /// Whether an operation is about to begin.
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback
        )
    }
}

/// The chart of a revision, as far as the guard reads it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: Metadata,
    /// `Chart.lock`, which holds the versions that `Chart.yaml` only gives as ranges.
    #[serde(default)]
    pub lock: Option<Lock>,
    /// `values.schema.json` in base64, as it stands in the record.
    #[serde(default, skip_serializing)]
    pub schema: Option<Box<RawValue>>,
    /// `values.yaml`, with those of subcharts.
    #[serde(default, skip_serializing)]
    pub values: Option<Box<RawValue>>,
}

/// `Chart.yaml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Metadata {
    /// The chart's name.
    #[serde(default)]
    pub name: String,
    /// The chart's version.
    #[serde(default)]
    pub version: String,
    /// The version of what the chart runs.
    #[serde(default, rename = "appVersion")]
    pub app_version: Option<String>,
    /// The enabled subcharts; Helm has put the alias in place of the name.
    #[serde(default, deserialize_with = "bounded::list_or_null")]
    pub dependencies: Vec<Dependency>,
    /// The chart's annotations.
    #[serde(default)]
    pub annotations: Option<Annotations>,
}

/// The annotations of a chart that the guard reads.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Annotations {
    /// The Helm versions that it was tested with, separated by commas.
    #[serde(default, rename = "camunda.io/helmCLIVersion")]
    pub helm_cli_version: Option<String>,
}

/// `Chart.lock`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Lock {
    /// The subcharts under their own names.
    #[serde(default, deserialize_with = "bounded::list_or_null")]
    pub dependencies: Vec<Dependency>,
}

/// A subchart.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Dependency {
    /// Its name (or alias, see [`Metadata::dependencies`]).
    #[serde(default)]
    pub name: String,
    /// Its version or range.
    #[serde(default)]
    pub version: String,
}

/// A hook: an object that Helm creates at a certain moment and does not count as part of the release.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Hook {
    /// The template it comes from.
    #[serde(default)]
    pub path: String,
    /// The rendered object.
    #[serde(default)]
    pub manifest: String,
    /// The events that run it: `pre-upgrade`, `test`, ….
    #[serde(default, deserialize_with = "bounded::of_hook")]
    pub events: Vec<String>,
    /// When Helm deletes it; empty means before it is recreated.
    #[serde(default, deserialize_with = "bounded::of_hook")]
    pub delete_policies: Vec<String>,
}

impl Hook {
    /// Whether Helm deletes the existing object before it creates the hook's; it does by default.
    pub fn is_recreated(&self) -> bool {
        let mut policies = self.delete_policies.iter();
        self.delete_policies.is_empty() || policies.any(|it| it == "before-hook-creation")
    }
}

/// Formats the status as `helm list` shows it.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// `NAME-VERSION`, as `helm list` shows it.
impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Reads a record as it lies on a cluster or in a file.
///
/// # Errors
/// As [`decode`], and when there is nothing in it.
pub fn of_record(record: &Object, storage: Storage) -> Result<Release, DecodeError> {
    let data = record.str("/data/release").ok_or(DecodeError::Missing)?;
    let mut release = decode(data, storage, Limits::default())?;
    if release.namespace.is_empty() {
        release.namespace = record.namespace().unwrap_or_default().to_owned();
    }
    Ok(release)
}

/// The release's name and revision from the name of its record.
pub fn parse_record_name(name: &str) -> Option<(&str, u64)> {
    let (release, revision) = name.strip_prefix(RECORD_PREFIX)?.rsplit_once(".v")?;
    Some((release, revision.parse().ok()?))
}

/// The name of a record.
pub fn record_name(release: &str, revision: u64) -> String {
    format!("{RECORD_PREFIX}{release}.v{revision}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_names_round_trip() {
        assert_eq!(
            parse_record_name(&record_name("my.release.v2", 17)),
            Some(("my.release.v2", 17))
        );
        assert_eq!(parse_record_name("camunda-postgresql"), None);
        assert_eq!(parse_record_name("sh.helm.release.v1.camunda.vX"), None);
    }
}
