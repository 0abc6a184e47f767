//! Reviews at a steady rate, through the API server: each has to be judged, and judged rightly.

use std::{
    mem,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use harness::{Cluster, record};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{KubeConfigOptions, Kubeconfig},
};
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
    /// Releases of another chart.
    pub admitted: u64,
    /// Records of a release called camunda that nobody can decode.
    pub refused: u64,
    /// Everything else: a webhook that was not reached, a wrong verdict.
    pub wrong: Vec<String>,
}

impl Load {
    /// Has records written, as a dry run, in a namespace, which has to be one that enforces.
    pub fn start(cluster: &Cluster, namespace: &str, per_second: u32) -> Self {
        let runtime = Runtime::new().unwrap();
        let tally = Arc::<Mutex<Tally>>::default();
        let client = runtime.block_on(client(cluster));
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let admitted = record::secret(&record::unrelated("shop", namespace), "pending-install");
        let admitted = typed(admitted.unwrap());
        let mut refused = json!(admitted);
        refused["metadata"]["name"] = "sh.helm.release.v1.camunda.v1".into();
        refused["metadata"]["labels"]["name"] = "camunda".into();
        refused["stringData"] = json!({"release": "nobody can decode this"});
        let refused = typed(refused);
        for _ in 0..WRITERS {
            let records = [admitted.clone(), refused.clone()];
            let (secrets, tally) = (secrets.clone(), Arc::clone(&tally));
            runtime.spawn(async move {
                let mut turn = interval(Duration::from_secs(1) * WRITERS / per_second);
                loop {
                    for record in &records {
                        turn.tick().await;
                        write(&secrets, record, &tally).await;
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

/// The administrator's client.
pub async fn client(cluster: &Cluster) -> Client {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.unwrap()).unwrap()
}

fn typed(secret: Value) -> Secret {
    serde_json::from_value(secret).unwrap()
}

async fn write(secrets: &Api<Secret>, record: &Secret, tally: &Mutex<Tally>) {
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let answer = secrets.create(&dry_run, record).await;
    let camunda = record.metadata.name.as_deref() == Some("sh.helm.release.v1.camunda.v1");
    let mut tally = tally.lock().unwrap();
    match answer {
        Ok(_) if !camunda => tally.admitted += 1,
        Err(kube::Error::Api(status))
            if camunda && status.code == 403 && status.message.contains("can't be decoded") =>
        {
            tally.refused += 1;
        }
        Ok(_) => tally.wrong.push("a broken record was admitted".to_owned()),
        Err(error) => tally.wrong.push(error.to_string()),
    }
}
