//! Runs Helm to render an upgrade, and supplies the passwords that the chart asks for.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::passwords::{self, Wanted};
use crate::{
    camunda::{Credential, Held, Line, Supply, credential},
    change::{ChartVersion, secret_data},
    cluster::LiveCluster,
    finding::{Action, Finding, Fix, guide},
    fixes::supply::{self},
    helm::{manifest, values::overlay},
    kubernetes::{Kind, Object, ObjectRef},
    rules,
};

/// Returns the Helm to run: `HELM_BIN`, or else `helm` on the `PATH`.
fn helm() -> OsString {
    let helm = env::var_os("HELM_BIN").filter(|it| !it.is_empty());
    helm.unwrap_or_else(|| "helm".into())
}

/// Returns Helm's version; None if it does not run.
pub(super) fn helm_version() -> Option<String> {
    let mut command = Command::new(helm());
    command.args(["version", "--template", "{{.Version}}"]);
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.trim();
    (output.status.success() && !version.is_empty()).then(|| version.to_owned())
}

/// Limit of supplied passwords, above what any chart has.
const MOST: usize = 64;

/// An upgrade as typed.
pub(super) struct Upgrade<'a> {
    pub(super) release: &'a str,
    pub(super) chart: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) values: &'a [PathBuf],
    /// Further flags for Helm.
    pub(super) more: &'a [String],
    pub(super) namespace: &'a str,
    pub(super) kubeconfig: Option<&'a PathBuf>,
    pub(super) context: Option<&'a str>,
}

/// Helm's rendered release, and the values that the chart had to be given.
pub(super) struct Rendered {
    pub(super) json: Vec<u8>,
    pub(super) given: Vec<Given>,
}

/// A value that the chart asked for.
pub(super) struct Given {
    wanted: Wanted,
    /// The Secret with the current value, if there is one.
    secret: Option<Object>,
}

/// What Helm makes of an upgrade.
pub(super) enum Answer {
    /// The release.
    Rendered(Rendered),
    /// An error that no password cures.
    Failed(String),
}

impl Upgrade<'_> {
    /// Runs Helm, again each time the chart asks for another password.
    pub(super) async fn render(&self, cluster: &LiveCluster) -> anyhow::Result<Answer> {
        let mut given: Vec<Given> = Vec::new();
        let mut values = Map::new();
        while given.len() <= MOST {
            let output = self.run(&values)?;
            if output.status.success() {
                let json = output.stdout;
                return Ok(Answer::Rendered(Rendered { json, given }));
            }
            let error = String::from_utf8_lossy(&output.stderr);
            let known: BTreeSet<_> = given.iter().map(|it| it.wanted.value.clone()).collect();
            let mut wanted = passwords::wanted(&error);
            wanted.retain(|wanted| !known.contains(&wanted.value));
            if wanted.is_empty() {
                return Ok(Answer::Failed(error.trim().to_owned()));
            }
            for wanted in wanted {
                let secret = self.secret(cluster, &wanted).await?;
                let value = secret.as_ref().and_then(|secret| {
                    let value = secret_data(secret).remove(&*wanted.key)?;
                    String::from_utf8(value).ok()
                });
                // A value that no Secret holds is new in this chart: any will do.
                let value = value.unwrap_or_else(|| "new".to_owned());
                overlay(&mut values, nested(&wanted.value, value.into()));
                given.push(Given { wanted, secret });
            }
        }
        bail!("the chart asks for more than {MOST} passwords")
    }

    async fn secret(
        &self,
        cluster: &LiveCluster,
        wanted: &Wanted,
    ) -> anyhow::Result<Option<Object>> {
        let Some(name) = &wanted.secret else {
            return Ok(None);
        };
        let reference = ObjectRef::new(Kind::Secret, self.namespace, name);
        let found = crate::cluster::Cluster::Live(cluster.clone())
            .get(&reference)
            .await;
        let found = found.with_context(|| {
            format!("the chart wants the current value of {reference}, which can't be read")
        })?;
        let found = found.map(|found| Object::clone(&found));
        Ok(found.filter(|secret| {
            let data = secret_data(secret);
            data.get(&*wanted.key)
                .is_some_and(|value| !value.is_empty())
        }))
    }

    /// Returns the chart's version, as its Chart.yaml has it; None where Helm finds no such chart.
    pub(super) fn chart_version(&self) -> Option<String> {
        let mut command = Command::new(helm());
        command.args(["show", "chart", self.chart]);
        if let Some(version) = self.version {
            command.args(["--version", version]);
        }
        let output = command.stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let chart = manifest::Document::new(&text).parse().ok()??;
        let version = chart.get("version")?.as_str()?;
        output.status.success().then(|| version.to_owned())
    }

    /// Returns the release as JSON, or Helm's error. Passwords go through Helm's standard input.
    fn run(&self, passwords: &Map<String, Value>) -> anyhow::Result<Output> {
        let helm = helm();
        let mut command = Command::new(&helm);
        command.args(["upgrade", self.release, self.chart, "--install"]);
        command.args([
            "--namespace",
            self.namespace,
            "--dry-run=server",
            "-o",
            "json",
        ]);
        if let Some(version) = self.version {
            command.args(["--version", version]);
        }
        if let Some(file) = self.kubeconfig {
            command.arg("--kubeconfig").arg(file);
        }
        if let Some(context) = self.context {
            command.args(["--kube-context", context]);
        }
        for file in self.values {
            command.arg("-f").arg(file);
        }
        command.args(self.more);
        if !passwords.is_empty() {
            command.args(["-f", "-"]);
        }
        let name = helm.to_string_lossy();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("can't run {name}, which --chart needs"))?;
        let text = serde_json::to_vec(passwords)?;
        // Helm may begin to answer before it has read all of it.
        let writing = child
            .stdin
            .take()
            .map(|mut stdin| thread::spawn(move || drop(stdin.write_all(&text))));
        let output = child.wait_with_output();
        if let Some(writing) = writing {
            drop(writing.join());
        }
        output.with_context(|| format!("can't read what {name} says"))
    }
}

