//! A plan's script over many lines: wherever something fails, it stops there, says so, and goes on from there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use harness::{Chart, Cluster, Corpus, GuardOptions, Helm, Secrets};

use crate::{planning::Desk, release::Release, stage::BINARY};

/// The newest patches on the way, each with the record that it is made of and the version of Camunda.
const CHARTS: [(&str, &str, &str); 6] = [
    ("8.3.26", "8.3.1", "8.3"),
    ("9.7.0", "9.3.7", "8.4"),
    ("10.11.3", "10.0.2", "8.5"),
    ("11.12.3", "12.13.3", "8.6"),
    ("12.13.3", "12.13.3", "8.7"),
    ("13.13.0", "13.12.7-migration-full", "8.8"),
];

fn chart(
    cluster: &Cluster,
    corpus: &Corpus,
    (version, name, application): (&str, &str, &str),
) -> Chart {
    let record = corpus.record(name).unwrap();
    let record = match record.version == version {
        true => record,
        false => record.released_as(version, application),
    };
    let dir = cluster.scratch("chart").unwrap();
    record.chart(Secrets::ReuseLookup).write(&dir).unwrap()
}

/// Has the first program that a step starts fail, once.
fn sabotage(desk: &Desk<'_, '_>) {
    let failed = desk.shell.dir().join(".failed");
    fs::create_dir(&failed).unwrap();
    for name in ["kubectl", "helm", "camunda-upgrade-guard"] {
        let script = |real: &Path| {
            format!(
                "#!/bin/bash\n\
                 if [ -n \"${{step:-}}\" ] && mkdir '{}/'\"$step\" 2>/dev/null; then\n  echo \"made to fail in step $step: {name}\" >&2\n  exit 1\nfi\n\
                 exec '{}' \"$@\"\n",
                failed.display(),
                real.display(),
            )
        };
        desk.shell.replace(name, script).unwrap();
    }
}

/// The number behind a word in what a script says when it stops.
fn told(said: &str, word: &str) -> Option<String> {
    let (_, rest) = said.rsplit_once(word)?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then_some(number)
}

#[test]
fn the_way_from_8_2_to_13_goes_on_wherever_it_has_failed() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let _guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let cluster: &Cluster = &cluster;
    let release = Release::new(cluster, "camunda");
    let first = corpus.record("8.2.34").unwrap();
    let dir: PathBuf = cluster.scratch("chart").unwrap();
    let first = first.chart(Secrets::GenerateAnew).write(&dir).unwrap();
    release.install_record(Helm::V3, &first).ok().unwrap();
    release.bind_all();
    let (volumes, secrets) = (release.volumes(), release.secrets());
    let desk = Desk::new(&release);
    for of in CHARTS {
        desk.stock(of.0, chart(cluster, &corpus, of).path);
    }
    let values = serde_json::to_string(&corpus.record("8.2.34").unwrap().config).unwrap();
    fs::write(desk.shell.dir().join("values.yaml"), values).unwrap();
    let script = desk.plan("13");
    let steps = script
        .lines()
        .filter(|line| line.starts_with("if begin "))
        .count();
    assert!(steps > 30, "{script}");
    // The programs that are made to fail ask for the step.
    let script = script.replacen("\nstep=1\n", "\nexport step=1\n", 1);
    fs::write(desk.shell.dir().join("plan.sh"), &script).unwrap();
    sabotage(&desk);

    let (mut from, mut decided) = ("1".to_owned(), String::new());
    let mut failed = BTreeSet::new();
    let mut asked = BTreeSet::new();
    loop {
        let walked = desk.walk(&format!("FROM={from} DECIDED={decided}"));
        if walked.success() {
            break;
        }
        let said = &walked.stderr;
        let at = told(said, "FROM=").unwrap_or_else(|| panic!("{}", walked.report()));
        match told(said, "DECIDED=") {
            // Whoever is asked has done it, once.
            Some(step) => {
                assert!(asked.insert(step.clone()), "{}", walked.report());
                decided = step;
            }
            None => {
                assert!(
                    said.contains(&format!("made to fail in step {at}: ")),
                    "{}",
                    walked.report()
                );
                assert!(failed.insert(at.clone()), "{}", walked.report());
            }
        }
        from = at;
    }
    // Backups and what only a person does start no program here.
    assert!(failed.len() > steps / 2, "{failed:?} of {steps}");
    assert_eq!(release.revisions().pop().unwrap().1, "deployed");
    assert!(release.volumes().is_superset(&volumes));
    let carried = &release.secrets()["camunda-credentials"];
    for (key, secret, old) in crate::corpus_13::CARRIED {
        assert_eq!(carried[key], secrets[secret][old], "{key}");
    }
    let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
    let image = &brokers["spec"]["template"]["spec"]["containers"][0]["image"];
    assert!(image.as_str().unwrap().contains(":8.8."), "{image}");
}
