//! One release through every line of the corpus, unprepared at each step, cured each time by what the refusal prints.

use harness::{Chart, Cluster, Corpus, Denial, Document, Helm, Secrets};

use crate::{
    cures::finish,
    release::{Release, assert_silent},
    stage::guarded_with_corpus,
};

const REGENERATED: &str = "identity-secret-regenerated";
const IMMUTABLE: &str = "immutable-field-changed";
const ORPHANED: &str = "claims-orphaned";

/// Each record with the rules that stop the way to it.
const STEPS: [(&str, &[&str]); 9] = [
    ("8.1.27", &[REGENERATED, "elasticsearch-claim-labels"]),
    ("8.2.34", &[REGENERATED]),
    (
        "8.3.1",
        &[REGENERATED, IMMUTABLE, "elasticsearch-claims-orphaned"],
    ),
    ("9.3.7", &[REGENERATED]),
    ("10.0.2", &[REGENERATED, IMMUTABLE]),
    ("11", &[REGENERATED]),
    ("12.13.3", &[REGENERATED]),
    (
        "13.12.7-migration-full",
        &["identity-secret-removed", "credentials-secret-incomplete"],
    ),
    // Without Web Modeler, whose database has a volume.
    ("14.0.0-identity", &[ORPHANED]),
];

/// Either Helm takes over what the other one has applied.
#[test]
fn both_helms_by_turns_through_every_line() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let first = chart(cluster, &corpus, "8.0.12", Secrets::GenerateAnew);
    release.install_record(Helm::V3, &first);
    release.bind_all();
    for ((name, rules), helm) in STEPS
        .into_iter()
        .zip([Helm::V4, Helm::V3].into_iter().cycle())
    {
        step(cluster, &corpus, &release, helm, name, rules);
    }
}

/// The chart of a record. Its objects take no values, so PostgreSQL 14, with which the release began, is pinned here.
fn chart(cluster: &Cluster, corpus: &Corpus, name: &str, secrets: Secrets) -> Chart {
    let mut record = match name {
        "11" => corpus
            .record("12.13.3")
            .unwrap()
            .released_as("11.12.3", "8.6"),
        name => corpus.record(name).unwrap(),
    };
    // The last one is without both, on purpose.
    if name == "14.0.0-identity" {
        for application in ["console", "webModeler"] {
            record.config[application]["enabled"] = false.into();
        }
    }
    let pin = |document: &mut Document| {
        document.text = document.text.replace("/postgresql:15.", "/postgresql:14.");
    };
    let dir = cluster.scratch("chart").unwrap();
    record.chart(secrets).edit(pin).write(&dir).unwrap()
}

fn step(
    cluster: &Cluster,
    corpus: &Corpus,
    release: &Release,
    helm: Helm,
    name: &str,
    rules: &[&str],
) {
    for job in ["data", "identity"].map(|kind| format!("camunda-zeebe-migration-{kind}")) {
        if release.get("job", &job).is_some() {
            finish(release, &job);
        }
    }
    let (versions, last) = (release.versions(), release.revisions().pop());
    let target = chart(cluster, corpus, name, Secrets::GenerateAnew);
    let denial = Denial::of(&release.upgrade_record(helm, &target));
    denial.assert_rules(rules);
    assert_eq!(release.versions(), versions, "{name}");
    assert_eq!(release.revisions().pop(), last, "{name}");

    // Only what this hop is refused for stands in its way: Helm gets every object through.
    let again = chart(cluster, corpus, name, Secrets::ReuseLookup);
    let dry_run = release.dry_run(
        helm,
        &again.path,
        &again.with_config().each_ref().map(|it| &**it),
    );
    let checked = release.check(&["-", "--server-dry-run"], &dry_run);
    assert!(
        !checked.stdout.contains("server-dry-run"),
        "{name}: {}",
        checked.report()
    );

    let shell = cluster.shell(helm).unwrap();
    let cure = denial.cure(&release.upgrade_command(&target));
    // Web Modeler and its data are given up on purpose.
    let cure = match *rules {
        [ORPHANED] => format!("{}\n{cure}", denial.given_up()),
        _ => cure,
    };
    shell.run(&cure).unwrap().ok().unwrap();
    // What was cured stays cured: the values that are live now are looked up.
    assert_silent(&release.upgrade_record(helm, &again).ok().unwrap());
    release.bind_all();
    release.delete_lost_claims();
}
