//! `check` as a person runs it: whatever it is given, it says what the webhook would.

use std::fs;

use harness::{Denial, Helm, Run, Secrets};

use crate::{
    charts::{ANEW, REUSE, copied, own},
    command::says,
    release::{Release, assert_same_verdict, record},
    stage::{BINARY, guarded, guarded_with_corpus},
};

/// What stops 8.2 to 8.3 with new credentials.
const RULES: [&str; 3] = [
    "elasticsearch-claims-orphaned",
    "identity-secret-regenerated",
    "immutable-field-changed",
];

/// Whatever Helm prints of an upgrade is judged as the webhook judges it.
#[test]
fn an_upgrade_is_judged_from_whatever_helm_prints() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    release.bind_all();
    let target = own("camunda-8.3");
    let denial = release.refused(Helm::V3, &target, &[ANEW]);
    denial.assert_rules(&RULES);
    for helm in Helm::BOTH {
        let printed = |more: &[&str]| {
            let args = [&[ANEW, "--dry-run=server"], more].concat();
            release.upgrade(helm, &target, &args).ok().unwrap().stdout
        };
        assert_same_verdict(&release.check(&["-"], &printed(&["--debug"])), &denial);
        // What Helm prints for people has the values in it only with --debug.
        let without = release.check(&["-"], &printed(&[]));
        let unjudged = [RULES[0], RULES[1], RULES[2], "not-checked"];
        Denial::of_check(&without).assert_rules(&unjudged);
        let unknown =
            "the user's values: a rendered manifest does not show them; -f FILE gives them";
        assert!(without.stdout.contains(unknown), "{}", without.stdout);
        assert!(
            without
                .stdout
                .contains("not judged: authentication-not-explicit, ")
        );
    }
    // A manifest alone says neither where it goes nor with which values.
    let template = cluster
        .helm(Helm::V4)
        .template("camunda", &target, &release.namespace, &[ANEW]);
    let manifest = template.ok().unwrap().stdout;
    let folder = cluster.scratch("check").unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let rendered = file("rendered.yaml", &manifest);
    let values = file("values.yaml", "global: {secretsMode: generateAnew}\n");
    let args = ["-n", &release.namespace, "-i", &rendered, "-f", &values];
    assert_same_verdict(&release.check(&args, ""), &denial);

    // Whoever saved the record of an upgrade that was made without a guard can have it judged, too.
    let record = cluster.get(
        "secret",
        &release.namespace,
        "sh.helm.release.v1.camunda.v1",
    );
    let saved = file("record.json", &record.unwrap().unwrap().to_string());
    says(&release.check(&["-i", &saved], ""), 0, "");
    let other = release.check(&["shop", "-i", &saved], "");
    says(&other, 2, "is about release camunda, not shop");
    let cut = file("cut.json", &fs::read_to_string(&saved).unwrap()[..2000]);
    let cut = release.check(&["-i", &cut], "");
    says(&cut, 2, "it ends too early at line 1");
    assert!(cut.stdout.is_empty());
}

/// The README's block, as it stands there but for the names of one's own.
#[test]
fn the_readmes_check_is_what_a_newcomer_can_type() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    release
        .install(Helm::V3, &own("camunda-8.2"), &[])
        .ok()
        .unwrap();
    release.bind_all();
    let readme = fs::read_to_string(harness::binaries::workspace().join("README.md")).unwrap();
    let section = readme.split("## Check an upgrade of yours").nth(1).unwrap();
    let command = section.split("```sh\n").nth(1).unwrap();
    let command = command.split("```").next().unwrap();
    let shell = cluster.shell(Helm::V4).unwrap();
    shell
        .install("camunda-upgrade-guard", BINARY.as_ref())
        .unwrap();
    let values = "global: {secretsMode: generateAnew}\n";
    fs::write(shell.dir().join("values.yaml"), values).unwrap();
    let chart = own("camunda-8.3").display().to_string();
    assert!(command.contains("camunda/camunda-platform") && command.contains("-n camunda "));
    let command = command
        .replace("camunda/camunda-platform", &chart)
        .replace("-n camunda ", &format!("-n {} ", &*release.namespace));
    let refused = shell.run(&command).unwrap();
    Denial::of_check(&refused).assert_rules(&RULES);
}

