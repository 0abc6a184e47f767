//! Runs the real Helm 3 and Helm 4.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::binaries::Binaries;
use crate::process::{Output, Run};

/// Otherwise Helm reads the whole OpenAPI document for what the API server checks again: a third of its time.
const NOT_VALIDATED_TWICE: &str = "--disable-openapi-validation";

/// The version of Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Helm {
    V3,
    V4,
}

impl Helm {
    pub const BOTH: [Self; 2] = [Self::V3, Self::V4];

    pub fn binary(self, binaries: &Binaries) -> &Path {
        match self {
            Self::V3 => &binaries.helm3,
            Self::V4 => &binaries.helm4,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::V3 => "helm3",
            Self::V4 => "helm4",
        }
    }
}

/// A Helm with a kubeconfig and its own folders.
#[derive(Clone, Debug)]
pub struct HelmCli {
    binary: PathBuf,
    kubeconfig: Option<PathBuf>,
    home: PathBuf,
    variables: Vec<(&'static str, String)>,
}

/// One revision of a release's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub revision: u64,
    pub status: String,
    /// Name and version together, such as `camunda-platform-8.2.34`.
    pub chart: String,
    pub description: String,
}

impl HelmCli {
    /// Creates a Helm; without a kubeconfig it can only run `template`, `lint` and the like.
    pub fn new(binaries: &Binaries, helm: Helm, kubeconfig: Option<&Path>, home: &Path) -> Self {
        Self {
            binary: helm.binary(binaries).into(),
            kubeconfig: kubeconfig.map(Path::to_owned),
            home: home.join(helm.name()),
            variables: Vec::new(),
        }
    }

    /// Adds environment variables.
    #[must_use]
    pub fn with_env(mut self, variables: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    pub fn install(&self, release: &str, chart: &Path, namespace: &str, args: &[&str]) -> Output {
        self.with_chart(
            &["install", NOT_VALIDATED_TWICE],
            release,
            chart,
            namespace,
            args,
        )
    }

    pub fn upgrade(&self, release: &str, chart: &Path, namespace: &str, args: &[&str]) -> Output {
        self.with_chart(
            &["upgrade", NOT_VALIDATED_TWICE],
            release,
            chart,
            namespace,
            args,
        )
    }

    pub fn template(&self, release: &str, chart: &Path, namespace: &str, args: &[&str]) -> Output {
        self.with_chart(&["template"], release, chart, namespace, args)
    }

    /// Rolls back to `revision`, or to the previous one if it is 0.
    pub fn rollback(&self, release: &str, revision: u64, namespace: &str, args: &[&str]) -> Output {
        let revision = revision.to_string();
        let mut all = vec!["rollback", release, &revision, "--namespace", namespace];
        all.extend(args);
        self.run(&all)
    }

    pub fn uninstall(&self, release: &str, namespace: &str, args: &[&str]) -> Output {
        let mut all = vec!["uninstall", release, "--namespace", namespace];
        all.extend(args);
        self.run(&all)
    }

    /// Returns the revisions, oldest first; none if the release does not exist.
    pub fn history(&self, release: &str, namespace: &str) -> Result<Vec<Revision>> {
        let args = ["history", release, "--namespace", namespace, "-o", "json"];
        let output = self.run(&args);
        if !output.success() && output.stderr.contains("release: not found") {
            return Ok(Vec::new());
        }
        let json = output.ok()?.json()?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        json.as_array()
            .context("a list of revisions")?
            .iter()
            .map(|line| {
                Ok(Revision {
                    revision: line["revision"].as_u64().context("a revision's number")?,
                    status: text(&line["status"]),
                    chart: text(&line["chart"]),
                    description: text(&line["description"]),
                })
            })
            .collect()
    }

    /// Runs `helm ARGS…`.
    ///
    /// # Panics
    /// When Helm cannot be run, or does not end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.finished(Run::new(&self.binary).args(args))
    }

    /// Runs `helm ARGS… >FILE 2>&1`.
    ///
    /// # Panics
    /// When Helm cannot be run, or does not end.
    pub fn run_into(&self, file: &Path, args: &[&str]) -> Output {
        let command =
            Run::new("sh").args(["-c", "file=$1; shift; exec \"$@\" >\"$file\" 2>&1", "sh"]);
        self.finished(command.args([file, &self.binary]).args(args))
    }

    fn finished(&self, command: Run) -> Output {
        let mut command = command.env("HOME", &self.home);
        for (name, folder) in self.folders() {
            command = command.env(name, folder);
        }
        for (name, value) in &self.variables {
            command = command.env(name, value);
        }
        command = match &self.kubeconfig {
            Some(kubeconfig) => command.env("KUBECONFIG", kubeconfig),
            None => command.env_remove("KUBECONFIG"),
        };
        let output = fs::create_dir_all(&self.home)
            .context("making Helm's folder")
            .and_then(|()| command.output());
        match output {
            Ok(output) => output,
            Err(error) => panic!("{error:#}"),
        }
    }

    /// Returns the variables that keep Helm out of the user's own folders.
    pub fn folders(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("HELM_CACHE_HOME", self.home.join("cache")),
            ("HELM_CONFIG_HOME", self.home.join("config")),
            ("HELM_DATA_HOME", self.home.join("data")),
            // Where Helm installs them, whatever this says.
            ("HELM_PLUGINS", self.home.join("data/plugins")),
        ]
    }

    fn with_chart(
        &self,
        verb: &[&str],
        release: &str,
        chart: &Path,
        namespace: &str,
        args: &[&str],
    ) -> Output {
        let chart = chart.to_string_lossy();
        let named = [release, chart.as_ref(), "--namespace", namespace];
        let all = [verb, &named, args].concat();
        self.run(&all)
    }
}
