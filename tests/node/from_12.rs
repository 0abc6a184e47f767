//! From 12 to 13 on the old passwords and the old data; what follows; and the way back.

use harness::{Denial, Helm, wait_until};

use crate::charts::own;
use crate::marker::{self, BROKERS};
use crate::person;
use crate::release::{Guarded, PATIENCE, Release};

/// No registry is asked for images that are there.
const PRESENT: &str = "--set=global.image.pullPolicy=IfNotPresent";
const DATA_JOB: &str = "camunda-zeebe-migration-data";

fn with_12() -> Release {
    let release = Release::installed(Guarded::Yes, &own("camunda-12"), &[PRESENT]);
    person::registers(&release);
    for node in 0..3 {
        marker::written(&release, BROKERS, 9600, node);
    }
    release
}

fn is_as_before(release: &Release) {
    release.ready();
    person::logs_in(release);
    for node in 0..3 {
        marker::is_there(release, BROKERS, 9600, node);
    }
}

/// What its condition says of a Job, once there is one.
fn job_is(release: &Release, name: &str, condition: &str) {
    let came = wait_until(&format!("{name} to be {condition}"), PATIENCE, || {
        let job = release.get("job", name).unwrap_or_default();
        let conditions = job["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        let is = conditions.any(|it| it["type"] == condition && it["status"] == "True");
        Ok(is.then_some(()))
    });
    came.unwrap_or_else(|error| panic!("{error:#}\n{}", release.state()));
}

pub fn what_the_guard_prints_takes_12_to_13() {
    let release = with_12();
    let to = own("camunda-13");
    let denial = Denial::of(&release.upgrade(&to, &[PRESENT]));
    release.cured(&denial, &to, &[PRESENT]);
    is_as_before(&release);

    // The brokers have written what 12 does not read.
    let helm = release.node.helm(Helm::V3);
    let back = helm.rollback("camunda", 1, &release.namespace, &[]);
    Denial::of(&back).assert_rules(&["downgrade", "elasticsearch-version"]);

    for job in [DATA_JOB, "camunda-zeebe-migration-identity"] {
        job_is(&release, job, "Complete");
    }
    let check = format!(
        "camunda-upgrade-guard check camunda -n {}",
        &*release.namespace
    );
    let left = release.shell(&check).ok().unwrap().stdout;
    assert!(left.contains("[after-upgrade]"), "{left}");
    let flags = left
        .lines()
        .filter(|line| line.trim().starts_with("--set "));
    let flags: Vec<_> = flags
        .map(|flag| flag.trim().trim_end_matches(" \\"))
        .collect();
    assert!(!flags.is_empty(), "{left}");
    let again = release.command(&to, &["--reuse-values"]);
    release
        .shell(&format!("{again} {}", flags.join(" ")))
        .ok()
        .unwrap();
    is_as_before(&release);
    assert!(release.get("job", DATA_JOB).is_none());
}

/// An upgrade whose pods never become ready is taken back by Helm itself. Elasticsearch stays at its version: were it ready in
/// a newer one, there would be no way back for its data.
pub fn an_atomic_upgrade_that_fails_goes_back() {
    let release = with_12();
    let to = own("camunda-13");
    let denial = Denial::of(&release.upgrade(&to, &[PRESENT]));
    let broken = [
        PRESENT,
        "--set=orchestration.image.tag=8.8.999,elasticsearch.image.tag=8.17.4",
        "--atomic",
        "--timeout=20s",
    ];
    let upgrade = denial.cure_on_a_node(&release.command(&to, &broken));
    let failed = release.shell(&upgrade).refused().unwrap();
    let denied = failed.stderr.contains("denied the request");
    assert!(!denied, "{}", failed.report());
    let history = release.node.helm(Helm::V3);
    let history = history.history("camunda", &release.namespace).unwrap();
    let last = history.last().unwrap();
    assert!(last.chart.ends_with("12.13.3"), "{history:?}");
    // Kubernetes leaves a broken pod of a StatefulSet as it is, whatever the template says by then.
    let stuck = ["delete", "pod", "camunda-zeebe-2"];
    release.kubectl(&stuck).ok().unwrap();
    is_as_before(&release);
}

/// A migration that fails is neither forgotten nor cut off; what is printed has it made anew.
pub fn a_migration_that_failed_is_not_cut_off() {
    let release = with_12();
    let to = own("camunda-13");
    let denial = Denial::of(&release.upgrade(&to, &[PRESENT]));
    // What makes it fail is no part of its template, and goes later.
    let cause = ["create", "configmap", "cause", "--from-literal=fails=yes"];
    release.kubectl(&cause).ok().unwrap();
    let failing = [
        PRESENT,
        "--set-json=orchestration.env=[{\"name\": \"STAND_IN_FAILS\", \"valueFrom\": \
         {\"configMapKeyRef\": {\"name\": \"cause\", \"key\": \"fails\", \"optional\": true}}}]",
        "--set=orchestration.migration.data.backoffLimit=1",
    ];
    release.cured(&denial, &to, &failing);
    job_is(&release, DATA_JOB, "Failed");

    let off = "--set=orchestration.migration.data.enabled=false";
    let denial = Denial::of(&release.upgrade(&to, &["--reuse-values", off]));
    denial.assert_rules(&["migration-unfinished"]);
    let gone = ["delete", "configmap", "cause"];
    release.kubectl(&gone).ok().unwrap();
    let again = release.shell(&denial.cure_on_a_node(&release.command(&to, &["--reuse-values"])));
    again.ok().unwrap();
    job_is(&release, DATA_JOB, "Complete");
    is_as_before(&release);
}
