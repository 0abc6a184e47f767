//! Somebody who logs in at Keycloak.

use std::{thread, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use harness::wait_until;
use serde_json::{Value, json};

use crate::release::Release;

/// A Service answers some time after its pod is ready.
const MINUTE: Duration = Duration::from_secs(60);
const REALM: &str = "camunda-platform";
const NAME: &str = "demo";
const PASSWORD: &str = "as before";

/// Registers a user as Identity does, with the administrator's password from this Secret.
pub fn registers(release: &Release, secret: &str, key: &str) {
    let password = release.get("secret", secret).unwrap()["data"][key].clone();
    let password = decoded(password.as_str().unwrap());
    let token = wait_until("the administrator to log in", MINUTE, || {
        log_in(release, "master", "admin", &password).map(Some)
    });
    let token = token.unwrap();
    let user = json!({
        "username": NAME, "enabled": true, "emailVerified": true,
        "email": "demo@example.com", "firstName": "De", "lastName": "Mo",
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": false}],
    });
    let realm = json!({"realm": REALM, "enabled": true, "sslRequired": "none"});
    for (path, object) in [("", realm), ("/camunda-platform/users", user)] {
        let path = format!("/auth/admin/realms{path}");
        let (bearer, body) = (format!("authorization: Bearer {token}"), object.to_string());
        let args = [
            "-H",
            &bearer,
            "-H",
            "content-type: application/json",
            "-d",
            &body,
        ];
        let answer = release.http("camunda-keycloak", &path, &args).unwrap();
        assert_eq!(answer.0, 201, "{path}: {}", answer.1);
    }
}

/// That user gets a token, with the same password as ever.
#[track_caller]
pub fn logs_in(release: &Release) {
    let token = wait_until("the user to log in", MINUTE, || {
        log_in(release, REALM, NAME, PASSWORD).map(Some)
    });
    token.unwrap_or_else(|error| panic!("{error:#}\n{}", release.state()));
}

/// That user gets no token, however often.
#[track_caller]
pub fn is_locked_out(release: &Release) {
    for _ in 0..3 {
        log_in(release, REALM, NAME, PASSWORD).unwrap_err();
        thread::sleep(Duration::from_secs(1));
    }
}

fn log_in(release: &Release, realm: &str, name: &str, password: &str) -> anyhow::Result<String> {
    let (user, password) = (format!("username={name}"), format!("password={password}"));
    let mut args = vec![];
    for field in [
        "grant_type=password",
        "client_id=admin-cli",
        &user,
        &password,
    ] {
        args.extend(["--data-urlencode", field]);
    }
    let path = format!("/auth/realms/{realm}/protocol/openid-connect/token");
    let (status, body) = release.http("camunda-keycloak", &path, &args)?;
    anyhow::ensure!(status == 200, "{status}: {body}");
    let answer: Value = serde_json::from_str(&body)?;
    Ok(answer["access_token"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

fn decoded(text: &str) -> String {
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}
