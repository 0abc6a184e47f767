//! The scripts that `plan` prints, run to their end without anybody's help: waits, rollouts, Jobs, dumps.

use std::fs;
use std::path::{Path, PathBuf};

use harness::{Corpus, Document, Helm, Output, Run, Secrets, Shell};

use crate::charts::own;
use crate::marker::{self, BROKERS};
use crate::person;
use crate::release::{Guarded, PATIENCE, Release};
use crate::stage::{NAME, node};

/// More than any of these plans has.
const DECISIONS: usize = 8;

/// Charts by their versions, as a repository has them, and a shell beside them.
struct Desk {
    shell: Shell,
    charts: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let shell = node().shell(Helm::V3).unwrap().timeout(PATIENCE * 3);
        let guard = env!("CARGO_BIN_EXE_camunda-upgrade-guard");
        shell.install(NAME, guard.as_ref()).unwrap();
        let charts = node().scratch("charts").unwrap();
        Self { shell, charts }
    }

    fn stock(&self, version: &str, chart: &Path) {
        let copy = Run::new("cp").args(["-rL".as_ref(), chart.as_os_str()]);
        let copy = copy.args([self.charts.join(version)]);
        copy.output().unwrap().ok().unwrap();
    }

    /// Writes the script, and runs it with the answer to all of its questions.
    fn walk(&self, release: &Release, to: &str) -> Output {
        let plan = format!(
            "camunda-upgrade-guard plan camunda --to {to} -n {} -o shell --chart '{}/{{version}}' >plan.sh",
            &*release.namespace,
            self.charts.display()
        );
        self.shell.run(&plan).unwrap().ok().unwrap();
        // These brokers have no store for backups, and what the script leaves to a person is decided each time.
        let mut decided = String::new();
        for _ in 0..DECISIONS {
            let walked = self.shell.run(&format!("{decided} YES=1 bash plan.sh"));
            let walked = walked.unwrap();
            let asked = walked.stderr.rsplit_once("go on with DECIDED=");
            let Some((_, step)) = asked.filter(|_| !walked.success()) else {
                return walked;
            };
            let step: String = step.chars().take_while(char::is_ascii_digit).collect();
            decided = format!("DECIDED={step} FROM={step}");
        }
        panic!("it asks again and again: {decided}");
    }
}

pub fn from_8_2_to_8_3() {
    let release = Release::installed(Guarded::Yes, &own("camunda-8.2"), &[]);
    person::registers(&release);
    marker::written(&release, "elasticsearch-master", 9200, 1);
    marker::written(&release, BROKERS, 9600, 2);
    let desk = Desk::new();
    desk.stock("8.3.1", &own("camunda-8.3"));
    let walked = desk.walk(&release, "8.3.1");
    walked.ok().unwrap();
    release.ready();
    person::logs_in(&release);
    marker::is_there(&release, "camunda-elasticsearch-master", 9200, 1);
    marker::is_there(&release, BROKERS, 9600, 2);
    reads_back(&release, &desk.shell, "camunda-postgresql-8.2.34.sql");
}

/// A dump that the script has made has the user in it, and another database takes it.
fn reads_back(release: &Release, shell: &Shell, file: &str) {
    let dump = fs::read_to_string(shell.dir().join(file)).unwrap();
    assert!(dump.contains("PostgreSQL database dump complete"), "{dump}");
    let psql = |more: &str| {
        format!(
            "kubectl -n {} exec -i camunda-postgresql-0 -- sh -c \
             'export PGPASSWORD=\"${{POSTGRES_POSTGRES_PASSWORD:-$(cat \"$POSTGRES_POSTGRES_PASSWORD_FILE\")}}\"; \
             psql -h 127.0.0.1 -U postgres --quiet --tuples-only {more}'",
            &*release.namespace
        )
    };
    let script = [
        psql("-c \"drop database if exists again\" -c \"create database again\""),
        format!("{} <{file}", psql("again")),
        psql("again -c \"select username from user_entity\""),
    ];
    let read = shell.run(&script.join("\n")).unwrap().ok().unwrap();
    assert!(read.stdout.contains("demo"), "{}", read.report());
}

/// Two upgrades, with converted values, carried passwords, and Jobs that come to their end.
pub fn from_12_to_14() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let present = "--set=global.image.pullPolicy=IfNotPresent";
    let release = Release::installed(Guarded::Yes, &own("camunda-12"), &[present]);
    person::registers(&release);
    marker::written(&release, BROKERS, 9600, 0);
    let desk = Desk::new();
    let last = corpus.record("14.0.0-identity").unwrap();
    let last = last.chart(Secrets::ReuseLookup).edit(fitting);
    let last = last.write(&desk.charts).unwrap();
    desk.stock("13.13.0", &own("camunda-13"));
    desk.stock("14.0.0", &last.path);
    let values = "global: {image: {pullPolicy: IfNotPresent}}\n";
    fs::write(desk.shell.dir().join("values.yaml"), values).unwrap();
    let walked = desk.walk(&release, "14.0.0");
    assert!(walked.success(), "{}\n{}", walked.report(), release.state());
    release.ready();
    person::logs_in(&release);
    marker::is_there(&release, BROKERS, 9600, 0);
    for before in ["12.13.3", "13.13.0"] {
        reads_back(
            &release,
            &desk.shell,
            &format!("camunda-postgresql-{before}.sql"),
        );
    }
}

/// Has a real chart's pods fit on one small node, ask no registry, and be asked often whether they are ready.
fn fitting(document: &mut Document) {
    let mut block = String::new();
    let lines = document.text.lines().map(|line| {
        let indent = &line[..line.len() - line.trim_start().len()];
        let (key, value) = line.trim().split_once(':').unwrap_or_default();
        if value.is_empty() {
            key.clone_into(&mut block);
        }
        let value = match (block.as_str(), key, value.trim()) {
            ("requests", "cpu", _) => "10m",
            ("requests", "memory", _) => "64Mi",
            ("limits", "cpu", _) => "2",
            ("limits", "memory", _) => "1Gi",
            (_, "imagePullPolicy", _) => "IfNotPresent",
            (_, "initialDelaySeconds", "30" | "90") => "1",
            (_, "periodSeconds", "30") => "2",
            // No node has that, so pods may share one.
            (_, "topologyKey", _) => "nowhere",
            _ => return line.to_owned(),
        };
        format!("{indent}{key}: {value}")
    });
    document.text = lines.collect::<Vec<_>>().join("\n");
}
