//! `plan` as a person runs it, and its script as bash does it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};

use harness::{Cluster, Corpus, GuardOptions, Helm, Output, Secrets, Shell};

use crate::{
    charts::own,
    release::{Release, record},
    stage::BINARY,
};

const OLD: &str = "elasticsearch-master-elasticsearch-master-";
const NEW: &str = "data-camunda-elasticsearch-master-";

/// A shell with the guard's program beside kubectl and helm, and a folder of charts by their versions.
pub struct Desk<'a, 'c> {
    release: &'a Release<'c>,
    pub shell: Shell,
    charts: PathBuf,
}

impl<'a, 'c> Desk<'a, 'c> {
    pub fn new(release: &'a Release<'c>) -> Self {
        Self::with(release, Helm::V3)
    }

    pub fn with(release: &'a Release<'c>, helm: Helm) -> Self {
        let shell = release.cluster.shell(helm).unwrap();
        shell
            .install("camunda-upgrade-guard", BINARY.as_ref())
            .unwrap();
        let charts = release.cluster.scratch("charts").unwrap();
        Self {
            release,
            shell,
            charts,
        }
    }

    pub fn stock(&self, version: &str, chart: PathBuf) {
        symlink(chart, self.charts.join(version)).unwrap();
    }

    /// Has a plan's script in a file.
    pub fn plan(&self, to: &str) -> String {
        self.script(to, "")
    }

    /// The same with other flags.
    fn script(&self, to: &str, flags: &str) -> String {
        let line = format!(
            "camunda-upgrade-guard plan camunda --to {to} {flags} -n {} -o shell --chart '{}/{{version}}' > plan.sh; cat plan.sh",
            &*self.release.namespace,
            self.charts.display()
        );
        let planned = self.shell.run(&line).unwrap().ok().unwrap();
        let syntax = self.shell.check_syntax(&planned.stdout).unwrap();
        syntax.ok().unwrap();
        planned.stdout
    }

    /// No container runs, so nothing can be dumped from one.
    pub fn walk(&self, variables: &str) -> Output {
        let line = format!("{variables} YES=1 BACKUP=0 bash plan.sh");
        let release = self.release;
        let walk = || self.shell.run(&line).unwrap();
        release.cluster.with_ready_pods(&release.namespace, walk)
    }
}

fn installed<'c>(cluster: &'c Cluster, chart: &str, args: &[&str]) -> Release<'c> {
    let release = Release::new(cluster, "camunda");
    release.install(Helm::V3, &own(chart), args).ok().unwrap();
    release.bind_all();
    release
}

/// From a look at the cluster to bound volumes, with nothing but what was printed, and the guard in place.
#[test]
fn the_way_from_8_2_to_8_3_is_the_plans_alone() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let _guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let release = installed(&cluster, "camunda-8.2", &[]);
    let volumes = ["0", "1"].map(|ordinal| release.bound(&format!("{OLD}{ordinal}")));
    let secrets = release.secrets();
    let desk = Desk::new(&release);
    let scan = format!("camunda-upgrade-guard scan -n {}", &*release.namespace);
    let scan = desk.shell.run(&scan).unwrap().ok().unwrap();
    let way = scan
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("The whole way: "));
    let way = desk.shell.run(way.unwrap()).unwrap().ok().unwrap();
    assert!(
        way.stdout.contains("from chart 8.2.34 to 8.3.26"),
        "{}",
        way.stdout
    );

    let script = desk.plan("8.3.1");
    // Without the chart there is no upgrade; the way goes on from there.
    let stopped = desk.walk("").refused().unwrap();
    // Nothing has been stopped by then.
    let told = "go on with FROM=1,";
    assert!(
        stopped.stderr.contains(told),
        "{}\n{script}",
        stopped.report()
    );
    desk.stock("8.3.1", own("camunda-8.3"));
    desk.walk("FROM=1").ok().unwrap();

    for (ordinal, volume) in volumes.iter().enumerate() {
        assert_eq!(release.bound(&format!("{NEW}{ordinal}")), *volume);
        assert_eq!(release.get("pvc", &format!("{OLD}{ordinal}")), None);
    }
    let now = release.secrets();
    for (name, data) in &secrets {
        assert_eq!(now.get(name), Some(data), "{name}");
    }
    let status = release.revisions().pop().unwrap();
    assert_eq!(status, (2, "deployed".to_owned()));
}

/// What somebody has set for 12; what may be secret of it no plan shows, and `convert` writes it.
const VALUES: &str = "
zeebe:
  env: [{name: ZEEBE_BROKER_DATA_DISKUSAGECOMMANDWATERMARK, value: '0.9'}]
operate:
  env: [{name: CAMUNDA_OPERATE_ARCHIVER_WAITPERIODBEFOREARCHIVING, value: 2h}, {name: ACME_KEY, value: hunter2}]
";

