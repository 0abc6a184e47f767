//! The guard's program beside a cluster without nodes: as the Deployment's container would run, and reached as its pods.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use harness::{
    Cluster, free_addresses,
    guard::http,
    record,
    supervise::{Program, Supervised},
    wait_until,
};
use serde_json::{Value, json};

use crate::rendered::NAME;

pub const GUARD: &str = env!("CARGO_BIN_EXE_camunda-upgrade-guard");

pub const PATIENCE: Duration = Duration::from_secs(90);

pub struct Beside<'c> {
    cluster: &'c Cluster,
    process: Supervised,
    port: u16,
    pub admin: SocketAddr,
}

impl<'c> Beside<'c> {
    /// Starts it with what the Deployment that is installed has its container do, and with its rights.
    pub fn start(cluster: &'c Cluster) -> Self {
        let deployment = cluster.get("deployment", NAME, NAME).unwrap().unwrap();
        let config = cluster.get("configmap", NAME, NAME).unwrap().unwrap();
        let dir = cluster.scratch("beside").unwrap();
        let text = config["data"]["config.yaml"].as_str().unwrap();
        fs::write(dir.join("config.yaml"), text).unwrap();
        let tls = cluster.get("secret", NAME, "camunda-upgrade-guard-tls");
        for (file, data) in tls
            .unwrap()
            .iter()
            .flat_map(|tls| tls["data"].as_object().unwrap())
        {
            let pem = STANDARD.decode(data.as_str().unwrap()).unwrap();
            fs::write(dir.join(file), pem).unwrap();
        }
        let account = deployment.pointer("/spec/template/spec/serviceAccountName");
        let account = account.and_then(Value::as_str).unwrap();
        let kubeconfig = cluster
            .kubeconfig_of_service_account(NAME, account)
            .unwrap();

        let [listen, admin] = free_addresses().unwrap();
        let args = deployment.pointer("/spec/template/spec/containers/0/args");
        let args = args.and_then(Value::as_array).unwrap();
        let mounted = args.iter().map(|arg| arg.as_str().unwrap());
        let args = mounted.map(|arg| {
            let dir = dir.display();
            arg.replace("=/config/", &format!("={dir}/"))
                .replace("=/tls/", &format!("={dir}/"))
        });
        let program = args.fold(Program::new(Path::new(GUARD)), |program, arg| {
            program.arg(arg)
        });
        let program = program
            .arg(format!("--listen={listen}"))
            .arg(format!("--admin-listen={admin}"))
            .arg(format!("--kubeconfig={}", kubeconfig.display()));
        let name = format!("{}/guard", dir.file_name().unwrap().to_string_lossy());
        let process = cluster.supervise(&name, &program).unwrap();
        let guard = Self {
            cluster,
            process,
            port: listen.port(),
            admin,
        };
        let ready = wait_until("the guard to be ready", PATIENCE, || {
            let (status, page) = http::get(admin, "/readyz")?;
            anyhow::ensure!(status == 200, "{page}");
            Ok(Some(()))
        });
        ready.unwrap_or_else(|error| panic!("{error:#}\n{}", guard.log()));
        guard
    }

    pub fn log(&self) -> String {
        self.process.log()
    }

    pub fn kill(mut self) -> String {
        self.process.kill();
        self.process.log()
    }

    /// Lets the Service lead to it. No proxy and no DNS is here, so the Service names the machine, and the webhooks its port; name and
    /// certificate are those of the Service.
    pub fn behind_the_service(&self) {
        let spec = json!([{"op": "replace", "path": "/spec", "value":
            {"type": "ExternalName", "externalName": "localhost"}}]);
        self.patch(["service", NAME], &spec);
        self.lead_here(|client| client["service"]["port"] = self.port.into());
    }

    /// Has the API server call it by URL, for which it needs a certificate.
    pub fn behind_a_url(&self) {
        self.lead_here(|client| {
            let path = client["service"]["path"].as_str().unwrap();
            client["url"] = format!("https://localhost:{}{path}", self.port).into();
            client.as_object_mut().unwrap().remove("service");
        });
    }

    /// Changes every webhook's `clientConfig`, and waits until the API server goes by it.
    fn lead_here(&self, change: impl Fn(&mut Value)) {
        for (kind, _) in CONFIGURATIONS {
            let mut found = self.cluster.get(kind, "", NAME).unwrap().unwrap();
            for webhook in found["webhooks"].as_array_mut().unwrap() {
                change(&mut webhook["clientConfig"]);
            }
            let webhooks = &found["webhooks"];
            let changed = json!([{"op": "replace", "path": "/webhooks", "value": webhooks}]);
            self.patch([kind, NAME], &changed);
        }
        let namespace = self.cluster.namespace("probe").unwrap();
        let before = answered(self.cluster);
        let called = wait_until("the API server calls the guard", PATIENCE, || {
            probe(self.cluster, &namespace);
            let now = answered(self.cluster);
            let all = now.iter().zip(&before).all(|(now, before)| now > before);
            Ok(all.then_some(()))
        });
        called.unwrap_or_else(|error| panic!("{error:#}\n{}", self.log()));
    }

    fn patch(&self, what: [&str; 2], patch: &Value) {
        let patch = patch.to_string();
        let [kind, name] = what;
        let args = ["-n", NAME, "patch", kind, name, "--type=json", "-p", &patch];
        self.cluster.kubectl(args).ok().unwrap();
    }
}

/// Each kind of configuration, and a webhook in it that sees a claim or a record.
pub const CONFIGURATIONS: [(&str, &str); 2] = [
    (
        "validatingwebhookconfiguration",
        "releases.observed.camunda-upgrade-guard",
    ),
    (
        "mutatingwebhookconfiguration",
        "claims.observed.camunda-upgrade-guard",
    ),
];

fn answered(cluster: &Cluster) -> [u64; 2] {
    let calls = cluster.webhook_calls().unwrap();
    CONFIGURATIONS.map(|(_, webhook)| {
        let answered = calls
            .iter()
            .filter(|call| call.webhook == webhook && call.code == "200");
        answered.map(|call| call.count).sum()
    })
}

/// Creates, as a dry run, something for each configuration.
fn probe(cluster: &Cluster, namespace: &str) {
    let record = record::secret(&record::unrelated("probe", namespace), "pending-install").unwrap();
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-probe", "labels": {"app.kubernetes.io/part-of": "camunda-platform"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    let create = ["create", "--dry-run=server", "-n", namespace, "-f", "-"];
    let documents = format!("{record}\n---\n{claim}");
    cluster.admin().run_with_input(create, &documents);
}
