//! Two Camunda releases in one namespace, and a record that lives elsewhere than its objects.

use harness::{Denial, Helm};

use crate::{
    charts::{ANEW, REUSE, own},
    release::{Release, assert_silent},
    stage::guarded,
};

#[test]
fn two_releases_in_one_namespace_are_told_apart() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = cluster.namespace("both").unwrap();
    let first = Release::in_namespace(cluster, namespace, "orders");
    first
        .install(Helm::V3, &own("camunda-12"), &[REUSE])
        .ok()
        .unwrap();
    first.bind_all();
    let before = first.versions();
    let second = |args: &[&str]| {
        cluster
            .helm(Helm::V4)
            .upgrade("invoices", &own("camunda-12"), &first.namespace, args)
    };
    let installed =
        cluster
            .helm(Helm::V4)
            .install("invoices", &own("camunda-12"), &first.namespace, &[REUSE]);
    assert_silent(&installed.ok().unwrap());
    assert_silent(&second(&[REUSE]).ok().unwrap());
    let denial = Denial::of(&second(&[ANEW]));
    denial.assert_rules(&["identity-secret-regenerated"]);
    assert!(
        denial.text.contains("invoices-tasklist-identity-secret"),
        "{}",
        denial.text
    );
    assert!(!denial.text.contains("orders-"), "{}", denial.text);
    let same = first
        .versions()
        .into_iter()
        .filter(|(name, _)| name.contains("orders"));
    let expected = before
        .into_iter()
        .filter(|(name, _)| name.contains("orders"));
    assert!(same.eq(expected));
    assert_silent(
        &first
            .upgrade(Helm::V3, &own("camunda-12"), &[REUSE])
            .ok()
            .unwrap(),
    );
}

/// Flux keeps the records of a release in its own namespace.
#[test]
fn a_record_in_another_namespace_than_its_objects() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-12"), &[REUSE])
        .ok()
        .unwrap();
    release.bind_all();
    let flux = cluster.namespace("flux").unwrap();
    let running = cluster
        .release_record(&release.namespace, "camunda", 1)
        .unwrap();
    let create = |record: &serde_json::Value, revision: u64, status: &str| {
        let mut record = record.clone();
        record["version"] = revision.into();
        record["info"]["status"] = status.into();
        let mut secret = harness::record::secret(&record, status).unwrap();
        secret["metadata"]["namespace"] = (*flux).into();
        cluster
            .admin()
            .run_with_input(["create", "-f", "-"], &secret.to_string())
    };
    create(&running, 1, "deployed").ok().unwrap();
    assert_silent(&create(&running, 2, "pending-upgrade").ok().unwrap());

    let mut next = running.clone();
    let secrets = release.secrets();
    let password = secrets["camunda-postgresql"]["password"].as_str().unwrap();
    let manifest = running["manifest"].as_str().unwrap();
    assert!(manifest.contains(password));
    next["manifest"] = manifest.replace(password, "Z3Vlc3M=").into();
    let refused = create(&next, 3, "pending-upgrade").refused().unwrap();
    let denial = Denial::of(&refused);
    denial.assert_rules(&["identity-secret-regenerated"]);
    let read = format!("$(kubectl -n {} get secret ", &*release.namespace);
    assert!(denial.block.contains(&read), "{}", denial.text);
}
