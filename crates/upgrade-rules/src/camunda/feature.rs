//! Features that charts bring, so that rules can ask for a feature instead of a line.

use std::sync::LazyLock;

use semver::Version;
use serde::Deserialize;

use super::Line;

/// Something that charts have from a version on; the file of the line that brings it names the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Connectors read a Secret that the chart does not always render.
    ConnectorsSecret,
    /// Clients of the Zeebe Gateway have to authenticate.
    GatewayAuthentication,
    /// Elasticsearch comes from Bitnami's chart.
    BitnamiElasticsearch,
    /// Web Modeler takes its database as one JDBC URL.
    WebModelerDatabaseUrl,
    /// The chart looks up the Secrets that it generated itself.
    SecretLookup,
    /// Brokers can be added to a running cluster.
    BrokerScaling,
    /// Console requires a role that no user has yet.
    ConsoleRole,
    /// Zeebe, its gateway, Operate and Tasklist are one application.
    OrchestrationCluster,
    /// Partitions can be added to a running cluster.
    PartitionScaling,
    /// Jobs of this line migrate the data of earlier lines.
    DataMigration,
    /// Camunda Hub takes the place of Web Modeler and of Console.
    CamundaHub,
}

impl Feature {
    /// Whether charts of this version have the feature.
    pub fn is_in(self, version: &Version) -> bool {
        self.since().any(|since| since <= version)
    }

    /// Whether an upgrade between these versions brings the feature.
    pub fn comes_with(self, from: &Version, to: &Version) -> bool {
        self.since().any(|since| from < since && since <= to)
    }

    /// Returns the first line that brings it.
    pub fn line(self) -> Option<&'static Line> {
        let mut lines = Line::all().iter();
        lines.find(|line| line.brings.contains_key(&self))
    }

    fn since(self) -> impl Iterator<Item = &'static Version> {
        /// The versions of all features, parsed once: each record is asked for many.
        static BROUGHT: LazyLock<Vec<(Feature, Version)>> = LazyLock::new(|| {
            let brought = Line::all().iter().flat_map(|line| &line.brings);
            let parsed = brought
                .filter_map(|(feature, version)| Some((*feature, Version::parse(version).ok()?)));
            parsed.collect()
        });
        let of_feature = BROUGHT.iter().filter(move |(feature, _)| *feature == self);
        of_feature.map(|(_, version)| version)
    }
}
