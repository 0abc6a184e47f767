//! Lines that are jumped over, and ways back, between real releases; `tests/rules/corpus_ways` has all of them.

use harness::{Cluster, Denial, Helm, Secrets, wait_until};
use serde_json::json;

use crate::{
    release::{Release, record},
    stage::guarded_with_corpus,
};

const SKIPPED: &str = "upgrade-path-skipped";
const DOWNGRADE: &str = "downgrade";

#[test]
fn what_skips_a_line_and_what_goes_back_is_refused_as_checked() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    for (from, ways) in [
        ("8.0.12", &[(Helm::V3, "8.2.34", SKIPPED)][..]),
        (
            "10.0.2",
            &[
                (Helm::V4, "13.12.7-identity", SKIPPED),
                (Helm::V3, "8.3.1", DOWNGRADE),
            ],
        ),
        ("14.0.0-identity", &[(Helm::V4, "12.13.3", DOWNGRADE)]),
    ] {
        let release = Release::new(cluster, "camunda");
        release.install_record(Helm::V3, &chart(from));
        release.bind_all();
        a_broker_became_ready(cluster, &release);
        let before = release.versions();
        for (helm, to, rule) in ways {
            let denial = Denial::of(&release.upgrade_record_as_checked(*helm, &chart(to)));
            for other in [SKIPPED, DOWNGRADE] {
                let refused = denial.rules.iter().any(|it| it == other);
                assert_eq!(refused, other == *rule, "{from} to {to}: {}", denial.text);
            }
            assert_eq!(release.versions(), before, "{from} to {to}");
        }
    }
}

/// There is no kubelet: a test says for it that a pod is ready.
fn a_broker_became_ready(cluster: &Cluster, release: &Release) {
    wait_until("a broker to be counted as ready", std::time::Duration::from_secs(60), || {
        let Some(pod) = cluster.get("pod", &release.namespace, "camunda-zeebe-0")? else {
            return Ok(None);
        };
        let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        cluster
            .kubectl([
                "patch", "pod", name, "-n", &release.namespace, "--subresource=status",
                "--type=merge", "-p", &ready.to_string(),
            ])
            .ok()?;
        let set = cluster.get("statefulset", &release.namespace, "camunda-zeebe")?;
        let counted = set.and_then(|set| set["status"]["readyReplicas"].as_u64());
        Ok(counted.filter(|count| *count > 0))
    })
    .unwrap();
}
