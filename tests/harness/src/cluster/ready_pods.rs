//! Reports pods as a kubelet would, which a control plane has none of.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{cluster::Cluster, wait::wait_until};

/// Longer than any test.
const LONGEST: Duration = Duration::from_secs(600);

impl Cluster {
    /// Does something while every pod of a namespace becomes ready. Pods of Jobs and of Helm's hooks come to their end.
    pub fn with_ready_pods<T>(&self, namespace: &str, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let done = &done;
            let report = move || {
                self.report_pods(namespace);
                Ok(done.load(Ordering::Relaxed).then_some(()))
            };
            scope.spawn(move || wait_until("the work to be done", LONGEST, report));
            let _end = EndOnDrop(done);
            work()
        })
    }

    fn report_pods(&self, namespace: &str) {
        let pods = self.list("pods", namespace, "");
        for pod in pods.unwrap_or_default() {
            let status = status(&pod);
            let is_reported = pod["status"]["phase"] == status["phase"];
            let Some(name) = pod["metadata"]["name"].as_str().filter(|_| !is_reported) else {
                continue;
            };
            let patch = json!({"status": status}).to_string();
            // Whoever is deleted meanwhile needs no report.
            let _ = self.kubectl([
                "-n",
                namespace,
                "patch",
                "pod",
                name,
                "--subresource=status",
                "-p",
                &patch,
            ]);
        }
    }
}

/// A test that fails must not leave the other thread at work.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn status(pod: &Value) -> Value {
    let metadata = &pod["metadata"];
    let is_job = metadata["labels"]["job-name"].is_string();
    let is_hook = metadata["annotations"]["helm.sh/hook"].is_string();
    match is_job || is_hook {
        true => json!({"phase": "Succeeded"}),
        false => json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
    }
}
