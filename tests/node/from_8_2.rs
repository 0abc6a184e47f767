//! From 8.2 to 8.3: the login, and what Elasticsearch and the brokers have kept.

use harness::{Denial, wait_until};

use crate::charts::{ANEW, own};
use crate::marker::{self, BROKERS};
use crate::person;
use crate::release::{Guarded, PATIENCE, Release};

const OLD: &str = "elasticsearch-master";
const NEW: &str = "camunda-elasticsearch-master";

fn with_8_2(guard: Guarded, args: &[&str]) -> Release {
    let args = [&[ANEW], args].concat();
    let release = Release::installed(guard, &own("camunda-8.2"), &args);
    person::registers(&release);
    release
}

/// What the guard is for: the passwords are new and the database knows the old ones; the claims are new and the data is in
/// the old ones, with which it goes.
pub fn without_a_guard_the_login_and_the_data_are_lost() {
    let release = with_8_2(Guarded::No, &[]);
    let volume = marker::written(&release, OLD, 9200, 0);
    // The API server refuses half of it, when the passwords are new already.
    let to = own("camunda-8.3");
    release.upgrade(&to, &[ANEW]).refused().unwrap();
    let kinds = "deployments,statefulsets";
    let delete = release.kubectl(&["delete", kinds, "--all", "--wait"]);
    delete.ok().unwrap();
    release.upgrade(&to, &[ANEW]).ok().unwrap();

    let refused = wait_until("Keycloak to be refused by its database", PATIENCE, || {
        let log = release.log("camunda-keycloak-0");
        let said = log.contains("password authentication failed for user");
        Ok(said.then_some(()))
    });
    refused.unwrap_or_else(|error| panic!("{error:#}\n{}", release.state()));
    person::is_locked_out(&release);

    marker::is_missing(&release, NEW, 9200, 0);
    assert!(volume.exists());
    let claim = format!("{OLD}-{OLD}-0");
    let tidied = release.kubectl(&["delete", "pvc", &claim]);
    tidied.ok().unwrap();
    let gone = wait_until("the data to be deleted", PATIENCE, || {
        Ok((!volume.exists()).then_some(()))
    });
    gone.unwrap();
}

pub fn what_the_guard_prints_keeps_the_login_and_the_data() {
    let release = with_8_2(Guarded::Yes, &["--set=elasticsearch.replicas=3"]);
    for node in 0..3 {
        marker::written(&release, OLD, 9200, node);
        marker::written(&release, BROKERS, 9600, node);
    }
    let to = own("camunda-8.3");
    let args = [ANEW, "--set=elasticsearch.replicas=3"];
    let denial = Denial::of(&release.upgrade(&to, &args));
    denial.assert_rules(&[
        "elasticsearch-claims-orphaned",
        "elasticsearch-nodes-reduced",
        "elasticsearch-values-8.3",
        "identity-secret-regenerated",
        "immutable-field-changed",
    ]);
    person::logs_in(&release);

    release.cured(&denial, &to, &args);
    release.ready();
    person::logs_in(&release);
    for node in 0..3 {
        marker::is_there(&release, NEW, 9200, node);
        marker::is_there(&release, BROKERS, 9600, node);
    }
}
