//! A bundled PostgreSQL of another major version, and its dumps.

use std::fs;

use harness::{Denial, Helm};

use crate::charts::own;
use crate::person;
use crate::release::{Guarded, Release};

const OF_14: &str = "--set-string=identity.keycloak.postgresql.image.tag=14.5.0";
/// Nothing else is of interest.
const OTHERS_OFF: &str = "--set=global.secretsMode=reuseLookup,operate.enabled=false,tasklist.enabled=false,\
    optimize.enabled=false,connectors.enabled=false";

fn with_14() -> Release {
    let args = [OTHERS_OFF, OF_14];
    let release = Release::installed(Guarded::Yes, &own("camunda-8.2"), &args);
    person::registers(&release);
    release
}

fn refused(release: &Release) -> Denial {
    let denial = Denial::of(&release.upgrade(&own("camunda-8.2"), &[OTHERS_OFF]));
    denial.assert_rules(&["postgresql-major-upgrade"]);
    denial
}

pub fn its_image_stays_by_the_printed_flag() {
    let release = with_14();
    let denial = refused(&release);
    release.cured(&denial, &own("camunda-8.2"), &[OTHERS_OFF]);
    release.ready();
    person::logs_in(&release);
}

pub fn its_data_moves_by_the_printed_line() {
    let release = with_14();
    let denial = refused(&release);
    let line = denial.others().join("\n");
    let upgrade = release.command(&own("camunda-8.2"), &[OTHERS_OFF]);
    let moved = release.shell(&format!("{line}\n{upgrade}"));
    moved.ok().unwrap();
    release.ready();
    person::logs_in(&release);
    let log = release.log("camunda-postgresql-0");
    assert!(log.contains("starting PostgreSQL 15"), "{log}");
    // A second time it does nothing, as the dump is there.
    let folder = release.node.shell(Helm::V3).unwrap();
    fs::write(folder.dir().join("camunda-postgresql-14.sql"), "").unwrap();
    folder.run(&line).unwrap().refused().unwrap();
    person::logs_in(&release);
}
