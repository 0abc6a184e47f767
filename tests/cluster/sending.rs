//! `check --server-dry-run` says what Helm then meets: it stands for every upgrade that is refused wrongly, or not before, because an
//! object is sent otherwise than Helm sends it. The chains through every line (`corpus_chain`) ask at each of their hops.

use harness::{Chart, Cluster, Corpus, Helm, Output, Secrets};

use crate::{command::says, release::Release, stage::guarded_with_corpus};

const CHART: &str = "12.13.3-defaults";

/// An object's kind and name, and what becomes of a text in it.
type Edit = (&'static str, &'static str, &'static str, &'static str);

/// The port of a Service is the key of its list: the smallest upgrade that a list merged by hand gets wrong.
const PORT: Edit = ("Service", "camunda-operate", "port: 80\n", "port: 8888\n");

/// A variable that was read from elsewhere.
const VARIABLE: Edit = (
    "Deployment",
    "camunda-operate",
    "CLUSTER_MEMBERID\n              valueFrom:\n                fieldRef:\n                  apiVersion: v1\n                  fieldPath: metadata.name\n",
    "CLUSTER_MEMBERID\n              value: operate\n",
);

fn chart(cluster: &Cluster, corpus: &Corpus, edits: &[Edit]) -> Chart {
    let record = corpus.record(CHART).unwrap();
    let mut builder = record.chart(Secrets::ReuseLookup);
    for (kind, name, from, to) in edits {
        assert!(record.manifest.contains(from), "{from}");
        builder = builder.replace(kind, name, from, to);
    }
    builder.write(&cluster.scratch("chart").unwrap()).unwrap()
}

/// A release whose Helm is called `helm`, as that name is the owner of what is applied.
struct Sent<'c> {
    release: Release<'c>,
    corpus: &'c Corpus,
}

impl<'c> Sent<'c> {
    fn install(cluster: &'c Cluster, corpus: &'c Corpus, helm: Helm) -> Self {
        let release = Release::new(cluster, "camunda");
        let sent = Self { release, corpus };
        sent.helm(helm, "install", &[], "").ok().unwrap();
        sent.release.bind_all();
        sent
    }

    fn helm(&self, helm: Helm, verb: &str, edits: &[Edit], flags: &str) -> Output {
        let chart = chart(self.release.cluster, self.corpus, edits);
        let [flag, values] = chart.with_config();
        let command = format!(
            "helm {verb} camunda {} -n {} {flag} {values} {flags}",
            chart.path.display(),
            &*self.release.namespace
        );
        let shell = self.release.cluster.shell(helm).unwrap();
        shell.run(&command).unwrap()
    }

    fn check(&self, helm: Helm, edits: &[Edit], flags: &str) -> Output {
        let flags = format!("{flags} --dry-run=server -o json");
        let planned = self.helm(helm, "upgrade", edits, &flags).ok().unwrap();
        let args = ["-", "--server-dry-run"];
        self.release.check(&args, &planned.stdout)
    }

    #[track_caller]
    fn goes_through(&self, helm: Helm, edits: &[Edit], flags: &str) {
        let before = self.release.versions();
        says(&self.check(helm, edits, flags), 0, "");
        assert_eq!(self.release.versions(), before);
        self.helm(helm, "upgrade", edits, flags).ok().unwrap();
    }
}

#[test]
fn what_helm_3_patches_is_not_refused_and_what_it_can_not_is() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let sent = Sent::install(cluster, &corpus, Helm::V3);
    sent.goes_through(Helm::V3, &[PORT, VARIABLE], "");
    // Back, over what somebody has added to the list.
    let port =
        r#"[{"op": "add", "path": "/spec/ports/-", "value": {"name": "mine", "port": 7777}}]"#;
    let patch = [
        "-n",
        &sent.release.namespace,
        "patch",
        "service",
        "camunda-operate",
        "--type=json",
        "-p",
        port,
    ];
    cluster.kubectl(patch).ok().unwrap();
    sent.goes_through(Helm::V3, &[], "");

    let hook: Edit = (
        "Service",
        "camunda-operate",
        "  annotations:\n",
        "  annotations:\n    helm.sh/hook: pre-upgrade\n",
    );
    // A hook that is there is deleted and made anew.
    says(&sent.check(Helm::V3, &[hook], ""), 0, "");
    let wrong_hook: Edit = (hook.0, hook.1, "port: 80\n", "port: 800000\n");
    let wrong_field: Edit = (
        "StatefulSet",
        "camunda-zeebe",
        "podManagementPolicy: Parallel",
        "podManagementPolicy: Parallel\n  ordinals: {start: -1}",
    );
    let refused = sent.check(Helm::V3, &[hook, wrong_hook, wrong_field], "");
    says(&refused, 1, "Service camunda-operate: spec.ports[0].port: ");
    says(
        &refused,
        1,
        "StatefulSet camunda-zeebe: spec.ordinals.start: ",
    );
    let failed = sent.helm(Helm::V3, "upgrade", &[wrong_field], "").refused();
    let failed = failed.unwrap();
    assert!(
        failed.stderr.contains("spec.ordinals.start"),
        "{}",
        failed.report()
    );
}

#[test]
fn what_helm_4_applies_is_not_refused_and_a_conflict_is() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let sent = Sent::install(cluster, &corpus, Helm::V3);
    // Helm 4 goes on as Helm 3 did.
    sent.goes_through(Helm::V4, &[PORT], "");
    // It makes its own what it has patched, and drops what the new manifest does not have.
    sent.goes_through(Helm::V4, &[VARIABLE], "--server-side=true");
    sent.goes_through(Helm::V4, &[PORT], "");
    let scale = [
        "-n",
        &sent.release.namespace,
        "scale",
        "deployment",
        "camunda-operate",
        "--replicas=2",
    ];
    cluster.kubectl(scale).ok().unwrap();
    let refused = sent.check(Helm::V4, &[VARIABLE], "");
    says(&refused, 1, "Deployment camunda-operate: ");
    assert!(
        refused.stdout.contains(".spec.replicas"),
        "{}",
        refused.stdout
    );
    let failed = sent.helm(Helm::V4, "upgrade", &[VARIABLE], "").refused();
    let failed = failed.unwrap();
    assert!(
        failed.stderr.contains(".spec.replicas"),
        "{}",
        failed.report()
    );
}
