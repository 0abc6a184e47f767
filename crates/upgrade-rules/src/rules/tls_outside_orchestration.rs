//! `tls-outside-orchestration`: certificates that applications of 12 were given would not reach the Orchestration Cluster.
//!
//! 13 runs Zeebe, its gateway, Operate and Tasklist as one, with one place for TLS. What was set for each of them on its
//! own is not taken over.
//!
//! Since chart 13. Documented: "1.1 Camunda Helm chart values file changes".

use serde_json::Value;

use super::{Judge, Rule, wanted};

use crate::{
    camunda::{Application, Feature},
    change::{Change, Facts, Side},
    finding::{Action, Finding, RuleId, guide},
    knowledge::{configuration::Configuration, credentials::list},
    kubernetes::Object,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::TlsOutsideOrchestration,
    summary: "certificates that applications of 12 use would not reach the Orchestration Cluster",
    guide: guide::VALUES,
    release: &[Action::Warn],
    object: None,
    page: include_str!("../../../../docs/rules/tls-outside-orchestration.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

/// A use of TLS: what sets it up to 12, and what does in 13.
struct Use {
    what: &'static str,
    before: &'static [&'static str],
    after: &'static [&'static str],
}

const USES: [Use; 4] = [
    Use {
        what: "certificates for Elasticsearch or OpenSearch",
        before: &[
            "camunda.operate.elasticsearch.ssl",
            "camunda.operate.opensearch.ssl",
            "camunda.tasklist.elasticsearch.ssl",
            "camunda.tasklist.opensearch.ssl",
            "camunda.database.security",
        ],
        after: &[
            "camunda.database.security",
            "camunda.data.secondary-storage.elasticsearch.security",
            "camunda.data.secondary-storage.opensearch.security",
        ],
    },
    Use {
        what: "TLS of the gateway's gRPC API",
        before: &["zeebe.gateway.security.enabled"],
        after: &[
            "zeebe.broker.gateway.security.enabled",
            "camunda.api.grpc.ssl",
        ],
    },
    Use {
        what: "TLS between the brokers",
        before: &["zeebe.broker.network.security.enabled"],
        after: &[
            "zeebe.broker.network.security.enabled",
            "camunda.security.transport-layer-security.cluster",
        ],
    },
    Use {
        what: "TLS of its web server",
        before: &["server.ssl"],
        after: &["server.ssl"],
    },
];
const JAVA_OPTIONS: [&str; 4] = [
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "JAVA_OPTS",
];
/// The value that gives every application of 13 a certificate authority.
const BUNDLE: &str = "global.tls.caBundle.secret.existingSecret";

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let cluster = change.application(Application::ZEEBE, Side::Planned);
    let (Some(cluster), true) = (cluster, change.gets(Feature::OrchestrationCluster)) else {
        return Vec::new();
    };
    let Some(planned) = cluster.on(Side::Planned) else {
        return Vec::new();
    };
    let after = Configuration::of(change, facts, cluster, Side::Planned);
    let trusts = trust_store(planned) || change.values.text(BUNDLE).is_some();
    let mut lost = Vec::new();
    for application in [
        Application::ZEEBE,
        Application::GATEWAY,
        Application::OPERATE,
        Application::TASKLIST,
    ] {
        let Some(workload) = change.application(application, Side::Running) else {
            continue;
        };
        let before = Configuration::of(change, facts, workload, Side::Running);
        let missing = USES
            .iter()
            .filter(|used| on(&before, used.before) && !on(&after, used.after))
            .map(|used| used.what);
        let store = workload.on(Side::Running).is_some_and(trust_store) && !trusts;
        let store = store.then_some("a trust store of its own");
        lost.extend(
            missing
                .chain(store)
                .map(|what| format!("{} ({}) has {what}", application.name(), workload.object)),
        );
    }
    if lost.is_empty() {
        return Vec::new();
    }
    vec![Finding {
        rule: RULE.id,
        action: Action::Warn,
        title: "Certificates of 12 would not reach the Orchestration Cluster".to_owned(),
        objects: vec![cluster.object.clone()],
        why: vec![
            format!(
                "{}. Chart 13 takes TLS from the Orchestration Cluster's own settings, and {} has none of the kind.",
                lost.join(", "),
                cluster.object
            ),
            "Set it under orchestration.extraConfiguration, orchestration.env, orchestration.extraVolumes and orchestration.extraVolumeMounts; certificates to trust also by global.tls.caBundle."
                .to_owned(),
        ],
        fixes: Vec::new(),
        guide: RULE.guide,
    }]
}

/// Whether one of these properties is set, and not to false.
fn on(configuration: &Configuration, properties: &[&str]) -> bool {
    properties.iter().any(|property| {
        let switch = configuration
            .flag(property)
            .or_else(|| configuration.flag(&format!("{property}.enabled")));
        switch.unwrap_or_else(|| configuration.sets_below(property))
    })
}

/// Whether Java is given another trust store than its own.
fn trust_store(workload: &Object) -> bool {
    let option = |name: &&str| {
        let options = workload.env(name);
        options.is_some_and(|options| options.contains("javax.net.ssl.trustStore="))
    };
    let replaced = |mount: &Value| {
        let path = mount.get("mountPath").and_then(Value::as_str);
        path.is_some_and(|path| path.ends_with("/cacerts"))
    };
    JAVA_OPTIONS.iter().any(option)
        || workload
            .containers()
            .any(|container| list(container, "/volumeMounts").iter().any(replaced))
}
