//! The README's way to install the guard, walked on a real API server, and the rights that come with it.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, time::Duration};

use harness::{
    Cluster, Denial, GuardOptions, Helm, Run, Shell, binaries::workspace, cluster_or_skip, record,
    wait_until,
};

const GUARD: &str = env!("CARGO_BIN_EXE_camunda-upgrade-guard");
const NAME: &str = "camunda-upgrade-guard";
const ACCOUNT: &str = "system:serviceaccount:camunda-upgrade-guard:camunda-upgrade-guard";
const UPGRADE: &str =
    "helm upgrade camunda ./camunda-8.3 -n camunda --set global.secretsMode=generateAnew";

const PATIENCE: Duration = Duration::from_secs(60);

/// All that the guard may do, and some of what it may not.
const RIGHTS: [(&str, &str, bool); 38] = [
    ("get", "secrets", true),
    ("get", "configmaps", true),
    ("get", "persistentvolumeclaims", true),
    ("list", "persistentvolumeclaims", true),
    ("get", "persistentvolumes", true),
    ("list", "persistentvolumes", true),
    ("list", "pods", true),
    ("get", "namespaces", true),
    ("get", "statefulsets.apps", true),
    ("list", "statefulsets.apps", true),
    ("get", "deployments.apps", true),
    ("list", "deployments.apps", true),
    ("get", "jobs.batch", true),
    ("get", "storageclasses.storage.k8s.io", true),
    ("get", "csidrivers.storage.k8s.io", true),
    ("create", "subjectaccessreviews.authorization.k8s.io", true),
    ("create", "events.events.k8s.io", true),
    ("patch", "events.events.k8s.io", true),
    ("get", "events.events.k8s.io", false),
    ("list", "events.events.k8s.io", false),
    ("delete", "events.events.k8s.io", false),
    ("list", "secrets", false),
    ("get", "pods", false),
    ("watch", "secrets", false),
    ("create", "secrets", false),
    ("update", "secrets", false),
    ("patch", "secrets", false),
    ("delete", "secrets", false),
    ("list", "configmaps", false),
    ("update", "persistentvolumes", false),
    ("patch", "persistentvolumes", false),
    ("patch", "persistentvolumeclaims", false),
    ("delete", "persistentvolumeclaims", false),
    ("patch", "statefulsets.apps", false),
    ("create", "pods", false),
    ("list", "nodes", false),
    ("create", "serviceaccounts/token", false),
    (
        "patch",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        false,
    ),
];

