//! Claims that stand in the manifest of a real chart and not in the next one's: Helm deletes them, last of all.

use harness::{Denial, Helm, Secrets, wait_until};

use crate::{
    release::{BINDING, Release, record},
    stage::guarded_with_corpus,
};

const RULE: &str = "claim-removed";
const OPTIMIZE: &str = "camunda-camunda-platform-optimize-data";
const WEB_MODELER: &str = "camunda-camunda-platform-webmodeler-data";

fn status(release: &Release<'_>) -> Option<String> {
    release.revisions().pop().map(|(_, status)| status)
}

#[test]
fn helm_3_renames_optimizes_claims() {
    renames_optimizes_claims(Helm::V3);
}

#[test]
fn helm_4_renames_optimizes_claims() {
    renames_optimizes_claims(Helm::V4);
}

fn renames_optimizes_claims(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    let release = Release::new(cluster, "camunda");
    release.install_record(helm, &chart("13.12.7-optimize-persistence"));
    release.bind_all();
    let old = ["tmp", "camunda"].map(|end| format!("{OPTIMIZE}-{end}"));
    let [_, volume] = old.each_ref().map(|claim| release.bound(claim));
    let next = chart("14.0.0-optimize-persistence");
    let versions = release.versions();
    let denial = Denial::of(&release.upgrade_record(helm, &next));
    denial.assert_rules(&[RULE]);
    assert_eq!(release.versions(), versions);
    let script = denial.cure(&release.upgrade_command(&next));
    let shell = cluster.shell(helm).unwrap();
    let cured = shell.run(&script).unwrap();
    assert!(cured.success(), "{}\n{}", denial.text, cured.report());
    assert!(!cured.text().contains("denied"), "{}", cured.report());
    assert_eq!(status(&release).as_deref(), Some("deployed"));
    // The data is where it will be mounted, and what only held /tmp is gone.
    assert_eq!(release.bound(OPTIMIZE), volume);
    for claim in old {
        let left = release.get("pvc", &claim);
        let going = |claim: &serde_json::Value| claim["metadata"]["deletionTimestamp"].is_string();
        assert!(left.as_ref().is_none_or(going), "{left:#?}");
    }
}

#[test]
fn helm_3_deletes_what_the_record_was_admitted_with() {
    deletes_what_was_admitted(Helm::V3);
}

#[test]
fn helm_4_deletes_what_the_record_was_admitted_with() {
    deletes_what_was_admitted(Helm::V4);
}

/// Its volume has policy Delete, and nothing has ever mounted it.
fn deletes_what_was_admitted(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let chart = |name| record(cluster, &corpus, name, Secrets::ReuseLookup);
    let release = Release::new(cluster, "camunda");
    release.install_record(helm, &chart("13.1.0-web-modeler-persistence"));
    release.bind_all();
    release.bound(WEB_MODELER);
    // Nobody may delete it without a word.
    let delete = ["-n", &*release.namespace, "delete", "pvc", WEB_MODELER];
    let refused = cluster.kubectl(delete).refused().unwrap();
    assert!(
        refused.text().contains("claim-deleted"),
        "{}",
        refused.report()
    );

    let next = chart("13.12.7-web-modeler-persistence");
    let upgraded = release.upgrade_record(helm, &next).ok().unwrap();
    let text = upgraded.text();
    assert!(
        text.contains(RULE) && !text.contains("denied"),
        "{}",
        upgraded.report()
    );
    assert_eq!(status(&release).as_deref(), Some("deployed"));
    wait_until("the claim to be gone", BINDING, || {
        Ok(release.get("pvc", WEB_MODELER).is_none().then_some(()))
    })
    .unwrap();
}
