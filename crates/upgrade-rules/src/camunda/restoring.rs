//! How Camunda restores a backup, as its guides have it for a line.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Deserializer, de::Error};

/// The documented restore of a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreFact {
    /// How the names of snapshots begin, by the ends of the names of the workloads that make them; a backup's number follows.
    pub snapshots: BTreeMap<String, String>,
    /// How the name of the snapshot with Zeebe's exported records begins.
    pub records: String,
    /// Whether a backup may be without Zeebe's records.
    #[serde(default)]
    pub records_optional: bool,
    /// How the names of Camunda's indices begin.
    pub indices: Vec<String>,
    /// The brokers' variables while they restore; `{id}` stands for the backup's number.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The start of brokers that do not know the variables.
    #[serde(default)]
    pub startup: Option<Startup>,
    /// The address of the guide for a relational database as secondary storage, where there is one.
    #[serde(default)]
    pub rdbms: Option<String>,
    /// What else to know, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The chart's own script that starts a broker, and what it has to start instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Startup {
    /// The script in the container.
    pub script: String,
    /// The program that it starts.
    pub starts: String,
    /// The program that restores.
    pub restores: String,
    /// The first chart whose own script restores by the variables; no chart of the line does if unset.
    #[serde(default, deserialize_with = "chart")]
    pub before: Option<Version>,
}

fn chart<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Version>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Version::parse(&text).map(Some).map_err(Error::custom)
}

impl RestoreFact {
    /// Returns the start of brokers that a chart's own script does not have restore.
    pub fn startup(&self, chart: &Version) -> Option<&Startup> {
        let startup = self.startup.as_ref()?;
        let knows = startup.before.as_ref().is_some_and(|it| chart >= it);
        (!knows).then_some(startup)
    }
}
