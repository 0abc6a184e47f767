//! `check`: what the webhook would say of an upgrade, before there is one.

mod chart;
mod foretold;
mod passwords;

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::{Map, Value, value::to_raw_value};

use super::{
    connect::{ConnectArgs, block_on},
    outputs::Outputs,
    unless_unusable, waiting_for,
};
use crate::{
    camunda::Line,
    check::{Check, PATIENCE},
    cluster::{Cluster, LiveCluster},
    helm::{manifest::Document, values::overlay},
    input::{self, Input, MAX_BYTES, Source},
    policy::Policy,
    report::{Format, Report},
    snapshot::{self, Redactor},
};

/// What is to be judged, and against what.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The release; - is the same as -i -
    #[arg(value_name = "RELEASE")]
    release: Option<String>,

    /// File with the upgrade: what helm upgrade --dry-run=server -o json prints, a rendered manifest, or a record; - is standard input
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Chart to upgrade the release to, or to install, as helm takes it; helm must be on the PATH
    #[arg(long, value_name = "CHART", conflicts_with_all = ["input", "snapshot"], requires = "release")]
    chart: Option<String>,

    /// Version of that chart
    #[arg(long, value_name = "VERSION", requires = "chart")]
    version: Option<String>,

    /// Judge a rollback to this revision
    #[arg(
        long,
        value_name = "REVISION",
        conflicts_with = "input",
        requires = "release"
    )]
    rollback: Option<u64>,

    /// Values file, as helm takes it: for a chart, and for a rendered manifest, which does not show the values
    #[arg(
        short = 'f',
        long = "values",
        value_name = "FILE",
        value_delimiter = ','
    )]
    values: Vec<PathBuf>,

    /// Values file of what runs, where it was applied without helm and no record tells the values
    #[arg(long, value_name = "FILE", requires = "input")]
    running_values: Vec<PathBuf>,

    #[command(flatten)]
    outputs: Outputs<Format>,

    #[command(flatten)]
    cluster: ConnectArgs,

    /// Judge against a folder that camunda-upgrade-guard snapshot has written, not against a cluster
    #[arg(long, value_name = "FOLDER", conflicts_with = "kubeconfig")]
    snapshot: Option<PathBuf>,

    /// Also send every object to the API server as helm would, with dryRun=All, and tell what is refused
    #[arg(long, conflicts_with = "snapshot")]
    server_dry_run: bool,

    /// The guard's configuration, where the rules count otherwise than their pages say
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Folder with data files of release lines (*.yaml), in addition to those compiled in or in their place
    #[arg(long, value_name = "FOLDER")]
    release_lines: Option<PathBuf>,

    /// Seconds that reading the cluster may take
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,

    /// Other flags for helm, after --, such as -- --set a=b
    #[arg(last = true, value_name = "HELM FLAGS", requires = "chart")]
    helm: Vec<String>,
}

/// The cluster or snapshot that an upgrade is judged against.
struct Against {
    cluster: Cluster,
    namespace: String,
    /// Redacts secrets as the snapshot's were; None for a live cluster.
    redactor: Option<Redactor>,
}

