//! A record tells its writer nothing of what they may not see: neither by what is refused nor by what is admitted.

use std::path::PathBuf;

use harness::{Cluster, Helm, Namespace, Output};
use serde_json::{Value, json};

use crate::{charts::own, release::Release, stage::guarded};

const GUESS: &str = "Z3Vlc3M=";

/// Where a fake record says that it is, and where it says that its objects are.
#[derive(Clone, Copy, Debug)]
enum Placed {
    Release,
    Objects,
    OnlyTheName,
}

/// Two records, the one that runs and the one that is announced, as somebody without rights makes them up.
struct Fake {
    what: &'static str,
    running: Value,
    planned: Value,
}

impl Fake {
    fn of(what: &'static str, record: &Value, change: impl Fn(&mut Value, &mut Value)) -> Self {
        let (mut running, mut planned) = (record.clone(), record.clone());
        change(&mut running, &mut planned);
        Self {
            what,
            running,
            planned,
        }
    }
}

/// What the guard compares with live Secrets, claims, volumes, pods and workloads, and an override where one counts.
fn fakes(record: &Value, password: &str) -> Vec<Fake> {
    vec![
        Fake::of("the right password", record, |_, _| {}),
        Fake::of("another password", record, |_, planned| {
            edit(planned, |manifest| manifest.replace(password, GUESS));
        }),
        Fake::of("no StatefulSets and no Secrets", record, |_, planned| {
            edit(planned, |manifest| {
                let kept = manifest.split("---\n").filter(|document| {
                    !document.contains("kind: StatefulSet") && !document.contains("kind: Secret")
                });
                kept.collect::<Vec<_>>().join("---\n")
            });
        }),
        Fake::of("an older line", record, |_, planned| {
            version(planned, "11.2.1");
            edit(planned, |manifest| manifest.replace(":8.7.", ":8.6."));
        }),
        Fake::of("the Secret of Connectors", record, |running, planned| {
            version(running, "8.1.6");
            version(planned, "8.2.34");
        }),
        Fake::of("other immutable fields", record, |_, planned| {
            edit(planned, |manifest| {
                manifest.replace(
                    "podManagementPolicy: Parallel",
                    "podManagementPolicy: OrderedReady",
                )
            });
        }),
    ]
}

fn edit(record: &mut Value, change: impl Fn(&str) -> String) {
    let manifest = change(record["manifest"].as_str().unwrap());
    record["manifest"] = manifest.into();
}

fn version(record: &mut Value, version: &str) {
    record["chart"]["metadata"]["version"] = version.into();
}

/// A record in namespace `home` that is about `victim`.
fn placed(record: &Value, placed: Placed, home: &str, victim: &str, revision: u64) -> Value {
    let (release, objects) = match placed {
        Placed::Release => (victim, None),
        Placed::Objects => (home, Some(victim)),
        Placed::OnlyTheName => (victim, Some(home)),
    };
    let mut record = record.clone();
    record["namespace"] = release.into();
    record["version"] = revision.into();
    if let Some(objects) = objects {
        let metadata = format!("\nmetadata:\n  namespace: {objects}\n");
        edit(&mut record, |manifest| {
            manifest.replace("\nmetadata:\n", &metadata)
        });
    }
    let status = match revision {
        1 => "deployed",
        _ => "pending-upgrade",
    };
    let mut secret = harness::record::secret(&record, status).unwrap();
    secret["metadata"]["namespace"] = home.into();
    secret
}

/// All that is answered, without the time.
fn told(output: &Output) -> String {
    let text = output.text();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("#     expires:"));
    let told: Vec<_> = lines.collect();
    format!("{}\n{}", output.success(), told.join("\n"))
}

struct Writer<'c> {
    cluster: &'c Cluster,
    kubeconfig: PathBuf,
}

impl Writer<'_> {
    fn create(&self, secret: &Value, args: &[&str]) -> Output {
        let kubectl = self.cluster.kubectl_as(&self.kubeconfig);
        let create = [&["create", "-f", "-"], args].concat();
        kubectl.run_with_input(create, &secret.to_string())
    }
}

