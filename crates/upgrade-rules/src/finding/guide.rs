//! The sections of Camunda's documentation that findings refer to, and where they are shown today.

use std::fmt;

/// A section of Camunda's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guide {
    /// The section's heading, below that of its version.
    pub section: &'static str,
    page: &'static str,
    anchor: &'static str,
}

impl Guide {
    /// A section from its heading, its page and the anchor there.
    pub const fn new(section: &'static str, page: &'static str, anchor: &'static str) -> Self {
        Self {
            section,
            page,
            anchor,
        }
    }

    /// Whether both are on one page.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.page == other.page
    }

    /// Its address.
    pub fn address(&self) -> String {
        match self.anchor {
            "" => self.page.to_owned(),
            anchor => format!("{}#{anchor}", self.page),
        }
    }
}

/// Its heading and its address.
impl fmt::Display for Guide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.section, self.address())
    }
}

/// Where Camunda's documentation speaks of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// In this section.
    Section(Guide),
    /// Nowhere, for this reason: a sentence without its full stop.
    Nowhere(&'static str),
}

impl Reference {
    /// The section, if there is one.
    pub fn section(self) -> Option<Guide> {
        match self {
            Reference::Section(guide) => Some(guide),
            Reference::Nowhere(_) => None,
        }
    }

    /// Why there is no section.
    pub fn missing(self) -> Option<&'static str> {
        match self {
            Reference::Section(_) => None,
            Reference::Nowhere(because) => Some(because),
        }
    }

    /// The section's address, if there is one.
    pub fn address(self) -> Option<String> {
        self.section().map(|guide| guide.address())
    }
}

const fn section(section: &'static str, page: &'static str, anchor: &'static str) -> Reference {
    Reference::Section(Guide::new(section, page, anchor))
}

/// The general guide, which goes up to chart 9.3. Its newer parts have moved to pages of their own.
pub const GENERAL: &str = "https://unsupported.docs.camunda.io/8.4/docs/self-managed/platform-deployment/helm-kubernetes/upgrade/";
const TO_8_3: &str =
    "https://docs.camunda.io/docs/8.8/self-managed/deployment/helm/upgrade/upgrade-hc-820-830";
const TO_8_4: &str =
    "https://docs.camunda.io/docs/8.8/self-managed/deployment/helm/upgrade/upgrade-hc-830-840";
const TO_8_8: &str = "https://docs.camunda.io/docs/8.8/self-managed/upgrade/helm/870-to-880/";
const TO_8_10: &str = "https://docs.camunda.io/docs/self-managed/upgrade/helm/890-to-8100/";
const COMPONENTS_TO_8_8: &str =
    "https://docs.camunda.io/docs/8.8/self-managed/upgrade/components/870-to-880/";
const BACKUPS: &str =
    "https://docs.camunda.io/docs/8.7/self-managed/operational-guides/backup-restore/backup/";
const SECRETS: &str =
    "https://docs.camunda.io/docs/8.8/self-managed/deployment/helm/configure/secret-management/";

const COMPATIBILITY: &str = "https://docs.camunda.io/docs/8.8/self-managed/components/orchestration-cluster/core-settings/concepts/version-compatibility/";
const SCALING: &str = "https://docs.camunda.io/docs/8.8/self-managed/components/orchestration-cluster/zeebe/operations/cluster-scaling/";
const FROM_BITNAMI: &str = "https://docs.camunda.io/docs/8.9/self-managed/deployment/helm/operational-tasks/migration-from-bitnami/";
const VERSIONS: &str = "https://helm.camunda.io/camunda-platform/version-matrix/";

