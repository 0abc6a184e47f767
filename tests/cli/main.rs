//! The command line as a person types it, with what may be wrong on it.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod addresses;
mod definition;
mod documented;
mod inputs;
mod links;
mod outputs;
mod packaging;
mod terminal;
mod tried;
mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Output},
};

use camunda_upgrade_guard::{cli::Cli, mutations::MUTATIONS, rules::RULES};
use clap::CommandFactory;

fn guard(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_camunda-upgrade-guard"))
        .args(args)
        .env_clear()
        .output()
        .unwrap()
}

#[track_caller]
fn fails(args: &[&str], because: &str) {
    let output = guard(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains(because), "{args:?}: {said}");
    assert!(output.stdout.is_empty());
}

fn certificate(dir: &Path) -> (String, String) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (dir.join("tls.crt"), dir.join("tls.key"));
    std::fs::write(&cert, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    (cert.display().to_string(), key.display().to_string())
}

/// Every rule that the guides' tables name exists, and every rule is in one of them.
#[test]
fn the_guides_tables_name_every_rule() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let known = |word: &&str| {
        let id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        word.chars().all(id)
    };
    let text = ["guide.md", "guide-8.7-8.8.md", "guide-8.8-8.10.md"]
        .map(|guide| std::fs::read_to_string(docs.join(guide)).unwrap())
        .concat();
    // Of a row only the cell with the rules: sections and remarks name keys of values.
    let cell = |line: &'_ str| line.split('|').nth(3).unwrap_or(line).to_owned();
    let text: Vec<_> = text.lines().map(cell).collect();
    let text = text.join("\n");
    let named: BTreeSet<_> = text.split('`').skip(1).step_by(2).filter(known).collect();
    let ids = RULES
        .iter()
        .map(|rule| rule.id.name())
        .chain(MUTATIONS.iter().map(|mutation| mutation.id.name()));
    let known: BTreeSet<_> = ids.chain(["management-password"]).collect();
    assert_eq!(named, known);
}

#[test]
fn webhooks_are_printed_for_a_url_and_for_a_service() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, _) = certificate(dir.path());
    for (flags, expected) in [
        (
            ["--url", "https://127.0.0.1:8443/"],
            "url: https://127.0.0.1:8443/validate",
        ),
        (["--service", "guards/guard"], "namespace: guards"),
    ] {
        let output = guard(&["webhooks", flags[0], flags[1], "--ca", &ca]);
        let yaml = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        assert!(yaml.contains(expected), "{yaml}");
        assert_eq!(yaml.matches("WebhookConfiguration").count(), 2, "{yaml}");
    }
}

#[test]
fn the_ca_can_be_left_to_cert_manager() {
    let service = ["webhooks", "--service", "guards/guard"];
    let inject = |from| guard(&[&service[..], &["--inject-ca-from", from]].concat());
    let output = inject("guards/certificate");
    let yaml = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let annotation = "cert-manager.io/inject-ca-from: guards/certificate";
    assert_eq!(yaml.matches(annotation).count(), 2, "{yaml}");
    assert!(!yaml.contains("caBundle"), "{yaml}");
    fails(
        &[&service[..], &["--inject-ca-from", "guards"]].concat(),
        "NAMESPACE/CERTIFICATE",
    );
    fails(&service, "--ca");
}

#[test]
fn the_ca_can_be_left_to_the_guard() {
    let command = ["webhooks", "--service", "guards/guard", "--self-managed"];
    let output = guard(&command);
    assert!(output.status.success());
    let yaml = String::from_utf8(output.stdout).unwrap();
    assert!(
        yaml.contains("matchConditions") && !yaml.contains("caBundle"),
        "{yaml}"
    );
    fails(
        &[&command[..], &["--inject-ca-from", "a/b"]].concat(),
        "cannot be used with",
    );
}

#[test]
fn scan_and_plan_say_what_is_wrong() {
    let no_cluster = "no cluster: ";
    fails(&["scan"], no_cluster);
    fails(&["plan", "camunda", "--to", "8.3.1"], no_cluster);
    fails(&["plan", "camunda"], "--to <VERSION>");
    fails(&["plan", "--to", "8.3.1"], "<RELEASE>");
    let restore = |more: &[&str], because: &str| {
        let args = [&["plan", "camunda", "--restore"], more].concat();
        fails(&args, because);
    };
    restore(&["1748937221"], no_cluster);
    restore(&["1748937221", "--to", "12.13.3"], no_cluster);
    restore(&["0"], "0 is not in 1..");
    restore(&["latest"], "invalid digit");
    restore(&["1", "-f", "values.yaml"], "'--values <FILE>'");
    restore(&["1", "--chart", "acme/camunda"], "'--chart <REF>'");
    fails(
        &["plan", "camunda", "--to", "13.12"],
        "\"13.12\" is none of these: a chart's version (13.13.0), a line of charts (13)",
    );
    fails(&["scan", "-A", "-n", "prod"], "cannot be used with");
    fails(
        &["scan", "-o", "pdf"],
        "[possible values: text, json, yaml, html, openreports, policyreport]",
    );
    fails(
        &["scan", "--fail-on", "refused"],
        "[possible values: deny, warn]",
    );
    for args in [&["scan"][..], &["scan", "-o", "json", "-o", "yaml"]] {
        assert_eq!(guard(args).status.code(), Some(2), "{args:?}");
    }
    fails(
        &["plan", "camunda", "--to", "8.3.1", "-o", "pdf"],
        "[possible values: text, json, yaml, markdown, shell, html]",
    );
    fails(
        &["scan", "--kubeconfig", "/no/such/file"],
        "can't read --kubeconfig /no/such/file",
    );
}