/// Two upgrades, each with its values converted and its credentials and Jobs seen to.
#[test]
fn the_way_from_12_to_14_is_the_plans_alone() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let _guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let values = cluster.scratch("values").unwrap().join("values.yaml");
    fs::write(&values, VALUES).unwrap();
    let release = installed(&cluster, "camunda-12", &["-f", values.to_str().unwrap()]);
    let (volumes, before) = (release.volumes(), release.secrets());
    let desk = Desk::new(&release);
    desk.stock("13.13.0", own("camunda-13"));
    let last = record(&cluster, &corpus, "14.0.0-identity", Secrets::ReuseLookup);
    desk.stock("14.0.0", last.path);
    let script = desk.plan("14.0.0");
    assert!(!script.contains("hunter2"), "{script}");
    let convert = "convert camunda -n ";
    assert!(script.contains(convert), "{script}");
    let without = desk.walk("").refused().unwrap();
    let told = "values.yaml is not here.";
    assert!(without.stderr.contains(told), "{}", without.report());
    fs::copy(&values, desk.shell.dir().join("values.yaml")).unwrap();
    let walked = desk.walk("").ok().unwrap();
    assert!(!walked.report().contains("hunter2"), "{}", walked.report());
    let written = desk.shell.dir().join("camunda-13.yaml");
    let mode = fs::metadata(&written).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(fs::read_to_string(&written).unwrap().contains("hunter2"));

    assert!(
        release.volumes().is_superset(&volumes),
        "{}",
        walked.report()
    );
    let carried = &release.secrets()["camunda-credentials"];
    for (key, secret, old) in crate::corpus_13::CARRIED {
        assert_eq!(carried[key], before[secret][old], "{key}");
    }
    let brokers = release.get("statefulset", "camunda-zeebe").unwrap();
    let image = &brokers["spec"]["template"]["spec"]["containers"][0]["image"];
    assert!(image.as_str().unwrap().contains(":8.9."), "{image}");
    let status = release.revisions().pop().unwrap();
    assert_eq!(status, (3, "deployed".to_owned()));
}

/// Whoever turns back before the upgrade has everything as it was.
#[test]
fn the_way_back_starts_what_was_stopped() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let _guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let release = installed(&cluster, "camunda-8.2", &[]);
    let volumes = ["0", "1"].map(|ordinal| release.bound(&format!("{OLD}{ordinal}")));
    let desk = Desk::new(&release);
    // It can be had, and then it can't be rendered.
    let broken = desk.charts.join("8.3.1");
    fs::create_dir(&broken).unwrap();
    let metadata = "{apiVersion: v2, name: camunda-platform, version: 8.3.1}";
    fs::write(broken.join("Chart.yaml"), metadata).unwrap();
    fs::create_dir(broken.join("templates")).unwrap();
    fs::write(broken.join("templates/a.yaml"), "{{ fail \"broken\" }}").unwrap();
    let script = desk.plan("8.3.1");
    let stopped = desk.walk("").refused().unwrap();
    let told = "go on with FROM=6,";
    assert!(stopped.stderr.contains(told), "{}", stopped.report());
    assert_eq!(release.get("deployment", "camunda-operate"), None);

    let (_, back) = script.split_once("# The way back:\n").unwrap();
    let back = back.lines().map_while(|line| line.strip_prefix("# "));
    let back: Vec<_> = back.filter_map(|line| line.strip_prefix("  ")).collect();
    assert_eq!(back.len(), 2, "{script}");
    desk.shell.run(&back.join("\n")).unwrap().ok().unwrap();
    for (ordinal, volume) in volumes.iter().enumerate() {
        assert_eq!(release.bound(&format!("{OLD}{ordinal}")), *volume);
    }
    assert!(release.get("deployment", "camunda-operate").is_some());
    let nodes = release.get("statefulset", "elasticsearch-master").unwrap();
    assert_eq!(nodes["spec"]["replicas"], 2);
    let status = release.revisions().pop().unwrap();
    assert_eq!(status, (2, "deployed".to_owned()));
}

/// Helm was killed while it was at work: its record keeps every other upgrade out, the guard's own plan included.
#[test]
fn a_plan_goes_on_where_helm_was_cut_off() {
    let Some(cluster) = Cluster::lease_or_skip() else {
        return;
    };
    let _guard = cluster.guard(GuardOptions::new(BINARY)).unwrap();
    let release = installed(&cluster, "camunda-8.2", &[]);
    let volume = release.bound(&format!("{OLD}0"));
    let desk = Desk::new(&release);
    desk.stock("8.3.1", own("camunda-8.3"));
    let namespace = &*release.namespace;
    let left = format!(
        "kubectl -n {namespace} get secret sh.helm.release.v1.camunda.v1 -o yaml \
         | sed -e 's/camunda\\.v1$/camunda.v2/' -e 's/status: deployed/status: pending-upgrade/' -e 's/version: \"1\"/version: \"2\"/' \
         -e '/uid:/d' -e '/resourceVersion:/d' | kubectl create -f -"
    );
    desk.shell.run(&left).unwrap().ok().unwrap();
    let plan = format!("camunda-upgrade-guard plan camunda --to 8.3.1 -n {namespace}");
    let refused = desk.shell.run(&plan).unwrap().refused().unwrap();
    assert!(
        refused.stderr.contains("goes on from there with --resume"),
        "{}",
        refused.report()
    );

    desk.script("8.3.1", "--resume");
    let asked = desk.walk("").refused().unwrap();
    let told = "See that no helm is at work on revision 2, which is pending-upgrade";
    assert!(asked.report().contains(told), "{}", asked.report());
    desk.walk("DECIDED=1").ok().unwrap();
    assert_eq!(release.bound(&format!("{NEW}0")), volume);
    let status = release.revisions().pop().unwrap();
    assert_eq!(status, (2, "deployed".to_owned()));
}
