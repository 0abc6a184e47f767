//! `identity-migration-disabled`, `identity-migration-idp` and `resource-authorizations`.

use camunda_upgrade_guard::finding::{Action, Flag};
use serde_json::json;

use crate::{
    applications::{
        AFTER, BEFORE, ENTRA, KEYCLOAK, from, identity, job, logs_in_at, oidc, operate, silent,
        workload,
    },
    pasted::{ask, assert_pastable},
    scene::{Scene, commands},
};

const MIGRATION: &str = "identity-migration-disabled";
const IDP: &str = "identity-migration-idp";
const RESOURCES: &str = "resource-authorizations";

const KEYCLOAK_JOB: &str = "camunda.migration.identity: {mode: KEYCLOAK, resource-authorizations-enabled: false, \
    management-identity: {issuer-type: KEYCLOAK, client-id: migration, client-secret: '${SECRET:}'}}";

fn provider_job(client_id: &str, container: &str) -> String {
    job(
        &format!(
            "camunda.migration.identity: {{mode: OIDC, management-identity: {{issuer-type: MICROSOFT, \
             client-id: '{client_id}', client-secret: '${{SECRET:}}'}}}}"
        ),
        container,
    )
}

const SECRET: &str = "env: [{name: SECRET, valueFrom: {secretKeyRef: {name: s, key: k}}}]";

#[test]
fn identities_may_stay_behind() {
    let scene = from(&logs_in_at("KEYCLOAK", KEYCLOAK)).planned(&oidc(KEYCLOAK));
    silent(&scene, MIGRATION);
    let scene = scene.running(&identity("a: b", "env: []"));
    let finding = scene.one(MIGRATION);
    assert_eq!(finding.action, Action::Warn);
    assert!(finding.why[0].starts_with("Deployment camunda-identity holds roles, groups"));
    assert!(finding.why[1].contains("orchestration.migration.identity.enabled to true"));
    let values = json!({"migration": {"identity": {"enabled": true}}});
    let unread = scene.clone().values(json!({}), values).one(MIGRATION);
    assert!(unread.why[1].contains("migration.identity.enabled, which no release"));
    silent(&scene.planned(&job(KEYCLOAK_JOB, "env: []")), MIGRATION);

    let basic = operate("spring.profiles.active: auth", "env: []");
    let unused = from(&basic).running(&identity("a: b", "env: []"));
    silent(&unused.planned(&oidc(KEYCLOAK)), MIGRATION);

    let entra = from(&logs_in_at("MICROSOFT", ENTRA))
        .running(&identity("a: b", "env: []"))
        .planned(&oidc(ENTRA));
    assert!(entra.one(MIGRATION).why[0].contains("roles, tenants and mapping rules"));
    let later = Scene::upgrade(AFTER, "14.8.4")
        .running(&identity("a: b", "env: []"))
        .planned(&identity("a: b", "env: []"));
    silent(&later, MIGRATION);
}

#[test]
fn a_provider_asks_the_migration_for_credentials() {
    let scene = |job: &str| {
        from(&logs_in_at("MICROSOFT", ENTRA))
            .planned(&oidc(ENTRA))
            .planned(job)
    };
    let both = scene(&provider_job("", "env: []"));
    let finding = both.one(IDP);
    assert_eq!(finding.action, Action::Deny);
    assert!(finding.title.contains("client id and client secret"));
    assert!(finding.why[0].contains("MICROSOFT"));
    assert_pastable(&finding);
    assert_eq!(
        commands(&finding),
        [
            "Register a client for the migration of identities and set MIGRATION_CLIENT_ID to its id; its secret goes into Secret camunda-credentials, key identity-migration-client-secret.",
            "kubectl -n prod create secret generic camunda-credentials",
            &ask(
                "prod",
                "camunda-credentials",
                "identity-migration-client-secret"
            ),
            "--set-string orchestration.migration.identity.clientId=\"${MIGRATION_CLIENT_ID:?set it to the id of the client of the migration of identities}\"",
            "--set-string orchestration.migration.identity.secret.existingSecret=camunda-credentials",
            "--set-string orchestration.migration.identity.secret.existingSecretKey=identity-migration-client-secret",
        ]
    );
    let guide = json!({"migration": {"identity": {"idpApplicationId": "0f-1e"}}});
    let finding = scene(&provider_job("", SECRET))
        .values(json!({}), guide)
        .one(IDP);
    assert!(
        finding.title.contains("no client id for"),
        "{}",
        finding.title
    );
    assert!(finding.why[1].contains("migration.identity.idpApplicationId"));
    assert_eq!(
        finding.fixes[0].commands,
        [Flag::set_string("orchestration.migration.identity.clientId", "0f-1e").into()]
    );
    let finding = scene(&provider_job("0f", "env: []")).one(IDP);
    assert!(finding.title.contains("no client secret for"));

    silent(&scene(&provider_job("0f", SECRET)), IDP);
    let environment = "env: [{name: CAMUNDA_MIGRATION_IDENTITY_MANAGEMENTIDENTITY_CLIENTID, value: x}, \
        {name: CAMUNDA_MIGRATION_IDENTITY_MANAGEMENTIDENTITY_CLIENTSECRET, valueFrom: {secretKeyRef: {name: s, key: k}}}]";
    silent(&scene(&provider_job("", environment)), IDP);
    silent(&scene(&job(KEYCLOAK_JOB, "env: []")), IDP);
    let again = Scene::upgrade(AFTER, AFTER)
        .running(&provider_job("", "env: []"))
        .planned(&provider_job("", "env: []"));
    silent(&again, IDP);
}

#[test]
fn the_migration_grants_no_more_than_before() {
    let switch = |name: &str| format!("env: [{{name: {name}, value: \"true\"}}]");
    let told = KEYCLOAK_JOB.replace("enabled: false", "enabled: true");
    for before in [
        identity("a: b", &switch("RESOURCE_PERMISSIONS_ENABLED")),
        operate(
            "a: b",
            &switch("CAMUNDA_OPERATE_IDENTITY_RESOURCEPERMISSIONSENABLED"),
        ),
        operate(
            "a: b",
            &switch("CAMUNDA_OPERATE_IDENTITY_RESOURCE_PERMISSIONS_ENABLED"),
        ),
        operate(
            "camunda.operate.identity.resourcePermissionsEnabled: true",
            "env: []",
        ),
        workload(
            "Deployment",
            "tasklist",
            "tasklist",
            "camunda.identity.resourcePermissionsEnabled: true",
            "env: []",
        ),
    ] {
        let scene = Scene::upgrade(BEFORE, AFTER).running(&before);
        let finding = scene
            .clone()
            .planned(&job(KEYCLOAK_JOB, "env: []"))
            .one(RESOURCES);
        assert_eq!(finding.action, Action::Deny);
        assert_eq!(
            commands(&finding),
            ["--set orchestration.migration.identity.resourceAuthorizationsEnabled=true"]
        );
        silent(&scene.clone().planned(&job(&told, "env: []")), RESOURCES);
        silent(&scene, RESOURCES);
    }
    for before in [
        identity("a: b", "env: []"),
        identity(
            "a: b",
            "env: [{name: RESOURCE_PERMISSIONS_ENABLED, value: \"false\"}]",
        ),
        // The file has the last word over what the variable stands for.
        identity(
            "identity.flags.resource-permissions: false",
            &switch("RESOURCE_PERMISSIONS_ENABLED"),
        ),
    ] {
        let scene = Scene::upgrade(BEFORE, AFTER)
            .running(&before)
            .planned(&job(KEYCLOAK_JOB, "env: []"));
        silent(&scene, RESOURCES);
    }
}
