//! A real Kubernetes control plane for one test process: etcd, API server and controller manager.

mod api;
mod components;
pub mod faults;
mod kubeconfig;
mod lease;
mod ready_pods;
mod second;
pub mod storage;

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::binaries::Binaries;
use crate::helm::{Helm, HelmCli};
use crate::kubectl::Kubectl;
use crate::pki::Authority;
use crate::process::Output;
use crate::supervise::{Nest, Program, Supervised};
use crate::wait::wait_until;
use api::Api;
pub use lease::Lease;
pub use second::SecondApiServer;
use storage::{StorageClass, Volumes};

/// Options for starting a cluster.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// The programs; None: found by [`Binaries::find`].
    pub binaries: Option<Binaries>,
    /// Further flags for the API server.
    pub api_server_flags: Vec<(String, String)>,
    /// Further flags for the controller manager.
    pub controller_manager_flags: Vec<(String, String)>,
    /// The address of a node that will run the pods; None: no pod runs.
    pub node: Option<IpAddr>,
    /// Whether Deployments get no pods. Those of StatefulSets and Jobs are always created.
    pub without_deployments: bool,
}

/// A running control plane. It ends when dropped, and when this process ends, however that happens.
pub struct Cluster {
    // Dropped in this order: the processes, the last one to start first; then the folder that they use.
    processes: Mutex<Vec<Supervised>>,
    nest: Nest,
    binaries: Binaries,
    server: String,
    authority: Authority,
    admin: Value,
    kubectl: Kubectl,
    api: Api,
    counter: AtomicU64,
}

/// A namespace of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace(String);

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ClusterOptions {
    /// Options of a cluster for many tests, in which only what holds data gets pods.
    pub fn shared() -> Self {
        Self {
            without_deployments: true,
            ..Self::default()
        }
    }
}

impl Cluster {
    /// Starts a new control plane and waits until it works.
    pub fn start(options: ClusterOptions) -> Result<Self> {
        let binaries = match options.binaries.clone() {
            Some(binaries) => binaries,
            None => Binaries::find()?,
        };
        let nest = Nest::new("guard-cluster-")?;
        let authority = Authority::new("test cluster")?;
        let admin = authority.client("admin", Some("system:masters"))?;
        components::write_credentials(nest.dir(), &authority, options.node)?;
        let home = nest.dir().join("home");
        fs::create_dir_all(&home)?;
        let kubeconfig = nest.dir().join("admin.kubeconfig");
        let kubectl = Kubectl::new(&binaries.kubectl, &kubeconfig, &home);

        let (processes, server, api) = components::start(
            &nest,
            &binaries,
            &options,
            &authority,
            &admin,
            kubectl.kubeconfig(),
        )?;
        let cluster = Self {
            processes: Mutex::new(processes),
            nest,
            binaries,
            server,
            authority,
            admin: kubeconfig::certificate(&admin),
            kubectl,
            api,
            counter: AtomicU64::new(0),
        };
        let volumes = match options.node {
            Some(_) => Volumes::Local,
            None => Volumes::OfNoNode,
        };
        cluster.storage_class(&StorageClass::standard().volumes(volumes))?;
        wait_until("the controllers", Duration::from_secs(60), || {
            cluster.get("serviceaccount", "default", "default")
        })?;
        Ok(cluster)
    }

    /// Kills the control plane and starts it again over what etcd has, as after a power cut; `meanwhile` nothing of it runs.
    pub fn restart(&self, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
        let processes = self.processes.lock();
        let mut processes = processes.unwrap_or_else(PoisonError::into_inner);
        processes.iter_mut().for_each(Supervised::kill);
        meanwhile()?;
        for process in processes.iter_mut().rev() {
            self.start_again(process)?;
        }
        wait_until("the API server", Duration::from_secs(90), || {
            self.raw("/readyz").map(Some)
        })?;
        Ok(())
    }

    pub(crate) fn start_again(&self, killed: &mut Supervised) -> Result<()> {
        self.nest.start_again(killed)
    }

    /// Returns the cluster that all tests of this process share, started on first use.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let started = SHARED.get_or_init(|| {
            Self::start(ClusterOptions::shared()).map_err(|error| format!("{error:#}"))
        });
        match started {
            Ok(cluster) => cluster,
            Err(error) => panic!("the test cluster did not start: {error}"),
        }
    }

    /// Like [`Cluster::shared`]; None, with a message, if its programs were not built.
    pub fn shared_or_skip() -> Option<&'static Self> {
        Binaries::find_or_skip().map(|_| Self::shared())
    }

    /// Returns the cluster's folder, with the logs `etcd.log`, `kube-apiserver.log` and
    /// `kube-controller-manager.log`.
    pub fn dir(&self) -> &Path {
        self.nest.dir()
    }

    /// Returns the API server's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// Starts another program that ends no later than the cluster.
    pub fn supervise(&self, name: &str, program: &Program) -> Result<Supervised> {
        self.nest.start(name, program)
    }

    /// Creates an empty folder that is removed with the cluster.
    pub fn scratch(&self, prefix: &str) -> Result<PathBuf> {
        let path = self.dir().join(self.unique(prefix));
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    }

    /// Returns a name that is unique in this cluster.
    pub fn unique(&self, prefix: &str) -> String {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        format!("{prefix}-{number}")
    }

    /// Creates a new namespace for a test.
    pub fn namespace(&self, prefix: &str) -> Result<Namespace> {
        self.namespace_with_labels(prefix, &[])
    }

    pub fn namespace_with_labels(
        &self,
        prefix: &str,
        labels: &[(&str, &str)],
    ) -> Result<Namespace> {
        let name = self.unique(prefix);
        let labels: serde_json::Map<String, Value> = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)))
            .collect();
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        });
        self.api.create("namespace", "", &namespace)?;
        Ok(Namespace(name))
    }

    /// kubectl with the administrator's rights.
    pub fn admin(&self) -> &Kubectl {
        &self.kubectl
    }

    /// kubectl with a kubeconfig's user.
    pub fn kubectl_as(&self, kubeconfig: &Path) -> Kubectl {
        self.kubectl.with_kubeconfig(kubeconfig)
    }

    /// Runs `kubectl ARGS…` as the administrator.
    ///
    /// # Panics
    /// When kubectl cannot be run, or does not end.
    pub fn kubectl<I, S>(&self, args: I) -> Output
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        self.kubectl.run(args)
    }

    /// Applies YAML, or a JSON value.
    pub fn apply(&self, documents: &(impl ToString + ?Sized)) -> Result<Output> {
        self.kubectl.apply(&documents.to_string())
    }

    /// Reads an object, if it exists. `namespace` is empty for a cluster-scoped one.
    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.api.get(kind, namespace, name)
    }

    /// Returns the API server's answer for a path, as text.
    pub fn raw(&self, path: &str) -> Result<String> {
        self.api.text(path)
    }

    /// Lists the objects of a kind (or of several, with commas) in a namespace that match a selector; both may be
    /// empty: all.
    pub fn list(&self, kind: &str, namespace: &str, selector: &str) -> Result<Vec<Value>> {
        self.api.list(kind, namespace, selector)
    }

    /// Helm with the administrator's rights.
    pub fn helm(&self, helm: Helm) -> HelmCli {
        self.helm_as(helm, self.kubeconfig())
    }

    /// Helm with a kubeconfig's user.
    pub fn helm_as(&self, helm: Helm, kubeconfig: &Path) -> HelmCli {
        let home = self.dir().join("home");
        HelmCli::new(&self.binaries, helm, Some(kubeconfig), &home)
    }
}
