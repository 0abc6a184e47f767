//! Reviews at a steady rate, through the API server: each has to be judged, and judged rightly.

use std::{
    mem,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use harness::{Cluster, record};
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Secret},
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, time::interval};

/// As many wait for an answer at a time as a busy cluster has writers.
const WRITERS: u32 = 32;

/// Runs until it is ended.
pub struct Load {
    runtime: Runtime,
    tally: Arc<Mutex<Tally>>,
    started: Instant,
}

/// What the API server answered.
#[derive(Debug, Default)]
pub struct Tally {
    pub admitted: u64,
    pub refused: u64,
    /// Everything else: a webhook that was not reached, a wrong verdict.
    pub wrong: Vec<String>,
}

impl Load {
    /// Has objects written, as a dry run, in a namespace, which has to be one that enforces.
    pub fn start(cluster: &Cluster, namespace: &str, per_second: u32) -> Self {
        let runtime = Runtime::new().unwrap();
        let tally = Arc::<Mutex<Tally>>::default();
        let client = runtime.block_on(client(cluster));
        let work = Arc::new(Work::new(client, namespace));
        for _ in 0..WRITERS {
            let (work, tally) = (Arc::clone(&work), Arc::clone(&tally));
            runtime.spawn(async move {
                let mut turn = interval(Duration::from_secs(1) * WRITERS / per_second);
                loop {
                    for piece in PIECES {
                        turn.tick().await;
                        let outcome = work.done(piece).await;
                        tally.lock().unwrap().count(outcome);
                    }
                }
            });
        }
        Self {
            runtime,
            tally,
            started: Instant::now(),
        }
    }

    /// How many were refused until now.
    pub fn refused(&self) -> u64 {
        self.tally.lock().unwrap().refused
    }

    /// What was answered in all. The rate is told, not judged: it depends on the machine.
    pub fn end(self) -> Tally {
        // What is still under way when all is torn down is nobody's fault.
        let tally = mem::take(&mut *self.tally.lock().unwrap());
        self.runtime.shutdown_background();
        let (seconds, answered) = (
            self.started.elapsed().as_secs_f64(),
            tally.admitted + tally.refused,
        );
        eprintln!("{answered} reviews in {seconds:.0} s");
        tally
    }
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Admitted => self.admitted += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Wrong(what) => self.wrong.push(what),
        }
    }
}

/// The administrator's client.
pub async fn client(cluster: &Cluster) -> Client {
    client_of(cluster.kubeconfig()).await
}

/// The client of a kubeconfig.
pub async fn client_of(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.unwrap()).unwrap()
}

/// What is written, by turns.
#[derive(Clone, Copy)]
enum Piece {
    /// A release of another chart, which is admitted.
    Record,
    /// A record of a release called camunda that nobody can decode, which is refused.
    BrokenRecord,
    /// Brokers that get an fsGroup.
    Brokers,
    /// A claim that nobody has anything to say about.
    Claim,
}

const PIECES: [Piece; 4] = [
    Piece::Record,
    Piece::BrokenRecord,
    Piece::Brokers,
    Piece::Claim,
];

enum Outcome {
    Admitted,
    Refused,
    Wrong(String),
}

struct Work {
    secrets: Api<Secret>,
    statefulsets: Api<StatefulSet>,
    claims: Api<PersistentVolumeClaim>,
    record: Secret,
    broken: Secret,
    brokers: StatefulSet,
    claim: PersistentVolumeClaim,
}

impl Work {
    fn new(client: Client, namespace: &str) -> Self {
        let record = record::secret(&record::unrelated("shop", namespace), "pending-install");
        let record: Secret = typed(record.unwrap());
        let mut broken = json!(record);
        broken["metadata"]["name"] = "sh.helm.release.v1.camunda.v1".into();
        broken["metadata"]["labels"]["name"] = "camunda".into();
        broken["stringData"] = json!({"release": "nobody can decode this"});
        let labels = json!({
            "app.kubernetes.io/name": "camunda-platform",
            "app.kubernetes.io/instance": "load",
            "app.kubernetes.io/component": "zeebe-broker",
            "app.kubernetes.io/part-of": "camunda-platform",
        });
        let brokers = json!({
            "metadata": {"name": "load-zeebe", "labels": labels},
            "spec": {
                "serviceName": "load-zeebe",
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
                    "name": "zeebe",
                    "image": "camunda/zeebe:8.3.1",
                    "securityContext": {"runAsUser": 1000},
                    "volumeMounts": [{"name": "data", "mountPath": "/usr/local/zeebe/data"}],
                }]}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim()}],
            },
        });
        let claim = json!({"metadata": {"name": "load"}, "spec": claim()});
        Self {
            secrets: Api::namespaced(client.clone(), namespace),
            statefulsets: Api::namespaced(client.clone(), namespace),
            claims: Api::namespaced(client, namespace),
            record,
            broken: typed(broken),
            brokers: typed(brokers),
            claim: typed(claim),
        }
    }

    async fn done(&self, piece: Piece) -> Outcome {
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        match piece {
            Piece::Record => admitted(self.secrets.create(&dry_run, &self.record).await),
            Piece::Claim => admitted(self.claims.create(&dry_run, &self.claim).await),
            Piece::BrokenRecord => match self.secrets.create(&dry_run, &self.broken).await {
                Err(kube::Error::Api(status))
                    if status.code == 403 && status.message.contains("can't be decoded") =>
                {
                    Outcome::Refused
                }
                Ok(_) => Outcome::Wrong("a broken record was admitted".to_owned()),
                Err(error) => Outcome::Wrong(error.to_string()),
            },
            Piece::Brokers => match self.statefulsets.create(&dry_run, &self.brokers).await {
                Ok(set) if fs_group(&set) == Some(1000) => Outcome::Admitted,
                Ok(_) => Outcome::Wrong("brokers got no fsGroup".to_owned()),
                Err(error) => Outcome::Wrong(error.to_string()),
            },
        }
    }
}

fn admitted<T>(answer: kube::Result<T>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Admitted,
        Err(error) => Outcome::Wrong(error.to_string()),
    }
}

fn claim() -> Value {
    json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}})
}

fn fs_group(set: &StatefulSet) -> Option<i64> {
    let pod = set.spec.template.spec.as_ref()?;
    pod.security_context.as_ref()?.fs_group
}

fn typed<T: DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).unwrap()
}
