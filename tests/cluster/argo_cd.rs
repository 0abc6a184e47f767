//! The hook of Argo CD's: a Job on the image for pipelines, which judges what the Application says.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};

use harness::{Cluster, Helm, Run, binaries::workspace};

use crate::{
    charts::{ANEW, own},
    release::Release,
    stage::BINARY,
    ways_in::{NAME, path_with},
};

/// What the hook reads of Argo CD, as much of it as a cluster without Argo CD needs to keep one.
const APPLICATIONS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: applications.argoproj.io}
spec:
  group: argoproj.io
  names: {kind: Application, listKind: ApplicationList, plural: applications, singular: application}
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"#;

/// An Application of the release, with a field of its source as a test wants it.
fn application(namespace: &str, source: &str) -> String {
    format!(
        r#"
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: camunda, namespace: {namespace}}}
spec:
  destination: {{namespace: {namespace}}}
  source:
    chart: camunda-platform
    repoURL: https://example.test/charts
    targetRevision: 8.3.1
    helm: {{{source}}}
status:
  history:
    - source: {{helm: {{valuesObject: {{global: {{first: true}}}}}}}}
    - source: {{helm: {{valuesObject: {{global: {{last: true}}}}}}}}
"#
    )
}

/// Programs as the image for pipelines has them. No chart is fetched: helm renders one of the tests' own.
fn image_of_ci(cluster: &Cluster) -> PathBuf {
    let folder = cluster.scratch("ci").unwrap();
    symlink(BINARY, folder.join(NAME)).unwrap();
    symlink(&cluster.binaries().kubectl, folder.join("kubectl")).unwrap();
    let helm = cluster.binaries().helm3.display().to_string();
    let chart = own("camunda-8.3").display().to_string();
    let wrapper = format!(
        r#"#!/bin/sh
echo "$@" >{0}/helm.args
for arg; do case $last in --values) cp "$arg" {0}/helm.values ;; esac; last=$arg; done
exec {helm} template "$2" {chart} --namespace "$8" --values {0}/helm.values {ANEW}
"#,
        folder.display()
    );
    fs::write(folder.join("helm"), wrapper).unwrap();
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.join("helm"), executable).unwrap();
    folder
}

/// What Argo CD applies before a sync is accepted, may read all that it has to, and takes chart and values from the Application.
#[test]
fn argo_cd_s_hook_judges_with_the_rights_that_it_has() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let namespace = &*release.namespace;
    let text = fs::read_to_string(workspace().join("deploy/argo-cd/check.yaml")).unwrap();
    let own_namespace = format!("namespace: {namespace}\n");
    let text = text.replace("namespace: camunda\n", &own_namespace);
    let text = text.replace("namespace: argocd\n", &own_namespace);
    let apply = ["apply", "--validate=strict", "-f", "-"];
    let admin = cluster.admin();
    let accepted = admin.run_with_input(apply, &text).ok().unwrap();
    assert!(
        !accepted.text().contains("Warning"),
        "{}",
        accepted.report()
    );
    let defined = ["apply", "-f", "-"];
    admin.run_with_input(defined, APPLICATIONS).ok().unwrap();
    let definition = "crd/applications.argoproj.io";
    let wait = ["wait", "--for=condition=Established", definition];
    admin.run(wait).ok().unwrap();

    let helm = cluster.helm(Helm::V3);
    let running = helm.template(release.name, &own("camunda-8.2"), namespace, &[ANEW]);
    let running = running.ok().unwrap().stdout;
    let apply_running = ["apply", "-n", namespace, "-f", "-"];
    admin.run_with_input(apply_running, &running).ok().unwrap();
    release.bind_all();

    let job = cluster.get("job", namespace, "camunda-upgrade-guard-check");
    let pod = &job.unwrap().unwrap()["spec"]["template"]["spec"];
    let account = pod["serviceAccountName"].as_str().unwrap();
    let kubeconfig = cluster.kubeconfig_of_service_account(namespace, account);
    let kubeconfig = kubeconfig.unwrap();
    let container = &pod["containers"][0];
    assert_eq!(container["command"][0], "check-application");
    let folder = image_of_ci(cluster);
    let check = |source: &str| {
        let application = application(namespace, source);
        admin
            .run_with_input(["apply", "-f", "-"], &application)
            .ok()
            .unwrap();
        Run::new(workspace().join("packaging/ci/check-application.sh"))
            .args([container["args"][0].as_str().unwrap()])
            .env("ARGOCD_NAMESPACE", namespace)
            .env("KUBECONFIG", &kubeconfig)
            .env("PATH", path_with(&folder))
            .output()
            .unwrap()
    };
    for (source, values) in [
        (
            "valuesObject: {global: {next: true}}, values: 'a: 1'",
            "{\"global\":{\"next\":true}}",
        ),
        ("values: 'global: {next: true}'", "global: {next: true}"),
        ("", "{}\n"),
    ] {
        let output = check(source);
        assert_eq!(output.code, Some(1), "{}", output.report());
        let refused = "[elasticsearch-claims-orphaned]";
        assert!(output.stdout.contains(refused), "{}", output.report());
        assert!(
            !output.stdout.contains("[not-checked]"),
            "{}",
            output.report()
        );
        assert_eq!(
            fs::read_to_string(folder.join("helm.values")).unwrap(),
            values
        );
        let typed = fs::read_to_string(folder.join("helm.args")).unwrap();
        let expected = format!(
            "template camunda camunda-platform --repo=https://example.test/charts --version 8.3.1 --namespace {namespace} --values "
        );
        assert!(typed.starts_with(&expected), "{typed}");
    }
    for (source, told) in [
        ("valueFiles: [values-prod.yaml]", "has valueFiles"),
        ("parameters: [{name: a, value: b}]", "has parameters"),
    ] {
        let output = check(source);
        assert_eq!(output.code, Some(2), "{}", output.report());
        assert!(output.stderr.contains(told), "{}", output.report());
    }
}