#[test]
fn ready_says_what_is_wrong() {
    fails(&["ready", "127.0.0.1:1"], "can't ask 127.0.0.1:1: ");
    fails(&["ready", "localhost"], "can't ask localhost: ");
}

#[test]
fn ready_tells_why_a_guard_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(dir.path());
    let kubeconfig = dir.path().join("config");
    let nowhere = r#"{"clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "a", "user": {}}], "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}"#;
    std::fs::write(&kubeconfig, nowhere).unwrap();
    let [admin] = harness::free_addresses().unwrap().map(|it| it.to_string());
    let tls = ["--tls-cert", &cert, "--tls-key", &key];
    let mut serving = Command::new(env!("CARGO_BIN_EXE_camunda-upgrade-guard"))
        .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", &admin])
        .args(tls)
        .arg("--kubeconfig")
        .arg(&kubeconfig)
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let because = format!("{admin} is not ready: api-server: ");
    let told = harness::wait_until(
        "the guard answers",
        std::time::Duration::from_secs(60),
        || {
            let output = guard(&["ready", &admin]);
            let said = String::from_utf8(output.stderr)?;
            Ok((!output.status.success() && said.contains(&because)).then_some(()))
        },
    );
    serving.kill().unwrap();
    serving.wait().unwrap();
    told.unwrap();
}

#[test]
fn every_rule_explains_itself() {
    for rule in RULES {
        let output = guard(&["explain", rule.id.name()]);
        let page = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        assert!(
            page.starts_with(&format!("# `{}`\n", rule.id.name())),
            "{page}"
        );
        for row in ["- **Lets pass**: ", "**Cure.** "] {
            assert!(page.contains(row), "{}: no {row:?}", rule.id.name());
        }
    }
    for mutation in &MUTATIONS {
        let output = guard(&["explain", mutation.id.name()]);
        let page = String::from_utf8(output.stdout).unwrap();
        assert_eq!(page, mutation.page);
        assert!(
            page.starts_with(&format!("# `{}`\n", mutation.id)),
            "{page}"
        );
        assert!(page.contains("\n**To have it otherwise.** "), "{page}");
    }
    let list = String::from_utf8(guard(&["explain"]).stdout).unwrap();
    let pages = ["override", "glossary"];
    let listed = RULES.len() + MUTATIONS.len() + pages.len();
    assert_eq!(list.lines().count(), listed);
    for page in pages {
        let output = guard(&["explain", page]);
        let file = format!("docs/{page}.md");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            fs::read_to_string(file).unwrap()
        );
    }
    let hop = String::from_utf8(guard(&["explain", "hop"]).stdout).unwrap();
    assert!(hop.starts_with("# hop\n\nOne upgrade "), "{hop}");
    fails(
        &["explain", "no-such-rule"],
        "there is no rule no-such-rule",
    );
}

/// Code, pages and list come from one table.
#[test]
fn every_page_is_of_a_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(
        files,
        RULES.len() + MUTATIONS.len() + 1,
        "a page without a rule"
    );
}

#[test]
fn webhooks_say_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, key) = certificate(dir.path());
    fails(&["webhooks", "--ca", &ca], "--url");
    fails(
        &["webhooks", "--url", "http://x", "--ca", &ca],
        "--url must start with https://",
    );
    fails(
        &["webhooks", "--service", "guard", "--ca", &ca],
        "--service must be NAMESPACE/NAME",
    );
    fails(
        &[
            "webhooks",
            "--service",
            "a/b",
            "--url",
            "https://x",
            "--ca",
            &ca,
        ],
        "cannot be used with",
    );
    fails(
        &["webhooks", "--service", "a/b", "--ca", "/no/such/file"],
        "can't read --ca /no/such/file",
    );
    fails(
        &["webhooks", "--service", "a/b", "--ca", &key],
        "holds no certificate",
    );
}

