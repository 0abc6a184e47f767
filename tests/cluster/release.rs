//! One release in a namespace of its own, installed and upgraded by the real Helm.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use camunda_upgrade_guard::{mutations::MUTATIONS, rules::RULES};
use harness::{Chart, Cluster, Corpus, Denial, Helm, Namespace, Output, Run, Secrets, wait_until};
use serde_json::{Value, json};

use crate::stage::BINARY;

/// How long what controllers do may take.
pub const BINDING: Duration = Duration::from_secs(60);

/// A chart made of a corpus record.
pub fn record(cluster: &Cluster, corpus: &Corpus, name: &str, secrets: Secrets) -> Chart {
    let dir = cluster.scratch("chart").unwrap();
    corpus
        .record(name)
        .unwrap()
        .chart(secrets)
        .write(&dir)
        .unwrap()
}

/// A claim without what is written when it is bound.
fn as_wanted(claim: &Value) -> String {
    let annotations = claim["metadata"]["annotations"].as_object();
    let annotations = annotations.into_iter().flatten().filter(|(key, _)| {
        !key.starts_with("pv.kubernetes.io/") && !key.starts_with("volume.kubernetes.io/")
    });
    json!([
        claim["metadata"]["uid"],
        claim["metadata"]["labels"],
        annotations.collect::<BTreeMap<_, _>>(),
        claim["spec"]["resources"],
    ])
    .to_string()
}

/// Asserts that no rule had anything to say.
#[track_caller]
pub fn assert_silent(output: &Output) {
    assert_told_of(output, &[]);
}

/// Asserts that these rules had something to say, and no others.
#[track_caller]
pub fn assert_told_of(output: &Output, told: &[&str]) {
    let text = output.text();
    let rules = RULES.iter().map(|rule| rule.id.name());
    for rule in rules.chain(MUTATIONS.iter().map(|mutation| mutation.id.name())) {
        let expected = told.contains(&rule);
        assert_eq!(text.contains(rule), expected, "{rule}: {}", output.report());
    }
}

/// Asserts that `check` has refused by the same rules and in the same words as the webhook did.
#[track_caller]
pub fn assert_same_verdict(checked: &Output, denial: &Denial) {
    assert_eq!(checked.code, Some(1), "{}", checked.report());
    let (_, refused) = denial.text.split_once("denied the request: ").unwrap();
    // `check` knows no revision that an override could be for.
    let refused = match refused.split_once("\n# Whoever may override ") {
        Some((refused, _)) => refused.trim_end_matches("\n\nON PURPOSE    each gives something up"),
        None => refused,
    };
    assert!(
        checked.stdout.starts_with(refused),
        "{}\n--- the webhook:\n{}",
        checked.report(),
        denial.text
    );
}

/// Whether nothing was refused by these rules together before, in this program.
fn is_new(denial: &Denial) -> bool {
    static COMPARED: Mutex<BTreeSet<Vec<String>>> = Mutex::new(BTreeSet::new());
    let mut compared = COMPARED.lock().unwrap_or_else(PoisonError::into_inner);
    compared.insert(denial.rules.clone())
}

/// A snapshot's folder, and all that is in it.
pub struct Snapshot {
    pub path: String,
    pub text: String,
}

/// A release and its namespace.
pub struct Release<'c> {
    pub cluster: &'c Cluster,
    pub namespace: Namespace,
    pub name: &'static str,
}

impl<'c> Release<'c> {
    /// A name in a new namespace.
    pub fn new(cluster: &'c Cluster, name: &'static str) -> Self {
        Self::in_namespace(cluster, cluster.namespace(name).unwrap(), name)
    }

    /// A name in a namespace that is there.
    pub fn in_namespace(cluster: &'c Cluster, namespace: Namespace, name: &'static str) -> Self {
        Self {
            cluster,
            namespace,
            name,
        }
    }

    pub fn install(&self, helm: Helm, chart: &Path, args: &[&str]) -> Output {
        self.cluster
            .helm(helm)
            .install(self.name, chart, &self.namespace, args)
    }

    pub fn upgrade(&self, helm: Helm, chart: &Path, args: &[&str]) -> Output {
        self.cluster
            .helm(helm)
            .upgrade(self.name, chart, &self.namespace, args)
    }

    /// Installs a corpus chart with its own values; returns what Helm said.
    pub fn install_record(&self, helm: Helm, chart: &Chart) -> Output {
        let args = chart.with_config();
        let installed = self.install(helm, &chart.path, &[&args[0], &args[1]]);
        installed.ok().unwrap()
    }

