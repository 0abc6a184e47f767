//! Starts a cluster with a node and a pod on it, prints where it is, and keeps it until this process is stopped. The
//! harness's own tests kill it.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use harness::{Node, NodePrograms, run_on_a_node, wait_until};
use serde_json::json;

fn main() -> Result<ExitCode> {
    run_on_a_node(|programs| {
        let error = hold(&programs).err();
        eprintln!("{error:?}");
        ExitCode::FAILURE
    })
}

fn hold(programs: &NodePrograms) -> Result<()> {
    let node = Node::start(programs)?;
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "held", "namespace": "default"},
        "spec": {
            "containers": [{
                "name": "held",
                "image": "busybox",
                "imagePullPolicy": "Never",
                "volumeMounts": [{"name": "memory", "mountPath": "/memory"}],
            }],
            "volumes": [{"name": "memory", "emptyDir": {"medium": "Memory"}}],
        },
    });
    node.apply(&pod)?;
    wait_until("the pod runs", Duration::from_secs(60), || {
        let pod = node.get("pod", "default", "held")?.context("no pod")?;
        Ok((pod["status"]["phase"] == "Running").then_some(()))
    })?;
    println!("{}", node.dir().display());
    loop {
        std::thread::park();
    }
}
