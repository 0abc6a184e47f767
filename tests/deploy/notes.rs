//! What the chart says when it can't be installed, and what to do next once it is.

use harness::{Binaries, Cluster, ClusterOptions, Helm, Output};

use crate::{
    documented::{commands, page},
    rendered::{NAME, template, template_without_image},
    stage::{checkout, run, run_and_wait},
};

#[test]
fn it_is_not_installed_without_an_image() {
    let Some(binaries) = Binaries::find_or_skip() else {
        return;
    };
    let because = "image.repository is not set, and no image of the guard is published yet.";
    for helm in Helm::BOTH {
        for args in [
            &[][..],
            &["--set=image.repository="],
            &["--set=image.repository=null"],
            &["--set=image.registry=quay.io,image.tag=v1"],
        ] {
            let refused = template_without_image(&binaries, helm, args);
            let refused = refused.refused().unwrap();
            let text = refused.text();
            assert!(text.contains(because), "{args:?}: {text}");
        }
        template(&binaries, helm, &[]).ok().unwrap();
    }
}

/// The commands in what Helm prints after an installation or an upgrade.
fn next_steps(output: &Output) -> Vec<&str> {
    let notes = output.stdout.rsplit_once("NOTES:").unwrap().1;
    let lines = notes.lines();
    lines
        .filter_map(|line| line.strip_prefix("     "))
        .collect()
}

fn config(cluster: &Cluster) -> String {
    let found = cluster.get("configmap", NAME, NAME).unwrap().unwrap();
    found["data"]["config.yaml"].to_string()
}

fn notes_lead_from_audit_to_enforcement(helm: Helm) {
    if Cluster::shared_or_skip().is_none() {
        return;
    }
    let cluster = &Cluster::start(ClusterOptions::default()).unwrap();
    let shell = checkout(cluster, helm);
    run(&shell, "kubectl create namespace camunda");
    let install = commands(&page(), "With Helm");
    let install = format!("{} --set config.mode=audit", install.trim());
    let installed = run_and_wait(cluster, &shell, &install);
    let steps = next_steps(&installed);
    let kinds: Vec<_> = steps
        .iter()
        .map(|step| step.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [
        "kubectl rollout",
        "helm test",
        "kubectl get",
        "helm upgrade",
        "kubectl label",
    ];
    assert_eq!(kinds, expected, "{}", installed.report());
    assert!(config(cluster).contains("audit"));
    let done = run_and_wait(cluster, &shell, &steps.join("\n"));
    assert!(config(cluster).contains("enforce"), "{}", config(cluster));
    let camunda = cluster.get("namespace", "", "camunda").unwrap().unwrap();
    let labels = &camunda["metadata"]["labels"];
    assert_eq!(labels["camunda-upgrade-guard/enforce"], "true", "{labels}");

    // One that refuses is told the way back to audit mode.
    let steps = next_steps(&done);
    run_and_wait(cluster, &shell, steps[2]);
    assert!(config(cluster).contains("audit"), "{}", done.report());
    let deployment = cluster.get("deployment", NAME, NAME).unwrap().unwrap();
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "registry.example.com/camunda-upgrade-guard:0.1.0");
}

#[test]
fn notes_of_helm_3() {
    notes_lead_from_audit_to_enforcement(Helm::V3);
}

#[test]
fn notes_of_helm_4() {
    notes_lead_from_audit_to_enforcement(Helm::V4);
}
