//! Reports pods as a kubelet would, which the cluster has none of.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use harness::wait_until;
use serde_json::{Value, json};

use crate::release::Release;

/// Longer than any test.
const LONGEST: Duration = Duration::from_secs(600);

/// Does something while every pod of a release's namespace becomes ready, and those of Jobs come to their end.
pub fn with_ready_pods<T>(release: &Release, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let done = &done;
        let report = move || {
            report_pods(release);
            Ok(done.load(Ordering::Relaxed).then_some(()))
        };
        scope.spawn(move || wait_until("the work to be done", LONGEST, report));
        let _end = EndOnDrop(done);
        work()
    })
}

/// A test that fails must not leave the other thread at work.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn report_pods(release: &Release) {
    let pods = release.cluster.list("pods", &release.namespace, "");
    for pod in pods.unwrap_or_default() {
        let status = status(&pod);
        let is_reported = pod["status"]["phase"] == status["phase"];
        let Some(name) = pod["metadata"]["name"].as_str().filter(|_| !is_reported) else {
            continue;
        };
        let patch = json!({"status": status}).to_string();
        let namespace = &*release.namespace;
        // Whoever is deleted meanwhile needs no report.
        let _ = release.cluster.kubectl([
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

fn status(pod: &Value) -> Value {
    let is_job = pod["metadata"]["labels"]["job-name"].is_string();
    match is_job {
        true => json!({"phase": "Succeeded"}),
        false => json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
    }
}