pub const UPGRADING: Reference = section("Upgrading", GENERAL, "");
pub const SECRETS_EXTRACTION: Reference = section("Secrets extraction", TO_8_3, "extract-secrets");
pub const HELM_CLI: Reference = section("Helm CLI version", TO_8_3, "helm-cli-version");
pub const VERSION_UPDATES: Reference = section(
    "Version update instructions",
    GENERAL,
    "version-update-instructions",
);
pub const V9_3_7: Reference = section("v9.3.7+", GENERAL, "v937");
pub const CONSOLE: Reference = section("v9.3.0, Enabling Console", TO_8_4, "enabling-console");
pub const V9_0_0_IDENTITY: Reference = section("v9.0.0, Identity", TO_8_4, "identity");
pub const ZEEBE_GATEWAY: Reference = section("v8.3.1, Zeebe Gateway", TO_8_3, "zeebe-gateway");
pub const V8_3_0: Reference = section("v8.3.0", TO_8_3, "update-your-configuration");
pub const ZEEBE: Reference = section("v8.3.0, Zeebe", TO_8_3, "zeebe");
pub const WEB_MODELER: Reference = section("v8.3.0, Web-Modeler", TO_8_3, "web-modeler");
pub const KEYCLOAK_8_3: Reference = section("v8.3.0, Keycloak", TO_8_3, "keycloak");
pub const ELASTICSEARCH: Reference = section("v8.3.0, Elasticsearch", TO_8_3, "elasticsearch");
pub const ELASTICSEARCH_VALUES: Reference = section(
    "v8.3.0, Elasticsearch, values file",
    TO_8_3,
    "elasticsearch---values-file",
);
pub const DATA_RETENTION: Reference = section(
    "v8.3.0, Elasticsearch, Data retention",
    TO_8_3,
    "elasticsearch---data-retention",
);
pub const OPTION_ONE: Reference = section(
    "v8.3.0, Elasticsearch, Data retention, Option One",
    TO_8_3,
    "elasticsearch---data-retention",
);
pub const OPTION_TWO: Reference = section(
    "v8.3.0, Elasticsearch, Data retention, Option Two",
    TO_8_3,
    "elasticsearch---data-retention",
);
pub const RETAIN_VOLUMES: Reference = section(
    "v8.0.13, step 1; v8.3.0, Elasticsearch, Data retention, Option Two",
    GENERAL,
    "1-retain-elasticsearch-persistent-volume",
);
pub const V8_2_9: Reference = section("v8.2.9", GENERAL, "v829");
pub const V8_2_3: Reference = section("v8.2.3", GENERAL, "v823");
pub const KEYCLOAK_8_2: Reference = section("v8.2.0, Keycloak", GENERAL, "keycloak-2");
pub const CONNECTORS: Reference = section("v8.2.0, Connectors", GENERAL, "connectors");
pub const V8_0_13: Reference = section("v8.0.13", GENERAL, "v8013");
pub const PREREQUISITES: Reference = section("Prerequisites (caution)", TO_8_8, "prerequisites");
pub const SEQUENTIALLY: Reference = section(
    "Helm chart version (8.7 to 8.8): upgrade sequentially",
    TO_8_8,
    "prerequisites",
);
pub const ARCHITECTURE: Reference = section(
    "8.8 architecture changes (8.7 to 8.8)",
    TO_8_8,
    "changes-to-the-default-deployment-setup",
);
pub const VALUES: Reference = section(
    "Camunda Helm chart values file changes (8.7 to 8.8)",
    TO_8_8,
    "update-your-values-file-to-88",
);
pub const CONFIGURE_VALUES: Reference = section(
    "Step 4: Configure 8.8 values",
    TO_8_8,
    "update-your-values-file-to-88",
);
pub const CONFIGURE_CHART: Reference = section(
    "Configure your 8.8 Helm chart (8.7 to 8.8)",
    TO_8_8,
    "update-your-values-file-to-88",
);
pub const IMPORTERS: Reference = section(
    "Enable Operate and Tasklist importers (8.7 to 8.8)",
    TO_8_8,
    "inspect-migration-and-importer-logs",
);
pub const BASIC: Reference = section("1.3.1 Basic auth", TO_8_8, "authentication");
pub const OIDC: Reference = section("1.3.2 OIDC (8.7 to 8.8)", TO_8_8, "authentication");
pub const LDAP: Reference = section("1.3.4 LDAP", TO_8_8, "authentication");
pub const BACKUP: Reference = section("Perform a backup (8.7 to 8.8)", BACKUPS, "");
pub const IDENTITY_MIGRATION: Reference = section(
    "3. Identity migration",
    TO_8_8,
    "identity-migration-recommended",
);
pub const RESOURCE_AUTHORIZATIONS: Reference = section(
    "Resource authorizations",
    COMPONENTS_TO_8_8,
    "identity-authorization-and-permission-changes",
);
pub const PROCESS_MIGRATION: Reference =
    section("Process migration (8.7 to 8.8)", TO_8_8, "data-migration");
pub const EXTRACT_SECRETS: Reference = section(
    "Extract secrets (8.7 to 8.8)",
    SECRETS,
    "extract-plaintext-values-and-reference-them-as-kubernetes-secrets",
);
pub const MONITOR: Reference = section(
    "Monitor the migration (8.7 to 8.8)",
    TO_8_8,
    "monitor-the-upgrade",
);
pub const UPGRADE_PROCEDURE: Reference = section(
    "Version compatibility checks: required upgrade procedure",
    COMPATIBILITY,
    "required-upgrade-procedure",
);
pub const VALUES_OF_15: Reference = section(
    "Remove keys rejected by chart 15.x (8.9 to 8.10)",
    TO_8_10,
    "remove-keys-rejected-by-chart-15x",
);
pub const HUB: Reference = section(
    "Migrate Web Modeler and Console to Camunda Hub (8.9 to 8.10)",
    TO_8_10,
    "migrate-web-modeler-and-console-to-camunda-hub",
);
pub const CLUSTER_SCALING: Reference = section("Cluster scaling", SCALING, "");
pub const LEAVING_BITNAMI: Reference = section("Migrate from Bitnami subcharts", FROM_BITNAMI, "");
pub const VERSION_MATRIX: Reference = section("Version matrix of the charts", VERSIONS, "");
pub const SECRET_MANAGEMENT: Reference = section("Secret management", SECRETS, "");
pub const MISSING_SECRETS: Reference = section(
    "Upgrade failed due to missing secrets (8.7 to 8.8)",
    TO_8_8,
    "upgrade-failed-due-to-missing-secrets",
);
pub const ONE_ELASTICSEARCH: Reference = section(
    "Single Elasticsearch/OpenSearch instance (8.7 to 8.8)",
    COMPONENTS_TO_8_8,
    "single-elasticsearchopensearch-instance",
);
pub const V8_3_1: Reference = section("v8.3.1", TO_8_3, "update-your-configuration");
pub const ZEEBE_OPTION_ONE: Reference = section("v8.3.0, Zeebe, Option One", TO_8_3, "zeebe");
