//! Release records: every way that Helm keeps them, and what may be wrong with one.

use harness::{Cluster, Denial, Helm, Output, Shell};
use serde_json::{Value, json};

use crate::{
    charts::own,
    release::{Release, assert_silent},
    stage::guarded,
};

const ANEW: [&str; 2] = ["--set", "global.secretsMode=generateAnew"];

#[test]
fn records_in_configmaps_are_judged_too() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    for helm in Helm::BOTH {
        let release = Release::new(cluster, "camunda");
        let shell = cluster.shell(helm).unwrap();
        let run = |verb: &str, mode: &str| {
            let chart = own("camunda-12");
            let (namespace, chart) = (&*release.namespace, chart.display());
            let command = format!(
                "helm {verb} camunda '{chart}' -n {namespace} --set global.secretsMode={mode}"
            );
            shell
                .run(&format!("export HELM_DRIVER=configmap\n{command}"))
                .unwrap()
        };
        run("install", "reuseLookup").ok().unwrap();
        Denial::of(&run("upgrade", "generateAnew")).assert_rules(&["identity-secret-regenerated"]);
        assert_silent(&run("upgrade --install", "reuseLookup").ok().unwrap());
    }
}

#[test]
fn atomic_upgrades_and_rollbacks() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    for (helm, atomic) in [(Helm::V3, "--atomic"), (Helm::V4, "--rollback-on-failure")] {
        let release = Release::new(cluster, "camunda");
        let chart = own("camunda-12");
        release.install(Helm::V3, &chart, &[]).ok().unwrap();
        let refused = release.upgrade(helm, &chart, &[ANEW[0], ANEW[1], atomic, "--timeout=20s"]);
        Denial::of(&refused).assert_rules(&["identity-secret-regenerated"]);
        assert_eq!(release.revisions(), [(1, "deployed".to_owned())]);

        // No pod becomes ready here, so this upgrade fails and Helm rolls it back: that must not be stopped.
        let args = ["--set", "zeebe.podAnnotations.a=b", atomic, "--timeout=2s"];
        let failed = release.upgrade(helm, &chart, &args);
        assert!(!failed.success(), "{}", failed.report());
        assert_silent(&failed);
        // The rollback waits for the same pods, so it ends as failed; that it was begun is what counts.
        assert_eq!(release.revisions().len(), 3, "{}", failed.report());
        let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
        let annotations = &brokers["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(annotations["a"], Value::Null, "{}", failed.report());
    }
}

#[test]
fn a_rollback_that_would_leave_data_behind_is_refused_and_cured() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    release.bind_all();
    let volume = release.bound("elasticsearch-master-elasticsearch-master-0");
    let refused = release.upgrade(Helm::V3, &own("camunda-8.3"), &ANEW);
    let script = Denial::of(&refused).cure(&format!(
        "helm upgrade camunda '{}' -n {} {} {}",
        own("camunda-8.3").display(),
        &*release.namespace,
        ANEW[0],
        ANEW[1]
    ));
    let shell = cluster.shell(Helm::V3).unwrap();
    shell.run(&script).unwrap().ok().unwrap();
    assert_eq!(release.bound("data-camunda-elasticsearch-master-0"), volume);
    release.bind_all();

    let back = cluster
        .helm(Helm::V3)
        .rollback("camunda", 1, &release.namespace, &[]);
    let denial = Denial::of(&back);
    denial.assert_rules(&["elasticsearch-claims-orphaned", "immutable-field-changed"]);
    assert!(
        denial.text.contains("rollback of release camunda"),
        "{}",
        denial.text
    );
}

#[test]
fn an_install_over_what_an_uninstall_left() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    for verb in ["install", "upgrade --install"] {
        let release = Release::new(cluster, "camunda");
        release
            .install(Helm::V3, &own("camunda-8.2"), &[])
            .ok()
            .unwrap();
        release.bind_all();
        let volume = release.bound("elasticsearch-master-elasticsearch-master-0");
        let shell = cluster.shell(Helm::V3).unwrap();
        back_up(&release, &shell);
        cluster
            .helm(Helm::V3)
            .uninstall("camunda", &release.namespace, &[])
            .ok()
            .unwrap();
        let command = format!(
            "helm {verb} camunda '{}' -n {}",
            own("camunda-8.3").display(),
            &*release.namespace
        );
        let denial = Denial::of(&shell.run(&command).unwrap());
        denial.assert_rules(&["elasticsearch-claims-orphaned", "reinstall-over-old-claims"]);
        shell.run(&denial.cure(&command)).unwrap().ok().unwrap();
        assert_eq!(release.bound("data-camunda-elasticsearch-master-0"), volume);
    }
}

