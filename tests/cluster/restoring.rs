//! A backup is restored as a plan prints it: after an upgrade, on the chart that made it, with the guard in place.

use std::{collections::BTreeSet, fs};

use harness::{Chart, Cluster, Corpus, Denial, GuardOptions, Helm, Output, Record, Secrets};
use serde_json::Value;

use crate::{
    planning::Desk,
    release::Release,
    stage::BINARY,
    stand_ins::{ID, INDICES, SNAPSHOTS, stand_in, store},
};

/// Where a chart has its brokers, and the variable that names their store.
const ZEEBE: (&str, &str) = ("zeebe", "ZEEBE_BROKER_DATA_BACKUP_STORE");
const ORCHESTRATION: (&str, &str) = ("orchestration", "CAMUNDA_DATA_BACKUP_STORE");

/// A chart of the corpus whose brokers have a store for backups.
fn chart(
    cluster: &Cluster,
    corpus: &Corpus,
    name: &str,
    (source, store): (&str, &str),
    secrets: Secrets,
) -> Chart {
    let mut record: Record = corpus.record(name).unwrap();
    let source = format!("# Source: camunda-platform/templates/{source}/statefulset.yaml");
    let (before, brokers) = record.manifest.split_once(&source).unwrap();
    let env = format!("env:\n            - {{name: {store}, value: S3}}\n");
    record.manifest = format!("{before}{source}{}", brokers.replacen("env:\n", &env, 1));
    let dir = cluster.scratch("chart").unwrap();
    record.chart(secrets).write(&dir).unwrap()
}

/// Has the plan of a restore in the place of the one before.
fn plan(desk: &Desk<'_, '_>, release: &Release<'_>, to: &str) -> String {
    let line = format!(
        "camunda-upgrade-guard plan camunda -n {} --restore {ID} {to} -o shell > plan.sh; cat plan.sh",
        &*release.namespace
    );
    let planned = desk.shell.run(&line).unwrap().ok().unwrap();
    let syntax = desk.shell.check_syntax(&planned.stdout).unwrap();
    syntax.ok().unwrap();
    planned.stdout
}

/// The number behind a word in what a script says when it stops.
fn told(output: &Output, word: &str) -> Option<String> {
    let (_, rest) = output.stderr.rsplit_once(word)?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then_some(number)
}

/// Walks on from a step, and decides what is to be decided, until it stops for another reason or is through.
fn walk(desk: &Desk<'_, '_>, from: &str) -> Output {
    let (mut from, mut decided) = (from.to_owned(), String::new());
    let mut asked = BTreeSet::new();
    loop {
        let variables = format!("SNAPSHOT_REPOSITORY=snapshots FROM={from} DECIDED={decided}");
        let walked = desk.walk(&variables);
        match told(&walked, "DECIDED=") {
            Some(step) if !walked.success() && asked.insert(step.clone()) => {
                from.clone_from(&step);
                decided = step;
            }
            _ => return walked,
        }
    }
}

/// The number of a step.
fn step(script: &str, title: &str) -> String {
    let line = script
        .lines()
        .find(|line| line.starts_with("if begin ") && line.contains(title));
    let number = line.and_then(|line| line.split(' ').nth(2));
    number
        .unwrap_or_else(|| panic!("{title}: {script}"))
        .to_owned()
}

fn policy(release: &Release<'_>, volume: &str) -> Value {
    let volume = release.cluster.get("pv", "", volume).unwrap().unwrap();
    volume["spec"]["persistentVolumeReclaimPolicy"].clone()
}

/// The chart that runs has made the backup: nothing has to be let through, and Helm's revision stays the same but for its number.
#[test]
fn a_backup_of_the_chart_that_runs_needs_no_other() {
    let Some(corpus) = Corpus::find() else { return };
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let chart = chart(&cluster, &corpus, "12.13.3", ZEEBE, Secrets::ReuseLookup);
    let _guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let release = Release::new(&cluster, "camunda");
    release.install_record(Helm::V4, &chart).ok().unwrap();
    release.bind_all();
    let (before, secrets) = (brokers_volumes(&release), release.secrets());
    let nodes = release.bound("data-camunda-elasticsearch-master-0");
    let desk = Desk::with(&release, Helm::V4);
    stand_in(&desk, SNAPSHOTS);
    let script = plan(&desk, &release, "");
    assert!(script.contains(" --force-conflicts\n"), "{script}");

    // Nothing of it is done unasked.
    let asked = desk
        .walk("SNAPSHOT_REPOSITORY=snapshots")
        .refused()
        .unwrap();
    assert!(
        asked.stderr.contains("YES=1 does not answer this."),
        "{}",
        asked.report()
    );
    assert_eq!(store(&desk, "indices"), INDICES);
    assert_eq!(brokers_volumes(&release), before);

    let restored = walk(&desk, "1");
    assert!(restored.success(), "{}", restored.report());
    assert_restored(&release, &before, "zeebe:8.7.");
    let now = release.secrets();
    for (name, data) in &secrets {
        assert_eq!(now.get(name), Some(data), "{name}");
    }
    assert_eq!(release.bound("data-camunda-elasticsearch-master-0"), nodes);
    assert_eq!(store(&desk, "indices"), "acme-operate-reports\n.kibana_1\n");
}