/// Returns `a.b: value` as nested maps.
fn nested(key: &str, value: Value) -> Map<String, Value> {
    match key.split_once('.') {
        Some((first, rest)) => {
            Map::from_iter([(first.to_owned(), Value::Object(nested(rest, value)))])
        }
        None => Map::from_iter([(key.to_owned(), value)]),
    }
}

/// Returns the names of a manifest's Secrets.
pub(super) fn secrets_of(manifest: &str) -> BTreeSet<String> {
    manifest::split(manifest)
        .filter_map(|document| document.parse().ok()?)
        .filter(|object| object.get("kind").and_then(Value::as_str) == Some(Kind::Secret.name()))
        .filter_map(|object| Some(object.pointer("/metadata/name")?.as_str()?.to_owned()))
        .collect()
}

/// Returns the finding about passwords: the upgrade would fail for one at a time, and this lists all that to add.
///
/// Skips passwords in Secrets that the chart reads but does not render (those in `made` it renders): no value gives
/// them, and another rule covers them.
pub(super) fn asked_for(
    given: &[Given],
    namespace: &str,
    version: Option<&str>,
    made: &BTreeSet<String>,
) -> Option<Finding> {
    let is_given = |given: &&Given| {
        let name = given.wanted.secret.as_ref();
        given.secret.is_some() || name.is_none_or(|name| made.contains(name))
    };
    let given: Vec<_> = given.iter().filter(is_given).collect();
    if given.is_empty() {
        return None;
    }
    let line = version.and_then(|version| ChartVersion::new(version).line);
    let new = given.iter().filter(|given| given.secret.is_none());
    let new: Vec<_> = new.map(|given| given.wanted.value.as_str()).collect();
    let old = given.len() - new.len();
    Some(Finding {
        rule: rules::PASSWORDS,
        action: Action::Deny,
        title: title(old, new.len()),
        objects: Vec::new(),
        why: why(old, &new),
        fixes: fixes(&given, namespace, line),
        guide: guide::SECRETS_EXTRACTION,
    })
}

/// The title, by how many of the passwords are in Secrets and how many are new.
fn title(old: usize, new: usize) -> String {
    let counted = |count: usize| match count {
        1 => "a password".to_owned(),
        count => format!("{count} passwords"),
    };
    match (old, new) {
        (old, 0) => format!("The chart asks for {} with each upgrade", counted(old)),
        (0, new) => format!("The chart asks for {} of what is new", counted(new)),
        (old, new) => format!(
            "The chart asks for {} with each upgrade, and for {} of what is new",
            counted(old),
            counted(new)
        ),
    }
}

