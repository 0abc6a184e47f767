//! The real program on this machine, and the bytes that it is sent.

use std::{env, fs, net::SocketAddr, sync::Arc, time::Duration};

use harness::{
    free_addresses,
    pki::{Authority, trusting},
    supervise::{Nest, Program, Supervised},
    wait_until,
};
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The program that cargo built for tests; GUARD_PROGRAM names another one.
const BINARY: &str = env!("CARGO_BIN_EXE_camunda-upgrade-guard");

/// Only a test that hangs gets here.
const HANGS: Duration = Duration::from_secs(240);

pub struct Guard {
    address: SocketAddr,
    connector: TlsConnector,
    process: Supervised,
    _nest: Nest,
}

impl Guard {
    pub fn start() -> Self {
        let (nest, authority) = (
            Nest::new("guard-memory-").unwrap(),
            Authority::new("memory").unwrap(),
        );
        let file = |name: &str| nest.dir().join(name);
        let pair = authority.server(&["127.0.0.1"]).unwrap();
        pair.write(&file("tls.crt"), &file("tls.key")).unwrap();
        let empty = json!({"apiVersion": "v1", "kind": "List", "items": []});
        fs::write(file("facts.json"), empty.to_string()).unwrap();
        let [address, admin] = free_addresses().unwrap();
        let named = env::var_os("GUARD_PROGRAM").unwrap_or_else(|| BINARY.into());
        let program = Program::new(named.as_ref())
            .arg("serve")
            .arg("--facts")
            .arg(file("facts.json"))
            .arg("--tls-cert")
            .arg(file("tls.crt"))
            .arg("--tls-key")
            .arg(file("tls.key"))
            .arg("--listen")
            .arg(address.to_string())
            .arg("--admin-listen")
            .arg(admin.to_string());
        let process = nest.start("guard", &program).unwrap();
        wait_until("the guard", Duration::from_secs(60), || {
            Ok(std::net::TcpStream::connect(address).ok().map(drop))
        })
        .unwrap();
        Self {
            address,
            connector: connector(&authority.pem()),
            process,
            _nest: nest,
        }
    }

    pub async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connecting = self.connector.connect(name, stream);
        hanging_is_failing(connecting).await.unwrap()
    }

    /// Posts a review and returns all that is answered.
    pub async fn post(&self, body: &[u8]) -> String {
        let mut connection = self.connect().await;
        let head = format!("Content-Length: {}\r\nConnection: close", body.len());
        send(&mut connection, &request(&head), body).await;
        until_closed(&mut connection).await
    }

    /// Judges a small review: whoever attacks keeps nobody out.
    pub async fn is_alive(&self) {
        let answer = self.post(claim().to_string().as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(r#""allowed":true"#), "{answer}");
    }

    /// The most memory that it ever had, in MiB.
    pub fn peak(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.pid().unwrap());
        let status = fs::read_to_string(status).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.unwrap().trim().trim_end_matches(" kB");
        let peak = kib.parse::<u64>().unwrap().div_ceil(1024);
        eprintln!("at most {peak} MiB");
        peak
    }
}

/// A claim's review.
pub fn claim() -> Value {
    let object = json!({"metadata": {"name": "data", "namespace": "prod"}, "spec": {}});
    review("PersistentVolumeClaim", "data", &object)
}

/// The review of a record's Secret, the record in base64 once more.
pub fn record(name: &str, data: &str) -> Value {
    let name = format!("sh.helm.release.v1.{name}.v1");
    let object = json!({
        "type": "helm.sh/release.v1",
        "metadata": {"name": name, "namespace": "prod", "labels": {"owner": "helm", "status": "pending-install"}},
        "data": {"release": data},
    });
    review("Secret", &name, &object)
}

fn review(kind: &str, name: &str, object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "the-uid", "kind": {"group": "", "version": "v1", "kind": kind},
            "namespace": "prod", "name": name, "operation": "CREATE",
            "userInfo": {"username": "mallory"}, "object": object, "dryRun": false,
        },
    })
}

/// The head of a request with more header lines.
pub fn request(lines: &str) -> String {
    format!("POST /validate?timeout=5s HTTP/1.1\r\nHost: guard\r\n{lines}\r\n\r\n")
}

/// Sends as much as the peer takes.
pub async fn send(connection: &mut TlsStream<TcpStream>, head: &str, body: &[u8]) {
    let sending = async {
        connection.write_all(head.as_bytes()).await?;
        connection.write_all(body).await?;
        connection.flush().await
    };
    // A refusal may come before all is sent.
    _ = hanging_is_failing(sending).await;
}

/// What still came before the server closed the connection, in whatever way.
pub async fn until_closed(connection: &mut TlsStream<TcpStream>) -> String {
    let mut rest = Vec::new();
    _ = hanging_is_failing(connection.read_to_end(&mut rest)).await;
    String::from_utf8(rest).unwrap()
}

async fn hanging_is_failing<F: Future>(future: F) -> F::Output {
    timeout(HANGS, future)
        .await
        .expect("what was waited for never came")
}

fn connector(authority: &str) -> TlsConnector {
    let config = trusting(authority).unwrap().with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
