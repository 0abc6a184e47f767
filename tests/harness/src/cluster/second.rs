//! A second API server over the same etcd, as a control plane of several nodes has it.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context, Result};

use super::api::Api;
use super::{Cluster, kubeconfig};
use crate::ports::free_ports;
use crate::supervise::Supervised;
use crate::wait::wait_until;

const NAME: &str = "kube-apiserver";

/// An API server beside the cluster's own one.
pub struct SecondApiServer {
    _process: Supervised,
    kubeconfig: PathBuf,
}

impl SecondApiServer {
    /// The administrator's kubeconfig for this API server.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

impl Cluster {
    /// Starts a second API server and waits until it is ready. It ends when dropped.
    pub fn second_api_server(&self) -> Result<SecondApiServer> {
        let [port] = free_ports()?;
        let first = self.processes.lock();
        let first = first.unwrap_or_else(PoisonError::into_inner);
        let first = first.iter().find(|it| it.name() == NAME);
        // The last of two equal flags counts.
        let port = port.to_string();
        let program = first.context(NAME)?.program().clone();
        let program = program.flag("secure-port", &port);
        let process = self.nest.start(&format!("{NAME}-2"), &program)?;
        let (host, _) = self.server.rsplit_once(':').context("a port")?;
        let server = format!("{host}:{port}");
        let user = self.authority.client("admin", Some("system:masters"))?;
        let api = Api::new(&server, &self.authority, &user)?;
        wait_until("the second API server", Duration::from_secs(90), || {
            api.text("/readyz").map(Some)
        })?;
        let config = self.scratch("kubeconfig")?.join("config");
        let user = kubeconfig::certificate(&user);
        kubeconfig::write(&config, &server, &self.authority.pem(), &user)?;
        Ok(SecondApiServer {
            _process: process,
            kubeconfig: config,
        })
    }
}