/// Returns why the upgrade fails, and which values are new.
fn why(old: usize, new: &[&str]) -> Vec<String> {
    let although = match old > 0 {
        true => ", although the Secrets are there",
        false => "",
    };
    let mut why = vec![format!(
        "helm upgrade fails with a PASSWORDS ERROR that names one of them at a time{although}."
    )];
    if !new.is_empty() {
        why.push(format!(
            "New in this release, so any value will do: {}",
            new.join(", ")
        ));
    }
    why
}

/// Returns the commands that read the current values from their Secrets, and the flags that pass all values to the
/// chart.
fn fixes(given: &[&Given], namespace: &str, line: Option<&Line>) -> Vec<Fix> {
    let (mut exports, mut flags) = (Vec::new(), Vec::new());
    let is_any = |is: fn(&Option<Object>) -> bool| given.iter().any(|given| is(&given.secret));
    for Given { wanted, secret } in given {
        let (read, flag) = match secret {
            Some(secret) => {
                let known = credential(secret, &wanted.key, None, line);
                let credential = known.unwrap_or_else(|| wanted.credential(secret.name()));
                let data = secret_data(secret);
                let value = data.get(&*wanted.key).map_or(&[][..], Vec::as_slice);
                let old = supply::OldKey {
                    namespace,
                    secret: secret.name(),
                    key: &wanted.key,
                    value,
                };
                supply::supply(&wanted.value, &credential, old)
            }
            None => {
                let name = wanted.secret.clone();
                let name = name.unwrap_or_else(|| wanted.value.replace('.', "-"));
                supply::fresh(&wanted.value, &wanted.credential(&name))
            }
        };
        exports.push(read.export());
        flags.push(flag);
    }
    let shells = supply::shells(&flags);
    let reads = match (is_any(Option::is_some), is_any(Option::is_none)) {
        (true, true) => "Read the current values, and make up those that are new",
        (true, false) => "Read the current values",
        (false, _) => "Make up the values",
    };
    vec![
        Fix::new(format!("{reads}{shells}:"), exports),
        Fix::new("and add to your helm upgrade:", flags),
    ]
}

impl Wanted {
    /// A credential of which no line tells.
    fn credential(&self, name: &str) -> Credential {
        Credential {
            key: self.key.clone(),
            name: name.to_owned(),
            held: Held::Client,
            supply: Supply::Value(self.value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Command;

    fn given(value: &str, secret: &str, live: bool) -> Given {
        let live = live.then(|| {
            Object(json!({"metadata": {"name": secret}, "stringData": {"password": "hidden"}}))
        });
        Given {
            wanted: Wanted {
                value: value.to_owned(),
                secret: Some(secret.to_owned()),
                key: "password".to_owned(),
            },
            secret: live,
        }
    }

    fn told(given: &[Given]) -> Option<Finding> {
        let manifest = "kind: Secret\nmetadata: {name: new}\n---\nkind: Secret\nmetadata: {name: old}\n---\nkind: ConfigMap\nmetadata: {name: read}\n";
        asked_for(given, "prod", Some("12.13.3"), &secrets_of(manifest))
    }

    /// A component new in this chart has no Secret, and its password is asked for only once.
    #[test]
    fn what_is_new_is_not_said_to_be_there() {
        let new = given("postgresql.auth.password", "new", false);
        let finding = told(&[new]).unwrap();
        assert_eq!(
            finding.title,
            "The chart asks for a password of what is new"
        );
        assert!(!finding.why[0].contains("are there"), "{:?}", finding.why);
        let commands = finding.fixes.iter().flat_map(|fix| &fix.commands);
        let commands: Vec<_> = commands.map(Command::text).collect();
        assert_eq!(
            commands,
            [
                "export NEW_SECRET=$(openssl rand -hex 16)",
                "--set-string postgresql.auth.password=\"$NEW_SECRET\"",
            ]
        );

        let both = [
            given("postgresql.auth.password", "new", false),
            given("identityKeycloak.postgresql.auth.password", "old", true),
        ];
        let finding = told(&both).unwrap();
        assert_eq!(
            finding.title,
            "The chart asks for a password with each upgrade, and for a password of what is new"
        );
        assert!(finding.why[0].contains("although the Secrets are there"));
        assert!(!format!("{finding:?}").contains("hidden"), "{finding:#?}");
    }

    /// 13 reads all passwords from a Secret of the user's, and no value gives them.
    #[test]
    fn what_the_chart_only_reads_is_not_given_to_it() {
        let read = given("identityKeycloak.postgresql.auth.password", "read", false);
        assert_eq!(told(&[read]), None);
    }
}