/// Somebody who may do all in a namespace of their own, and nothing elsewhere.
fn bind(cluster: &Cluster, user: &str, role: &str, namespace: &str) {
    let args = ["create", "rolebinding", user, "--namespace", namespace];
    let flags = [format!("--clusterrole={role}"), format!("--user={user}")];
    let args = args.iter().copied().chain(flags.iter().map(String::as_str));
    cluster.kubectl(args).ok().unwrap();
}

#[test]
fn a_record_tells_nothing_of_what_another_namespace_holds() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let victim = Release::new(cluster, "camunda");
    let chart = own("camunda-12");
    victim.install(Helm::V3, &chart, &[]).ok().unwrap();
    victim.bind_all();
    let there = &*victim.namespace;
    make_a_pod_ready(&victim);
    let override_of_5 = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": there, "name": "camunda-upgrade-guard-override-camunda",
            "labels": {"camunda-upgrade-guard/override": "camunda"}},
        "data": {"revision": "5", "rules": "claims-orphaned", "reason": "a rehearsal",
            "expires": (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(30)).to_string()},
    });
    cluster.apply(&override_of_5).unwrap();
    let record = cluster.release_record(there, "camunda", 1).unwrap();
    let secrets = victim.secrets();
    let password = secrets["camunda-postgresql"]["password"].as_str().unwrap();
    assert!(record["manifest"].as_str().unwrap().contains(password));

    // Who may do all sees what is to be seen: these records are not silent by themselves.
    let mallory = Writer {
        cluster,
        kubeconfig: cluster.kubeconfig_of_user("mallory", &[]).unwrap(),
    };
    let admin = Writer {
        cluster,
        kubeconfig: cluster.kubeconfig().to_owned(),
    };
    let mut cases = Vec::new();
    for place in [Placed::Release, Placed::Objects, Placed::OnlyTheName] {
        for fake in fakes(&record, password) {
            let home: Namespace = cluster.namespace("mine").unwrap();
            bind(cluster, "mallory", "admin", &home);
            let running = placed(&fake.running, place, &home, there, 1);
            mallory.create(&running, &[]).ok().unwrap();
            let planned = placed(&fake.planned, place, &home, there, 2);
            cases.push((place, fake.what, planned));
        }
    }
    let answers = |writer: &Writer| -> Vec<String> {
        let asked = cases
            .iter()
            .map(|(_, _, planned)| told(&writer.create(planned, &["--dry-run=server"])));
        asked.collect()
    };
    let (full, seen) = (answers(&mallory), answers(&admin));
    for ((place, what, _), answer) in cases.iter().zip(&full) {
        assert!(
            answer.contains("mallory may not write there"),
            "{place:?} {what}: {answer}"
        );
    }
    cluster
        .kubectl(["delete", "namespace", there, "--timeout=120s"])
        .ok()
        .unwrap();
    let (empty, unseen) = (answers(&mallory), answers(&admin));
    let mut differ = 0;
    for (at, (place, what, _)) in cases.iter().enumerate() {
        assert_eq!(full[at], empty[at], "{place:?} {what}");
        differ += usize::from(seen[at] != unseen[at]);
    }
    assert!(
        differ > cases.len() / 2,
        "{differ} of {}: {seen:#?}",
        cases.len()
    );
    // A right guess and a wrong one, at each place.
    for pair in full.chunks(cases.len() / 3) {
        let name = |text: &str| text.replace("mine-", "");
        let digits = |text: &str| name(text).replace(|c: char| c.is_ascii_digit(), "");
        assert_eq!(digits(&pair[0]), digits(&pair[1]));
    }
}

/// No kubelet runs here: what it would say of the first broker.
fn make_a_pod_ready(release: &Release) {
    let pod = harness::wait_until("a pod", std::time::Duration::from_secs(60), || {
        Ok(release.get("pod", "camunda-zeebe-0"))
    });
    assert!(pod.is_ok());
    let status =
        r#"{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}"#;
    let patch = [
        "-n",
        &release.namespace,
        "patch",
        "pod",
        "camunda-zeebe-0",
        "--subresource=status",
        "-p",
        status,
    ];
    release.cluster.kubectl(patch).ok().unwrap();
}

