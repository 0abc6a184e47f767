//! Somebody who logs in at a release's Keycloak.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::process::Run;
use crate::wait::wait_until;

/// A Service answers some time after its pod is ready.
const MINUTE: Duration = Duration::from_secs(60);
const SERVICE: &str = "camunda-keycloak";
pub const REALM: &str = "camunda-platform";
pub const NAME: &str = "demo";
pub const PASSWORD: &str = "as before";

/// A user of one Keycloak, always with the same password.
pub struct Person<'c> {
    cluster: &'c Cluster,
    namespace: String,
}

impl<'c> Person<'c> {
    pub fn new(cluster: &'c Cluster, namespace: &str) -> Self {
        Self {
            cluster,
            namespace: namespace.to_owned(),
        }
    }

    /// Registers the user as Identity does, with the administrator's password from a key of a Secret.
    pub fn register(&self, secret: &str, key: &str) -> Result<()> {
        let secret = self.cluster.get("secret", &self.namespace, secret)?;
        let password = secret.context("no such Secret")?["data"][key].clone();
        let password = STANDARD.decode(password.as_str().context("no such key")?)?;
        let password = String::from_utf8(password)?;
        let token = wait_until("the administrator to log in", MINUTE, || {
            self.token("master", "admin", &password).map(Some)
        })?;
        let realm = json!({"realm": REALM, "enabled": true, "sslRequired": "none"});
        let user = json!({
            "username": NAME, "enabled": true, "emailVerified": true,
            "email": "demo@example.com", "firstName": "De", "lastName": "Mo",
            "credentials": [{"type": "password", "value": PASSWORD, "temporary": false}],
        });
        for (path, object) in [("".to_owned(), realm), (format!("/{REALM}/users"), user)] {
            let path = format!("/auth/admin/realms{path}");
            let (bearer, body) = (format!("authorization: Bearer {token}"), object.to_string());
            let json = "content-type: application/json";
            let (status, text) = self.ask(&path, &["-H", &bearer, "-H", json, "-d", &body])?;
            ensure!(status == 201, "{path}: {status}: {text}");
        }
        Ok(())
    }

    /// Tries once to get a token.
    pub fn log_in(&self) -> Result<()> {
        self.token(REALM, NAME, PASSWORD).map(drop)
    }

    fn token(&self, realm: &str, name: &str, password: &str) -> Result<String> {
        let (user, password) = (format!("username={name}"), format!("password={password}"));
        let fields = [
            "grant_type=password",
            "client_id=admin-cli",
            &user,
            &password,
        ];
        let args: Vec<_> = fields
            .iter()
            .flat_map(|field| ["--data-urlencode", field])
            .collect();
        let path = format!("/auth/realms/{realm}/protocol/openid-connect/token");
        let (status, body) = self.ask(&path, &args)?;
        ensure!(status == 200, "{status}: {body}");
        let answer: Value = serde_json::from_str(&body)?;
        let token = answer["access_token"].as_str().context("no token")?;
        Ok(token.to_owned())
    }

    /// Asks Keycloak through its Service.
    fn ask(&self, path: &str, args: &[&str]) -> Result<(u16, String)> {
        let service = self.cluster.get("service", &self.namespace, SERVICE)?;
        let service = service.context("no such Service")?;
        let address = service["spec"]["clusterIP"]
            .as_str()
            .context("no address")?;
        let port = &service["spec"]["ports"][0]["port"];
        http(&format!("http://{address}:{port}{path}"), args)
    }
}

/// Asks by HTTP with curl and these arguments; returns status and body.
pub fn http(url: &str, args: &[&str]) -> Result<(u16, String)> {
    let curl = Run::new("curl").args(["-sS", "--max-time", "60", "-w", "\n%{http_code}"]);
    let answer = curl.args(args).args([url]).output()?.ok()?.stdout;
    let (body, status) = answer.rsplit_once('\n').unwrap_or(("", &answer));
    Ok((status.parse()?, body.to_owned()))
}
