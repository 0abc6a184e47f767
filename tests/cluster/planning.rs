//! `scan` and `plan` as a person runs them, and the plan as its script does it.

use harness::{Cluster, Helm, Namespace, Output, Run};

use crate::{
    charts::own,
    kubelet::with_ready_pods,
    release::Release,
    stage::{BINARY, guarded},
};

const OLD: &str = "elasticsearch-master-elasticsearch-master-";
const NEW: &str = "data-camunda-elasticsearch-master-";

fn guard(cluster: &Cluster, namespace: &Namespace, args: &[&str]) -> Output {
    let kubeconfig = cluster.kubeconfig();
    let run = Run::new(BINARY).args(args).args(["-n", &**namespace]);
    run.env("KUBECONFIG", kubeconfig).output().unwrap()
}

/// From a look at the cluster to bound volumes, with nothing but what the plan prints, and the guard in place.
#[test]
fn the_way_from_8_2_to_8_3_is_the_plans_alone() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = own("camunda-8.2");
    release.install(Helm::V3, &chart, &[]).ok().unwrap();
    release.bind_all();
    let volumes = ["0", "1"].map(|ordinal| release.bound(&format!("{OLD}{ordinal}")));
    let secrets = release.secrets();

    let scan = guard(cluster, &release.namespace, &["scan"]).ok().unwrap();
    println!("{}", scan.stdout);
    let chart = own("camunda-8.3").display().to_string();
    let plan = [
        "plan", "camunda", "--to", "8.3.1", "-o", "shell", "--chart", &chart,
    ];
    let plan = guard(cluster, &release.namespace, &plan).ok().unwrap();
    println!("{}", plan.stdout);
    let shell = cluster.shell(Helm::V3).unwrap();
    let script = format!("export YES=1 BACKUP=0\n{}", plan.stdout);
    let walked = with_ready_pods(&release, || shell.run(&script).unwrap());
    println!("{}", walked.text());
    walked.ok().unwrap();
    for (ordinal, volume) in volumes.iter().enumerate() {
        assert_eq!(release.bound(&format!("{NEW}{ordinal}")), *volume);
        assert_eq!(release.get("pvc", &format!("{OLD}{ordinal}")), None);
    }
    let now = release.secrets();
    for (name, data) in &secrets {
        assert_eq!(now.get(name), Some(data), "{name}");
    }
}