impl CheckArgs {
    /// Prints the report; input that can't be judged has another exit code than a refusal.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        Ok(unless_unusable(self.judged()))
    }

    fn judged(mut self) -> anyhow::Result<ExitCode> {
        self.outputs.look_at()?;
        let report = self.report()?;
        self.outputs.write(|format, look| {
            let mut text = Vec::new();
            report.write(*format, look, &mut text)?;
            Ok(text)
        })?;
        Ok(ExitCode::from(report.outcome().code()))
    }

    fn report(&mut self) -> anyhow::Result<Report> {
        if self.release.as_deref() == Some("-") {
            ensure!(self.input.is_none(), "both - and --input are given");
            self.release = None;
            self.input = Some(PathBuf::from("-"));
        }
        if let Some(folder) = &self.release_lines {
            Line::load(folder)?;
        }
        let policy = self.config.as_deref().map(Policy::read).transpose()?;
        let policy = policy.unwrap_or_default();
        let input = match &self.input {
            Some(file) => Some((read(file, &self.values)?, file.display().to_string())),
            None if self.chart.is_none() && !self.values.is_empty() => {
                bail!("--values is for --chart and for --input")
            }
            None => None,
        };
        ensure!(
            input.is_some() || self.release.is_some(),
            "nothing to check: give the upgrade (helm upgrade ... --dry-run=server -o json | camunda-upgrade-guard check -), \
             or the name of a release"
        );
        block_on(self.judge(input, policy))
    }

    async fn judge(
        &self,
        input: Option<(Input, String)>,
        policy: Policy,
    ) -> anyhow::Result<Report> {
        let Against {
            cluster,
            namespace,
            redactor,
        } = self.against().await?;
        let live = match &cluster {
            Cluster::Live(live) => Some(live.clone()),
            Cluster::Snapshot(_) => None,
        };
        let mut check = self.check(cluster, policy)?;
        if self.chart.is_some() || input.as_ref().is_some_and(|(input, _)| is_announced(input)) {
            check = check.with_helm(chart::helm_version());
        }
        if let (Some(chart), Some(live)) = (&self.chart, &live) {
            return self.judge_chart(chart, &check, live, &namespace).await;
        }
        let _reading = waiting_for(format_args!("reading namespace {namespace}"));
        if let Some((input, source)) = input {
            let mut input = self.complete(input, &source, namespace)?;
            // Redacted as the snapshot was, so that equal values stay equal.
            if let Some(mut redactor) = redactor {
                redactor.learn_release(&input.release, &input.parsed);
                redactor.release(&mut input.release, &mut input.parsed);
            }
            return Ok(check.judge(input, &source).await?);
        }
        let Some(release) = &self.release else {
            bail!("nothing to check");
        };
        match self.rollback {
            Some(revision) => Ok(check.rollback(&namespace, release, revision).await?),
            None => Ok(check.deployed(&namespace, release).await?),
        }
    }

    /// Loads the snapshot, or else connects to the cluster.
    async fn against(&self) -> anyhow::Result<Against> {
        let Some(folder) = &self.snapshot else {
            let connection = self.cluster.connect().await?;
            return Ok(Against {
                cluster: Cluster::Live(connection.cluster),
                namespace: connection.namespace,
                redactor: None,
            });
        };
        let (meta, snapshot, redactor) = snapshot::load(folder)?;
        if let Some(asked) = self.cluster.namespace().filter(|it| *it != meta.namespace) {
            bail!(
                "{} is a snapshot of namespace {}, not {asked}",
                folder.display(),
                meta.namespace
            );
        }
        Ok(Against {
            cluster: Cluster::Snapshot(Arc::new(snapshot)),
            namespace: meta.namespace,
            redactor: Some(redactor),
        })
    }

    /// Creates the check with the options of the command line.
    fn check(&self, cluster: Cluster, policy: Policy) -> anyhow::Result<Check> {
        let mut check = Check::new(cluster, policy, Duration::from_secs(self.timeout));
        if self.server_dry_run {
            check = check.with_dry_run();
        }
        if !self.running_values.is_empty() {
            let values = values_files(&self.running_values)?;
            check = check.with_running_values(values.into());
        }
        Ok(check)
    }

    async fn judge_chart(
        &self,
        chart: &str,
        check: &Check,
        live: &LiveCluster,
        namespace: &str,
    ) -> anyhow::Result<Report> {
        let Some(release) = &self.release else {
            bail!("--chart needs the name of a release");
        };
        let context = self.cluster.context();
        let upgrade = chart::Upgrade {
            release,
            chart,
            version: self.version.as_deref(),
            values: &self.values,
            more: &self.helm,
            namespace,
            kubeconfig: self.cluster.kubeconfig.as_ref(),
            context: context.as_deref(),
        };
        let rendering = waiting_for(format_args!("rendering chart {chart} with helm"));
        let rendered = upgrade.render(live).await?;
        drop(rendering);
        let _reading = waiting_for(format_args!("reading namespace {namespace}"));
        let rendered = match rendered {
            chart::Answer::Rendered(rendered) => rendered,
            chart::Answer::Failed(said) => return self.foretold(&upgrade, check, &said).await,
        };
        let input = input::read("what helm prints", rendered.json)?;
        let version = input.release.chart.metadata.version.clone();
        let made = chart::secrets_of(&input.release.manifest);
        let mut report = check.judge(input, "").await?;
        let asked = chart::asked_for(&rendered.given, namespace, Some(&version), &made);
        report.findings.extend(asked);
        Ok(report)
    }

    /// Judges by a forecast where the chart fails by itself; without one, Helm's words are all there is.
    async fn foretold(
        &self,
        upgrade: &chart::Upgrade<'_>,
        check: &Check,
        said: &str,
    ) -> anyhow::Result<Report> {
        let release = upgrade.release;
        let report = match upgrade.chart_version() {
            Some(chart) => {
                foretold::report(check, &self.cluster, release, &chart, &self.values, said)
                    .await
                    .ok()
            }
            None => None,
        };
        report.with_context(|| format!("helm says: {said}"))
    }

    /// Fills in what the input lacks; fails if the command line contradicts the input.
    fn complete(&self, mut input: Input, source: &str, namespace: String) -> anyhow::Result<Input> {
        let release = &mut input.release;
        if input.source == Source::Manifest {
            if let Some(name) = &self.release {
                name.clone_into(&mut release.name);
            }
            if release.namespace.is_empty() || self.cluster.namespace().is_some() {
                release.namespace = namespace;
            }
            return Ok(input);
        }
        let namespace_asked = self.cluster.namespace();
        let told = [
            ("release", self.release.as_deref(), &release.name),
            ("namespace", namespace_asked.as_deref(), &release.namespace),
        ];
        for (what, asked, read) in told {
            if let Some(asked) = asked.filter(|asked| asked != read) {
                let name = name_of(Path::new(source));
                bail!("{name} is about {what} {read}, not {asked}");
            }
        }
        if release.namespace.is_empty() {
            release.namespace = namespace;
        }
        Ok(input)
    }
}

