//! Brokers that come to run as another user, on volumes that Kubernetes hands to them and on volumes that it does not.

use std::path::Path;

use harness::{Denial, wait_until};

use crate::charts::{own, released_as};
use crate::marker::{self, BROKERS};
use crate::release::{Guarded, PATIENCE, Release, commands};
use crate::stage::node;

/// What has nothing to do with brokers.
pub const OTHERS_OFF: &str = "--set=identity.enabled=false,identityKeycloak.enabled=false,operate.enabled=false,\
    tasklist.enabled=false,optimize.enabled=false,connectors.enabled=false,global.identity.auth.enabled=false";
const ON_SUCH_VOLUMES: [&str; 2] = [OTHERS_OFF, "--set=zeebe.pvcStorageClassName=keeps-owner"];

/// A release whose brokers are on volumes that keep their owner, and have kept something there.
fn with_brokers(chart_name: &str) -> Release {
    let release = Release::installed(Guarded::Yes, &own(chart_name), &ON_SUCH_VOLUMES);
    for node in 0..3 {
        marker::written(&release, BROKERS, 9600, node);
    }
    release
}

/// What `check` prints for brokers that would run as another user.
fn printed(release: &Release, to: &Path) -> String {
    let dry_run = [&ON_SUCH_VOLUMES[..], &["--dry-run=server", "-o", "json"]].concat();
    let planned = release.upgrade(to, &dry_run).ok().unwrap().stdout;
    let checked = release.check(&planned).stdout;
    commands(&checked, "user-id-changed")
}

fn have_kept_it(release: &Release) {
    release.ready();
    for node in 0..3 {
        marker::is_there(release, BROKERS, 9600, node);
    }
}

/// From root to 1000. The StatefulSet is made anew, so it is done once the upgrade is through.
pub fn the_printed_chown_lets_brokers_write_after_the_upgrade() {
    let release = with_brokers("camunda-8.2");
    let to = own("camunda-8.3");
    let chown = printed(&release, &to);
    let denial = Denial::of(&release.upgrade(&to, &ON_SUCH_VOLUMES));
    release.cured(&denial, &to, &ON_SUCH_VOLUMES);
    let told = wait_until("a broker that may not read its files", PATIENCE, || {
        let log = release.log(&format!("{BROKERS}-0"));
        Ok(log.contains("is not readable by user 1000").then_some(()))
    });
    told.unwrap_or_else(|error| panic!("{error:#}\n{}", release.state()));
    release.shell(&chown).ok().unwrap();
    have_kept_it(&release);
}

/// From 1000 to 1001. It is done before the upgrade; even if all that is printed is pasted, the upgrade sets it right.
pub fn the_printed_chown_lets_brokers_write_before_the_upgrade() {
    let release = with_brokers("camunda-9.3");
    let to = released_as(
        node(),
        "camunda-12",
        ["12.13.3", "10.11.3"],
        ["8.7.", "8.5."],
    );
    let chown = printed(&release, &to);
    release.shell(&chown).ok().unwrap();
    release.upgrade(&to, &ON_SUCH_VOLUMES).ok().unwrap();
    have_kept_it(&release);
}

/// The guard sets the fsGroup that nobody has set, and the kubelet hands the volume over.
pub fn an_fs_group_that_the_guard_sets_lets_brokers_write() {
    let args = [OTHERS_OFF, "--set=zeebe.podSecurityContext.fsGroup=null"];
    let release = Release::installed(Guarded::Yes, &own("camunda-8.3"), &args);
    let set = release.get("statefulset", BROKERS).unwrap();
    let pod = &set["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["fsGroup"], 1000);
    marker::written(&release, BROKERS, 9600, 0);
}
