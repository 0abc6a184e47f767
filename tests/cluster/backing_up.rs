//! Camunda's own backup as a plan prints it: asked for through the API server, of applications that tell what they were asked.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use axum::{
    Router,
    http::{Method, Uri},
};
use camunda_upgrade_guard::{
    camunda::NewestPatches,
    change::{Facts, Rendered},
    finding::{Command, Moment},
    forecast::InstalledRelease,
    helm::release::Release,
    plan::{Means, Plan},
};
use harness::{Cluster, Corpus, Helm, Shell};
use serde_json::{Value, json};
use tokio::runtime::Builder;

const NAMESPACE: &str = "camunda";
const POD: &str = "applications";

/// The requests so far, as `POST /path body`.
type Asked = Arc<Mutex<Vec<String>>>;

/// Applications whose backups end in a state.
struct Applications {
    address: String,
    port: u16,
    asked: Asked,
}

impl Applications {
    /// Pods have addresses of the network, and the API server takes no others.
    fn serve(state: &'static str) -> Self {
        let route = UdpSocket::bind("0.0.0.0:0").unwrap();
        route.connect("192.0.2.1:9").unwrap();
        let address = route.local_addr().unwrap().ip().to_string();
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Asked::default();
        let seen = asked.clone();
        let answer = move |method: Method, uri: Uri, body: String| async move {
            let request = format!("{method} {uri} {body}");
            seen.lock().unwrap().push(request.trim_end().to_owned());
            match method {
                Method::GET => {
                    format!(r#"{{"state":"{state}","details":[{{"state":"{state}"}}]}}"#)
                }
                _ => "{}".to_owned(),
            }
        };
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = Router::new().fallback(answer);
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self {
            address,
            port,
            asked,
        }
    }

    /// The API server asks no address that is not a pod's.
    fn run(&self, cluster: &Cluster) {
        let metadata = json!({"name": POD, "namespace": NAMESPACE});
        let containers = json!([{"name": "a", "image": "a"}]);
        for object in [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
                "spec": {"serviceAccountName": POD, "containers": containers}}),
        ] {
            cluster.apply(&object).unwrap();
        }
        let ips = json!({"podIP": self.address, "podIPs": [{"ip": self.address}]});
        let status = json!({"status": ips}).to_string();
        let patch = [
            "-n",
            NAMESPACE,
            "patch",
            "pod",
            POD,
            "--subresource=status",
            "-p",
            &status,
        ];
        cluster.kubectl(patch).ok().unwrap();
    }

    /// What a chart's Service would lead to.
    fn behind(&self, cluster: &Cluster, service: &str, port: u16) {
        let port = json!({"name": "http", "port": port, "targetPort": self.port});
        for object in [
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": service, "namespace": NAMESPACE},
                "spec": {"clusterIP": "None", "ports": [port]}}),
            json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": service, "namespace": NAMESPACE},
                "subsets": [{"addresses": [{"ip": self.address, "targetRef": {"kind": "Pod", "name": POD, "namespace": NAMESPACE}}],
                    "ports": [{"name": "http", "port": self.port}]}]}),
        ] {
            cluster.apply(&object).unwrap();
        }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The command for a release whose brokers have a store.
fn printed(corpus: &Corpus) -> String {
    let mut raw = corpus.record("12.13.3").unwrap().raw;
    raw["info"]["status"] = "deployed".into();
    let manifest = raw["manifest"].as_str().unwrap();
    let store = "ZEEBE_BROKER_DATA_BACKUP_STORE";
    let (before, brokers) = manifest
        .split_once("# Source: camunda-platform/templates/zeebe/statefulset.yaml")
        .unwrap();
    let env = format!("env:\n            - {{name: {store}, value: S3}}\n");
    let brokers = brokers.replacen("env:\n", &env, 1);
    raw["manifest"] =
        format!("{before}# Source: camunda-platform/templates/zeebe/statefulset.yaml{brokers}")
            .into();
    let release: Release = serde_json::from_value(raw).unwrap();
    let rendered = Rendered::of(&release, None);
    let standing = InstalledRelease::of("camunda", NAMESPACE, rendered).unwrap();
    let (to, newest) = ("13.12.7".parse().unwrap(), NewestPatches::default());
    let plan = Plan::of(&standing, &Facts::default(), &to, Means::default(), &newest).unwrap();
    assert!(
        !plan.notes.iter().any(|note| note.contains(store)),
        "{plan}"
    );
    let steps = plan.hops[0].steps.iter();
    let mut commands = steps
        .filter(|step| step.moment == Moment::BackUp)
        .flat_map(|step| &step.commands);
    match commands.next() {
        Some(Command::Shell(line)) => line.clone(),
        other => panic!("{other:?}: {plan}"),
    }
}

