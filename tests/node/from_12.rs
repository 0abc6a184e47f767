//! From 12 to 13 on the old passwords and the old data.

use harness::Denial;

use crate::marker::{self, BROKERS};
use crate::person;
use crate::release::{Guarded, Release};
use crate::stage::chart;

/// No registry is asked for images that are there.
const PRESENT: &str = "--set=global.image.pullPolicy=IfNotPresent";

pub fn what_the_guard_prints_takes_12_to_13() {
    let release = Release::installed(Guarded::Yes, &chart("camunda-12"), &[]);
    person::registers(&release, "camunda-keycloak", "admin-password");
    person::logs_in(&release);
    for node in 0..3 {
        marker::written(&release, BROKERS, 9600, node);
    }
    let to = chart("camunda-13");
    let denial = Denial::of(&release.upgrade(&to, &[PRESENT]));
    release.cured(&denial, &to, &[PRESENT]);
    release.ready();
    person::logs_in(&release);
    for node in 0..3 {
        marker::is_there(&release, BROKERS, 9600, node);
    }
}
