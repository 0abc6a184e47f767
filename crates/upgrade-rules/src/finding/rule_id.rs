//! The ids that users type, metrics count and refusals print.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// The id of a rule or of a mutation. Rules come first, in the order in which their findings are shown.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs, reason = "each has a page in docs/rules")]
pub enum RuleId {
    NotChecked,
    UpgradePathSkipped,
    Downgrade,
    #[serde(rename = "chart-8.3.0-not-recommended")]
    #[strum(serialize = "chart-8.3.0-not-recommended")]
    Chart830NotRecommended,
    ComponentVersionsDiffer,
    ImagesOfAnotherLine,
    PreRelease,
    OptimizePairing,
    ElasticsearchVersion,
    VolumeNotRetained,
    ComponentDisappears,
    HubMigration,
    OrchestrationValues,
    ValuesMoved,
    WebModelerPostgresqlRenamed,
    PerAppRetention,
    DedicatedElasticsearch,
    DatastoreChanged,
    IndexPrefixChanged,
    ElasticsearchClaimsOrphaned,
    ClaimsOrphaned,
    ClaimRemoved,
    StorageShrunk,
    ElasticsearchClaimLabels,
    ClaimRetentionPolicy,
    ZeebeBrokersReduced,
    ElasticsearchNodesReduced,
    PostgresqlMajorUpgrade,
    ClaimDeleted,
    VolumeRebindWhileRunning,
    ElasticsearchCloneWhileRunning,
    IdentitySecretRemoved,
    IdentitySecretRegenerated,
    CredentialSourceChanged,
    CredentialsSecretIncomplete,
    CredentialPlaceholder,
    ConnectorsSecretMissing,
    ReinstallOverOldClaims,
    IdentitySecretDeleted,
    #[serde(rename = "elasticsearch-values-8.3")]
    #[strum(serialize = "elasticsearch-values-8.3")]
    ElasticsearchValues83,
    WebModelerDatabaseUrl,
    OidcEnvRenamed,
    LdapUnsupported,
    AuthenticationChanged,
    OidcClientUnknown,
    IdentityMigrationIdp,
    ResourceAuthorizations,
    MultiTenancyHalf,
    AuthenticationNotExplicit,
    IdentityMigrationDisabled,
    TlsOutsideOrchestration,
    ImportersDisabled,
    DataMigrationDisabled,
    MigrationUnfinished,
    DataMigrationOnInstall,
    ImmutableFieldChanged,
    DuplicateEnvironment,
    ServerDryRun,
    UpgradePathNotLatestPatch,
    HelmCliVersion,
    PartitionsChanged,
    ValuesDropped,
    ValuesIgnored,
    MigrationWithoutData,
    AfterUpgrade,
    BackupFirst,
    KeycloakMajorUpgrade,
    UserIdChanged,
    GatewayAuthenticationEnabled,
    ConsoleRole,
    GatewayRenamed,
    ChartWarnings,
    ReleaseNotes,
    // Mutations.
    ZeebeFsGroup,
    VolumeClaimRef,
    VolumeReclaimPolicy,
    ClaimBoundToRetainedVolume,
}

impl RuleId {
    /// The id as it is typed.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