/// A shell in which nothing is run in a container: that is told to whoever is asked, too.
fn shell(cluster: &Cluster, applications: &Applications) -> Shell {
    let shell = cluster.shell(Helm::V3).unwrap();
    let script = |real: &Path| {
        format!(
            "#!/bin/bash\ncase \" $* \" in *' exec '*) exec curl -sf -X PUT http://{}:{}/elasticsearch ;; esac\nexec '{}' \"$@\"\n",
            applications.address,
            applications.port,
            real.display()
        )
    };
    shell.replace("kubectl", script).unwrap();
    shell
}

/// The paths that were asked, each with its method, without the backup's number.
fn paths(asked: &[String]) -> Vec<String> {
    let path = |request: &String| {
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let path = path.trim_end_matches(|c: char| c.is_ascii_digit());
        format!("{method} {path}")
    };
    asked.iter().map(path).collect()
}

#[test]
fn what_a_plan_prints_backs_up_all_and_resumes_whatever_happens() {
    let Some(corpus) = Corpus::find() else { return };
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let command = printed(&corpus);
    let services = [
        ("operate", 9600),
        ("tasklist", 9600),
        ("optimize", 8092),
        ("zeebe-gateway", 9600),
    ];

    let applications = Applications::serve("COMPLETED");
    applications.run(&cluster);
    for (name, port) in services {
        applications.behind(&cluster, &format!("camunda-{name}"), port);
    }
    let shell = shell(&cluster, &applications);
    let unset = shell.run(&command).unwrap().refused().unwrap();
    assert!(
        unset.stderr.contains("SNAPSHOT_REPOSITORY"),
        "{}",
        unset.report()
    );
    assert_eq!(applications.asked(), Vec::<String>::new());

    let set = format!("SNAPSHOT_REPOSITORY=snapshots\n{command}");
    shell.run(&set).unwrap().ok().unwrap();
    let asked = applications.asked();
    let expected = [
        "POST /actuator/backups",
        "POST /actuator/backups",
        "POST /actuator/backups",
        "GET /actuator/backups/",
        "GET /actuator/backups/",
        "GET /actuator/backups/",
        "POST /actuator/exporting/pause?soft=true",
        "PUT /elasticsearch",
        "POST /actuator/backups",
        "GET /actuator/backups/",
        "POST /actuator/exporting/resume",
    ];
    assert_eq!(paths(&asked), expected, "{asked:#?}");
    let (_, body) = asked[0].split_once('{').unwrap();
    let body: Value = serde_json::from_str(&format!("{{{body}")).unwrap();
    let told = fs::read_to_string(shell.dir().join("camunda-backups-12.13.3.txt")).unwrap();
    assert_eq!(told, format!("Backup {} is complete.\n", body["backupId"]));

    // The brokers' backup is what fails, with exporting paused.
    let failing = Applications::serve("FAILED");
    failing.behind(&cluster, "camunda-zeebe-gateway", 9600);
    let failed = shell.run(&set).unwrap().refused().unwrap();
    assert!(failed.stderr.contains("FAILED"), "{}", failed.report());
    assert_eq!(
        paths(&failing.asked()).last().unwrap(),
        "POST /actuator/exporting/resume"
    );
}