#[test]
fn the_readmes_commands_install_it_and_its_rights_suffice() {
    let cluster = cluster_or_skip!();
    let shell = checkout(cluster);
    // What a user has before: a namespace with Camunda in it.
    shell
        .run("kubectl create namespace camunda && helm install camunda ./camunda-8.2 -n camunda")
        .unwrap()
        .ok()
        .unwrap();
    let volumes: Vec<_> = (0..2)
        .map(|ordinal| format!("elasticsearch-master-elasticsearch-master-{ordinal}"))
        .map(|claim| cluster.wait_bound("camunda", &claim).unwrap())
        .collect();
    cluster
        .wait_bound("camunda", "data-camunda-postgresql-0")
        .unwrap();

    // No cert-manager is here to take it; that it is whole can be seen.
    let whole = shell.run("kubectl kustomize deploy/cert-manager").unwrap();
    let whole = whole.ok().unwrap().stdout;
    for part in [
        "kind: Deployment",
        "secretName: camunda-upgrade-guard-tls",
        "isCA: true",
    ] {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    shell.run(&readme_commands()).unwrap().ok().unwrap();
    installed(cluster);
    rights(cluster);
    closed_without_guard(cluster);

    // No pod runs here, so the program runs beside the cluster, as the ServiceAccount.
    let mut options = GuardOptions::new(GUARD);
    options.kubeconfig = Some(cluster.kubeconfig_of_service_account(NAME, NAME).unwrap());
    let guard = cluster.guard(options).unwrap();

    let denial = Denial::of(&shell.run(UPGRADE).unwrap());
    denial.assert_rules(&[
        "elasticsearch-claims-orphaned",
        "identity-secret-regenerated",
        "immutable-field-changed",
    ]);
    let cured = shell.run(&denial.cure(UPGRADE)).unwrap().ok().unwrap();
    for (ordinal, volume) in volumes.iter().enumerate() {
        let claim = format!("data-camunda-elasticsearch-master-{ordinal}");
        assert_eq!(&cluster.wait_bound("camunda", &claim).unwrap(), volume);
    }
    for text in [&denial.text, &cured.text(), &guard.log()] {
        assert!(
            !text.contains("forbidden") && !text.contains("cannot "),
            "{text}"
        );
    }
}

/// A folder with what the commands read from a checkout, and the charts.
fn checkout(cluster: &Cluster) -> Shell {
    let shell = cluster.shell(Helm::V3).unwrap();
    for path in [
        "deploy",
        "certs",
        "tests/charts/camunda-8.2",
        "tests/charts/camunda-8.3",
    ] {
        let copy = Run::new("cp").args([
            "-rL".as_ref(),
            workspace().join(path).as_os_str(),
            shell.dir().as_os_str(),
        ]);
        copy.output().unwrap().ok().unwrap();
    }
    // A developer's own.
    let _ = fs::remove_dir_all(shell.dir().join("certs/dev"));
    shell.install(NAME, Path::new(GUARD)).unwrap();
    shell
}

fn readme() -> String {
    fs::read_to_string(workspace().join("README.md")).unwrap()
}

/// From a heading to the next of the same level.
fn section<'a>(readme: &'a str, heading: &str) -> &'a str {
    let (_, rest) = readme.split_once(&format!("{heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// All blocks that are marked as `sh` below the heading; what is not to be run here is marked otherwise.
fn readme_commands() -> String {
    let readme = readme();
    let blocks: Vec<_> = section(&readme, "## Install it in a cluster")
        .split("```sh\n")
        .skip(1)
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect();
    let commands = blocks.concat();
    for part in [
        "apply -k deploy/",
        "certs/dev.sh",
        "create secret tls",
        "webhooks --service",
        "enforce=true",
    ] {
        assert!(commands.contains(part), "{part} is missing in:\n{commands}");
    }
    commands
}

fn installed(cluster: &Cluster) {
    for kind in [
        "deployment",
        "service",
        "poddisruptionbudget",
        "serviceaccount",
    ] {
        assert!(cluster.get(kind, NAME, NAME).unwrap().is_some(), "{kind}");
    }
    let secret = cluster
        .get("secret", NAME, "camunda-upgrade-guard-tls")
        .unwrap()
        .unwrap();
    assert_eq!(secret["type"], "kubernetes.io/tls");
    // The pods pass the namespace's own admission: `restricted`.
    let mounted = "jsonpath={.spec.template.spec.volumes[0].secret.secretName}";
    let output = cluster.kubectl(["-n", NAME, "get", "deployment", NAME, "-o", mounted]);
    assert_eq!(output.ok().unwrap().stdout, "camunda-upgrade-guard-tls");
    wait_until("both pods", PATIENCE, || {
        let pods = cluster.list("pods", NAME, "app.kubernetes.io/name=camunda-upgrade-guard")?;
        Ok((pods.len() == 2).then_some(()))
    })
    .unwrap();
}

fn rights(cluster: &Cluster) {
    for (verb, resource, allowed) in RIGHTS {
        let who = format!("--as={ACCOUNT}");
        let output = cluster.kubectl(["auth", "can-i", verb, resource, &who, "-n", "camunda"]);
        let answer = if allowed { "yes" } else { "no" };
        assert_eq!(
            output.stdout.trim(),
            answer,
            "{verb} {resource}: {}",
            output.report()
        );
    }
}

/// With the webhooks there and no guard behind them, a labelled namespace takes no release, and the error names the guard.
fn closed_without_guard(cluster: &Cluster) {
    let record = record::secret(&record::unrelated("probe", "camunda"), "pending-install").unwrap();
    let create = ["create", "--dry-run=server", "-f", "-"];
    let refused = wait_until("writes fail", PATIENCE, || {
        let output = cluster.admin().run_with_input(create, &record.to_string());
        Ok((!output.success()).then_some(output))
    });
    let text = refused.unwrap().text();
    assert!(
        text.contains("failed calling webhook \"releases.enforced.camunda-upgrade-guard\""),
        "{text}"
    );
}
