//! Values that are printed, as the schema of the chart that is to read them has it.

use std::{collections::BTreeSet, fs, path::PathBuf, process};

use camunda_upgrade_guard::{
    change::Rendered,
    finding::{Command, Finding},
    plan, rules,
};
use harness::{Binaries, Corpus, Helm};
use serde_json::Value;

use super::{NEXT, block::asked_for, script, standing};
use crate::{
    corpus_volumes::{live, newest, release},
    pairs::{PAIRS, upgrade},
};

/// Keys of the line before that a user takes out.
const OLD: [&str; 6] = [
    "zeebe",
    "zeebeGateway",
    "zeebe-gateway",
    "operate",
    "tasklist",
    "postgresql",
];

/// Nothing of the cluster is needed for the types of values.
const STAGE: &str = r#"
kubectl() { case "$*" in *go-template=*) echo '{}' ;; *) echo output ;; esac; }
openssl() { echo 0123; }
base64() { cat; }
tr() { cat; }
camunda-upgrade-guard() {
  [[ $1 = convert ]] || return 0
  while [[ $1 != -o ]]; do shift; done
  printf '%s\n' "$CONVERTED" > "$2"
}
grep() { cat >/dev/null; }
helm() {
  case $1 in
  upgrade) "$HELM" template c "$CHART" "${@:4}" ;;
  version) echo v9.9.9 ;;
  esac
}
"#;

/// A chart of nothing but its defaults and their schema.
struct Chart {
    folder: tempfile::TempDir,
    helm: PathBuf,
}

impl Chart {
    fn of(corpus: &Corpus, binaries: &Binaries, record: &str, version: &str) -> Chart {
        let folder = tempfile::tempdir().unwrap();
        let schemas = PathBuf::from(std::env::var_os("CAMUNDA_CORPUS").unwrap()).join("schemas");
        let write = |file: &str, text: String| fs::write(folder.path().join(file), text).unwrap();
        write(
            "Chart.yaml",
            "{apiVersion: v2, name: c, version: 1.0.0}".to_owned(),
        );
        write(
            "values.yaml",
            corpus.record(record).unwrap().values.to_string(),
        );
        let schema = schemas.join(format!("{version}.json"));
        fs::copy(&schema, folder.path().join("values.schema.json")).unwrap();
        Chart {
            folder,
            helm: Helm::V4.binary(binaries).to_owned(),
        }
    }

    /// What Helm says against values and what is done with them, where the program would write these converted ones.
    fn complaints(&self, own: &Value, script: &str, converted: &str) -> BTreeSet<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("values.yaml"), own.to_string()).unwrap();
        let answers = folder.path().join("answers");
        fs::write(&answers, "typed-by-somebody\n".repeat(100)).unwrap();
        let output = process::Command::new("bash")
            .args([
                "--noprofile",
                "--norc",
                "-c",
                &format!("{STAGE}\nset -eu\n{script}"),
            ])
            .env("HELM", &self.helm)
            .env("CHART", self.folder.path())
            .env("CONVERTED", converted)
            .env("HOME", folder.path())
            .envs(asked_for(script).into_iter().map(|name| (name, "given")))
            .stdin(fs::File::open(&answers).unwrap())
            .current_dir(folder.path())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        let lines = error.lines().map(str::trim);
        let told: BTreeSet<_> = lines
            .filter(|line| line.starts_with("- at "))
            .map(str::to_owned)
            .collect();
        assert!(
            output.status.success() || !told.is_empty(),
            "{error}\n{script}"
        );
        told
    }
}

/// The user's values, without what is to be taken out.
fn kept(corpus: &Corpus, name: &str) -> Value {
    let mut own = corpus.record(name).unwrap().config;
    if let Some(own) = own.as_object_mut() {
        own.retain(|key, _| !OLD.contains(&key.as_str()));
    }
    if own.is_null() {
        serde_json::json!({})
    } else {
        own
    }
}