/// Whether the input is Helm's dry run, or a record with a pending status.
fn is_announced(input: &Input) -> bool {
    match input.source {
        Source::DryRun { .. } => true,
        Source::Release => input.release.info.status.is_pending(),
        Source::Manifest => false,
    }
}

fn name_of(file: &Path) -> String {
    match file.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => file.display().to_string(),
    }
}

/// Reads an input and the values that belong to it.
fn read(file: &Path, values: &[PathBuf]) -> anyhow::Result<Input> {
    let name = name_of(file);
    let bytes = match file.to_str() {
        Some("-") => bounded(io::stdin().lock()),
        _ => fs::File::open(file).and_then(bounded),
    };
    let bytes = bytes.with_context(|| format!("can't read {name}"))?;
    let mut input = input::read(&name, bytes)?;
    if values.is_empty() {
        return Ok(input);
    }
    let known = matches!(
        input.source,
        Source::Release | Source::DryRun { values: true }
    );
    ensure!(
        !known,
        "{name} says which values it was made with: --values is for a rendered manifest"
    );
    input.release.config = Some(to_raw_value(&values_files(values)?)?);
    Ok(input)
}

/// Merges values files in order, as Helm does.
pub(super) fn values_files(files: &[PathBuf]) -> anyhow::Result<Map<String, Value>> {
    let mut all = Map::new();
    for file in files {
        overlay(&mut all, values_file(file)?);
    }
    Ok(all)
}

/// Reads at most one byte more than allowed, which shows that the input is too large.
pub(super) fn bounded(file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn values_file(file: &Path) -> anyhow::Result<Map<String, Value>> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("can't read {name}"))?;
    let parsed = Document::new(&text).parse();
    match parsed.with_context(|| format!("{name} is no values file"))? {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(values)) => Ok(values),
        Some(_) => bail!("{name} is no values file: it holds no mapping"),
    }
}