/// What Argo CD has applied left no record: what runs is told by its objects.
#[test]
fn a_manifest_is_compared_with_what_was_applied_without_helm() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let namespace = cluster.namespace("applied").unwrap();
    let release = Release::in_namespace(cluster, namespace, "camunda");
    let rendered = |chart: &str, mode: &str| {
        let template =
            cluster
                .helm(Helm::V3)
                .template("camunda", &own(chart), &release.namespace, &[mode]);
        template.ok().unwrap().stdout
    };
    let running = rendered("camunda-8.2", REUSE);
    let apply = ["apply", "-n", &release.namespace, "-f", "-"];
    cluster
        .admin()
        .run_with_input(apply, &running)
        .ok()
        .unwrap();
    release.bind_all();
    let args = [
        "camunda",
        "-n",
        &release.namespace,
        "-i",
        "-",
        "-f",
        "/dev/null",
        "--running-values",
        "/dev/null",
    ];
    let refused = release.check(&args, &rendered("camunda-8.3", ANEW));
    Denial::of_check(&refused).assert_rules(&RULES);
    let from = "upgrade of release camunda (namespace ";
    let to = ") from camunda-platform 8.2.34 to 8.3.1 is refused: Elasticsearch would start on empty volumes, and 2 more problems.";
    assert!(
        refused.stdout.starts_with(from) && refused.stdout.contains(to),
        "{}",
        refused.stdout
    );
    // The same once more is good, as far as its values are known.
    says(&release.check(&args, &running), 0, "");
    let unknown = release.check(&args[..7], &running);
    says(&unknown, 3, "");
    for expected in ["the values of what runs: ", "not judged: datastore-changed"] {
        assert!(unknown.stdout.contains(expected), "{}", unknown.stdout);
    }
}

/// Where the chart itself fails, as 14 does for much of what 13 read, the way on is told all the same.
#[test]
fn a_chart_that_fails_by_itself_is_foretold() {
    let Some((cluster, _)) = guarded() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let installed = release.install(Helm::V3, &own("camunda-12"), &[]);
    installed.ok().unwrap();
    release.bind_all();
    let chart = copied(cluster, "camunda-13");
    let fails = "{{ fail \"the chart's own words\" }}";
    fs::write(chart.join("templates/fails.yaml"), fails).unwrap();
    let shell = cluster.shell(Helm::V3).unwrap();
    let program = BINARY.as_ref();
    shell.install("camunda-upgrade-guard", program).unwrap();
    let check = |chart: &str| {
        let namespace = &*release.namespace;
        let check = format!("camunda-upgrade-guard check camunda -n {namespace} --chart {chart}");
        shell.run(&check).unwrap()
    };
    let before = release.versions();
    let foretold = check(chart.to_str().unwrap());
    says(&foretold, 1, "helm says: ");
    says(&foretold, 1, "the chart's own words");
    says(&foretold, 1, "[component-disappears]");
    says(
        &foretold,
        1,
        "All else is foretold from the release that runs",
    );
    assert_eq!(release.versions(), before);
    // Of a chart that is nowhere nothing is known.
    says(&check("./nowhere"), 2, "helm says: ");
}

/// The charts' own error names one value at a time.
#[test]
fn a_charts_passwords_error_becomes_one_list() {
    let Some((cluster, _, corpus)) = guarded_with_corpus() else {
        return;
    };
    let release = Release::new(cluster, "camunda");
    let chart = record(cluster, &corpus, "8.2.34", Secrets::FailUnlessGiven);
    release.install_record(Helm::V3, &chart);
    release.bind_all();
    let secrets = release.secrets();
    let shell = cluster.shell(Helm::V3).unwrap();
    shell
        .install("camunda-upgrade-guard", BINARY.as_ref())
        .unwrap();
    let [flag, values] = chart.with_config();
    let check = format!(
        "camunda-upgrade-guard check camunda -n {} --chart {} {flag} {values}",
        &*release.namespace,
        chart.path.display()
    );
    let asked = shell.run(&check).unwrap();
    says(&asked, 1, "The chart asks for 5 passwords");
    let denial = Denial::of_check(&asked);
    denial.assert_rules(&["identity-secret-regenerated"]);
    denial.assert_tells_none_of(&secrets);
    let cure = denial.cure(&release.upgrade_command(&chart));
    shell.run(&cure).unwrap().ok().unwrap();
    let mut after = release.secrets();
    after.insert(
        "camunda-web-modeler".to_owned(),
        secrets["camunda-web-modeler"].clone(),
    );
    assert_eq!(after, secrets);

    // With them all is well, without helm nothing is.
    let with_flags = denial.cure(&format!("{check} --"));
    says(&shell.run(&with_flags).unwrap(), 0, "");
    let args = ["check", "camunda", "--chart", "nowhere"];
    let none = Run::new(BINARY).args(args).env("PATH", "/nonexistent");
    let none = none
        .env("KUBECONFIG", cluster.kubeconfig())
        .output()
        .unwrap();
    says(&none, 2, "can't run helm, which --chart needs");
}
