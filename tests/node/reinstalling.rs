//! A release is uninstalled, its claims stay, and the next installation has passwords that their databases know.

use harness::Denial;

use crate::charts::{ANEW, own};
use crate::person;
use crate::release::{Guarded, Release};

pub fn rescued_passwords_let_users_in_again() {
    let to = own("camunda-8.2");
    let release = Release::installed(Guarded::Yes, &to, &[ANEW]);
    person::registers(&release);

    let rescue = format!(
        "camunda-upgrade-guard rescue camunda -n {} --to kept",
        &*release.namespace
    );
    let printed = release.shell(&rescue).ok().unwrap().stdout;
    let flag = printed.lines().find(|line| line.starts_with("-f <("));
    let flag = flag.unwrap_or_else(|| panic!("no flag: {printed}"));
    release.uninstall();

    Denial::of(&release.install(&to, &[ANEW])).assert_rules(&["reinstall-over-old-claims"]);
    let install = format!(
        "helm install camunda '{}' -n {} {ANEW} {flag}",
        to.display(),
        &*release.namespace
    );
    release.shell(&install).ok().unwrap();
    release.ready();
    person::logs_in(&release);
}
