//! `multi-tenancy-half` and `tls-outside-orchestration`.

use camunda_upgrade_guard::finding::{Action, Command, Flag};
use serde_json::json;

use crate::{
    applications::{AFTER, BEFORE, cluster, identity, operate, silent, workload},
    scene::{Scene, commands},
};

const TENANTS: &str = "multi-tenancy-half";
const TLS: &str = "tls-outside-orchestration";

#[test]
fn tenants_are_known_twice_or_not_at_all() {
    let cluster = |on: bool| {
        cluster(
            &format!("camunda.security.multiTenancy.checksEnabled: {on}"),
            "env: []",
        )
    };
    let flags = |on: bool| format!("identity.flags.multi-tenancy: \"{on}\"");
    let database = |on: bool| {
        let url = "\nspring.datasource.url: jdbc:postgresql://db/identity";
        identity(&(flags(on) + url), "env: []")
    };
    let identity = |on: bool| identity(&flags(on), "env: []");
    let scene = |cluster: &str, identity: &str| {
        Scene::upgrade(BEFORE, AFTER)
            .planned(cluster)
            .planned(identity)
    };
    let finding = scene(&cluster(false), &database(true)).one(TENANTS);
    assert_eq!(finding.action, Action::Deny);
    assert_eq!(
        commands(&finding),
        ["--set orchestration.multitenancy.checks.enabled=true"]
    );
    let finding = scene(&cluster(true), &database(false)).one(TENANTS);
    assert_eq!(
        commands(&finding),
        ["--set identity.multitenancy.enabled=true"]
    );
    let finding = scene(&cluster(true), &identity(false)).one(TENANTS);
    assert!(finding.why[1].contains("database"), "{:?}", finding.why);
    assert_eq!(
        finding.fixes[0].commands[0],
        Command::from(Flag::set("identityPostgresql.enabled", "true")).decide()
    );
    Scene::install(AFTER)
        .planned(&cluster(true))
        .planned(&identity(false))
        .one(TENANTS);

    silent(&scene(&cluster(true), &database(true)), TENANTS);
    silent(&scene(&cluster(false), &identity(false)), TENANTS);
    silent(
        &Scene::upgrade(BEFORE, AFTER).planned(&cluster(true)),
        TENANTS,
    );
    let variable = "env: [{name: CAMUNDA_SECURITY_MULTITENANCY_CHECKSENABLED, value: \"true\"}]";
    let by_variable = workload("StatefulSet", "zeebe", "zeebe-broker", "a: b", variable);
    silent(&scene(&by_variable, &database(true)), TENANTS);
    let runs = Scene::upgrade(AFTER, "14.8.4")
        .running(&cluster(true))
        .running(&identity(false))
        .planned(&cluster(true));
    silent(&runs.clone().planned(&identity(false)), TENANTS);
    let turned = Scene::upgrade(AFTER, AFTER)
        .running(&cluster(true))
        .running(&database(true))
        .planned(&cluster(true))
        .planned(&database(false));
    turned.one(TENANTS);
}

#[test]
fn certificates_have_to_come_along() {
    let trusts = |name: &str| {
        format!(
            "env: [{{name: {name}, value: \"-Xmx1g -Djavax.net.ssl.trustStore=/certs/ca.jks\"}}]"
        )
    };
    let scene =
        |before: &str, after: &str| Scene::upgrade(BEFORE, AFTER).running(before).planned(after);
    let plain = cluster("a: b", "env: []");
    let own = operate("a: b", &trusts("JAVA_TOOL_OPTIONS"));
    let finding = scene(&own, &plain).one(TLS);
    assert_eq!(finding.action, Action::Warn);
    assert!(
        finding.why[0]
            .starts_with("Operate (Deployment camunda-operate) has a trust store of its own."),
        "{:?}",
        finding.why
    );
    silent(&scene(&own, &cluster("a: b", &trusts("JAVA_OPTS"))), TLS);
    let bundle = json!({"global": {"tls": {"caBundle": {"secret": {"existingSecret": "ca"}}}}});
    silent(&scene(&own, &plain).values(json!({}), bundle), TLS);

    for (before, after) in [
        (
            "camunda.operate.elasticsearch.ssl.selfSigned: true",
            "camunda.data.secondary-storage.elasticsearch.security.self-signed: true",
        ),
        ("server.ssl.bundle: web", "server.ssl.bundle: web"),
    ] {
        let operate = operate(before, "env: []");
        scene(&operate, &plain).one(TLS);
        silent(&scene(&operate, &cluster(after, "env: []")), TLS);
    }
    let gateway = |on: bool| {
        workload(
            "Deployment",
            "zeebe-gateway",
            "zeebe-gateway",
            &format!(
                "zeebe.gateway.security: {{enabled: {on}, certificateChainPath: /tls.crt, authentication: {{mode: identity}}}}"
            ),
            "env: []",
        )
    };
    scene(&gateway(true), &plain).one(TLS);
    silent(&scene(&gateway(false), &plain), TLS);
    let served = cluster("zeebe.broker.gateway.security.enabled: true", "env: []");
    silent(&scene(&gateway(true), &served), TLS);
    silent(
        &Scene::upgrade(AFTER, AFTER)
            .running(&served)
            .planned(&plain),
        TLS,
    );
}
