//! Builds the command lines of the control plane's three programs, and starts them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::api::Api;
use super::{ClusterOptions, kubeconfig};
use crate::binaries::Binaries;
use crate::pki::{self, Authority, Pair};
use crate::ports::free_ports;
use crate::supervise::{Nest, Program, Supervised};
use crate::wait::wait_until;

/// Controllers for what does not exist here (nodes, their certificates, traffic to pods, autoscaling), and some that
/// only write what nobody reads.
const NOT_NEEDED: [&str; 23] = [
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "cronjob-controller",
    "daemonset-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "ephemeral-volume-controller",
    "horizontal-pod-autoscaler-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "node-ipam-controller",
    "node-lifecycle-controller",
    "persistentvolume-attach-detach-controller",
    "pod-garbage-collector-controller",
    "replicationcontroller-controller",
    "root-ca-certificate-publisher-controller",
    "service-lb-controller",
    "taint-eviction-controller",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
];
const OF_CLOUDS: [&str; 2] = ["node-ipam-controller", "service-lb-controller"];
/// Where no pod runs, they write the status of Deployments again and again: a fifth of all writes.
const OF_DEPLOYMENTS: [&str; 2] = ["deployment-controller", "replicaset-controller"];
/// The address of the API server's own Service, the first of the range.
const SERVICE: &str = "10.96.0.1";
const MANAGER: &str = "system:kube-controller-manager";

pub(super) fn write_credentials(
    dir: &Path,
    authority: &Authority,
    node: Option<IpAddr>,
) -> Result<()> {
    fs::write(dir.join("ca.crt"), authority.pem())?;
    let node = node.map(|node| node.to_string());
    let mut names = vec!["127.0.0.1", "localhost", "kubernetes.default.svc", SERVICE];
    names.extend(node.as_deref());
    authority
        .server(&names)?
        .write(&dir.join("server.crt"), &dir.join("server.key"))?;
    // With which the API server asks a kubelet for logs.
    authority
        .client("kube-apiserver", Some("system:masters"))?
        .write(&dir.join("client.crt"), &dir.join("client.key"))?;
    let (private, public) = pki::signing_key()?;
    fs::write(dir.join("accounts.key"), private)?;
    fs::write(dir.join("accounts.pub"), public)?;
    Ok(())
}

/// Starts all programs.
pub(super) fn start(
    nest: &Nest,
    binaries: &Binaries,
    options: &ClusterOptions,
    authority: &Authority,
    admin: &Pair,
    kubeconfig: &Path,
) -> Result<(Vec<Supervised>, String, Api)> {
    let [client, peer, secure] = free_ports()?;
    let etcd_url = format!("http://127.0.0.1:{client}");
    let server = format!("https://{}:{secure}", address(options));
    let user = kubeconfig::certificate(admin);
    kubeconfig::write(kubeconfig, &server, &authority.pem(), &user)?;
    let manager = kubeconfig::certificate(&authority.client(MANAGER, None)?);
    let managers = nest.dir().join("manager.kubeconfig");
    kubeconfig::write(&managers, &server, &authority.pem(), &manager)?;

    let api_server = api_server(binaries, nest.dir(), &etcd_url, secure, options);
    let mut processes = vec![
        nest.start("etcd", &etcd(binaries, nest.dir(), &etcd_url, peer))?,
        nest.start("kube-apiserver", &api_server)?,
    ];
    let api = Api::new(&server, authority, admin)?;
    let ready = wait_until_ready(&mut processes, &api).and_then(|()| {
        let program = controller_manager(binaries, nest.dir(), &managers, options);
        nest.start("kube-controller-manager", &program)
    });
    let manager = ready.map_err(|error| {
        let tails: Vec<String> = processes.iter().map(|p| p.log_tail(25)).collect();
        error.context(tails.join("\n"))
    })?;
    // The order in which they are stopped.
    processes.push(manager);
    processes.reverse();
    Ok((processes, server, api))
}