fn brokers_volumes(release: &Release<'_>) -> BTreeSet<String> {
    let claims = (0..3).map(|it| format!("data-camunda-zeebe-{it}"));
    claims.map(|claim| release.bound(&claim)).collect()
}

#[test]
fn a_backup_of_12_is_restored_after_the_upgrade_to_13() {
    let Some(corpus) = Corpus::find() else { return };
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let reuse = Secrets::ReuseLookup;
    let old = chart(&cluster, &corpus, "12.13.3", ZEEBE, reuse);
    let new = chart(
        &cluster,
        &corpus,
        "13.12.7-migration-full",
        ORCHESTRATION,
        reuse,
    );
    let _guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let release = Release::new(&cluster, "camunda");
    release.install_record(Helm::V3, &old).ok().unwrap();
    release.bind_all();
    let secrets = release.secrets();
    let desk = Desk::new(&release);
    desk.stock("13.12.7", new.path);
    let values = serde_json::to_string(&corpus.record("12.13.3").unwrap().config).unwrap();
    fs::write(desk.shell.dir().join("values.yaml"), values).unwrap();
    let script = desk.plan("13.12.7");
    let leads_back = script.lines().find_map(|line| {
        let line = line.strip_prefix("#   ")?;
        line.contains("--restore").then(|| line.to_owned())
    });
    let upgraded = walk(&desk, "1");
    assert!(upgraded.success(), "{}", upgraded.report());
    release.bind_all();
    let before = release.volumes();
    stand_in(&desk, SNAPSHOTS);
    // What the upgrade's plan prints for the way back, with the file that its backup leaves.
    let made = format!("Backup 1748000000 is complete.\nBackup {ID} is complete.\n");
    fs::write(desk.shell.dir().join("camunda-backups-12.13.3.txt"), made).unwrap();
    let seen = desk.shell.run(&leads_back.unwrap()).unwrap().ok().unwrap();
    let title = format!("restore backup {ID} on chart 12.13.3");
    assert!(seen.stdout.contains(&title), "{}", seen.report());
    let script = plan(&desk, &release, "--to 12.13.3");
    let unknown = format!(
        "camunda-upgrade-guard plan camunda -n {} --restore {ID} --to 11.0.1",
        &*release.namespace
    );
    let unknown = desk.shell.run(&unknown).unwrap().refused().unwrap();
    let because = "that Helm has kept ran chart 11.0.1";
    assert!(unknown.stderr.contains(because), "{}", unknown.report());
    assert!(
        unknown.stderr.contains("2 (13.12.7), 1 (12.13.3)"),
        "{}",
        unknown.report()
    );

    // A part is missing: nothing was stopped by then.
    let all = desk.shell.dir().join(".store/snapshots");
    let lacking = SNAPSHOTS.replace(
        "camunda_operate_1748937221_8.7.37_part_2_of_2 SUCCESS\n",
        "",
    );
    fs::write(&all, lacking).unwrap();
    let stopped = walk(&desk, "1").refused().unwrap();
    let lacks = "The repository has not every part of camunda_operate_1748937221_8.7.37_*";
    assert!(stopped.stderr.contains(lacks), "{}", stopped.report());
    let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
    assert_eq!(brokers["spec"]["replicas"], 3);
    fs::write(&all, SNAPSHOTS).unwrap();

    // While the newer one's data is there the guard lets nobody back.
    let back = format!("helm rollback camunda 1 -n {}", &*release.namespace);
    let refused = desk.shell.run(&back).unwrap().refused().unwrap();
    let rules = Denial::of(&refused).rules;
    assert!(rules.contains(&"downgrade".to_owned()), "{rules:?}");

    // A broker that does not say that it has restored.
    fs::write(desk.shell.dir().join(".store/silent-camunda-zeebe-1"), "").unwrap();
    let stopped = walk(&desk, "1").refused().unwrap();
    let silent = "camunda-zeebe-1 has been started several times";
    assert!(stopped.stderr.contains(silent), "{}", stopped.report());
    let waits = step(&script, "Wait until each broker has restored");
    assert_eq!(
        told(&stopped, "FROM="),
        Some(waits.clone()),
        "{}",
        stopped.report()
    );
    fs::remove_file(desk.shell.dir().join(".store/silent-camunda-zeebe-1")).unwrap();
    let restored = walk(&desk, &waits);
    assert!(restored.success(), "{}", restored.report());
    let done = "Release camunda is restored from backup 1748937221, on chart 12.13.3.";
    assert!(restored.stdout.contains(done), "{}", restored.report());
    assert_restored(&release, &before, "zeebe:8.7.");
    for node in 0..3 {
        let volume = release.bound(&format!("data-camunda-elasticsearch-master-{node}"));
        assert!(!before.contains(&volume), "{volume}");
    }
    assert_eq!(
        release.secrets()["camunda-keycloak"],
        secrets["camunda-keycloak"]
    );

    let asked = store(&desk, "asked");
    let restores = asked.lines().filter(|it| it.starts_with("POST "));
    assert!(
        restores
            .clone()
            .all(|it| !it.contains("17489372211") && it.contains(ID)),
        "{asked}"
    );
    assert_eq!(restores.count(), 6, "{asked}");
    assert_eq!(store(&desk, "indices"), "acme-operate-reports\n.kibana_1\n");
    assert_eq!(
        store(&desk, "repository"),
        r#"{"type":"s3","settings":{"bucket":"acme"}}"#
    );
    let kept = fs::read_to_string(
        desk.shell
            .dir()
            .join("camunda-volumes-before-1748937221.txt"),
    );
    assert!(kept.unwrap().contains("of claim data-camunda-zeebe-0"));
}