    pub fn upgrade_record(&self, helm: Helm, chart: &Chart) -> Output {
        let args = chart.with_config();
        self.upgrade(helm, &chart.path, &[&args[0], &args[1]])
    }

    /// The same, of which `check` has said before what the webhook says.
    #[track_caller]
    pub fn upgrade_record_as_checked(&self, helm: Helm, chart: &Chart) -> Output {
        let args = chart.with_config();
        let checked = self.checked(helm, &chart.path, &[&args[0], &args[1]]);
        let upgraded = self.upgrade_record(helm, chart);
        if !upgraded.success() {
            assert_same_verdict(&checked, &Denial::of(&upgraded));
            return upgraded;
        }
        assert_eq!(checked.code, Some(0), "{}", checked.report());
        for rule in RULES {
            let told = [&checked, &upgraded].map(|output| output.text().contains(rule.id.name()));
            assert_eq!(told[0], told[1], "{}: {}", rule.id.name(), checked.report());
        }
        upgraded
    }

    /// The command line of an upgrade to a corpus chart, to which a user adds flags.
    pub fn upgrade_command(&self, chart: &Chart) -> String {
        let args = chart.with_config();
        self.command(&chart.path, &[&args[0], &args[1]])
    }

    /// The command line of an upgrade, each argument in quotes.
    fn command(&self, chart: &Path, args: &[&str]) -> String {
        let mut line = format!(
            "helm upgrade {} '{}' -n {}",
            self.name,
            chart.display(),
            &*self.namespace
        );
        for arg in args {
            line += &format!(" '{arg}'");
        }
        line
    }

    /// What `check` says of an upgrade before there is one.
    pub fn checked(&self, helm: Helm, chart: &Path, args: &[&str]) -> Output {
        self.check(&["-"], &self.dry_run(helm, chart, args))
    }

    /// The release that an upgrade would record.
    pub fn dry_run(&self, helm: Helm, chart: &Path, args: &[&str]) -> String {
        let args = [args, &["--dry-run=server", "-o", "json"]].concat();
        self.upgrade(helm, chart, &args).ok().unwrap().stdout
    }

    /// What `snapshot` keeps of the namespace.
    pub fn snapshot(&self) -> Snapshot {
        let folder = self.cluster.scratch("snapshot").unwrap();
        let path = folder.display().to_string();
        let taken = Run::new(BINARY)
            .args(["snapshot", "-n", &self.namespace, "-o", &path])
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .output();
        taken.unwrap().ok().unwrap();
        let grep = Run::new("grep").args(["-rh", "", &path]);
        let text = grep.output().unwrap().ok().unwrap().stdout;
        Snapshot { path, text }
    }

    /// `camunda-upgrade-guard check ARGS…` as the administrator, with this on its standard input.
    pub fn check(&self, args: &[&str], input: &str) -> Output {
        let check = Run::new(BINARY).args(["check"]).args(args);
        let check = check.env("KUBECONFIG", self.cluster.kubeconfig());
        check.input(input).output().unwrap()
    }

    /// An upgrade that is refused, changes nothing and gives no secret away. Where nothing was refused by these rules before, `check`
    /// says the same, also against a snapshot.
    #[track_caller]
    pub fn refused(&self, helm: Helm, chart: &Path, args: &[&str]) -> Denial {
        let denial = self.refused_by_guard(helm, chart, args);
        if !is_new(&denial) {
            return denial;
        }
        let secrets = self.secrets();
        let dry_run = self.dry_run(helm, chart, args);
        let checked = self.check(&["-"], &dry_run);
        let snapshot = self.snapshot();
        let offline = self.check(&["-", "--snapshot", &snapshot.path], &dry_run);
        assert_same_verdict(&checked, &denial);
        assert_same_verdict(&offline, &denial);
        // JSON has that word of its own.
        let told = snapshot.text.replace("null", "") + &checked.text();
        denial.with_text(told).assert_tells_none_of(&secrets);
        denial
    }

    /// The same of a guard that does not judge as `check` does by itself: it has a configuration, an override, or reads less.
    #[track_caller]
    pub fn refused_by_guard(&self, helm: Helm, chart: &Path, args: &[&str]) -> Denial {
        self.bind_all();
        let (before, secrets) = (self.versions(), self.secrets());
        let denial = Denial::of(&self.upgrade(helm, chart, args));
        // The records of the history are among them.
        assert_eq!(self.versions(), before);
        denial.assert_tells_none_of(&secrets);
        denial
    }

