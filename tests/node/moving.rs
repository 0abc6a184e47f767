//! Volumes that change hands while pods are still on them.

use harness::{Denial, wait_until};

use crate::brokers::OTHERS_OFF;
use crate::charts::{REUSE, own};
use crate::marker;
use crate::release::{Guarded, PATIENCE, Release};

const OLD: &str = "elasticsearch-master";
const NEW: &str = "camunda-elasticsearch-master";
/// Elasticsearch takes its time to end; meanwhile nobody else gets its volumes, and `rebind` waits for it.
pub fn rebind_waits_for_a_pod_that_is_terminating() {
    let release = Release::installed(Guarded::Yes, &own("camunda-8.2"), &[REUSE, OTHERS_OFF]);
    let late = [
        "set",
        "env",
        "statefulset/elasticsearch-master",
        "STAND_IN_ENDS_LATE=12s",
    ];
    release.kubectl(&late).ok().unwrap();
    release.ready();
    let file = marker::written(&release, OLD, 9200, 0);
    marker::written(&release, OLD, 9200, 1);

    let claim = release.get("pvc", &format!("{OLD}-{OLD}-0")).unwrap();
    let volume = claim["spec"]["volumeName"].as_str().unwrap();
    let to = format!(
        "camunda-upgrade-guard/rebind-to={}/data-{NEW}-0",
        &*release.namespace
    );
    let annotate = ["annotate", "pv", volume, &to];
    let stop = ["scale", "statefulset", OLD, "--replicas=0"];
    release.kubectl(&stop).ok().unwrap();
    let terminating = wait_until("a pod that terminates", PATIENCE, || {
        let pod = release.get("pod", &format!("{OLD}-0")).unwrap_or_default();
        Ok(pod["metadata"]["deletionTimestamp"]
            .is_string()
            .then_some(()))
    });
    terminating.unwrap();
    let refused = release.kubectl(&annotate).refused().unwrap();
    let told = refused.stderr.contains("[volume-rebind-while-running]");
    assert!(told, "{}", refused.report());

    let rebind = format!(
        "camunda-upgrade-guard rebind camunda --yes -n {}",
        &*release.namespace
    );
    let moved = release.shell(&rebind).ok().unwrap();
    assert!(
        release.get("pod", &format!("{OLD}-0")).is_none(),
        "{}",
        moved.report()
    );
    assert!(file.exists());
    let to = own("camunda-8.3");
    let denial = Denial::of(&release.upgrade(&to, &[REUSE, OTHERS_OFF]));
    denial.assert_rules(&["immutable-field-changed"]);
    release.cured(&denial, &to, &[REUSE, OTHERS_OFF]);
    release.ready();
    for node in 0..2 {
        marker::is_there(&release, NEW, 9200, node);
    }
}
