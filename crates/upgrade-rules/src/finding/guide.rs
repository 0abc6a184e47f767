//! The sections of Camunda's upgrade guides that findings refer to, and where they are shown today.

use std::fmt;

/// A section of a guide.
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

/// The general guide, which goes up to chart 9.3. Its newer parts have moved to pages of their own.
pub const GENERAL: &str = "https://unsupported.docs.camunda.io/8.4/docs/self-managed/platform-deployment/helm-kubernetes/upgrade/";
const TO_8_3: &str =
    "https://docs.camunda.io/docs/8.8/self-managed/deployment/helm/upgrade/upgrade-hc-820-830";
const TO_8_4: &str =
    "https://docs.camunda.io/docs/8.8/self-managed/deployment/helm/upgrade/upgrade-hc-830-840";
const TO_8_8: &str = "https://docs.camunda.io/docs/8.8/self-managed/upgrade/helm/870-to-880/";
const COMPONENTS_TO_8_8: &str =
    "https://docs.camunda.io/docs/8.8/self-managed/upgrade/components/870-to-880/";
const BACKUPS: &str =
    "https://docs.camunda.io/docs/8.7/self-managed/operational-guides/backup-restore/backup/";
const SECRETS: &str =
    "https://docs.camunda.io/docs/8.8/self-managed/deployment/helm/configure/secret-management/";

pub const UPGRADING: Guide = Guide::new("Upgrading", GENERAL, "");
pub const SECRETS_EXTRACTION: Guide = Guide::new("Secrets extraction", TO_8_3, "extract-secrets");
pub const HELM_CLI: Guide = Guide::new("Helm CLI version", TO_8_3, "helm-cli-version");
pub const VERSION_UPDATES: Guide = Guide::new(
    "Version update instructions",
    GENERAL,
    "version-update-instructions",
);
pub const V9_3_7: Guide = Guide::new("v9.3.7+", GENERAL, "v937");
pub const CONSOLE: Guide = Guide::new("v9.3.0, Enabling Console", TO_8_4, "enabling-console");
pub const V9_0_0_IDENTITY: Guide = Guide::new("v9.0.0, Identity", TO_8_4, "identity");
pub const ZEEBE_GATEWAY: Guide = Guide::new("v8.3.1, Zeebe Gateway", TO_8_3, "zeebe-gateway");
pub const V8_3_0: Guide = Guide::new("v8.3.0", TO_8_3, "update-your-configuration");
pub const ZEEBE: Guide = Guide::new("v8.3.0, Zeebe", TO_8_3, "zeebe");
pub const WEB_MODELER: Guide = Guide::new("v8.3.0, Web-Modeler", TO_8_3, "web-modeler");
pub const KEYCLOAK_8_3: Guide = Guide::new("v8.3.0, Keycloak", TO_8_3, "keycloak");
pub const ELASTICSEARCH: Guide = Guide::new("v8.3.0, Elasticsearch", TO_8_3, "elasticsearch");
pub const ELASTICSEARCH_VALUES: Guide = Guide::new(
    "v8.3.0, Elasticsearch, values file",
    TO_8_3,
    "elasticsearch---values-file",
);
pub const DATA_RETENTION: Guide = Guide::new(
    "v8.3.0, Elasticsearch, Data retention",
    TO_8_3,
    "elasticsearch---data-retention",
);
pub const OPTION_ONE: Guide = Guide::new(
    "v8.3.0, Elasticsearch, Data retention, Option One",
    TO_8_3,
    "elasticsearch---data-retention",
);
pub const OPTION_TWO: Guide = Guide::new(
    "v8.3.0, Elasticsearch, Data retention, Option Two",
    TO_8_3,
    "elasticsearch---data-retention",
);
pub const RETAIN_VOLUMES: Guide = Guide::new(
    "v8.0.13, step 1; v8.3.0, Elasticsearch, Data retention, Option Two",
    GENERAL,
    "1-retain-elasticsearch-persistent-volume",
);
pub const V8_2_9: Guide = Guide::new("v8.2.9", GENERAL, "v829");
pub const V8_2_3: Guide = Guide::new("v8.2.3", GENERAL, "v823");
pub const KEYCLOAK_8_2: Guide = Guide::new("v8.2.0, Keycloak", GENERAL, "keycloak-2");
pub const CONNECTORS: Guide = Guide::new("v8.2.0, Connectors", GENERAL, "connectors");
pub const V8_0_13: Guide = Guide::new("v8.0.13", GENERAL, "v8013");
pub const PREREQUISITES: Guide = Guide::new("Prerequisites (caution)", TO_8_8, "prerequisites");
pub const SEQUENTIALLY: Guide = Guide::new(
    "Helm chart version (8.7 to 8.8): upgrade sequentially",
    TO_8_8,
    "prerequisites",
);
pub const ARCHITECTURE: Guide = Guide::new(
    "8.8 architecture changes (8.7 to 8.8)",
    TO_8_8,
    "changes-to-the-default-deployment-setup",
);
pub const VALUES: Guide = Guide::new(
    "Camunda Helm chart values file changes (8.7 to 8.8)",
    TO_8_8,
    "update-your-values-file-to-88",
);
pub const CONFIGURE_VALUES: Guide = Guide::new(
    "Step 4: Configure 8.8 values",
    TO_8_8,
    "update-your-values-file-to-88",
);
pub const CONFIGURE_CHART: Guide = Guide::new(
    "Configure your 8.8 Helm chart (8.7 to 8.8)",
    TO_8_8,
    "update-your-values-file-to-88",
);
pub const IMPORTERS: Guide = Guide::new(
    "Enable Operate and Tasklist importers (8.7 to 8.8)",
    TO_8_8,
    "inspect-migration-and-importer-logs",
);
pub const BASIC: Guide = Guide::new("1.3.1 Basic auth", TO_8_8, "authentication");
pub const OIDC: Guide = Guide::new("1.3.2 OIDC (8.7 to 8.8)", TO_8_8, "authentication");
pub const LDAP: Guide = Guide::new("1.3.4 LDAP", TO_8_8, "authentication");
pub const BACKUP: Guide = Guide::new("Perform a backup (8.7 to 8.8)", BACKUPS, "");
pub const IDENTITY_MIGRATION: Guide = Guide::new(
    "3. Identity migration",
    TO_8_8,
    "identity-migration-recommended",
);
pub const RESOURCE_AUTHORIZATIONS: Guide = Guide::new(
    "Resource authorizations",
    COMPONENTS_TO_8_8,
    "identity-authorization-and-permission-changes",
);
pub const PROCESS_MIGRATION: Guide =
    Guide::new("Process migration (8.7 to 8.8)", TO_8_8, "data-migration");
pub const EXTRACT_SECRETS: Guide = Guide::new(
    "Extract secrets (8.7 to 8.8)",
    SECRETS,
    "extract-plaintext-values-and-reference-them-as-kubernetes-secrets",
);
pub const MONITOR: Guide = Guide::new(
    "Monitor the migration (8.7 to 8.8)",
    TO_8_8,
    "monitor-the-upgrade",
);