/// The same release name, the same chart: its claims are mounted again.
#[test]
fn an_install_over_its_own_claims_is_silent_with_its_own_secrets() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = own("camunda-12");
    release.install(Helm::V3, &chart, &[]).ok().unwrap();
    release.bind_all();
    let shell = cluster.shell(Helm::V3).unwrap();
    back_up(&release, &shell);
    cluster
        .helm(Helm::V3)
        .uninstall("camunda", &release.namespace, &["--keep-history"])
        .ok()
        .unwrap();
    let restore = format!("kubectl -n {} apply -f .", &*release.namespace);
    shell.run(&restore).unwrap().ok().unwrap();
    assert_silent(
        &release
            .install(Helm::V3, &chart, &["--replace"])
            .ok()
            .unwrap(),
    );
}

/// The Secrets as files, named as a refusal names them.
fn back_up(release: &Release, shell: &Shell) {
    for secret in ["camunda-keycloak", "camunda-postgresql"] {
        let mut object = release.get("secret", secret).unwrap();
        for field in [
            "uid",
            "resourceVersion",
            "creationTimestamp",
            "managedFields",
        ] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        let file = shell.dir().join(format!("{secret}.yaml"));
        std::fs::write(file, object.to_string()).unwrap();
    }
}

fn record(namespace: &str, release: &str, data: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": format!("sh.helm.release.v1.{release}.v1"), "namespace": namespace,
            "labels": {"owner": "helm", "name": release, "status": "pending-upgrade", "version": "1"}},
        "stringData": {"release": data},
    })
}

fn create(cluster: &Cluster, object: &Value) -> Output {
    cluster
        .admin()
        .run_with_input(["create", "-f", "-"], &object.to_string())
}

#[test]
fn a_record_that_cannot_be_decoded_is_refused_only_where_it_is_camundas() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = cluster.namespace("broken").unwrap();
    let broken = "aGVsbG8gd29ybGQ=";
    let refused = create(cluster, &record(&namespace, "my-camunda", broken))
        .refused()
        .unwrap();
    let text = refused.text();
    assert!(
        text.contains("can't be decoded") && text.contains("is not a Helm release"),
        "{text}"
    );
    let warned = create(cluster, &record(&namespace, "shop", broken))
        .ok()
        .unwrap();
    assert!(
        warned
            .text()
            .contains("Warning: the record of release shop"),
        "{}",
        warned.report()
    );

    // Under a name that tells nothing, what runs in the namespace does.
    let release = Release::new(cluster, "orders");
    release
        .install(Helm::V3, &own("camunda-12"), &[])
        .ok()
        .unwrap();
    let mut next = record(&release.namespace, "orders", broken);
    next["metadata"]["name"] = "sh.helm.release.v1.orders.v2".into();
    let refused = create(cluster, &next).refused().unwrap();
    assert!(
        refused.text().contains("release orders"),
        "{}",
        refused.report()
    );
}

/// Whoever writes a record into a namespace of theirs must not learn from it what is in another.
#[test]
fn a_record_is_no_oracle_for_other_namespaces() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let victim = Release::new(cluster, "camunda");
    victim
        .install(Helm::V3, &own("camunda-12"), &[])
        .ok()
        .unwrap();
    let mine = cluster.namespace("mine").unwrap();
    let rights = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "mallory", "namespace": &*mine},
        "subjects": [{"kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "ClusterRole", "name": "admin", "apiGroup": "rbac.authorization.k8s.io"},
    });
    cluster.apply(&rights).unwrap();
    let mallory = cluster.kubeconfig_of_user("mallory", &[]).unwrap();

    let running = cluster
        .release_record(&victim.namespace, "camunda", 1)
        .unwrap();
    let answer = |manifest: &str| {
        let mut fake = running.clone();
        fake["info"]["status"] = "pending-upgrade".into();
        fake["namespace"] = (*victim.namespace).into();
        fake["manifest"] = manifest.into();
        let mut secret = harness::record::secret(&fake, "pending-upgrade").unwrap();
        secret["metadata"]["namespace"] = (*mine).into();
        let kubectl = cluster.kubectl_as(&mallory);
        let output = kubectl.run_with_input(
            ["create", "--dry-run=server", "-f", "-"],
            &secret.to_string(),
        );
        let text = output.refused().unwrap().text();
        // The way past the guard has the time in it.
        let (told, _) = text.split_once("# Whoever may override").unwrap();
        told.to_owned()
    };
    let manifest = running["manifest"].as_str().unwrap();
    let right = answer(manifest);
    let secrets = victim.secrets();
    let password = secrets["camunda-postgresql"]["password"].as_str().unwrap();
    let wrong = answer(&manifest.replace(password, "Z3Vlc3M="));
    assert!(right.contains("mallory may not write there"), "{right}");
    assert_eq!(right, wrong);
}
