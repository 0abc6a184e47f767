//! Somebody who logs in before and after.

use std::{thread, time::Duration};

use harness::{Person, wait_until};

use crate::release::Release;

const MINUTE: Duration = Duration::from_secs(60);

fn of(release: &Release) -> Person<'_> {
    Person::new(release.node, &release.namespace)
}

/// Registers a user, with the administrator's password of charts up to 12.
#[track_caller]
pub fn registers(release: &Release) {
    let registered = of(release).register("camunda-keycloak", "admin-password");
    registered.unwrap_or_else(|error| panic!("{error:#}\n{}", release.state()));
    logs_in(release);
}

/// That user gets a token, with the same password as ever.
#[track_caller]
pub fn logs_in(release: &Release) {
    let person = of(release);
    let token = wait_until("the user to log in", MINUTE, || person.log_in().map(Some));
    token.unwrap_or_else(|error| panic!("{error:#}\n{}", release.state()));
}

/// That user gets no token, however often.
#[track_caller]
pub fn is_locked_out(release: &Release) {
    for _ in 0..3 {
        of(release).log_in().unwrap_err();
        thread::sleep(Duration::from_secs(1));
    }
}
