//! `serve`: the webhook itself.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use clap::{
    ArgAction, Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use kube::{Client, Config, config::KubeConfigOptions};
use serde::{
    Deserialize,
    de::{
        IntoDeserializer,
        value::{self, StringDeserializer},
    },
};
use tokio::time::timeout;

use super::connect;
use crate::{
    admission::{AdmissionMetrics, Guard},
    camunda::Line,
    certificates::{Keeper, SelfManagedArgs},
    cluster::{Cluster, LiveCluster, Snapshot},
    events::Events,
    logging::LogArgs,
    mutations::volume_reclaim_policy::RetainScope,
    policy::{self, Policy},
    server::{self, Admin, Readiness, Served, ServerArgs, Shutdown, Stopped},
};

/// The `/readyz` condition that the API server answers.
const API_SERVER: &str = "api-server";

/// Pause before asking again after the API server did not answer.
const RETRY: Duration = Duration::from_secs(2);

/// Time limit, at the end, for Events that are not written yet.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// Pause before asking again after the API server answered.
const RECHECK: Duration = Duration::from_secs(15);

/// Time limit for the API server's version: if it takes longer, it won't answer a review's reads in time either.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the webhook is told.
#[derive(Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    certificates: Option<SelfManagedArgs>,

    #[command(flatten)]
    log: LogArgs,

    /// Kubeconfig of the API server [default: the Pod's own account, else KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", env = "CAMUNDA_UPGRADE_GUARD_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,

    /// Whose volumes get the reclaim policy Retain
    #[arg(
        long,
        default_value = "elasticsearch",
        value_parser = scopes(),
        env = "CAMUNDA_UPGRADE_GUARD_RETAIN_VOLUMES"
    )]
    retain_volumes: RetainScope,

    /// File that says how the rules count, and where; changes are taken over while the guard runs
    #[arg(long, value_name = "FILE", env = "CAMUNDA_UPGRADE_GUARD_CONFIG")]
    config: Option<PathBuf>,

    /// Check the file of --config and exit
    #[arg(long, requires = "config")]
    check_config: bool,

    /// Whether Kubernetes Events tell of refusals, mutations and overrides
    #[arg(
        long,
        action = ArgAction::Set,
        default_value_t = true,
        value_name = "BOOL",
        env = "CAMUNDA_UPGRADE_GUARD_EVENTS"
    )]
    events: bool,

    /// Folder with data files of release lines (*.yaml), in addition to those compiled in or in their place
    #[arg(
        long,
        value_name = "FOLDER",
        env = "CAMUNDA_UPGRADE_GUARD_RELEASE_LINES"
    )]
    release_lines: Option<PathBuf>,

    /// Take live objects from a file, a List as kubectl writes it, and never ask an API server; for rehearsals and
    /// the benchmark
    #[arg(long, value_name = "FILE", hide = true, conflicts_with_all = ["kubeconfig", "tls_secret"])]
    facts: Option<PathBuf>,
}

/// Parses the scope of retained volumes, in the policy file's terms.
fn scopes() -> impl TypedValueParser<Value = RetainScope> {
    let scopes = [
        ("elasticsearch", "Elasticsearch's, as the guides ask"),
        ("all", "All volumes of Camunda releases"),
        ("off", "None"),
    ];
    let scopes = scopes.map(|(scope, help)| PossibleValue::new(scope).help(help));
    PossibleValuesParser::new(scopes).try_map(|scope| {
        let scope: StringDeserializer<value::Error> = scope.into_deserializer();
        RetainScope::deserialize(scope)
    })
}

impl ServeArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        if let Some(folder) = &self.release_lines {
            Line::load(folder)?;
        }
        if let Some(file) = self.config.as_deref().filter(|_| self.check_config) {
            Policy::read(file)?;
            println!("{} is a configuration", file.display());
            return Ok(());
        }
        self.log.init()?;
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            // A record decoded on another thread must not wait behind tasks that the workers woke themselves.
            .global_queue_interval(1)
            .build()
            .context("can't start the runtime")?
            .block_on(self.serve())
    }

    async fn serve(self) -> anyhow::Result<()> {
        server::raise_limit();
        let shutdown = Shutdown::on_signals().context("can't listen for signals")?;
        let admin = Admin::default();
        let served = Arc::<Served>::default();
        let bound = match &self.certificates {
            Some(_) => self.server.bind_with(Arc::clone(&served)).await?,
            None => self.server.bind().await?,
        };
        let (cluster, client) = match &self.facts {
            Some(file) => (Cluster::Snapshot(Arc::new(Snapshot::read(file)?)), None),
            None => {
                let client = client(self.kubeconfig.as_ref()).await?;
                if let Some(args) = self.certificates {
                    tokio::spawn(Keeper::new(args, client.clone(), served, &admin).run());
                }
                let live = LiveCluster::new(client.clone());
                admin.readiness.unmet(API_SERVER, "not asked yet");
                tokio::spawn(watch(live.clone(), admin.readiness.clone()));
                (Cluster::Live(live), Some(client))
            }
        };
        let namespace = client.as_ref().map(Client::default_namespace);
        let namespace = namespace.unwrap_or_default().to_owned();
        let (events, writing) = match client.filter(|_| self.events) {
            Some(client) => {
                let (events, writing) = Events::start(client, &admin.metrics);
                (events, Some(writing))
            }
            None => (Events::off(&admin.metrics), None),
        };
        let source = self.config.map(|file| policy::Source {
            file,
            events: events.clone(),
            namespace,
        });
        let guard = Guard::new(
            cluster,
            self.retain_volumes,
            policy::follow(source, &admin.metrics),
            AdmissionMetrics::new(&admin.metrics),
            events,
        );
        let stopped = bound.serve(guard.router(), admin, shutdown).await;
        // Events of the last refusals are still written.
        if let Some(writing) = writing {
            drop(timeout(LAST_EVENTS, writing).await);
        }
        match stopped {
            Stopped::Finished => Ok(()),
            Stopped::CutShort { connections } => bail!("{connections} connections were cut"),
        }
    }
}

async fn client(kubeconfig: Option<&PathBuf>) -> anyhow::Result<Client> {
    let config = match kubeconfig {
        Some(file) => connect::from_file(file, &KubeConfigOptions::default()).await?,
        None => match Config::incluster() {
            Ok(config) => config,
            Err(_) => Config::from_kubeconfig(&KubeConfigOptions::default())
                .await
                .context("no API server: this is no Pod, and no kubeconfig was found (--kubeconfig names one)")?,
        },
    };
    connect::client(config)
}

/// Sets readiness once the API server answers, and logs when it no longer does.
///
/// A guard that was ready stays ready: it still answers in time and names what it could not read. Without an
/// endpoint, the API server could only say that its webhook failed.
async fn watch(cluster: LiveCluster, readiness: Readiness) {
    let mut lost: Option<String> = None;
    loop {
        let reason = match timeout(PATIENCE, cluster.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        match &reason {
            None => readiness.met(API_SERVER),
            Some(reason) if readiness.is_waiting_for(API_SERVER) => {
                readiness.unmet(API_SERVER, reason);
            }
            Some(_) => {}
        }
        match (&lost, &reason) {
            (None, Some(error)) => tracing::warn!(error, "the API server can't be asked"),
            (Some(_), None) => tracing::info!("the API server can be asked again"),
            _ => {}
        }
        let pause = if reason.is_none() { RECHECK } else { RETRY };
        lost = reason;
        tokio::time::sleep(pause).await;
    }
}
