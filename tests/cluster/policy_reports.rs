//! A scan as policy reports, held against the definitions that their projects publish.

use harness::{
    Cluster, ClusterOptions, Helm, Output, Run, binaries::Binaries, binaries::workspace,
};
use serde_json::Value;

use crate::{charts::own, release::Release, stage::BINARY};

/// Each API as the command line calls it, with its kind.
const APIS: [(&str, &str, &str); 2] = [
    ("openreports", "reports", "openreports.io"),
    ("policyreport", "policyreports", "wgpolicyk8s.io"),
];

#[test]
fn the_api_server_takes_a_scan_as_reports_of_both_apis() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let release = installed(cluster);
    for (format, plural, group) in APIS {
        define(cluster, plural, group);

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
        let report = report(&release, &kind);
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

/// A release whose next upgrade is stopped.
fn installed(cluster: &Cluster) -> Release<'_> {
    let release = Release::new(cluster, "camunda");
    let installed = release.install(Helm::V3, &own("camunda-8.2"), &[]);
    installed.ok().unwrap();
    release.bind_all();
    release
}

/// The report of its namespace. The harness knows only the kinds that were there when the cluster started.
fn report(release: &Release<'_>, kind: &str) -> Value {
    let get = ["get", kind, "camunda-upgrade-guard", "-o", "json", "-n"];
    let report = release
        .cluster
        .kubectl([&get[..], &[&release.namespace]].concat());
    report.ok().unwrap().json().unwrap()
}

/// Has the API server know the kind.
fn define(cluster: &Cluster, plural: &'static str, group: &str) {
    let definition = Binaries::definition(plural).unwrap();
    let definition = definition.to_str().unwrap();
    let create = ["apply", "--server-side", "-f", definition];
    cluster.kubectl(create).ok().unwrap();
    let crd = format!("crd/{plural}.{group}");
    let established = ["wait", &crd, "--for=condition=Established"];
    cluster.kubectl(established).ok().unwrap();
}

/// The command of the chart's CronJob, by its account.
fn job(cluster: &Cluster, api: &str) -> Output {
    let value = format!("policyReports.api={api}");
    let mut set = vec!["--set", "policyReports.enabled=true", "--set", &value];
    set.extend([
        "--set",
        "image.repository=guard",
        "-s",
        "templates/policy-reports.yaml",
    ]);
    let chart = workspace().join("deploy/chart");
    let rendered = cluster
        .helm(Helm::V4)
        .template("guard", &chart, "guard", &set);
    let rendered = rendered.ok().unwrap().stdout;
    let applied = cluster
        .admin()
        .run_with_input(["apply", "--validate=strict", "-f", "-"], &rendered);
    applied.ok().unwrap();
    let arguments = "jsonpath={.spec.jobTemplate.spec.template.spec.containers[0].args[*]}";
    let name = "camunda-upgrade-guard-reports";
    let arguments = cluster.kubectl(["get", "cronjob", name, "-n", "guard", "-o", arguments]);
    let arguments = arguments.ok().unwrap().stdout;
    let account = cluster
        .kubeconfig_of_service_account("guard", name)
        .unwrap();
    let run = Run::new(BINARY)
        .args(arguments.split(' '))
        .env("KUBECONFIG", &account);
    run.output().unwrap()
}

#[test]
fn the_account_of_the_cron_job_writes_reports_and_nothing_else() {
    if Binaries::find_or_skip().is_none() {
        return;
    }
    // All namespaces are looked into, so that no other test's releases may come and go.
    let cluster = Cluster::start(ClusterOptions::default()).unwrap();
    let cluster = &cluster;
    let namespace = ["create", "namespace", "guard"];
    cluster.kubectl(namespace).ok().unwrap();
    let release = installed(cluster);
    for (api, plural, group) in APIS {
        let unknown = job(cluster, api);
        assert_eq!(unknown.code, Some(2), "{}", unknown.report());
        assert!(
            unknown.stderr.contains("has to be installed first"),
            "{}",
            unknown.report()
        );

        define(cluster, plural, group);
        let kind = format!("{plural}.{group}");
        for _ in 0..2 {
            let written = job(cluster, api);
            assert_eq!(written.code, Some(0), "{}", written.report());
            let said = "1 report written, 0 reports deleted";
            assert!(written.stderr.contains(said), "{}", written.report());
            // Its rights are enough: nothing is missing in what it prints.
            assert!(
                !written.stdout.contains("forbidden"),
                "{}",
                written.report()
            );
        }
        let report = report(&release, &kind);
        assert_eq!(report["summary"]["error"], 0, "{report:#}");
        assert_ne!(report["summary"]["fail"], 0, "{report:#}");

        // The last release of this namespace is gone; what others wrote is theirs.
        let mut stale = report.clone();
        stale["metadata"] = serde_json::json!({
            "name": "camunda-upgrade-guard", "namespace": "default",
            "labels": {"app.kubernetes.io/managed-by": "camunda-upgrade-guard"},
        });
        stale["scope"]["name"] = "default".into();
        let mut others = stale.clone();
        others["metadata"]["name"] = "another".into();
        for object in [&stale, &others] {
            cluster.apply(object).unwrap();
        }
        let written = job(cluster, api);
        let said = "1 report written, 1 report deleted";
        assert!(written.stderr.contains(said), "{}", written.report());
        let left = cluster.kubectl(["get", &kind, "-n", "default", "-o", "name"]);
        let left = left.ok().unwrap().stdout;
        let left: Vec<_> = left.lines().filter_map(|it| it.split('/').nth(1)).collect();
        assert_eq!(left, ["another"]);
    }
    let account = "--as=system:serviceaccount:guard:camunda-upgrade-guard-reports";
    for (verb, resource) in [
        ("create", "secrets"),
        ("patch", "statefulsets"),
        ("delete", "persistentvolumeclaims"),
        ("create", "pods"),
    ] {
        let may = cluster.kubectl(["auth", "can-i", verb, resource, "-A", account]);
        assert_eq!(may.stdout.trim(), "no", "{verb} {resource}");
    }
}
