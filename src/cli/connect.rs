//! Finds the cluster and the namespace for a command, as kubectl does.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow};
use clap::Args;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use super::invoked_as;
use crate::cluster::LiveCluster;

/// Where the cluster is, and where in it.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ConnectArgs {
    /// Kubeconfig of the cluster [default: KUBECONFIG, else ~/.kube/config, else the Pod's own account]
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,

    /// Namespace of the release [default: the context's]
    #[arg(short, long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
}

/// A client of the cluster, and the namespace.
pub(super) struct Connection {
    pub(super) cluster: LiveCluster,
    pub(super) namespace: String,
}

impl ConnectArgs {
    /// Creates the client; sends no request yet.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        invoked_as::refuse_flags_of_helm()?;
        let config = match self.kubeconfig.is_some() || self.context().is_some() {
            true => self.read_kubeconfig().await?,
            false => match self.read_kubeconfig().await {
                Ok(config) => config,
                Err(error) => Config::incluster().map_err(|_| error)?,
            },
        };
        let namespace = self
            .namespace()
            .unwrap_or_else(|| config.default_namespace.clone());
        let cluster = LiveCluster::new(client(config)?);
        Ok(Connection { cluster, namespace })
    }

    /// The namespace that the user named, if any.
    pub(super) fn namespace(&self) -> Option<String> {
        let namespace = self.namespace.clone();
        namespace.or_else(|| invoked_as::helm("HELM_NAMESPACE"))
    }

    /// The context that the user named, if any.
    pub(super) fn context(&self) -> Option<String> {
        let context = self.context.clone();
        context.or_else(|| invoked_as::helm("HELM_KUBECONTEXT"))
    }

    /// The context that kubectl has to be set to, if there is a kubeconfig.
    pub(super) fn current_context(&self) -> anyhow::Result<Option<String>> {
        if let Some(context) = self.context() {
            return Ok(Some(context));
        }
        let kubeconfig = match &self.kubeconfig {
            Some(file) => Kubeconfig::read_from(file)
                .with_context(|| format!("can't read --kubeconfig {}", file.display()))?,
            // Without one this runs in a Pod, by the Pod's own account.
            None => match Kubeconfig::read() {
                Ok(kubeconfig) => kubeconfig,
                Err(_) => return Ok(None),
            },
        };
        Ok(kubeconfig.current_context)
    }

    async fn read_kubeconfig(&self) -> anyhow::Result<Config> {
        let options = KubeConfigOptions {
            context: self.context(),
            ..KubeConfigOptions::default()
        };
        match &self.kubeconfig {
            Some(file) => from_file(file, &options).await,
            None => Config::from_kubeconfig(&options)
                .await
                .map_err(|error| anyhow!("no cluster: {error} (--kubeconfig names a kubeconfig)")),
        }
    }
}

/// Reads the client's configuration from a kubeconfig.
pub(super) async fn from_file(file: &Path, options: &KubeConfigOptions) -> anyhow::Result<Config> {
    let name = file.display();
    let read = Kubeconfig::read_from(file);
    let read = read.with_context(|| format!("can't read --kubeconfig {name}"))?;
    let config = Config::from_custom_kubeconfig(read, options).await;
    config.with_context(|| format!("--kubeconfig {name} is not usable"))
}

/// Creates a client for callers that set a deadline for each request.
pub(super) fn client(mut config: Config) -> anyhow::Result<Client> {
    // These only free what hangs.
    config.connect_timeout = Some(Duration::from_secs(5));
    config.read_timeout = Some(Duration::from_secs(30));
    // Retries would use up the deadline and leave only the timeout to report.
    config.default_retry = false;
    Client::try_from(config).context("can't make a client of the API server")
}

/// Runs a future on a new runtime.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("can't start the runtime")?
        .block_on(work)
}
