//! A client of the API server. A test reads hundreds of times; with kubectl, each read would cost a process, a
//! handshake and a discovery.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::pki::{Authority, Pair, trusting};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks for the whole discovery in one answer, where kubectl asks for each group.
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The API path of a kind's objects.
#[derive(Clone)]
struct Resource {
    group_version: String,
    plural: String,
    kind: String,
    namespaced: bool,
}

/// A client that keeps its connections.
pub(super) struct Api {
    /// Its own, so that whoever runs on another runtime can use it; None once it is dropped.
    runtime: Option<Runtime>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    server: String,
    resources: OnceLock<BTreeMap<String, Resource>>,
}

impl Drop for Api {
    /// Waits for nothing, as a runtime must not block another one's threads.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Api {
    /// Creates a client for the user in a certificate.
    pub fn new(server: &str, authority: &Authority, user: &Pair) -> Result<Self> {
        let certificate = CertificateDer::from_pem_slice(user.certificate.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(user.key.as_bytes())?;
        let config = trusting(&authority.pem())?.with_client_auth_cert(vec![certificate], key)?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .build();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            client: Client::builder(TokioExecutor::new()).build(connector),
            server: server.to_owned(),
            resources: OnceLock::new(),
        })
    }

    /// Returns the answer for a path, as text.
    pub fn text(&self, path: &str) -> Result<String> {
        self.read(path, "*/*")
    }

    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>> {
        let path = format!("{}/{name}", self.resource(kind)?.path(namespace));
        match self.send(self.request("GET", &path).body(Full::default())?)? {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (StatusCode::OK, text) => Ok(Some(serde_json::from_str(&text)?)),
            (status, text) => bail!("GET {path}: {status}: {text}"),
        }
    }

    /// Lists the objects of the comma-separated `kinds`.
    pub fn list(&self, kinds: &str, namespace: &str, selector: &str) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        for kind in kinds.split(',') {
            let resource = self.resource(kind)?;
            let mut path = resource.path(namespace);
            if !selector.is_empty() {
                let selector = selector.replace('=', "%3D").replace(',', "%2C");
                path += &format!("?labelSelector={selector}");
            }
            let mut list: Value = serde_json::from_str(&self.text(&path)?)?;
            let items = list["items"].as_array_mut().context("a list of objects")?;
            for mut item in items.drain(..) {
                item["apiVersion"] = resource.group_version.as_str().into();
                item["kind"] = resource.kind.as_str().into();
                found.push(item);
            }
        }
        Ok(found)
    }

    pub fn create(&self, kind: &str, namespace: &str, object: &Value) -> Result<()> {
        let path = self.resource(kind)?.path(namespace);
        let request = self.request("POST", &path);
        let request = request.header("content-type", "application/json");
        let body = serde_json::to_vec(object)?;
        let (status, text) = self.send(request.body(body.into())?)?;
        ensure!(status.is_success(), "POST {path}: {status}: {text}");
        Ok(())
    }

    /// Deletes the objects of a cluster-scoped kind.
    pub fn delete_all(&self, kind: &str) -> Result<()> {
        let path = self.resource(kind)?.path("");
        let (status, text) = self.send(self.request("DELETE", &path).body(Full::default())?)?;
        ensure!(status.is_success(), "DELETE {path}: {status}: {text}");
        Ok(())
    }

    fn read(&self, path: &str, accept: &str) -> Result<String> {
        let request = self.request("GET", path).header("accept", accept);
        let (status, text) = self.send(request.body(Full::default())?)?;
        ensure!(status.is_success(), "GET {path}: {status}: {text}");
        Ok(text)
    }

    fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        let uri = format!("{}{path}", self.server);
        Request::builder().method(method).uri(uri)
    }

    fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, String)> {
        let what = format!("{} {}", request.method(), request.uri());
        let client = self.client.clone();
        let exchange = async move {
            let answer = client.request(request).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, String::from_utf8(body.into())?))
        };
        let (sender, receiver) = std::sync::mpsc::channel();
        let runtime = self.runtime.as_ref().context("the client is dropped")?;
        runtime.spawn(async move {
            // Nobody waits any more once the receiver is gone.
            let _ = sender.send(tokio::time::timeout(TIMEOUT, exchange).await);
        });
        receiver
            .recv()?
            .unwrap_or_else(|_| Err(anyhow!("no answer in {TIMEOUT:?}")))
            .context(what)
    }

    /// Finds a kind by its name, its plural or a short name, as kubectl does.
    fn resource(&self, name: &str) -> Result<Resource> {
        let resources = match self.resources.get() {
            Some(resources) => resources,
            None => {
                let found = self.discover()?;
                self.resources.get_or_init(|| found)
            }
        };
        let found = resources.get(&name.to_lowercase());
        found.cloned().with_context(|| format!("no kind {name}"))
    }

    fn discover(&self) -> Result<BTreeMap<String, Resource>> {
        let mut found = BTreeMap::new();
        for path in ["/api", "/apis"] {
            let groups: Value = serde_json::from_str(&self.read(path, DISCOVERY)?)?;
            for group in groups["items"].as_array().context("no groups")? {
                let name = group["metadata"]["name"].as_str().unwrap_or_default();
                // The first version is the preferred one.
                let version = &group["versions"][0];
                let group_version = match (name, text(&version["version"])?) {
                    ("", version) => version,
                    (group, version) => format!("{group}/{version}"),
                };
                for resource in version["resources"].as_array().into_iter().flatten() {
                    names(resource, &group_version, &mut found)?;
                }
            }
        }
        if found.is_empty() {
            bail!("no kinds at all");
        }
        Ok(found)
    }
}

impl Resource {
    /// Returns the path for one namespace, or for all if it is empty.
    fn path(&self, namespace: &str) -> String {
        let root = match self.group_version.contains('/') {
            true => "/apis",
            false => "/api",
        };
        let (version, plural) = (&self.group_version, &self.plural);
        match self.namespaced && !namespace.is_empty() {
            true => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
            false => format!("{root}/{version}/{plural}"),
        }
    }
}

/// Adds a resource's names; if groups share a name, the first group keeps it, as in kubectl.
fn names(
    discovered: &Value,
    group_version: &str,
    found: &mut BTreeMap<String, Resource>,
) -> Result<()> {
    let resource = Resource {
        group_version: group_version.to_owned(),
        plural: text(&discovered["resource"])?,
        kind: text(&discovered["responseKind"]["kind"])?,
        namespaced: discovered["scope"] == "Namespaced",
    };
    let short = discovered["shortNames"].as_array().into_iter().flatten();
    let names = [&discovered["singularResource"], &discovered["resource"]];
    for name in short.chain(names).filter_map(Value::as_str) {
        let name = name.to_lowercase();
        let group = group_version.split('/').next().unwrap_or_default();
        for name in [format!("{name}.{group}"), name] {
            found.entry(name).or_insert_with(|| resource.clone());
        }
    }
    Ok(())
}

fn text(value: &Value) -> Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .context("discovery lacks a text")
}
