//! A scan as policy reports, held against the definitions that their projects publish.

use harness::{Cluster, Helm, Run, binaries::Binaries};
use serde_json::Value;

use crate::{charts::own, release::Release, stage::BINARY};

#[test]
fn the_api_server_takes_a_scan_as_reports_of_both_apis() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let installed = release.install(Helm::V3, &own("camunda-8.2"), &[]);
    installed.ok().unwrap();
    release.bind_all();
    for (format, plural, group) in [
        ("openreports", "reports", "openreports.io"),
        ("policyreport", "policyreports", "wgpolicyk8s.io"),
    ] {
        let definition = Binaries::definition(plural).unwrap();
        let definition = definition.to_str().unwrap();
        let create = ["apply", "--server-side", "-f", definition];
        cluster.kubectl(create).ok().unwrap();
        let crd = format!("crd/{plural}.{group}");
        let established = ["wait", &crd, "--for=condition=Established"];
        cluster.kubectl(established).ok().unwrap();

        let scan = Run::new(BINARY).args(["scan", "-n", &release.namespace, "-o", format]);
        let scan = scan.env("KUBECONFIG", cluster.kubeconfig()).output();
        let printed = scan.unwrap().ok().unwrap().stdout;
        let apply = |yaml: &str| {
            let apply = ["apply", "--validate=strict", "-f", "-"];
            cluster.admin().run_with_input(apply, yaml)
        };
        apply(&printed).ok().unwrap();
        // What has changed is changed, and what has not is left.
        let again = apply(&printed).ok().unwrap();
        assert!(again.stdout.contains("unchanged"), "{}", again.report());
        let wrong = printed.replace("severity: high", "severity: grave");
        assert_ne!(wrong, printed);
        let refused = apply(&wrong);
        assert!(refused.stderr.contains("grave"), "{}", refused.report());
        let wrong = printed.replace("policy: camunda", "polices: camunda");
        assert!(!apply(&wrong).success());

        let kind = format!("{plural}.{group}");
        let get = ["get", &kind, "camunda-upgrade-guard", "-o", "json", "-n"];
        let report = cluster.kubectl([&get[..], &[&release.namespace]].concat());
        let report = report.ok().unwrap().json().unwrap();
        let results = report["results"].as_array().unwrap();
        let of_rule = |rule: &str| results.iter().find(|it| it["rule"] == rule).unwrap();
        let orphaned = of_rule("elasticsearch-claims-orphaned");
        assert_eq!(orphaned["result"], "fail");
        let resource = &orphaned["resources"][0];
        assert_eq!(resource["kind"], "StatefulSet");
        assert_eq!(resource["namespace"], *release.namespace);
        assert_eq!(of_rule("volume-not-retained")["result"], "warn");
        let count = |result: &str| results.iter().filter(|it| it["result"] == result).count();
        for result in ["pass", "fail", "warn", "error", "skip"] {
            assert_eq!(report["summary"][result], Value::from(count(result)));
        }
    }
}
