//! The main job with real charts: refused, cured as the refusal says, admitted, the data still there.

use std::fs;

use harness::{Helm, Secrets};

use crate::{denial::Denial, release::Release, stage::guarded_with_corpus};

#[test]
fn helm_3_from_8_2_to_8_3_unprepared() {
    from_8_2_to_8_3(Helm::V3);
}

#[test]
fn helm_4_from_8_2_to_8_3_unprepared() {
    from_8_2_to_8_3(Helm::V4);
}

fn from_8_2_to_8_3(helm: Helm) {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = |record: &str| {
        let dir = cluster.scratch("chart").unwrap();
        corpus
            .record(record)
            .unwrap()
            .chart(Secrets::GenerateAnew)
            .write(&dir)
            .unwrap()
    };
    // The real 8.2 can't be installed by Helm 4's server-side apply.
    release.install_record(Helm::V3, &chart("8.2.34"));
    let volumes: Vec<_> = (0..2)
        .map(|ordinal| {
            release.bound(&format!(
                "elasticsearch-master-elasticsearch-master-{ordinal}"
            ))
        })
        .collect();
    let file = cluster.volume_dir(&volumes[0]).unwrap().join("index");
    fs::write(&file, "data").unwrap();
    release.bound("data-camunda-postgresql-0");
    let (versions, secrets) = (release.versions(), release.secrets());

    let target = chart("8.3.1");
    let refused = release.upgrade_record(helm, &target);
    let denial = Denial::of(&refused);
    denial.assert_rules(&[
        "elasticsearch-claims-orphaned",
        "identity-secret-regenerated",
        "immutable-field-changed",
    ]);
    eprintln!("{}", denial.text);
    assert_eq!(release.revisions(), [(1, "deployed".to_owned())]);
    assert_eq!(release.versions(), versions);
    for (name, data) in &secrets {
        for value in data.as_object().into_iter().flatten() {
            let value = value.1.as_str().unwrap_or_default();
            assert!(
                value.is_empty() || !denial.text.contains(value),
                "a value of {name} is printed"
            );
        }
    }

    let shell = cluster.shell(helm).unwrap();
    shell
        .run(&denial.cure(&release.upgrade_command(&target)))
        .unwrap()
        .ok()
        .unwrap();
    for (ordinal, volume) in volumes.iter().enumerate() {
        let claim = format!("data-camunda-elasticsearch-master-{ordinal}");
        assert_eq!(&release.bound(&claim), volume);
        release.wait_phase(
            &format!("elasticsearch-master-elasticsearch-master-{ordinal}"),
            "Lost",
        );
        let policy = cluster.get("pv", "", volume).unwrap().unwrap();
        assert_eq!(policy["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "data");
    for (name, data) in release.secrets() {
        if let Some(before) = secrets.get(&name).filter(|_| name != "camunda-web-modeler") {
            assert_eq!(&data, before, "{name}");
        }
    }
}
