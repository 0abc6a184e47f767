//! `authentication-changed`, `authentication-not-explicit` and `ldap-unsupported`.

use camunda_upgrade_guard::finding::{Action, Flag};
use serde_json::json;

use crate::{
    applications::{
        AFTER, BEFORE, ENTRA, KEYCLOAK, basic, cluster, from, logs_in_at, oidc, operate, silent,
        workload,
    },
    scene::{Scene, commands},
};

const CHANGED: &str = "authentication-changed";
const NOT_EXPLICIT: &str = "authentication-not-explicit";
const LDAP: &str = "ldap-unsupported";

#[test]
fn keycloak_gives_way_to_the_default() {
    let scene = from(&logs_in_at("KEYCLOAK", KEYCLOAK)).planned(&basic());
    let finding = scene.one(CHANGED);
    assert_eq!(finding.action, Action::Deny);
    assert_eq!(
        finding.title,
        "Logins would change from Keycloak to basic authentication"
    );
    assert!(
        finding.why[0].contains("Keycloak at id.example.com/camunda-platform"),
        "{:?}",
        finding.why
    );
    assert!(
        finding.why[1].contains("the default of 12"),
        "{:?}",
        finding.why
    );
    let typed = commands(&finding).join("\n");
    assert!(
        typed.contains("security: {authentication: {method: oidc}}"),
        "{typed}"
    );
    assert!(
        typed.contains("identity: {auth: {enabled: true}}"),
        "{typed}"
    );
    silent(&scene, NOT_EXPLICIT);

    let half = scene.clone().values(
        json!({}),
        json!({"global": {"identity": {"auth": {"enabled": true}}}}),
    );
    assert!(half.one(CHANGED).why[1].contains("no longer suffices"));
    let method = json!({"orchestration": {"security": {"authentication": {"method": "basic"}}}});
    let named = scene.clone().values(json!({}), method).one(CHANGED);
    assert!(named.why[1].contains("method to basic"), "{:?}", named.why);
    assert!(
        commands(&named)
            .iter()
            .any(|it| it == "--set orchestration.security.authentication.method=oidc")
    );
    assert!(scene.rollback().rules().contains(&CHANGED));
}

#[test]
fn another_provider_is_another_way_to_log_in() {
    let scene = |kind: &str, before: &str, after: &str| {
        from(&logs_in_at(kind, before)).planned(&oidc(after))
    };
    let other = "https://login.example.com/oauth2/default";
    let finding = scene("GENERIC", other, ENTRA)
        .values(
            json!({}),
            json!({"global": {"identity": {"auth": {"issuer": ENTRA}}}}),
        )
        .one(CHANGED);
    assert_eq!(finding.title, "Logins would go to another provider");
    assert!(
        finding.fixes[0]
            .intro
            .contains("global.identity.auth.issuer"),
        "{:?}",
        finding.fixes
    );
    for (before, after) in [
        (KEYCLOAK, ENTRA),
        (KEYCLOAK, "https://id.example.com/auth/realms/other"),
        (ENTRA, "https://login.microsoftonline.com/1e/v2.0"),
    ] {
        scene("KEYCLOAK", before, after).one(CHANGED);
    }
    for (kind, before, after) in [
        (
            "KEYCLOAK",
            KEYCLOAK,
            "https://id.example.com:443/realms/camunda-platform",
        ),
        ("MICROSOFT", ENTRA, ENTRA),
        ("KEYCLOAK", "http://localhost:18080/auth/realms/a", KEYCLOAK),
    ] {
        silent(&scene(kind, before, after), CHANGED);
    }
}

