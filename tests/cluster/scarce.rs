//! What the API server makes of a review for which the guard has no memory: it asks again by itself, and in the end does
//! as the webhook's `failurePolicy` says.

use std::{fs, net::SocketAddr, sync::Arc, thread, time::Duration};

use axum::{Router, routing::post};
use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::server::{
    Admin, BodyLimits, Files, Limits, ServerArgs, Shutdown, Trigger, Whole,
};
use harness::{
    Cluster, Output,
    pki::{Authority, trusting},
    wait_until,
};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const PATIENCE: Duration = Duration::from_secs(60);
const FOREVER: Duration = Duration::from_secs(3600);
const MEMORY: usize = 1024 * 1024;

/// A server that has a mebibyte for bodies, and admits all that it receives.
struct Server {
    runtime: Runtime,
    authority: Authority,
    address: SocketAddr,
    admin: Admin,
    _trigger: Trigger,
}

impl Server {
    fn start(cluster: &Cluster) -> Self {
        let authority = Authority::new("scarce").unwrap();
        let dir = cluster.scratch("scarce").unwrap();
        let files = Files {
            cert: dir.join("tls.crt"),
            key: dir.join("tls.key"),
        };
        let pair = authority.server(&["127.0.0.1"]).unwrap();
        pair.write(&files.cert, &files.key).unwrap();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let args = ServerArgs {
            listen: loopback,
            admin_listen: loopback,
            files: Some(files),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::ZERO,
            limits: Limits {
                bodies: BodyLimits {
                    memory: MEMORY,
                    memory_timeout: Duration::from_millis(50),
                    rate: 1,
                    lag: FOREVER,
                    lag_when_scarce: FOREVER,
                },
                ..Limits::default()
            },
        };
        let runtime = Runtime::new().unwrap();
        let (admin, (trigger, shutdown)) = (Admin::default(), Shutdown::by_hand());
        let bound = runtime.block_on(args.bind()).unwrap();
        let address = bound.local_addr();
        let router = Router::new().route("/", post(admit));
        runtime.spawn(bound.serve(router, admin.clone(), shutdown));
        Self {
            runtime,
            authority,
            address,
            admin,
            _trigger: trigger,
        }
    }

    /// Has the API server ask it about ConfigMaps in one namespace.
    fn register(&self, cluster: &Cluster, namespace: &str, failure_policy: &str) {
        let client = json!({
            "url": format!("https://{}/", self.address),
            "caBundle": STANDARD.encode(self.authority.pem()),
        });
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [{
                "name": "scarce.example.test", "clientConfig": client, "failurePolicy": failure_policy,
                "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 20,
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
            }],
        });
        cluster.apply(&configuration).unwrap().ok().unwrap();
        // It is called once the API server has taken note of it.
        let before = self.metric("connections_total");
        wait_until("a call", PATIENCE, || {
            _ = cluster.kubectl(["create", "cm", "small", "-n", namespace, "--dry-run=server"]);
            Ok((self.metric("connections_total") != before).then_some(()))
        })
        .unwrap();
    }

    /// Sends all of a body that takes all memory, but for the last byte, and waits until it has it.
    fn exhaust(&self) -> TlsStream<TcpStream> {
        self.runtime.block_on(async {
            let mut stalling = self.sending(MEMORY, MEMORY - 1).await;
            stalling.flush().await.unwrap();
            while self.refused() == 0 {
                let mut other = self.sending(MEMORY / 2, MEMORY / 2).await;
                other.flush().await.unwrap();
                other.read_exact(&mut [0; 12]).await.unwrap();
            }
            stalling
        })
    }

    /// Sends a body of some told length.
    async fn sending(&self, told: usize, bytes: usize) -> TlsStream<TcpStream> {
        let config = trusting(&self.authority.pem()).unwrap();
        let config = config.with_no_client_auth();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, stream).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {told}\r\n\r\n{{}}");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b' '; bytes - 2]).await.unwrap();
        stream
    }

    fn metric(&self, name: &str) -> u64 {
        let page = self.admin.metrics.encode().unwrap();
        let name = format!("camunda_upgrade_guard_{name} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&name));
        value.unwrap().parse().unwrap()
    }

    fn refused(&self) -> u64 {
        self.metric("bodies_refused_total{reason=\"no_memory\"}")
    }
}

async fn admit(Whole(body): Whole) -> String {
    let review: Value = serde_json::from_slice(&body).unwrap();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "response": {"uid": review["request"]["uid"], "allowed": true},
    });
    review.to_string()
}

/// Creates a ConfigMap whose review takes memory.
fn create(cluster: &Cluster, namespace: &str) -> Output {
    let file = cluster.scratch("large").unwrap().join("large.txt");
    fs::write(&file, "x".repeat(100_000)).unwrap();
    let file = format!("--from-file={}", file.display());
    cluster.kubectl(["create", "cm", "large", "-n", namespace, &file])
}

#[test]
fn the_api_server_asks_again_until_there_is_memory() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let namespace = cluster.namespace("scarce").unwrap();
    let server = Server::start(cluster);
    server.register(cluster, &namespace, "Fail");
    let stalling = server.exhaust();
    let before = server.refused();
    thread::scope(|scope| {
        let creating = scope.spawn(|| create(cluster, &namespace));
        wait_until("a second refusal", PATIENCE, || {
            Ok((server.refused() >= before + 2).then_some(()))
        })
        .unwrap();
        assert!(!creating.is_finished());
        drop(stalling);
        creating.join().unwrap().ok().unwrap();
    });
}

#[test]
fn in_the_end_the_failure_policy_decides() {
    let Some(cluster) = Cluster::shared_or_skip() else {
        return;
    };
    let server = Server::start(cluster);
    let _stalling = server.exhaust();
    for (failure_policy, admits) in [("Fail", false), ("Ignore", true)] {
        let namespace = cluster.namespace("scarce").unwrap();
        server.register(cluster, &namespace, failure_policy);
        let before = server.refused();
        let output = create(cluster, &namespace);
        assert!(server.refused() > before);
        match admits {
            true => drop(output.ok().unwrap()),
            false => {
                let text = output.refused().unwrap().text();
                assert!(text.contains("scarce.example.test"), "{text}");
                let said = "the server is currently unable to handle the request";
                assert!(text.contains(said), "{text}");
            }
        }
    }
}