fn overrides(release: &Release<'_>) -> Vec<Value> {
    let label = "camunda-upgrade-guard/override";
    let found = release
        .cluster
        .list("configmaps", &release.namespace, label);
    found.unwrap()
}

/// The release is on its old chart, on new volumes, with nothing of the restore left, and the old volumes stay.
fn assert_restored(release: &Release<'_>, before: &BTreeSet<String>, image: &str) {
    release.bind_all();
    let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
    let container = &brokers["spec"]["template"]["spec"]["containers"][0];
    assert!(
        container["image"].as_str().unwrap().contains(image),
        "{container}"
    );
    let env = container["env"].as_array().unwrap();
    let names: Vec<_> = env.iter().filter_map(|it| it["name"].as_str()).collect();
    assert!(
        names.contains(&"ZEEBE_BROKER_DATA_BACKUP_STORE"),
        "{names:?}"
    );
    assert!(
        !names
            .iter()
            .any(|name| name.contains("RESTORE") || name.contains("SPRING_PROFILES"))
    );
    assert_eq!(brokers["spec"]["replicas"], 3);
    for ordinal in 0..3 {
        let claim = format!("data-camunda-zeebe-{ordinal}");
        assert!(!before.contains(&release.bound(&claim)), "{claim}");
    }
    for volume in before {
        assert_eq!(policy(release, volume), "Retain", "{volume}");
    }
    assert_eq!(overrides(release), Vec::<Value>::new());
    let (_, status) = release.revisions().pop().unwrap();
    assert_eq!(status, "deployed");
    assert!(release.get("deployment", "camunda-operate").is_some());
}

/// Where the newer chart came without a guard and with other credentials, going back is refused for these, too: the plan overrides that
/// for its one revision.
#[test]
fn what_is_refused_of_the_way_back_is_overridden_once() {
    let Some(corpus) = Corpus::find() else { return };
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let [old, new] = ["11.0.1", "12.13.3"]
        .map(|name| chart(&cluster, &corpus, name, ZEEBE, Secrets::GenerateAnew));
    let release = Release::new(&cluster, "camunda");
    release.install_record(Helm::V3, &old).ok().unwrap();
    release.upgrade_record(Helm::V3, &new).ok().unwrap();
    release.bind_all();
    let before = release.volumes();
    let _guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let desk = Desk::new(&release);
    let snapshots = SNAPSHOTS
        .replace("8.7.37", "8.6.2")
        .replace("8.7.26", "8.6.1");
    stand_in(&desk, &snapshots);
    let script = plan(&desk, &release, "--to 11.0.1");

    // An override for something else is none.
    let goes_back = step(&script, "Go back to chart 11.0.1");
    let lifted = script.replace(
        "--from-literal=rules=identity-secret-regenerated",
        "--from-literal=rules=downgrade",
    );
    assert_ne!(lifted, script);
    fs::write(desk.shell.dir().join("plan.sh"), lifted).unwrap();
    let refused = walk(&desk, "1").refused().unwrap();
    let rules = Denial::of(&refused).rules;
    assert_eq!(
        rules,
        ["identity-secret-regenerated"],
        "{}",
        refused.report()
    );
    assert_eq!(told(&refused, "FROM="), Some(goes_back.clone()));
    assert_eq!(overrides(&release), Vec::<Value>::new());

    fs::write(desk.shell.dir().join("plan.sh"), script).unwrap();
    let restored = walk(&desk, &goes_back);
    assert!(restored.success(), "{}", restored.report());
    let said = "Overridden (backup 1748937221 is restored, which chart 11.0.1 has made)";
    assert!(restored.report().contains(said), "{}", restored.report());
    assert_restored(&release, &before, "zeebe:8.6.");
}
