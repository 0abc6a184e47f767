//! What some chart brings and rules ask for, so that no rule names a line.

use semver::Version;
use serde::Deserialize;

use super::Line;

/// Something that charts have from a version on. The file of the line that brings it tells the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Connectors read a Secret that the chart does not always render.
    ConnectorsSecret,
    /// Clients of the Zeebe Gateway have to authenticate.
    GatewayAuthentication,
    /// Elasticsearch is of Bitnami's chart.
    BitnamiElasticsearch,
    /// Web Modeler's database is told by one JDBC URL.
    WebModelerDatabaseUrl,
    /// The chart finds the Secrets that it has generated itself.
    SecretLookup,
    /// Brokers can be added to a cluster that runs.
    BrokerScaling,
    /// Console asks for a role that nobody has.
    ConsoleRole,
    /// Zeebe, its gateway, Operate and Tasklist are one application.
    OrchestrationCluster,
    /// Partitions can be added to a cluster that runs.
    PartitionScaling,
    /// Jobs of this line move the data of the lines before.
    DataMigration,
}

impl Feature {
    /// Whether charts of a version have it.
    pub fn is_in(self, version: &Version) -> bool {
        self.since().any(|since| since <= *version)
    }

    /// Whether an upgrade from one version to another gets it.
    pub fn comes_with(self, from: &Version, to: &Version) -> bool {
        self.since().any(|since| *from < since && since <= *to)
    }

    /// The line that brings it first.
    pub fn line(self) -> Option<&'static Line> {
        let mut lines = Line::all().iter();
        lines.find(|line| line.brings.contains_key(&self))
    }

    fn since(self) -> impl Iterator<Item = Version> {
        let lines = Line::all().iter();
        lines.filter_map(move |line| Version::parse(line.brings.get(&self)?).ok())
    }
}
