//! Two guards behind a Service, whose certificates are their own: reached through the API server's own resolution of Services.

use harness::{
    Cluster, Endpoints, Guard, GuardOptions, Lease, Namespace, machine_address, wait_until,
};
use serde_json::Value;
use std::time::Duration;

use crate::stage::BINARY;

pub const NAME: &str = "camunda-upgrade-guard";
pub const ENFORCE: [(&str, &str); 1] = [("camunda-upgrade-guard/enforce", "true")];
pub const SECRET: &str = "camunda-upgrade-guard/camunda-upgrade-guard-ca";
pub const DNS_NAME: &str = "camunda-upgrade-guard.camunda-upgrade-guard.svc";
const BROKEN: &str = "
apiVersion: v1
kind: Secret
type: helm.sh/release.v1
metadata: {name: sh.helm.release.v1.camunda.v1, labels: {owner: helm, name: camunda}}
stringData: {release: nonsense}
";
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster of the test's own without the guard's namespace.
pub fn bare() -> Option<Lease> {
    let cluster = Cluster::lease_or_skip()?;
    let args = ["delete", "namespace", NAME, "--ignore-not-found"];
    cluster.kubectl(args).ok().unwrap();
    Some(cluster)
}

/// The same with the guard's own things in it; no guard runs yet.
pub fn cluster() -> Option<Lease> {
    let cluster = bare()?;
    let base = harness::binaries::workspace().join("deploy");
    let args = ["apply".as_ref(), "-k".as_ref(), base.as_os_str()];
    cluster.kubectl(args).ok().unwrap();
    Some(cluster)
}

/// Options of a replica that signs its own certificates, which live as long as is said.
pub fn options(cluster: &Cluster, life: &str, ca_life: &str) -> GuardOptions {
    let mut options = GuardOptions::new(BINARY);
    options.kubeconfig = Some(cluster.kubeconfig_of_service_account(NAME, NAME).unwrap());
    options.address = machine_address().unwrap();
    options.self_managed = true;
    options.register = false;
    options.args = vec![
        format!("--tls-secret={SECRET}"),
        format!("--tls-name={DNS_NAME}"),
        format!("--tls-life={life}"),
        format!("--tls-ca-life={ca_life}"),
    ];
    options
}

/// Some replicas, their endpoints, and a namespace that enforces.
pub struct Replicas<'c> {
    pub cluster: &'c Cluster,
    pub guards: Vec<Guard<'c>>,
    pub endpoints: Endpoints,
    pub namespace: Namespace,
}

impl<'c> Replicas<'c> {
    /// Starts them, and waits until the API server calls one.
    pub fn start(cluster: &'c Cluster, options: &GuardOptions, count: usize) -> Self {
        let mut replicas = Self {
            cluster,
            guards: Vec::new(),
            endpoints: Endpoints::of(cluster.admin(), NAME, NAME),
            namespace: cluster.namespace_with_labels("load", &ENFORCE).unwrap(),
        };
        for _ in 0..count {
            replicas.add(options);
        }
        until_called(cluster, &replicas.namespace);
        replicas
    }

    pub fn add(&mut self, options: &GuardOptions) {
        let guard = self.cluster.guard(options.clone()).unwrap();
        self.endpoints.add(guard.listen(), guard.admin());
        self.guards.push(guard);
    }

    /// The sum of a metric over all replicas.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let of = |guard: &Guard<'_>| guard.metric(name, labels).unwrap();
        self.guards.iter().map(of).sum()
    }

    pub fn secret(&self) -> Value {
        let name = "camunda-upgrade-guard-ca";
        self.cluster.get("secret", NAME, name).unwrap().unwrap()
    }
}

/// Until a broken record is refused by a guard's words.
pub fn until_called(cluster: &Cluster, namespace: &str) {
    let args = ["create", "--dry-run=server", "-n", namespace, "-f", "-"];
    wait_until("the webhooks are called", PATIENCE, || {
        let text = cluster.admin().run_with_input(args, BROKEN).text();
        match text.contains("can't be decoded") {
            true => Ok(Some(())),
            false => anyhow::bail!("{text}"),
        }
    })
    .unwrap();
}

/// What the webhooks trust, each different bundle once.
pub fn bundles(cluster: &Cluster) -> Vec<String> {
    let mut bundles = Vec::new();
    for kind in [
        "validatingwebhookconfiguration",
        "mutatingwebhookconfiguration",
    ] {
        let found = cluster.get(kind, "", NAME).unwrap().unwrap();
        for webhook in found["webhooks"].as_array().unwrap() {
            let bundle = webhook["clientConfig"]["caBundle"].as_str();
            bundles.push(bundle.unwrap_or_default().to_owned());
        }
    }
    bundles.sort();
    bundles.dedup();
    bundles
}
