//! What an installation has to come to.

use std::collections::BTreeSet;

use harness::{Cluster, Denial, Helm, Run, Shell, guard::http, record, wait_until};
use serde_json::Value;

use crate::{
    beside::{Beside, CONFIGURATIONS, GUARD, PATIENCE},
    files,
    rendered::{NAME, documents, template},
    stage::run,
};

pub const UPGRADE: &str =
    "helm upgrade camunda ./camunda-8.3 -n camunda --set global.secretsMode=generateAnew";

/// What the guard itself has written: the authority, and whom each webhook's caller is to trust.
pub fn written(cluster: &Cluster) -> (Value, BTreeSet<String>) {
    let secret = cluster
        .get("secret", NAME, "camunda-upgrade-guard-ca")
        .unwrap();
    let bundles = CONFIGURATIONS.iter().flat_map(|(kind, _)| {
        let found = cluster.get(kind, "", NAME).unwrap().unwrap();
        let webhooks = found["webhooks"].as_array().unwrap().clone();
        webhooks
            .into_iter()
            .map(|webhook| webhook["clientConfig"]["caBundle"].to_string())
    });
    (secret.unwrap()["data"].clone(), bundles.collect())
}

/// The pods pass the admission of a namespace that takes only `restricted` ones.
pub fn has_pods(cluster: &Cluster) {
    wait_until("both pods", PATIENCE, || {
        let pods = cluster.list("pods", NAME, "app.kubernetes.io/name=camunda-upgrade-guard")?;
        Ok((pods.len() == 2).then_some(()))
    })
    .unwrap();
}

/// Refuses what is to be refused, and admits it once cured, behind the Service and with its own rights.
pub fn works(cluster: &Cluster, shell: &Shell, guard: &Beside) {
    guard.behind_the_service();
    let denial = Denial::of(&shell.run(UPGRADE).unwrap());
    denial.assert_rules(&[
        "elasticsearch-claims-orphaned",
        "identity-secret-regenerated",
        "immutable-field-changed",
    ]);
    let cured = run(shell, &denial.cure(UPGRADE));
    cluster
        .wait_bound("camunda", "data-camunda-elasticsearch-master-0")
        .unwrap();
    for text in [&denial.text, &cured.text(), &guard.log()] {
        assert!(
            !text.contains("forbidden") && !text.contains("cannot "),
            "{text}"
        );
    }
    let (status, page) = http::get(guard.admin, "/metrics").unwrap();
    assert_eq!(status, 200);
    for family in files::metrics() {
        let there = page.contains(&format!("# TYPE camunda_upgrade_guard_{family} "));
        assert!(there, "{family}: {page}");
    }
}

/// With the webhooks there and no guard behind them, a labelled namespace takes no release; without them it does.
pub fn takes_releases(cluster: &Cluster) -> bool {
    let record = record::secret(&record::unrelated("probe", "camunda"), "pending-install").unwrap();
    let create = ["create", "--dry-run=server", "-f", "-"];
    let output = cluster.admin().run_with_input(create, &record.to_string());
    let text = output.text();
    let closed = "failed calling webhook \"releases.enforced.camunda-upgrade-guard\"";
    assert!(output.success() || text.contains(closed), "{text}");
    output.success()
}

pub fn nothing_is_left(cluster: &Cluster) {
    let kinds = "clusterroles,clusterrolebindings,validatingwebhookconfigurations,mutatingwebhookconfigurations";
    let label = "app.kubernetes.io/name=camunda-upgrade-guard";
    assert_eq!(cluster.list(kinds, "", label).unwrap(), Vec::<Value>::new());
    let kinds = "secrets,configmaps,serviceaccounts,roles,rolebindings,deployments,services,networkpolicies,poddisruptionbudgets";
    assert_eq!(
        cluster.list(kinds, NAME, label).unwrap(),
        Vec::<Value>::new()
    );
    wait_until("releases pass", PATIENCE, || {
        Ok(takes_releases(cluster).then_some(()))
    })
    .unwrap();
}

/// The pod of `helm test`, as far as no node is needed.
pub fn tested(cluster: &Cluster, helm: Helm, guard: &Beside) {
    let rendered = template(cluster.binaries(), helm, &[]).ok().unwrap().stdout;
    let pod = documents(&rendered)
        .into_iter()
        .find(|object| object["kind"] == "Pod")
        .unwrap();
    assert_eq!(pod["metadata"]["annotations"]["helm.sh/hook"], "test");
    let args = &pod["spec"]["containers"][0]["args"];
    assert_eq!(args[0], "ready");
    let service = cluster.get("service", NAME, NAME).unwrap().unwrap();
    let asked = args[1].as_str().unwrap();
    assert!(
        asked.starts_with("camunda-upgrade-guard.camunda-upgrade-guard.svc:"),
        "{asked}"
    );
    assert!(
        service["spec"]["ports"]
            .to_string()
            .contains(asked.split(':').nth(1).unwrap())
    );
    let ready = |address: &str| Run::new(GUARD).args(["ready", address]).output().unwrap();
    let answer = ready(&guard.admin.to_string()).ok().unwrap();
    assert!(answer.stdout.contains("is ready"), "{}", answer.report());
    for (address, because) in [
        ("127.0.0.1:1", "can't ask 127.0.0.1:1"),
        (
            "no-such-name.invalid:8080",
            "can't ask no-such-name.invalid:8080",
        ),
        (
            cluster.server().trim_start_matches("https://"),
            "is no guard's admin port",
        ),
    ] {
        let refused = ready(address).refused().unwrap();
        assert!(refused.stderr.contains(because), "{}", refused.report());
    }
}