/// Helm's own users may read what they write; with that right in both namespaces all is told as ever.
#[test]
fn who_may_read_and_write_there_is_told() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let victim = Release::new(cluster, "camunda");
    let chart = own("camunda-12");
    victim.install(Helm::V3, &chart, &[]).ok().unwrap();
    victim.bind_all();
    let there = &*victim.namespace;
    let record = cluster.release_record(there, "camunda", 1).unwrap();
    let secrets = victim.secrets();
    let password = secrets["camunda-postgresql"]["password"].as_str().unwrap();
    let home = cluster.namespace("flux").unwrap();
    let wrong = Fake::of("another password", &record, |_, planned| {
        edit(planned, |manifest| manifest.replace(password, GUESS));
    });
    let running = placed(&wrong.running, Placed::Release, &home, there, 1);
    cluster.apply(&running).unwrap();
    let planned = placed(&wrong.planned, Placed::Release, &home, there, 2);

    // May write, but not read.
    let rules = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "blind-writer"},
        "rules": [{"apiGroups": ["", "apps"], "resources": ["secrets", "statefulsets"],
            "verbs": ["create", "update", "patch", "delete"]}],
    });
    cluster.apply(&rules).unwrap();
    for (user, role, sees) in [
        ("blind", "blind-writer", false),
        ("deployer", "admin", true),
    ] {
        let writer = Writer {
            cluster,
            kubeconfig: cluster.kubeconfig_of_user(user, &[]).unwrap(),
        };
        for namespace in [there, &*home] {
            bind(cluster, user, role, namespace);
        }
        let answer = told(&writer.create(&planned, &["--dry-run=server"]));
        let regenerated = "identity-secret-regenerated";
        assert_eq!(answer.contains(regenerated), sees, "{user}: {answer}");
        assert_ne!(
            answer.contains("may not write there"),
            sees,
            "{user}: {answer}"
        );
    }
}

/// Whoever may make claims may write any volume's name into one.
#[test]
fn a_claim_tells_nothing_of_a_volume_that_is_another_namespaces() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let victim = Release::new(cluster, "camunda");
    let chart = own("camunda-8.2");
    victim.install(Helm::V3, &chart, &[]).ok().unwrap();
    let volume = victim.bound("elasticsearch-master-elasticsearch-master-0");
    let record = cluster
        .release_record(&victim.namespace, "camunda", 1)
        .unwrap();
    let older = Fake::of("an older Elasticsearch", &record, |_, planned| {
        edit(planned, |manifest| {
            manifest.replace("elasticsearch:7.17.", "elasticsearch:7.16.")
        });
    });
    let gone = Fake::of("no Elasticsearch", &record, |_, planned| {
        edit(planned, |manifest| {
            let kept = manifest
                .split("---\n")
                .filter(|document| !document.contains("kind: StatefulSet"));
            kept.collect::<Vec<_>>().join("---\n")
        });
    });
    for fake in [older, gone] {
        let answer = |volume: &str| {
            let home = cluster.namespace("mine").unwrap();
            bind(cluster, "mallory", "admin", &home);
            let mallory = Writer {
                cluster,
                kubeconfig: cluster.kubeconfig_of_user("mallory", &[]).unwrap(),
            };
            let claim = json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"namespace": &*home, "name": "elasticsearch-master-elasticsearch-master-0",
                    "labels": {"chart": "elasticsearch", "release": "camunda"}},
                "spec": {"volumeName": volume, "storageClassName": "standard", "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}}},
            });
            mallory.create(&claim, &[]).ok().unwrap();
            let place = |record: &Value, revision| {
                let mut secret = placed(record, Placed::Objects, &home, &home, revision);
                secret["metadata"]["namespace"] = (*home).into();
                secret
            };
            mallory.create(&place(&fake.running, 1), &[]).ok().unwrap();
            let planned = place(&fake.planned, 2);
            told(&mallory.create(&planned, &["--dry-run=server"])).replace(&*home, "mine")
        };
        assert_eq!(answer(&volume), answer("pvc-not-there"), "{}", fake.what);
    }
}
