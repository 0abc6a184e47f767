//! Maintains the endpoints of a Service, as kubelet and the controllers would: there are no nodes here.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::http;
use crate::kubectl::Kubectl;

/// Pause between readiness checks, shorter than kubelet's two seconds.
const INTERVAL: Duration = Duration::from_millis(200);

/// By name, the addresses for reviews and for readiness.
type Followed = BTreeMap<String, (SocketAddr, SocketAddr)>;

/// The endpoints of a Service; only those that are ready get requests.
pub struct Endpoints {
    followed: Arc<Mutex<Followed>>,
    stopped: Arc<AtomicBool>,
    follower: Option<JoinHandle<()>>,
    counter: usize,
}

impl Endpoints {
    /// Maintains the endpoints of an existing Service whose port is called `webhook`.
    pub fn of(kubectl: &Kubectl, namespace: &str, service: &str) -> Self {
        let followed = Arc::<Mutex<Followed>>::default();
        let stopped = Arc::<AtomicBool>::default();
        let (kubectl, namespace, service) =
            (kubectl.clone(), namespace.to_owned(), service.to_owned());
        let (their, end) = (Arc::clone(&followed), Arc::clone(&stopped));
        let follower = spawn(move || {
            let mut written = BTreeMap::new();
            while !end.load(Ordering::Relaxed) {
                let all = their.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for (name, (listen, admin)) in all {
                    let ready = matches!(http::get(admin, "/readyz"), Ok((200, _)));
                    if written.get(&name) == Some(&ready) {
                        continue;
                    }
                    let slice = slice(&namespace, &service, &name, listen, ready);
                    if kubectl.apply(&slice.to_string()).is_ok() {
                        written.insert(name, ready);
                    }
                }
                sleep(INTERVAL);
            }
        });
        Self {
            followed,
            stopped,
            follower: Some(follower),
            counter: 0,
        }
    }

    /// Adds an endpoint, which gets requests whenever its admin port says that it is ready.
    pub fn add(&mut self, listen: SocketAddr, admin: SocketAddr) {
        self.counter += 1;
        let name = format!("replica-{}", self.counter);
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.insert(name, (listen, admin));
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(follower) = self.follower.take() {
            let _ = follower.join();
        }
    }
}

fn slice(namespace: &str, service: &str, name: &str, listen: SocketAddr, ready: bool) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {
                "kubernetes.io/service-name": service,
                "endpointslice.kubernetes.io/managed-by": "tests",
            },
        },
        "addressType": "IPv4",
        "ports": [{"name": "webhook", "port": listen.port(), "protocol": "TCP"}],
        "endpoints": [{"addresses": [listen.ip()], "conditions": {"ready": ready}}],
    })
}

/// Returns an address of this machine for an endpoint: loopback addresses are not allowed.
pub fn machine_address() -> Result<IpAddr> {
    // Sends nothing; the system only tells the address it would send from.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket
        .connect("198.51.100.1:9")
        .context("this machine has no network of which it could have an address")?;
    let address = socket.local_addr()?.ip();
    ensure!(
        !address.is_loopback(),
        "this machine has only loopback addresses"
    );
    Ok(address)
}