fn wait_until_ready(processes: &mut [Supervised], api: &Api) -> Result<()> {
    let outcome = wait_until("the API server", Duration::from_secs(90), || {
        for process in processes.iter_mut() {
            if let Some(status) = process.ended()? {
                return Ok(Some(Err(anyhow!("ended at once: {status}"))));
            }
        }
        api.text("/readyz").map(|_| Some(Ok(())))
    })?;
    outcome.context("starting the control plane")
}

fn etcd(binaries: &Binaries, dir: &Path, url: &str, peer: u16) -> Program {
    let peer = format!("http://127.0.0.1:{peer}");
    Program::new(&binaries.etcd)
        .flag("data-dir", dir.join("etcd"))
        .flag("listen-client-urls", url)
        .flag("advertise-client-urls", url)
        .flag("listen-peer-urls", &peer)
        .flag("initial-advertise-peer-urls", &peer)
        .flag("initial-cluster", format!("default={peer}"))
        .flag("log-level", "warn")
        // The reaper reads there which volumes were created, so no log may be dropped.
        .flag("max-wals", "0")
        .arg("--unsafe-no-fsync")
}

fn api_server(
    binaries: &Binaries,
    dir: &Path,
    etcd: &str,
    port: u16,
    options: &ClusterOptions,
) -> Program {
    let address = address(options).to_string();
    let program = Program::new(&binaries.kube_apiserver)
        .flag("etcd-servers", etcd)
        .flag("bind-address", &address)
        .flag("advertise-address", &address)
        .flag("secure-port", port.to_string())
        .flag("cert-dir", dir.join("certificates"))
        .flag("tls-cert-file", dir.join("server.crt"))
        .flag("tls-private-key-file", dir.join("server.key"))
        .flag("client-ca-file", dir.join("ca.crt"))
        .flag("allow-privileged", "true")
        .flag("service-cluster-ip-range", "10.96.0.0/16")
        .flag("service-account-issuer", "https://kubernetes.default.svc")
        .flag("service-account-key-file", dir.join("accounts.pub"))
        .flag("service-account-signing-key-file", dir.join("accounts.key"));
    let program = match options.node {
        Some(_) => program
            .flag("authorization-mode", "Node,RBAC")
            .flag("kubelet-client-certificate", dir.join("client.crt"))
            .flag("kubelet-client-key", dir.join("client.key"))
            .flag("kubelet-preferred-address-types", "InternalIP"),
        None => program
            .flag("authorization-mode", "RBAC")
            .flag("endpoint-reconciler-type", "none"),
    };
    with_flags(program, &options.api_server_flags)
}

fn address(options: &ClusterOptions) -> IpAddr {
    options.node.unwrap_or(Ipv4Addr::LOCALHOST.into())
}

fn controller_manager(
    binaries: &Binaries,
    dir: &Path,
    kubeconfig: &Path,
    options: &ClusterOptions,
) -> Program {
    let mut off = match options.node {
        Some(_) => OF_CLOUDS.to_vec(),
        None => NOT_NEEDED.to_vec(),
    };
    if options.without_deployments {
        off.extend(OF_DEPLOYMENTS);
    }
    let program = Program::new(&binaries.kube_controller_manager)
        .flag("kubeconfig", kubeconfig)
        .flag("secure-port", "0")
        .flag("leader-elect", "false")
        .flag("controllers", format!("*,-{}", off.join(",-")))
        .flag("use-service-account-credentials", "true")
        .flag("service-account-private-key-file", dir.join("accounts.key"))
        .flag("root-ca-file", dir.join("ca.crt"))
        .flag("enable-hostpath-provisioner", "true")
        .flag("pvclaimbinder-sync-period", "5s")
        .flag("kube-api-qps", "500")
        .flag("kube-api-burst", "1000");
    with_flags(program, &options.controller_manager_flags)
}

fn with_flags(program: Program, flags: &[(String, String)]) -> Program {
    flags
        .iter()
        .fold(program, |program, (name, value)| program.flag(name, value))
}