#[test]
fn serve_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(dir.path());
    let listen = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    let serve =
        |more: &[&str], because: &str| fails(&[&["serve"], &listen[..], more].concat(), because);
    serve(&[], "--tls-cert");
    serve(
        &[
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
            "--release-lines",
            "/no/such/folder",
        ],
        "reading /no/such/folder",
    );
    serve(
        &["--tls-cert", "/no/such/file", "--tls-key", &key],
        "/no/such/file",
    );
    serve(&["--tls-cert", &key, "--tls-key", &key], "certificate");
    let pair = ["--tls-cert", &cert, "--tls-key", &key];
    serve(
        &[&pair[..], &["--kubeconfig", "/no/such/file"]].concat(),
        "can't read --kubeconfig /no/such/file",
    );
    serve(&pair, "--kubeconfig names one");
    serve(
        &[&pair[..], &["--retain-volumes", "some"]].concat(),
        "elasticsearch, all, off",
    );
    serve(
        &[&pair[..], &["--log-format", "xml"]].concat(),
        "text, json",
    );
    let own = ["--tls-secret", "guard/ca", "--tls-name", "guard.guard.svc"];
    serve(&own[..2], "--tls-name");
    serve(&own[2..], "--tls-secret");
    serve(&["--tls-secret", "ca", "--tls-name", "a"], "NAMESPACE/NAME");
    serve(&[&own[..], &pair[..]].concat(), "--tls-cert");
    for life in ["1s", "720", "999999999h", "-1h", "soon"] {
        let given = format!("--tls-ca-life={life}");
        serve(&[&own[..], &[&given]].concat(), "--tls-ca-life");
    }
}

/// The flags that a command's help lists, each with the variable and the default that it has.
fn flags(command: &str) -> BTreeMap<String, (Option<String>, String)> {
    let help = guard(&[command, "--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    let text = text.split("\nExamples:\n").next().unwrap();
    // A flag with a letter of its own stands as far to the left as that.
    let aligned = text.lines().map(|line| match line.split_once(", --") {
        Some((letter, flag)) if letter.trim().len() == 2 => format!("      --{flag}"),
        _ => line.to_owned(),
    });
    let aligned: Vec<_> = aligned.collect();
    let text = aligned.join("\n") + "\n";
    let listed = text.split("\n      --").skip(1);
    let bracketed = |flag: &str, start: &str| {
        let (_, rest) = flag.split_once(start)?;
        // A default may be an IPv6 address.
        let (value, _) = rest.split_once("]\n").or_else(|| rest.rsplit_once(']'))?;
        Some(value.to_owned())
    };
    let described = listed.map(|flag| {
        let name = flag.split_whitespace().next().unwrap_or_default();
        let variable = bracketed(flag, "[env: ").map(|it| it.trim_end_matches('=').to_owned());
        let default = bracketed(flag, "[default: ").unwrap_or_default();
        (format!("--{name}"), (variable, default))
    });
    described.filter(|(name, _)| name != "--help").collect()
}

#[test]
fn the_page_of_the_command_line_is_what_help_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md");
    let page = fs::read_to_string(page).unwrap();
    let cli = Cli::command();
    let commands: Vec<_> = cli.get_subcommands().map(|it| it.get_name()).collect();
    for section in page.split("\n## ").skip(1) {
        let (command, text) = section.split_once('\n').unwrap();
        assert!(commands.contains(&command), "{command}");
        let rows = text.lines().filter_map(|line| line.strip_prefix("| `--"));
        let documented: BTreeMap<_, _> = rows
            .map(|row| {
                let cells: Vec<_> = row.split('|').map(str::trim).collect();
                let name = cells[0].split('`').next().unwrap();
                (format!("--{name}"), cells[1].trim_matches('`').to_owned())
            })
            .collect();
        let listed = flags(command);
        assert!(documented.keys().eq(listed.keys()), "{command}: {listed:?}");
        for (name, (variable, default)) in listed {
            // Where it is words, help has it in words of its own.
            if !default.contains(' ') {
                assert_eq!(documented[&name], default, "{name}");
            }
            if command == "serve" && name != "--check-config" {
                let expected = name[2..].replace('-', "_").to_uppercase();
                assert_eq!(variable, Some(format!("CAMUNDA_UPGRADE_GUARD_{expected}")));
            }
        }
    }
    for command in commands {
        assert!(page.contains(&format!("\n## {command}\n")), "{command}");
    }
}

#[test]
fn a_configuration_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let name = file.display().to_string();
    let check = || {
        let tls = ["--tls-cert", "a", "--tls-key", "b"];
        let args = ["serve", "--check-config", "--config", &name];
        guard(&[&args[..], &tls[..]].concat())
    };
    // The example of the documentation, as it stands there.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page.split("```yaml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    std::fs::write(&file, example).unwrap();
    let output = check();
    assert!(output.status.success(), "{output:?}");
    std::fs::write(&file, "mode: enforce\nrules:\n  downgrades: off\n").unwrap();
    let output = check();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("downgrades") && said.contains("line 3"),
        "{said}"
    );
}