/// The files and flags of findings, as one upgrade is given them.
fn given(findings: &[Finding]) -> Option<String> {
    let (mut files, mut flags) = (Vec::new(), Vec::new());
    let commands = findings
        .iter()
        .flat_map(|finding| &finding.fixes)
        .flat_map(|fix| &fix.commands);
    for command in commands {
        let text = command.text().to_owned();
        let list = match command {
            Command::HelmFlag(_) => &mut flags,
            _ if text.starts_with("cat > ") || text.starts_with("export ") => &mut files,
            _ if text.starts_with("--set") => &mut flags,
            _ => continue,
        };
        if !list.contains(&text) {
            // Who has not got the program gives what is written by hand in place of the other file.
            list.push(text.replacen("-by-hand.yaml", ".yaml", 1));
        }
    }
    (!flags.is_empty()).then(|| {
        format!(
            "{}\nhelm upgrade c c -f values.yaml {}",
            files.join("\n"),
            flags.join(" ")
        )
    })
}

const PLAIN: &str = "helm upgrade c c -f values.yaml";

#[test]
fn files_and_flags_are_as_the_schema_of_their_chart_has_it() {
    let (Some(corpus), Some(binaries)) = (Corpus::find(), Binaries::find_or_skip()) else {
        return;
    };
    let mut faults = Vec::new();
    for (version, record) in [
        ("13.12.7", "13.12.7-defaults"),
        ("14.0.0", "14.0.0-identity"),
    ] {
        let chart = Chart::of(&corpus, &binaries, record, version);
        let mut checked = 0;
        for (from, to) in PAIRS.iter().filter(|(_, to)| to.starts_with(version)) {
            let (change, facts) = upgrade(&corpus, from, to);
            let Some(given) = given(&rules::judge(&change, &facts)) else {
                continue;
            };
            checked += 1;
            let own = kept(&corpus, to);
            let before = chart.complaints(&own, PLAIN, "");
            let converted = rules::converted_file(&change, &facts).unwrap_or_default();
            let after = chart.complaints(&own, &given, &converted.0);
            faults.extend(
                after
                    .difference(&before)
                    .map(|fault| format!("{from} to {to}: {fault}")),
            );
        }
        for name in corpus.names().unwrap() {
            if !NEXT
                .iter()
                .any(|(line, to)| name.starts_with(line) && *to == version)
            {
                continue;
            }
            checked += 1;
            let rendered = Rendered::of(&release(&corpus, &name, "deployed"), None);
            let own = kept(&corpus, &name);
            let before = chart.complaints(&own, PLAIN, "");
            let standing = standing(&rendered);
            let hop = plan::first(&standing, &version.parse().unwrap(), &newest());
            let (change, facts) = (hop.unwrap().unwrap(), live(&rendered));
            let converted = rules::converted_file(&change, &facts).unwrap_or_default();
            let after = chart.complaints(&own, &script(&rendered, version), &converted.0);
            faults.extend(
                after
                    .difference(&before)
                    .map(|fault| format!("plan of {name}: {fault}")),
            );
        }
        assert!(checked > 3, "{version}");
    }
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// The check itself finds what it is there for.
#[test]
fn a_number_where_the_schema_has_a_text_is_found() {
    let (Some(corpus), Some(binaries)) = (Corpus::find(), Binaries::find_or_skip()) else {
        return;
    };
    let chart = Chart::of(&corpus, &binaries, "13.12.7-defaults", "13.12.7");
    let own = serde_json::json!({});
    assert_eq!(chart.complaints(&own, PLAIN, ""), BTreeSet::new());
    for (flag, fits) in [
        ("--set orchestration.clusterSize=5", false),
        ("--set-string orchestration.clusterSize=5", true),
    ] {
        let complaints = chart.complaints(&own, &format!("{PLAIN} {flag}"), "");
        assert_eq!(complaints.is_empty(), fits, "{flag}: {complaints:?}");
    }
}