    /// What a refusal says, pasted into a shell, then the upgrade with the flags that it names.
    #[track_caller]
    pub fn cured(&self, helm: Helm, denial: &Denial, chart: &Path, args: &[&str]) {
        let script = denial.cure(&self.command(chart, args));
        let cured = self.cluster.shell(helm).unwrap().run(&script).unwrap();
        assert!(cured.success(), "{}\n{}", denial.text, cured.report());
    }

    pub fn revisions(&self) -> Vec<(u64, String)> {
        let history = self
            .cluster
            .helm(Helm::V3)
            .history(self.name, &self.namespace)
            .unwrap();
        history
            .into_iter()
            .map(|revision| (revision.revision, revision.status))
            .collect()
    }

    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.cluster.get(kind, &self.namespace, name).unwrap()
    }

    /// What the guide says of claims whose volumes were handed over.
    pub fn delete_lost_claims(&self) {
        let claims = self.cluster.list("pvc", &self.namespace, "").unwrap();
        let lost = claims
            .iter()
            .filter(|claim| claim["status"]["phase"] == "Lost");
        for claim in lost {
            let name = claim["metadata"]["name"].as_str().unwrap();
            let args = ["-n", &self.namespace, "delete", "pvc", name];
            self.cluster.kubectl(args).ok().unwrap();
        }
    }

    /// Waits until a claim is Bound and returns its volume.
    pub fn bound(&self, claim: &str) -> String {
        self.cluster.wait_bound(&self.namespace, claim).unwrap()
    }

    /// Waits until every claim that a StatefulSet mounts is Bound.
    pub fn bind_all(&self) {
        self.cluster.wait_all_bound(&self.namespace).unwrap();
    }

    /// The volumes that claims of the namespace are bound to.
    pub fn volumes(&self) -> BTreeSet<String> {
        let claims = self.cluster.list("pvc", &self.namespace, "").unwrap();
        claims
            .iter()
            .filter(|claim| claim["status"]["phase"] == "Bound")
            .filter_map(|claim| claim["spec"]["volumeName"].as_str().map(str::to_owned))
            .collect()
    }

    pub fn wait_phase(&self, claim: &str, phase: &str) {
        wait_until(&format!("{claim} to be {phase}"), BINDING, || {
            let claim = self.cluster.get("pvc", &self.namespace, claim)?;
            let now = claim
                .as_ref()
                .and_then(|claim| claim.pointer("/status/phase"));
            Ok((now.and_then(Value::as_str) == Some(phase)).then_some(()))
        })
        .unwrap();
    }

    /// Which version there is of everything that an upgrade could touch; Helm prunes its records before it is refused.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let kinds = [
            "secrets",
            "configmaps",
            "services",
            "serviceaccounts",
            "deployments",
            "statefulsets",
            "persistentvolumeclaims",
            "jobs",
            "networkpolicies",
            "poddisruptionbudgets",
        ];
        let objects = self.cluster.list(&kinds.join(","), &self.namespace, "");
        objects
            .unwrap()
            .into_iter()
            .filter(|object| object["type"] != "helm.sh/release.v1")
            // A controller makes it some time after the namespace.
            .filter(|object| object["metadata"]["name"] != "default")
            .map(|object| {
                let text = |pointer: &str| {
                    object
                        .pointer(pointer)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned()
                };
                // Controllers count what they see in the status, and bind claims when they get to it.
                let version = match object.pointer("/metadata/generation") {
                    Some(generation) => generation.to_string(),
                    None if text("/kind") == "PersistentVolumeClaim" => as_wanted(&object),
                    None => text("/metadata/resourceVersion"),
                };
                (
                    format!("{}/{}", text("/kind"), text("/metadata/name")),
                    version,
                )
            })
            .collect()
    }

    /// The data of all Secrets of the release that are not records.
    pub fn secrets(&self) -> BTreeMap<String, Value> {
        let secrets = self.cluster.list("secrets", &self.namespace, "").unwrap();
        secrets
            .into_iter()
            .filter(|secret| secret["type"] != "helm.sh/release.v1")
            .map(|secret| {
                let name = secret["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                (name, secret["data"].clone())
            })
            .collect()
    }
}