#[test]
fn basic_authentication_stays_so() {
    let auth = operate("spring.profiles.active: auth", "env: []");
    silent(&from(&auth).planned(&basic()), CHANGED);
    let finding = from(&auth).planned(&oidc(KEYCLOAK)).one(CHANGED);
    assert_eq!(
        commands(&finding),
        ["--set global.security.authentication.method=basic"]
    );
    // The environment is what counts.
    let overridden = operate(
        "spring.profiles.active: auth",
        &format!(
            "env: [{{name: SPRING_PROFILES_ACTIVE, value: identity-auth}}, {{name: CAMUNDA_IDENTITY_ISSUER, value: \"{KEYCLOAK}\"}}]"
        ),
    );
    silent(&from(&overridden).planned(&oidc(KEYCLOAK)), CHANGED);
    from(&overridden).planned(&basic()).one(CHANGED);
    // Once on 13 it may change.
    let later = Scene::upgrade(AFTER, AFTER)
        .running(&basic())
        .planned(&oidc(KEYCLOAK));
    silent(&later, CHANGED);
}

#[test]
fn a_gateway_tells_where_no_web_application_runs() {
    let gateway = workload(
        "Deployment",
        "zeebe-gateway",
        "zeebe-gateway",
        &format!(
            "zeebe.gateway.security.authentication.mode: identity\ncamunda.identity: {{type: KEYCLOAK, issuerBackendUrl: '{KEYCLOAK}'}}"
        ),
        "env: []",
    );
    from(&gateway).planned(&basic()).one(CHANGED);
    silent(&from(&gateway).planned(&oidc(KEYCLOAK)), CHANGED);
}

#[test]
fn nobody_said_how_clients_log_in() {
    let auth = operate("spring.profiles.active: auth", "env: []");
    let scene = from(&auth).planned(&basic());
    let finding = scene.one(NOT_EXPLICIT);
    assert_eq!(finding.action, Action::Warn);
    assert!(finding.why[0].contains("basic"));
    assert!(
        finding.why[2].contains("orchestration.security.authentication.unprotectedApi"),
        "{:?}",
        finding.why
    );
    assert_eq!(
        finding.fixes[0].commands,
        [Flag::set("orchestration.security.authentication.method", "basic").into()]
    );
    for values in [
        json!({"orchestration": {"security": {"authentication": {"method": "basic"}}}}),
        json!({"orchestration": {"security": {"authentication": {"unprotectedApi": false}}}}),
        json!({"global": {"security": {"authentication": {"method": "basic"}}}}),
        json!({"global": {"identity": {"auth": {"enabled": false}}}}),
    ] {
        silent(&scene.clone().values(json!({}), values), NOT_EXPLICIT);
    }
    let open = cluster(
        "camunda.security.authentication.method: basic",
        "env: [{name: CAMUNDA_SECURITY_AUTHENTICATION_UNPROTECTEDAPI, value: \"true\"}]",
    );
    silent(&from(&auth).planned(&open), NOT_EXPLICIT);
    silent(&Scene::install(AFTER).planned(&basic()), NOT_EXPLICIT);
}

#[test]
fn ldap_has_no_successor() {
    for ldap in [
        operate("spring.profiles.active: ldap-auth", "env: []"),
        operate(
            "spring.profiles.active: auth",
            "env: [{name: SPRING_PROFILES_ACTIVE, value: \"prod,ldap-auth\"}]",
        ),
        operate(
            "a: b",
            "env: [{name: CAMUNDA_OPERATE_LDAP_URL, value: \"ldaps://ad.example.com\"}]",
        ),
        workload(
            "Deployment",
            "tasklist",
            "tasklist",
            "spring.profiles.active: ldap-auth\ncamunda.tasklist.ldap.baseDn: dc=example",
            "env: []",
        ),
    ] {
        let finding = from(&ldap).planned(&basic()).one(LDAP);
        assert_eq!(finding.action, Action::Deny);
        assert!(
            finding.why[1].contains("Deployment camunda-"),
            "{:?}",
            finding.why
        );
        assert!(finding.fixes[0].intro.contains("contact Camunda"));
        silent(&from(&ldap).planned(&basic()), CHANGED);
        silent(
            &Scene::upgrade(BEFORE, BEFORE).running(&ldap).planned(&ldap),
            LDAP,
        );
    }
    let unused = operate(
        "spring.profiles.active: identity-auth\ncamunda.operate.ldap.url: ldaps://ad",
        "env: []",
    );
    silent(&from(&unused).planned(&basic()), LDAP);
}
